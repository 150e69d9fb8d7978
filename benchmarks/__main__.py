"""`make bench`: what the project promises and what was measured just now; `python -m benchmarks NAME…` a part of it.

`python -m benchmarks fleet` measures many domains (docs/scale.md).

What can't be measured here says why; everything else is measured all the same.
"""

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from benchmarks import fleet
from benchmarks.measures import MEASURES, Measure, Row


def measure(chosen: Mapping[str, Measure], console: Console) -> list[Row]:
    """Measure one thing after the other.

    :param console: where a bar shows how far it is; a line a measure where that is no terminal.
    """
    rows: list[Row] = []
    bar = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*bar, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=len(chosen))
        for title, run in chosen.values():
            progress.update(task, description=title)
            if not console.is_terminal:
                console.print(title, highlight=False)
            with tempfile.TemporaryDirectory() as folder:
                try:
                    for row in run(Path(folder)):
                        rows.append(row)  # at once: those before an error count
                except (Exception, pytest.skip.Exception) as error:  # skipped: tests/name_servers.py
                    lines = str(error).strip().splitlines() or [type(error).__name__]
                    rows.append(Row(title, f"not measured: {lines[-1]}"))
            progress.advance(task)
    return rows


def main(arguments: Sequence[str]) -> int:
    """Measure and print."""
    if arguments[:1] == ["fleet"]:  # takes half an hour and more, and options
        return fleet.main(arguments[1:])
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measures how fast it is.")
    names = ", ".join(MEASURES)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"what to measure, of {names}; by default everything"
    )
    wanted = parser.parse_args(arguments).names
    if unknown := [name for name in wanted if name not in MEASURES]:
        parser.error(f"there is nothing to measure called {unknown[0]}; there are {names}")
    chosen = {name: MEASURES[name] for name in MEASURES if name in (wanted or MEASURES)}
    rows = measure(chosen, Console(stderr=True))
    table = Table("What", "Measured", "Promised", title="the fastest of several runs", title_justify="left")
    for row in rows:
        table.add_row(row.what, row.measured, row.promised)
    Console().print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
