"""Custom domains as Static Web Apps really binds, fails, keeps and lets go of them."""

from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from contract_tools import Clients

from sandbox.control import Sandbox

HOST = "mta-sts.example.org"
UNKNOWN = "An unknown error has occurred while adding your custom domain. Please try again later."


@pytest.fixture
def bound(azure: Clients) -> Clients:
    """A site, and a CNAME that leads to it; the custom domain isn't bound yet."""
    azure.groups.resource_groups.create_or_update("rg", {"location": "westeurope"})
    azure.groups.resource_groups.create_or_update("dns", {"location": "westeurope"})
    azure.dns.zones.create_or_update("dns", "example.org", {"location": "global"})
    azure.cname(HOST, azure.site().default_hostname)
    return azure


def read(azure: Clients) -> Any:
    return azure.web.static_sites.get_static_site_custom_domain("rg", "site", HOST)


def unbind(azure: Clients) -> Any:
    return azure.web.static_sites.begin_delete_static_site_custom_domain("rg", "site", HOST)


def test_an_accepted_domain_can_end_failed_and_the_operation_does_not_say_why(
    bound: Clients, sandbox: Sandbox
) -> None:
    sandbox.fault("domain-failed", host=HOST)
    create = bound.web.static_sites.begin_create_or_update_static_site_custom_domain
    poller = create("rg", "site", HOST, {"properties": {"validationMethod": "cname-delegation"}})
    assert read(bound).status == "Validating"
    # The status is 200 and the body holds `"status": "Failed"`, no more (Azure/static-web-apps 1794, 1745).
    with pytest.raises(HttpResponseError, match="Operation returned an invalid status 'OK'"):
        poller.result()
    assert (read(bound).status, read(bound).error_message) == ("Failed", UNKNOWN)
    assert not bound.web.static_sites.get_static_site("rg", "site").custom_domains


def test_a_put_on_a_failed_domain_succeeds_and_validates_nothing(bound: Clients, sandbox: Sandbox) -> None:
    sandbox.fault("domain-failed", host=HOST)
    with pytest.raises(HttpResponseError):
        bound.domain(HOST)
    again = bound.domain(HOST)
    assert (again.status, again.error_message) == ("Failed", UNKNOWN)
    assert read(bound).status == "Failed"
    puts = [line["status"] for line in sandbox.log() if line["method"] == "PUT" and HOST in line["path"]]
    assert puts == [202, 200]


def test_a_failed_domain_can_be_deleted_and_bound_anew(bound: Clients, sandbox: Sandbox) -> None:
    sandbox.fault("domain-failed", host=HOST, times=2)
    for _ in range(2):
        with pytest.raises(HttpResponseError):
            bound.domain(HOST)
        unbind(bound).result()
        with pytest.raises(ResourceNotFoundError):
            read(bound)
    assert bound.domain(HOST).status == "Ready"


def test_the_next_bindings_of_other_hosts_are_left_alone(bound: Clients, sandbox: Sandbox) -> None:
    sandbox.fault("domain-failed", host="other.example.org")
    assert bound.domain(HOST).status == "Ready"


def test_deleting_can_last_and_refuses_a_put_meanwhile(bound: Clients, sandbox: Sandbox) -> None:
    bound.domain(HOST)
    sandbox.delay("domain-delete", 3)
    deletion = unbind(bound)
    assert read(bound).status == "Deleting"
    with pytest.raises(HttpResponseError) as refused:
        bound.domain(HOST)
    assert refused.value.status_code == 409
    assert "another operation is in progress" in refused.value.response.text()  # type: ignore[union-attr]
    again = unbind(bound)  # accepted, and no second deletion
    deletion.result()
    assert bound.domain(HOST).status == "Ready"
    again.result()
    assert read(bound).status == "Ready"


def test_a_domain_can_stick_in_deleting_and_then_holds_its_site(bound: Clients, sandbox: Sandbox) -> None:
    bound.domain(HOST)
    sandbox.fault("domain-stuck", host=HOST)
    with pytest.raises(HttpResponseError, match="invalid status 'OK'"):  # Azure/static-web-apps 1797, 1798
        unbind(bound).result()
    assert read(bound).status == "Deleting"
    with pytest.raises(HttpResponseError):  # 1795: "every app still holding it fails to delete"
        bound.web.static_sites.begin_delete_static_site("rg", "site").result()
    unbind(bound).result()  # the fault was ordered once
    bound.web.static_sites.begin_delete_static_site("rg", "site").result()


def test_a_fault_of_a_domain_is_not_a_fault_of_its_requests(bound: Clients, sandbox: Sandbox) -> None:
    sandbox.fault("domain-failed")
    bound.site(tags={"a": "b"})
    bound.cname(f"x-{HOST}", "elsewhere.example")
    with pytest.raises(HttpResponseError):
        bound.domain(HOST)
