"""A short draw of `make fuzz`: no reader raises anything else than what it says, whatever it is given."""

import subprocess
import sys
from pathlib import Path

import pytest

from fuzz import drawn
from fuzz.targets import TARGETS, Target

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", TARGETS)
def test_no_input_is_more_than_a_reader_can_take(name: str) -> None:
    assert drawn.run(TARGETS[name], 100) >= 100


def test_a_reader_that_breaks_is_found_out() -> None:
    def broken(data: bytes) -> None:
        assert b"STSv1;" not in data or b"id" in data

    with pytest.raises(AssertionError):
        drawn.run(Target(broken, TARGETS["records"].seeds, TARGETS["records"].words), 1_000)


def test_the_command_says_what_it_tried(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "fuzz", "--seconds", "1", "--folder", str(tmp_path), "hosts"]
    run = subprocess.run(command, cwd=ROOT, env={"PYTHONPATH": ".:tests"}, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "hosts: " in run.stdout
    assert "inputs, all well" in run.stdout
