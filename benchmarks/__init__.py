"""How fast it is, as ratios taken in one run: `make bench`."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))  # harness, mocks, samples
