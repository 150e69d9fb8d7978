"""The secrets of a DNS host, read where they stand encrypted: in the stack's configuration.

The engine logs every value that passes through it at `-v=9`, secret ones too. So a record set says only where its
host's secrets stand, and the plugin has the Pulumi CLI decrypt them, with whatever secrets provider the stack has.
"""

import json
import subprocess
from collections.abc import Mapping
from functools import cache
from typing import Any, cast

from provider.hosts import HostError

TIMEOUT = 60  # seconds


def of(place: Mapping[str, Any]) -> dict[str, str]:
    """The credentials of a host.

    :param place: `stack`, its full name, and `secretsIn`, the configuration key of a `dns` map.
    :returns: `keySecret`, or the host's options.
    :raises HostError: they can't be read.
    """
    found = _configured(str(place["stack"]), str(place["secretsIn"]))
    if place["provider"] == "lexicon":
        return {name: str(value) for name, value in found.get("options", {}).items()}
    return {"keySecret": str(found.get("keySecret", ""))}


@cache
def _configured(stack: str, key: str) -> dict[str, Any]:
    command = ["pulumi", "config", "get", "--path", key, "--stack", stack, "--non-interactive"]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise HostError(f"{key} can't be read: `pulumi config get` doesn't run ({type(error).__name__})") from None
    if run.returncode:
        lines = [line for line in run.stderr.splitlines() if line.strip()] or ["no reason given"]
        raise HostError(
            f"{key} can't be read: {lines[0].removeprefix('error: ')}; the secrets of DNS hosts stand in the stack's "
            "configuration, also while it is destroyed (with a passphrase, PULUMI_CONFIG_PASSPHRASE must be set)"
        )
    try:
        return cast(dict[str, Any], json.loads(run.stdout))
    except ValueError:
        raise HostError(f"{key} can't be read: it is no map any more") from None
