"""Static Web Apps (API 2025-05-01): sites, custom domains, secrets."""

import random
import secrets
import time
from typing import Any

from sandbox.arm import GROUP, SUB, Answer, Call, accepted, route, shown
from sandbox.arm.errors import ArmError, WebError, invalid, not_found, not_modelled, refuse_unknown
from sandbox.arm.groups import group_of
from sandbox.arm.subscriptions import REGIONS
from sandbox.dns.view import View
from sandbox.state import State

TYPE, DOMAIN_TYPE = "Microsoft.Web/staticSites", "Microsoft.Web/staticSites/customDomains"
SITES = GROUP + "/providers/Microsoft.Web/staticSites"
SITE = SITES + "/(?P<name>[^/]+)"
DOMAIN = SITE + "/customDomains/(?P<domain>[^/]+)"
SITE_REGIONS = [name for name in REGIONS if name != "global"]
PLANS = {"Free": 2, "Standard": 5}  # custom domains
FREE_SITES = 10
WORDS = ("brave", "calm", "gentle", "happy", "kind", "lively", "proud", "sand", "sea", "sky", "stone", "wave")
READ_ONLY = {"id", "name", "type", "systemData"}
SETTABLE = {"repositoryUrl", "branch", "repositoryToken", "buildProperties", "stagingEnvironmentPolicy",
            "allowConfigFileUpdates", "provider", "publicNetworkAccess", "enterpriseGradeCdnStatus"}  # fmt: skip
COMPUTED = {"defaultHostname", "customDomains", "contentDistributionEndpoint", "keyVaultReferenceIdentity",
            "privateEndpointConnections", "userProvidedFunctionApps", "linkedBackends", "databaseConnections"}  # fmt: skip
WRITE_ONLY = {"repositoryToken", "buildProperties"}
LINK = (("provider", "Provider", "use to another deployment provider"),
        ("repositoryUrl", "RepositoryUrl", "attach to another repository"),
        ("branch", "Branch", "attach to another branch"))  # fmt: skip
UNKNOWN = "An unknown error has occurred while adding your custom domain. Please try again later."


def no_cname() -> WebError:
    """What Azure says while it doesn't see the CNAME, which can be minutes after others do."""
    return invalid("CNAME Record", "Please ensure the CNAME record has been created.")


@route("PUT", SITE)
def put(call: Call) -> Answer:
    group_of(call)
    refuse_unknown(
        call.body, {"location", "tags", "sku", "kind", "identity", "properties", *READ_ONLY}, "staticSite"
    )
    given = call.body.get("properties")
    if given is None:
        raise invalid("Properties", "The property 'properties' is required.")
    refuse_unknown(given, SETTABLE | COMPUTED, "staticSite.properties")
    _refuse_identity(call.body)
    location = call.body.get("location", "").replace(" ", "").lower()
    if location not in SITE_REGIONS:
        raise ArmError(400, "LocationNotAvailableForResourceType", f"The provided location '{call.body.get('location', '')}' is not available for resource type 'Microsoft.Web/staticSites'. List of available regions for the resource type is '{','.join(SITE_REGIONS)}'.")  # fmt: skip
    sku = _sku(call.body.get("sku") or {})
    old = call.state.get(call.id)
    if old and REGIONS[location] != old["location"]:
        raise _moved(call, old, location)
    _check_change(call.state, old, given, sku)
    body = _body(call, old, given, location, sku)
    call.state.put(body)
    if old:
        return Answer(200, _shown(call.state, body))
    return accepted(
        call, call.state.begin("create", call.id, call.state.delay("site-create")), _shown(call.state, body)
    )


def _moved(call: Call, old: dict[str, Any], location: str) -> ArmError:
    return ArmError(409, "InvalidResourceLocation", f"The resource '{old['name']}' already exists in location '{old['location']}' in resource group '{call.groups['group']}'. A resource with the same name cannot be created in location '{location}'. Please select a new resource name.")  # fmt: skip


def _refuse_identity(body: dict[str, Any]) -> None:
    if (body.get("identity") or {}).get("type", "None") != "None":
        raise not_modelled("staticSite.identity")


