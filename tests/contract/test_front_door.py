"""Front Door: azure-mgmt-cdn, unmodified, and the edge."""

import re
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from contract_tools import Clients, resolve
from front_door import HEADERS, POLICY, FrontDoor, ask, ask_plainly
from raw_arm import RawArm, token

from sandbox.control import Sandbox
from sandbox.plugins.types import TYPES

HOST = "mta-sts.example.org"
FILE = "/.well-known/mta-sts.txt"
SDK = Path(find_spec("pulumi_azure_native").origin or "").parent  # type: ignore[union-attr]
CERTIFICATE = ["*.azureedge.net"]
PATH = "/subscriptions/SUB/resourceGroups/rg/providers/Microsoft.Cdn/profiles/mta-sts"


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """One for all tests here; each has host names of its own."""
    with Sandbox(tmp_path_factory.mktemp("sandbox")) as made:
        yield made


@pytest.fixture(scope="module")
def azure(sandbox: Sandbox) -> Iterator[Any]:
    """Groups, zones and a static site that is the origin, with two policies."""
    for name in ("cdn-write", "cdn-validation", "cdn-purge", "delete", "retry-after", "site-create"):
        sandbox.delay(name, 0)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in sandbox.env().items():
            patch.setenv(name, value)
        azure: Any = Clients()
        for name in ("rg", "dns"):
            azure.groups.resource_groups.create_or_update(name, {"location": "westeurope"})
        azure.dns.zones.create_or_update("dns", "example.org", {"location": "global"})
        azure.dns.zones.create_or_update("dns", "strict.example", {"location": "global"})
        site = azure.site("origin")
        for path, text in (("main", POLICY), ("other", POLICY.replace("testing", "none"))):
            sandbox.state.db.execute(
                "INSERT INTO files VALUES (?, ?, ?)", (site.id.lower(), f"{path}{FILE}", text.encode())
            )
        yield azure


@pytest.fixture(scope="module")
def door(azure: Any) -> FrontDoor:
    """A profile with all that domains share."""
    made = FrontDoor(azure, azure.web.static_sites.get_static_site("rg", "origin").default_hostname)
    made.host = made.base().host_name
    return made


@pytest.fixture(autouse=True)
def usual(sandbox: Sandbox) -> Iterator[None]:
    """Delays and faults of one test are no other's."""
    yield
    for name in ("cdn-write", "cdn-token", "cdn-validation", "cdn-certificate", "cdn-propagation"):
        sandbox.delay(name, 0)
    sandbox.state.db.execute("DELETE FROM faults")


@pytest.fixture(scope="module")
def raw(azure: Any) -> RawArm:
    return RawArm(token())


def refused(call: Any, *words: str) -> HttpResponseError:
    with pytest.raises(HttpResponseError) as caught:
        call()
    text = str(caught.value) + (caught.value.response.text() if caught.value.response else "")
    for word in words:
        assert word in text, text
    return caught.value


# A whole life


def test_a_whole_life(azure: Any, door: FrontDoor, sandbox: Sandbox) -> None:
    door, host = FrontDoor(azure, door.origin, "life"), "life.example.org"
    endpoint = door.base()
    assert endpoint.host_name.startswith("life-")
    assert endpoint.host_name.endswith(".z01.azurefd.net")
    assert resolve(endpoint.host_name, "A") == ["127.0.0.1"]
    assert door.domain(host).domain_validation_state == "Pending"
    door.route(host)

    # Neither certificate nor content before the domain is validated, whoever asks.
    tried = ask(host, FILE, connect=endpoint.host_name)
    assert (tried.status, tried.names) == (404, CERTIFICATE)
    assert "Page not found" in tried.text
    assert tried.headers["x-azure-ref"]

    # All is ready before the CNAME moves.
    assert door.approve(host).validation_properties is None
    tried = ask(host, FILE, connect=endpoint.host_name)
    assert (tried.status, tried.text, tried.names) == (200, POLICY, [host])
    assert {name: tried.headers[name] for name in HEADERS} == HEADERS
    azure.cname(host, endpoint.host_name)
    got = ask(host, FILE)
    assert (got.status, got.text, got.names) == (200, POLICY, [host])
    redirect = ask_plainly(host, f"{FILE}?a=b")
    assert (redirect.status, redirect.headers["Location"]) == (307, f"https://{host}{FILE}?a=b")
    assert ask(host, "/nothing").status == 404

    # A change of the route is a change of the policy.
    change = {"properties": {"originPath": "/other"}}
    door.client.routes.begin_update("rg", "life", "life", "life-example-org", change).result()
    assert "mode: none" in ask(host, FILE).text

    door.client.routes.begin_delete("rg", "life", "life", "life-example-org").result()
    assert ask(host, FILE).status == 404
    door.client.afd_custom_domains.begin_delete("rg", "life", "life-example-org").result()
    door.client.profiles.begin_delete("rg", "life").result()
    assert not sandbox.state.under(f"{door.scope}/profiles/life".replace("resourceGroups", "resourcegroups"))
    with pytest.raises(ResourceNotFoundError):
        door.client.profiles.get("rg", "life")


