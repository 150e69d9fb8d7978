"""`make bench` prints what it can measure, and says why where it can't."""

import io
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks import fleet
from benchmarks.__main__ import measure
from benchmarks.measures import MEASURES, Row, phases

ROOT = Path(__file__).parents[2]


def console(terminal: bool = False) -> Console:
    return Console(file=io.StringIO(), force_terminal=terminal, width=120)


def half(folder: Path) -> Iterator[Row]:
    yield Row("first", "1 s")
    raise RuntimeError("a log\nthe engine can't be built")


def whole(folder: Path) -> Iterator[Row]:
    yield Row("second", "2 s", "< 3 s")


def test_what_fails_says_why_and_everything_else_is_measured() -> None:
    rows = measure({"half": ("half of it", half), "whole": ("all of it", whole)}, console())
    assert rows == [
        Row("first", "1 s"),
        Row("half of it", "not measured: the engine can't be built"),
        Row("second", "2 s", "< 3 s"),
    ]


def test_without_bind_its_row_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    (row,) = measure({"rfc2136": MEASURES["rfc2136"]}, console())
    assert row.measured == "not measured: named is not installed (apt-get install bind9)"


@pytest.mark.parametrize("terminal", [True, False])
def test_it_shows_what_it_is_at(terminal: bool) -> None:
    shown = console(terminal)
    measure({"whole": ("all of it", whole)}, shown)
    assert isinstance(shown.file, io.StringIO)
    assert "all of it" in shown.file.getvalue()


def test_an_unknown_name_is_one_line() -> None:
    run = subprocess.run([sys.executable, "-m", "benchmarks", "x"], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 2
    assert "there is nothing to measure called x; there are previews" in run.stderr


def test_a_preview_falls_into_phases_and_a_missing_one_goes_with_the_next() -> None:
    def line(second: int, message: str) -> str:
        return f'{{"time":"2026-11-25T01:00:{second:02d}.000000001Z","level":"INFO","msg":"{message}","v":7}}'

    log = [
        line(0, "begin"),
        line(1, "langhost[python].GetRequiredPlugins(root=x) success: #versions=2"),
        line(4, "ResourceMonitor.RegisterResource received: t=azure-native:resources:ResourceGroup, name=mta-sts"),
        line(8, "SignalAndWaitForShutdown completed"),
        line(10, "killing plugin"),
    ]
    assert [row.measured for row in phases("\n".join(log))] == [
        "1.00 s, 10%",
        "3.00 s, 30%",
        "4.00 s, 40%",
        "2.00 s, 20%",
    ]


def test_a_fleets_table_stands_between_its_marks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    document = tmp_path / "scale.md"
    document.write_text(f"before\n{fleet.BEGIN}old\n{fleet.END}after\n")
    monkeypatch.setattr(fleet, "DOC", document)
    fleet.write([("frontDoor", "10", "1", "1", "first up", "42", "14", "3", "288", "22.8")])
    text = document.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text
    assert "| frontDoor | 10 | 1 | 1 | first up | 42 | 14 | 3 | 288 | 22.8 |" in text
    assert fleet.BEGIN in (ROOT / "docs/scale.md").read_text()


@pytest.mark.heavy
@pytest.mark.parametrize("hosting", ["staticWebApp", "frontDoor"])
def test_a_small_fleet_is_measured(tmp_path: Path, hosting: str) -> None:
    rows = list(fleet.fleet(tmp_path, hosting, 2, [1]))
    assert [row[4] for row in rows] == [
        "first up", "preview, no change", "up, one policy changed", "up, nothing left",
    ]  # fmt: skip
    assert all(float(row[6]) > 0 for row in rows)
