"""A stack without its secrets: a copy of project and state for runs that look and change nothing.

Whoever opens a pull request decides what its run executes, so that such a run is given no passphrase and no right to a
key. The engine, though, decrypts a stack's configuration and state before anything else. So it is given copies in which
every secret is the same harmless text, under a passphrase of their own, in a folder that goes with the run.

What a preview shows stays true: no resource has a secret among its inputs (docs/architecture.md). A program that must
sign in to a DNS host to make its plan can't, here; `mta-sts-pipeline:previewsWithSecrets` is for those.
"""

import json
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from settings.engine import PLACEHOLDER
from tools.ci.errors import CiError

KEYS = ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE", "PULUMI_ACCESS_TOKEN")
OWN = ("encryptionsalt", "encryptedkey", "secretsprovider")  # of a stack file: how its secrets are encrypted
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", ".sandbox", "__pycache__")
# How the engine writes a secret into a state (github.com/pulumi/pulumi sdk/go/common/resource/sig)
SIGN, SECRET = "4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270"


@contextmanager
def copy(given: Mapping[str, str], folder: Path) -> Generator[tuple[Path, dict[str, str]]]:
    """The folder and the environment to look at the stack PULUMI_STACK from.

    A run that was given what decrypts its stack, or that names none, works in the project itself.

    :param given: an environment that is signed in to where the state lies.
    :param folder: of the project.
    :raises CiError: there is no such stack, or its state can't be read.
    """
    full = given.get("PULUMI_STACK", "")
    if not full or any(given.get(name) for name in KEYS):
        yield folder, dict(given)
        return
    state = json.loads(_pulumi(["stack", "export", "--stack", full], folder, given))
    stack = full.rpartition("/")[2]
    with tempfile.TemporaryDirectory(prefix="mta-sts-look-") as place:
        project = Path(shutil.copytree(folder, Path(place) / "project", symlinks=True, ignore=LEFT_OUT))
        if (folder / ".venv").exists():  # Pulumi.yaml may name it as the virtual environment
            (project / ".venv").symlink_to((folder / ".venv").resolve())
        os.mkdir(Path(place) / "state")
        env = {
            **given,
            "PULUMI_BACKEND_URL": f"file://{place}/state",
            "PULUMI_CONFIG_PASSPHRASE": secrets.token_hex(16),
            "PULUMI_STACK": stack,
        }
        file = project / f"Pulumi.{stack}.yaml"
        paths = _strip(file)
        _pulumi(["stack", "init", stack], project, env)
        if paths:
            pairs = [word for path in paths for word in ("--secret", f"{path}={PLACEHOLDER}")]
            _pulumi(["config", "set-all", "--path", *pairs], project, env)
        state = _without(state)
        salt = yaml.safe_load(file.read_text(encoding="utf-8"))["encryptionsalt"]
        state["deployment"]["secrets_providers"] = {"type": "passphrase", "state": {"salt": salt}}
        _pulumi(["stack", "import"], project, env, json.dumps(state))
        yield project, env


def _strip(path: Path) -> list[str]:
    """Take the secrets out of a stack file.

    :returns: the configuration paths where they stood.
    """
    try:
        file: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, yaml.YAMLError):
        raise CiError(f"{path.name} is missing or no stack file; is it in the repository?") from None
    paths: list[str] = []

    def without(value: Any, place: str) -> Any:
        if isinstance(value, dict):
            if set(value) == {"secure"}:
                paths.append(place)
                return None
            return {name: without(inner, f"{place}[{json.dumps(name)}]") for name, inner in value.items()}
        if isinstance(value, list):
            return [without(inner, f"{place}[{at}]") for at, inner in enumerate(value)]
        return value

    config = {name: without(value, name) for name, value in (file.get("config") or {}).items()}
    kept = {name: value for name, value in config.items() if name not in paths}
    path.write_text(yaml.safe_dump({**{n: v for n, v in file.items() if n not in OWN}, "config": kept}))
    return paths


def _without(value: Any) -> Any:
    """A state with a harmless text in place of each secret; the copy's own stack encrypts it."""
    if isinstance(value, dict):
        if value.get(SIGN) == SECRET:
            return {SIGN: SECRET, "plaintext": json.dumps(PLACEHOLDER)}
        return {name: _without(inner) for name, inner in value.items()}
    return [_without(inner) for inner in value] if isinstance(value, list) else value


def _pulumi(words: list[str], folder: Path, env: Mapping[str, str], text: str | None = None) -> str:
    """What a pulumi command prints.

    :raises CiError: it fails, in its own words.
    """
    try:
        run = subprocess.run(
            ["pulumi", *words, "--non-interactive"],
            cwd=folder,
            env=env,
            input=text,
            capture_output=True,
            text=True,
        )
    except OSError:
        raise CiError("pulumi is not on PATH") from None
    if run.returncode:
        lines = [line.strip() for line in run.stderr.splitlines() if line.strip()] or ["no reason given"]
        errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
        raise CiError(f"pulumi {' '.join(words[:2])}: {(errors or lines)[0]}")
    return run.stdout
