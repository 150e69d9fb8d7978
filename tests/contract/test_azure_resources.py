"""Groups and resources of any type, as `az group` and `az resource` see them through azure-mgmt-resource."""

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from contract_tools import Clients, fetch, resolve


@pytest.fixture
def filled(azure: Clients) -> Clients:
    for name in ("rg", "other"):
        azure.groups.resource_groups.create_or_update(name, {"location": "westeurope", "tags": {"for": name}})
    azure.site(tags={"team": "mail"})
    azure.dns.zones.create_or_update("rg", "example.org", {"location": "global"})
    return azure


def test_groups_are_listed_patched_and_found_by_tag(filled: Clients) -> None:
    groups = filled.groups.resource_groups
    assert [group.name for group in groups.list()] == ["other", "rg"]
    assert groups.update("rg", {"tags": {"a": "b"}}).tags == {"a": "b"}
    assert [group.name for group in groups.list(filter="tagName eq 'a' and tagValue eq 'b'")] == ["rg"]
    assert groups.get("rg").tags == {"a": "b"}
    assert groups.check_existence("rg")
    assert not groups.check_existence("none")


def test_resources_are_listed_and_filtered(filled: Clients) -> None:
    resources = filled.groups.resources
    assert {found.type for found in resources.list()} == {
        "Microsoft.Web/staticSites",
        "Microsoft.Network/dnszones",
    }
    (site,) = resources.list(
        filter="resourceType eq 'Microsoft.Web/staticSites'", expand="createdTime,changedTime"
    )
    assert (site.name, site.location, site.tags) == ("site", "westeurope", {"team": "mail"})
    assert site.created_time <= site.changed_time
    assert [found.name for found in resources.list(filter="tagName eq 'team' and tagValue eq 'mail'")] == ["site"]
    assert [found.name for found in resources.list(filter="name eq 'example.org'")] == ["example.org"]
    assert list(resources.list(filter="resourceGroup eq 'other'")) == []
    assert len(list(resources.list_by_resource_group("rg"))) == 2
    with pytest.raises(ResourceNotFoundError):
        list(resources.list_by_resource_group("none"))


def test_a_site_and_a_zone_can_be_moved_to_another_group(filled: Clients) -> None:
    zone = filled.dns.zones.get("rg", "example.org")
    site = filled.web.static_sites.get_static_site("rg", "site")
    body = {"properties": {"TTL": 60, "CNAMERecord": {"cname": site.default_hostname}}}
    filled.dns.record_sets.create_or_update("rg", "example.org", "mta-sts", "CNAME", body)
    assert filled.domain("mta-sts.example.org").status == "Ready"
    target = filled.groups.resource_groups.get("other").id
    move = {"resources": [zone.id, site.id], "targetResourceGroup": target}
    filled.groups.resources.begin_validate_move_resources("rg", move).result()
    assert filled.web.static_sites.get_static_site("rg", "site")
    filled.groups.resources.begin_move_resources("rg", move).result()
    with pytest.raises(ResourceNotFoundError):
        filled.web.static_sites.get_static_site("rg", "site")
    assert filled.web.static_sites.get_static_site("other", "site").custom_domains == ["mta-sts.example.org"]
    assert fetch("mta-sts.example.org", "/")[0] == 200
    assert resolve("mta-sts.example.org", "CNAME") == [f"{site.default_hostname}."]
    assert [found.name for found in filled.dns.record_sets.list_by_type("other", "example.org", "CNAME")] == [
        "mta-sts"
    ]


def test_a_move_to_nowhere_or_of_nothing_is_refused(filled: Clients) -> None:
    site = filled.web.static_sites.get_static_site("rg", "site").id
    target = filled.groups.resource_groups.get("other").id
    for move in (
        {"resources": [site], "targetResourceGroup": target + "x"},
        {"resources": [site + "x"], "targetResourceGroup": target},
    ):
        with pytest.raises(HttpResponseError, match="could not be found|was not found"):
            filled.groups.resources.begin_move_resources("rg", move).result()
    assert filled.web.static_sites.get_static_site("rg", "site")
