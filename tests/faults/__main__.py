"""`python -m faults`: breaks hundreds of `up`s and prints what became of them."""

import argparse
import random
import sys
import tempfile
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from name_servers import Unbound
from rich.console import Console
from rich.table import Table

from faults.catalog import CATALOG, FRONT_DOOR, Fault
from faults.chain import STEPS, Outcome, live
from tools import get_engine

FRONT_DOOR_SHARE = 0.25  # of the lives


def deal(runs: int, seed: int, catalog: list[Fault]) -> list[list[Fault]]:
    """Faults for as many lives as that takes; at each step those that strike there, each about as often as others."""
    rng = random.Random(seed)
    decks: list[list[Fault]] = [[] for _ in range(STEPS)]

    def draw(step: int) -> Fault:
        if not decks[step]:
            able = [fault for fault in catalog if fault.strikes_at(step, STEPS - 1)]
            decks[step] = rng.sample(able, len(able))
        return decks[step].pop()

    return [[draw(step) for step in range(STEPS)] for _ in range(-(-runs // STEPS))]


def run(runs: int, jobs: int, seed: int, folder: Path) -> list[Outcome]:
    """Live the lives side by side."""
    engine = str(get_engine.present() or "")
    outcomes: list[Outcome] = []

    def one(number: int, faults: list[Fault], hosting: str) -> None:
        place = folder / str(number)
        place.mkdir()
        for outcome in live(place, engine, faults, f"{seed}-{number}", hosting):
            outcomes.append(outcome)
            good = outcome.converged and not outcome.violations
            print(f"{len(outcomes):4} {time.strftime('%H:%M:%S')} life {number} step {outcome.step} {outcome.fault}"
                  f"{'' if good else '  <-- ' + str(outcome.violations or 'not converged')}", file=sys.stderr, flush=True)  # fmt: skip
            if not good:
                (folder / f"{number}-{outcome.step}.txt").write_text(f"{outcome}\n{outcome.said}")

    with ThreadPoolExecutor(jobs) as pool:
        behind = round(runs * FRONT_DOOR_SHARE)
        catalog = [fault for fault in CATALOG if fault.kind != "remembered-no" or Unbound.installed()]
        if len(catalog) < len(CATALOG):
            print(
                "no resolver that remembers a no: unbound is not installed (apt-get install unbound)",
                file=sys.stderr,
            )
        lives = [(faults, "staticWebApp") for faults in deal(runs - behind, seed, catalog)]
        lives += [(faults, "frontDoor") for faults in deal(behind, seed, FRONT_DOOR)]
        list(pool.map(one, range(len(lives)), *zip(*lives, strict=True)))
    return outcomes


def table(outcomes: list[Outcome]) -> Table:
    """A row a fault."""
    found = Table("Fault", title="Faults", title_justify="left")
    for name in ("runs", "struck", "ups that failed", "violations", "converged", "of these by make recover"):
        found.add_column(name, justify="right")
    rows: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        rows[str(outcome.fault)].append(outcome)
    for name, each in [*sorted(rows.items()), ("all", outcomes)]:
        counts = (
            len(each),
            sum(one.struck for one in each),
            sum(one.failed for one in each),
            sum(len(one.violations or ()) for one in each),
            sum(one.converged for one in each),
            sum(one.by_recover for one in each),
        )
        found.add_row(name, *map(str, counts), end_section=name == "all")
    return found


def main() -> int:
    """Exit code 1 where anything was violated or did not converge."""
    parser = argparse.ArgumentParser(prog="python -m faults", description=__doc__)
    parser.add_argument("--runs", type=int, default=504, help="how many ups are broken (default 504)")
    parser.add_argument("--jobs", type=int, default=3, help="side by side (default 3)")
    parser.add_argument("--seed", type=int, default=1, help="another seed, other moments (default 1)")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="mta-sts-faults-"))
    outcomes = run(options.runs, options.jobs, options.seed, folder)
    Console(width=120).print(table(outcomes))
    bad = [each for each in outcomes if each.violations or not each.converged]
    print(f"{len(outcomes)} runs, {len(bad)} bad; seed {options.seed}; what bad ones said is in {folder}")
    return 1 if bad else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
