"""Where the state is kept between runs: a file, or the history. Two runs at once lose nothing of it."""

import fcntl
import json
import os
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol, TypeVar

from checks import history as histories
from policy import UserError

KEY = "watch"
PATIENCE = 60.0  # seconds for another run to be done with it
AGAIN = 5  # times, where another run has changed it meanwhile
T = TypeVar("T")


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


def read(state: Path | None, history: str | None) -> Any:
    """What was kept last; None for nothing.

    :param state: a file; else the history's place, a file or `azblob://container/path`.
    :raises UserError: neither is named, or it can't be read.
    """
    with _kept(state, history) as kept:
        return kept.remembered(KEY)


def update(state: Path | None, history: str | None, work: Callable[[Any], tuple[Any, T]]) -> tuple[T, str]:
    """Keep something else, made from what is kept. No other run comes in between.

    :param work: gets what is kept, and returns what is to be kept instead, and a result; it may be called again.
    :returns: the result, and why the other couldn't be kept; "" where it could.
    :raises UserError: what is kept can't be read.
    """
    why = ""
    results = list[T]()
    for _ in range(AGAIN):
        try:
            with _kept(state, history) as kept:
                value, result = work(kept.remembered(KEY))
                results.append(result)
                kept.remember(KEY, value)
            return result, ""
        except histories.ChangedError as error:
            why = str(error)
        except (OSError, UserError) as error:
            if not results:
                raise
            return results[-1], (error.strerror if isinstance(error, OSError) else None) or str(error)
    if not results:
        raise UserError(why)
    return results[-1], why


@contextmanager
def _kept(state: Path | None, history: str | None) -> Generator[Kept]:
    if state is not None:
        with _alone(state):
            yield StateFile(state)
    elif not history:
        raise UserError("say where to keep what was seen: --state FILE, or --history FILE")
    elif "://" in history:  # the blob is replaced only where it is still the one that was read
        with histories.open(history) as opened:
            yield opened
    else:
        with _alone(Path(history)), histories.open(history) as opened:
            yield opened


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
