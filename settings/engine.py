"""How the engine hands configuration over: what `pulumi.Config` doesn't tell, and the same read from a stack's file."""

import json
from collections.abc import Mapping
from typing import Any, Protocol, cast

import pulumi
from pulumi.runtime.config import get_config_env, get_config_secret_keys_env

PLACEHOLDER = "bm90IHRoZSBzZWNyZXQ="  # in place of what is encrypted; "not the secret"


class StackConfig(Protocol):
    """What the settings need of `pulumi.Config`."""

    def get(self, key: str) -> str | None: ...


class FileConfig:
    """A stack's configuration as the engine hands it over, read from its file; a `StackConfig` of one namespace.

    Encrypted values stay so: what is in their place is a text, and valid where base64 is wanted.

    :param values: the file's `config`, by whole keys.
    """

    def __init__(self, namespace: str, values: Mapping[str, Any]) -> None:
        self._prefix = f"{namespace}:"
        self.encrypted: list[str] = []
        self.values = {name: self._without_secrets(value, name) for name, value in values.items()}

    def get(self, key: str) -> str | None:
        """Texts as they are, all else as JSON."""
        value = self.values.get(f"{self._prefix}{key}")
        return value if value is None or isinstance(value, str) else json.dumps(value)

    @property
    def keys(self) -> list[str]:
        """See `keys`, below."""
        return _within(self._prefix.removesuffix(":"), list(self.values))

    def _without_secrets(self, value: Any, name: str) -> Any:
        if isinstance(value, dict):
            held = cast(dict[str, Any], value)
            if set(held) == {"secure"}:
                self.encrypted.append(name.removeprefix(self._prefix))
                return PLACEHOLDER
            return {key: self._without_secrets(inner, name) for key, inner in held.items()}
        listed = cast(list[Any], value)
        return [self._without_secrets(inner, name) for inner in listed] if isinstance(value, list) else value


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
