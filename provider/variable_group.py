"""`VariableGroup`: an Azure Pipelines variable group whose secrets never pass through the engine.

Azure DevOps shows no secret, so whether one is still right is known by what was written last: a seal of it, which shows
that it has changed. It is keyed, and the key lies beside it in the state, encrypted: who sees only the state can't try
guesses on it. It is slow to make, since the engine logs what it stores at `-v=9`.
learn.microsoft.com/rest/api/azure/devops/distributedtask/variablegroups (7.1)
"""

import asyncio
import hashlib
import hmac
import re
import secrets
from typing import Any

from policy import UserError
from provider import azure, azure_devops, configured
from provider.azure_devops import segment
from provider.wait import Wait

DEPLOYMENT_TOKEN = "deployment_token"
SITE = re.compile(
    r"/subscriptions/[\w-]+/resourceGroups/[\w.()-]+/providers/Microsoft\.Web/staticSites/[\w-]+", re.I
)


def _url(inputs: dict[str, Any], id_: str = "", project: bool = False) -> str:
    place = f"/{segment(inputs['project'])}" if project else ""
    groups = f"{inputs['organization']}{place}/_apis/distributedtask/variablegroups"
    return f"{groups}/{segment(id_)}" if id_ else groups


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
    """:raises UserError: it is no site's resource id."""
    if not SITE.fullmatch(str(inputs["site"])):
        raise UserError(f"{str(inputs['site'])[:80]!r} is no resource id of a Static Web App, /subscriptions/…")
    return str(inputs["site"])


def seal(secret: str, key: bytes | None = None) -> str:
    """What shows whether a secret is the same, and nothing else of it.

    :param key: of the seal that it is compared with; a new one by default.
    """
    key = key or secrets.token_bytes(32)
    digest = hashlib.scrypt(secret.encode(), salt=key, n=1 << 14, r=8, p=1, dklen=32)
    return f"{key.hex()}:{digest.hex()}"


def same(seal_: str, secret: str) -> bool:
    """Whether a seal is this secret's."""
    key = seal_.partition(":")[0]
    return bool(key) and hmac.compare_digest(seal(secret, bytes.fromhex(key)), seal_)


def update_now(inputs: dict[str, Any], old: dict[str, Any]) -> dict[str, Any]:
    """Write the whole group.

    :raises UserError: no answer, a refusal, or another group of that name.
    """
    values = _secrets(inputs)
    reference = {"id": inputs["project"]}
    note = f"Written by `pulumi up` of {inputs['stack']}"
    body: dict[str, Any] = {
        "name": inputs["name"],
        "description": note,
        "type": "Vsts",
        "variables": {
            **{name: {"value": value, "isSecret": False} for name, value in inputs["values"].items()},
            **{name: {"value": value, "isSecret": True} for name, value in values.items()},
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
    return {"groupId": str(made["id"]), "seals": {name: seal(value) for name, value in values.items()}}


def _read(inputs: dict[str, Any], id_: str) -> dict[str, Any] | None:
    return azure_devops.request("GET", _url(inputs, id_, project=True)) or None  # a group that is gone is null


def _written_before(inputs: dict[str, Any], note: str) -> str:
    """The id of this stack's group whose creation wasn't heard back; "" for none.

    :raises UserError: somebody else's group has the name.
    """
    answer = azure_devops.request("GET", f"{_url(inputs, project=True)}?groupName={segment(inputs['name'])}") or {}
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

    :raises UserError: the site's id is none.
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
    hidden = {name for name, each in variables.items() if each.get("isSecret")}
    return {
        **state,
        "values": {name: str(each.get("value") or "") for name, each in variables.items() if name not in hidden},
        "secrets": {name: state["secrets"].get(name, "") for name in hidden - {DEPLOYMENT_TOKEN}},
        "seals": {name: sealed for name, sealed in state["seals"].items() if name in hidden},
    }


def stale(state: dict[str, Any]) -> list[str]:
    """The secrets that aren't as they were written: changed in the configuration, or reset at the site."""
    seals: dict[str, str] = state.get("seals") or {}
    changed: list[str] = []
    for name, path in state["secrets"].items():
        try:
            right = same(seals.get(name, ""), configured.text(state["stack"], path))
        except UserError:
            right = False  # it can't be read any more; the update says why
        changed += [] if right else [name]
    if state.get("site"):
        try:
            right = same(seals.get(DEPLOYMENT_TOKEN, ""), azure.deployment_token(_site(state)))
        except UserError:
            right = True  # no answer is no proof
        changed += [] if right else [DEPLOYMENT_TOKEN]
    return [f'seals["{name}"]' for name in changed]


async def delete(state: dict[str, Any], wait: Wait) -> None:
    """Delete the group.

    :raises UserError: no answer, or a refusal.
    """
    url = f"{_url(state, state['groupId'])}?projectIds={segment(state['project'])}"
    await asyncio.to_thread(azure_devops.request, "DELETE", url)
