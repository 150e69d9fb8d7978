"""Where the state is kept between runs: a file, or the history. One run at a time reads and writes it."""

import fcntl
import json
import os
import tempfile
import time
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from policy import UserError

KEY = "watch"
PATIENCE = (
    300.0  # seconds for another run to finish; sending to a few channels that don't answer takes two minutes
)


class Kept(Protocol):
    """What remembers: a `checks.history.History`, or a `StateFile`."""

    def remember(self, key: str, value: Any) -> None:
        """Keep a JSON value."""
        ...

    def remembered(self, key: str) -> Any:
        """The value; None where there is none."""
        ...


class StateFile:
    """A JSON file that nobody else can read, and that is whole at any time."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def remember(self, key: str, value: Any) -> None:
        """:raises OSError: the folder can't be written."""
        text = json.dumps({**self._all(), key: value}, indent=1)
        with tempfile.NamedTemporaryFile(
            "w", dir=self._path.parent, prefix=f".{self._path.name}.", delete=False, encoding="utf-8"
        ) as file:  # which is 0600 from the beginning
            try:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
                os.replace(file.name, self._path)
            except BaseException:
                with suppress(OSError):
                    os.unlink(file.name)
                raise

    def remembered(self, key: str) -> Any:
        """:raises OSError, UserError: the file can't be read, or holds something else."""
        return self._all().get(key)

    def _all(self) -> dict[str, Any]:
        try:
            found = json.loads(self._path.read_text("utf-8"))
        except FileNotFoundError:
            return {}
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise UserError(f"{self._path} is no state of watch; move it away to begin anew")
        return found  # pyright: ignore[reportUnknownVariableType]


def open_history(where: str) -> AbstractContextManager[Kept]:
    """The history at a place; see `checks.history.open`."""
    return import_module("checks.history").open(where)


@contextmanager
def kept(state: Path | None, history: str | None) -> Generator[Kept]:
    """What remembers, for this run alone.

    :param state: a file; else the history's place, a file or `azblob://container/path`.
    :raises UserError: neither is named, or another run holds it for too long.
    """
    if state is None and not history:
        raise UserError("say where to keep what was seen: --state FILE, or --history FILE")
    if state is not None:
        with _alone(state):
            yield StateFile(state)
        return
    assert history
    opened = open_history(history)
    if "://" in history:  # the history sees itself that two runs don't write at once
        with opened as found:
            yield found
    else:
        with _alone(Path(history)), opened as found:
            yield found


@contextmanager
def _alone(path: Path) -> Generator[None]:
    """A lock beside a file, which ends with the process however that ends."""
    if not path.parent.is_dir():
        raise UserError(f"there is no folder {path.parent}")
    deadline = time.monotonic() + PATIENCE
    with open(path.with_name(f".{path.name}.lock"), "a") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise UserError(f"another run has been holding {path} for {PATIENCE:.0f} s") from None
                time.sleep(0.1)
        yield
