"""Front Door through its official client, and what its edge answers."""

import http.client
import os
import ssl
import time
from typing import Any
from urllib.parse import urlsplit

from contract_tools import Clients

POLICY = "version: STSv1\nmode: testing\nmx: mx.example.org\nmax_age: 86400\n"
HEADERS = {"Strict-Transport-Security": "max-age=31536000", "X-Content-Type-Options": "nosniff"}


class FrontDoor:
    """A profile in the group `rg`, as the program makes it; what is in it has its name, too.

    :param origin: the host name that the content comes from.
    """

    def __init__(self, azure: Clients, origin: str, name: str = "mta-sts") -> None:
        from azure.identity import EnvironmentCredential
        from azure.mgmt.cdn import CdnManagementClient

        credential: Any = EnvironmentCredential()
        self.azure: Any = azure
        self.origin, self.name = origin, name
        self.client: Any = CdnManagementClient(credential, os.environ["ARM_SUBSCRIPTION_ID"], polling_interval=0)
        self.scope = (
            f"/subscriptions/{os.environ['ARM_SUBSCRIPTION_ID']}/resourceGroups/rg/providers/Microsoft.Cdn"
        )

    def profile(self, **changes: Any) -> Any:
        body = {"location": "Global", "sku": {"name": "Standard_AzureFrontDoor"}, **changes}
        return self.client.profiles.begin_create("rg", self.name, body).result()

    def endpoint(self, name: str = "") -> Any:
        body = {"location": "Global", "properties": {"enabledState": "Enabled"}}
        return self.client.afd_endpoints.begin_create("rg", self.name, name or self.name, body).result()

    def group(self, name: str = "group") -> Any:
        settings = {"sampleSize": 4, "successfulSamplesRequired": 3, "additionalLatencyInMilliseconds": 50}
        body = {"properties": {"loadBalancingSettings": settings}}
        return self.client.afd_origin_groups.begin_create("rg", self.name, name, body).result()

    def origin_(self, name: str = "website", group: str = "group", **changes: Any) -> Any:
        body = {"properties": {"hostName": self.origin, "originHostHeader": self.origin, **changes}}
        return self.client.afd_origins.begin_create("rg", self.name, group, name, body).result()

    def rules(self) -> Any:
        self.client.rule_sets.begin_create("rg", self.name, "headers", {}).result()
        return self.rule()

    def rule(self, name: str = "security", **changes: Any) -> Any:
        actions = [
            {
                "name": "ModifyResponseHeader",
                "parameters": {
                    "typeName": "DeliveryRuleHeaderActionParameters",
                    "headerAction": "Overwrite",
                    "headerName": header,
                    "value": value,
                },
            }
            for header, value in HEADERS.items()
        ]
        body = {"properties": {"order": 1, "actions": actions, **changes}}
        return self.client.rules.begin_create("rg", self.name, "headers", name, body).result()

    def domain(self, host: str, **changes: Any) -> Any:
        settings = {"certificateType": "ManagedCertificate", "minimumTlsVersion": "TLS12"}
        body = {"properties": {"hostName": host, "tlsSettings": settings, **changes}}
        create = self.client.afd_custom_domains.begin_create
        return create("rg", self.name, host.replace(".", "-"), body).result()

    def seen(self, host: str) -> Any:
        """The custom domain, as it is now."""
        return self.client.afd_custom_domains.get("rg", self.name, host.replace(".", "-"))

    def route_body(self, host: str | None, **changes: Any) -> dict[str, Any]:
        profile = f"{self.scope}/profiles/{self.name}"
        domains = [{"id": f"{profile}/customDomains/{host.replace('.', '-')}"}] if host else []
        return {
            "properties": {
                "customDomains": domains,
                "originGroup": {"id": f"{profile}/originGroups/group"},
                "originPath": "/main",
                "ruleSets": [{"id": f"{profile}/ruleSets/headers"}],
                "supportedProtocols": ["Http", "Https"],
                "patternsToMatch": ["/*"],
                "forwardingProtocol": "HttpsOnly",
                "linkToDefaultDomain": "Disabled",
                "httpsRedirect": "Enabled",
                "enabledState": "Enabled",
                **changes,
            }
        }

    def route(self, host: str | None, name: str = "", endpoint: str = "", **changes: Any) -> Any:
        body, named = self.route_body(host, **changes), name or (host or "").replace(".", "-")
        return self.client.routes.begin_create("rg", self.name, endpoint or self.name, named, body).result()

    def base(self) -> Any:
        """All that domains share. :returns: the endpoint."""
        self.profile()
        endpoint = self.endpoint()
        self.group()
        self.origin_()
        self.rules()
        return endpoint

    def token(self, host: str, value: str | None = None) -> None:
        """Put the validation token, or another value, into DNS."""
        name, _, zone = host.partition(".")
        text = value or self.seen(host).validation_properties.validation_token
        body = {"properties": {"TTL": 60, "TXTRecords": [{"value": [text]}]}}
        self.azure.dns.record_sets.create_or_update("dns", zone, f"_dnsauth.{name}", "TXT", body)

    def until(self, host: str, state: str) -> Any:
        """Wait for a custom domain's validation state."""
        deadline = time.monotonic() + 20
        while (found := self.seen(host)).domain_validation_state != state:
            assert time.monotonic() < deadline, found.domain_validation_state
            time.sleep(0.1)
        return found

    def approve(self, host: str) -> Any:
        self.token(host)
        return self.until(host, "Approved")


class Got:
    """An answer at the edge.

    :param names: those in the certificate.
    """

    def __init__(self, answer: http.client.HTTPResponse, names: list[str]) -> None:
        self.status, self.text, self.headers, self.names = (
            answer.status,
            answer.read().decode(),
            answer.headers,
            names,
        )


def ask(host: str, path: str, connect: str = "", method: str = "GET") -> Got:
    """GET with SNI and Host of a host, whose certificate must be the local Azure's, for whatever name.

    :param connect: the host to connect to, when it isn't this one.
    """
    proxy = urlsplit(os.environ["HTTPS_PROXY"])
    context = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
    context.check_hostname = False
    tunnel = http.client.HTTPSConnection(proxy.hostname or "", proxy.port, context=context, timeout=20)
    tunnel.set_tunnel(connect or host, 443)
    http.client.HTTPConnection.connect(tunnel)  # the tunnel alone
    tunnel.sock = context.wrap_socket(tunnel.sock, server_hostname=host)
    names: Any = tunnel.sock.getpeercert()
    tunnel.request(method, path, headers={"Host": host})
    got = Got(tunnel.getresponse(), [name for _, name in names["subjectAltName"]])
    tunnel.close()
    return got


def ask_plainly(host: str, path: str) -> Got:
    """GET over HTTP."""
    proxy = urlsplit(os.environ["HTTPS_PROXY"])
    connection = http.client.HTTPConnection(proxy.hostname or "", proxy.port, timeout=20)
    connection.request("GET", f"http://{host}{path}", headers={"Host": host})
    got = Got(connection.getresponse(), [])
    connection.close()
    return got
