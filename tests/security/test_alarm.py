"""No stranger turns an alarm off: an exit code that passes is always a verdict."""

import os
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from rich.errors import MarkupError

from checks import __main__ as command
from checks import gather
from checks.finding import Domain, Finding, Level
from security.texts import TEXTS
from tools.ci import without_secrets
from tools.ci.__main__ import main as ci

ROOT = Path(__file__).parents[2]


def looks(monkeypatch: pytest.MonkeyPatch, answer: Any) -> None:
    """What looking at domains gives, or raises."""

    def at(*_: object) -> list[Domain]:
        if isinstance(answer, BaseException):
            raise answer
        return answer

    monkeypatch.setattr(gather, "look_at", at)


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_failure_stays_one_whatever_stands_in_it(
    name: str, options: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = TEXTS[name]
    bad = Domain("example.org", [Finding(f"server {text}", Level.FAIL, text, "", text)], id=text)
    looks(monkeypatch, [bad])
    files = ["--html", str(tmp_path / "x.html"), "--prometheus", str(tmp_path / "x.prom")]
    assert command.main(["domain", "example.org", *options, *files]) == 2
    bad.lines.append(Finding("record", Level.WARN, text))
    assert command.main(["enforce", "example.org", *options]) == 2


ERRORS = [
    MarkupError("closing tag '[/x]' doesn't match any open tag"),
    UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed"),
    UnicodeDecodeError("idna", b"\xff", 0, 1, "x"),
    MemoryError(),
    RecursionError("maximum recursion depth exceeded"),
    KeyError("x\n##vso[task.complete result=Succeeded;]"),
    RuntimeError("\x1b[2J\ud800[/x]"),
    ConnectionResetError(104, "Connection reset by peer"),
    AssertionError(),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_nobody_has_foreseen_is_no_verdict(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    looks(monkeypatch, error)
    assert command.main(["domain", "example.org"]) == 70
    said = capfd.readouterr().err
    assert len(said.splitlines()) == 1
    assert said.startswith(f"checks: {type(error).__name__}")
    assert "this is a defect of checks" in said
    assert "--debug" in said
    assert "##vso[" not in said
    assert "\x1b" not in said
    monkeypatch.setattr(sys, "argv", ["checks", "domain", "example.org", "--debug"])
    assert command.main(["domain", "example.org", "--debug"]) == 70
    said = capfd.readouterr().err
    assert "Traceback" in said
    assert "test_alarm.py" in said
    assert "##vso[" not in said
    assert "\x1b" not in said


def run(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    env = {**os.environ, **environment}
    command = [sys.executable, "-m", "checks", *arguments]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)


def test_a_program_that_can_not_even_begin_is_no_verdict(tmp_path: Path) -> None:
    (tmp_path / "jinja2.py").write_text("raise RuntimeError('half installed')\n")
    ended = run("domain", "example.org", PYTHONPATH=str(tmp_path))
    assert ended.returncode == 70
    assert "half installed" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_a_mistake_in_the_command_is_no_verdict() -> None:
    for arguments in ([], ["nothing"], ["reports"], ["domain", "--smtp-port", "x"], ["reports", "\udcff"]):
        ended = run(*arguments)
        assert ended.returncode == 64, arguments
        assert len(ended.stderr.splitlines()) == 1


def test_output_that_can_not_be_written_is_no_verdict(tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text("{}")
    for options in ([], ["--json"]):
        full = [sys.executable, "-m", "checks", "reports", str(tmp_path), *options]
        with open("/dev/full", "w") as out:
            ended = subprocess.run(full, cwd=ROOT, stdout=out, stderr=subprocess.PIPE, text=True)
        assert ended.returncode == 74, ended.stderr
        assert "No space left on device" in ended.stderr
        reading, writing = os.pipe()
        os.close(reading)
        with open(writing, "w") as out:
            ended = subprocess.run(full, cwd=ROOT, stdout=out, stderr=subprocess.PIPE, text=True)
        assert ended.returncode == 74, ended.stderr
        assert "Traceback" not in ended.stderr


def test_no_locale_changes_a_verdict(tmp_path: Path) -> None:
    (tmp_path / "ü\udcff.json").write_text("{}")
    for encoding in ("ascii", "latin-1", "utf-8"):
        ended = run("reports", str(tmp_path), PYTHONIOENCODING=encoding, PYTHONUTF8="0", LC_ALL="C")
        assert ended.returncode == 2, ended.stderr


@pytest.mark.parametrize(("code", "passes"), [(0, True), (1, True), (2, False), (64, False), (70, False), (74, False), (-9, False)])  # fmt: skip
def test_the_nightly_run_lets_nothing_but_verdicts_pass(
    code: int, passes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended(command: list[str], **_: object) -> "subprocess.CompletedProcess[str]":
        assert command[1:4] == ["-m", "checks", "domain"]
        return subprocess.CompletedProcess(command, code)

    monkeypatch.setattr(subprocess, "run", ended)
    monkeypatch.setenv("PULUMI_STACK", "prod")
    monkeypatch.setattr(without_secrets, "copy", lambda env, folder: nullcontext((folder, env)))
    assert (ci(["checks"]) == 0) == passes
