"""Azure Front Door in place of Static Web Apps, by the same program: from nothing to nothing, and moved under load."""

import shutil
from typing import Any

from harness import TESTING, Stack, assert_policy_before_id
from watcher import Watcher

from policy import Policy

HOSTED = {"mta-sts:hosting": "frontDoor"}


def text(**policy: Any) -> bytes:
    given = {**TESTING, **policy}
    return Policy.of(given["mode"], given["maxAge"], given["mx"]).render()


def up(stack: Stack) -> None:
    """Apply; nothing is left to change, once a refresh has noted which certificates Azure has issued."""
    stack.up()
    assert stack.pulumi("preview", "--expect-no-changes").code == 0
    assert stack.pulumi("refresh", "--yes").code == 0
    stack.assert_settled()


def test_a_domain_comes_changes_and_goes(stack: Stack) -> None:
    stack.grant()
    stack.configure({**TESTING, "tlsReports": ["mailto:tls-reports@example.org"]}, **HOSTED)
    up(stack)
    log = stack.sandbox.log()
    assert assert_policy_before_id(log) == 1
    assert stack.senders("example.org")["example.org"]["postfix"] == "VALID"
    outputs = stack.outputs()["domains"]["example.org"]
    assert outputs["defaultHostname"].endswith(".azurefd.net")

    more = {**TESTING, "domains": ["example.org", "example.net"]}
    stack.configure(more, {**TESTING, "name": "other", "maxAge": 86400, "domains": ["example.com"]}, **HOSTED)
    up(stack)
    found = stack.senders("example.org", "example.net", "example.com")
    assert {each["postfix"] for each in found.values()} == {"VALID"}

    # A domain that changes its policy is one update in place.
    stack.configure(
        {**TESTING, "domains": ["example.org"]},
        {**TESTING, "name": "other", "maxAge": 86400, "domains": ["example.net"]},
        **HOSTED,
    )
    changes = stack.changes()
    assert changes["example.net-route"] == "update"
    assert changes["example.com-route"] == "delete"
    assert "example.org-route" not in changes
    before = stack.last()
    up(stack)
    gone = [line.lower() for line in stack.writes(before)]
    parts = ("txt/_mta-sts", "cname/mta-sts", "routes/mta--sts-example-com", "customdomains/mta--sts-example-com")
    wanted = [f"delete {part}" for part in parts]
    assert [line for line in gone if line in wanted] == wanted

    run = stack.pulumi("destroy", "--yes", "--skip-preview")
    assert run.code == 0, run.text
    state = stack.sandbox.state
    left = {
        each["type"]
        for each in state.under(f"/subscriptions/{state.setting('subscription')}/resourceGroups/mta-sts-test")
    }
    assert not left
    zones = {each["name"] for zone in state.of("Microsoft.Network/dnsZones") for each in state.under(zone["id"])}
    assert zones == {"@", "example.org", "example.net", "example.com"}


def test_an_enforced_domain_moves_there_while_senders_never_miss_its_policy_and_back(stack: Stack) -> None:
    enforced = {**TESTING, "mode": "enforce"}
    stack.grant()
    stack.configure(enforced)
    stack.up()
    site = stack.outputs()["domains"]["example.org"]["defaultHostname"]

    stack.configure(enforced, **HOSTED)
    refused = stack.pulumi("up", "--yes")
    assert refused.code != 0
    assert "protect" in refused.text
    with Watcher(stack.environment, "example.org", [text(mode="enforce")]) as watcher:
        stack.configure(enforced, **HOSTED, **{"mta-sts:movingFrom": "staticWebApp"})
        up(stack)
        there = stack.outputs()["domains"]["example.org"]["defaultHostname"]
        stack.configure(enforced, **HOSTED)
        up(stack)
    assert there.endswith(".azurefd.net")
    assert watcher.valid > 20
    assert not watcher.violations, watcher.violations
    assert not watcher.outages

    stack.configure(enforced, **{"mta-sts:movingFrom": "frontDoor"})
    stack.up()
    stack.configure(enforced)
    up(stack)
    assert stack.outputs()["domains"]["example.org"]["defaultHostname"] not in (site, there)
    assert stack.senders("example.org")["example.org"]["postfix"] == "VALID"


def test_a_lost_state_is_made_anew_from_what_stands(stack: Stack) -> None:
    enforced = {**TESTING, "mode": "enforce"}
    stack.grant()
    stack.configure(enforced, **HOSTED)
    stack.up()
    with Watcher(stack.environment, "example.org", [text(mode="enforce")]) as watcher:
        shutil.rmtree(stack.sandbox.folder / "pulumi" / ".pulumi" / "stacks")
        assert stack.pulumi("stack", "init", "test").code == 0
        before = stack.last()
        run = stack.tool("recover", "--yes")
        assert run.returncode == 0, run.stdout + run.stderr
        stack.assert_settled()
    assert watcher.violations == []
    assert watcher.valid > 10
    assert not [line for line in stack.writes(before) if "TXT" in line or "CNAME" in line]
    assert len(list(stack.sandbox.state.of("Microsoft.Storage/storageAccounts"))) == 2  # ours, and the history's
    assert len(list(stack.sandbox.state.of("Microsoft.Cdn/profiles"))) == 1


def test_without_the_role_it_says_which_and_goes_on_once_it_is_given(stack: Stack) -> None:
    stack.configure(TESTING, **HOSTED)
    process = stack.begin("up", "--yes", "--skip-preview")
    seen = ""
    assert process.stdout
    for line in process.stdout:
        seen += line
        if "az role assignment create" in line:
            break
    assert 'az role assignment create --role "Storage Blob Data Contributor" --scope /subscriptions/' in seen
    stack.grant()
    rest, _ = process.communicate(timeout=180)
    assert process.returncode == 0, seen + rest
    assert stack.senders("example.org")["example.org"]["postfix"] == "VALID"
