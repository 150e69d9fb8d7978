"""The resource graph that `__main__.py` declares, under Pulumi's mocks: each test is one promise."""

import logging
import re
from typing import Any

import pulumi
import pulumi.runtime
import pytest
from mocks import Cloud, Monitor, declare

from components.policy_site import EACH_DOMAIN, without_unread_outputs


def configuration() -> dict[str, Any]:
    return {
        "dns": {"provider": "azure", "resourceGroup": "dns"},
        "tags": {"owner": "mail-team"},
        "preflight": "off",
        "policies": [
            {
                "name": "main",
                "mode": "testing",
                "maxAge": 604800,
                "mx": ["mail.example.org"],
                "domains": ["example.org", "example.net"],
                "tlsReports": ["mailto:tls@example.org"],
            },
            {
                "name": "strict",
                "mode": "enforce",
                "sku": "Standard",
                "mx": ["*.mx.test"],
                "domains": ["example.com"],
            },
        ],
    }


@pytest.fixture(scope="module")
def declared() -> Monitor:
    return declare(configuration())


def test_group_and_sites_are_tagged(declared: Monitor) -> None:
    for name in ("mta-sts", "mta-sts-main", "mta-sts-strict"):
        assert declared.inputs(name)["tags"] == {"owner": "mail-team", "service": "mta-sts"}


def test_no_line_of_the_program_goes_into_the_state(declared: Monitor) -> None:
    stack = [name for name, request in declared.requests.items() if request.type == "pulumi:pulumi:Stack"]
    with_lines = {name for name, request in declared.requests.items() if request.HasField("sourcePosition")}
    with_lines |= {name for name, request in declared.requests.items() if request.stackTrace.frames}
    assert with_lines <= {"mtasts", *stack}