def _sku(given: dict[str, Any]) -> str:
    refuse_unknown({name: value for name, value in given.items() if value}, {"name", "tier"}, "staticSite.sku")
    if given.get("name") not in PLANS:
        raise invalid("Sku", "SKU name is invalid. Valid SKUs: Free, Standard, Trial")
    return given["name"]


def _check_change(state: State, old: dict[str, Any] | None, given: dict[str, Any], sku: str) -> None:
    if old is None:
        free = sum(each["sku"]["name"] == "Free" for each in state.of(TYPE))
        if sku == "Free" and free >= FREE_SITES:
            raise invalid("Sku", "This subscription has too many static sites with SKU : Free.")
        return
    _check_link(old, given)
    if len(_domains(state, old)) > PLANS[sku]:
        raise _too_many(PLANS[sku])


def _too_many(limit: int) -> WebError:
    return WebError(400, "BadRequest", "The maximum number of custom domains allowed for this static site is {0}.", str(limit), extended="59334")  # fmt: skip


def _check_link(old: dict[str, Any], given: dict[str, Any]) -> None:
    """Whoever has deployed, or was named as the repository, stays until the site is detached.

    :raises WebError: other values, or none (Azure/static-web-apps 495, 516, 536, 613).
    """
    before = old["properties"]
    if not old["_deployed"] and not before["repositoryUrl"]:
        return
    for name, what, otherwise in LINK:
        if (given.get(name) or "None") != (before[name] or "None"):
            raise invalid(what, f"Cannot change the {what}. Please detach your static site first if you wish to {otherwise}.")  # fmt: skip


def _body(
    call: Call, old: dict[str, Any] | None, given: dict[str, Any], location: str, sku: str
) -> dict[str, Any]:
    defaults = {"provider": "None", "stagingEnvironmentPolicy": "Enabled", "allowConfigFileUpdates": True,
                "branch": None, "repositoryUrl": None, "enterpriseGradeCdnStatus": "Disabled"}  # fmt: skip
    kept = old["properties"] if old else {**defaults, "defaultHostname": _host_name(call.state)}
    new = {name: value for name, value in given.items() if name in SETTABLE - WRITE_ONLY}
    return {
        "id": old["id"] if old else call.path,
        "name": old["name"] if old else call.groups["name"],
        "type": TYPE,
        "location": REGIONS[location],
        "tags": call.body.get("tags") or {},
        "sku": {"name": sku, "tier": sku},
        **({"kind": call.body["kind"]} if call.body.get("kind") else {}),
        "properties": {**kept, **new, "contentDistributionEndpoint": "https://content-am2.infrastructure.7.azurestaticapps.net", "keyVaultReferenceIdentity": "SystemAssigned", "privateEndpointConnections": [], "linkedBackends": [], "databaseConnections": []},
        "_api_key": old["_api_key"] if old else secrets.token_hex(32) + "7-" + secrets.token_hex(16),
        "_deployed": old["_deployed"] if old else False,
    }  # fmt: skip


def _host_name(state: State) -> str:
    taken = {each["properties"]["defaultHostname"] for each in state.of(TYPE)}
    while True:
        name = f"{random.choice(WORDS)}-{random.choice(WORDS)}-0{secrets.token_hex(4)}.7.azurestaticapps.net"
        if name not in taken:
            return name


def _domains(state: State, site: dict[str, Any]) -> list[dict[str, Any]]:
    return state.under(site["id"], DOMAIN_TYPE.lower())


def _shown(state: State, site: dict[str, Any]) -> dict[str, Any]:
    ready = [each["name"] for each in _domains(state, site) if each["properties"]["status"] == "Ready"]
    return shown({**site, "properties": {**site["properties"], "customDomains": ready}})


def site_of(call: Call) -> dict[str, Any]:
    """The site that a path lies in.

    :raises ArmError: there is none.
    """
    group_of(call)
    id_ = call.path.split("/", 9)
    body = call.state.get("/".join(id_[:9]))
    if body is None:
        raise not_found("/".join(id_[:9]))
    return body


