"""A domain that was set up by hand is taken over while senders go on fetching its policy."""

import io
import json
import ssl
import time
import zipfile
from typing import Any

import pytest
import urllib3
from harness import TESTING, Stack
from watcher import Watcher

from policy import Policy

BY_HAND = b"version: STSv1\nmode: enforce\nmx: mail.example.org\nmax_age: 1209600\n"
OURS = {**TESTING, "mode": "enforce", "tlsReports": ["mailto:tls@example.org"]}
GROUP = {"mta-sts:resourceGroup": "by-hand"}


def by_hand(stack: Stack, provider: str) -> dict[str, Any]:
    """What the page of portal clicks leaves behind."""
    zone = "/resourceGroups/dns/providers/Microsoft.Network/dnsZones/example.org"
    site = "/resourceGroups/by-hand/providers/Microsoft.Web/staticSites/brave-site"
    stack.arm("PUT", "/resourceGroups/by-hand", {"location": "westeurope", "tags": {"made": "by hand"}})
    stack.arm(
        "PUT", site, {"location": "westeurope", "sku": {"name": "Free"}, "properties": {"provider": provider}}
    )
    state = stack.sandbox.state
    body = next(state.of("Microsoft.Web/staticSites"))
    deploy(stack, body["_api_key"], provider)
    target = body["properties"]["defaultHostname"]
    stack.arm("PUT", f"{zone}/CNAME/mta-sts", {"properties": {"TTL": 3600, "CNAMERecord": {"cname": target}}})
    stack.arm("PUT", f"{site}/customDomains/mta-sts.example.org", {"properties": {}})
    for name, text in (
        ("_mta-sts", "v=STSv1; id=20240101"),
        ("_smtp._tls", "v=TLSRPTv1; rua=mailto:tls@example.org"),
    ):
        stack.arm("PUT", f"{zone}/TXT/{name}", {"properties": {"TTL": 3600, "TXTRecords": [{"value": [text]}]}})
    wait_for(stack)
    return body


def deploy(stack: Stack, token: str, provider: str) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr("index.html", "by hand")
        files.writestr(".well-known/mta-sts.txt", BY_HAND)
    env = stack.environment
    context = ssl.create_default_context(cafile=env["SSL_CERT_FILE"])
    with urllib3.ProxyManager(env["HTTPS_PROXY"], ssl_context=context) as through:
        url = "https://content-am2.infrastructure.7.azurestaticapps.net/api/upload"
        headers = {"Authorization": f"Bearer {token}", "X-Deployment-Provider": provider}
        assert through.request("POST", url, body=archive.getvalue(), headers=headers).status == 200


def wait_for(stack: Stack) -> None:
    for _ in range(100):
        verdict = stack.senders("example.org")["example.org"]
        if verdict["postfix"] == "VALID":
            return
        time.sleep(0.3)
    pytest.fail(str(verdict))


def test_a_domain_set_up_by_hand_is_taken_over_without_a_gap(stack: Stack) -> None:
    made = by_hand(stack, "SwaCli")
    stack.configure(OURS, **GROUP)
    ours = Policy.of("enforce", 604800, ["mail.example.org"])
    run = stack.tool("recover", "--no-up")
    assert run.returncode == 0, run.stderr
    there = {line.split()[2] for line in run.stdout.splitlines() if line.startswith("exists already: ")}
    parts = {f"example.org-{each}" for each in ("cname", "custom-domain", "mta-sts", "tlsrpt")}
    assert there == {"mta-sts", "mta-sts-main"} | parts
    with Watcher(stack.environment, "example.org", [BY_HAND, ours.render()], {"20240101": 0}) as watcher:
        run = stack.tool("recover", "--yes")
        assert run.returncode == 0, run.stdout + run.stderr
        stack.assert_settled()
    assert watcher.violations == []
    assert watcher.valid > 50
    assert [site["name"] for site in stack.sandbox.state.of("Microsoft.Web/staticSites")] == [made["name"]]
    verdict = stack.senders("example.org")["example.org"]
    assert (verdict["postfix"], verdict["id"], verdict["mode"]) == ("VALID", ours.id, "enforce")

    # What was served by hand is remembered: two weeks, twice as long as ours.
    stack.configure({**OURS, "mode": "none", "maxAge": 60}, **GROUP)
    stack.up()
    assert stack.pulumi("destroy", "--yes", "--skip-preview").code != 0
    hold = [each for each in resources(stack) if each["type"] == "mtasts:index:SendersHold"]
    assert hold[0]["outputs"]["greatestMaxAgeServed"] == 1209600


def resources(stack: Stack) -> list[dict[str, Any]]:
    return json.loads(stack.pulumi("stack", "export").stdout)["deployment"]["resources"]


def test_an_app_that_a_pipeline_deploys_is_unlinked_first(stack: Stack) -> None:
    made = by_hand(stack, "DevOps")
    stack.configure(OURS, **GROUP)
    before = stack.last()
    run = stack.tool("recover", "--yes")
    assert run.returncode == 1
    assert "the app brave-site is linked to DevOps" in run.stderr
    assert "az staticwebapp disconnect --name brave-site" in run.stderr
    assert not stack.writes(before)
    stack.arm("POST", "/" + made["id"].split("/", 3)[3] + "/detach")
    assert stack.senders("example.org")["example.org"]["postfix"] == "VALID"
    run = stack.tool("recover", "--yes")
    assert run.returncode == 0, run.stdout + run.stderr
    stack.assert_settled()


def test_the_wrong_resource_group_is_named(stack: Stack) -> None:
    by_hand(stack, "SwaCli")
    stack.configure(OURS)
    before = stack.last()
    run = stack.tool("recover", "--yes")
    assert run.returncode == 1
    assert "but mta-sts:resourceGroup is mta-sts-test; set it to by-hand" in run.stderr
    assert not stack.writes(before)


def test_without_it_nothing_that_stands_is_overwritten(stack: Stack) -> None:
    by_hand(stack, "SwaCli")
    stack.configure(OURS, **GROUP)
    before = stack.last()
    run = stack.pulumi("up", "--yes", "--skip-preview")
    assert run.code != 0
    assert any("cannot create already existing resource" in line for line in run.errors), run.text
    assert not stack.writes(before)
