"""The real engine on a local Azure of each test's own."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import ROOT, TESTING, Stack


@pytest.fixture(scope="session")
def engine() -> str:
    """The folder with the Pulumi engine, "" when it is on PATH already."""
    run = subprocess.run([sys.executable, "-m", "tools.get_engine"], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


@pytest.fixture
def stack(tmp_path: Path, engine: str) -> Iterator[Stack]:
    made = Stack(tmp_path, engine)
    with made.sandbox:
        made.zones("example.org", "example.net", "example.com")
        made.configure(TESTING)
        made.pulumi("stack", "init", "test")
        yield made
