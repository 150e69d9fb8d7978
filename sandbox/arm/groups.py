"""Resource groups and what is in them (API 2024-03-01 and its like)."""

from sandbox.arm import GROUP, SUB, Answer, Call, accepted, conditions, route, shown
from sandbox.arm.errors import ArmError, not_found, refuse_unknown

TYPE = "Microsoft.Resources/resourceGroups"


@route("GET", SUB + "/resourceGroups", query=("$filter", "$top"))
def list_groups(call: Call) -> Answer:
    wanted = conditions(call, {"tagName", "tagValue"})
    found = [shown(body) for body in call.state.of(TYPE) if body["id"].split("/")[2] == call.groups["sub"].lower()]
    if wanted:
        name, value = wanted.get("tagName", ""), wanted.get("tagValue")
        found = [body for body in found if name in body["tags"] and value in (None, body["tags"][name])]
    return Answer(200, {"value": found[: int(call.query.get("$top", len(found)))]})


@route("PUT", GROUP)
def put(call: Call) -> Answer:
    refuse_unknown(
        call.body, {"location", "tags", "managedBy", "name", "id", "type", "properties"}, "resourceGroup"
    )
    old = call.state.get(call.id)
    location = call.body.get("location", "").replace(" ", "").lower()
    if not location:
        raise ArmError(400, "LocationRequired", "The location property is required for this definition.")
    if old and old["location"] != location:
        raise ArmError(
            409,
            "InvalidResourceGroupLocation",
            f"Invalid resource group location '{location}'. The Resource group already exists in location "
            f"'{old['location']}'.",
        )
    body = {
        "id": old["id"] if old else call.path,
        "name": old["name"] if old else call.groups["group"],
        "type": TYPE,
        "location": location,
        "tags": call.body.get("tags") or {},
        "properties": {"provisioningState": "Succeeded"},
        **({"managedBy": call.body["managedBy"]} if call.body.get("managedBy") else {}),
    }
    call.state.put(body)
    return Answer(200 if old else 201, shown(body))


def group_of(call: Call) -> None:
    """A resource's group must exist.

    :raises ArmError: ResourceGroupNotFound.
    """
    group = f"/subscriptions/{call.groups['sub']}/resourceGroups/{call.groups['group']}"
    if call.state.get(group) is None:
        raise not_found(group)


@route("GET", GROUP)
@route("HEAD", GROUP)
def get(call: Call) -> Answer:
    body = call.state.get(call.id)
    if body is None:
        raise not_found(call.path)
    return Answer(200 if call.method == "GET" else 204, shown(body) if call.method == "GET" else None)


@route("PATCH", GROUP)
def patch(call: Call) -> Answer:
    group_of(call)
    refuse_unknown(call.body, {"tags"}, "resourceGroup, patched:")
    body = call.state.get(call.id) or {}
    body["tags"] = call.body.get("tags", body["tags"])
    call.state.put(body)
    return Answer(200, shown(body))


@route("DELETE", GROUP)
def delete(call: Call) -> Answer:
    group_of(call)
    return accepted(call, call.state.begin("delete", call.id, call.state.delay("delete")))
