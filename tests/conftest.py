"""What all tests have in common."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from browser import CHROMIUM, FLAGS
from harness import ROOT
from hypothesis import HealthCheck, settings

from sandbox.plugins import installed

# How long an example takes says how busy the machine is.
settings.register_profile("whatever the load", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("whatever the load")


def pytest_report_header() -> str:
    """Which azure-native plugin the engine's tests run with."""
    return f"azure-native: {installed.describe()}"


@pytest.fixture(scope="session")
def engine() -> str:
    """The folder with the Pulumi engine, "" when it is on PATH already."""
    run = subprocess.run([sys.executable, "-m", "tools.get_engine"], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        made = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield made
        made.close()
