"""`python -m tools.fleet`: the command line. Mistakes are one line on stderr."""

import argparse
import logging
import os
import sys
from collections.abc import Callable, Sequence

from rich.console import Console

from checks.command import INTERRUPTED, IO, USAGE, Parser, defect, write_anything
from checks.shown import as_json, shown
from policy import UserError
from settings import cost
from tools.fleet import keep, plan, report, side_by_side

EXIT_CODES = (
    "exit code: 0 done, or all well; 1 warnings; 2 failures; 64 a mistake; 70 a defect of fleet; 130 stopped"
)
Run = Callable[[argparse.Namespace], int]


def _plan(options: argparse.Namespace) -> int:
    if options.json:
        print(as_json(plan.as_data(options.domains, options.fetches)))
    else:
        plan.show(console(), options.domains, options.fetches)
    return 0


def console() -> Console:
    """Where people read; strangers' text is no markup there."""
    return Console(markup=False, emoji=False, highlight=False)


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 1_000_000:
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number from 1 to 1000000")
    return int(text)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = Parser(prog="python -m tools.fleet", description="Many domains in one file, a stack for each of its shards; docs/fleet.md", epilog=EXIT_CODES)  # fmt: skip
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, run: Run, says: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=says, description=says)
        made.set_defaults(run=run)
        made.add_argument("--debug", action="store_true", help="after an unexpected error, show where it came from")  # fmt: skip
        return made

    made = add("plan", _plan, "what so many domains need and cost on each kind of hosting")
    made.add_argument("--domains", type=_count, required=True, metavar="N")
    made.add_argument("--fetches", type=_count, default=cost.FETCHES, metavar="N", help=f"of the policy, a day and domain ({cost.FETCHES})")  # fmt: skip
    made.add_argument("--json", action="store_true", help="as JSON, on stdout")
    side_by_side.add_commands(add)
    keep.add_commands(add)
    report.add_commands(add)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; mistakes are one line on stderr."""
    logging.getLogger("azure").addHandler(logging.NullHandler())  # which would print each sign-in that fails
    write_anything()
    try:
        options = parser().parse_args(arguments)
        return options.run(options)
    except UserError as error:
        print("\n".join(f"fleet: {shown(line)}" for line in str(error).splitlines()), file=sys.stderr)
        return USAGE
    except BrokenPipeError:  # whoever read it has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return IO
    except KeyboardInterrupt:
        print("fleet: stopped", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:
        return defect(error, "fleet", "")


if __name__ == "__main__":
    sys.exit(main())
