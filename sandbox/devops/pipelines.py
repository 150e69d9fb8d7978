"""Build definitions, variable groups, service connections, environments, checks, permissions, branch policies."""

import uuid
from typing import Any

from sandbox.devops import Ask, DevOpsError, Reply, many, route
from sandbox.devops.core import project

NUMBERED = {"environments": "distributedtask/environments", "policies": "policy/configurations",
            "checks": "pipelines/checks/configurations"}  # fmt: skip


def numbered(kind: str, path: str) -> None:
    """What is created by POST, gets a number, and comes back as it was put."""

    @route("POST", f"/{path}")
    def create(ask: Ask) -> Reply:
        owner = {"id": project(ask, ask.path.split("/")[1])["id"]}
        if kind == "environments" and taken(ask, kind, owner["id"]):
            raise DevOpsError(409, f"Environment {ask.body['name']} already exists.", "EnvironmentExistsException")
        return 200, ask.put(
            kind, {**ask.body, "project": owner, "id": ask.number(kind), "revision": 1, "isDeleted": False}
        )

    @route("GET", rf"/{path}/(\d+)")
    def get(ask: Ask) -> Reply:
        return 200, ask.get(kind, ask.groups[0])

    @route("PUT PATCH", rf"/{path}/(\d+)")
    def put(ask: Ask) -> Reply:
        found = ask.get(kind, ask.groups[0])
        return 200, ask.put(kind, {**found, **ask.body, "id": found["id"], "revision": found["revision"] + 1})

    @route("DELETE", rf"/{path}/(\d+)")
    def delete(ask: Ask) -> Reply:
        return ask.delete(kind, ask.groups[0])


def taken(ask: Ask, kind: str, owner: str) -> bool:
    """Whether a project has a thing of this name already, whatever its case; Azure DevOps answers with 409."""
    same = [each for each in ask.things(kind) if each["name"].lower() == ask.body["name"].lower()]
    return any(owner in str(each) and each.get("path") == ask.body.get("path") for each in same)


for name, path in NUMBERED.items():
    numbered(name, path)


@route("GET", "/(?:build/Definitions|serviceendpoint/endpoints|distributedtask/environments)")
def listed(ask: Ask) -> Reply:
    owner = project(ask, ask.project())["id"]
    kind = ask.path.rpartition("/")[2].lower()
    return many([each for each in ask.things(kind) if owner in str(each)])


@route("GET", "/distributedtask/variablegroups")
def list_groups(ask: Ask) -> Reply:
    owner, name = project(ask, ask.project())["id"], ask.query.get("groupName")
    found = [each for each in ask.things("variablegroups") if owner in str(each["variableGroupProjectReferences"])]
    return many([hidden(each) for each in found if name in (None, each["name"])])


@route("POST", "/build/Definitions")
def create_definition(ask: Ask) -> Reply:
    """A name is taken once in a folder (github.com/Dejulia489/AzurePipelinesPS 20 has the words)."""
    owner = project(ask, ask.project())
    if taken(ask, "definitions", owner["id"]):
        message = f"Build pipeline {ask.body['name']} already exists for project {owner['name']}"
        raise DevOpsError(409, message, "DefinitionExistsException")
    defaults = {"queueStatus": "enabled", "path": "\\", "jobAuthorizationScope": "projectCollection"}
    return 200, ask.put("definitions", {**defaults, **ask.body, "id": ask.number("definitions"), "revision": 1})


@route("GET", r"/build/Definitions/(\d+)")
def get_definition(ask: Ask) -> Reply:
    return 200, ask.get("definitions", ask.groups[0])


@route("PUT", r"/build/Definitions/(\d+)")
def put_definition(ask: Ask) -> Reply:
    old = ask.get("definitions", ask.groups[0])
    new = {"jobAuthorizationScope": "projectCollection", **ask.body, "id": old["id"]}
    return 200, ask.put("definitions", {**new, "revision": old["revision"] + 1})


@route("DELETE", r"/build/Definitions/(\d+)")
def delete_definition(ask: Ask) -> Reply:
    return ask.delete("definitions", ask.groups[0])


@route("GET PATCH", "/build/generalsettings")
def general_settings(ask: Ask) -> Reply:
    """What runs of a project may; a new organisation limits their tokens, an old one doesn't."""
    owner = project(ask, ask.project())["id"]
    old = [found for found in ask.things("generalsettings") if found["id"] == owner] or [{}]
    return 200, ask.put("generalsettings", {**old[0], **(ask.body or {}), "id": owner})


