"""Runs the stacks of a fleet side by side: one that fails stops no other, and Ctrl-C ends all in order."""

import json
import os
import re
import signal
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pulumi import automation

from checks.shown import shown
from tools.ci import without_secrets
from tools.ci.errors import CiError
from tools.ci.preview import Preview, explain
from tools.fleet import stacks
from tools.fleet.engine import CancelledError, Engine, stack
from tools.fleet.stacks import Fleet, Shard

DONE, NOTHING, DRIFTED, FAILED, CANCELLED = "done", "nothing left", "drifted", "failed", "cancelled"
INTERRUPTED = 130
UNEXPECTED = "no changes were expected"  # github.com/pulumi/pulumi pkg/backend/backenderr
MESSAGE = "fleet: inputs "  # of an update, before a hash of what it went by
# MiB. A shard of 100 domains took some 350 here, with a stand-in for azure-native's plugin (docs/scale.md, Measured).
A_JOB, RESERVE = 700, 1024


@dataclass
class Outcome:
    """What became of one shard.

    :param result: DONE, NOTHING (its last `up` went well with the same inputs), DRIFTED (an `up` would change
        something, as Azure is now), FAILED or CANCELLED.
    :param seconds: it took.
    """

    shard: Shard
    result: str = ""
    found: Preview = field(default_factory=lambda: Preview(""))
    seconds: float = 0.0
    begun: float = 0.0
    resources: int = 0

    @property
    def warnings(self) -> list[str]:
        """Each once."""
        return [text for kind, _, text in self.found.notes if kind == "warning"]

    @property
    def error(self) -> str:
        """The first line of what stopped it; "" for nothing."""
        errors = [text for kind, _, text in self.found.notes if kind == "error"]
        told = [text for text in errors if not text.startswith(("update failed", "preview failed"))] or errors
        lines = told[0].strip().splitlines() if told else []
        return shown(lines[0]) if lines else ""

    def count(self, operation: str) -> int:
        """Resources that were created, updated, deleted, or stay the same; a replaced one is both of the first and third."""
        found = self.found.counts
        return found.get(operation, 0) + (found.get("replace", 0) if operation in ("create", "delete") else 0)

    def json(self) -> dict[str, Any]:
        """For `--json`."""
        counts = {operation: self.count(operation) for operation in ("create", "update", "delete", "same")}
        return {"shard": self.shard.number, "stack": self.shard.stack, "domains": len(self.shard.rows), "result": self.result,
                **counts, "warnings": self.warnings, "error": self.error, "seconds": round(self.seconds, 1),
                "changes": [list(each) for each in self.found.changes]}  # fmt: skip


@dataclass(frozen=True)
class Watcher:
    """Who is told how far it is; called from several threads."""

    begun: Callable[[Outcome], None]
    moved: Callable[[Outcome], None]
    ended: Callable[[Outcome], None]
    said: Callable[[str], None]


