"""`VariableGroup`: an Azure Pipelines variable group whose secrets never pass through the engine.

Azure DevOps shows no secret, so whether one is still right is known by what was written last: a fingerprint of it.
learn.microsoft.com/rest/api/azure/devops/distributedtask/variablegroups (7.1)
"""

import asyncio
import hashlib
from typing import Any

from policy import UserError
from provider import azure, azure_devops, configured
from provider.wait import Wait

DEPLOYMENT_TOKEN = "deployment_token"


def _url(inputs: dict[str, Any], id_: str = "", project: bool = False) -> str:
    place = f"/{inputs['project']}" if project else ""
    return f"{inputs['organization']}{place}/_apis/distributedtask/variablegroups" + (f"/{id_}" if id_ else "")


def _secrets(inputs: dict[str, Any]) -> dict[str, str]:
    """The values, from where they stand: the stack's configuration, and the site.

    :raises UserError: they can't be had.
    """
    found: dict[str, str] = {}
    for name, path in inputs["secrets"].items():
        found[name] = configured.text(inputs["stack"], path)
    if inputs.get("site") is not None:
        found[DEPLOYMENT_TOKEN] = azure.deployment_token(_site(inputs))
    return found


def _site(inputs: dict[str, Any]) -> str:
    if not inputs["site"]:
        raise UserError(
            "mta-sts-pipeline:contentPipeline: that stack has no site of that policy yet; `pulumi up` there first, or "
            "leave contentPipeline out until then"
        )
    return str(inputs["site"])


def fingerprint(token: str) -> str:
    """Of a random token, from which nothing can be guessed."""
    return hashlib.sha256(token.encode()).hexdigest()[:16]


def update_now(inputs: dict[str, Any], old: dict[str, Any]) -> dict[str, Any]:
    """Write the whole group.

    :raises UserError: no answer, a refusal, or another group of that name.
    """
    secrets = _secrets(inputs)
    reference = {"id": inputs["project"]}
    note = f"Written by `pulumi up` of {inputs['stack']}"
    body: dict[str, Any] = {
        "name": inputs["name"],
        "description": note,
        "type": "Vsts",
        "variables": {
            **{name: {"value": value, "isSecret": False} for name, value in inputs["values"].items()},
            **{name: {"value": value, "isSecret": True} for name, value in secrets.items()},
        },
        "variableGroupProjectReferences": [
            {"name": inputs["name"], "description": note, "projectReference": reference}
        ],
    }
    id_ = str(old.get("groupId") or "")
    if id_ and _read(inputs, id_) is None:
        id_ = ""  # somebody deleted it
    if not id_:
        id_ = _written_before(inputs, note)
    made = azure_devops.request("PUT" if id_ else "POST", _url(inputs, id_), body)
    if not made:
        raise UserError(
            f"Azure DevOps has no project {inputs['project']} any more; `pulumi refresh`, then `pulumi up`"
        )
    token = secrets.get(DEPLOYMENT_TOKEN)
    return {"groupId": str(made["id"]), "token": fingerprint(token) if token else ""}


def _read(inputs: dict[str, Any], id_: str) -> dict[str, Any] | None:
    return azure_devops.request("GET", _url(inputs, id_, project=True)) or None  # a group that is gone is null


def _written_before(inputs: dict[str, Any], note: str) -> str:
    """The id of this stack's group whose creation wasn't heard back; "" for none.

    :raises UserError: somebody else's group has the name.
    """
    answer = azure_devops.request("GET", f"{_url(inputs, project=True)}?groupName={inputs['name']}") or {}
    for group in answer.get("value", ()):
        if group["name"] == inputs["name"]:
            if group.get("description") != note:
                raise UserError(
                    f"the project has a variable group {inputs['name']} already, not from this stack; rename or delete "
                    "it under Pipelines > Library"
                )
            return str(group["id"])
    return ""


async def update(inputs: dict[str, Any], old: dict[str, Any], wait: Wait) -> dict[str, Any]:
    """See `update_now`."""
    return await asyncio.to_thread(update_now, inputs, old)


def preview(inputs: dict[str, Any], old: dict[str, Any]) -> dict[str, Any]:
    """What is certain: the group's number, once it has one.

    :raises UserError: there is no site to take a token from.
    """
    if inputs.get("site") is not None:
        _site(inputs)
    return {"groupId": old["groupId"]} if old.get("groupId") else {}


def read(state: dict[str, Any]) -> dict[str, Any]:
    """The state, with the values and the names of secrets that the group has now."""
    try:
        found = _read(state, state["groupId"])
    except UserError:
        return state  # no answer is no proof of drift
    variables: dict[str, Any] = (found or {}).get("variables") or {}
    values = {name: str(each.get("value") or "") for name, each in variables.items() if not each.get("isSecret")}
    secrets = {name: state["secrets"].get(name, "") for name, each in variables.items() if each.get("isSecret")}
    has_token = secrets.pop(DEPLOYMENT_TOKEN, None) is not None
    return {**state, "values": values, "secrets": secrets, "token": state["token"] if has_token else ""}


def stale(state: dict[str, Any]) -> list[str]:
    """What isn't as it was written though no input has changed: the deployment token, when it was reset."""
    if not state.get("site"):
        return []
    try:
        now = fingerprint(azure.deployment_token(state["site"]))
    except UserError:
        return []  # no answer is no proof
    return ["token"] if now != state.get("token") else []


async def delete(state: dict[str, Any], wait: Wait) -> None:
    """Delete the group.

    :raises UserError: no answer, or a refusal.
    """
    url = f"{_url(state, state['groupId'])}?projectIds={state['project']}"
    await asyncio.to_thread(azure_devops.request, "DELETE", url)
