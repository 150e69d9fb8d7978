"""Storage accounts in ARM (API 2024-01-01 and its like), as far as one account of StorageV2 goes.

Azure/azure-rest-api-specs, storage.json; learn.microsoft.com/azure/azure-resource-manager/troubleshooting/
error-storage-account-name. A new account is there when the operation that `Location` leads to has ended; an update and a
deletion are done when they are answered.
"""

import base64
import re
import secrets
import time
import uuid
from typing import Any

from sandbox.arm import GROUP, SUB, Answer, Call, ask_again, operations, route, shown
from sandbox.arm.errors import ArmError, not_found, not_modelled, refuse_unknown
from sandbox.arm.groups import group_of
from sandbox.arm.rights import ASSIGNMENT
from sandbox.state import State
from sandbox.storage import ACCOUNT, CONTAINER, ELSEWHERE, ENDPOINT, TYPE, containers

ALL = SUB + r"/providers/Microsoft\.Storage"
ACCOUNTS = GROUP + r"/providers/Microsoft\.Storage/storageAccounts"
ONE = ACCOUNTS + r"/(?P<name>[^/]+)"
ZONES = {
    "westus2": 5,
    "westeurope": 6,
    "eastasia": 7,
    "centralus": 19,
    "eastus2": 20,
}  # of the endpoint of websites
SKUS = {"Standard_LRS", "Standard_ZRS"}
OTHER_SKUS = {"Standard_GRS", "Standard_RAGRS", "Standard_GZRS", "Standard_RAGZRS", "Premium_LRS", "Premium_ZRS",
              "StandardV2_LRS", "StandardV2_GRS", "StandardV2_ZRS", "StandardV2_GZRS", "PremiumV2_LRS", "PremiumV2_ZRS"}  # fmt: skip
OTHER_KINDS = {"Storage", "BlobStorage", "BlockBlobStorage", "FileStorage"}
TRUTH = (True, False)
VALUES: dict[str, tuple[Any, ...]] = {  # what can be set, and to what
    "accessTier": ("Hot", "Cool", "Cold"),
    "allowBlobPublicAccess": TRUTH,
    "allowCrossTenantReplication": TRUTH,
    "allowSharedKeyAccess": TRUTH,
    "defaultToOAuthAuthentication": TRUTH,
    "minimumTlsVersion": ("TLS1_0", "TLS1_1", "TLS1_2"),
    "publicNetworkAccess": ("Enabled", "Disabled"),
    "supportsHttpsTrafficOnly": TRUTH,
}
DEFAULTS = {"accessTier": "Hot", "allowBlobPublicAccess": False, "allowCrossTenantReplication": False,
            "minimumTlsVersion": "TLS1_0", "supportsHttpsTrafficOnly": True,
            "networkAcls": {"ipv6Rules": [], "bypass": "AzureServices", "virtualNetworkRules": [], "ipRules": [], "defaultAction": "Allow"}}  # fmt: skip
COMPUTED = {"provisioningState", "primaryEndpoints", "primaryLocation", "statusOfPrimary", "creationTime",
            "keyCreationTime", "privateEndpointConnections"}  # fmt: skip
READ_ONLY = {"id", "name", "type", "systemData"}
CONTRIBUTOR = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"  # Storage Blob Data Contributor


@route("PUT", ONE)
def put(call: Call) -> Answer:
    group_of(call)
    name = call.groups["name"]
    old = call.state.get(call.id)
    if why := _unavailable(call.state, name, call.id):
        raise ArmError(400 if why[0] == "AccountNameInvalid" else 409, *why)
    location, kind = call.body.get("location", "").replace(" ", "").lower(), call.body.get("kind")
    if not location:
        raise ArmError(400, "LocationRequired", "The location property is required for this definition.")
    if location not in ZONES:
        regions = ",".join(sorted(ZONES))
        raise ArmError(400, "LocationNotAvailableForResourceType", f"The provided location '{location}' is not available for resource type '{TYPE}'. List of available regions for the resource type is '{regions}'.")  # fmt: skip
    if old and old["location"] != location:
        raise ArmError(409, "InvalidResourceLocation", f"The resource '{name}' already exists in location '{old['location']}' in resource group '{call.groups['group']}'. A resource with the same name cannot be created in location '{location}'. Please select a new resource name.")  # fmt: skip
    if kind != "StorageV2":
        raise not_modelled(f"storageAccount.kind {kind}") if kind in OTHER_KINDS else _invalid("kind")
    _refuse_while_made(old)
    body = _changed(call, old or _new(call, location), {"sku", "kind", "location"})
    call.state.put(body)
    if old:
        return Answer(200, shown(body))
    return _accepted(call, location, call.state.begin("create-account", body["id"], call.state.delay("account-create")))  # fmt: skip


