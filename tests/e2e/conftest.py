"""The real engine on a local Azure of each test's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import TESTING, Stack


@pytest.fixture
def stack(tmp_path: Path, engine: str) -> Iterator[Stack]:
    made = Stack(tmp_path, engine)
    with made.sandbox:
        made.zones("example.org", "example.net", "example.com")
        made.configure(TESTING)
        made.pulumi("stack", "init", "test")
        yield made
