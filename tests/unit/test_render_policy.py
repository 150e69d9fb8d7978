"""The policy for a pipeline that uploads content alone: byte for byte the program's."""

import json
from pathlib import Path

import pytest
import yaml

from policy import Mode, Policy
from tools import render_policy

CONFIG = {
    "mta-sts:dns": {"provider": "azure", "resourceGroup": "dns"},
    "mta-sts:policies": [
        {"name": "main", "mode": "enforce", "maxAge": 1209600, "mx": ["b.example.org", "*.A.example"], "domains": ["example.org"]},
        {"name": "old", "mode": "none", "domains": ["example.net"]},
    ],
}  # fmt: skip


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "Pulumi.yaml").write_text(
        yaml.safe_dump({"config": {"azure-native:location": {"value": "westeurope"}}})
    )
    (tmp_path / "Pulumi.prod.yaml").write_text(yaml.safe_dump({"config": CONFIG}))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_bytes_are_the_programs(project: Path) -> None:
    file = project / "web/.well-known/mta-sts.txt"
    assert render_policy.main(["--stack", "prod", "--to", str(file)]) == 0
    wanted = Policy.of(mode=Mode.ENFORCE, max_age=1209600, mx=["b.example.org", "*.a.example"])
    assert file.read_bytes() == wanted.render()
    assert b"\r\n" in file.read_bytes()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--stack", "prod", "--policy", "mian"], "Pulumi.prod.yaml has no policy 'mian'; it has main, old"),
        (["--stack", "dev"], "is the stack's file in the repository?"),
    ],
)
def test_what_is_wrong_is_one_line_and_nothing_is_written(
    project: Path, capsys: pytest.CaptureFixture[str], words: list[str], says: str
) -> None:
    assert render_policy.main([*words, "--to", "x.txt"]) == 1
    assert says in capsys.readouterr().err
    assert not Path("x.txt").exists()


def test_a_wrong_configuration_is_told_as_by_the_program(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = json.loads(json.dumps(CONFIG))
    broken["mta-sts:policies"][0]["mode"] = "on"
    (project / "Pulumi.prod.yaml").write_text(yaml.safe_dump({"config": broken}))
    assert render_policy.main(["--stack", "prod", "--to", "x.txt"]) == 1
    assert "mta-sts:policies[0].mode" in capsys.readouterr().err


def test_a_stack_with_secrets_is_rendered_without_reading_them(project: Path) -> None:
    dns = {
        "provider": "rfc2136",
        "servers": ["192.0.2.1"],
        "keyName": "key",
        "keySecret": {"secure": "v1:bm9uY2U=:Y2lwaGVydGV4dA=="},
    }
    (project / "Pulumi.prod.yaml").write_text(yaml.safe_dump({"config": {**CONFIG, "mta-sts:dns": dns}}))
    assert b"mode: enforce" in render_policy.render(project, "prod", "main")
