"""What the repository's files say: the pipelines', which Azure DevOps reads, and the stacks'."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from pipeline.parts import NAMESPACE
from pipeline.settings import Settings
from settings.engine import FileConfig, value
from settings.project import PROJECT, config_of

OF_FLEET = "azure-pipelines-fleet.yml"


def shards(folder: Path) -> dict[str, FileConfig]:
    """The stacks that have a shard of a fleet (docs/fleet.md), by name, with their configuration.

    :param folder: the repository's.
    :raises UserError: a stack's file can't be read.
    """
    found: dict[str, FileConfig] = {}
    for path in sorted(folder.glob("Pulumi.*.yaml")):
        config = FileConfig(PROJECT, config_of(path))
        if config.get("fleet") is not None:
            found[path.name.removeprefix("Pulumi.").removesuffix(".yaml")] = config
    return found


def disagreements(settings: Settings, folder: Path) -> list[str]:
    """Where they differ, a line each.

    :param folder: the repository's.
    :raises UserError: a stack's file can't be read.
    """
    problems: list[str] = []
    stacks = _parameters(folder, "azure-pipelines.yml", problems).get("stacks")
    if not problems and settings.stacks and stacks != list(settings.stacks):
        problems.append(
            f"azure-pipelines.yml: stacks is {stacks!r}, but {NAMESPACE}:stacks {list(settings.stacks)}; "
            "make them the same"
        )
    files = [
        name for name, there in (("azure-pipelines.yml", settings.stacks), (OF_FLEET, settings.fleet)) if there
    ]
    proposing = [name for name in files if _parameters(folder, name, []).get("propose")]
    if bool(proposing) != settings.proposals:
        problems.append(
            f"{' and '.join(proposing or files)}: propose is {'set' if proposing else 'empty'}, but {NAMESPACE}:proposals "
            f"{str(settings.proposals).lower()}; make them the same (docs/ladder.md)"
        )
    if settings.content:
        file = "pipeline/steps/content.yml"
        given = _parameters(folder, file, problems)
        for name, wanted in (("stack", settings.content.stack), ("policy", settings.content.policy)):
            if given and given.get(name) != wanted:
                problems.append(
                    f"{file}: {name} is {given.get(name)!r}, but {NAMESPACE}:contentPipeline.{name} {wanted!r}; "
                    "make them the same"
                )
    return problems + (_of_fleet(settings, folder) if settings.fleet else [])


def _of_fleet(settings: Settings, folder: Path) -> list[str]:
    """Each shard's stack must work in the group that is made for it; it may make none of its own."""
    problems: list[str] = []
    _parameters(folder, OF_FLEET, problems)
    for stack, config in shards(folder).items():
        wanted, named = settings.groups[stack].name, config.get("resourceGroup") or f"mta-sts-{stack}"
        if value(config, "existingResourceGroup") is not True:
            problems.append(
                f"Pulumi.{stack}.yaml: {PROJECT}:existingResourceGroup must be true: the pipeline may make no group; "
                f"pulumi config set --stack {stack} {PROJECT}:existingResourceGroup true"
            )
        if named.lower() != wanted.lower():
            problems.append(
                f"Pulumi.{stack}.yaml: {PROJECT}:resourceGroup is {named}, but {NAMESPACE}:resourceGroups has {wanted} "
                "for it; make them the same"
            )
    return problems


def _parameters(folder: Path, name: str, problems: list[str]) -> Mapping[str, Any]:
    """The parameters' defaults, by name."""
    try:
        file = yaml.safe_load((folder / name).read_text(encoding="utf-8"))
        return {parameter["name"]: parameter.get("default") for parameter in file["parameters"]}
    except (OSError, yaml.YAMLError, TypeError, KeyError) as error:
        problems.append(f"{name}: can't be read ({type(error).__name__}); the pipeline runs what stands there")
        return {}
