"""Which azure-native plugin the engine finds, and where."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.control import Sandbox, SandboxError
from sandbox.plugins import installed

ROOT = Path(__file__).parents[2]
PROGRAM = """
import pulumi
from pulumi_azure_native import resources, web
group = resources.ResourceGroup("group", resource_group_name="rg", location="westeurope")
sku = web.SkuDescriptionArgs(name="Free", tier="Free")
site = web.StaticSite("site", name="site", resource_group_name=group.name, location="westeurope", provider="SwaCli", sku=sku)
pulumi.export("host", site.default_hostname)
"""


class Project:
    """A small program of its own."""

    def __init__(self, folder: Path, engine: str) -> None:
        self.folder, self.engine = folder, engine
        folder.mkdir()
        (folder / "Pulumi.yaml").write_text("name: small\nruntime: python\n")
        (folder / "__main__.py").write_text(PROGRAM)

    def pulumi(self, sandbox: Sandbox, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, **sandbox.env(), "SANDBOX_AZURE_NATIVE_PACE": "0.05", **environment}
        env.pop("PULUMI_STACK")
        env["PATH"] = os.pathsep.join(filter(None, (self.engine, env["PATH"])))
        command = ["pulumi", *arguments, "--non-interactive"]
        return subprocess.run(command, cwd=self.folder, env=env, capture_output=True, text=True, timeout=300)


@pytest.fixture
def project(tmp_path: Path, engine: str) -> Project:
    return Project(tmp_path / "project", engine)


def test_the_engine_finds_the_plugin_without_path_and_keeps_what_failed_half_way(
    sandbox: Sandbox, project: Project
) -> None:
    assert project.pulumi(sandbox, "stack", "init", "one").returncode == 0
    sandbox.fault("status", 400, method="GET", path="operationStatuses", times=2)  # the group is made at once
    failed = project.pulumi(sandbox, "up", "--yes", "--skip-preview")
    assert failed.returncode != 0
    assert "$PATH" not in failed.stdout + failed.stderr
    assert "Status=400" in failed.stdout + failed.stderr
    assert "azurestaticapps.net" in project.pulumi(sandbox, "stack", "export").stdout
    sandbox.state.db.execute("DELETE FROM faults")
    again = project.pulumi(sandbox, "up", "--yes", "--skip-preview")  # an update: a create would be refused
    assert again.returncode == 0, again.stdout + again.stderr
    assert "~ " in again.stdout
    settled = project.pulumi(sandbox, "preview", "--expect-no-changes")
    assert settled.returncode == 0, settled.stdout


def test_two_sandboxes_have_each_their_own_plugin_and_chosen_stack(tmp_path: Path, project: Project) -> None:
    with Sandbox(tmp_path / "a") as one, Sandbox(tmp_path / "b") as other:
        assert one.env()["PULUMI_HOME"] != other.env()["PULUMI_HOME"]
        assert project.pulumi(one, "stack", "init", "first").returncode == 0
        assert project.pulumi(other, "stack", "init", "second").returncode == 0
        assert "Current stack is first" in project.pulumi(one, "stack").stdout
        assert "Current stack is second" in project.pulumi(other, "stack").stdout


@pytest.mark.parametrize("venv", ["", "/nowhere"])
def test_it_starts_with_any_virtual_environment_activated_and_beside_folders_of_any_name(
    sandbox: Sandbox, tmp_path: Path, venv: str
) -> None:
    env, program = sandbox.env(), tmp_path / "program"
    for name in ("sandbox", "provider", "policy"):
        (program / name).mkdir(parents=True)
        (program / name / "__init__.py").write_text("raise ImportError('not this one')")
    launcher = Path(env["PULUMI_HOME"], "plugins", installed.folder_name(), installed.FILE)
    started = subprocess.Popen(
        [launcher, "-v=9", "127.0.0.1:1"],
        cwd=program, env={"PATH": "/usr/bin:/bin", "VIRTUAL_ENV": venv}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert started.stdout
    assert started.stdout.readline().strip().isdigit()
    started.terminate()
    started.communicate()


# The real plugin, where there is one


@pytest.fixture
def real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Something that is installed as the real plugin is."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("SANDBOX_AZURE_NATIVE", raising=False)
    file = tmp_path / "home" / ".pulumi" / "plugins" / installed.folder_name() / installed.FILE
    file.parent.mkdir(parents=True)
    file.write_text("#!/bin/sh\necho the real one: $*\n")
    file.chmod(0o755)
    return file


def launched(sandbox: Sandbox) -> str:
    home = sandbox.env()["PULUMI_HOME"]
    launcher = Path(home, "plugins", installed.folder_name(), installed.FILE)
    text = launcher.read_text()
    return subprocess.check_output([launcher, "1"], text=True) if "exec /" in text and " -P " not in text else text


def test_the_real_plugin_is_used_where_it_is_installed(sandbox: Sandbox, real: Path) -> None:
    assert launched(sandbox) == "the real one: 1\n"
    assert installed.describe() == f"the real plugin, {real}"


def test_the_stand_in_is_used_where_it_is_asked_for_or_there_is_no_other(
    sandbox: Sandbox, real: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SANDBOX_AZURE_NATIVE", "stand-in")
    assert "sandbox.plugins.azure_native" in launched(sandbox)
    monkeypatch.setenv("SANDBOX_AZURE_NATIVE", "auto")
    shutil.rmtree(real.parent)
    assert "sandbox.plugins.azure_native" in launched(sandbox)
    assert installed.describe().startswith("the stand-in for 3.")


def test_what_cannot_be_had_is_said_with_the_way_out(
    sandbox: Sandbox, real: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{real.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("SANDBOX_AZURE_NATIVE", "stand-in")
    with pytest.raises(SandboxError, match=f"takes {real} before it; take {real.parent} out of PATH"):
        sandbox.env()
    monkeypatch.setenv("SANDBOX_AZURE_NATIVE", "reel")
    with pytest.raises(SandboxError, match="'reel'; it may be real, stand-in or auto"):
        sandbox.env()
    real.unlink()
    monkeypatch.setenv("SANDBOX_AZURE_NATIVE", "real")
    with pytest.raises(SandboxError, match="pulumi plugin install resource azure-native 3"):
        sandbox.env()


def test_status_and_the_tests_header_say_which_it_is(sandbox: Sandbox, real: Path) -> None:
    command = [sys.executable, "-m", "sandbox", "--dir", str(sandbox.folder), "status"]
    assert f"plugin the real plugin, {real}" in subprocess.check_output(command, cwd=ROOT, text=True)
    pytest_ = [
        sys.executable,
        "-m",
        "pytest",
        "--collect-only",
        "-q",
        "tests/unit/test_layout.py",
        "-p",
        "no:cacheprovider",
    ]
    assert "azure-native: " in subprocess.run([*pytest_, "-v"], cwd=ROOT, capture_output=True, text=True).stdout