@route("PATCH", "/build/AuthorizedResources")
def authorize(ask: Ask) -> Reply:
    for each in ask.body:
        ask.put("authorized", {**each, "id": f"{each['type']}-{each['id']}", "_": each})
    return many(ask.body)


@route("GET", "/build/AuthorizedResources")
def authorized(ask: Ask) -> Reply:
    wanted = f"{ask.query['type']}-{ask.query['id']}"
    return many([each["_"] for each in ask.things("authorized") if each["id"] == wanted and each["authorized"]])


@route("POST", "/distributedtask/variablegroups")
def create_group(ask: Ask) -> Reply:
    same = [each for each in ask.things("variablegroups") if each["name"].lower() == ask.body["name"].lower()]
    owners = [each["projectReference"]["id"] for each in ask.body["variableGroupProjectReferences"]]
    if any(owner in str(each["variableGroupProjectReferences"]) for each in same for owner in owners):
        message = f"Variable group with name {ask.body['name']} already exists."
        raise DevOpsError(409, message, "VariableGroupExistsException")
    return 200, hidden(ask.put("variablegroups", {**ask.body, "id": ask.number("variablegroups")}))


@route("GET", r"/distributedtask/variablegroups/(\d+)")
def get_group(ask: Ask) -> Reply:
    return 200, hidden(ask.get("variablegroups", ask.groups[0]))


@route("PUT", r"/distributedtask/variablegroups/(\d+)")
def put_group(ask: Ask) -> Reply:
    old = ask.get("variablegroups", ask.groups[0])
    return 200, hidden(ask.put("variablegroups", {**old, **ask.body, "id": old["id"]}))


@route("DELETE", r"/distributedtask/variablegroups/(\d+)")
def delete_group(ask: Ask) -> Reply:
    return ask.delete("variablegroups", ask.groups[0])


def hidden(group: dict[str, Any]) -> dict[str, Any]:
    """A variable group as it is shown: secrets never come back."""
    shown = {
        name: {**each, "value": None} if each.get("isSecret") else each
        for name, each in group["variables"].items()
    }
    return {**group, "variables": shown}


@route("POST", "/serviceendpoint/endpoints")
def create_endpoint(ask: Ask) -> Reply:
    authorization = ask.body["authorization"]
    if authorization["scheme"] != "WorkloadIdentityFederation":
        raise DevOpsError(501, f"the local Azure does not model service connections by {authorization['scheme']}")
    owner = project(ask, ask.body["serviceEndpointProjectReferences"][0]["projectReference"]["id"])
    trust = {"workloadIdentityFederationIssuer": "https://login.microsoftonline.com/local/v2.0",
             "workloadIdentityFederationSubject": f"sc://contoso/{owner['name']}/{ask.body['name']}"}  # fmt: skip
    authorization["parameters"] |= trust
    return 200, ask.put("endpoints", {**ask.body, "id": str(uuid.uuid4()), "isReady": True})


@route("GET", "/serviceendpoint/endpoints/([^/]+)")
def get_endpoint(ask: Ask) -> Reply:
    found = [each for each in ask.things("endpoints") if each["id"] == ask.groups[0].lower()]
    return 200, found[0] if found else None  # the service answers null for one that is gone


@route("PUT", "/serviceendpoint/endpoints/([^/]+)")
def put_endpoint(ask: Ask) -> Reply:
    return 200, ask.put("endpoints", {**ask.get("endpoints", ask.groups[0]), **ask.body})


@route("DELETE", "/serviceendpoint/endpoints/([^/]+)")
def delete_endpoint(ask: Ask) -> Reply:
    return ask.delete("endpoints", ask.groups[0])


@route("GET", "/pipelines/pipelinePermissions/([^/]+)/([^/]+)")
def permissions(ask: Ask) -> Reply:
    return 200, permitted(ask)


@route("PATCH", "/pipelines/pipelinePermissions/([^/]+)/([^/]+)")
def permit(ask: Ask) -> Reply:
    found = permitted(ask)
    pipelines = {each["id"]: each for each in [*found["pipelines"], *(ask.body.get("pipelines") or [])]}
    found["pipelines"] = [each for each in pipelines.values() if each.get("authorized")]
    return 200, ask.put("permissions", found)


def permitted(ask: Ask) -> dict[str, Any]:
    """Who may use a resource."""
    type_, id_ = ask.groups
    key = f"{type_}-{id_}"
    found = [each for each in ask.things("permissions") if each["id"] == key]
    return found[0] if found else {"id": key, "resource": {"type": type_, "id": id_}, "pipelines": []}
