"""Subscriptions, tenants, regions, and the resource providers that a subscription is registered for."""

import time
from typing import Any

from sandbox.arm import SUB, Answer, Call, route
from sandbox.arm.errors import ArmError
from sandbox.state import State

REGIONS = {"westus2": "West US 2", "centralus": "Central US", "eastus2": "East US 2", "westeurope": "West Europe",
           "eastasia": "East Asia", "global": "Global"}  # fmt: skip
ALWAYS = {"microsoft.resources", "microsoft.authorization"}  # nobody has to register these
# What is modelled of each provider: resource type to API versions, newest first.
PROVIDERS = {
    "Microsoft.Authorization": {"roleAssignments": ["2022-04-01"], "roleDefinitions": ["2022-04-01"]},
    "Microsoft.Cdn": {"profiles": ["2026-10-01", "2025-06-01"]},
    "Microsoft.ManagedIdentity": {"userAssignedIdentities": ["2024-11-30", "2023-01-31"]},
    "Microsoft.Network": {"dnsZones": ["2023-07-01-preview", "2018-05-01"]},
    "Microsoft.Resources": {"resourceGroups": ["2024-03-01"], "subscriptions": ["2022-12-01"]},
    "Microsoft.Storage": {"storageAccounts": ["2026-09-01", "2025-08-01", "2025-06-01", "2025-01-01", "2024-01-01", "2023-05-01"]},
    "Microsoft.Web": {"staticSites": ["2025-05-01", "2024-11-01", "2024-04-01", "2023-12-01"],
                      "staticSites/customDomains": ["2025-05-01", "2024-11-01", "2024-04-01", "2023-12-01"]},
}  # fmt: skip


def _subscription(state: State, sub: str) -> dict[str, Any]:
    tenant = state.setting("tenant")
    policies = {
        "locationPlacementId": "Public_2014-09-01",
        "quotaId": "PayAsYouGo_2014-09-01",
        "spendingLimit": "Off",
    }
    return {"id": f"/subscriptions/{sub}", "authorizationSource": "RoleBased", "managedByTenants": [],
            "subscriptionId": sub, "tenantId": tenant, "displayName": "local Azure", "state": "Enabled",
            "subscriptionPolicies": policies}  # fmt: skip


@route("GET", "/subscriptions")
def list_subscriptions(call: Call) -> Answer:
    value = [_subscription(call.state, sub) for sub in sorted(call.state.subscriptions)]
    return Answer(200, {"value": value, "count": {"type": "Total", "value": len(value)}})


@route("GET", SUB)
def get_subscription(call: Call) -> Answer:
    return Answer(200, _subscription(call.state, call.groups["sub"].lower()))


@route("GET", "/tenants")
def list_tenants(call: Call) -> Answer:
    tenant = call.state.setting("tenant")
    body = {"id": f"/tenants/{tenant}", "tenantId": tenant, "countryCode": "DE", "displayName": "local Azure",
            "domains": ["local.onmicrosoft.com"], "tenantCategory": "Home",
            "defaultDomain": "local.onmicrosoft.com", "tenantType": "AAD"}  # fmt: skip
    return Answer(200, {"value": [body]})


@route("GET", SUB + "/locations")
def list_locations(call: Call) -> Answer:
    value = [
        {"id": f"/subscriptions/{call.groups['sub']}/locations/{name}", "name": name, "type": "Region",
         "displayName": shown, "regionalDisplayName": shown,
         "metadata": {"regionType": "Physical", "regionCategory": "Recommended", "geographyGroup": "Local"}}
        for name, shown in REGIONS.items() if name != "global"
    ]  # fmt: skip
    return Answer(200, {"value": value})


def registration(state: State, namespace: str) -> str:
    """`Registered`, `Registering` or `NotRegistered`."""
    since = state.optional(f"unregistered:{namespace.lower()}")
    if namespace.lower() in ALWAYS or not since:
        return "Registered"
    if since == "never":
        return "NotRegistered"
    return "Registered" if time.time() >= float(since) + state.delay("registration") else "Registering"


def check_registered(call: Call) -> None:
    """Nothing can be written through a provider that the subscription isn't registered for.

    :raises ArmError: MissingSubscriptionRegistration, as learn.microsoft.com/azure/azure-resource-manager/
        troubleshooting/error-register-resource-provider has it.
    """
    namespace = next((name for name in PROVIDERS if f"/providers/{name}/".lower() in call.path.lower()), "")
    if call.method in ("GET", "HEAD") or "group" not in call.groups or not namespace:
        return
    if registration(call.state, namespace) == "Registered":
        return
    message = f"The subscription is not registered to use namespace '{namespace}'. See https://aka.ms/rps-not-found for how to register subscriptions."  # fmt: skip
    details = [{"code": "MissingSubscriptionRegistration", "target": namespace, "message": message}]
    raise ArmError(409, "MissingSubscriptionRegistration", message, details=details)


def _provider(call: Call, namespace: str) -> dict[str, Any]:
    types = [
        {"resourceType": name, "locations": [shown for key, shown in REGIONS.items() if key != "global"],
         "apiVersions": versions, "defaultApiVersion": versions[0], "capabilities": "SupportsTags, SupportsLocation"}
        for name, versions in PROVIDERS[namespace].items()
    ]  # fmt: skip
    return {"id": f"/subscriptions/{call.groups['sub']}/providers/{namespace}", "namespace": namespace,
            "resourceTypes": types, "registrationState": registration(call.state, namespace),
            "registrationPolicy": "RegistrationRequired"}  # fmt: skip


def _namespace(call: Call) -> str:
    given = call.groups["namespace"]
    for namespace in PROVIDERS:
        if namespace.lower() == given.lower():
            return namespace
    raise ArmError(404, "InvalidResourceNamespace", f"The resource namespace '{given}' is invalid.")


@route("GET", SUB + "/providers")
def list_providers(call: Call) -> Answer:
    return Answer(200, {"value": [_provider(call, namespace) for namespace in PROVIDERS]})


@route("GET", SUB + "/providers/(?P<namespace>[^/]+)")
def get_provider(call: Call) -> Answer:
    return Answer(200, _provider(call, _namespace(call)))


@route("POST", SUB + "/providers/(?P<namespace>[^/]+)/register")
def register(call: Call) -> Answer:
    namespace = _namespace(call)
    if registration(call.state, namespace) == "NotRegistered":
        call.state.set(f"unregistered:{namespace.lower()}", time.time())
    return Answer(200, _provider(call, namespace))
