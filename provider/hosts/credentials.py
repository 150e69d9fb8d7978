"""The secrets of a DNS host."""

from collections.abc import Mapping
from typing import Any

from provider import configured


def of(place: Mapping[str, Any]) -> dict[str, str]:
    """The credentials of a host.

    :param place: `stack`, its full name, and `secretsIn`, the configuration key of a `dns` map.
    :returns: `keySecret`, or the host's options.
    :raises UserError: they can't be read.
    """
    found = configured.read(str(place["stack"]), str(place["secretsIn"]))
    if place["provider"] == "lexicon":
        return {name: str(value) for name, value in found.get("options", {}).items()}
    return {"keySecret": str(found.get("keySecret", ""))}
