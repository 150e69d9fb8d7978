"""Getting the engine: what is there is taken, what is too old is not, and no Go is one line."""

import hashlib
import io
import os
import platform
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tools import get_engine

ROOT = Path(__file__).parents[2]


def program(folder: Path, name: str, body: str) -> None:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def run(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin", "XDG_CACHE_HOME": str(tmp_path / "cache")}
    command = [sys.executable, "-m", "tools.get_engine", *arguments]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)


def test_a_new_enough_engine_on_path_is_taken_as_it_is(tmp_path: Path) -> None:
    program(tmp_path / "bin", "pulumi", "echo v3.999.0")
    program(tmp_path / "bin", "pulumi-language-python", "")
    found = run(tmp_path)
    assert (found.returncode, found.stdout, found.stderr) == (0, "\n", "")


@pytest.mark.parametrize("version", ["v3.249.9", "not found"])
def test_an_old_engine_is_not_taken_and_the_cache_is(tmp_path: Path, version: str) -> None:
    program(tmp_path / "bin", "pulumi", f"echo {version}")
    program(tmp_path / "bin", "pulumi-language-python", "")
    cache = tmp_path / "cache" / "mta-sts" / "engine" / f"{get_engine.VERSION}-{get_engine.BUILD}" / "bin"
    cache.mkdir(parents=True)
    program(cache, "pulumi", "echo v3.250.0")
    assert run(tmp_path).stdout.strip() == str(cache)


def test_without_go_it_says_what_to_install(tmp_path: Path) -> None:
    found = run(tmp_path, "--build")
    assert found.returncode == 1
    assert found.stdout == ""
    assert found.stderr.splitlines()[-1].startswith(
        "no Pulumi engine: there is no Go to build it with; install Go 1."
    )


def test_an_old_go_is_named(tmp_path: Path) -> None:
    program(tmp_path / "bin", "go", "echo go1.20.1; echo local")
    found = run(tmp_path, "--build")
    assert found.returncode == 1
    assert "go1.20.1 is too old" in found.stderr


def test_a_failed_build_leaves_nothing_behind(tmp_path: Path) -> None:
    program(
        tmp_path / "bin",
        "go",
        '[ "$1" = env ] && { echo go1.99.0; echo auto; exit; }; echo "no module" >&2; exit 1',
    )
    found = run(tmp_path, "--build")
    assert found.returncode == 1
    assert "go build in tools/engine failed: no module" in found.stderr
    assert [each.name for each in (tmp_path / "cache/mta-sts/engine").iterdir()] == [
        f"{get_engine.VERSION}-{get_engine.BUILD}.lock"
    ]


def test_a_build_is_made_once(tmp_path: Path) -> None:
    module = tmp_path / "module"
    for script in get_engine.SCRIPTS:
        (module / script).parent.mkdir(parents=True, exist_ok=True)
        (module / script).write_text("#!/usr/bin/env python3\n")
    count = tmp_path / "count"
    body = f"""case "$1" in
env) echo go1.99.0; echo auto;;
list) echo {module};;
build) echo x >> {count}; while [ "$1" != -o ]; do shift; done; echo > "$2"; chmod +x "$2";;
esac"""
    program(tmp_path / "bin", "go", body)
    first = run(tmp_path, "--build")
    assert first.returncode == 0, first.stderr
    folder = Path(first.stdout.strip())
    assert {each.name for each in folder.iterdir()} == {
        "pulumi", "pulumi-language-python", "python-language-host", "pulumi-language-python-exec",
        "pulumi-resource-pulumi-python",
    }  # fmt: skip
    assert run(tmp_path, "--build").stdout == first.stdout
    assert count.read_text().count("x") == 3
    assert os.access(folder / "pulumi-language-python-exec", os.X_OK)


def test_the_engine_is_as_new_as_the_sdk() -> None:
    assert f"pulumi=={get_engine.VERSION}\n" in (ROOT / "requirements.in").read_text()


def release(monkeypatch: pytest.MonkeyPatch, known: bool) -> None:
    """A release on GitHub; with `known`, the one whose SHA-256 is pinned."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        file = tarfile.TarInfo("pulumi/pulumi")
        file.size, file.mode = 2, 0o755
        archive.addfile(file, io.BytesIO(b"#!"))
    data = packed.getvalue()
    name = f"{sys.platform}-{get_engine.ARCHITECTURES[platform.machine().lower()]}"
    if known:
        monkeypatch.setitem(get_engine.RELEASES, name, hashlib.sha256(data).hexdigest())
    monkeypatch.setattr(get_engine, "urlopen", lambda url, timeout: io.BytesIO(data))


def test_a_release_is_taken_when_it_is_the_one_that_is_pinned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release(monkeypatch, known=True)
    assert get_engine.download(tmp_path)
    assert os.access(tmp_path / "bin" / "pulumi", os.X_OK)


def test_nothing_is_run_of_a_release_that_was_exchanged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    release(monkeypatch, known=False)
    with pytest.raises(get_engine.EngineError, match="doesn't have the SHA-256"):
        get_engine.download(tmp_path)
    assert not (tmp_path / "bin").exists()