@route("GET", SITES)
def list_sites(call: Call) -> Answer:
    group_of(call)
    group = call.path.lower().partition("/providers/")[0]
    return Answer(200, {"value": [_shown(call.state, each) for each in call.state.of(TYPE) if each["id"].lower().startswith(f"{group}/")]})  # fmt: skip


@route("GET", SUB + "/providers/Microsoft.Web/staticSites")
def list_all_sites(call: Call) -> Answer:
    inside = f"/subscriptions/{call.groups['sub'].lower()}/"
    return Answer(200, {"value": [_shown(call.state, site) for site in call.state.of(TYPE) if site["id"].startswith(inside)]})  # fmt: skip


@route("POST", SITE + "/detach")
def detach(call: Call) -> Answer:
    """Unlink a site from whoever deploys it; what it serves stays (`az staticwebapp disconnect`)."""
    body = site_of(call)
    body["properties"] |= {"provider": "None", "branch": None, "repositoryUrl": None}
    body["_deployed"] = False
    call.state.put(body)
    return Answer(200)


@route("GET", SITE)
def get(call: Call) -> Answer:
    return Answer(200, _shown(call.state, site_of(call)))


@route("PATCH", SITE)
def patch(call: Call) -> Answer:
    """What is given replaces what was: tags and sku too, which `az staticwebapp update` sends here."""
    body = site_of(call)
    refuse_unknown(
        call.body, {"location", "tags", "sku", "kind", "identity", "properties", *READ_ONLY}, "staticSite"
    )
    given = {name: value for name, value in (call.body.get("properties") or {}).items() if value is not None}
    refuse_unknown(given, SETTABLE | COMPUTED, "staticSite.properties")
    _refuse_identity(call.body)
    location = call.body.get("location")
    if location and location.replace(" ", "").lower() != body["location"].replace(" ", "").lower():
        raise _moved(call, body, location)
    sku = _sku(call.body["sku"]) if call.body.get("sku") else body["sku"]["name"]
    changed = {name: value for name, value in given.items() if name in SETTABLE - WRITE_ONLY}
    _check_change(call.state, body, {**body["properties"], **changed}, sku)
    body["properties"] |= changed
    body |= {"sku": {"name": sku, "tier": sku}, "tags": call.body.get("tags") or body["tags"]}
    call.state.put(body)
    return Answer(200, _shown(call.state, body))


@route("DELETE", SITE)
def delete(call: Call) -> Answer:
    body = site_of(call)
    return accepted(call, call.state.begin("delete", body["id"], call.state.delay("delete")))


@route("POST", SITE + "/listSecrets")
def list_secrets(call: Call) -> Answer:
    return Answer(200, {"id": call.path, "type": TYPE, "properties": {"apiKey": site_of(call)["_api_key"]}})


@route("POST", SITE + "/resetapikey")
def reset_api_key(call: Call) -> Answer:
    body = site_of(call)
    body["_api_key"] = secrets.token_hex(32) + "7-" + secrets.token_hex(16)
    call.state.put(body)
    return Answer(200)


@route("GET", SITE + "/customDomains")
def list_domains(call: Call) -> Answer:
    return Answer(200, {"value": [shown(each) for each in _domains(call.state, site_of(call))]})


@route("GET", DOMAIN)
def get_domain(call: Call) -> Answer:
    site_of(call)
    body = call.state.get(call.id)
    if body is None:
        raise WebError(404, "NotFound", "Cannot find {0} with name {1}.", "CustomDomain", call.groups["domain"], extended="51004")  # fmt: skip
    return Answer(200, shown(body))


