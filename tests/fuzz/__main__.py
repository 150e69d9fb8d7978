"""`python -m fuzz --seconds 60`: all readers, for so long altogether."""

import argparse
import importlib.util
import re
import subprocess
import sys
import time
import traceback
from pathlib import Path

from fuzz import drawn
from fuzz.targets import TARGETS

KEPT = Path(".sandbox/fuzz")


def guided(name: str, seconds: int, folder: Path) -> tuple[bool, str]:
    """One reader, by atheris: whether all is well, and what to say."""
    command = [sys.executable, "-m", "fuzz.guided", name, str(seconds), str(folder)]
    run = subprocess.run(command, capture_output=True, text=True, errors="replace")
    count = re.search(r"number_of_executed_units: (\d+)", run.stderr)
    if run.returncode:
        said = "\n".join(line for line in run.stderr.splitlines() if not line.startswith(("INFO:", "WARNING:")))
        return False, f"{run.stdout[-2_000:]}{said[-4_000:]}\nthe input is in {folder / 'found'}"
    return True, f"{count[1] if count else '?'} inputs"


def main() -> int:
    """Fuzz, and say what came of it."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="for all readers together (default 60)")
    parser.add_argument("--folder", type=Path, default=KEPT, help=f"where inputs are kept (default {KEPT})")
    parser.add_argument("targets", nargs="*", help=f"of {', '.join(TARGETS)}; default: all")
    options = parser.parse_args()
    names = options.targets or list(TARGETS)
    if unknown := set(names) - set(TARGETS):
        parser.error(f"there is no target {', '.join(sorted(unknown))}")
    atheris = importlib.util.find_spec("atheris") is not None
    if not atheris:
        print("atheris isn't installed, so inputs are drawn by hypothesis, not guided by coverage")
    share, failed = max(1, options.seconds // len(names)), 0
    for name in names:
        started = time.monotonic()
        if atheris:
            well, said = guided(name, share, options.folder / name)
        else:
            try:
                well, said = True, f"{drawn.run(TARGETS[name], 200, share)} inputs"
            except BaseException:
                well, said = False, traceback.format_exc()
        failed += not well
        print(
            f"{name}: {said}, {'all well' if well else 'FAILED'}, {time.monotonic() - started:.0f} s", flush=True
        )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