def test_lists_reads_and_what_answers_look_like(door: FrontDoor, raw: RawArm) -> None:
    profile = door.client.profiles.get("rg", "mta-sts")
    assert (profile.location, profile.kind, profile.sku.name) == ("Global", "frontdoor", "Standard_AzureFrontDoor")
    assert "mta-sts" in [each.name for each in door.client.profiles.list()]
    assert "mta-sts" in [each.name for each in door.client.profiles.list_by_resource_group("rg")]
    assert [each.name for each in door.client.afd_endpoints.list_by_profile("rg", "mta-sts")] == ["mta-sts"]
    assert [each.name for each in door.client.afd_origin_groups.list_by_profile("rg", "mta-sts")] == ["group"]
    (origin,) = door.client.afd_origins.list_by_origin_group("rg", "mta-sts", "group")
    assert (origin.https_port, origin.weight, origin.enabled_state) == (443, 1000, "Enabled")
    assert [each.name for each in door.client.rules.list_by_rule_set("rg", "mta-sts", "headers")] == ["security"]
    got = raw(
        "GET",
        f"{PATH}/afdEndpoints/mta-sts",
    )
    # Microsoft.Cdn's own writing of ids, whatever the request's.
    assert "/resourcegroups/rg/providers/Microsoft.Cdn/profiles/mta-sts/afdendpoints/mta-sts" in got.json()["id"]
    assert got.json()["type"] == "Microsoft.Cdn/profiles/afdendpoints"
    found = {each.type for each in door.azure.groups.resources.list_by_resource_group("rg")}
    assert {"Microsoft.Cdn/profiles", "Microsoft.Cdn/profiles/afdendpoints"} <= found
    used = {
        each.name.value: (each.current_value, each.limit)
        for each in door.client.afd_profiles.list_resource_usage("rg", "mta-sts")
    }
    assert (used["afdendpoints"], used["customdomains"][1], used["routes"][1]) == ((1, 10), 100, 100)


def test_writes_are_long_running_operations(door: FrontDoor, raw: RawArm, sandbox: Sandbox) -> None:
    path = f"{PATH}/ruleSets/later"
    sandbox.delay("cdn-write", 60)
    made = raw("PUT", path, {})
    assert (made.status_code, made.json()["properties"]["provisioningState"]) == (201, "Creating")
    operation = made.headers["Azure-AsyncOperation"].removeprefix("https://management.azure.com").partition("?")[0]
    assert raw("GET", operation).json() == {
        "status": "InProgress",
        "error": {"code": "None", "message": None},
    }
    busy = raw("PUT", path, {})
    assert (busy.status_code, busy.code) == (400, "BadRequest")
    assert "cannot be executed on the entity in the current state" in busy.text
    sandbox.state.db.execute("UPDATE operations SET due = 0")
    assert raw("GET", operation).json()["status"] == "Succeeded"
    gone = raw("DELETE", path)
    assert gone.status_code == 202
    assert gone.headers["Location"]
    raw("GET", operation)
    assert raw("DELETE", path).status_code == 204


