"""How the engine hands configuration over: what `pulumi.Config` doesn't tell."""

import json
from typing import Any, Protocol

import pulumi
from pulumi.runtime.config import get_config_env, get_config_secret_keys_env


class StackConfig(Protocol):
    """What the settings need of `pulumi.Config`."""

    def get(self, key: str) -> str | None: ...


def value(config: StackConfig, key: str) -> Any:
    """A list or a map, which the engine hands over as JSON; anything else as the text it is."""
    text = config.get(key)
    try:
        return None if text is None else json.loads(text)
    except (ValueError, RecursionError):
        return text


def keys(namespace: str) -> list[str]:
    """The names of all keys that the stack sets in a namespace, such as `mta-sts`."""
    return _within(namespace, list(get_config_env()))


def encrypted_keys(namespace: str) -> list[str]:
    """The names of a namespace's keys with an encrypted value somewhere in them."""
    return _within(namespace, get_config_secret_keys_env())


def _within(namespace: str, names: list[str]) -> list[str]:
    prefix = f"{namespace}:"
    return [name.removeprefix(prefix) for name in names if name.startswith(prefix)]


def full_name() -> str:
    """This stack's name as the Pulumi CLI takes it everywhere: organization/project/stack."""
    return f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
