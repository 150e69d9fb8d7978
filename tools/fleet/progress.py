"""How far the shards are, and what became of them: a live view on a terminal, lines in a log."""

import threading
import time
from collections.abc import Mapping, Sequence
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table
from rich.text import Text

from checks.shown import shown
from tools.fleet.run import CANCELLED, DONE, DRIFTED, FAILED, NOTHING, Outcome, Watcher

TOLD = 5  # warnings of a shard, or changes of one that has drifted
EVERY = 30.0  # seconds between lines about a shard, in a log
COLOURS = {DONE: "green", NOTHING: "green", DRIFTED: "bold red", FAILED: "bold red", CANCELLED: "yellow"}


class Shown:
    """A view of the run, on stderr: stdout is for the summary."""

    def __init__(self, command: str, shards: int) -> None:
        self.command, self.shards = command, shards
        self.console = Console(stderr=True, markup=False, emoji=False, highlight=False)
        self._bar = Progress(
            SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
            console=self.console, transient=True, disable=not self.console.is_terminal,
        )  # fmt: skip
        self._tasks: dict[int, TaskID] = {}
        self._told: dict[int, float] = {}
        self._all = self._bar.add_task(command, total=shards)
        self._lock = threading.Lock()

    def __enter__(self) -> Watcher:
        self._bar.start()
        return Watcher(self._begun, self._moved, self._ended, self._line)

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._bar.stop()

    def _begun(self, outcome: Outcome) -> None:
        with self._lock:
            number = outcome.shard.number
            self._tasks[number] = self._bar.add_task(outcome.shard.stack, total=None)
            self._told[number] = time.monotonic()

    def _moved(self, outcome: Outcome) -> None:
        with self._lock:
            number = outcome.shard.number
            told = f"{outcome.shard.stack}  {outcome.resources} resources, {len(outcome.found.changes)} changed"
            self._bar.update(self._tasks[number], description=told, completed=outcome.resources)
            if not self.console.is_terminal and time.monotonic() - self._told[number] > EVERY:
                self._told[number] = time.monotonic()
                self._line(f"{told}, {time.monotonic() - outcome.begun:.0f} s")

    def _ended(self, outcome: Outcome) -> None:
        with self._lock:
            self._bar.remove_task(self._tasks.pop(outcome.shard.number))
            self._bar.advance(self._all)
            self._line(sentence(outcome), COLOURS[outcome.result])

    def _line(self, text: str, colour: str = "") -> None:
        self._bar.console.print(Text(shown(text), colour), soft_wrap=True)


def sentence(outcome: Outcome) -> str:
    """`fleet-3: failed after 12 s: …`."""
    after = "" if outcome.result == NOTHING else f" after {outcome.seconds:.0f} s"
    changes = ", ".join(
        f"{n} {what}" for what in ("create", "update", "delete", "same") if (n := outcome.count(what))
    )
    told = outcome.error if outcome.result == FAILED else changes
    return f"{outcome.shard.stack}: {outcome.result}{after}{f': {told}' if told else ''}"


def wrong(outcome: Outcome) -> str:
    """A line about a shard that failed or has drifted; "" where all is well."""
    name, changes = outcome.shard.stack, outcome.found.changes
    if outcome.result == FAILED:
        return f"{name}: {outcome.error}"
    if outcome.result != DRIFTED:
        return ""
    told = [f"{operation} {shown(resource)}" for operation, resource, _ in changes[:TOLD]]
    more = [f"{len(changes) - TOLD} more"] if len(changes) > TOLD else []
    return f"{name} has drifted: {', '.join([*told, *more])}; pulumi preview --stack {name} --refresh --diff"


def issues(outcomes: Sequence[Outcome], environment: Mapping[str, str]) -> None:
    """In a run of Azure Pipelines (TF_BUILD, learn.microsoft.com/azure/devops/pipelines/build/variables), the same lines
    on the run's page."""
    if environment.get("TF_BUILD"):
        for line in filter(None, map(wrong, outcomes)):
            print(f"##vso[task.logissue type=error]{line}")


def summary(outcomes: Sequence[Outcome], console: Console) -> None:
    """A line a shard, the warnings and errors below, and a line for all."""
    table = Table("shard", "stack", box=None, pad_edge=False)
    for name in ("domains", "create", "update", "delete", "same", "warned", "s"):
        table.add_column(name, justify="right")
    table.add_column("result", no_wrap=True)
    for outcome in outcomes:
        counts = [str(outcome.count(what) or "") for what in ("create", "update", "delete", "same")]
        table.add_row(
            str(outcome.shard.number), outcome.shard.stack, str(len(outcome.shard.rows)), *counts, str(len(outcome.warnings) or ""),
            f"{outcome.seconds:.0f}", Text(outcome.result, COLOURS[outcome.result]),
        )  # fmt: skip
    console.print(table)
    for outcome in outcomes:
        for text in outcome.warnings[:TOLD]:
            console.print(Text(f"{outcome.shard.stack}: warning: {shown(text)}", "yellow"), soft_wrap=True)
        if len(outcome.warnings) > TOLD:
            more = f"{outcome.shard.stack}: {len(outcome.warnings) - TOLD} more warnings; --json has all of them"
            console.print(Text(more, "yellow"), soft_wrap=True)
        if line := wrong(outcome):
            console.print(Text(line, "red"), soft_wrap=True)
    counts = {result: sum(outcome.result == result for outcome in outcomes) for result in COLOURS}
    told = ", ".join(f"{count} {result}" for result, count in counts.items() if count)
    console.print(f"{len(outcomes)} {'shard' if len(outcomes) == 1 else 'shards'}: {told}")