# Custom domains


def test_a_token_can_come_late_and_until_then_nothing_is_written(door: FrontDoor, sandbox: Sandbox) -> None:
    host = "late.example.org"
    sandbox.delay("cdn-token", 1)
    made = door.domain(host)
    assert (made.domain_validation_state, made.validation_properties) == ("Submitting", None)
    assert refused(lambda: door.domain(host), "Conflict").status_code == 409
    found = door.until(host, "Pending")
    assert found.validation_properties.validation_token.startswith("_")
    week = 7 * 24 * 3600
    expires = time.mktime(time.strptime(found.validation_properties.expiration_date[:19], "%Y-%m-%dT%H:%M:%S"))
    assert week - 60 < expires - time.mktime(time.gmtime()) <= week
    door.domain(host)


def test_only_the_token_validates_and_meanwhile_nothing_is_written(door: FrontDoor, sandbox: Sandbox) -> None:
    host = "wrong.example.org"
    door.domain(host)
    door.token(host, "_another")
    assert door.seen(host).domain_validation_state == "Pending"
    sandbox.delay("cdn-validation", 60)
    door.token(host)
    assert door.seen(host).domain_validation_state == "Pending"
    refused(lambda: door.domain(host), "Conflict")
    refused(
        lambda: door.client.afd_custom_domains.begin_refresh_validation_token(
            "rg", "mta-sts", "wrong-example-org"
        ).result(),
        "Conflict",
    )
    sandbox.delay("cdn-validation", 0)
    door.until(host, "Approved")
    refused(
        lambda: door.client.afd_custom_domains.begin_refresh_validation_token(
            "rg", "mta-sts", "wrong-example-org"
        ).result(),
        "current state",
    )


def test_a_token_expires_and_can_be_had_anew(door: FrontDoor, sandbox: Sandbox) -> None:
    host = "expired.example.org"
    id_ = door.domain(host).id
    old = door.seen(host).validation_properties.validation_token
    body = sandbox.state.get(id_)
    assert body
    sandbox.state.put({**body, "_expires": 0})
    assert door.seen(host).domain_validation_state == "TimedOut"
    door.token(host, old)
    assert door.seen(host).domain_validation_state == "TimedOut"
    door.client.afd_custom_domains.begin_refresh_validation_token("rg", "mta-sts", "expired-example-org").result()
    assert door.until(host, "Pending").validation_properties.validation_token != old
    door.approve(host)


def test_a_domain_keeps_serving_while_it_waits_for_revalidation(door: FrontDoor, sandbox: Sandbox) -> None:
    host = "again.example.org"
    door.domain(host)
    door.route(host)
    door.approve(host)
    sandbox.fault("domain-revalidation", host=host)
    assert door.seen(host).domain_validation_state == "PendingRevalidation"
    assert ask(host, FILE, connect=door.host).names == [host]
    sandbox.delay("cdn-token", 60)
    door.client.afd_custom_domains.begin_refresh_validation_token("rg", "mta-sts", "again-example-org").result()
    assert door.seen(host).domain_validation_state == "RefreshingValidationToken"
    assert door.seen(host).validation_properties is None
    body = sandbox.state.get(door.seen(host).id)
    assert body
    sandbox.state.put({**body, "_token_at": 0})
    door.until(host, "Pending")
    assert ask(host, FILE, connect=door.host).text == POLICY
    door.approve(host)


@pytest.mark.parametrize(
    ("fault", "state"), [("rejected", "Rejected"), ("timed-out", "TimedOut"), ("internal-error", "InternalError")]
)
def test_validation_can_end_otherwise(door: FrontDoor, sandbox: Sandbox, fault: str, state: str) -> None:
    host = f"{fault}.example.org"
    door.domain(host)
    sandbox.fault(f"domain-{fault}", host=host)
    assert door.seen(host).domain_validation_state == state


