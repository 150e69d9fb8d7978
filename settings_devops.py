"""`mta-sts:azureDevOps`, typed and checked; `settings` reads it with the rest of the stack's configuration."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from settings import Reader

KEY = "mta-sts:azureDevOps"
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
    "passphrase",
    "variables",
)
RESERVED = ("PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE")  # this program sets them itself


@dataclass(frozen=True)
class DevOps:
    """An Azure DevOps project that deploys this repository.

    :param organization: its URL, without a slash at the end.
    :param existing_project: the project is there already and isn't this stack's.
    :param reviewers: how many must approve a pull request.
    :param approvers: groups' names or users' mail addresses, who approve all stacks but the first.
    :param stacks: in the order they are deployed.
    :param backend: PULUMI_BACKEND_URL in the pipeline.
    :param state_resource_group: of the backend's storage account; None where the pipeline needs no role there.
    :param passphrase: of the stacks' secrets; None with a Key Vault secrets provider.
    :param variables: further secrets of the pipeline.
    :param dns_resource_group: of the DNS zones; None where DNS isn't Azure's.
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
    passphrase: str | None = field(repr=False)
    variables: Mapping[str, str] = field(repr=False)
    dns_resource_group: str | None


def read(reader: "Reader", value: Any, dns_resource_group: str | None) -> DevOps | None:
    """The part's settings; problems go to the reader, and no secret's value stands in one.

    :param value: of the key `mta-sts:azureDevOps`, decrypted.
    """
    if value is None:
        return None
    if not isinstance(value, dict):
        reader.problem(KEY, f"must be a map with the keys {', '.join(KEYS)}")
        return None
    given = reader.mapping(value, KEY, KEYS)

    def text(name: str, default: str) -> str:
        return reader.text(given.get(name, default or None), f"{KEY}.{name}") or ""

    stacks = _names(reader, given.get("stacks", ["dev", "prod"]), "stacks")
    approvers = _names(reader, given.get("approvers", []), "approvers")
    if len(stacks) > 1 and not approvers:
        reader.problem(f"{KEY}.approvers", f"is missing; name the group that approves {', '.join(stacks[1:])}")
    for name in ("project", "backend"):
        if not given.get(name):
            reader.problem(f"{KEY}.{name}", "is missing; see docs/configuration.md for an example")
    backend = text("backend", "")
    group = reader.text(given.get("stateResourceGroup"), f"{KEY}.stateResourceGroup")
    if group and not storage(backend):
        reader.problem(f"{KEY}.stateResourceGroup", "needs backend: azblob://<container>?storage_account=<name>")
    return DevOps(
        organization=_organization(reader, given.get("organization")),
        project=text("project", ""),
        existing_project=reader.flag(given.get("existingProject"), f"{KEY}.existingProject"),
        repository=text("repository", "mta-sts"),
        reviewers=_reviewers(reader, given.get("reviewers", 1)),
        approvers=approvers,
        stacks=stacks,
        backend=backend,
        state_resource_group=group,
        passphrase=_secret(reader, given.get("passphrase"), "passphrase"),
        variables=_variables(reader, given.get("variables")),
        dns_resource_group=dns_resource_group,
    )


def storage(backend: str) -> tuple[str, str] | None:
    """The (storage account, container) of an azblob backend that names both."""
    found = re.fullmatch(r"azblob://([a-z0-9-]+)\?(?:.*&)?storage_account=([a-z0-9]+)(?:&.*)?", backend)
    return (found[2], found[1]) if found else None


def _organization(reader: "Reader", value: Any) -> str:
    pattern = (
        r"https://dev\.azure\.com/[A-Za-z0-9][A-Za-z0-9-]*/?|https://[A-Za-z0-9][A-Za-z0-9-]*\.visualstudio\.com/?"
    )
    if not isinstance(value, str) or not re.fullmatch(pattern, value):
        reader.problem(
            f"{KEY}.organization",
            f"{value!r} must be the organisation's URL, such as https://dev.azure.com/contoso",
        )
        return ""
    return value.rstrip("/")


def _reviewers(reader: "Reader", value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 10:
        reader.problem(f"{KEY}.reviewers", f"{value!r} must be a number of people, 1 to 10")
        return 1
    return value


def _names(reader: "Reader", value: Any, name: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(each, str) and each for each in cast(list[Any], value)):
        reader.problem(f"{KEY}.{name}", f"{value!r} must be a list of names")
        return ()
    found = cast(list[str], value)
    for each in sorted({each for each in found if found.count(each) > 1}):
        reader.problem(f"{KEY}.{name}", f"{each} stands there {found.count(each)} times; once is enough")
    if name == "stacks" and not found:
        reader.problem(f"{KEY}.{name}", "is empty; name the stacks in the order they are deployed")
    return tuple(dict.fromkeys(found))


def _secret(reader: "Reader", value: Any, name: str) -> str | None:
    if value is None or (isinstance(value, str) and value):
        return value
    reader.problem(f"{KEY}.{name}", f"must be a text: pulumi config set --secret --path '{KEY}.{name}'")
    return None


def _variables(reader: "Reader", value: Any) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        reader.problem(f"{KEY}.variables", "must be a map of names to secrets")
        return {}
    found: dict[str, str] = {}
    for name, text in cast(dict[str, Any], value).items():
        if name in RESERVED:
            reader.problem(f"{KEY}.variables.{name}", "is set from backend or passphrase; remove it here")
        secret = _secret(reader, text, f"variables.{name}")
        if secret:
            found[name] = secret
    return found
