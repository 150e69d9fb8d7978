"""azure-identity and azure-mgmt-*, unmodified, against https://management.azure.com: a life cycle and its errors."""

import asyncio
import os
from pathlib import Path
from typing import Any

import dns.nameserver
import dns.resolver
import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceNotFoundError
from contract_tools import Clients, fetch, resolve

from policy import UserError
from provider import static_sites_client
from provider.wait import Wait
from sandbox.control import Sandbox

HOST = "mta-sts.example.org"


def wait() -> Wait:
    return Wait(30, lambda _: None, lambda _: None, asyncio.Event())


def upload(folder: Path, token: str, **files: str) -> None:
    for name, text in {"index.html": "hello", **files}.items():
        (folder / name).write_text(text)
    client = static_sites_client.download(wait())
    asyncio.run(static_sites_client.upload(client, folder, token, wait()))


@pytest.fixture
def ready(azure: Clients) -> Clients:
    """A group, a zone and a site."""
    azure.groups.resource_groups.create_or_update("rg", {"location": "westeurope"})
    azure.groups.resource_groups.create_or_update("dns", {"location": "westeurope"})
    azure.dns.zones.create_or_update("dns", "example.org", {"location": "global"})
    azure.site()
    return azure


def test_a_whole_life(ready: Clients, tmp_path: Path) -> None:
    site = ready.web.static_sites.get_static_site("rg", "site")
    host = site.default_hostname
    assert host.endswith(".7.azurestaticapps.net")
    assert "waiting for your content" in fetch(host, "/")[1]

    ready.cname(HOST, host)
    assert resolve(HOST, "CNAME") == [f"{host}."]
    assert resolve(HOST, "A") == ["127.0.0.1"]
    assert ready.domain(HOST).status == "Ready"
    assert ready.web.static_sites.get_static_site("rg", "site").custom_domains == [HOST]

    token = ready.web.static_sites.list_static_site_secrets("rg", "site").properties["apiKey"]
    upload(tmp_path, token, **{"robots.txt": "User-agent: *"})
    assert fetch(HOST, "/robots.txt") == (200, "User-agent: *", "text/plain")
    assert fetch(HOST, "/missing")[0] == 404

    ready.site(tags={"a": "b"})  # a PUT that agrees with who has deployed
    assert ready.web.static_sites.get_static_site("rg", "site").tags == {"a": "b"}

    ready.web.static_sites.begin_delete_static_site_custom_domain("rg", "site", HOST).result()
    ready.web.static_sites.begin_delete_static_site("rg", "site").result()
    with pytest.raises(ResourceNotFoundError):
        ready.web.static_sites.get_static_site("rg", "site")
    ready.groups.resource_groups.begin_delete("rg").result()
    assert not ready.groups.resource_groups.check_existence("rg")


def refused(call: Any, *words: str) -> HttpResponseError:
    with pytest.raises(HttpResponseError) as caught:
        call()
    text = str(caught.value) + (caught.value.response.text() if caught.value.response else "")
    for word in words:
        assert word in text, text
    return caught.value


def test_a_missing_cname_and_one_that_leads_elsewhere(ready: Clients) -> None:
    message = "CNAME Record is invalid.  Please ensure the CNAME record has been created."
    refused(lambda: ready.domain(HOST), message, "51021")
    ready.cname(HOST, "elsewhere.example")
    refused(lambda: ready.domain(HOST), message)


def test_a_cname_that_goes_while_azure_validates(ready: Clients, sandbox: Sandbox) -> None:
    sandbox.delay("validation", 2)
    ready.cname(HOST, ready.web.static_sites.get_static_site("rg", "site").default_hostname)
    create = ready.web.static_sites.begin_create_or_update_static_site_custom_domain
    poller = create("rg", "site", HOST, {"properties": {}})
    ready.dns.record_sets.delete("dns", "example.org", "mta-sts", "CNAME")
    refused(poller.result, "CNAME Record is invalid")
    assert ready.web.static_sites.get_static_site_custom_domain("rg", "site", HOST).status == "Failed"


def test_a_host_belongs_to_one_site(ready: Clients) -> None:
    ready.cname(HOST, ready.web.static_sites.get_static_site("rg", "site").default_hostname)
    ready.domain(HOST)
    other = ready.site("other")
    ready.cname(HOST, other.default_hostname)
    refused(lambda: ready.domain(HOST, "other"), "not linked to another site")
    # A site that is deleted before its domains leaves them stuck.
    ready.web.static_sites.begin_delete_static_site("rg", "site").result()
    assert refused(lambda: ready.domain(HOST, "other"), "not linked to another site").status_code == 409


def test_a_free_plan_holds_two_domains(ready: Clients) -> None:
    target = ready.web.static_sites.get_static_site("rg", "site").default_hostname
    for name in ("a", "b", "c"):
        ready.cname(f"{name}.example.org", target)
    ready.domain("a.example.org")
    ready.domain("b.example.org")
    refused(lambda: ready.domain("c.example.org"), "custom domains allowed for this static site is 2")
    ready.site(sku={"name": "Standard"})
    ready.domain("c.example.org")
    refused(lambda: ready.site(sku={"name": "Free"}), "custom domains allowed for this static site is 2")


