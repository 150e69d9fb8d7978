"""Storage accounts and their static websites: azure-mgmt-storage and azure-storage-blob, unmodified."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from azure.core.exceptions import (
    HttpResponseError,
    ResourceNotFoundError,
)
from azure.identity import EnvironmentCredential
from azure.mgmt.storage import StorageManagementClient
from azure.storage.blob import BlobServiceClient, ContentSettings, StaticWebsite
from contract_tools import Clients, fetch, resolve

from sandbox.__main__ import main as sandbox_command
from sandbox.control import Sandbox

NAME = "mtastscontoso"
PROGRAM: dict[str, Any] = {  # as the program sets it
    "kind": "StorageV2",
    "sku": {"name": "Standard_LRS"},
    "location": "westeurope",
    "tags": {"team": "mail"},
    "properties": {
        "accessTier": "Hot",
        "allowBlobPublicAccess": False,
        "allowSharedKeyAccess": False,
        "minimumTlsVersion": "TLS1_2",
        "publicNetworkAccess": "Enabled",
        "supportsHttpsTrafficOnly": True,
    },
}
PLAIN = {"kind": "StorageV2", "sku": {"name": "Standard_LRS"}, "location": "westeurope"}
WEB = f"{NAME}.z6.web.core.windows.net"
POLICY = "contoso/.well-known/mta-sts.txt"
TEXT = ContentSettings(content_type="text/plain")


@pytest.fixture
def arm(azure: Clients) -> Iterator[Any]:
    """azure-mgmt-storage, and a resource group `rg`."""
    azure.groups.resource_groups.create_or_update("rg", {"location": "westeurope"})
    credential: Any = EnvironmentCredential()
    with StorageManagementClient(credential, os.environ["ARM_SUBSCRIPTION_ID"], polling_interval=1) as client:
        yield client


def make(arm: Any, name: str = NAME, group: str = "rg", body: dict[str, Any] = PROGRAM) -> Any:
    return arm.storage_accounts.begin_create(group, name, body).result()


def grant(sandbox: Sandbox, *arguments: str) -> None:
    """`python -m sandbox grant`."""
    assert sandbox_command(["--dir", str(sandbox.folder), "grant", *arguments]) == 0


def blob_service(name: str = NAME, **options: Any) -> BlobServiceClient:
    credential = options.pop("credential", None) or EnvironmentCredential()
    return BlobServiceClient(
        f"https://{name}.blob.core.windows.net", credential=credential, retry_total=0, **options
    )


def refused(call: Any, status: int, code: str) -> HttpResponseError:
    with pytest.raises(HttpResponseError) as caught:
        call()
    found: Any = caught.value
    assert (found.status_code, getattr(found, "error_code", None) or found.error.code) == (status, code)
    return found


@pytest.fixture
def site(arm: Any, sandbox: Sandbox) -> BlobServiceClient:
    """An account whose website is on, and a sign-in that may write blobs."""
    sandbox.delay("retry-after", 0)
    sandbox.delay("account-create", 0)
    make(arm)
    grant(sandbox)
    client = blob_service()
    client.set_service_properties(static_website=StaticWebsite(enabled=True, index_document="index.html", error_document404_path="404.html"))  # fmt: skip
    return client


# Accounts


def test_an_account_is_made_read_changed_listed_and_deleted(arm: Any, azure: Clients) -> None:
    accounts = arm.storage_accounts
    assert accounts.check_name_availability(
        {"name": NAME, "type": "Microsoft.Storage/storageAccounts"}
    ).name_available
    made = make(arm)
    assert made.id.endswith(f"/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/{NAME}")
    assert (made.location, made.kind, made.sku.name, made.sku.tier) == ("westeurope", "StorageV2", "Standard_LRS", "Standard")  # fmt: skip
    assert made.primary_endpoints.web == f"https://{WEB}/"
    assert made.primary_endpoints.blob == f"https://{NAME}.blob.core.windows.net/"
    assert made.provisioning_state == "Succeeded"
    got = accounts.get_properties("RG", NAME)
    shown = (got.allow_shared_key_access, got.allow_blob_public_access, got.minimum_tls_version, got.enable_https_traffic_only, got.public_network_access, got.access_tier, got.tags)  # fmt: skip
    assert shown == (False, False, "TLS1_2", True, "Enabled", "Hot", {"team": "mail"})
    changed = accounts.update("rg", NAME, {"tags": {"a": "b"}, "properties": {"accessTier": "Cool"}})
    assert (changed.tags, changed.access_tier, changed.minimum_tls_version) == ({"a": "b"}, "Cool", "TLS1_2")
    assert make(arm).access_tier == "Hot"  # a second PUT is an update
    assert [each.name for each in accounts.list()] == [each.name for each in accounts.list_by_resource_group("rg")] == [NAME]  # fmt: skip
    assert [each.type for each in azure.groups.resources.list()] == ["Microsoft.Storage/storageAccounts"]
    keys = accounts.list_keys("rg", NAME).keys_property
    assert [(key.key_name, key.permissions, len(key.value)) for key in keys] == [("key1", "FULL", 88), ("key2", "FULL", 88)]  # fmt: skip
    accounts.delete("rg", NAME)
    with pytest.raises(ResourceNotFoundError):
        accounts.get_properties("rg", NAME)
    accounts.delete("rg", NAME)  # nothing to delete is no error


def test_a_group_takes_its_accounts_along(arm: Any, azure: Clients, site: BlobServiceClient) -> None:
    site.get_blob_client("$web", "index.html").upload_blob(b"x")
    azure.groups.resource_groups.begin_delete("rg").result()
    azure.groups.resource_groups.create_or_update("rg", {"location": "westeurope"})
    assert list(arm.storage_accounts.list()) == []
    make(arm)
    assert fetch(WEB, "/")[0] == 404
    assert [each.name for each in blob_service().list_containers()] == []


# Blobs and the website


def test_what_web_holds_is_served(site: BlobServiceClient) -> None:
    assert fetch(WEB, f"/{POLICY}")[0] == 404
    blob = site.get_blob_client("$web", POLICY)
    blob.upload_blob(b"version: STSv1\r\n", content_settings=TEXT)
    assert fetch(WEB, f"/{POLICY}") == (200, "version: STSv1\r\n", "text/plain")
    blob.upload_blob(b"version: STSv1\r\nmode: none\r\n", overwrite=True)  # of no content type
    assert fetch(WEB, f"/{POLICY}") == (200, "version: STSv1\r\nmode: none\r\n", "application/octet-stream")
    assert fetch(WEB, "/CONTOSO/.well-known/mta-sts.txt")[0] == 404
    assert resolve(WEB, "A") == resolve(f"{NAME}.blob.core.windows.net", "A") == ["127.0.0.1"]
    blob.delete_blob()
    assert fetch(WEB, f"/{POLICY}")[0] == 404
