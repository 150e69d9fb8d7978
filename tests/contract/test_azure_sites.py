"""Static sites beyond their life cycle: what is patched, listed and asked of them by official clients."""

import os
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from contract_tools import Clients
from raw_arm import RawArm, token

HOST = "mta-sts.example.org"
SITE = "/subscriptions/SUB/resourceGroups/Rg/providers/Microsoft.Web/staticSites/Site"


@pytest.fixture
def sites(azure: Clients) -> Any:
    azure.groups.resource_groups.create_or_update("Rg", {"location": "westeurope"})
    azure.groups.resource_groups.create_or_update("dns", {"location": "westeurope"})
    azure.dns.zones.create_or_update("dns", "example.org", {"location": "global"})
    body = {"location": "westeurope", "sku": {"name": "Free"}, "properties": {"provider": "SwaCli"}}
    azure.web.static_sites.begin_create_or_update_static_site("Rg", "Site", body).result()
    return azure.web.static_sites


def test_a_patch_changes_the_plan_and_the_tags(sites: Any) -> None:
    """`az staticwebapp update` sends the whole resource."""
    patch = RawArm(token())("PATCH", SITE, {"location": "West Europe", "tags": {"a": "b"}, "sku": {"name": "Standard", "tier": "Standard"}, "properties": {}})  # fmt: skip
    assert patch.status_code == 200
    found = sites.get_static_site("Rg", "Site")
    assert (found.tags, found.sku.name, found.sku.tier) == ({"a": "b"}, "Standard", "Standard")
    sites.update_static_site("Rg", "Site", {"properties": {"stagingEnvironmentPolicy": "Disabled"}})
    found = sites.get_static_site("Rg", "Site")
    assert (found.staging_environment_policy, found.tags, found.sku.name) == ("Disabled", {"a": "b"}, "Standard")


def test_a_patch_is_refused_what_a_put_is(sites: Any) -> None:
    arm = RawArm(token())
    assert "Sku is invalid" in arm("PATCH", SITE, {"sku": {"name": "Gold"}}).text
    assert arm("PATCH", SITE, {"location": "centralus"}).code == "InvalidResourceLocation"
    assert arm("PATCH", SITE, {"colour": "red"}).code == "SandboxNotModelled"


def test_nothing_is_dropped_in_silence(sites: Any) -> None:
    arm = RawArm(token())
    whole = {"location": "westeurope", "sku": {"name": "Free"}, "properties": {}}
    group = SITE.partition("/providers/")[0]
    zone = "/subscriptions/SUB/resourceGroups/dns/providers/Microsoft.Network/dnsZones/example.org"
    unknown: list[tuple[str, str, Any]] = [
        ("PUT", SITE, {**whole, "identity": {"type": "SystemAssigned"}}),
        ("PUT", SITE, {**whole, "sku": {"name": "Free", "capacity": 3}}),
        ("PUT", SITE, {**whole, "properties": {"colour": "red"}}),
        ("PUT", f"{SITE}/customDomains/{HOST}", {"properties": {"colour": "red"}}),
        ("PUT", f"{SITE}/customDomains/{HOST}", {"properties": {"validationMethod": "dns-txt-token"}}),
        ("PATCH", group, {"managedBy": "x"}),
        ("PUT", zone, {"location": "global", "properties": {"zoneType": "Private"}}),
        ("PUT", f"{zone}/A/x", {"properties": {"TTL": 5, "targetResource": {"id": "y"}}}),
        ("PUT", f"{zone}/A/x", {"properties": {"TTL": 5}, "colour": "red"}),
        ("PUT", f"{group}/providers/Microsoft.Authorization/roleDefinitions/x", {"colour": "red"}),
    ]
    for method, path, body in unknown:
        answer = arm(method, path, body)
        assert (answer.status_code, answer.code) == (501, "SandboxNotModelled"), (method, path, body, answer.text)
    for query in ({"$filter": "colour eq 'red'"}, {"$orderby": "name"}):
        assert arm("GET", "/subscriptions/SUB/resources", **query).code == "SandboxNotModelled"
    assert arm("GET", SITE, **{"$expand": "colour"}).code == "SandboxNotModelled"


def test_ids_come_back_in_azures_own_case(sites: Any) -> None:
    arm = RawArm(token())
    shouted = arm("GET", SITE.upper().replace("/SUBSCRIPTIONS/SUB/", "/SUBSCRIPTIONS/" + os.environ["ARM_SUBSCRIPTION_ID"].upper() + "/"))  # fmt: skip
    group = f"/subscriptions/{os.environ['ARM_SUBSCRIPTION_ID']}/resourceGroups"
    assert shouted.json()["id"] == f"{group}/Rg/providers/Microsoft.Web/staticSites/Site"
    zone = arm("PUT", "/subscriptions/SUB/resourcegroups/DNS/providers/microsoft.network/dnsZones/Example.NET", {"location": "global"}).json()  # fmt: skip
    assert zone["id"] == f"{group}/dns/providers/Microsoft.Network/dnszones/example.net"
    record = arm("PUT", f"{zone['id']}/txt/Name".lower(), {"properties": {"TTL": 5, "TXTRecords": []}}).json()
    assert record["id"] == f"{zone['id']}/TXT/name"
    assert arm("PUT", "/subscriptions/SUB/RESOURCEGROUPS/RG", {"location": "westeurope"}).json()["name"] == "Rg"


def test_what_a_plain_site_has_none_of(sites: Any) -> None:
    assert sites.list_static_site_app_settings("Rg", "Site").properties == {}
    assert list(sites.list_static_site_users("Rg", "Site", "all")) == []
    with pytest.raises(ResourceNotFoundError):
        sites.get_basic_auth("Rg", "Site", "default")
    with pytest.raises(ResourceNotFoundError):
        sites.get_static_site_build("Rg", "Site", "2")


def test_its_only_environment_is_production(sites: Any) -> None:
    (build,) = sites.get_static_site_builds("Rg", "Site")
    assert (build.build_id, build.status) == ("default", "WaitingForDeployment")
    assert build.hostname == sites.get_static_site("Rg", "Site").default_hostname
    assert sites.get_static_site_build("Rg", "Site", "default").build_id == "default"


def test_a_domain_can_be_tried_before_it_is_bound(azure: Clients, sites: Any) -> None:
    """`az staticwebapp hostname set` asks so first."""
    check = sites.begin_validate_custom_domain_can_be_added_to_static_site
    with pytest.raises(HttpResponseError, match="CNAME Record is invalid"):
        check("Rg", "Site", HOST, {"properties": {}}).result()
    azure.cname(HOST, sites.get_static_site("Rg", "Site").default_hostname)
    check("Rg", "Site", HOST, {"properties": {}}).result()
    assert list(sites.list_static_site_custom_domains("Rg", "Site")) == []
    bind = sites.begin_create_or_update_static_site_custom_domain
    bind("Rg", "Site", HOST, {"properties": {"validationMethod": "cname-delegation"}}).result()
    assert [domain.name for domain in sites.list_static_site_custom_domains("Rg", "Site")] == [HOST]


def test_sites_are_listed_by_group_and_by_subscription(sites: Any) -> None:
    assert [site.name for site in sites.get_static_sites_by_resource_group("Rg")] == ["Site"]
    assert list(sites.get_static_sites_by_resource_group("dns")) == []
    assert [site.name for site in sites.list()] == ["Site"]
