"""Whether the pipelines' files, which Azure DevOps reads, say the same as the settings."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from pipeline.parts import NAMESPACE
from pipeline.settings import Settings


def disagreements(settings: Settings, folder: Path) -> list[str]:
    """Where they differ, a line each.

    :param folder: the repository's.
    """
    problems: list[str] = []
    stacks = _parameters(folder, "azure-pipelines.yml", problems).get("stacks")
    if not problems and stacks != list(settings.stacks):
        problems.append(
            f"azure-pipelines.yml: stacks is {stacks!r}, but {NAMESPACE}:stacks {list(settings.stacks)}; "
            "make them the same"
        )
    proposing = bool(_parameters(folder, "azure-pipelines.yml", []).get("propose"))
    if proposing != settings.proposals:
        problems.append(
            f"azure-pipelines.yml: propose is {'set' if proposing else 'empty'}, but {NAMESPACE}:proposals "
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
    return problems


def _parameters(folder: Path, name: str, problems: list[str]) -> Mapping[str, Any]:
    """The parameters' defaults, by name."""
    try:
        file = yaml.safe_load((folder / name).read_text(encoding="utf-8"))
        return {parameter["name"]: parameter.get("default") for parameter in file["parameters"]}
    except (OSError, yaml.YAMLError, TypeError, KeyError) as error:
        problems.append(f"{name}: can't be read ({type(error).__name__}); the pipeline runs what stands there")
        return {}
