"""Which stacks a fleet has: every Pulumi.<stack>.yaml with `mta-sts:fleet`, and the rows of its shard."""

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml

from policy import UserError
from settings import fleet
from settings.fleet import Row

KEY = "mta-sts:fleet"
# What a run of the program depends on, beside its stack's file and the fleet's.
PROGRAM = (
    "Pulumi.yaml", "requirements.txt", "__main__.py", "azure_native.py", "components", "checks", "internet", "policy", "provider",
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
    """The stacks of a fleet, and what its files hold.

    :param project: the folder of Pulumi.yaml.
    :param name: of its file, as the stacks have it.
    :param without_stack: shards of the file that no stack has.
    :param problems: what is wrong with the file, a line each.
    """

    project: Path
    name: str
    shards: tuple[Shard, ...]
    without_stack: tuple[int, ...]
    problems: tuple[str, ...]

    def missing(self, numbers: Iterable[int] = ()) -> str:
        """What to do about shards without a stack, among these or all; "" where there are none."""
        wanted = set(numbers)
        bare = [str(number) for number in self.without_stack if not wanted or number in wanted]
        if not bare:
            return ""
        what = f"shard {bare[0]} has" if len(bare) == 1 else f"the shards {', '.join(bare)} have"
        return f"{self.name}: {what} no stack yet: python -m tools.fleet init"


def read(project: Path, only: str = "") -> Fleet:
    """The fleet of a project.

    :param only: its file as the stacks have it, where they name several.
    :raises UserError: there is none, two stacks have one shard, or its file can't be read at all.
    """
    stacks = {path: given for path in sorted(project.glob("Pulumi.*.yaml")) if (given := _fleet_of(path))}
    stacks = {path: given for path, given in stacks.items() if only in ("", name_of(given["file"]))}
    names = sorted({name_of(given["file"]) for given in stacks.values()})
    if not names:
        raise UserError(
            f"no Pulumi.<stack>.yaml here has {KEY}{f' with the file {only}' if only else ''}; docs/fleet.md"
        )
    if len(names) > 1:
        raise UserError(f"the stacks have several fleets, {', '.join(names)}; choose one: --file '{names[0]}'")
    first = next(iter(stacks.values()))
    found = fleet.read_files(project, first["file"], first.get("customers"))
    rows = found.shards
    shards: dict[int, Shard] = {}
    for path, given in stacks.items():
        number, stack = given["shard"], path.name.removeprefix("Pulumi.").removesuffix(".yaml")
        if number in shards:
            other = shards[number].file.name
            raise UserError(f"{path.name}: {KEY}.shard: {number} is also {other}'s; one of them is too many")
        shards[number] = Shard(number, stack, path, tuple(rows.get(number, ())))
    problems = [*found.problems, *(problem for row in found.rows for problem in row.problems)]
    ordered = tuple(shards[number] for number in sorted(shards))
    return Fleet(
        project, names[0], ordered, tuple(sorted(set(rows) - set(shards))), tuple(dict.fromkeys(problems))
    )


def name_of(file: Any) -> str:
    """`mta-sts:fleet.file` as a text: a name, a pattern, or several."""
    return " ".join(map(str, cast(list[Any], file))) if isinstance(file, list) else str(file)


def _fleet_of(path: Path) -> dict[str, Any] | None:
    """A stack file's `mta-sts:fleet`; None where it has none.

    :raises UserError: it can't be read.
    """
    try:
        file = yaml.safe_load(path.read_text(encoding="utf-8"))
        found = (file or {}).get("config", {}).get(KEY)
    except (OSError, ValueError, AttributeError, yaml.YAMLError):
        raise UserError(f"{path.name} is no stack file: its YAML can't be read") from None
    if found is None:
        return None
    given = cast(dict[str, Any], found) if isinstance(found, dict) else {}
    number = given.get("shard")
    if (
        not isinstance(given.get("file"), str)
        or not isinstance(number, int)
        or isinstance(number, bool)
        or number < 1
    ):
        raise UserError(f"{path.name}: {KEY} must be {{file: fleet.csv, shard: 1}}")
    return given


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
