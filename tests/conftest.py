"""What all tests have in common."""

import subprocess
import sys

import pytest
from harness import ROOT

from sandbox.plugins import installed


def pytest_report_header() -> str:
    """Which azure-native plugin the engine's tests run with."""
    return f"azure-native: {installed.describe()}"


@pytest.fixture(scope="session")
def engine() -> str:
    """The folder with the Pulumi engine, "" when it is on PATH already."""
    run = subprocess.run([sys.executable, "-m", "tools.get_engine"], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()