def test_the_sdk_tells_the_engine_nothing_of_its_own_steps(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        declare(configuration())
    named = {name for record in caplog.records for name in re.findall(r"\bname=([^,]+)", record.getMessage())}
    assert named == {"mta-sts-test"}  # the stack, which is there before the program


def test_what_each_domain_has_keeps_no_outputs_that_nobody_reads(declared: Monitor) -> None:
    opts = pulumi.ResourceOptions()
    for type_ in ("azure-native:dns:RecordSet", "azure-native:web:StaticSite"):
        args = pulumi.ResourceTransformationArgs(None, type_, "name", {"ttl": 300, "fqdn": None}, opts)
        kept = without_unread_outputs(args)
        assert (kept.props if kept else None) == ({"ttl": 300} if type_.endswith("RecordSet") else None)
    assert EACH_DOMAIN & {request.type for request in declared.requests.values()}  # they are spelled as they are


def test_the_id_is_published_only_after_the_policy_is_live_on_that_host(declared: Monitor) -> None:
    for domain, policy in (("example.org", "main"), ("example.com", "strict")):
        before = declared.before(f"{domain}-mta-sts")
        assert {f"{domain}-live-policy", f"{policy}-content", f"{domain}-custom-domain"} <= before


def test_the_custom_domain_waits_until_its_cname_is_seen(declared: Monitor) -> None:
    assert {"example.org-cname-seen", "example.org-cname"} <= declared.before("example.org-custom-domain")


def test_one_slow_domain_holds_up_only_itself(declared: Monitor) -> None:
    assert not {each for each in declared.before("example.org-mta-sts") if each.startswith("example.net")}


def test_the_report_record_waits_for_nothing_but_stands_only_where_reports_are_wanted(declared: Monitor) -> None:
    assert not {each for each in declared.before("example.org-tlsrpt") if "cname" in each or "live" in each}
    assert "example.com-tlsrpt" not in declared.requests


def test_an_enforced_policy_is_protected_and_a_tested_one_is_not(declared: Monitor) -> None:
    protected = {name for name, each in declared.requests.items() if each.protect}
    parts = ("cname", "custom-domain", "mta-sts", "to-leave-set-mode-none-first")
    domain = {f"example.com-{each}" for each in parts}
    assert protected == {"mta-sts", "mta-sts-strict", "strict-content"} | domain


def test_the_record_names_the_hash_of_the_policy_that_is_uploaded(declared: Monitor) -> None:
    from policy import Policy, StsRecord

    uploaded = Policy.parse(declared.inputs("main-content")["policy"])
    record = declared.inputs("example.org-mta-sts")["txtRecords"][0]["value"]
    assert StsRecord.parse("".join(record)).id == uploaded.id
    assert declared.inputs("example.org-live-policy")["policy"].encode() == uploaded.render()


def test_the_deployment_token_is_nowhere_among_what_the_engine_gets(declared: Monitor) -> None:
    assert declared.inputs("main-content")["site"] == "mta-sts-main-id"
    assert set(declared.inputs("main-content")) == {"site", "defaultHostname", "policy", "web"}


def test_what_senders_remember_goes_before_the_record_that_told_them(declared: Monitor) -> None:
    assert "example.org-mta-sts" in declared.before("example.org-to-leave-set-mode-none-first")


def test_an_enforced_domain_that_moves_to_another_site_would_be_replaced(declared: Monitor) -> None:
    for each in ("cname", "to-leave-set-mode-none-first"):
        assert declared.requests[f"example.com-{each}"].replacement_trigger.string_value == "mta-sts-strict0a1b"
        assert not declared.requests[f"example.org-{each}"].replacement_trigger.string_value


def test_every_child_has_a_parent_and_every_component_registers_outputs(declared: Monitor) -> None:
    parents = {name: each.parent.split("::")[-1] for name, each in declared.requests.items() if each.parent}
    assert parents["example.org-mta-sts"] == "example.org"
    assert parents["example.org"] == parents["main-content"] == parents["mta-sts-main"] == "main"
    components = declared.of("mtasts:index:PolicySite") | declared.of("mtasts:index:MailDomain")
    assert components == {"main", "strict", "example.org", "example.net", "example.com"}
    assert components <= set(declared.outputs)


def test_outputs_tell_url_id_records_and_next_step(declared: Monitor) -> None:
    outputs = pulumi.runtime.rpc.deserialize_properties(declared.outputs["mta-sts-test"])
    domain = outputs["domains"]["example.org"]
    assert domain["policyUrl"] == "https://mta-sts.example.org/.well-known/mta-sts.txt"
    assert domain["mode"] == "testing"
    assert domain["next"]
    records = {(each["name"], each["type"]): each["value"] for each in outputs["dnsRecords"]["example.org"]}
    assert records["mta-sts.example.org", "CNAME"] == domain["defaultHostname"]
    assert records["_mta-sts.example.org", "TXT"] == f"v=STSv1; id={domain['policyId']};"
    assert records["_smtp._tls.example.org", "TXT"] == "v=TLSRPTv1; rua=mailto:tls@example.org"


def test_the_longest_zone_that_exists_is_taken() -> None:
    config = configuration()
    config["policies"][0]["domains"] = ["a.b.example.org"]
    declared = declare(config)
    assert declared.inputs("a.b.example.org-cname")["zoneName"] == "example.org"
    assert declared.inputs("a.b.example.org-cname")["relativeRecordSetName"] == "mta-sts.a.b"


def test_a_domain_without_a_zone_stops_before_anything_is_declared() -> None:
    monitor_cloud = Cloud(zones=("example.org",))
    with pytest.raises(
        pulumi.RunError, match=r"example\.net: the resource group dns has no DNS zone example\.net"
    ):
        declare(configuration(), monitor_cloud)


def test_resource_names_come_from_names_not_from_positions() -> None:
    config = configuration()
    config["policies"].reverse()
    config["policies"][1]["domains"].reverse()
    assert set(declare(config).requests) == set(declare(configuration()).requests)
