"""Managed identities, their federated credentials, role definitions and assignments. `rights` says what they give."""

import re
import uuid
from typing import Any

from sandbox.arm import GROUP, Answer, Call, conditions, route, shown
from sandbox.arm.errors import ArmError, not_found, refuse_unknown
from sandbox.arm.groups import group_of
from sandbox.arm.rights import ASSIGNMENT, BUILT_IN, DEFINITION, lies_in
from sandbox.state import State

IDENTITY = GROUP + r"/providers/Microsoft\.ManagedIdentity/userAssignedIdentities/[^/]+"
TRUST = IDENTITY + "/federatedIdentityCredentials/[^/]+"
ROLE = r"/subscriptions/(?P<sub>[^/]+).*/providers/Microsoft\.Authorization/(?P<kind>roleDefinitions|roleAssignments)/[^/]+"
ROLES = r"/subscriptions/(?P<sub>[^/]+)(?:/.*)?/providers/Microsoft\.Authorization/(?P<kind>roleDefinitions|roleAssignments)"
KNOWN = {
    "identity": {"tags"},
    "trust": {"issuer", "subject", "audiences"},
    "roleDefinitions": {"roleName", "type", "description", "permissions", "assignableScopes"},
    "roleAssignments": {"roleDefinitionId", "principalId", "principalType"},
}


def keep(call: Call, kind: str, type_: str, **more: str) -> Answer:
    """Store what was put.

    :raises ArmError: a property that isn't modelled.
    """
    refuse_unknown(call.body, {"location", "tags", "properties", "id", "name", "type"}, kind)
    given = dict(call.body.get("properties") or {})
    refuse_unknown(given, KNOWN[kind], kind)
    old = call.state.get(call.id)
    top = {name: call.body[name] for name in ("location", "tags") if name in call.body}
    body = {"id": old["id"] if old else call.path, "name": call.path.rpartition("/")[2], "type": type_, **top}
    kept = {name: (old or {}).get("properties", {}).get(name, value) for name, value in more.items()}
    body["properties"] = {**given, **kept}
    call.state.put(body)
    return Answer(200 if old else 201, shown(body))


@route("PUT", IDENTITY)
def put_identity(call: Call) -> Answer:
    group_of(call)
    ids = {
        "clientId": str(uuid.uuid4()),
        "principalId": str(uuid.uuid4()),
        "tenantId": call.state.setting("tenant"),
    }
    return keep(call, "identity", "Microsoft.ManagedIdentity/userAssignedIdentities", **ids)


@route("PUT", TRUST)
def put_trust(call: Call) -> Answer:
    if call.state.get(call.path.rpartition("/federatedIdentityCredentials/")[0]) is None:
        raise not_found(call.path)
    return keep(call, "trust", "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials")


@route("PUT", ROLE)
def put_role(call: Call) -> Answer:
    if call.groups["kind"].lower() == "roledefinitions":
        return keep(call, "roleDefinitions", DEFINITION)
    _check_assignment(call, call.body.get("properties") or {})
    scope = re.split("/providers/Microsoft.Authorization/", call.path, flags=re.IGNORECASE)[0]
    return keep(call, "roleAssignments", ASSIGNMENT, scope=scope)