def _check_domain(call: Call, site: dict[str, Any]) -> None:
    host = call.groups["domain"].lower()
    given = call.body.get("properties") or {}
    refuse_unknown(given, {"validationMethod"}, "customDomain.properties")
    method = given.get("validationMethod") or "cname-delegation"
    if method != "cname-delegation":
        raise not_modelled(f"the validation method {method}")
    orphan = call.state.db.execute("SELECT 1 FROM settings WHERE name = ?", (f"orphan:{host}",)).fetchone()
    elsewhere = any(each["name"].lower() == host and each["id"].lower() != call.id.lower() for each in call.state.of(DOMAIN_TYPE))  # fmt: skip
    if elsewhere or orphan:
        raise WebError(409, "Conflict", "{0} is already in use. {1}", host, "Please ensure the custom domain is not linked to another site.", extended="52030")  # fmt: skip
    others = [each for each in _domains(call.state, site) if each["name"].lower() != host]
    limit = PLANS[site["sku"]["name"]]
    if len(others) >= limit:
        raise _too_many(limit)
    if call.view.target(host) != site["properties"]["defaultHostname"]:
        raise no_cname()


@route("POST", DOMAIN + "/validate")
def validate(call: Call) -> Answer:
    call.path = call.path.rpartition("/")[0]
    _check_domain(call, site_of(call))
    return Answer(200)


@route("PUT", DOMAIN)
def put_domain(call: Call) -> Answer:
    site = site_of(call)
    refuse_unknown(call.body, {"properties", "kind", *READ_ONLY}, "customDomain")
    old = call.state.get(call.id)
    status = old["properties"]["status"] if old else None
    if status == "Failed":  # stays so whatever is put, until it is deleted (Azure/static-web-apps 1794)
        return Answer(200, shown(old or {}))
    if status == "Deleting":  # that it is refused is known (1799); the words are those of Microsoft.Web elsewhere
        raise WebError(409, "Conflict", "Cannot modify this site because another operation is in progress. Details: {0}", f"Id: {call.id}, OperationName: Delete", extended="59203")  # fmt: skip
    _check_domain(call, site)
    if status == "Ready":
        return Answer(200, shown(old or {}))
    fails = call.state.resource_fault("domain-failed", call.groups["domain"])
    body = {
        "id": f"{site['id']}/customDomains/{call.groups['domain']}",
        "name": call.groups["domain"],
        "type": DOMAIN_TYPE,
        "location": site["location"],
        "properties": {
            "domainName": call.groups["domain"],
            "createdOn": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "status": "Validating",
        },
        "_fails": fails is not None,
    }
    call.state.put(body)
    seconds = fails or call.state.delay("validation")
    return accepted(call, call.state.begin("validate", body["id"], seconds), shown(body))


def validated(state: State, view: View, id_: str) -> dict[str, Any] | None:
    """The end of a custom domain's validation.

    :returns: the operation's error, if it ends in one.
    """
    body = state.get(id_)
    site = state.get(id_.rsplit("/", 2)[0])
    if body is None or site is None:
        return {"code": "NotFound", "message": "The custom domain was deleted meanwhile."}
    if body.get("_fails"):  # the operation says no more than `Failed` (Azure/static-web-apps 1745)
        state.put({**body, "properties": {**body["properties"], "status": "Failed", "errorMessage": UNKNOWN}})
        return {}
    ready = view.target(body["name"].lower()) == site["properties"]["defaultHostname"]
    body["properties"] |= (
        {"status": "Ready"} if ready else {"status": "Failed", "errorMessage": no_cname().message}
    )
    body["_certificate"] = time.time() + state.delay("certificate")
    if ready:
        bound, site_host = f"bound:{body['name'].lower()}", site["properties"]["defaultHostname"]
        body["_rebound"] = state.optional(bound) not in ("", site_host)
        state.set(bound, site_host)
    state.put(body)
    return None if ready else {"code": "BadRequest", "message": no_cname().message}


@route("DELETE", DOMAIN)
def delete_domain(call: Call) -> Answer:
    site_of(call)
    body = call.state.get(call.id)
    if body is None:
        return Answer(204)
    pending = call.state.pending("delete", body["id"])
    if pending:
        return accepted(call, pending)
    body["properties"]["status"] = "Deleting"
    body["_stuck"] = call.state.resource_fault("domain-stuck", call.groups["domain"]) is not None
    call.state.put(body)
    return accepted(call, call.state.begin("delete", body["id"], call.state.delay("domain-delete")))
