"""Since when a policy stands as it does: the day its mode and maxAge came to the branch, by the file's git history.

No state of this program's own: whoever has the repository comes to the same day. Along first parents a change counts
from the day it was merged, not from when it was written. What moves, comments or renames elsewhere in the file counts
for nothing; a policy or file that is renamed begins anew. A row that moves from one file of a fleet to another doesn't.

Git is asked four times, however many versions and policies there are: each version is read once, the latest first,
until the day of every policy is known.
"""

import csv
import io
import os
import subprocess
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import yaml

from policy import PolicyError
from policy.names import to_a_label
from settings.policies import DAY, WEEK

VERSIONS = 1_000  # of the files that are looked through, the latest first
KEPT = 64  # versions of single files, read, at a time
ROWS = 100_000  # different ones, read, at a time
NOTHING = "0" * 40  # the object that a file is before it is there
Standing = Mapping[str, tuple[str, object]]  # mode and maxAge of a policy, by its name; of a row, by its domain


def since(folder: Path, name: str, commit: str = "HEAD") -> dict[str, date]:
    """By policy, the day (UTC) since which mode and maxAge are what they are at a commit.

    :param name: of the stack's file, in the folder.
    :returns: without the policies of which it can't be told: no repository, or a shallow one that begins later.
    """
    return _since(folder, [name], commit, standing)


def since_of_rows(folder: Path, names: Sequence[str], commit: str = "HEAD") -> dict[str, date]:
    """The same of a fleet's rows, by their domains.

    :param names: of all of the fleet's files, from the folder.
    """
    return _since(folder, names, commit, standing_of_rows)


def _since(folder: Path, names: Sequence[str], commit: str, read: Callable[[str], Standing]) -> dict[str, date]:
    listed = _git(folder, "ls-tree", commit, "--", *names)
    whole = (_git(folder, "rev-parse", "--is-shallow-repository") or "").strip() == "false"
    if not listed:
        return {}
    found: dict[str, date] = {}
    with _blobs(folder) as text:

        @lru_cache(KEPT)
        def rows(blob: str) -> Standing:
            return read(text(blob))

        left = {name: each for line in listed.splitlines() for name, each in rows(line.split()[2]).items()}
        day = None
        for day, begins, changes in _changes(folder, names, commit):
            if begins and not whole:  # what came before isn't here
                return found
            then = {name: each for old, _ in changes for name, each in rows(old).items()}
            for name in {name for _, new in changes for name in rows(new) if name in left}:
                if then.get(name) != left[name]:
                    found[name] = day
                    del left[name]
            if not left:
                break
    return {**found, **(dict.fromkeys(left, day) if day else {})}  # as long at least


def _changes(
    folder: Path, names: Sequence[str], commit: str
) -> Iterator[tuple[date, bool, list[tuple[str, str]]]]:
    """The commits that changed files, the latest first: the day, whether it is the first of all, and of each file what
    it was before and after."""
    log = _git(
        folder, "--literal-pathspecs", "log", "--first-parent", "-m", "--raw", "--no-abbrev", "--no-renames",
        f"-{VERSIONS}", "--format=%x00%ct %P", commit, "--", *names,
    )  # fmt: skip
    for version in (log or "").split("\0")[1:]:
        first, *lines = version.splitlines()
        seconds, *parents = first.split()
        changes = [(line.split()[2], line.split()[3]) for line in lines if line.startswith(":")]
        yield datetime.fromtimestamp(int(seconds), UTC).date(), not parents, changes


@contextmanager
def _blobs(folder: Path) -> Generator[Callable[[str], str]]:
    """What a blob's name stands for; "" for what is missing, or no text."""
    with subprocess.Popen(
        ["git", "-C", str(folder), "cat-file", "--batch"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        assert process.stdin
        assert process.stdout
        to, back = process.stdin, process.stdout

        def text(blob: str) -> str:
            if blob == NOTHING:
                return ""
            to.write(f"{blob}\n".encode())
            to.flush()
            told = back.readline().split()
            if len(told) != 3:
                return ""
            data = back.read(int(told[2]) + 1)[:-1]
            return data.decode("utf-8", "replace")

        yield text


def standing(text: str) -> Standing:
    """Mode and maxAge of each policy in a stack file's text; nothing of a text that is none."""
    try:
        file: Any = yaml.safe_load(text)
        config = file["config"]
        listed = config.get("mta-sts:policies", config.get("policies"))
        policies = [cast(dict[str, Any], each) for each in listed if isinstance(each, dict)]
    except (yaml.YAMLError, TypeError, KeyError, AttributeError):
        return {}
    return {
        str(each.get("name")): (
            str(each.get("mode")),
            each.get("maxAge", DAY if each.get("mode") == "none" else WEEK),
        )
        for each in policies
    }


def standing_of_rows(text: str) -> Standing:
    """Mode and maxAge of each row of a fleet file's text, as far as it can be read."""
    records = (record for record in _records(text.removeprefix("\ufeff")) if record.strip(", \r\n"))
    head = [name.strip() for name in _cells(next(records, ""))]
    columns = tuple(head.index(name) if name in head else -1 for name in ("domain", "mode", "maxAge"))
    return dict(row for record in records if (row := _row(record, columns)))


def _records(text: str) -> Iterator[str]:
    """The records of a CSV text; a line end within quotes ends none, and a quote within a cell opens nothing."""
    held, open_ = "", False
    for line in io.StringIO(text, newline=""):
        open_ = (line.count('"') % 2 == 0) if held else ('"' in line and _opens(line))
        held += line
        if not open_:
            yield held
            held = ""


@lru_cache(ROWS)
def _opens(line: str) -> bool:
    """Whether a record's first line ends within quotes."""
    try:
        next(csv.reader(io.StringIO(line, newline=""), strict=True), None)
    except csv.Error as error:
        return "unexpected end" in str(error)
    return False


@lru_cache(ROWS)
def _row(record: str, columns: tuple[int, ...]) -> tuple[str, tuple[str, object]] | None:
    """A row's domain, mode and maxAge; most rows are the same in every version of a file.

    :param columns: of these three; -1 for one that isn't there.
    """
    cells = _cells(record)
    name, mode, age = (cells[at].strip() if 0 <= at < len(cells) else "" for at in columns)
    if not name or not mode:
        return None
    with suppress(PolicyError):
        name = to_a_label(name).lower()
    return name, (mode, int(age) if age.isdecimal() else age or (DAY if mode == "none" else WEEK))


def _cells(record: str) -> list[str]:
    try:
        return next(csv.reader(io.StringIO(record, newline=""), strict=True), list[str]())
    except csv.Error:
        return []


def names_at(folder: Path, commit: str = "HEAD") -> list[str]:
    """The files that a folder has at a commit, with those in its folders, named from it; none without a repository."""
    return [
        name for name in (_git(folder, "ls-tree", "-r", "-z", "--name-only", commit) or "").split("\0") if name
    ]


def at_commit(folder: Path, name: str, commit: str = "HEAD") -> str | None:
    """A file's text at a commit, with its line ends; None where there is none."""
    return _git(folder, "cat-file", "blob", f"{commit}:./{name}")


def _git(folder: Path, *words: str) -> str | None:
    """What git says; None where it says no, or isn't there."""
    env = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    try:
        run = subprocess.run(["git", "-C", str(folder), *words], env=env, capture_output=True, check=False)
        return run.stdout.decode() if run.returncode == 0 else None
    except (OSError, UnicodeDecodeError):
        return None
