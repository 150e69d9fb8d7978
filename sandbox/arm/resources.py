"""Resources of any type, as lists and as what can be moved from group to group."""

import time
from typing import Any

from sandbox.arm import GROUP, SUB, Answer, Call, accepted, conditions, route
from sandbox.arm.errors import ArmError, not_found, not_modelled, refuse_unknown
from sandbox.arm.groups import TYPE as GROUP_TYPE
from sandbox.arm.groups import group_of

TOP = {"microsoft.web/staticsites", "microsoft.network/dnszones",
       "microsoft.managedidentity/userassignedidentities", "microsoft.storage/storageaccounts", "microsoft.cdn/profiles",
       "microsoft.cdn/profiles/afdendpoints"}  # fmt: skip
MOVABLE = {"microsoft.web/staticsites", "microsoft.network/dnszones"}
FIELDS = {"name", "resourceType", "resourceGroup", "location", "tagName", "tagValue"}
TIMES = ("createdTime", "changedTime", "provisioningState")


def _listed(call: Call, bodies: list[dict[str, Any]]) -> Answer:
    wanted, expand = conditions(call, FIELDS), call.query.get("$expand", "")
    for name in filter(None, expand.split(",")):
        if name not in TIMES:
            raise not_modelled(f"$expand={name}")
    found = [body for body in bodies if body["type"].lower() in TOP and _is(body, wanted)]
    limit = int(call.query.get("$top", len(found)))
    return Answer(200, {"value": [_short(body, expand.split(",")) for body in found[:limit]]})


def _is(body: dict[str, Any], wanted: dict[str, str]) -> bool:
    tags = {name.lower(): value.lower() for name, value in (body.get("tags") or {}).items()}
    values = {
        "name": body["name"],
        "resourceType": body["type"],
        "resourceGroup": body["id"].split("/")[4],
        "location": body.get("location", "").replace(" ", ""),
        "tagName": wanted.get("tagName", "") if wanted.get("tagName", "").lower() in tags else None,
        "tagValue": tags.get(wanted.get("tagName", "").lower()),
    }
    return all((values[name] or "").lower() == value.replace(" ", "").lower() for name, value in wanted.items())


def _short(body: dict[str, Any], expand: list[str]) -> dict[str, Any]:
    shown = {
        name: body[name] for name in ("id", "name", "type", "location", "tags", "sku", "kind") if name in body
    }
    shown["location"] = shown.get("location", "global").replace(" ", "").lower()
    more = {
        "createdTime": _utc(body["_created"]),
        "changedTime": _utc(body["_changed"]),
        "provisioningState": "Succeeded",
    }
    return {**shown, **{name: more[name] for name in expand if name in more}}


def _utc(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.0000000Z", time.gmtime(seconds))


@route("GET", SUB + "/resources", query=("$filter", "$expand", "$top"))
def list_all(call: Call) -> Answer:
    return _listed(call, call.state.under(f"/subscriptions/{call.groups['sub']}"))


@route("GET", GROUP + "/resources", query=("$filter", "$expand", "$top"))
def list_in_group(call: Call) -> Answer:
    group_of(call)
    return _listed(call, call.state.under(call.path.rpartition("/")[0]))


@route("POST", GROUP + "/validateMoveResources")
@route("POST", GROUP + "/moveResources")
def move(call: Call) -> Answer:
    """Everything that is named goes to the other group, or nothing does."""
    refuse_unknown(call.body, {"resources", "targetResourceGroup"}, "moveResources")
    group_of(call)
    target = call.state.get(call.body["targetResourceGroup"])
    if target is None or target["type"] != GROUP_TYPE:
        raise not_found(call.body["targetResourceGroup"])
    for id_ in call.body["resources"]:
        body = call.state.get(id_)
        if body is None:
            raise not_found(id_)
        if body["type"].lower() == "microsoft.storage/storageaccounts":
            raise not_modelled("moving a storage account")
        if body["type"].lower() not in MOVABLE:
            raise ArmError(409, "ResourceMoveNotSupported", f"Resource move is not supported for resource types '{body['type']}'.")  # fmt: skip
        to = f"{target['id']}/providers/{id_.partition('/providers/')[2]}"
        if call.state.get(to):
            raise ArmError(409, "ResourceMoveFailed", f"The resource {to} exists already in the target resource group.")  # fmt: skip
    if call.path.endswith("/validateMoveResources"):
        return Answer(204)
    for id_ in call.body["resources"]:
        call.state.move(id_, f"{target['id']}/providers/{id_.partition('/providers/')[2]}")
    return accepted(call, call.state.begin("move", call.path, call.state.delay("delete")))
