"""The life that runs on a real subscription runs on the local Azure, with the same code."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import ROOT

from acceptance.life import Life, LifeError
from acceptance.report import Report
from sandbox.control import Sandbox

DOMAINS = ("a.example.org", "b.example.org")


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with Sandbox(tmp_path / "sandbox") as made:
        command = [sys.executable, "-m", "sandbox", "--dir", str(made.folder), "zone", "example.org"]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        yield made


def signed_in(sandbox: Sandbox, engine: str) -> dict[str, str]:
    environment = {**os.environ, **sandbox.env(), "SANDBOX_AZURE_NATIVE_PACE": "0.05"}
    environment["PATH"] = os.pathsep.join(filter(None, (engine, environment["PATH"])))
    return environment


@pytest.mark.heavy  # the longest of all
def test_a_whole_life_with_its_report(tmp_path: Path, sandbox: Sandbox, engine: str) -> None:
    environment = signed_in(sandbox, engine)
    secret = environment["ARM_CLIENT_SECRET"]
    report = Report(tmp_path / "report.md", [secret])
    life = Life(tmp_path / "life", environment, DOMAINS, "dns", ["mail.example.org"], report)
    report.begin("Acceptance on the local Azure")
    life.run()
    life.clean_up()
    text = report.path.read_text()
    for name, _ in life.steps():
        assert f"## {name}: ok" in text
    assert secret not in text
    assert environment["ARM_SUBSCRIPTION_ID"] not in text
    assert not life.folder.exists()
    assert not list(sandbox.state.of("Microsoft.Web/staticSites"))


def test_what_a_failed_step_leaves_is_taken_down(tmp_path: Path, sandbox: Sandbox, engine: str) -> None:
    environment = signed_in(sandbox, engine)
    report = Report(tmp_path / "report.md", [])
    life = Life(tmp_path / "life", environment, DOMAINS, "dns", ["mail.example.org"], report)
    report.begin("Acceptance on the local Azure")
    sandbox.fault("status", 500, host="content-", times=999)
    with pytest.raises(LifeError, match="^up: "):
        life.run()
    life.clean_up()
    assert "## up: FAILED" in report.path.read_text()
    assert not list(sandbox.state.of("Microsoft.Web/staticSites"))
