"""The fleet of the project that this is run in: its stacks' files, and the rows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import yaml

import zones
from policy import UserError
from settings import fleet, ladder, policies, rows
from settings.engine import FileConfig, value
from settings.fleet import Fleet, Place, Row
from settings.ladder import Step
from settings.policies import Hosted, Hosting
from settings.reader import Reader

PROJECT = "mta-sts"
FIRST = "fleet.csv"  # where no stack says otherwise
ON_FRONT_DOOR = Place(Hosted(Hosting.FRONT_DOOR), dns={"": zones.Dns()})


@dataclass(frozen=True)
class Stack:
    """A stack with a fleet.

    :param given: its `mta-sts:fleet`.
    :param problems: what is wrong there, beside the rows.
    :param steps: its `mta-sts:ladder`.
    """

    path: Path
    shard: int
    given: Mapping[str, Any]
    place: Place
    customers: Mapping[str, str]
    problems: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ladder.DEFAULT


@dataclass
class Project:
    """A fleet, and the stacks that have its shards.

    :param only: one of its files, where new rows go; "" for the one that suits.
    """

    folder: Path = field(default_factory=Path)
    only: str = ""

    @cached_property
    def stacks(self) -> dict[int, Stack]:
        """By shard.

        :raises UserError: a stack's file can't be read, or two have the same shard.
        """
        found: dict[int, Stack] = {}
        for path in sorted(self.folder.glob("Pulumi.*.yaml")):
            stack = _stack(path)
            if stack and stack.shard in found:
                raise UserError(
                    f"{path.name}: {rows.KEY}.shard: {found[stack.shard].path.name} has shard {stack.shard}, too"
                )
            if stack:
                found[stack.shard] = stack
        return found

    @property
    def customers(self) -> dict[str, str]:
        """By file, whose all of its rows are."""
        return {name: whose for stack in self.stacks.values() for name, whose in stack.customers.items()}

    @cached_property
    def files(self) -> dict[str, Path]:
        """The fleet's files; `fleet.csv` where there is none yet.

        :raises UserError: as `rows.files`.
        """
        named: list[Any] = []
        for stack in self.stacks.values():
            given = stack.given.get("file")
            named += cast(list[Any], given) if isinstance(given, list) else [given]
        wanted = list(dict.fromkeys(named)) or [self.only or FIRST]
        there: dict[str, Path] = {}
        for name in wanted:
            if (
                isinstance(name, str)
                and not any(sign in name for sign in "*?[")
                and not (self.folder / name).exists()
            ):
                there[name] = self.folder / name  # its first row is still to be written
            else:
                there |= rows.files(self.folder, name)
        if self.only and self.only not in there:
            if not any(isinstance(name, str) and fnmatchcase(self.only, name) for name in wanted):
                raise UserError(
                    f"--file {self.only}: no stack's {rows.KEY}.file names it, but {', '.join(map(str, wanted))}"
                )
            there[self.only] = self.folder / self.only
        return there

    @cached_property
    def fleet(self) -> Fleet:
        """Its rows, as they stand."""
        there = [name for name, path in self.files.items() if path.exists()]
        customers = {name: whose for name, whose in self.customers.items() if name in there}
        return rows.read_files(self.folder, there, customers) if there else Fleet()

    def place(self, shard: int) -> Place:
        """What serves a shard; one without a stack will be as the first that there is."""
        stack = self.stacks.get(shard) or next(iter(self.stacks.values()), None)
        return stack.place if stack else ON_FRONT_DOOR

    def row_of(self, domain: str) -> Row:
        """:raises UserError: no row has the domain, or several have."""
        found = [row for row in self.fleet.rows if row.domain == domain]
        if len(found) == 1:
            return found[0]
        if found:
            raise UserError(
                f"{domain} stands in {', '.join(row.key for row in found)}; remove all but one by hand"
            )
        raise UserError(
            f"{domain} is in none of {', '.join(self.files)}; python -m tools.fleet show lists what is"
        )


def config_of(path: Path) -> dict[str, Any]:
    """A stack's configuration, by whole keys.

    :raises UserError: it is no stack's file.
    """
    try:
        data: Any = yaml.safe_load(path.read_text("utf-8")) or {}
        config = cast(dict[Any, Any], data.get("config") or {})
        return {(str(name) if ":" in str(name) else f"{PROJECT}:{name}"): each for name, each in config.items()}
    except (OSError, UnicodeError, AttributeError, yaml.YAMLError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" line {mark.line + 1}" if mark else ""
        raise UserError(f"{path.name}{where}: is no stack's file") from None


def _stack(path: Path) -> Stack | None:
    config = FileConfig(PROJECT, config_of(path))
    given = value(config, "fleet")
    if given is None:
        return None
    reader = Reader(config.encrypted)
    named = reader.mapping(given, rows.KEY, fleet.KEYS)
    dns = zones.read(reader, value(config, "dns"), "mta-sts:dns", None)
    whole = {name: value(config, name) for name in ("hosting", "movingFrom")}
    hosted = policies.read_hosting(reader, whole, "mta-sts:", Hosted())
    shard = policies.read_number(reader, named.get("shard"), f"{rows.KEY}.shard", rows.LAST_SHARD)
    place = fleet.read_place(reader, named, dns, hosted)
    customers = fleet.read_customers(reader, named.get("customers"))
    steps = ladder.read(reader, value(config, "ladder"))
    if shard is None:
        raise UserError("\n".join(f"{path.name}: {problem}" for problem in reader.problems))
    return Stack(
        path,
        shard,
        named,
        place,
        customers,
        tuple(f"{path.name}: {problem}" for problem in reader.problems),
        steps,
    )
