"""The commands that run a fleet's stacks: preview, up, status, init; docs/scale.md.

Exit codes: 0 all is done, 1 some of it isn't or has drifted, 130 stopped by Ctrl-C. Pulumi's SDK is imported when one of them runs.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from checks.show import console
from checks.shown import shown
from policy import UserError
from tools.fleet import stacks

Run = Callable[[argparse.Namespace], int]


def add_commands(add: Callable[[str, Run, str], argparse.ArgumentParser]) -> None:
    """Their command lines.

    :param add: makes one, by its name, what it runs and what it says of itself.
    """

    def add_shards(made: argparse.ArgumentParser) -> None:
        made.add_argument("--shards", default="", metavar="1,3-5", help="only these")
        made.add_argument("--part", default="", metavar="1/4", help="of these, one of several machines' part")
        made.add_argument(
            "--jobs", type=int, default=0, metavar="N", help="how many at once (default: by CPUs and memory)"
        )
        made.add_argument("--json", action="store_true", help="as JSON, on stdout")

    preview = add("preview", do_run, "what an up of each shard would change")
    up = add(
        "up", do_run, "bring up each shard whose inputs have changed since its last up, or whose last up failed"
    )
    status = add("status", do_status, "how each shard's stack stands, without running the program")
    init = add("init", do_init, "make a stack for each shard that has none")
    for made in (preview, up, status):
        add_shards(made)
    preview.add_argument("--drift", action="store_true", help="compare with Azure as it is now, and fail where an up would change something; where no passphrase is set, on copies without secrets")  # fmt: skip
    up.add_argument("--again", action="store_true", help="also those that an up with the same inputs has finished")
    init.add_argument("--like", metavar="STACK", help="the stack whose configuration they get (default: the first shard's)")  # fmt: skip


def do_run(options: argparse.Namespace) -> int:
    """`preview` and `up`."""
    from tools.fleet import progress, run

    fleet, shards, jobs = _chosen(options)
    bare = fleet.missing(stacks.numbers(options.shards) if options.shards else ())
    if options.command == "up" and (problems := [*fleet.problems, *([bare] if bare else [])]):
        raise UserError("\n".join([*problems, "Nothing was touched."]))
    if bare:
        print(f"fleet: {shown(bare)}", file=sys.stderr)
    with progress.Shown(options.command, len(shards)) as watcher:
        again, drift = getattr(options, "again", False), getattr(options, "drift", False)
        outcomes = run.run(options.command, fleet, shards, jobs, watcher, again, drift)
    if options.json:
        print(run.as_json(outcomes))
    else:
        progress.summary(outcomes, console())
        progress.issues(outcomes, os.environ)
    return run.exit_code(outcomes)


def do_status(options: argparse.Namespace) -> int:
    """`status`."""
    from tools.fleet import status

    fleet, shards, jobs = _chosen(options)
    found = status.standing(shards, jobs)
    if options.json:
        print(json.dumps([{**asdict(each), "well": each.well} for each in found]))
    else:
        status.show(found, console())
    if bare := fleet.missing(stacks.numbers(options.shards) if options.shards else ()):
        print(f"fleet: {shown(bare)}", file=sys.stderr)
    return 0 if not bare and all(each.well for each in found) else 1


def do_init(options: argparse.Namespace) -> int:
    """`init`."""
    from tools.fleet import new_stacks

    fleet = stacks.read(Path())
    made = new_stacks.init(fleet, options.like)
    print("\n".join(map(shown, made)) or "every shard has a stack")
    return 0


def _chosen(options: argparse.Namespace) -> tuple[stacks.Fleet, tuple[stacks.Shard, ...], int]:
    """The fleet, the shards that are asked for, and how many at once.

    :raises UserError: there are none.
    """
    from tools.fleet import run

    if options.jobs < 0:
        raise UserError("--jobs: at least 1")
    fleet = stacks.read(Path())
    shards = stacks.chosen(fleet, stacks.numbers(options.shards) if options.shards else ())
    shards = stacks.part(shards, options.part)
    return fleet, shards, options.jobs or run.jobs_by_default(len(shards))
