"""From nothing to a policy that senders accept, through every change, to nothing again."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from harness import TESTING, Run, Stack, assert_policy_before_id

from policy import Policy

VALID = {
    "postfix": "VALID",
    "id": "",
    "mode": "testing",
    "checkdmarc": True,
    "checkdmarc_error": None,
    "tlsrpt": True,
}
REPORTS = {"tlsReports": ["mailto:tls-reports@example.org"]}


def test_up_makes_what_senders_accept_and_destroy_leaves_nothing(stack: Stack) -> None:
    stack.configure({**TESTING, **REPORTS})
    run = stack.up(settled=True)
    assert "15 created" in run.text
    assert assert_policy_before_id(stack.sandbox.log()) == 1

    expected = Policy.of("testing", 604800, ["mail.example.org"]).id
    verdict = stack.senders("example.org")["example.org"]
    assert verdict == {**VALID, "id": expected}

    outputs = stack.outputs()
    assert outputs["domains"]["example.org"]["policyId"] == expected
    state = stack.sandbox.state
    site = next(state.of("Microsoft.Web/staticSites"))
    group = state.get(site["id"].partition("/providers/")[0])
    assert group
    assert group["tags"] == site["tags"] == {"service": "mta-sts"}
    assert site["properties"]["stagingEnvironmentPolicy"] == "Disabled"

    before = stack.last()
    run = stack.pulumi("destroy", "--yes", "--skip-preview")
    assert run.code == 0, run.text
    order = [line for line in stack.writes(before) if line.startswith("DELETE")]
    wanted = ["DELETE TXT/_mta-sts", "DELETE customDomains/mta-sts.example.org", "DELETE CNAME/mta-sts"]
    assert [line for line in order if line in wanted] == wanted
    assert not list(state.of("Microsoft.Web/staticSites"))
    left = {each["name"] for zone in state.of("Microsoft.Network/dnsZones") for each in state.under(zone["id"])}
    assert left == {"@", "example.org", "example.net", "example.com"}
    assert stack.senders("example.org")["example.org"]["postfix"] == "NONE"


def test_a_changed_policy_touches_content_live_check_and_txt_and_nothing_else(stack: Stack) -> None:
    stack.up()
    for change in ({"mx": ["mail.example.org", "*.example.net"]}, {"maxAge": 86400}, {"mode": "none"}):
        stack.configure({**TESTING, **change})
        assert stack.changes() == {
            "main-content": "update",
            "example.org-live-policy": "update",
            "example.org-mta-sts": "update",
            "example.org-mta-sts-seen": "update",
            "example.org-to-leave-set-mode-none-first": "update",
        }
        before = stack.last()
        stack.up(settled=True)
        assert stack.writes(before) == ["PUT TXT/_mta-sts"]
        assert stack.senders("example.org")["example.org"]["postfix"] == "VALID"
    assert assert_policy_before_id(stack.sandbox.log()) == 4


ENFORCE = {**TESTING, "mode": "enforce"}


def test_enforce_is_protected_until_it_has_been_left(stack: Stack) -> None:
    stack.up()
    stack.configure(ENFORCE)
    stack.up(settled=True)
    assert stack.senders("example.org")["example.org"]["mode"] == "enforce"
    before = stack.last()
    assert_refused(stack.pulumi("destroy", "--yes"))
    for change in (
        [{**ENFORCE, "domains": ["example.net"]}],
        [{**ENFORCE, "name": "renamed"}],
        [{**ENFORCE, "domains": ["example.net"]}, {**ENFORCE, "name": "other"}],
    ):
        stack.configure(*change)
        assert_refused(stack.pulumi("up", "--yes"))
    assert not stack.writes(before)


def test_leaving_takes_mode_none_and_the_time_that_senders_remember(stack: Stack) -> None:
    stack.configure({**ENFORCE, "maxAge": 3600})
    stack.up()
    stack.configure({**ENFORCE, "maxAge": 3})
    run = stack.pulumi("preview")
    assert "maxAge from 3600 s to 3 s" in run.text
    stack.up()
    leaving = {**TESTING, "mode": "none", "maxAge": 1}
    stack.configure(leaving)
    before = datetime.now(UTC)
    assert "mode none after enforce" in stack.pulumi("preview").text
    stack.up()
    assert stack.senders("example.org")["example.org"]["mode"] == "none"
    until = datetime.fromisoformat(stack.outputs()["domains"]["example.org"]["heldUntil"])
    hour = timedelta(hours=1)  # the greatest max_age ever served, not the last
    assert before + hour < until + timedelta(seconds=1) < datetime.now(UTC) + hour + timedelta(seconds=1)

    last = stack.last()
    for run in (stack.pulumi("destroy", "--yes", "--skip-preview"), gone(stack)):
        assert run.code != 0
        assert any("can't go before" in line and "removeEarlyAndRiskMail" in line for line in run.errors), run.text
    assert not stack.writes(last)
    assert stack.senders("example.org")["example.org"]["mode"] == "none"

    stack.configure({**leaving, "removeEarlyAndRiskMail": True})
    stack.up(settled=True)
    assert stack.pulumi("destroy", "--yes", "--skip-preview").code == 0
    assert not list(stack.sandbox.state.of("Microsoft.Web/staticSites"))


def gone(stack: Stack) -> Run:
    """The domain taken out of the configuration, with another in its place."""
    stack.configure({**TESTING, "mode": "none", "maxAge": 1, "domains": ["example.net"]})
    return stack.pulumi("up", "--yes", "--skip-preview", "--target-dependents", "--target", "**example.org**")


def test_an_enforced_policy_and_its_site_may_still_change(stack: Stack) -> None:
    stack.configure(ENFORCE)
    stack.up()
    stack.configure(
        {**ENFORCE, "sku": "Standard", "mx": ["mail.example.org", "mx2.example.org"]},
        **{"mta-sts:tags": {"owner": "mail-team"}},
    )
    assert "replace" not in str(stack.changes())
    stack.up()
    stack.configure({**ENFORCE, "sku": "Standard"}, **{"mta-sts:tags": {"owner": "mail-team"}})
    assert "mx without mx2.example.org" in stack.pulumi("preview").text
    stack.up(settled=True)
    assert stack.senders("example.org")["example.org"]["mode"] == "enforce"


@pytest.mark.parametrize(
    "change", [{"domains": ["example.net"]}, pytest.param({"name": "renamed"}, marks=pytest.mark.heavy)]
)
def test_even_without_a_preview_an_enforced_domain_stays_served(stack: Stack, change: dict[str, Any]) -> None:
    stack.configure(ENFORCE)
    stack.up(settled=True)
    before = stack.last()
    stack.configure({**ENFORCE, **change})
    # Without a preview a move is refused at the first resource that would move, whose name says no way out.
    assert_refused(stack.pulumi("up", "--yes", "--skip-preview"), way_out="domains" in change)
    ours = ("/dnsZones/example.org/", "/customDomains/mta-sts.example.org")
    assert not [line for line in stack.sandbox.log(before) if line["method"] in ("PUT", "DELETE") and any(each in line["path"] for each in ours)]  # fmt: skip
    assert stack.senders("example.org")["example.org"] | {"id": ""} == {
        **VALID,
        "mode": "enforce",
        "tlsrpt": False,
    }


def assert_refused(run: Run, way_out: bool = True) -> None:
    assert run.code != 0
    assert "protect" in run.text, run.text
    assert not way_out or "to-leave-set-mode-none-first" in run.text, run.text


def test_domains_come_and_go_without_touching_the_others(stack: Stack) -> None:
    stack.up()
    stack.configure({**TESTING, "domains": ["example.org", "example.net"]}, {**TESTING, "name": "other", "mx": ["*.mx.test"], "domains": ["example.com"]})  # fmt: skip
    assert not {name for name in stack.changes() if name.startswith("example.org")}
    before = stack.last()
    stack.up()
    assert not [line for line in stack.writes(before) if "customDomains/mta-sts.example.org" in line]
    verdicts = stack.senders("example.org", "example.net", "example.com")
    assert {each["postfix"] for each in verdicts.values()} == {"VALID"}
    assert verdicts["example.org"]["id"] == verdicts["example.net"]["id"] != verdicts["example.com"]["id"]

    stack.configure({**TESTING, "domains": ["example.net"]})
    stack.up(settled=True)
    verdicts = stack.senders("example.org", "example.net", "example.com")
    assert [verdicts[name]["postfix"] for name in ("example.org", "example.net", "example.com")] == ["NONE", "VALID", "NONE"]  # fmt: skip
    assert assert_policy_before_id(stack.sandbox.log()) == 3


ZONE = "/resourceGroups/dns/providers/Microsoft.Network/dnsZones/example.org"


CHANGES: list[tuple[str, str, dict[str, Any] | None]] = [
    ("PUT", "/TXT/_mta-sts", {"properties": {"TTL": 300, "TXTRecords": [{"value": ["v=STSv1; id=other;"]}]}}),
    ("DELETE", "/TXT/_mta-sts", None),
    ("DELETE", "/CNAME/mta-sts", None),
    ("PUT", "/CNAME/mta-sts", {"properties": {"TTL": 60, "CNAMERecord": {"cname": "elsewhere.example"}}}),
]


def test_dns_changed_behind_its_back_is_found_by_refresh_and_mended_by_up(stack: Stack) -> None:
    stack.up()
    for method, path, body in CHANGES:
        stack.arm(method, ZONE + path, body)
        assert stack.pulumi("refresh", "--preview-only", "--expect-no-changes").code != 0, (method, path)
        assert stack.pulumi("refresh", "--yes", "--skip-preview").code == 0, (method, path)
        stack.up()
        assert stack.senders("example.org")["example.org"]["postfix"] == "VALID", (method, path)
    stack.assert_settled()


def test_tags_and_plan_change_after_an_upload(stack: Stack) -> None:
    stack.up()
    stack.configure({**TESTING, "sku": "Standard"}, **{"mta-sts:tags": {"owner": "mail-team"}})
    stack.up(settled=True)
    site = next(stack.sandbox.state.of("Microsoft.Web/staticSites"))
    assert site["sku"]["name"] == "Standard"
    assert site["tags"] == {"owner": "mail-team", "service": "mta-sts"}
    assert stack.senders("example.org")["example.org"]["postfix"] == "VALID"


@pytest.mark.heavy  # test_secrets.py: and the old one is refused
def test_a_reset_deployment_token_is_simply_used(stack: Stack) -> None:
    stack.up()
    site = next(stack.sandbox.state.of("Microsoft.Web/staticSites"))
    path = "/" + site["id"].split("/", 3)[3]
    stack.arm("POST", f"{path}/resetapikey", {"properties": {}})
    stack.assert_settled()
    stack.configure({**TESTING, "maxAge": 1000})
    stack.up()


def test_a_changed_page_is_uploaded_and_no_id_changes(stack: Stack) -> None:
    stack.up()
    (stack.project / "web" / "index.html").write_text("<!doctype html><title>x</title>")
    assert stack.changes() == {"main-content": "update"}
    stack.up(settled=True)


def test_a_tested_domain_moves_to_another_policy_and_to_another_region(stack: Stack) -> None:
    stack.up()
    stack.configure({**TESTING, "name": "second"})
    stack.up()
    assert stack.senders("example.org")["example.org"]["postfix"] == "VALID"
    assert [site["name"][:14] for site in stack.sandbox.state.of("Microsoft.Web/staticSites")] == [
        "mta-sts-second"
    ]

    stack.configure({**TESTING, "name": "second"}, **{"azure-native:location": "eastus2"})
    stack.up(settled=True)
    assert stack.senders("example.org")["example.org"]["postfix"] == "VALID"
    assert [site["location"] for site in stack.sandbox.state.of("Microsoft.Web/staticSites")] == ["East US 2"]
    assert not [line for line in stack.writes() if line == "DELETE resourceGroups/mta-sts-test"]


def test_a_tested_stack_moves_to_another_resource_group(stack: Stack) -> None:
    stack.up()
    stack.configure(TESTING, **{"mta-sts:resourceGroup": "elsewhere"})
    stack.up(settled=True)
    assert stack.senders("example.org")["example.org"]["postfix"] == "VALID"
    state = stack.sandbox.state
    assert ["/resourceGroups/elsewhere/" in site["id"] for site in state.of("Microsoft.Web/staticSites")] == [True]
    groups = {each["name"] for each in state.of("Microsoft.Resources/resourceGroups")}
    assert groups == {"dns", "elsewhere"}
