"""What `__main__.py` declares where Azure Front Door serves policies: each test is one promise."""

from typing import Any

import pytest
from mocks import Monitor, declare


def behind_front_door(**more: Any) -> dict[str, Any]:
    testing = {
        "name": "main",
        "mode": "testing",
        "mx": ["mail.example.org"],
        "domains": ["example.org", "example.net"],
    }
    strict = {"name": "strict", "mode": "enforce", "mx": ["*.mx.test"], "domains": ["example.com"]}
    dns = {"provider": "azure", "resourceGroup": "dns"}
    tags = {"owner": "mail-team"}
    top = {"dns": dns, "tags": tags, "preflight": "off", "policies": [testing, strict], "hosting": "frontDoor"}
    return {**top, **more}


@pytest.fixture(scope="module")
def declared() -> Monitor:
    return declare(behind_front_door())


@pytest.fixture(scope="module")
def moving() -> Monitor:
    return declare(behind_front_door(movingFrom="staticWebApp"))


def test_there_is_one_front_door_and_no_site(declared: Monitor) -> None:
    for kind in ("Profile", "AFDEndpoint", "AFDOriginGroup", "AFDOrigin", "RuleSet"):
        assert len(declared.of(f"azure-native:cdn:{kind}")) == 1
    assert len(declared.of("azure-native:storage:StorageAccount")) == 1
    assert not declared.of("azure-native:web:StaticSite")


def test_profile_and_account_are_tagged(declared: Monitor) -> None:
    for name in ("mta-sts-profile", "mtasts"):
        assert declared.inputs(name)["tags"] == {"owner": "mail-team", "service": "mta-sts"}


def test_no_account_key_opens_the_storage(declared: Monitor) -> None:
    account = declared.inputs("mtasts")
    assert account["allowSharedKeyAccess"] is False
    assert account["allowBlobPublicAccess"] is False
    assert account["minimumTlsVersion"] == "TLS1_2"


def test_a_domain_is_proved_and_served_before_its_cname_leads_there(declared: Monitor) -> None:
    for domain, policy in (("example.org", "main"), ("example.com", "strict")):
        before = declared.before(f"{domain}-cname")
        parts = ("front-door-domain", "validation-token", "dnsauth", "route", "front-door-ready")
        assert {f"{domain}-{part}" for part in parts} | {f"{policy}-folder"} <= before


def test_the_id_is_published_only_after_the_policy_is_live_on_that_host(declared: Monitor) -> None:
    for domain, policy in (("example.org", "main"), ("example.com", "strict")):
        before = declared.before(f"{domain}-mta-sts")
        assert {f"{domain}-live-policy", f"{policy}-folder", f"{domain}-route", f"{domain}-cname"} <= before


def test_the_cname_leads_straight_to_the_endpoint(declared: Monitor) -> None:
    assert declared.inputs("example.org-cname")["cnameRecord"] == {"cname": "mta-sts-0a1b.z01.azurefd.net"}


def test_the_proof_is_the_token_that_azure_gave(declared: Monitor) -> None:
    record = declared.inputs("example.org-dnsauth")
    assert record["relativeRecordSetName"] == "_dnsauth.mta-sts"
    assert record["txtRecords"] == [{"value": ["token of mta-sts.example.org"]}]


def test_a_route_is_one_domain_to_its_policy_s_folder_uncached_and_by_https(declared: Monitor) -> None:
    route = declared.inputs("example.com-route")
    assert route["originPath"] == "/strict"
    assert [each["id"] for each in route["customDomains"]] == ["example.com-front-door-domain-id"]
    assert (route["httpsRedirect"], route["forwardingProtocol"]) == ("Enabled", "HttpsOnly")
    assert route["linkToDefaultDomain"] == "Disabled"
    assert "cacheConfiguration" not in route


def test_a_certificate_is_azure_s_own_and_tls_12_at_least(declared: Monitor) -> None:
    assert declared.inputs("example.org-front-door-domain")["tlsSettings"] == {
        "certificateType": "ManagedCertificate",
        "minimumTlsVersion": "TLS12",
    }


def test_the_headers_are_those_of_the_site_a_few_a_rule(declared: Monitor) -> None:
    rules = [declared.inputs(name)["actions"] for name in declared.of("azure-native:cdn:Rule")]
    assert rules
    assert all(len(actions) <= 5 for actions in rules)
    given = {action["parameters"]["headerName"] for actions in rules for action in actions}
    assert {"Strict-Transport-Security", "X-Content-Type-Options"} <= given


def test_one_slow_domain_holds_up_only_itself(declared: Monitor) -> None:
    assert not {each for each in declared.before("example.org-mta-sts") if each.startswith("example.net")}


def test_an_enforced_policy_is_protected_with_what_serves_it(declared: Monitor) -> None:
    protected = {name for name, each in declared.requests.items() if each.protect}
    parts = ("cname", "front-door-domain", "route", "mta-sts", "to-leave-set-mode-none-first")
    serving = {"profile", "endpoint", "origins", "origin", "headers", "headers-0"}
    shared = {"mta-sts", "mtasts", *(f"mta-sts-{part}" for part in serving)}
    assert protected == shared | {"strict-folder"} | {f"example.com-{part}" for part in parts}


def test_what_served_it_stays_while_it_moves_but_may_go_then(moving: Monitor) -> None:
    assert {"mta-sts-strict", "strict-content", "example.com-custom-domain"} <= set(moving.requests)
    for name in ("mta-sts-strict", "strict-content", "example.com-custom-domain"):
        assert not moving.requests[name].protect
    assert moving.requests["example.com-route"].protect
    assert not moving.before("example.com-custom-domain") & {"example.com-cname", "example.com-cname-seen"}


def test_an_enforced_domain_may_move_only_while_the_old_host_stays(declared: Monitor, moving: Monitor) -> None:
    assert declared.requests["example.com-cname"].HasField("replacement_trigger")
    assert not moving.requests["example.com-cname"].HasField("replacement_trigger")


def test_no_two_hosts_have_the_same_name_in_a_profile() -> None:
    from components.front_door import domain_name

    hosts = ("mta-sts.a-b.test", "mta-sts.a.b.test", "mta-sts.a--b.test", "mta-sts.a.-b.test", "m" * 251 + ".-a")
    names = {domain_name(host) for host in hosts}
    assert len(names) == len(hosts)
    assert all(len(name) <= 260 for name in names)
