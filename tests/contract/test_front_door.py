"""Front Door: azure-mgmt-cdn, unmodified, and the edge."""

from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from contract_tools import Clients, resolve
from front_door import HEADERS, POLICY, FrontDoor, ask, ask_plainly

from sandbox.control import Sandbox

HOST, OTHER = "mta-sts.example.org", "mta-sts.example.net"
FILE = "/.well-known/mta-sts.txt"
CERTIFICATE = ["*.azureedge.net"]


@pytest.fixture
def door(azure: Clients, sandbox: Sandbox) -> FrontDoor:
    """Groups, zones, an origin with a policy (a static site), and no profile yet."""
    for name in ("cdn-write", "cdn-validation", "delete", "retry-after"):
        sandbox.delay(name, 0)
    azure.groups.resource_groups.create_or_update("rg", {"location": "westeurope"})
    azure.groups.resource_groups.create_or_update("dns", {"location": "westeurope"})
    for zone in ("example.org", "example.net"):
        azure.dns.zones.create_or_update("dns", zone, {"location": "global"})
    site = azure.site("origin")
    for path, text in (("main", POLICY), ("other", POLICY.replace("testing", "none"))):
        sandbox.state.db.execute(
            "INSERT INTO files VALUES (?, ?, ?)",
            (site.id.lower(), f"{path}{FILE}", text.encode()),
        )
    return FrontDoor(azure, site.default_hostname)


def refused(call: Any, *words: str) -> HttpResponseError:
    with pytest.raises(HttpResponseError) as caught:
        call()
    text = str(caught.value) + (caught.value.response.text() if caught.value.response else "")
    for word in words:
        assert word in text, text
    return caught.value


def test_a_whole_life(door: FrontDoor, sandbox: Sandbox) -> None:
    endpoint = door.base()
    assert endpoint.host_name.startswith("mta-sts-")
    assert endpoint.host_name.endswith(".z01.azurefd.net")
    assert resolve(endpoint.host_name, "A") == ["127.0.0.1"]
    domain = door.domain(HOST)
    assert domain.domain_validation_state == "Pending"
    door.route(HOST)

    # Neither certificate nor content before the domain is validated, whoever asks.
    tried = ask(HOST, FILE, connect=endpoint.host_name)
    assert (tried.status, tried.names) == (404, CERTIFICATE)
    assert "Page not found" in tried.text
    assert tried.headers["x-azure-ref"]

    # All is ready before the CNAME moves.
    assert door.approve(HOST).validation_properties is None
    tried = ask(HOST, FILE, connect=endpoint.host_name)
    assert (tried.status, tried.text, tried.names) == (200, POLICY, [HOST])
    assert {name: tried.headers[name] for name in HEADERS} == HEADERS
    door.azure.cname(HOST, endpoint.host_name)
    got = ask(HOST, FILE)
    assert (got.status, got.text, got.names) == (200, POLICY, [HOST])
    redirect = ask_plainly(HOST, f"{FILE}?a=b")
    assert (redirect.status, redirect.headers["Location"]) == (307, f"https://{HOST}{FILE}?a=b")
    assert ask(HOST, "/nothing").status == 404

    # A change of the route is a change of the policy.
    door.client.routes.begin_update("rg", "mta-sts", "mta-sts", "mta-sts-example-org", {"properties": {"originPath": "/other"}}).result()  # fmt: skip
    assert "mode: none" in ask(HOST, FILE).text

    door.client.routes.begin_delete("rg", "mta-sts", "mta-sts", "mta-sts-example-org").result()
    assert ask(HOST, FILE).status == 404
    door.client.afd_custom_domains.begin_delete("rg", "mta-sts", "mta-sts-example-org").result()
    door.client.profiles.begin_delete("rg", "mta-sts").result()
    assert not [body for body in sandbox.state.under("/subscriptions") if "Microsoft.Cdn" in body["type"]]
    with pytest.raises(ResourceNotFoundError):
        door.client.profiles.get("rg", "mta-sts")
