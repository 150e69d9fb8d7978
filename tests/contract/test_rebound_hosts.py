"""A host name that was bound to another site before: part of its requests gets the platform's 404, for good."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from contract_tools import ROOT, Clients, fetch

from provider import static_sites_client
from provider.wait import Wait
from sandbox.control import Sandbox, SandboxError

HOST = "mta-sts.example.org"
PLATFORM = "Azure Static Web Apps - 404: Not found"


@pytest.fixture
def azure_with_zone(azure: Clients) -> Clients:
    azure.groups.resource_groups.create_or_update("rg", {"location": "westeurope"})
    azure.groups.resource_groups.create_or_update("dns", {"location": "westeurope"})
    azure.dns.zones.create_or_update("dns", "example.org", {"location": "global"})
    return azure


def make(azure: Clients, folder: Path) -> str:
    """A site with content and the custom domain; returns its default host name."""
    host = azure.site().default_hostname
    azure.cname(HOST, host)
    assert azure.domain(HOST).status == "Ready"
    wait = Wait(30, lambda _: None, lambda _: None, asyncio.Event())
    (folder / "index.html").write_text("hello")
    token = azure.web.static_sites.list_static_site_secrets("rg", "site").properties["apiKey"]
    asyncio.run(static_sites_client.upload(static_sites_client.download(wait), folder, token, wait))
    return host


def unmake(azure: Clients) -> None:
    azure.web.static_sites.begin_delete_static_site_custom_domain("rg", "site", HOST).result()
    azure.web.static_sites.begin_delete_static_site("rg", "site").result()


def misses(host: str, of: int = 40) -> int:
    answers = [fetch(host, "/") for _ in range(of)]
    assert {(status, PLATFORM in body) for status, body, _ in answers} <= {(200, False), (404, True)}
    return sum(status == 404 for status, _, _ in answers)


def test_a_host_bound_anew_answers_part_of_its_requests_with_404_for_good(
    azure_with_zone: Clients, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.share("rebound-404", 35)
    make(azure_with_zone, tmp_path)
    assert misses(HOST) == 0
    unmake(azure_with_zone)
    default = make(azure_with_zone, tmp_path)
    assert azure_with_zone.web.static_sites.get_static_site_custom_domain("rg", "site", HOST).status == "Ready"
    assert misses(HOST) == 14
    assert misses(HOST) == 14
    assert misses(default, 10) == 0
    sandbox.down()
    sandbox.up()  # it is no matter of time, nor of a restart
    monkeypatch.setenv("HTTPS_PROXY", sandbox.env()["HTTPS_PROXY"])  # its port may have been taken meanwhile
    assert misses(HOST) == 14


def test_a_domain_bound_again_to_the_same_site_is_well(
    azure_with_zone: Clients, sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.share("rebound-404", 35)
    make(azure_with_zone, tmp_path)
    azure_with_zone.web.static_sites.begin_delete_static_site_custom_domain("rg", "site", HOST).result()
    make(azure_with_zone, tmp_path)
    assert misses(HOST) == 0


def test_it_happens_only_where_it_was_asked_for(
    azure_with_zone: Clients, sandbox: Sandbox, tmp_path: Path
) -> None:
    make(azure_with_zone, tmp_path)
    unmake(azure_with_zone)
    make(azure_with_zone, tmp_path)
    assert misses(HOST, 10) == 0
    command = [sys.executable, "-m", "sandbox", "--dir", str(sandbox.folder), "set", "rebound-404", "25"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert said == "rebound-404 is 25 % from now on\n"
    assert misses(HOST, 20) == 5
    with pytest.raises(SandboxError, match="a share is 0 to 100"):
        sandbox.share("rebound-404", 101)
