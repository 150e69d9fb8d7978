"""All domains of a fleet file at once: one page, one metrics file, one table; the worst first, by customer."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from rich.console import Console
from rich.table import Table
from rich.text import Text

from checks import page
from checks.finding import ORDER, Domain, Finding, Level
from checks.show import COLOURS
from checks.shown import shown

NAMED = 40  # domains that the terminal names
NOBODY = "(no customer)"


class Row(Protocol):
    """What is needed of a row of the fleet file (`settings.rows.Row`)."""

    @property
    def line(self) -> int: ...
    @property
    def cells(self) -> Mapping[str, str]: ...
    @property
    def domain(self) -> str: ...
    @property
    def customer(self) -> str: ...
    @property
    def shard(self) -> int | None: ...
    @property
    def problems(self) -> tuple[str, ...]: ...


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
    console.print(f"{len(found)} domains of {len(grouped)} customers: {counts}")
