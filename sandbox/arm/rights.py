"""Who may do what where: built-in roles, what role assignments give, and what ARM tells somebody of their own rights.

learn.microsoft.com/azure/role-based-access-control/built-in-roles, and "How Azure RBAC determines if a user has access to
a resource" in its overview. The sign-in is Owner of the subscription (the state's `subscription-role` says otherwise), and
has nothing else until it is assigned.
"""

import re
import time
from collections.abc import Iterator

from sandbox.arm import Answer, Call, route
from sandbox.arm.errors import ArmError, not_found
from sandbox.state import State

ASSIGNMENT, DEFINITION = "Microsoft.Authorization/roleAssignments", "Microsoft.Authorization/roleDefinitions"
Permissions = dict[str, list[str]]
LISTS = ("actions", "notActions", "dataActions", "notDataActions")
BLOBS = "Microsoft.Storage/storageAccounts/blobServices"
DELEGATE = f"{BLOBS}/generateUserDelegationKey/action"
EVERYWHERE = ["Microsoft.Authorization/*/read", "Microsoft.Insights/alertRules/*", "Microsoft.Resources/deployments/*",
              "Microsoft.ResourceHealth/availabilityStatuses/read", "Microsoft.Resources/subscriptions/resourceGroups/read",
              "Microsoft.Support/*"]  # fmt: skip


def _permissions(
    actions: list[str], data: list[str] | None = None, without: list[str] | None = None
) -> Permissions:
    return {"actions": actions, "notActions": without or [], "dataActions": data or [], "notDataActions": []}


BUILT_IN: dict[str, tuple[str, Permissions]] = {
    "8e3af657-a8ff-443c-a75c-2fe8c4bcb635": ("Owner", _permissions(["*"])),
    "b24988ac-6180-42a0-ab88-20f7382dd24c": ("Contributor", _permissions(["*"], without=[
        "Microsoft.Authorization/*/Delete", "Microsoft.Authorization/*/Write", "Microsoft.Authorization/elevateAccess/Action",
        "Microsoft.Blueprint/blueprintAssignments/write", "Microsoft.Blueprint/blueprintAssignments/delete",
        "Microsoft.Compute/galleries/share/action", "Microsoft.Purview/consents/write", "Microsoft.Purview/consents/delete"])),
    "acdd72a7-3385-48ef-bd42-f606fba81ae7": ("Reader", _permissions(["*/read"])),
    "befefa01-2a29-4197-83a8-272ff33ce314": ("DNS Zone Contributor", _permissions([*EVERYWHERE, "Microsoft.Network/dnsZones/*"])),
    "17d1049b-9a84-46fb-8f53-869881c3d3ab": ("Storage Account Contributor", _permissions([
        *EVERYWHERE, "Microsoft.Insights/diagnosticSettings/*", "Microsoft.Storage/storageAccounts/*",
        "Microsoft.Network/virtualNetworks/subnets/joinViaServiceEndpoint/action"])),
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": ("Storage Blob Data Owner", _permissions(
        [f"{BLOBS}/containers/*", DELEGATE], [f"{BLOBS}/containers/blobs/*"])),
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe": ("Storage Blob Data Contributor", _permissions(
        [*(f"{BLOBS}/containers/{verb}" for verb in ("delete", "read", "write")), DELEGATE],
        [f"{BLOBS}/containers/blobs/{verb}" for verb in ("delete", "read", "write", "move/action", "add/action")])),
    "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1": ("Storage Blob Data Reader", _permissions(
        [f"{BLOBS}/containers/read", DELEGATE], [f"{BLOBS}/containers/blobs/read"])),
}  # fmt: skip


def allowed(state: State, principal: str, scope: str, action: str, data: bool = False) -> bool:
    """Whether one of a principal's roles, at a scope or above it, has an action, or a data action.

    What one role takes away (`notActions`), another may give.
    """
    given, taken = ("dataActions", "notDataActions") if data else ("actions", "notActions")
    return any(
        _matches(action, each[given]) and not _matches(action, each[taken])
        for each in permissions(state, principal, scope, time.time() - state.delay("role-propagation"))
    )