def _refuse_while_made(body: dict[str, Any] | None) -> None:
    if body and body["properties"]["provisioningState"] != "Succeeded":
        raise ArmError(409, "StorageAccountOperationInProgress", "An operation is currently performing on this storage account that requires exclusive access.")  # fmt: skip


def _unavailable(state: State, name: str, id_: str = "") -> tuple[str, str] | None:
    """Why a name can't be had: code and message.

    :param id_: of the account that may have it already.
    """
    if not re.fullmatch("[a-z0-9]{3,24}", name):
        return "AccountNameInvalid", f"{name} is not a valid storage account name. Storage account name must be between 3 and 24 characters in length and use numbers and lower-case letters only."  # fmt: skip
    for other in state.named(TYPE, [name]):
        if other["id"].lower() == id_.lower():
            return None
        if id_ and other["id"].split("/")[2] == id_.split("/")[2]:
            return "StorageAccountInAnotherResourceGroup", f"The account {name} is already in another resource group in this subscription."  # fmt: skip
        return "StorageAccountAlreadyTaken", f"The storage account named {name} is already taken."
    return None


def _invalid(name: str) -> ArmError:
    return ArmError(
        400, "InvalidValuesForRequestParameters", f"Values for request parameters are invalid: {name}."
    )


def _new(call: Call, location: str) -> dict[str, Any]:
    return {
        "sku": {},
        "kind": "StorageV2",
        "id": call.path,
        "name": call.groups["name"],
        "type": TYPE,
        "location": location,
        "tags": {},
        "properties": {**DEFAULTS, "provisioningState": "Creating"},
        "_keys": [base64.b64encode(secrets.token_bytes(64)).decode() for _ in range(2)],
    }


def _changed(call: Call, body: dict[str, Any], required: set[str]) -> dict[str, Any]:
    """An account with what a request sets; what it leaves out stays.

    :raises ArmError: what isn't modelled, and values that Azure doesn't take.
    """
    refuse_unknown(call.body, {"sku", "kind", "location", "tags", "properties", *READ_ONLY}, "storageAccount")
    sku = call.body.get("sku") or {}
    refuse_unknown(sku, {"name", "tier"}, "storageAccount.sku")
    if sku.get("name", "" if "sku" in required else body["sku"]["name"]) not in SKUS:
        raise (
            not_modelled(f"storageAccount.sku {sku['name']}") if sku.get("name") in OTHER_SKUS else _invalid("sku")
        )
    if body["sku"] and sku.get("name", body["sku"]["name"]) != body["sku"]["name"]:
        raise not_modelled("another storageAccount.sku than before")
    given = {name: value for name, value in (call.body.get("properties") or {}).items() if value is not None}
    for name, value in given.items():
        if name in COMPUTED or (name in DEFAULTS and value == DEFAULTS[name]) or _usual(name, value):
            continue
        if name not in VALUES:
            raise not_modelled(f"storageAccount.properties.{name}")
        if not any(value is each or (isinstance(each, str) and value == each) for each in VALUES[name]):
            raise _invalid(name)
    properties = {name: value for name, value in given.items() if name in VALUES}
    more = {"sku": {"name": sku["name"], "tier": "Standard"}} if sku else {}
    more |= {"tags": call.body["tags"]} if call.body.get("tags") is not None else {}
    return {**body, **more, "properties": {**body["properties"], **properties}}


def _usual(name: str, value: Any) -> bool:
    """Whether this is how Azure encrypts all accounts anyway: clients send it unasked."""
    return name == "encryption" and value.get("keySource", "Microsoft.Storage") == "Microsoft.Storage" and value.keys() <= {"keySource", "services"}  # fmt: skip


def _accepted(call: Call, location: str, operation: str) -> Answer:
    """202 with nothing in it but where to look (a recorded answer: `Location` alone, its version that of the request)."""
    where = f"https://management.azure.com/subscriptions/{call.groups['sub']}/providers/Microsoft.Storage/locations/{location}/asyncoperations/{operation}"  # fmt: skip
    return Answer(202, None, {"Location": f"{where}?monitor=true&api-version={call.query['api-version']}", **ask_again(call.state)})  # fmt: skip


@route("GET", ALL + r"/locations/[^/]+/asyncoperations/(?P<operation>[^/]+)", query=("monitor",))
def operation(call: Call) -> Answer:
    answer = operations.result(call)
    if answer.status == 202:
        answer.headers["Location"] = f"https://management.azure.com{call.path}?monitor=true&api-version={call.query['api-version']}"  # fmt: skip
    return answer


def created(state: State, id_: str) -> None:
    """The end of an account's creation."""
    body = state.get(id_)
    if body:
        state.put({**_ready(body), "_answers": time.time() + state.delay("blob-service")})


