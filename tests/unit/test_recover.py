"""`python -m tools.recover` before it can look."""

from pathlib import Path

import pytest

from tools import recover


def test_without_pulumi_it_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("PULUMI_BACKEND_URL", raising=False)
    assert recover.main(["--no-up"]) == 1
    assert capsys.readouterr().err == "recover: pulumi is not on PATH\n"
