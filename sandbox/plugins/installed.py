"""Where the engine finds the azure-native plugin: in the sandbox's own PULUMI_HOME, the stand-in or the real one."""

import os
import shlex
import shutil
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Literal

FILE = "pulumi-resource-azure-native"
ROOT = Path(__file__).parents[2]
# -P: the folder that the engine runs in, a copy of the program perhaps, is not where modules are looked for.
LAUNCHER = """#!/bin/sh
# The local Azure's stand-in for this plugin; written by `python -m sandbox env`.
PYTHONPATH={root} exec {python} -P -m sandbox.plugins.azure_native "$@"
"""
FORWARD = """#!/bin/sh
exec {real} "$@"
"""


class PluginError(Exception):
    """What is asked for can't be had here, and the way out."""


def real() -> Path | None:
    """The real plugin of the SDK's version, where the user has it: on PATH, which comes first for the engine too, or
    in ~/.pulumi."""
    if on_path := shutil.which(FILE):
        return Path(on_path)
    kept = Path.home() / ".pulumi" / "plugins" / folder_name() / FILE
    return kept if os.access(kept, os.X_OK) else None


def used() -> Literal["real", "stand-in"]:
    """Which of the two `SANDBOX_AZURE_NATIVE` (real, stand-in or auto) means here.

    :raises PluginError: the chosen one can't be had.
    """
    wanted, found = os.environ.get("SANDBOX_AZURE_NATIVE") or "auto", real()
    if wanted not in ("real", "stand-in", "auto"):
        raise PluginError(f"SANDBOX_AZURE_NATIVE is {wanted!r}; it may be real, stand-in or auto")
    if wanted == "real" and not found:
        raise PluginError(
            f"SANDBOX_AZURE_NATIVE is real, but there is no {FILE} on PATH or in ~/.pulumi/plugins; install it: "
            f"pulumi plugin install resource azure-native {sdk()}"
        )
    if wanted == "stand-in" and found and shutil.which(FILE):
        raise PluginError(
            f"SANDBOX_AZURE_NATIVE is stand-in, but the engine takes {found} before it; take {found.parent} out of PATH"
        )
    return "real" if found and wanted != "stand-in" else "stand-in"


def describe() -> str:
    """A line for people: which plugin is used, and where it is from."""
    return f"the real plugin, {real()}" if used() == "real" else f"the stand-in for {sdk()}"


def install(home: Path) -> None:
    """Make the engine find the plugin in `home`, its PULUMI_HOME."""
    found = real() if used() == "real" else None
    text = (
        FORWARD.format(real=shlex.quote(str(found)))
        if found
        else LAUNCHER.format(root=shlex.quote(str(ROOT)), python=shlex.quote(sys.executable))
    )
    file = home / "plugins" / folder_name() / FILE
    if file.exists() and file.read_text() == text:
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_suffix(f".{os.getpid()}")  # another process may start it at this moment
    fresh.write_text(text)
    fresh.chmod(0o755)
    fresh.replace(file)


def folder_name() -> str:
    """How the engine names a plugin's folder."""
    return f"resource-azure-native-v{sdk()}"


def sdk() -> str:
    """The version that the program's SDK asks for."""
    return version("pulumi-azure-native")
