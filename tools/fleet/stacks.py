"""Which stacks a fleet has: every Pulumi.<stack>.yaml with `mta-sts:fleet`, and the rows of its shard."""

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from policy import UserError
from settings import problems
from settings.fleet import KEY, Row
from settings.project import Project

# What a run of the program depends on, beside its stack's file and the fleet's.
PROGRAM = (
    "Pulumi.yaml", "requirements.txt", "__main__.py", "azure_native", "components", "checks", "internet", "policy", "provider",
    "settings", "web", "zones",
)  # fmt: skip


@dataclass(frozen=True)
class Shard:
    """One shard and its stack.

    :param file: the stack's.
    """

    number: int
    stack: str
    file: Path
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Fleet:
    """The stacks of a fleet.

    :param project: with its stacks' files and the rows.
    :param without_stack: shards of the fleet's files that no stack has.
    """

    project: Project
    shards: tuple[Shard, ...]
    without_stack: tuple[int, ...]

    @property
    def name(self) -> str:
        """Its files."""
        return ", ".join(self.project.files)

    @property
    def problems(self) -> list[str]:
        """Everything that is wrong with it, a line each."""
        return problems.of(self.project, self.project.fleet)

    def missing(self, numbers: Iterable[int] = ()) -> str:
        """What to do about shards without a stack, among these or all; "" where there are none."""
        wanted = set(numbers)
        bare = [str(number) for number in self.without_stack if not wanted or number in wanted]
        if not bare:
            return ""
        what = f"shard {bare[0]} has" if len(bare) == 1 else f"the shards {', '.join(bare)} have"
        return f"{self.name}: {what} no stack yet: python -m tools.fleet init"


def read(folder: Path) -> Fleet:
    """The fleet of a project.

    :param folder: that Pulumi.yaml is in.
    :raises UserError: it has none, two stacks have one shard, or a file can't be read at all.
    """
    project = Project(folder)
    if not project.stacks:
        raise UserError(f"no Pulumi.<stack>.yaml here has {KEY}; docs/fleet.md")
    rows = project.fleet.shards
    shards = tuple(
        Shard(number, name_of(stack.path), stack.path, tuple(rows.get(number, ())))
        for number, stack in sorted(project.stacks.items())
    )
    return Fleet(project, shards, tuple(sorted(set(rows) - set(project.stacks))))


def name_of(file: Path) -> str:
    """`Pulumi.fleet-1.yaml` -> `fleet-1`."""
    return file.name.removeprefix("Pulumi.").removesuffix(".yaml")


def chosen(found: Fleet, numbers: Sequence[int]) -> tuple[Shard, ...]:
    """The shards with these numbers, all of them where none is named.

    :raises UserError: there is no such shard.
    """
    known = {shard.number: shard for shard in found.shards}
    if wrong := [number for number in numbers if number not in known and number not in found.without_stack]:
        raise UserError(f"--shards: {found.name} has no shard {wrong[0]}")
    return (
        tuple(known[number] for number in dict.fromkeys(numbers) if number in known) if numbers else found.shards
    )


def part(shards: Sequence[Shard], text: str) -> tuple[Shard, ...]:
    """One of several agents' part, `2/4`: every fourth shard from the second on; all of them for "".

    :raises UserError: it is none of that.
    """
    if not text:
        return tuple(shards)
    match = re.fullmatch(r"(\d{1,4})/(\d{1,4})", text)
    if not match or not 1 <= int(match[1]) <= int(match[2]):
        raise UserError(f"--part: {text!r} is no part; write 1/4 for the first of four")
    return tuple(shards[int(match[1]) - 1 :: int(match[2])])


def numbers(text: str) -> list[int]:
    """`1,3-5` -> [1, 3, 4, 5].

    :raises UserError: it is none of that.
    """
    found: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,6})\s*(?:-\s*(\d{1,6})\s*)?", part)
        if not match or int(match[2] or match[1]) < int(match[1]):
            raise UserError(f"--shards: {part.strip()!r} is no shard; write 1,3-5")
        found += range(int(match[1]), int(match[2] or match[1]) + 1)
    return found


def inputs(shard: Shard, program: str) -> str:
    """What an `up` of a shard goes by, in short: equal where nothing of it has changed.

    :param program: of `program`.
    """
    rows = sorted((row.domain, row.customer, row.site, sorted(row.cells.items())) for row in shard.rows)
    text = json.dumps(rows, default=str)
    return hashlib.sha256(f"{program}\n{text}\n".encode() + shard.file.read_bytes()).hexdigest()[:20]


def program(project: Path) -> str:
    """A hash of the program's files."""
    told = hashlib.sha256()
    for name in PROGRAM:
        part = project / name
        for path in sorted(part.rglob("*")) if part.is_dir() else [part]:
            if path.is_file() and "__pycache__" not in path.parts:
                told.update(
                    f"{path.relative_to(project)}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode()
                )
    return told.hexdigest()