def jobs_by_default(shards: int) -> int:
    """As many as there are CPUs and memory for: A_JOB MiB each, and RESERVE for all else."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(shards, cpus, (_memory() - RESERVE) // A_JOB))


def _memory() -> int:
    """MiB that are free, or that this container may use; plenty where nothing tells."""
    found: list[int] = []
    with suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/meminfo").read_text().splitlines()
        found.append(int(next(line for line in lines if line.startswith("MemAvailable")).split()[1]) // 1024)
    with suppress(OSError, ValueError):  # a cgroup's; "max" for none
        found.append(int(Path("/sys/fs/cgroup/memory.max").read_text()) // 2**20)
    return min(found, default=2**20)


def run(
    command: str,
    fleet: Fleet,
    chosen: Sequence[Shard],
    jobs: int,
    watcher: Watcher,
    again: bool = False,
    drift: bool = False,
) -> list[Outcome]:
    """Run `preview` or `up` of these shards' stacks.

    :param jobs: how many at once.
    :param again: an `up` of all of them, whatever their last one was.
    :param drift: a `preview` that compares with Azure, too, and expects no change. Without what decrypts the stacks it
        looks at copies without secrets (tools/ci/without_secrets.py).
    :returns: in the order of `chosen`.
    :raises UserError: there is no engine.
    """
    engine, project = Engine(), fleet.project.folder
    program = stacks.program(project)
    environment = dict(os.environ)
    outcomes = [Outcome(shard, found=Preview(shard.stack)) for shard in chosen]

    def work(outcome: Outcome) -> None:
        outcome.begun = time.monotonic()
        watcher.begun(outcome)
        name, inputs = outcome.shard.stack, stacks.inputs(outcome.shard, program)
        try:
            with _place(name, project, environment, drift) as (folder, more):
                _run(command, outcome, stack(name, folder, engine, more), watcher, again, drift, inputs)
        except (CiError, OSError) as error:  # such as a disk that is full of copies
            outcome.result = FAILED
            outcome.found.notes.append(("error", "", str(error)))
        if engine.cancelled and outcome.result == FAILED:
            outcome.result = CANCELLED
        outcome.seconds = time.monotonic() - outcome.begun
        outcome.found.hide(environment)
        watcher.ended(outcome)

    with _ending_in_order(engine), ThreadPoolExecutor(jobs, "shards") as pool:
        _wait([pool.submit(work, outcome) for outcome in outcomes], engine, watcher)
    for outcome in outcomes:
        outcome.result = outcome.result or CANCELLED
    return outcomes


@contextmanager
def _place(
    name: str, project: Path, environment: Mapping[str, str], drift: bool
) -> Generator[tuple[Path, dict[str, str]]]:
    """The folder that a stack is run in, and what is different there in the environment.

    :raises CiError: a copy can't be made.
    """
    if not drift:
        yield project, {}
        return
    with without_secrets.copy({**environment, "PULUMI_STACK": name}, project) as (folder, env):
        yield folder, {key: text for key, text in env.items() if environment.get(key) != text}


def _wait(futures: Sequence[Future[None]], engine: Engine, watcher: Watcher) -> None:
    left, told = set(futures), False
    while left:
        ended, left = wait(left, timeout=0.5, return_when=FIRST_COMPLETED)
        for future in ended:
            if not future.cancelled():
                future.result()  # a defect is no shard's failure
        if engine.cancelled and not told:
            told = True
            watcher.said(
                "stopping: shards finish what is under way; Ctrl-C once more ends at once, and may leave locks"
            )
            for future in left:
                future.cancel()


@contextmanager
def _ending_in_order(engine: Engine) -> Generator[None]:
    """At a signal the engines end in order, at a second one at once."""
    before = {
        number: signal.signal(number, lambda *_: engine.cancel()) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _run(
    command: str,
    outcome: Outcome,
    chosen: automation.Stack,
    watcher: Watcher,
    again: bool,
    drift: bool,
    inputs: str,
) -> None:
    found, moved = outcome.found, time.monotonic()

    def event(event: automation.EngineEvent) -> None:
        nonlocal moved
        found.event(event)
        outcome.resources += event.resource_pre_event is not None
        if time.monotonic() - moved > 0.2:
            moved = time.monotonic()
            watcher.moved(outcome)

    quiet: Mapping[str, Any] = {"color": "never", "on_event": event, "suppress_progress": True}
    try:
        if command == "preview":
            chosen.preview(**quiet, refresh=drift, expect_no_changes=drift)
        elif not again and settled(chosen, inputs):
            outcome.result = NOTHING
            return
        else:
            chosen.up(**quiet, message=MESSAGE + inputs, show_secrets=False, suppress_outputs=True)
        outcome.result = DONE
    except CancelledError:
        outcome.result = CANCELLED
    except automation.ConcurrentUpdateError as error:
        outcome.result = FAILED
        found.notes.append(("error", "", locked(str(error), outcome.shard.stack)))
    except (automation.StackNotFoundError, automation.CommandError) as error:
        if drift and UNEXPECTED in str(error):
            outcome.result = DRIFTED
            return
        outcome.result = FAILED
        if isinstance(error, automation.StackNotFoundError):
            found.notes.append(
                ("error", "", f"the backend has no stack {outcome.shard.stack}: python -m tools.fleet init")
            )
        explain(found, str(error))


def locked(message: str, name: str) -> str:
    """Who holds a stack's lock, as the engine tells it, in one line."""
    held = re.search(r"created by (.+)", message)
    who = f" ({held[1].strip()})" if held else ""
    return f"{name} is locked: somebody is at work on it{who}; if nobody is: pulumi cancel --stack {name}"


def settled(chosen: automation.Stack, inputs: str) -> bool:
    """Whether the last thing that happened to a stack was an `up` with these inputs, and it went well.

    The backend's history tells, so this is true for every machine and pipeline; a `destroy` or an `up` by hand since
    then, or one that failed or was killed, isn't that.

    :raises CommandError: there is no such stack.
    """
    try:
        last = next(iter(chosen.history(page_size=1, page=1, show_secrets=False)), None)
    except (ValueError, KeyError):  # of a version that the SDK doesn't know
        return False
    return last is not None and (last.kind, last.result, last.message) == ("update", "succeeded", MESSAGE + inputs)


def exit_code(outcomes: Sequence[Outcome]) -> int:
    """0 where all went well, 1 where one failed or has drifted, 130 after Ctrl-C."""
    results = {outcome.result for outcome in outcomes}
    return INTERRUPTED if CANCELLED in results else 1 if results & {DRIFTED, FAILED} else 0


def as_json(outcomes: Sequence[Outcome]) -> str:
    """The shards, as JSON."""
    return json.dumps([outcome.json() for outcome in outcomes])