def test_a_creation_and_a_deletion_can_fail_after_they_were_accepted(door: FrontDoor, sandbox: Sandbox) -> None:
    host = "fails.example.org"
    sandbox.fault("domain-failed", host=host)
    refused(lambda: door.domain(host), "ResourceOperationFailure", "terminal provisioning state 'Failed'")
    assert door.seen(host).provisioning_state == "Failed"
    assert door.domain(host).domain_validation_state == "Pending"
    sandbox.fault("domain-stuck", host=host)
    delete = door.client.afd_custom_domains.begin_delete
    refused(lambda: delete("rg", "mta-sts", "fails-example-org").result(), "ResourceOperationFailure")
    assert door.seen(host).provisioning_state == "Failed"
    delete("rg", "mta-sts", "fails-example-org").result()
    with pytest.raises(ResourceNotFoundError):
        door.seen(host)


def test_a_caa_record_that_leaves_digicert_out_rejects(door: FrontDoor, azure: Any) -> None:
    def caa(value: str) -> None:
        body = {"properties": {"TTL": 60, "caaRecords": [{"flags": 0, "tag": "issue", "value": value}]}}
        azure.dns.record_sets.create_or_update("dns", "strict.example", "@", "CAA", body)

    caa("letsencrypt.org")
    door.domain("one.strict.example")
    door.token("one.strict.example")
    assert door.until("one.strict.example", "Rejected")
    caa("digicert.com; account=1")
    door.domain("two.strict.example")
    door.approve("two.strict.example")


def test_the_certificate_comes_after_validation_to_what_has_a_route(door: FrontDoor, sandbox: Sandbox) -> None:
    host = "certificate.example.org"
    sandbox.delay("cdn-certificate", 60)
    door.domain(host)
    assert door.approve(host).deployment_status == "NotStarted"
    door.route(host)
    assert door.seen(host).deployment_status == "InProgress"
    assert ask(host, FILE, connect=door.host).names == CERTIFICATE
    body = sandbox.state.get(door.seen(host).id)
    assert body
    sandbox.state.put({**body, "_certificate": 0})
    found = door.seen(host)
    assert found.deployment_status == "Succeeded"
    assert "/secrets/" in found.tls_settings.secret.id  # Front Door's own, which nobody has set
    assert ask(host, FILE, connect=door.host).names == [host]
    door.domain(host)  # without it, as a program says it
    assert door.seen(host).tls_settings.secret == found.tls_settings.secret


def test_a_host_name_belongs_to_one_profile(door: FrontDoor, azure: Any) -> None:
    host = "taken.example.org"
    other = FrontDoor(azure, door.origin, "other")
    other.profile()
    check = door.client.afd_profiles.check_host_name_availability
    assert check("rg", "other", {"hostName": host}).name_available
    door.domain(host)
    assert (
        refused(
            lambda: other.domain(host), "Another custom domain with the same host name already exists."
        ).status_code
        == 409
    )
    assert not check("rg", "other", {"hostName": host}).name_available
    body = {"properties": {"hostName": "elsewhere.example.org"}}
    create = door.client.afd_custom_domains.begin_create
    refused(lambda: create("rg", "mta-sts", "taken-example-org", body).result(), "cannot be changed")


@pytest.mark.parametrize("host", ["a..example.org", "example", f"{'a' * 60}.example.org", "x.azurefd.net"])
def test_host_names_that_cannot_have_a_managed_certificate(door: FrontDoor, host: str) -> None:
    create = door.client.afd_custom_domains.begin_create
    refused(lambda: create("rg", "mta-sts", "bad", {"properties": {"hostName": host}}).result(), "BadRequest")


# Routes, and what they hold


