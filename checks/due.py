"""`python -m checks enforce --fleet`: what is due for each row of a fleet, and the change (`--write`)."""

import argparse
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from checks import evidence, ladder
from checks.fleet_text import FleetText
from checks.ladder import Proposal
from checks.shown import shown
from checks.steps import NEXT_OF_FLEET, Place, with_others, written
from policy import Mode, UserError
from settings.fleet import KEY
from settings.project import Project

NAMED = 40  # lines of one kind that the terminal shows


@dataclass(frozen=True)
class Due:
    """What a look has found.

    :param looked: domains that were looked at.
    :param change: what was written, as a diff, and what is next; "" where nothing was.
    """

    file: FleetText
    looked: int
    proposal: Proposal
    change: str

    @property
    def code(self) -> int:
        """The exit code: 2 where a row is wrong, or where mail is refused, or will be."""
        return 2 if self.file.problems or (self.proposal.urgent and not self.change) else 0

    def json(self) -> dict[str, Any]:
        """For `--json`."""
        rows = self.file.rows
        return {
            "due": [
                {
                    "domain": edit.policy, "customer": rows[edit.policy].customer, "file": rows[edit.policy].file,
                    "line": rows[edit.policy].line, "key": edit.key, "old": edit.old, "new": edit.new, "why": edit.why,
                }
                for edit in self.proposal.edits
            ],
            "reasons": list(self.proposal.reasons), "notYet": list(self.proposal.waits), "urgent": self.proposal.urgent,
            "problems": self.file.problems, "looked": self.looked, "change": self.change,
        }  # fmt: skip


def look(options: argparse.Namespace, folder: Path) -> Due:
    """Look at the rows that are asked for, and at those that change with them; write where that is wanted.

    A row with a mistake is left out, and keeps everything from being written.

    :param folder: of the project.
    :raises UserError: there is no fleet, or no such row; or what is to change can't be.
    """
    if not (project := Project(folder)).stacks:
        raise UserError(f"no Pulumi.<stack>.yaml here has {KEY}; docs/fleet.md")
    file = FleetText(project)
    asked = [
        row.domain
        for row in file.rows.values()
        if options.customer in ("", row.customer)
        and options.shard in (None, row.shard)
        and row.cells.get("mode") != Mode.NONE
    ]
    if not file.rows and not file.problems:
        raise UserError(f"there is no row in {file.name}; python -m tools.fleet add writes the first")
    if not asked and not file.problems:
        raise UserError(f"{file.name}: none of the rows asked for is in testing or enforce")
    names, place = with_others(file, asked), Place(folder, file)
    since = place.since(datetime.now(UTC).date())
    proposal = Proposal()
    if names:
        known = evidence.known(file, names, since, options)
        proposal = ladder.propose(file, known.evidence, since, known.unused, known.today)
    change = written([(place, proposal)]) if options.write and not file.problems else ""
    return Due(file, len(names), proposal, change)


def show(due: Due, console: Console) -> None:
    """What is wrong, what is due, what is not due yet; then a line for all."""
    proposal = due.proposal
    lines = [f"{due.file.describe(edit)}: {edit.why}" for edit in proposal.edits]
    for found, style in (
        (due.file.problems, "bold red"),
        (lines, ""),
        ([f"not yet: {wait}" for wait in proposal.waits], "dim"),
    ):
        for line in found[:NAMED]:
            console.print(Text(shown(line), style), soft_wrap=True)
        if len(found) > NAMED:
            console.print(f"… and {len(found) - NAMED} more; --json has all of them")
    changed = len({edit.policy for edit in proposal.edits})
    console.print(
        f"{due.looked} domains: {changed} to change{' (URGENT)' if proposal.urgent else ''}, {len(proposal.waits)} not yet"
    )
    if due.change:
        console.print(shown(due.change, newlines=True), soft_wrap=True)
    elif due.file.problems:
        console.print(f"Nothing is written while {due.file.name} has a mistake: python -m tools.fleet check")
    elif lines:
        console.print(f"Next: the same with --write. {NEXT_OF_FLEET}", soft_wrap=True)
