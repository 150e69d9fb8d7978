"""Part of a large package, without the time that all of it takes to import."""

import importlib.util
import sys
from collections.abc import Generator
from contextlib import contextmanager
from types import ModuleType


@contextmanager
def without_contents(*packages: str) -> Generator[None, None, None]:
    """Meanwhile these packages are empty, so that a module in them is imported without the others.

    Afterwards they are again what they were, for whoever wants all of it.

    :param packages: by their full names, an outer one before an inner one.
    """
    whole: dict[str, ModuleType] = {}
    for name in packages:
        if spec := importlib.util.find_spec(name):  # which imports the package around it
            if name in sys.modules:
                whole[name] = sys.modules[name]
            sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        yield
    finally:
        for name in packages:
            del sys.modules[name]
        sys.modules.update(whole)