def test_routes_are_checked_together(door: FrontDoor) -> None:
    host = "route.example.org"
    door.domain(host)
    refused(lambda: door.route(host, originGroup=None), "Property 'Route.OriginGroup' is required")
    door.group("empty")
    empty = {"id": f"{door.scope}/profiles/mta-sts/originGroups/empty"}
    refused(
        lambda: door.route(host, originGroup=empty),
        "at least one enabled origin is created under the origin group",
    )
    refused(lambda: door.route("none.example.org"), "was not found in this profile")
    refused(lambda: door.route(None, "none"), "At least one domain must be associated")
    refused(lambda: door.route(host, supportedProtocols=["Https"]), "HttpsRedirect")
    refused(lambda: door.route(host, patternsToMatch=["main/*"]), "is not valid")
    refused(lambda: door.route(host, originPath="main"), "is not valid")
    refused(
        lambda: door.route(host, cacheConfiguration={"queryStringCachingBehavior": "UseQueryString"}),
        "SandboxNotModelled",
        "cacheConfiguration",
    )
    door.route(host)
    conflict = "Domain: route-example-org, Path pattern: /*, Protocol: Http cannot be added to Route again as this combination already exists in Endpoint mta-sts, Route route-example-org"
    refused(lambda: door.route(host, "again"), conflict)
    door.route(host, "again", patternsToMatch=["/again/*"])
    door.endpoint("second")
    refused(lambda: door.route(host, "third", "second", patternsToMatch=["/third/*"]), "another endpoint")


def test_what_a_route_needs_is_not_deleted(door: FrontDoor) -> None:
    host = "needed.example.org"
    door.domain(host)
    door.route(host)
    message = "This resource is still associated with a route."
    client = door.client
    refused(
        lambda: client.afd_custom_domains.begin_delete("rg", "mta-sts", "needed-example-org").result(), message
    )
    refused(lambda: client.afd_origin_groups.begin_delete("rg", "mta-sts", "group").result(), message)
    refused(lambda: client.rule_sets.begin_delete("rg", "mta-sts", "headers").result(), message)
    refused(lambda: client.afd_endpoints.begin_delete("rg", "mta-sts", "mta-sts").result(), message)
    last = "Endpoint pools must contain at least one enabled endpoint"
    refused(lambda: client.afd_origins.begin_delete("rg", "mta-sts", "group", "website").result(), last)
    refused(lambda: door.origin_(enabledState="Disabled"), last)


def test_changes_reach_the_edges_one_by_one(door: FrontDoor, sandbox: Sandbox) -> None:
    host = "edges.example.org"
    door.domain(host)
    door.route(host)
    door.approve(host)
    sandbox.delay("cdn-propagation", 60)
    door.route(host, originPath="/other")
    assert {ask(host, FILE, connect=door.host).text for _ in range(40)} == {
        POLICY,
        POLICY.replace("testing", "none"),
    }


def test_an_origin_that_is_not_there(door: FrontDoor, azure: Any) -> None:
    door.group("gone")
    door.origin_(
        group="gone", hostName="gone.z6.web.core.windows.net", originHostHeader="gone.z6.web.core.windows.net"
    )
    group = {"id": f"{door.scope}/profiles/mta-sts/originGroups/gone"}
    door.route(None, "gone", originGroup=group, linkToDefaultDomain="Enabled")
    got = ask(door.host, FILE)
    assert got.status == 503
    assert "Our services aren't available right now" in got.text
    assert got.names == [door.host]
    assert ask_plainly(door.host, "/").headers["Location"] == f"https://{door.host}/"


def test_rules_redirect_and_change_headers(door: FrontDoor) -> None:
    host = "rules.example.org"
    door.domain(host)
    door.client.rule_sets.begin_create("rg", "mta-sts", "moved", {}).result()
    to = {
        "typeName": "DeliveryRuleUrlRedirectActionParameters",
        "redirectType": "Found",
        "customHostname": "x.example",
        "customPath": "/y",
    }
    body = {"properties": {"order": 1, "actions": [{"name": "UrlRedirect", "parameters": to}]}}
    door.client.rules.begin_create("rg", "mta-sts", "moved", "away", body).result()
    door.route(host, ruleSets=[{"id": f"{door.scope}/profiles/mta-sts/ruleSets/moved"}])
    door.approve(host)
    got = ask(host, FILE, connect=door.host)
    assert (got.status, got.headers["Location"]) == (302, "https://x.example/y")
    parameters = {"typeName": "DeliveryRuleHeaderActionParameters", "headerAction": "Delete", "headerName": "etag"}
    body = {"properties": {"order": 1, "actions": [{"name": "ModifyResponseHeader", "parameters": parameters}]}}
    door.client.rules.begin_create("rg", "mta-sts", "moved", "away", body).result()
    assert "ETag" not in ask(host, FILE, connect=door.host).headers
    no_type = {
        "properties": {
            "order": 1,
            "actions": [{"name": "ModifyResponseHeader", "parameters": {**parameters, "typeName": "x"}}],
        }
    }
    refused(lambda: door.client.rules.begin_create("rg", "mta-sts", "moved", "away", no_type).result(), "typeName")
    refused(lambda: door.rule("with-dash"), "is not valid for rules")