def _check_assignment(call: Call, given: dict[str, str]) -> None:
    """A role and a principal must exist, and be seen to: both take a while to reach every part of Azure.

    :raises ArmError: RoleDefinitionDoesNotExist, PrincipalNotFound, RoleAssignmentExists.
    """
    state, role = call.state, given.get("roleDefinitionId", "")
    guid, principal = role.rpartition("/")[2].lower(), given.get("principalId", "")
    known = guid in BUILT_IN or any(body["name"].lower() == guid for body in state.of(DEFINITION))
    if not known or state.resource_fault("role-unseen", guid) is not None:
        raise _no_definition(guid)
    looked_up = "principalType" not in given and principal not in _principals(state)
    if looked_up or state.resource_fault("principal-unseen", principal) is not None:
        raise ArmError(400, "PrincipalNotFound", f"Principal {principal} does not exist in the directory {state.setting('tenant')}. Check that you have the correct principal ID. If you are creating this principal and then immediately assigning a role, this error might be related to a replication delay. In this case, set the role assignment principalType property to a value, such as ServicePrincipal, User, or Group.  See https://aka.ms/docs-principaltype")  # fmt: skip
    scope = call.path.lower().partition("/providers/microsoft.authorization/")[0]
    for body in state.of(ASSIGNMENT):
        old = body["properties"]
        same = old["scope"].lower() == scope and old["principalId"] == principal
        if same and old["roleDefinitionId"].lower() == role.lower() and body["id"].lower() != call.path.lower():
            raise ArmError(409, "RoleAssignmentExists", f"The role assignment already exists. The ID of the existing role assignment is {body['name'].replace('-', '')}.")  # fmt: skip


def _principals(state: State) -> set[str]:
    identities = state.of("Microsoft.ManagedIdentity/userAssignedIdentities")
    return {state.setting("object"), *(body["properties"]["principalId"] for body in identities)}


def _no_definition(guid: str) -> ArmError:
    message = f"The specified role definition with ID '{guid.replace('-', '')}' does not exist."
    return ArmError(404, "RoleDefinitionDoesNotExist", message)


@route("GET", ROLE)
def get_role(call: Call) -> Answer:
    body, name = call.state.get(call.id), call.path.rpartition("/")[2]
    if body:
        return Answer(200, shown(body))
    if call.groups["kind"].lower() == "roleassignments":
        raise ArmError(404, "RoleAssignmentNotFound", f"The role assignment '{name}' is not found.")
    if name.lower() in BUILT_IN:
        return Answer(200, _built_in(call, name.lower()))
    raise _no_definition(name)


def _built_in(call: Call, guid: str) -> dict[str, Any]:
    id_ = f"/subscriptions/{call.groups['sub']}/providers/{DEFINITION}/{guid}"
    name, permissions = BUILT_IN[guid]
    properties = {"roleName": name, "type": "BuiltInRole", "assignableScopes": ["/"], "permissions": [permissions]}
    return {"id": id_, "name": guid, "type": DEFINITION, "properties": properties}


@route("GET", ROLES, query=("$filter",))
def list_roles(call: Call) -> Answer:
    """The filters that `az role assignment list` sends: by principal, by name, at the scope and above."""
    kind = DEFINITION if call.groups["kind"].lower() == "roledefinitions" else ASSIGNMENT
    found = [shown(body) for body in call.state.of(kind)]
    scope = call.path.lower().partition("/providers/microsoft.authorization/")[0]
    if kind == ASSIGNMENT:
        only_above = "atScope" in call.query.get("$filter", "")
        given = ((body["properties"]["scope"], body) for body in found)
        found = [body for at, body in given if lies_in(scope, at) or (lies_in(at, scope) and not only_above)]
    if kind == DEFINITION:
        found += [_built_in(call, guid) for guid in BUILT_IN]
    wanted = conditions(call, {"principalId", "assignedTo", "roleName", "type", "atScope"})
    for name, value in wanted.items():
        field = {"assignedTo": "principalId"}.get(name, name)
        if name != "atScope":
            found = [body for body in found if str(body["properties"].get(field, "")).lower() == value.lower()]
    return Answer(200, {"value": found})


@route("GET", IDENTITY)
@route("GET", TRUST)
def get(call: Call) -> Answer:
    body = call.state.get(call.id)
    if body is None:
        raise not_found(call.path)
    return Answer(200, shown(body))


@route("DELETE", IDENTITY)
@route("DELETE", TRUST)
def delete(call: Call) -> Answer:
    found = call.state.get(call.id)
    call.state.delete(call.id)
    return Answer(200 if found else 204)


@route("DELETE", ROLE)
def delete_role(call: Call) -> Answer:
    """What is deleted comes back."""
    found = call.state.get(call.id)
    call.state.delete(call.id)
    return Answer(200, shown(found)) if found else Answer(204)
