"""The configuration of the project `mta-sts-pipeline`, typed and checked as a whole before anything is touched."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.parts import ContentPipeline, Group, content, groups, key, map_of, secrets
from policy import UserError
from settings.engine import StackConfig, value
from settings.reader import Reader, shown
from settings.stack import SIGN_IN

FLEET = "fleet"  # its environment and pipeline are mta-sts-fleet
KEYS = (
    "organization",
    "project",
    "existingProject",
    "repository",
    "reviewers",
    "approvers",
    "stacks",
    "backend",
    "stateResourceGroup",
    "dnsResourceGroups",
    "resourceGroup",
    "resourceGroups",
    "tags",
    "passphrase",
    "variables",
    "previewsWithSecrets",
    "contentPipeline",
    "proposals",
    "frontDoor",
    "fleet",
)


@dataclass(frozen=True)
class Settings:
    """An Azure DevOps project that deploys this repository.

    :param organization: its URL, without a slash at the end.
    :param existing_project: the project is there already, and stays when this stack goes.
    :param reviewers: how many must approve a pull request.
    :param approvers: groups' names or users' mail addresses, who approve all stacks but the first, and changes of what runs.
    :param stacks: in the order they are deployed; none where a fleet is all there is.
    :param backend: PULUMI_BACKEND_URL in the pipeline.
    :param state_resource_group: of the backend's storage account; None where the pipeline needs no role there.
    :param dns_resource_groups: of the DNS zones in Azure.
    :param resource_group: where the pipeline's identities go.
    :param groups: the resource groups of the stacks and of the fleet's, by stack.
    :param tags: of the groups and identities.
    :param secrets: the pipeline's secret variables, each with the configuration path of its value: PULUMI_CONFIG_PASSPHRASE
        where there is a passphrase, and `variables`. Their values aren't here.
    :param previews_with_secrets: whoever may open a pull request may read the secrets.
    :param content: None for no such pipeline.
    :param front_door: a stack has policies on Azure Front Door.
    :param proposals: nightly runs of main propose lines of the stacks' files; their identity may push branches.
    :param fleet: there is a pipeline for a fleet's shards, too.
    """

    organization: str
    project: str
    existing_project: bool
    repository: str
    reviewers: int
    approvers: tuple[str, ...]
    stacks: tuple[str, ...]
    backend: str
    state_resource_group: str | None
    dns_resource_groups: tuple[str, ...]
    resource_group: str
    groups: Mapping[str, Group]
    tags: Mapping[str, str]
    secrets: Mapping[str, str]
    previews_with_secrets: bool
    content: ContentPipeline | None
    proposals: bool
    front_door: bool
    fleet: bool


def load(
    config: StackConfig,
    keys: Iterable[str],
    azure_keys: Iterable[str] = (),
    encrypted: Iterable[str] = (),
    shards: Sequence[str] = (),
) -> Settings:
    """Read the stack's configuration; no message shows a secret's value.

    :param keys: the names of all `mta-sts-pipeline:` keys that are set.
    :param azure_keys: the names of all `azure-native:` keys that are set.
    :param encrypted: the names of the `mta-sts-pipeline:` keys that hold secrets.
    :param shards: the names of the stacks that have a shard of a fleet (`stated.shards`).
    :raises UserError: a line for each problem.
    """
    reader = Reader(encrypted)
    for name in keys:
        if name not in KEYS:
            reader.problem(key(name), f"there is no such key; the keys are {', '.join(KEYS)}")
    for name in azure_keys:
        if name in SIGN_IN:
            variable = SIGN_IN[name]
            reader.problem(
                f"azure-native:{name}", f"sign in by the variable {variable} instead, and remove the key"
            )
    settings = _read(reader, config, shards)
    if reader.problems:
        raise UserError("\n".join(reader.problems))
    return settings


def _read(reader: Reader, config: StackConfig, shards: Sequence[str]) -> Settings:
    def text(name: str) -> str:
        return reader.text(config.get(name), key(name)) or ""

    for name in ("project", "backend"):
        if config.get(name) is None:
            reader.problem(key(name), "is missing; see docs/configuration.md for an example")
    project, repository = text("project"), text("repository") or "mta-sts"
    existing = reader.flag(value(config, "existingProject"), key("existingProject"))
    if not existing and project.lower() == repository.lower():
        reader.problem(
            key("repository"), f"{repository} is what a new project's own first repository is called; give another"
        )
    fleet = reader.flag(value(config, "fleet"), key("fleet"))
    stacks = _stacks(reader, value(config, "stacks"), shards if fleet else None)
    approvers = _names(reader, value(config, "approvers"), "approvers")
    if not approvers:
        reader.problem(key("approvers"), "is missing; name who lets changes of the program and deployments pass")
    return Settings(
        organization=_organization(reader, config.get("organization")),
        project=project,
        existing_project=existing,
        repository=repository,
        reviewers=_reviewers(reader, value(config, "reviewers")),
        approvers=approvers,
        stacks=stacks,
        backend=text("backend"),
        state_resource_group=_state_resource_group(reader, text("stateResourceGroup"), text("backend")),
        dns_resource_groups=_names(reader, value(config, "dnsResourceGroups"), "dnsResourceGroups"),
        resource_group=text("resourceGroup") or "mta-sts-pipeline",
        groups=groups(reader, value(config, "resourceGroups"), (*stacks, *(shards if fleet else ()))),
        tags=_tags(reader, value(config, "tags")),
        secrets=secrets(reader, config),
        previews_with_secrets=reader.flag(value(config, "previewsWithSecrets"), key("previewsWithSecrets")),
        content=content(reader, value(config, "contentPipeline"), stacks),
        proposals=reader.flag(value(config, "proposals"), key("proposals")),
        front_door=reader.flag(value(config, "frontDoor"), key("frontDoor")),
        fleet=fleet,
    )


def _stacks(reader: Reader, given: Any, shards: Sequence[str] | None) -> tuple[str, ...]:
    """The stacks that are deployed one after the other.

    :param shards: the fleet's stacks; None where no pipeline is to be made for them.
    """
    place, names = key("stacks"), _names(reader, given, "stacks")
    if shards is None:
        return names or ("dev", "prod")
    if given is None:
        names = ("dev", "prod")
    if not shards:
        reader.problem(key("fleet"), "no Pulumi.<stack>.yaml has mta-sts:fleet; write one first (docs/fleet.md)")
    for name in names:
        if name in shards:
            reader.problem(place, f"{name} has a shard of the fleet; take it out, the fleet's pipeline deploys it")
        elif name.lower() == FLEET:
            reader.problem(place, f"{name} would share the environment mta-sts-{FLEET} with the fleet; rename it")
    return names


def storage(backend: str) -> tuple[str, str] | None:
    """The (storage account, container) of an azblob backend that names both."""
    match = re.fullmatch(r"azblob://([a-z0-9-]+)\?(?:.*&)?storage_account=([a-z0-9]+)(?:&.*)?", backend)
    return (match[2], match[1]) if match else None


def _state_resource_group(reader: Reader, group: str, backend: str) -> str | None:
    if group and not storage(backend):
        reader.problem(key("stateResourceGroup"), "needs backend: azblob://<container>?storage_account=<name>")
    return group or None


def _organization(reader: Reader, given: str | None) -> str:
    if given is None or not re.fullmatch(r"https://dev\.azure\.com/[A-Za-z0-9][A-Za-z0-9-]*/?", given):
        reader.problem(
            key("organization"),
            f"{shown(given)} must be the organisation's URL, such as https://dev.azure.com/contoso",
        )
        return ""
    return given.rstrip("/")


def _reviewers(reader: Reader, given: Any) -> int:
    if given is None:
        return 1
    if isinstance(given, bool) or not isinstance(given, int) or not 1 <= given <= 10:
        reader.problem(key("reviewers"), f"{shown(given)} must be a number of people, 1 to 10")
        return 1
    return given


def _names(reader: Reader, given: Any, name: str) -> tuple[str, ...]:
    items = reader.items(given, key(name), "names")
    names = [text for at, item in enumerate(items) if (text := reader.text(item, f"{key(name)}[{at}]"))]
    for repeated in sorted({text for text in names if names.count(text) > 1}):
        reader.problem(key(name), f"{repeated} stands there {names.count(repeated)} times; once is enough")
    return tuple(dict.fromkeys(names))


def _tags(reader: Reader, given: Any) -> dict[str, str]:
    place = key("tags")
    return {name: reader.text(tag, f"{place}.{name}") or "" for name, tag in map_of(reader, given, place).items()}
