"""The parts of the configuration that are maps: resource groups, secrets, the pipeline for content."""

import re
from dataclasses import dataclass
from typing import Any, cast

from settings.engine import StackConfig, value
from settings.reader import Reader, shown

NAMESPACE = "mta-sts-pipeline"
# A site's resource id: learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules
SITE = r"/subscriptions/[0-9a-fA-F-]{36}/resourceGroups/[\w.()-]+/providers/Microsoft\.Web/staticSites/[\w-]+"
GROUP = r"[\w.()-]{0,89}[\w()-]"
RESERVED = ("PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE")  # this program sets them itself


@dataclass(frozen=True)
class ContentPipeline:
    """Uploads of `web/` without Pulumi (steps/content.yml), to the site of a stack's policy.

    :param site: its resource id. It stands in the configuration and isn't read from that stack's state, which the
        pipeline writes.
    """

    stack: str
    policy: str
    site: str


@dataclass(frozen=True)
class Group:
    """A stack's resource group.

    :param existing: it stands already, and isn't this project's.
    """

    name: str
    existing: bool


def key(name: str) -> str:
    """A key with its namespace, as the user writes it."""
    return f"{NAMESPACE}:{name}"


def groups(reader: Reader, given: Any, stacks: tuple[str, ...]) -> dict[str, Group]:
    """Each stack's, by default `mta-sts-<stack>` as in the stacks themselves."""
    place = key("resourceGroups")
    maps = map_of(reader, given, place)
    for stack in (stack for stack in maps if stack not in stacks):
        reader.problem(f"{place}.{stack}", f"{stack} is none of the stacks {', '.join(stacks)}")
    groups: dict[str, Group] = {}
    for stack in stacks:
        entry = reader.mapping(maps.get(stack, {}), f"{place}.{stack}", ("name", "existing"))
        name = reader.text(entry.get("name"), f"{place}.{stack}.name") or f"mta-sts-{stack}"
        if not re.fullmatch(GROUP, name):
            reader.problem(f"{place}.{stack}.name", f"{shown(name)} is no name of a resource group")
        groups[stack] = Group(name, reader.flag(entry.get("existing"), f"{place}.{stack}.existing"))
    names = [group.name.lower() for group in groups.values()]
    for name in sorted({name for name in names if names.count(name) > 1}):
        reader.problem(place, f"{name} is given to two stacks; each needs its own")
    return groups


def secrets(reader: Reader, config: StackConfig) -> dict[str, str]:
    """Variable to the configuration path of its value."""
    secrets: dict[str, str] = {}
    if reader.secret(config.get("passphrase"), key("passphrase")):
        secrets["PULUMI_CONFIG_PASSPHRASE"] = key("passphrase")
    variables = value(config, "variables")
    if isinstance(variables, str):
        variables = ["a text"]  # never shown: it may be a secret
    for name, given in map_of(reader, variables, key("variables")).items():
        place = f"{key('variables')}.{name}"
        if name in RESERVED:
            reader.problem(place, "is set from backend or passphrase; remove it here")
        elif not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            reader.problem(
                key("variables"), f"{shown(name)} must be letters, digits and _, as an environment variable has it"
            )
        elif reader.secret(given, place):
            secrets[name] = place
    return secrets


def content(reader: Reader, given: Any, stacks: tuple[str, ...]) -> ContentPipeline | None:
    if given is None:
        return None
    place = key("contentPipeline")
    parts = reader.mapping(given, place, ("stack", "policy", "site"))
    if not parts:
        return None
    named = {name: reader.text(parts.get(name), f"{place}.{name}") or "" for name in ("stack", "policy", "site")}
    for name in (name for name in named if parts.get(name) is None):
        reader.problem(f"{place}.{name}", "is missing; see docs/configuration.md for an example")
    if named["stack"] and named["stack"] not in stacks:
        reader.problem(f"{place}.stack", f"{named['stack']} is none of the stacks {', '.join(stacks)}")
    if named["site"] and not re.fullmatch(SITE, named["site"]):
        reader.problem(
            f"{place}.site",
            f"{shown(named['site'])} must be the site's resource id: pulumi stack output sites --stack <stack>",
        )
    return ContentPipeline(**named)


def map_of(reader: Reader, given: Any, place: str) -> dict[str, Any]:
    """A map of names that aren't known beforehand."""
    if given is not None and not isinstance(given, dict):
        reader.problem(place, f"{shown(given)} must be a map of names")
        return {}
    return cast(dict[str, Any], given or {})
