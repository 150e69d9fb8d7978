"""Errors in the very form that Azure sends them, since clients take them apart."""

import os
import uuid
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from azure.core.rest import HttpRequest
from contract_tools import Clients
from raw_arm import ARM, WEB, RawArm, token

from sandbox.control import Sandbox

ROLES = "2022-04-01"
DNS_ZONE_CONTRIBUTOR = "befefa01-2a29-4197-83a8-272ff33ce314"


@pytest.fixture
def send(azure: Clients) -> RawArm:
    arm = RawArm(token())
    assert arm("PUT", "/subscriptions/SUB/resourceGroups/rg", {"location": "westeurope"}).status_code == 201
    return arm


SITE = "/subscriptions/SUB/resourceGroups/rg/providers/Microsoft.Web/staticSites/site"
FREE = {"location": "westeurope", "sku": {"name": "Free"}, "properties": {}}


def test_microsoft_web_says_it_four_times(send: RawArm) -> None:
    """pulumi-azure-native 2530 and azure-cli 21186 have whole bodies."""
    message = "Sku is invalid.  SKU name is invalid. Valid SKUs: Free, Standard, Trial"
    answer = send("PUT", SITE, {"location": "westeurope", "properties": {}})
    assert answer.status_code == 400
    assert answer.json() == {
        "Code": "BadRequest",
        "Message": message,
        "Target": None,
        "Details": [
            {"Message": message},
            {"Code": "BadRequest"},
            {
                "ErrorEntity": {
                    "ExtendedCode": "51021",
                    "MessageTemplate": "{0} is invalid.  {1}",
                    "Parameters": ["Sku", "SKU name is invalid. Valid SKUs: Free, Standard, Trial"],
                    "Code": "BadRequest",
                    "Message": message,
                }
            },
        ],
        "Innererror": None,
    }


def test_every_refusal_of_a_site_has_that_form(azure: Clients, send: RawArm) -> None:
    azure.groups.resource_groups.create_or_update("dns", {"location": "westeurope"})
    azure.dns.zones.create_or_update("dns", "example.org", {"location": "global"})
    target = azure.site().default_hostname
    for name in ("a", "b", "c"):
        azure.cname(f"{name}.example.org", target)
    domain = {"properties": {"validationMethod": "cname-delegation"}}
    missing = send("PUT", f"{SITE}/customDomains/d.example.org", domain)
    azure.domain("a.example.org")
    azure.domain("b.example.org")
    refusals = {
        "CNAME Record is invalid.  Please": missing,
        "The maximum number of custom domains allowed for this static site is 2.": send("PUT", f"{SITE}/customDomains/c.example.org", domain),
        "Cannot find CustomDomain with name": send("GET", f"{SITE}/customDomains/c.example.org"),
    }  # fmt: skip
    for message, answer in refusals.items():
        body = answer.json()
        assert answer.status_code >= 400, message
        assert message in body["Message"]
        assert set(body) == {"Code", "Message", "Target", "Details", "Innererror"}
        entity = body["Details"][2]["ErrorEntity"]
        assert entity["MessageTemplate"].format(*entity["Parameters"]) == body["Message"]
    assert refusals["The maximum number of custom domains allowed for this static site is 2."].json()["Details"][2]["ErrorEntity"]["ExtendedCode"] == "59334"  # fmt: skip


def test_arm_itself_answers_for_what_is_not_there(send: RawArm) -> None:
    answer = send("GET", SITE)
    assert answer.status_code == 404
    assert set(answer.json()) == {"error"}
    assert answer.json()["error"]["code"] == "ResourceNotFound"


def test_an_ordered_error_has_the_form_of_its_service(send: RawArm, sandbox: Sandbox) -> None:
    sandbox.fault("status", 429, host="management")
    throttled = send("GET", SITE)
    assert (throttled.status_code, throttled.headers["Retry-After"]) == (429, "1")
    assert throttled.json()["error"]["code"] == "SubscriptionRequestsThrottled"
    sandbox.fault("status", 500, host="management")
    failed = send("PUT", SITE, FREE)
    assert failed.json()["Details"][2]["ErrorEntity"]["ExtendedCode"]
    assert "Retry-After" not in failed.headers
    sandbox.fault("status", 403, host="management")
    refused = send("PUT", "/subscriptions/SUB/resourceGroups/other", {"location": "westeurope"})
    assert refused.json()["error"]["code"] == "AuthorizationFailed"
    assert "does not have authorization to perform action" in refused.json()["error"]["message"]


def test_an_operation_says_when_to_ask_again_or_leaves_it_to_the_client(send: RawArm, sandbox: Sandbox) -> None:
    accepted = send("PUT", SITE, FREE)
    assert accepted.status_code == 202
    assert accepted.headers["Retry-After"] == "1"
    assert accepted.headers["Azure-AsyncOperation"].startswith(f"{ARM}/subscriptions/")
    assert accepted.headers["Location"].startswith(f"{ARM}/subscriptions/")
    sandbox.delay("retry-after", 0)
    assert "Retry-After" not in send("DELETE", SITE).headers


