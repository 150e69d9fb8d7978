"""A managed identity, whom it trusts, and what it may do, through azure-mgmt-resource's generic client."""

import os
import uuid
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from contract_tools import Clients

MSI, ROLES = "2024-11-30", "2022-04-01"
TRUST = {"issuer": "https://vstoken.dev.azure.com/x", "subject": "sc://contoso/mail/azure", "audiences": ["api://AzureADTokenExchange"]}  # fmt: skip


@pytest.fixture
def resources(azure: Clients) -> Any:
    azure.groups.resource_groups.create_or_update("rg", {"location": "westeurope"})
    return azure.groups.resources


def put(resources: Any, id_: str, version: str, **body: Any) -> Any:
    return resources.begin_create_or_update_by_id(id_, body, api_version=version).result()


def test_an_identity_keeps_its_ids_and_goes_with_whom_it_trusts(resources: Any) -> None:
    subscription = f"/subscriptions/{os.environ['ARM_SUBSCRIPTION_ID']}"
    id_ = f"{subscription}/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/deployer"
    made = put(resources, id_, MSI, location="westeurope", tags={})
    again = put(resources, id_, MSI, location="westeurope", tags={"a": "b"})
    for name in ("clientId", "principalId", "tenantId"):
        assert again.properties[name] == made.properties[name]
    assert made.properties["tenantId"] == os.environ["ARM_TENANT_ID"]
    trust = f"{id_}/federatedIdentityCredentials/azure-devops"
    put(resources, trust, MSI, properties=TRUST)
    assert resources.get_by_id(trust, api_version=MSI).properties == TRUST
    put(resources, f"{id_}/federatedIdentityCredentials/other", MSI, properties=TRUST)
    resources.begin_delete_by_id(trust, api_version=MSI).result()
    with pytest.raises(ResourceNotFoundError):
        resources.get_by_id(trust, api_version=MSI)
    resources.begin_delete_by_id(id_, api_version=MSI).result()
    for gone in (id_, f"{id_}/federatedIdentityCredentials/other"):
        with pytest.raises(ResourceNotFoundError):
            resources.get_by_id(gone, api_version=MSI)
    with pytest.raises(HttpResponseError):
        put(resources, trust, MSI, properties=TRUST)


def test_a_role_is_given_to_an_identity_and_taken_away(resources: Any) -> None:
    subscription = f"/subscriptions/{os.environ['ARM_SUBSCRIPTION_ID']}"
    id_ = f"{subscription}/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/deployer"
    principal = put(resources, id_, MSI, location="westeurope").properties["principalId"]
    role = f"{subscription}/providers/Microsoft.Authorization/roleDefinitions/{uuid.uuid4()}"
    put(resources, role, ROLES, properties={"roleName": "deployer", "type": "CustomRole", "permissions": [], "assignableScopes": [subscription]})  # fmt: skip
    given = f"{subscription}/resourceGroups/rg/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}"
    put(
        resources, given, ROLES, properties={"roleDefinitionId": role, "principalId": principal}
    )  # known: no type needed
    found = resources.get_by_id(given, api_version=ROLES).properties
    assert (found["principalId"], found["scope"]) == (principal, f"{subscription}/resourceGroups/rg")
    for each in (given, role):
        resources.begin_delete_by_id(each, api_version=ROLES).result()
        with pytest.raises(ResourceNotFoundError):
            resources.get_by_id(each, api_version=ROLES)
