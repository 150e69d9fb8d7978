"""Clients for the contract tests: Azure's official ones, DNS and HTTPS, led by the environment alone."""

import os
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any

import dns.nameserver
import dns.resolver
import urllib3

from sandbox.control import Sandbox

ROOT = Path(__file__).parents[1]


def resolve(name: str, kind: str) -> list[str]:
    """What DNS answers, in zone-file form."""
    address, _, port = os.environ["MTA_STS_RESOLVER"].rpartition(":")
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers = [dns.nameserver.Do53Nameserver(address, int(port))]
    return [rdata.to_text() for rdata in resolver.resolve(name, kind)]


def fetch(host: str, path: str) -> tuple[int, str, str]:
    """GET over verified TLS: status, body, media type."""
    context = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
    with urllib3.ProxyManager(os.environ["HTTPS_PROXY"], ssl_context=context) as through:
        answer = through.request("GET", f"https://{host}{path}", retries=False, redirect=False)
        return answer.status, answer.data.decode(), answer.headers["Content-Type"].partition(";")[0]


def records(sandbox: Sandbox, zone: str, sets: dict[str, Any]) -> None:
    """Put a zone and record sets there, `KIND/name` to records; None leaves one out."""
    subprocess.run([sys.executable, "-m", "sandbox", "--dir", sandbox.folder, "zone", zone], cwd=ROOT, check=True)
    state = sandbox.state
    body = next(each for each in state.of("Microsoft.Network/dnsZones") if each["name"] == zone)
    for key, values in sets.items():
        kind, _, name = key.partition("/")
        field = "CNAMERecord" if kind == "CNAME" else f"{kind}Records"
        if values is not None:
            state.put({"id": f"{body['id']}/{key}", "name": name, "type": f"Microsoft.Network/dnszones/{kind}",
                       "properties": {"TTL": 60, field: values}, "_before": None, "_visible": 0, "etag": "x"})  # fmt: skip


class Clients:
    """The official clients, from the environment alone."""

    def __init__(self) -> None:
        from azure.identity import ClientSecretCredential, EnvironmentCredential
        from azure.mgmt.dns import DnsManagementClient
        from azure.mgmt.resource.resources import ResourceManagementClient
        from azure.mgmt.web import WebSiteManagementClient

        self.secret_credential = ClientSecretCredential
        credential: Any = EnvironmentCredential()
        subscription = os.environ["ARM_SUBSCRIPTION_ID"]
        options: dict[str, Any] = {"polling_interval": 1}
        self.groups = ResourceManagementClient(credential, subscription, **options)
        self.web = WebSiteManagementClient(credential, subscription, **options)
        self.dns = DnsManagementClient(credential, subscription, **options)

    def site(self, name: str = "site", **changes: Any) -> Any:
        """Create or update a site."""
        body = {"location": "westeurope", "sku": {"name": "Free"}, "properties": {"provider": "SwaCli"}, **changes}
        return self.web.static_sites.begin_create_or_update_static_site("rg", name, body).result()

    def domain(self, host: str, site: str = "site") -> Any:
        """Bind a custom domain."""
        create = self.web.static_sites.begin_create_or_update_static_site_custom_domain
        return create("rg", site, host, {"properties": {"validationMethod": "cname-delegation"}}).result()

    def cname(self, host: str, target: str) -> Any:
        """Set a CNAME record."""
        name, _, zone = host.partition(".")
        body = {"properties": {"TTL": 60, "CNAMERecord": {"cname": target}}}
        return self.dns.record_sets.create_or_update("dns", zone, name, "CNAME", body)
