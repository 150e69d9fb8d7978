"""What all tests share."""

import subprocess
import sys

import pytest
from harness import ROOT


@pytest.fixture(scope="session")
def engine() -> str:
    """The folder with the Pulumi engine, "" when it is on PATH already."""
    run = subprocess.run([sys.executable, "-m", "tools.get_engine"], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()