def permissions(state: State, principal: str, scope: str, since: float | None = None) -> Iterator[Permissions]:
    """What each role gives that a principal has at a scope or above it.

    :param since: only of assignments that were made by then, in seconds of the epoch.
    """
    if principal == state.setting("object") and scope.split("/")[2].lower() in state.subscriptions:
        wanted = state.optional("subscription-role") or "Owner"
        yield from (given for name, given in BUILT_IN.values() if name == wanted)
    for body in state.of(ASSIGNMENT):
        properties = body["properties"]
        old_enough = since is None or body["_created"] <= since
        if properties["principalId"] == principal and lies_in(scope, properties["scope"]) and old_enough:
            yield from _of_role(state, properties["roleDefinitionId"])


def lies_in(scope: str, other: str) -> bool:
    """Whether a scope is another one, or lies below it."""
    return f"{scope}/".lower().startswith(f"{other}/".lower())


def _of_role(state: State, definition: str) -> list[Permissions]:
    guid = definition.rpartition("/")[2].lower()
    if guid in BUILT_IN:
        return [BUILT_IN[guid][1]]
    custom = (body for body in state.of(DEFINITION) if body["name"].lower() == guid)
    return [
        {name: each.get(name) or [] for name in LISTS}
        for body in custom
        for each in body["properties"].get("permissions") or ()
    ]


def check(call: Call) -> None:
    """Whether the one who asks may do what a request does; what is above resource groups is shown to everybody.

    :raises ArmError: AuthorizationFailed.
    """
    action = _action(call.method, call.path)
    if action is None or allowed(call.state, call.principal, call.path, action):
        return
    client, scope = call.state.setting("client"), call.path
    message = f"The client '{client}' with object id '{call.principal}' does not have authorization to perform action '{action}' over scope '{scope}' or the scope is invalid. If access was recently granted, please refresh your credentials."  # fmt: skip
    raise ArmError(403, "AuthorizationFailed", message)


def _action(method: str, path: str) -> str | None:
    """An action's name: `<namespace>/<types>/read`, `write`, `delete`, or `<types>/<verb>/action`."""
    name = path.rpartition("/")[2].lower()
    if name == "checknameavailability" or path.lower().endswith("/providers/microsoft.authorization/permissions"):
        return None
    verb = {"GET": "read", "HEAD": "read", "DELETE": "delete", "POST": "action"}.get(method, "write")
    before, _, rest = path.rpartition("/providers/")
    if rest and before.count("/") < 4 and verb == "read":
        return None
    if before:
        namespace, *parts = rest.split("/")
        return "/".join([namespace, *parts[::2], verb])
    parts = path.split("/")[3:]  # resourceGroups, its name, and what is to be done with it
    if len(parts) < 2 or parts[0].lower() != "resourcegroups":
        return None
    return "/".join(["Microsoft.Resources/subscriptions/resourceGroups", *parts[2:], verb])


def _matches(action: str, patterns: list[str]) -> bool:
    return any(
        re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), action, re.IGNORECASE) for pattern in patterns
    )


@route("GET", r"(?P<scope>/subscriptions/(?P<sub>[^/]+).*)/providers/Microsoft\.Authorization/permissions")
def list_permissions(call: Call) -> Answer:
    """What the one who asks may do at a scope. It knows an assignment at once, long before Azure Storage heeds it."""
    parts = call.groups["scope"].split("/")
    group = "/".join(parts[:5])
    if len(parts) > 4 and parts[3].lower() == "resourcegroups" and call.state.get(group) is None:
        raise not_found(group)
    return Answer(200, {"value": list(permissions(call.state, call.principal, call.groups["scope"]))})
