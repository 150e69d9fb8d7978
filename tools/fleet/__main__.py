"""`python -m tools.fleet`: the command line; docs/fleet.md, docs/scale.md."""

import argparse
import sys
from collections.abc import Sequence

from checks.command import write_anything
from checks.shown import shown
from policy import UserError
from tools.fleet import side_by_side


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="python -m tools.fleet", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    side_by_side.add_commands(commands)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; bad input is one line on stderr."""
    write_anything()
    options = parser().parse_args(arguments)
    try:
        return options.run(options)
    except UserError as error:
        print(f"fleet: {shown(error, newlines=True)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