# Limits, and what isn't modelled


@pytest.mark.parametrize(
    ("names", "limit"), [("customdomains", 100), ("afdendpoints/mta-sts/routes", 100), ("afdendpoints", 10)]
)
def test_a_profile_holds_so_many(door: FrontDoor, sandbox: Sandbox, names: str, limit: int) -> None:
    profile = f"{door.scope}/profiles/mta-sts".replace("resourceGroups", "resourcegroups")
    type_ = "Microsoft.Cdn/profiles/" + names.replace("/mta-sts", "")
    before = len(sandbox.state.under(profile, type_.lower()))
    extra = [f"{profile}/{names}/extra{at}" for at in range(limit - before)]
    shown = {
        "hostName": "",
        "customDomains": [],
        "patternsToMatch": [],
        "supportedProtocols": [],
        "linkToDefaultDomain": "",
        "originGroup": {"id": ""},
        "ruleSets": [],
        "provisioningState": "Succeeded",
    }
    for id_ in extra:
        sandbox.state.put({"id": id_, "name": id_.rpartition("/")[2], "type": type_, "properties": shown})
    host = "full.example.org"
    call = {"customdomains": lambda: door.domain(host), "afdendpoints": lambda: door.endpoint("eleventh")}
    refused(call.get(names, lambda: door.route(host)), f"exceeds the limit of {limit}")
    for id_ in extra:
        sandbox.state.delete(id_)


def test_a_subscription_holds_500_profiles(door: FrontDoor, azure: Any, sandbox: Sandbox) -> None:
    scope = f"{door.scope}/profiles/".replace("resourceGroups", "resourcegroups").lower()
    rows = [(f"{scope}extra{at}", "microsoft.cdn/profiles", f'{{"id": "{scope}extra{at}"}}') for at in range(500)]
    db = sandbox.state.db
    db.execute("BEGIN")
    db.executemany("INSERT INTO resources VALUES (?, ?, ?)", rows)
    db.execute("COMMIT")
    refused(FrontDoor(azure, "x.example", "more").profile, "exceeds the limit of 500 for this subscription")
    db.execute("DELETE FROM resources WHERE id LIKE ?", (f"{scope}extra%",))


def test_what_is_not_modelled_is_refused_by_name(azure: Any, door: FrontDoor) -> None:
    more = FrontDoor(azure, door.origin, "more")
    refused(
        lambda: more.profile(sku={"name": "Premium_AzureFrontDoor"}),
        "SandboxNotModelled",
        "Premium_AzureFrontDoor",
    )
    refused(lambda: more.profile(sku=None), "Property 'Profile.Sku' is required")
    refused(lambda: more.profile(location="westeurope"), "LocationNotAvailableForResourceType")
    refused(lambda: door.origin_(colour="red"), "SandboxNotModelled", "colour")
    refused(
        lambda: door.domain("x.example.org", tlsSettings={"certificateType": "CustomerCertificate"}),
        "SandboxNotModelled",
    )
    refused(
        lambda: door.domain(
            "x.example.org", tlsSettings={"certificateType": "ManagedCertificate", "minimumTlsVersion": "TLS10"}
        ),
        "minimumTlsVersion",
    )
    refused(
        lambda: door.rule(
            conditions=[
                {
                    "name": "RequestScheme",
                    "parameters": {
                        "typeName": "DeliveryRuleRequestSchemeConditionParameters",
                        "operator": "Equal",
                    },
                }
            ]
        ),
        "SandboxNotModelled",
        "conditions",
    )
    refused(lambda: more.domain("x.example.org"), "ParentResourceNotFound", "profiles/more")
    refused(lambda: more.endpoint("-x"), "ParentResourceNotFound")
    refused(lambda: door.endpoint("x--"), "is not valid for endpoints")


