"""The stack of tests/e2e."""

from e2e.conftest import stack

__all__ = ["stack"]
