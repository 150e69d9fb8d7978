"""Secrets, read where they stand encrypted: in the stack's configuration.

The engine logs every value that passes through it at `-v=9`, secret ones too. So a resource says only where its secrets
stand, and the plugin has the Pulumi CLI decrypt them, with whatever secrets provider the stack has.
"""

import json
import subprocess
import time
from functools import cache
from typing import Any, cast

from policy import UserError

TIMEOUT = 60  # seconds
TRIES = 8
# The CLI reads the stack's state before its configuration; in a folder, the running update may be writing it.
BEING_WRITTEN = "failed to load checkpoint"


@cache
def read(stack: str, key: str) -> dict[str, Any]:
    """A map of a stack's configuration, decrypted.

    :param stack, key: as for `text`.
    :raises UserError: it can't be read, or is no map.
    """
    try:
        return cast(dict[str, Any], json.loads(text(stack, key)))
    except ValueError:
        raise UserError(f"{key} can't be read: it is no map any more") from None


def text(stack: str, key: str) -> str:
    """A value of a stack's configuration, decrypted; a map or a list is JSON.

    :param stack: its full name, `<organization>/<project>/<stack>`.
    :param key: a configuration key or a path in one.
    :raises UserError: it can't be read.
    """
    command = ["pulumi", "config", "get", "--path", key, "--stack", stack, "--non-interactive"]
    run = _run(command, key)
    for _ in range(TRIES):
        if not run.returncode or BEING_WRITTEN not in run.stderr:
            break
        time.sleep(0.5)
        run = _run(command, key)
    if run.returncode:
        lines = [line for line in run.stderr.splitlines() if line.strip()] or ["no reason given"]
        raise UserError(
            f"{key} can't be read: {lines[0].removeprefix('error: ')}; the secrets there stand in the stack's "
            "configuration, also while it is destroyed (with a passphrase, PULUMI_CONFIG_PASSPHRASE must be set)"
        )
    return run.stdout.removesuffix("\n")


def _run(command: list[str], key: str) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UserError(f"{key} can't be read: `pulumi config get` doesn't run ({type(error).__name__})") from None