def test_an_endpoints_name_is_taken_in_the_whole_tenant(azure: Any, door: FrontDoor) -> None:
    second = FrontDoor(azure, door.origin, "tenant")
    second.profile()
    assert refused(lambda: second.endpoint("mta-sts"), "That resource name isn't available.").status_code == 409


def test_faults_and_registration_are_those_of_all_of_azure(door: FrontDoor, raw: RawArm, sandbox: Sandbox) -> None:
    path = f"{PATH}/ruleSets/fault"
    sandbox.fault("status", 409, method="PUT", path="ruleSets/fault")
    assert raw("PUT", path, {}).code == "Conflict"
    sandbox.unregister("Microsoft.Cdn")
    assert raw("PUT", path, {}).code == "MissingSubscriptionRegistration"
    sandbox.state.set("unregistered:microsoft.cdn", "")
    assert raw("PUT", path, {}).status_code == 201


def test_a_purge_takes_its_time(door: FrontDoor) -> None:
    purge = door.client.afd_endpoints.begin_purge_content
    purge("rg", "mta-sts", "mta-sts", {"contentPaths": ["/*"]}).result()
    refused(lambda: purge("rg", "mta-sts", "mta-sts", {"contentPaths": []}).result(), "required")


def test_a_take_over_from_a_static_site_has_no_gap(door: FrontDoor, azure: Any, sandbox: Sandbox) -> None:
    """The host is bound to a site until its CNAME moves, and is answered by whoever it leads to."""
    host = "moving.example.org"
    azure.cname(host, azure.web.static_sites.get_static_site("rg", "origin").default_hostname)
    sandbox.delay("validation", 0)
    azure.domain(host, "origin")
    assert ask(host, f"/main{FILE}").text == POLICY
    door.domain(host)
    door.approve(host)
    door.route(host)
    assert ask(host, FILE).status == 404  # the site's own
    assert ask(host, FILE, connect=door.host).text == POLICY
    azure.cname(host, door.host)
    assert ask(host, FILE).text == POLICY


def test_a_groups_deletion_takes_all_of_it(azure: Any, door: FrontDoor, sandbox: Sandbox) -> None:
    azure.groups.resource_groups.create_or_update("gone", {"location": "westeurope"})
    body = {"location": "Global", "sku": {"name": "Standard_AzureFrontDoor"}}
    door.client.profiles.begin_create("gone", "gone", body).result()
    create = door.client.afd_custom_domains.begin_create
    create("gone", "gone", "domain", {"properties": {"hostName": "gone.example.org"}}).result()
    azure.groups.resource_groups.begin_delete("gone").result()
    assert door.client.afd_profiles.check_host_name_availability(
        "rg", "mta-sts", {"hostName": "gone.example.org"}
    ).name_available


# The stand-in's types


def test_the_stand_ins_types_have_the_sdks_inputs_and_outputs() -> None:
    for named, type_ in TYPES.items():
        module, _, name = named.removeprefix("azure-native:").partition(":")
        if module != "cdn":
            continue
        text = (SDK / "cdn" / f"{re.sub(r'(?<=[a-z])(?=[A-Z])|(?<=AFD)', '_', name).lower()}.py").read_text()
        names = {camel(each) for each in re.findall(r'__props__\.__dict__\["(\w+)"\] = (?!None)', text)}
        computed = {camel(each) for each in re.findall(r'__props__\.__dict__\["(\w+)"\] = None', text)} - names
        inputs = {*re.findall(r"{(\w+)}", type_.path), *type_.top, *type_.inside} - {"subscriptionId"}
        assert inputs == names, named
        kept = {"name", "type", "kind", "azureApiVersion", "systemData"}
        assert {*type_.outputs} | kept >= computed, named
        assert f"azure-native:cdn/v{type_.version.replace('-', '')}:{name}" in text
        assert {*type_.replace} <= names


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(each.capitalize() for each in rest)
