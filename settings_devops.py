"""`mta-sts:azureDevOps`, typed and checked; `settings` reads it with the rest of the stack's configuration."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from settings.reader import Reader

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
    "contentPipeline",
)
RESERVED = ("PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE")  # this program sets them itself


@dataclass(frozen=True)
class ContentPipeline:
    """Uploads of `web/` without Pulumi (pipelines/content.yml), to the site of a stack's policy."""

    stack: str
    policy: str


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
    :param secrets: the pipeline's secret variables, each with its place below `mta-sts:azureDevOps`: PULUMI_CONFIG_PASSPHRASE
        where there is a passphrase, and `variables`. Their values aren't here.
    :param fingerprints: variable to something that changes when the secret does.
    :param content: None for no such pipeline.
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
    secrets: Mapping[str, str]
    fingerprints: Mapping[str, str] = field(repr=False)
    content: ContentPipeline | None
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
    secrets = _secrets(reader, given)
    project, repository = text("project", ""), text("repository", "mta-sts")
    existing = reader.flag(given.get("existingProject"), f"{KEY}.existingProject")
    if not existing and project.lower() == repository.lower():
        reader.problem(
            f"{KEY}.repository",
            f"{repository} is what a new project's own first repository is called; give another",
        )
    return DevOps(
        organization=_organization(reader, given.get("organization")),
        project=project,
        existing_project=existing,
        repository=repository,
        reviewers=_reviewers(reader, given.get("reviewers", 1)),
        approvers=approvers,
        stacks=stacks,
        backend=backend,
        state_resource_group=group,
        secrets={name: path for name, (path, _) in secrets.items()},
        fingerprints={name: _fingerprint(name, value) for name, (_, value) in secrets.items()},
        content=_content(reader, given.get("contentPipeline"), stacks),
        dns_resource_group=dns_resource_group,
    )


def storage(backend: str) -> tuple[str, str] | None:
    """The (storage account, container) of an azblob backend that names both."""
    found = re.fullmatch(r"azblob://([a-z0-9-]+)\?(?:.*&)?storage_account=([a-z0-9]+)(?:&.*)?", backend)
    return (found[2], found[1]) if found else None


def _organization(reader: "Reader", value: Any) -> str:
    pattern = r"https://dev\.azure\.com/[A-Za-z0-9][A-Za-z0-9-]*/?"
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


def _secrets(reader: "Reader", given: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Variable to (place below KEY, value)."""
    found: dict[str, tuple[str, str]] = {}
    passphrase = reader.secret(given.get("passphrase"), f"{KEY}.passphrase")
    if passphrase:
        found["PULUMI_CONFIG_PASSPHRASE"] = ("passphrase", passphrase)
    variables: Any = given.get("variables")
    if variables is None:
        return found
    if not isinstance(variables, dict):
        reader.problem(f"{KEY}.variables", "must be a map of names to secrets")
        return found
    for name, value in cast(dict[str, Any], variables).items():
        key = f"{KEY}.variables.{name}"
        if name in RESERVED:
            reader.problem(key, "is set from backend or passphrase; remove it here")
        elif not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            reader.problem(key, "must be a name of letters, digits and _, as an environment variable has it")
        elif secret := reader.secret(value, key):
            found[name] = (f"variables.{name}", secret)
    return found


def _fingerprint(name: str, value: str) -> str:
    """Shows that a secret has changed, and is too short and too slow to guess the secret by."""
    return hashlib.scrypt(value.encode(), salt=f"mta-sts {name}".encode(), n=1 << 14, r=8, p=1, dklen=4).hex()


def _content(reader: "Reader", value: Any, stacks: tuple[str, ...]) -> ContentPipeline | None:
    key = f"{KEY}.contentPipeline"
    if value is None:
        return None
    given = reader.mapping(value, key, ("stack", "policy")) if isinstance(value, dict) else {}
    stack, policy = given.get("stack"), given.get("policy")
    if not isinstance(stack, str) or not isinstance(policy, str):
        reader.problem(key, "must be a map of stack and policy, such as {stack: prod, policy: main}")
        return None
    if stack not in stacks:
        reader.problem(f"{key}.stack", f"{stack} is none of the stacks {', '.join(stacks)}")
    return ContentPipeline(stack, policy)


def disagreements(devops: DevOps, folder: Path) -> list[str]:
    """Where the pipelines' files, which Azure DevOps reads, say something else than the settings; a line each.

    :param folder: the repository's.
    """
    problems: list[str] = []
    stacks = _parameters(folder / "azure-pipelines.yml", problems).get("stacks")
    if not problems and stacks != list(devops.stacks):
        problems.append(
            f"azure-pipelines.yml: stacks is {stacks!r}, but {KEY}.stacks {list(devops.stacks)}; make them the same"
        )
    if devops.content:
        found = _parameters(folder / "pipelines" / "content.yml", problems)
        for name, wanted in (("stack", devops.content.stack), ("policy", devops.content.policy)):
            if found and found.get(name) != wanted:
                problems.append(
                    f"pipelines/content.yml: {name} is {found.get(name)!r}, but {KEY}.contentPipeline.{name} {wanted!r}; "
                    "make them the same"
                )
    return problems


def _parameters(path: Path, problems: list[str]) -> dict[str, Any]:
    """The parameters' defaults, by name."""
    import yaml

    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
        return {each["name"]: each.get("default") for each in found["parameters"]}
    except (OSError, yaml.YAMLError, TypeError, KeyError) as error:
        problems.append(
            f"{path.name}: can't be read ({type(error).__name__}); the pipeline runs what stands there"
        )
        return {}