def _ready(body: dict[str, Any]) -> dict[str, Any]:
    name, zone = body["name"], ZONES[body["location"]]
    now = time.strftime("%Y-%m-%dT%H:%M:%S.0000000Z", time.gmtime())
    body["properties"] |= {
        "provisioningState": "Succeeded",
        "creationTime": now,
        "keyCreationTime": {"key1": now, "key2": now},
        "primaryEndpoints": {
            "blob": f"https://{name}{ENDPOINT}/",
            "web": f"https://{name}.z{zone}.web.core.windows.net/",
            **{each: f"https://{name}.{each}.core.windows.net/" for each in ("dfs", "file", "queue", "table")},
        },
        "primaryLocation": body["location"],
        "statusOfPrimary": "available",
        "privateEndpointConnections": [],
        "encryption": {
            "services": {each: {"keyType": "Account", "enabled": True, "lastEnabledTime": now} for each in ("blob", "file")},
            "keySource": "Microsoft.Storage",
        },
    }  # fmt: skip
    return body


def account_of(call: Call) -> dict[str, Any]:
    """The account that a path names.

    :raises ArmError: there is none.
    """
    group_of(call)
    id_ = "/".join(call.path.split("/")[:9])
    body = call.state.get(id_)
    if body is None:
        raise not_found(id_)
    return body


@route("GET", ONE)
def get(call: Call) -> Answer:
    return Answer(200, shown(account_of(call)))


@route("PATCH", ONE)
def patch(call: Call) -> Answer:
    account = account_of(call)
    _refuse_while_made(account)
    body = _changed(call, account, set())
    if call.body.get("kind", "StorageV2") != "StorageV2":
        raise _invalid("kind")
    call.state.put(body)
    return Answer(200, shown(body))


@route("DELETE", ONE)
def delete(call: Call) -> Answer:
    group_of(call)
    found = call.state.get(call.id)
    _refuse_while_made(found)
    call.state.delete(call.id)
    return Answer(200 if found else 204)


@route("POST", ONE + "/listKeys", query=("$expand",))
def list_keys(call: Call) -> Answer:
    """The keys, whether the account takes them or not. `$expand=kerb` adds none where there are none of Active Directory."""
    if call.query.get("$expand", "kerb") != "kerb":
        raise not_modelled(f"$expand={call.query['$expand']}")
    body = account_of(call)
    since = body["properties"].get("keyCreationTime", {})
    return Answer(200, {"keys": [
        {"creationTime": since.get(f"key{at}"), "keyName": f"key{at}", "value": value, "permissions": "FULL"}
        for at, value in enumerate(body["_keys"], 1)
    ]})  # fmt: skip


@route("GET", ACCOUNTS)
@route("GET", ALL + "/storageAccounts")
def list_accounts(call: Call) -> Answer:
    if "group" in call.groups:
        group_of(call)
    within = f"{call.path.lower().partition('/providers/')[0]}/"
    found = [shown(body) for body in call.state.of(TYPE) if body["id"].lower().startswith(within)]
    return Answer(200, {"value": found})


@route("POST", ALL + "/checkNameAvailability")
def check_name(call: Call) -> Answer:
    refuse_unknown(call.body, {"name", "type"}, "checkNameAvailability")
    why = _unavailable(call.state, call.body.get("name", ""))
    if why is None:
        return Answer(200, {"nameAvailable": True})
    reason = "AlreadyExists" if why[0] == "StorageAccountAlreadyTaken" else why[0]
    return Answer(200, {"nameAvailable": False, "reason": reason, "message": why[1]})


def prepare(state: State) -> None:
    """Somebody else's account in a subscription of theirs, with a container that the sign-in was given."""
    id_ = f"{ELSEWHERE}/providers/{TYPE}/{ACCOUNT}"
    if state.get(id_) is None:
        made = {"id": id_, "name": ACCOUNT, "type": TYPE, "location": "westeurope", "sku": {"name": "Standard_LRS", "tier": "Standard"},
                "kind": "StorageV2", "tags": {}, "properties": {**DEFAULTS, "allowSharedKeyAccess": False}}  # fmt: skip
        state.put(_ready(made))
        containers.make_container(state, ACCOUNT, CONTAINER)
        name = str(uuid.uuid4())
        role = f"/providers/Microsoft.Authorization/roleDefinitions/{CONTRIBUTOR}"
        given = {"roleDefinitionId": role, "principalId": state.setting("object"), "principalType": "ServicePrincipal", "scope": id_}  # fmt: skip
        state.put({"id": f"{id_}/providers/{ASSIGNMENT}/{name}", "name": name, "type": ASSIGNMENT, "properties": given, "_created": 0})  # fmt: skip
