"""Managed identities, their federated credentials, role definitions and assignments: kept, not enforced."""

import uuid

from sandbox.arm import GROUP, Answer, Call, route, shown
from sandbox.arm.errors import not_found, refuse_unknown
from sandbox.arm.groups import group_of

IDENTITY = GROUP + r"/providers/Microsoft\.ManagedIdentity/userAssignedIdentities/[^/]+"
TRUST = IDENTITY + "/federatedIdentityCredentials/[^/]+"
ROLE = r"/subscriptions/(?P<sub>[^/]+).*/providers/Microsoft\.Authorization/(?P<kind>roleDefinitions|roleAssignments)/[^/]+"
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
    given = dict(call.body.get("properties") or {})
    refuse_unknown(given, KNOWN[kind], kind)
    old = call.state.get(call.id)
    top = {name: call.body[name] for name in ("location", "tags") if name in call.body}
    body = {"id": call.path, "name": call.path.rpartition("/")[2], "type": type_, **top}
    kept = {name: (old or {}).get("properties", {}).get(name, value) for name, value in more.items()}
    body["properties"] = {**given, **kept}
    call.state.put(body)
    return Answer(200 if old else 201, body)


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
    kind = next(each for each in ("roleDefinitions", "roleAssignments") if each.lower() in call.path.lower())
    return keep(call, kind, f"Microsoft.Authorization/{kind}")


@route("GET", IDENTITY)
@route("GET", TRUST)
@route("GET", ROLE)
def get(call: Call) -> Answer:
    body = call.state.get(call.id)
    if body is None:
        raise not_found(call.path)
    return Answer(200, shown(body))


@route("DELETE", IDENTITY)
@route("DELETE", TRUST)
@route("DELETE", ROLE)
def delete(call: Call) -> Answer:
    found = call.state.get(call.id)
    call.state.delete(call.id)
    return Answer(200 if found else 204)
