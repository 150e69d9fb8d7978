"""`ProjectSeen`: an Azure DevOps project that is free to be made, or there to be worked in."""

import asyncio
from typing import Any

from policy import UserError
from provider import azure_devops
from provider.azure_devops import segment
from provider.wait import Wait


def look(inputs: dict[str, Any]) -> None:
    """Ask for the project and, in one that is there, for the repository.

    :raises UserError: it is the other way round, or the repository is there already.
    """
    organization, name, repository = inputs["organization"], inputs["project"], inputs["repository"]
    there = azure_devops.request("GET", f"{organization}/_apis/projects/{segment(name)}")
    if there and not inputs["existing"]:
        raise UserError(
            f"mta-sts-pipeline:project: {name} is there already in {organization}; set existingProject: true to work in it (it then "
            "stays when the stack goes), or choose another name"
        )
    if not inputs["existing"]:
        return
    if there is None:
        raise UserError(
            f"mta-sts-pipeline:existingProject: there is no project {name} in {organization}; remove the key to make it"
        )
    path = f"{organization}/{segment(name)}/_apis/git/repositories/{segment(repository)}"
    if azure_devops.request("GET", path):
        raise UserError(
            f"mta-sts-pipeline:repository: {repository} is there already in the project {name}; choose another name"
        )


async def update(inputs: dict[str, Any], old: dict[str, Any], wait: Wait) -> dict[str, Any]:
    """See `preview`.

    :raises UserError: as `look`.
    """
    return await asyncio.to_thread(preview, inputs, old)


def preview(inputs: dict[str, Any], old: dict[str, Any]) -> dict[str, Any]:
    """See `look`; what this stack has made meanwhile isn't in its way.

    :raises UserError: as `look`.
    """
    if any(old.get(name) != inputs[name] for name in ("organization", "project")):
        look(inputs)
    return {}


def read(state: dict[str, Any]) -> dict[str, Any]:
    """Nothing drifts: the project itself is another resource."""
    return state
