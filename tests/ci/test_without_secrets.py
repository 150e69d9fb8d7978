"""What looks and changes nothing needs no secret: a copy of project and state without any, on the real engine."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools import get_engine
from tools.ci import without_secrets
from tools.ci.errors import CiError

PASSPHRASE, SECRET = "passphrase-of-the-state-81d0", "a-secret-that-stands-nowhere-else-5e"
PROGRAM = """
import pulumi
config = pulumi.Config()
pulumi.export("top", config.require_secret("top"))
pulumi.export("inner", pulumi.Output.secret(config.require_object("nested")["list"][0]["a.b"]))
pulumi.export("plain", config.require("plain"))
"""


def pulumi(
    folder: Path, env: dict[str, str], *words: str, text: str | None = None
) -> "subprocess.CompletedProcess[str]":
    command = ["pulumi", *words, "--non-interactive"]
    return subprocess.run(command, cwd=folder, env=env, input=text, capture_output=True, text=True)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A stack that is up, with secrets in its configuration and its state; and the environment without a passphrase."""
    engine = get_engine.present()
    folder = tmp_path_factory.mktemp("looked-at") / "project"
    folder.mkdir()
    (folder.parent / "state").mkdir()
    path = [str(Path(sys.executable).parent), *([str(engine)] if engine else []), os.environ["PATH"]]
    env = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PULUMI_")},
        "PATH": os.pathsep.join(path),
        "PULUMI_BACKEND_URL": f"file://{folder.parent}/state",
        "PULUMI_HOME": str(folder.parent / "home"),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_STACK": "prod",
    }
    (folder / "Pulumi.yaml").write_text("name: looked-at\nruntime: python\n")
    (folder / "__main__.py").write_text(PROGRAM)
    own = {**env, "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE}
    for words, text in (
        (("stack", "init", "prod"), None),
        (("config", "set", "--secret", "top"), SECRET),
        (("config", "set", "--secret", "--path", 'nested.list[0]["a.b"]'), SECRET),
        (("config", "set", "plain", "seen by all"), None),
        (("up", "--yes", "--skip-preview"), None),
    ):
        run = pulumi(folder, own, *words, text=text)
        assert run.returncode == 0, run.stdout + run.stderr
    return folder, env


def test_a_run_without_the_passphrase_previews_what_is_there(project: tuple[Path, dict[str, str]]) -> None:
    folder, env = project
    assert "passphrase" in pulumi(folder, env, "preview").stderr  # of itself, the engine can't
    with without_secrets.copy(env, folder) as (copied, own):
        run = pulumi(copied, own, "preview", "--diff", "--expect-no-changes")
        assert run.returncode == 0, run.stdout + run.stderr
        assert pulumi(copied, own, "stack", "output", "plain").stdout == "seen by all\n"
        everything = b"".join(path.read_bytes() for path in copied.parent.rglob("*") if path.is_file())
        assert b"seen by all" in everything
        for secret in (SECRET, PASSPHRASE):
            assert secret.encode() not in everything
    assert not copied.exists()


def test_who_looks_changes_nothing(project: tuple[Path, dict[str, str]]) -> None:
    folder, env = project
    before = {
        path: path.read_bytes() for path in folder.parent.rglob("*") if path.is_file() and "home" not in path.parts
    }
    with without_secrets.copy(env, folder) as (copied, own):
        assert pulumi(copied, own, "up", "--yes", "--skip-preview").returncode == 0  # not even if it tried
        assert pulumi(copied, own, "stack", "rm", "--yes", "--force").returncode == 0
    assert before == {
        path: path.read_bytes() for path in folder.parent.rglob("*") if path.is_file() and "home" not in path.parts
    }


def test_a_stacks_full_name_is_looked_at_by_its_own(project: tuple[Path, dict[str, str]]) -> None:
    folder, env = project
    (folder / ".venv").symlink_to(sys.prefix)  # Pulumi.yaml may name it
    with without_secrets.copy({**env, "PULUMI_STACK": "organization/looked-at/prod"}, folder) as (copied, own):
        assert (copied / ".venv" / "pyvenv.cfg").exists()
        assert pulumi(copied, own, "stack", "output", "plain").stdout == "seen by all\n"


def test_a_run_with_the_passphrase_works_in_the_project_itself(project: tuple[Path, dict[str, str]]) -> None:
    folder, env = project
    own = {**env, "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE}
    with without_secrets.copy(own, folder) as (same, given):
        assert (same, given) == (folder, own)


def test_a_stack_that_is_not_there_is_one_line(project: tuple[Path, dict[str, str]]) -> None:
    folder, env = project
    with (
        pytest.raises(CiError, match="no stack named 'gone' found"),
        without_secrets.copy({**env, "PULUMI_STACK": "gone"}, folder),
    ):
        pass