def test_wrong_sites(ready: Clients, tmp_path: Path) -> None:
    refused(lambda: ready.site("x", location="northpole"), "LocationNotAvailableForResourceType", "westeurope")
    refused(lambda: ready.site("x", sku={"name": "Gold"}), "Sku is invalid.  SKU name is invalid.", "51021")
    refused(lambda: ready.site("x", sku=None), "Valid SKUs: Free, Standard, Trial")
    refused(lambda: ready.site("x", kind="y", properties={"templateProperties": {}}), "SandboxNotModelled")
    refused(
        lambda: ready.web.static_sites.begin_create_or_update_static_site("none", "x", {"location": "westeurope"}),
        "ResourceGroupNotFound",
    )
    token = ready.web.static_sites.list_static_site_secrets("rg", "site").properties["apiKey"]
    upload(tmp_path, token)
    refused(lambda: ready.site(properties={"provider": "GitHub"}), "Cannot change the Provider")


def test_a_wrong_deployment_token_and_a_reset_one(ready: Clients, tmp_path: Path) -> None:
    secrets = ready.web.static_sites.list_static_site_secrets
    with pytest.raises(UserError, match="deployment token was refused"):
        upload(tmp_path, "wrong")
    old = secrets("rg", "site").properties["apiKey"]
    ready.web.static_sites.reset_static_site_api_key("rg", "site", {"properties": {}})
    assert secrets("rg", "site").properties["apiKey"] != old
    with pytest.raises(UserError, match="deployment token was refused"):
        upload(tmp_path, old)


def test_an_upload_without_an_index_is_refused(ready: Clients, tmp_path: Path) -> None:
    token = ready.web.static_sites.list_static_site_secrets("rg", "site").properties["apiKey"]
    client = static_sites_client.download(wait())
    (tmp_path / "page.html").write_text("x")

    async def run() -> tuple[int, str]:
        return await static_sites_client._run(client, tmp_path, token, wait())

    code, output = asyncio.run(run())
    assert code != 0
    assert "Failed to find a default file in the app artifacts folder" in output


def test_throttling_is_obeyed(ready: Clients, sandbox: Sandbox) -> None:
    sandbox.fault("status", 429, host="management", method="GET", times=2)
    assert ready.web.static_sites.get_static_site("rg", "site").name == "site"
    assert sum(line["status"] == 429 for line in sandbox.log()) == 2


def test_dns_records(ready: Clients) -> None:
    put = ready.dns.record_sets.create_or_update
    put(
        "dns",
        "example.org",
        "_x",
        "TXT",
        {"properties": {"TTL": 60, "TXTRecords": [{"value": ["a" * 255, 'b"\\']}]}},
    )
    assert resolve("_x.example.org", "TXT") == ['"' + "a" * 255 + '" "b\\"\\\\"']
    put("dns", "example.org", "@", "MX", {"properties": {"TTL": 60, "MXRecords": [{"preference": 5, "exchange": "m.x"}]}})  # fmt: skip
    assert resolve("example.org", "MX") == ["5 m.x."]
    refused(lambda: ready.cname("_x.example.org", "a.b"), "CNAME")
    refused(lambda: put("dns", "example.org", "y", "TXT", {"properties": {"TTL": 6, "TXTRecords": [{"value": ["c" * 256]}]}}), "255")  # fmt: skip
    refused(lambda: put("dns", "none.org", "y", "TXT", {"properties": {"TTL": 6}}), "ParentResourceNotFound")
    create = ready.dns.record_sets.create_or_update
    refused(lambda: create("dns", "example.org", "_x", "TXT", {"properties": {"TTL": 6}}, if_none_match="*"), "Precondition")  # fmt: skip
    with pytest.raises(dns.resolver.NXDOMAIN):
        resolve("nothing.example.org", "A")
    with pytest.raises(dns.resolver.NoAnswer):
        resolve("_x.example.org", "A")
    with pytest.raises(dns.resolver.NXDOMAIN):
        resolve("example.net", "A")
    ready.dns.record_sets.delete("dns", "example.org", "_x", "TXT")
    with pytest.raises(dns.resolver.NXDOMAIN):
        resolve("_x.example.org", "TXT")


def test_wrong_credentials(azure: Clients) -> None:
    wrong = azure.secret_credential(os.environ["ARM_TENANT_ID"], os.environ["ARM_CLIENT_ID"], "wrong")
    with pytest.raises(ClientAuthenticationError, match="AADSTS7000215"):
        wrong.get_token("https://management.azure.com/.default")
    stranger = azure.secret_credential(os.environ["ARM_TENANT_ID"], os.environ["ARM_TENANT_ID"], "x")
    with pytest.raises(ClientAuthenticationError, match="AADSTS700016"):
        stranger.get_token("https://management.azure.com/.default")


def test_nothing_leaves_the_machine(azure: Clients) -> None:
    import urllib3

    with (
        urllib3.ProxyManager(os.environ["HTTPS_PROXY"]) as through,
        pytest.raises(urllib3.exceptions.MaxRetryError) as caught,
    ):
        through.request("GET", "https://example.com/", retries=0)
    assert "403" in str(caught.value)


def test_a_site_is_found_in_the_whole_subscription_and_can_be_detached_from_its_pipeline(ready: Clients) -> None:
    assert [each.name for each in ready.web.static_sites.list()] == ["site"]
    ready.web.static_sites.begin_detach_static_site("rg", "site").result()
    assert ready.web.static_sites.get_static_site("rg", "site").provider == "None"