def test_a_fresh_subscription_has_microsoft_web_unregistered(
    azure: Clients, send: RawArm, sandbox: Sandbox
) -> None:
    sandbox.unregister("Microsoft.Web")
    refused = send("PUT", SITE, FREE)
    assert refused.status_code == 409
    error = refused.json()["error"]
    assert error["code"] == "MissingSubscriptionRegistration"
    assert error["message"].startswith("The subscription is not registered to use namespace 'Microsoft.Web'. See ")
    assert error["details"][0]["target"] == "Microsoft.Web"
    assert send("GET", SITE).status_code == 404
    assert azure.groups.providers.get("Microsoft.Web").registration_state == "NotRegistered"
    sandbox.delay("registration", 2)
    assert azure.groups.providers.register("Microsoft.Web").registration_state == "Registering"
    assert send("PUT", SITE, FREE).status_code == 409
    sandbox.delay("registration", 0)
    assert azure.groups.providers.register("Microsoft.Web").registration_state == "Registered"
    assert send("PUT", SITE, FREE).status_code == 202


def test_clients_that_register_by_themselves_get_on(azure: Clients, send: RawArm, sandbox: Sandbox) -> None:
    sandbox.unregister("Microsoft.Web")
    url = f"{ARM}{SITE.replace('SUB', os.environ['ARM_SUBSCRIPTION_ID'])}?api-version={WEB}"
    # azure-mgmt-core's ARMAutoResourceProviderRegistrationPolicy, ten seconds later
    assert azure.groups.send_request(HttpRequest("PUT", url, json=FREE)).status_code == 202
    assert azure.groups.providers.get("Microsoft.Web").registration_state == "Registered"


def test_an_unknown_namespace_is_no_provider(azure: Clients) -> None:
    with pytest.raises(HttpResponseError, match="InvalidResourceNamespace"):
        azure.groups.providers.get("Microsoft.Nonsense")


class Roles:
    """A role definition and its assignments, as bodies."""

    scope = "/subscriptions/SUB/providers/Microsoft.Authorization"

    def __init__(self, send: RawArm) -> None:
        self.send = send
        self.role = f"{self.scope}/roleDefinitions/{uuid.uuid4()}"

    def define(self) -> None:
        properties = {"roleName": "deployer", "type": "CustomRole", "permissions": [], "assignableScopes": []}
        assert self.send("PUT", self.role, {"properties": properties}, ROLES).status_code == 201

    def assign(self, role: str = "", **more: str) -> Any:
        properties = {"roleDefinitionId": role or self.role, "principalId": str(uuid.uuid4())} | more
        return self.send("PUT", f"{self.scope}/roleAssignments/{uuid.uuid4()}", {"properties": properties}, ROLES)


def test_a_role_is_unseen_for_a_while_after_it_was_defined(send: RawArm, sandbox: Sandbox) -> None:
    roles = Roles(send)
    roles.define()
    sandbox.fault("role-unseen", times=2)
    for _ in range(2):
        answer = roles.assign(principalType="ServicePrincipal")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "RoleDefinitionDoesNotExist")
    assert roles.assign(principalType="ServicePrincipal").status_code == 201


def test_a_principal_is_unseen_for_a_while_after_it_was_made(send: RawArm, sandbox: Sandbox) -> None:
    roles = Roles(send)
    roles.define()
    sandbox.fault("principal-unseen")
    answer = roles.assign(principalType="ServicePrincipal")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "PrincipalNotFound")
    assert "does not exist in the directory" in answer.json()["error"]["message"]
    assert roles.assign(principalType="ServicePrincipal").status_code == 201


def test_an_assignment_needs_a_role_and_a_principal_that_exist(send: RawArm) -> None:
    roles = Roles(send)
    assert roles.assign(principalType="ServicePrincipal").json()["error"]["code"] == "RoleDefinitionDoesNotExist"
    built_in = f"{roles.scope}/roleDefinitions/{DNS_ZONE_CONTRIBUTOR}"
    assert roles.assign(built_in, principalType="ServicePrincipal").status_code == 201
    assert (
        roles.assign(built_in).json()["error"]["code"] == "PrincipalNotFound"
    )  # looked up where no type is given


def test_the_same_assignment_under_another_name_is_refused(send: RawArm) -> None:
    roles = Roles(send)
    roles.define()
    same = {"principalId": str(uuid.uuid4()), "principalType": "ServicePrincipal"}
    assert roles.assign(**same).status_code == 201
    again = roles.assign(**same)
    assert (again.status_code, again.json()["error"]["code"]) == (409, "RoleAssignmentExists")


def test_roles_that_are_not_there_have_codes_of_their_own(send: RawArm) -> None:
    roles = Roles(send)
    assert send("GET", roles.role, None, ROLES).json()["error"]["code"] == "RoleDefinitionDoesNotExist"
    missing = send("GET", f"{roles.scope}/roleAssignments/{uuid.uuid4()}", None, ROLES)
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "RoleAssignmentNotFound")
