"""All domains of a fleet file at once: one page, one metrics file, one table; the worst first, by customer."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from checks import page
from checks.finding import ORDER, Domain, Finding, Level
from checks.show import COLOURS
from checks.shown import shown
from policy import UserError
from settings import problems
from settings.fleet import Fleet, Place, Row, read_files
from settings.policies import Dns, Hosted, Hosting
from settings.project import FIRST, Project
from settings.reader import Reader

NAMED = 40  # domains that the terminal names
NOBODY = "(no customer)"


@dataclass(frozen=True)
class Member:
    """One row, and what is seen of its domain.

    :param seen: where the row can't work, its problems in place of what DNS says.
    """

    row: Row
    seen: Domain

    @property
    def rank(self) -> int:
        """3 for a failure, 0 where all is well."""
        return ORDER.index(self.seen.level)

    @property
    def worse(self) -> list[Finding]:
        """What isn't well, the worst first."""
        found = [line for line in self.seen.lines if line.level in (Level.WARN, Level.FAIL)]
        return sorted(found, key=lambda line: -ORDER.index(line.level))

    @property
    def labels(self) -> dict[str, str]:
        """Of its metrics."""
        return {"customer": self.row.customer, "shard": str(self.row.shard or "")}

    def json(self) -> dict[str, Any]:
        """For `--json`."""
        return {"customer": self.row.customer, "shard": self.row.shard, "line": self.row.line, **self.seen.json()}


@dataclass
class Customer:
    """One customer's domains, the worst first."""

    name: str
    members: list[Member] = field(default_factory=list[Member])

    @property
    def level(self) -> Level:
        """The worst of its domains'."""
        return max((member.seen.level for member in self.members), key=ORDER.index)

    @property
    def counts(self) -> dict[Level, int]:
        """Domains by level, the worst first; without those levels that none has."""
        found = {level: sum(member.seen.level == level for member in self.members) for level in reversed(ORDER)}
        return {level: count for level, count in found.items() if count}


def read(project: Project, named: Sequence[str]) -> Fleet:
    """The rows of the files that are named; without any of those that the stacks name, or of fleet.csv.

    :raises UserError: one of them can't be read.
    """
    try:
        stacks = project.stacks
    except UserError:  # which `checked` tells
        stacks = {}
    if named or not stacks:
        return read_files(project.folder, list(named) or FIRST)
    there = list(project.files)
    return read_files(
        project.folder, there, {name: who for name, who in project.customers.items() if name in there}
    )


def checked(project: Project, fleet: Fleet) -> tuple[list[Row], list[str]]:
    """The rows, each with all that is wrong with it, as `python -m tools.fleet check` tells it.

    :param project: with the stacks whose shards the rows are. Without any, what depends on them counts as right.
    :returns: and what is wrong with the fleet, but with no row of it.
    """
    try:
        told = problems.of(project, fleet) if project.stacks else _alone(fleet)
    except UserError as error:  # a stack's file is none: the rows are looked at all the same
        told = [*str(error).splitlines(), *_alone(fleet)]
    of_row: dict[str, list[str]] = {row.key: [] for row in fleet.rows}
    others = [line for line in told if line.partition(": ")[0] not in of_row]
    for line in told:
        of_row.get(line.partition(": ")[0], []).append(line)
    return [replace(row, problems=tuple(of_row[row.key])) for row in fleet.rows], others


def _alone(fleet: Fleet) -> list[str]:
    """What is wrong with rows wherever they are served, and whatever places for records their stacks name."""
    out = Reader()
    place = Place(Hosted(Hosting.FRONT_DOOR), dns={row.cells.get("dns", ""): Dns() for row in fleet.rows})
    for row in fleet.rows:
        problems.of_row(out, row, place)
    return list(dict.fromkeys([*out.problems, *fleet.problems]))


def members(rows: Sequence[Row], seen: Sequence[Domain]) -> list[Member]:
    """Each row with what is seen of its domain; a row that can't work fails by its own problems.

    :param seen: of the domains of rows without problems.
    """
    by_name = {domain.name: domain for domain in seen}
    made: list[Member] = []
    for row in rows:
        if row.problems or row.domain not in by_name:
            lines = [
                Finding("fleet-file", Level.FAIL, problem, "", "Correct this row") for problem in row.problems
            ]
            made.append(Member(row, Domain(row.domain or f"line {row.line}", lines)))
        else:
            made.append(Member(row, _as_wanted(row, by_name[row.domain])))
    return made


def _as_wanted(row: Row, seen: Domain) -> Domain:
    """Senders see the mode that the file has, too; where they see no policy, that is said already."""
    wanted = row.cells.get("mode", "")
    if seen.mode and wanted and seen.mode != wanted:
        text = f"the fleet file says {wanted}, and senders see {seen.mode}"
        way_out = f"python -m tools.fleet up --shards {row.shard}"
        seen.lines.append(Finding("fleet-file", Level.WARN, text, "", way_out))
    return seen


def customers(found: Sequence[Member]) -> list[Customer]:
    """By customer; the one with the worst domain first, and of these the one with most of them."""
    by_name: dict[str, Customer] = {}
    for member in sorted(found, key=lambda member: (-member.rank, member.seen.name)):
        by_name.setdefault(member.row.customer, Customer(member.row.customer or NOBODY)).members.append(member)
    return sorted(
        by_name.values(),
        key=lambda one: ([-one.counts.get(level, 0) for level in (Level.FAIL, Level.WARN)], one.name),
    )


def render(found: Sequence[Member]) -> str:
    """The page's HTML."""
    return page.template("fleet.html").render(
        customers=customers(found),
        total=Customer("", list(found)),
        levels={Level.PASS: "pass", Level.WARN: "warn", Level.FAIL: "fail", Level.UNCHECKED: "other"},
        now=time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
    )


def show(found: Sequence[Member], console: Console) -> None:
    """A line a customer, then the domains that aren't well, then a line for all."""
    table = Table("customer", box=None, pad_edge=False)
    for level in reversed(ORDER):
        table.add_column(level, justify="right", style=COLOURS[level])
    grouped = customers(found)
    for customer in grouped:
        table.add_row(
            Text(shown(customer.name)), *(str(customer.counts.get(level, "")) for level in reversed(ORDER))
        )
    console.print(table)
    bad = sorted(
        (member for member in found if member.worse), key=lambda member: (-member.rank, member.row.customer)
    )
    for member in bad[:NAMED]:
        worst = member.worse[0]
        text = Text(f"{worst.level} ", COLOURS[worst.level])
        where = f"{member.seen.name} ({member.row.customer or NOBODY}, shard {member.row.shard})"
        text.append(shown(f"{where}: {worst.text}" + (f" -> {worst.way_out}" if worst.way_out else "")), "default")
        console.print(text, soft_wrap=True)
    if len(bad) > NAMED:
        console.print(f"… and {len(bad) - NAMED} more; --html FILE has all of them")
    counts = ", ".join(f"{count} {level}" for level, count in Customer("", list(found)).counts.items())
    console.print(f"{_count(len(found), 'domain')} of {_count(len(grouped), 'customer')}: {counts}")


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
