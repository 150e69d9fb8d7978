"""Storage accounts and their static websites: azure-mgmt-storage and azure-storage-blob, unmodified."""

import os
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import urllib3
from azure.core import MatchConditions
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.identity import EnvironmentCredential
from azure.mgmt.storage import StorageManagementClient
from azure.storage.blob import BlobServiceClient, ContentSettings, StaticWebsite
from contract_tools import Clients, fetch, resolve
from raw_arm import RawArm, token

from sandbox.__main__ import main as sandbox_command
from sandbox.control import Sandbox
from sandbox.state import DELAYS

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


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with Sandbox(tmp_path_factory.mktemp("azure")) as made:
        yield made


@pytest.fixture
def sandbox(shared: Sandbox) -> Sandbox:
    """One for all tests of this file, empty for each."""
    state = shared.state
    state.delete(f"/subscriptions/{state.setting('subscription')}")
    state.set("subscription-role", "")
    for name in DELAYS:
        state.set(name, DELAYS[name])
    for name in ("account-create", "delete", "retry-after"):
        state.set(name, 0)
    return shared


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
    make(arm)
    grant(sandbox)
    client = blob_service()
    client.set_service_properties(static_website=StaticWebsite(enabled=True, index_document="index.html", error_document404_path="404.html"))  # fmt: skip
    return client


# Accounts


def test_an_account_is_made_read_changed_listed_and_deleted(arm: Any, sandbox: Sandbox, azure: Clients) -> None:
    sandbox.delay("account-create", 0.3)
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


def test_a_new_account_is_nobodys_until_it_is_made_and_its_endpoints_know_it(arm: Any, sandbox: Sandbox) -> None:
    sandbox.delay("account-create", 0.5)
    sandbox.delay("blob-service", 1)
    path = f"/subscriptions/SUB/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/{NAME}"
    raw = RawArm(token())
    first = raw("PUT", path, PLAIN, "2024-01-01")
    assert (first.status_code, first.text) == (202, "")
    assert "/providers/Microsoft.Storage/locations/westeurope/asyncoperations/" in first.headers["Location"]
    for method in ("PUT", "PATCH", "DELETE"):
        answer = raw(method, path, PLAIN, "2024-01-01")
        assert (answer.status_code, answer.code) == (409, "StorageAccountOperationInProgress")
    with pytest.raises(urllib3.exceptions.ProxyError):  # the proxy's word for a name that isn't in DNS
        ask("GET", f"https://{WEB}/")
    while arm.storage_accounts.get_properties("rg", NAME).provisioning_state != "Succeeded":
        pass
    refused(lambda: blob_service().get_service_properties(), 404, "ResourceNotFound")
    sandbox.delay("blob-service", 0)
    made = sandbox.state.named("Microsoft.Storage/storageAccounts", [NAME])[0]
    sandbox.state.put({**made, "_answers": 0})
    assert not blob_service().get_service_properties()["static_website"].enabled


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


def test_folders_have_index_documents_and_what_is_missing_a_page(site: BlobServiceClient) -> None:
    web = site.get_container_client("$web")
    for name in ("index.html", "a/index.html"):
        web.upload_blob(name, name.encode(), content_settings=ContentSettings(content_type="text/html"))
    assert fetch(WEB, "/") == (200, "index.html", "text/html")
    assert fetch(WEB, "/a/") == fetch(WEB, "/a") == (200, "a/index.html", "text/html")
    status, page, kind = fetch(WEB, "/b")
    assert (status, kind) == (404, "text/html")
    assert "<h1>The requested content does not exist.</h1>" in page
    assert "<li>ErrorCode: WebContentNotFound</li>" in page
    web.upload_blob("404.html", b"gone", content_settings=TEXT)
    assert fetch(WEB, "/b") == (404, "gone", "text/plain")
    site.set_service_properties(static_website=StaticWebsite(enabled=False))
    assert fetch(WEB, "/")[0] == 404
    assert web.exists()


def ask(method: str, url: str, **headers: str) -> tuple[int, str, str, Any]:
    """A request as it is, over http or https: status, error code, body, headers."""
    context = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
    with urllib3.ProxyManager(os.environ["HTTPS_PROXY"], ssl_context=context) as through:
        answer = through.request(method, url, headers=headers, retries=False, redirect=False)
        return answer.status, answer.headers.get("x-ms-error-code", ""), answer.data.decode("utf-8-sig"), answer.headers  # fmt: skip


def test_a_website_is_read_over_https_alone(arm: Any, site: BlobServiceClient) -> None:
    etag = site.get_blob_client("$web", "x").upload_blob(b"hello", content_settings=TEXT)["etag"]
    status, _, body, headers = ask("HEAD", f"https://{WEB}/x")
    assert (status, body, headers["Content-Length"], headers["ETag"]) == (200, "", "5", etag)
    assert ask("POST", f"https://{WEB}/x")[:2] == (405, "UnsupportedHttpVerb")
    status, code, page, _ = ask("GET", f"http://{WEB}/x")
    assert (status, code) == (400, "AccountRequiresHttps")
    assert "<h1>The account being accessed does not support http.</h1>" in page
    assert ask("GET", f"http://{NAME}.blob.core.windows.net/$web/x")[:2] == (400, "AccountRequiresHttps")
    arm.storage_accounts.update("rg", NAME, {"properties": {"supportsHttpsTrafficOnly": False}})
    assert ask("GET", f"http://{WEB}/x")[::2][:2] == (200, "hello")
    arm.storage_accounts.update("rg", NAME, {"properties": {"publicNetworkAccess": "Disabled"}})
    assert ask("GET", f"https://{WEB}/x")[:2] == (403, "AuthorizationFailure")
    refused(site.get_blob_client("$web", "x").download_blob, 403, "AuthorizationFailure")


def test_blobs_are_listed_in_pages_and_folders(site: BlobServiceClient) -> None:
    web = site.get_container_client("$web")
    for name in ("a/1", "a/2", "a/b/3", "c d", "é"):
        web.upload_blob(name, name.encode(), content_settings=TEXT)
    pages = web.list_blobs(results_per_page=2).by_page()
    assert [[blob.name for blob in page] for page in pages] == [["a/1", "a/2"], ["a/b/3", "c d"], ["é"]]
    assert list(web.list_blob_names(name_starts_with="a/b")) == ["a/b/3"]
    (blob,) = web.list_blobs(name_starts_with="c")
    assert (blob.size, blob.content_settings.content_type, blob.blob_type) == (3, "text/plain", "BlockBlob")
    assert blob.etag == web.get_blob_client("c d").get_blob_properties().etag.strip('"')
    assert [each.name for each in web.walk_blobs()] == ["a/", "c d", "é"]
    assert sorted(each.name for each in web.walk_blobs("a/")) == ["a/1", "a/2", "a/b/"]
    site.create_container("other")
    assert [each.name for each in site.list_containers()] == ["$web", "other"]
    refused(lambda: site.create_container("other"), 409, "ContainerAlreadyExists")
    refused(lambda: site.create_container("Upper"), 400, "InvalidResourceName")
    site.delete_container("other")
    with pytest.raises(ResourceNotFoundError, match="ContainerNotFound"):
        list(site.get_container_client("other").list_blobs())
    with pytest.raises(HttpResponseError, match="does not model PUT container lease"):
        web.acquire_lease()


def test_conditions_hold_for_reads_and_writes(site: BlobServiceClient) -> None:
    blob = site.get_blob_client("$web", "x")
    first = blob.upload_blob(b"one")
    with pytest.raises(HttpResponseError) as unchanged:
        blob.download_blob(etag=first["etag"], match_condition=MatchConditions.IfModified)
    assert unchanged.value.status_code == 304
    with pytest.raises(ResourceModifiedError):
        blob.download_blob(etag='"0x1"', match_condition=MatchConditions.IfNotModified)
    with pytest.raises(ResourceExistsError):
        blob.upload_blob(b"two")
    refused(lambda: blob.delete_blob(if_unmodified_since=datetime(2020, 1, 1, tzinfo=UTC)), 412, "ConditionNotMet")
    with pytest.raises(HttpResponseError):
        blob.download_blob(if_modified_since=first["last_modified"])
    blob.delete_blob(etag=first["etag"], match_condition=MatchConditions.IfNotModified)


def test_the_website_is_a_service_property_beside_those_of_every_account(site: BlobServiceClient) -> None:
    found = site.get_service_properties()
    assert vars(found["static_website"]) | {"default_index_document_path": None} == {
        "enabled": True, "index_document": "index.html", "error_document404_path": "404.html", "default_index_document_path": None}  # fmt: skip
    assert (found["hour_metrics"].enabled, found["delete_retention_policy"].enabled) == (True, False)
    site.set_service_properties(**{name: found[name] for name in ("analytics_logging", "hour_metrics", "minute_metrics", "cors")})  # fmt: skip
    assert site.get_service_properties()["static_website"].enabled
    found["hour_metrics"].enabled, found["hour_metrics"].include_apis = False, None
    with pytest.raises(HttpResponseError, match="does not model HourMetrics"):
        site.set_service_properties(hour_metrics=found["hour_metrics"])
    refused(lambda: site.set_service_properties(static_website=StaticWebsite(enabled=True, index_document="a/b.html")), 400, "InvalidXmlNodeValue")  # fmt: skip


# Rights


def test_an_owner_may_switch_the_website_on_and_touch_no_blob(arm: Any, sandbox: Sandbox) -> None:
    """Set Blob Service Properties and Create Container are actions, blobs are data actions."""
    make(arm)
    client = blob_service()
    client.set_service_properties(static_website=StaticWebsite(enabled=True, index_document="index.html"))
    client.create_container("more")
    assert [each.name for each in client.list_containers()] == ["$web", "more"]
    blob = client.get_blob_client("$web", "x")
    for call in (lambda: blob.upload_blob(b"x"), blob.download_blob, blob.get_blob_properties, blob.delete_blob):
        refused(call, 403, "AuthorizationPermissionMismatch")
    found = refused(lambda: list(client.get_container_client("$web").list_blobs()), 403, "AuthorizationPermissionMismatch")  # fmt: skip
    assert "This request is not authorized to perform this operation using this permission.\nRequestId:" in str(
        found
    )
    sandbox.state.set("subscription-role", "Reader")
    refused(lambda: client.set_service_properties(static_website=StaticWebsite(enabled=False)), 403, "AuthorizationPermissionMismatch")  # fmt: skip
    assert client.get_service_properties()["static_website"].enabled
    refused(lambda: client.create_container("again"), 403, "AuthorizationPermissionMismatch")


def test_a_data_role_counts_at_container_account_group_and_subscription(arm: Any, sandbox: Sandbox) -> None:
    account, subscription = make(arm).id, f"/subscriptions/{os.environ['ARM_SUBSCRIPTION_ID']}"
    other = make(arm, "anotheraccount").id
    client = blob_service()
    for name in ("one", "two"):
        client.create_container(name)
    blob = client.get_blob_client("one", "x")
    refusal = (403, "AuthorizationPermissionMismatch")
    containers = f"{account}/blobServices/default/containers"
    for scope in (f"{containers}/two", other, f"{subscription}/resourceGroups/r", f"{containers}/on"):
        grant(sandbox, "--scope", scope)
        refused(lambda: blob.upload_blob(b"x"), *refusal)
    grant(sandbox, "Storage Blob Data Reader", "--scope", account)
    refused(lambda: blob.upload_blob(b"x"), *refusal)
    assert list(client.get_container_client("one").list_blobs()) == []
    for scope in (f"{containers}/one", account, account.partition("/providers/")[0], subscription):
        grant(sandbox, "--scope", scope)
        blob.upload_blob(b"x", overwrite=True)
        given = [each for each in sandbox.state.of("Microsoft.Authorization/roleAssignments") if each["properties"]["scope"].lower() == scope.lower()]  # fmt: skip
        for each in given:
            sandbox.state.delete(each["id"])
        refused(lambda: blob.upload_blob(b"x", overwrite=True), *refusal)


def test_a_role_is_granted_in_one_line(arm: Any, sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    subscription, who = f"/subscriptions/{os.environ['ARM_SUBSCRIPTION_ID']}", sandbox.state.setting("object")
    for _ in range(2):  # again is no mistake
        grant(sandbox)
        assert capsys.readouterr().out == f"{who} is Storage Blob Data Contributor of {subscription}\n"
    assert len(list(sandbox.state.of("Microsoft.Authorization/roleAssignments"))) == 2  # with that of `localazure`
    for arguments, says in {("King",): "has no role King; it has Owner, Contributor,", ("--scope", "rg"): f"--scope rg is no resource id: it begins with {subscription}"}.items():  # fmt: skip
        assert sandbox_command(["--dir", str(sandbox.folder), "grant", *arguments]) == 1
        assert says in capsys.readouterr().err


def test_a_fresh_subscription_registers_storage_first(arm: Any, sandbox: Sandbox) -> None:
    sandbox.unregister("Microsoft.Storage")
    raw, path = RawArm(token()), f"/subscriptions/SUB/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/{NAME}"  # fmt: skip
    answer = raw("PUT", path, PLAIN, "2024-01-01")
    assert (answer.status_code, answer.code) == (409, "MissingSubscriptionRegistration")
    raw("POST", "/subscriptions/SUB/providers/Microsoft.Storage/register", version="2022-12-01")
    assert make(arm).name == NAME


def test_a_role_of_ones_own_takes_away_what_it_gave(sandbox: Sandbox, site: BlobServiceClient) -> None:
    raw, who, blob = RawArm(token()), sandbox.state.setting("object"), site.get_blob_client("$web", "x")
    subscription = f"/subscriptions/{os.environ['ARM_SUBSCRIPTION_ID']}"
    for body in sandbox.state.under(subscription, "microsoft.authorization/roleassignments"):
        sandbox.state.delete(body["id"])
    refused(lambda: blob.upload_blob(b"x"), 403, "AuthorizationPermissionMismatch")
    blobs = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
    roles = "/subscriptions/SUB/providers/Microsoft.Authorization/role"
    permissions = [{"actions": [], "dataActions": [f"{blobs}/*"], "notDataActions": [f"{blobs}/delete"]}]
    definition = {
        "roleName": "keeper",
        "type": "CustomRole",
        "permissions": permissions,
        "assignableScopes": ["/"],
    }
    made = raw("PUT", f"{roles}Definitions/{who}", {"properties": definition}, "2022-04-01").json()["id"]
    given = {"roleDefinitionId": made, "principalId": who}
    assert raw("PUT", f"{roles}Assignments/{who}", {"properties": given}, "2022-04-01").status_code == 201
    blob.upload_blob(b"x")
    refused(blob.delete_blob, 403, "AuthorizationPermissionMismatch")
    assert raw("DELETE", f"{roles}Assignments/{who}", version="2022-04-01").json()["properties"]["principalId"] == who  # fmt: skip
    refused(blob.download_blob, 403, "AuthorizationPermissionMismatch")


def test_a_role_takes_a_while_until_it_is_heeded(sandbox: Sandbox, site: BlobServiceClient) -> None:
    blob = site.get_blob_client("$web", "x")
    sandbox.delay("role-propagation", 600)
    refused(lambda: blob.upload_blob(b"x"), 403, "AuthorizationPermissionMismatch")
    sandbox.delay("role-propagation", 0.1)
    blob.upload_blob(b"x")


def test_arm_says_at_once_what_one_may_do(arm: Any, sandbox: Sandbox) -> None:
    raw = RawArm(token())

    def may(scope: str) -> list[tuple[list[str], list[str]]]:
        answer = raw("GET", f"{scope}/providers/Microsoft.Authorization/permissions", version="2022-04-01")
        assert answer.status_code == 200
        for each in answer.json()["value"]:
            assert set(each) == {"actions", "notActions", "dataActions", "notDataActions"}
        return [(each["actions"], each["dataActions"]) for each in answer.json()["value"]]

    group = "/subscriptions/SUB/resourceGroups/rg"
    assert may(group) == [(["*"], [])]
    sandbox.delay("role-propagation", 600)
    grant(sandbox, "--scope", f"/subscriptions/{os.environ['ARM_SUBSCRIPTION_ID']}/resourceGroups/rg")
    blobs = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
    for scope in (group, f"{group}/providers/Microsoft.Storage/storageAccounts/{NAME}"):
        assert [f"{blobs}/write" in data for _, data in may(scope)] == [False, True]
    assert may("/subscriptions/SUB") == [(["*"], [])]
    nowhere = raw("GET", "/subscriptions/SUB/resourceGroups/no/providers/Microsoft.Authorization/permissions")
    assert (nowhere.status_code, nowhere.code) == (404, "ResourceGroupNotFound")


def test_arm_lets_a_role_do_what_it_says(arm: Any, sandbox: Sandbox, azure: Clients) -> None:
    make(arm)
    sandbox.state.set("subscription-role", "Contributor")
    arm.storage_accounts.update("rg", NAME, {"tags": {}})
    raw, scope = RawArm(token()), "/subscriptions/SUB/resourceGroups/rg"
    body = {"properties": {"roleDefinitionId": "ba92f5b4-2d11-453d-a403-e96b0029c9fe", "principalId": sandbox.state.setting("object")}}  # fmt: skip
    answer = raw("PUT", f"{scope}/providers/Microsoft.Authorization/roleAssignments/{sandbox.state.setting('object')}", body)  # fmt: skip
    assert (answer.status_code, answer.code) == (403, "AuthorizationFailed")
    assert "perform action 'Microsoft.Authorization/roleAssignments/write' over scope" in answer.text
    sandbox.state.set("subscription-role", "Reader")
    assert arm.storage_accounts.get_properties("rg", NAME).name == NAME
    for call in (lambda: arm.storage_accounts.list_keys("rg", NAME), lambda: arm.storage_accounts.delete("rg", NAME),
                 lambda: azure.groups.resource_groups.create_or_update("new", {"location": "westeurope"})):  # fmt: skip
        refused(call, 403, "AuthorizationFailed")


def test_only_a_token_for_storage_signs_in(arm: Any, sandbox: Sandbox, site: BlobServiceClient) -> None:
    key = arm.storage_accounts.list_keys("rg", NAME).keys_property[0].value
    keyed = blob_service(credential={"account_name": NAME, "account_key": key})
    refused(lambda: list(keyed.list_containers()), 403, "KeyBasedAuthenticationNotPermitted")
    arm.storage_accounts.update("rg", NAME, {"properties": {"allowSharedKeyAccess": True}})
    with pytest.raises(HttpResponseError, match="does not model a sign-in by account key"):
        list(keyed.list_containers())
    url = f"https://{NAME}.blob.core.windows.net/$web/x"
    assert ask("GET", url)[:2] == (409, "PublicAccessNotPermitted")
    status, code, _, headers = ask("GET", url, **{"x-ms-version": "2024-11-04"})
    assert (status, code) == (401, "NoAuthenticationInformation")
    assert "resource_id=https://storage.azure.com" in headers["WWW-Authenticate"]

    class ForArm:
        def get_token(self, *_: Any, **__: Any) -> Any:
            return EnvironmentCredential().get_token("https://management.azure.com/.default")

    with pytest.raises(ClientAuthenticationError, match="InvalidAuthenticationInfo"):
        list(blob_service(credential=ForArm()).list_containers())
    assert key not in "".join(str(line) for line in sandbox.log())


# What is refused


def test_names_are_everybodys(arm: Any, sandbox: Sandbox, azure: Clients) -> None:
    make(arm)
    azure.groups.resource_groups.create_or_update("other", {"location": "westeurope"})
    refused(lambda: make(arm, group="other"), 409, "StorageAccountInAnotherResourceGroup")
    taken = refused(lambda: make(arm, "localazure"), 409, "StorageAccountAlreadyTaken")
    assert "The storage account named localazure is already taken." in str(taken)
    raw, check = RawArm(token()), "/subscriptions/SUB/providers/Microsoft.Storage/checkNameAvailability"
    for name, reason in {NAME: "AlreadyExists", "localazure": "AlreadyExists", "mta-sts": "AccountNameInvalid", "Upper": "AccountNameInvalid"}.items():  # fmt: skip
        answer = raw("POST", check, {"name": name, "type": "Microsoft.Storage/storageAccounts"}).json()
        assert (answer["nameAvailable"], answer["reason"]) == (False, reason)
    path = "/subscriptions/SUB/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts"
    answer = raw("PUT", f"{path}/mta-sts", PLAIN, "2024-01-01")
    assert (answer.status_code, answer.code) == (400, "AccountNameInvalid")
    assert raw("GET", f"{path}/localazure").status_code == 404


WRONG: list[tuple[dict[str, Any], str]] = [
        ({**PLAIN, "location": "moon"}, "LocationNotAvailableForResourceType"),
        ({"kind": "StorageV2", "sku": {"name": "Standard_LRS"}}, "LocationRequired"),
        ({**PLAIN, "sku": {"name": "Gold"}}, "Values for request parameters are invalid: sku."),
        ({"kind": "StorageV2", "location": "westeurope"}, "Values for request parameters are invalid: sku."),
        ({"sku": {"name": "Standard_LRS"}, "location": "westeurope"}, "Values for request parameters are invalid: kind."),
        ({**PLAIN, "kind": "BlobStorage"}, "does not model storageAccount.kind BlobStorage"),
        ({**PLAIN, "sku": {"name": "Standard_GRS"}}, "does not model storageAccount.sku Standard_GRS"),
        ({**PLAIN, "properties": {"minimumTlsVersion": "TLS9"}}, "Values for request parameters are invalid: minimumTlsVersion."),
        ({**PLAIN, "properties": {"allowSharedKeyAccess": "false"}}, "Values for request parameters are invalid: allowSharedKeyAccess."),
        ({**PLAIN, "properties": {"isHnsEnabled": True}}, "does not model storageAccount.properties.isHnsEnabled"),
        ({**PLAIN, "zones": ["1"]}, "does not model storageAccount.zones"),
    ]  # fmt: skip


def test_what_isnt_modelled_of_an_account_is_said(arm: Any, azure: Clients) -> None:
    account = make(arm).id
    other = azure.groups.resource_groups.create_or_update("other", {"location": "westeurope"}).id
    with pytest.raises(HttpResponseError, match="does not model moving a storage account"):
        azure.groups.resources.begin_move_resources("rg", {"resources": [account], "targetResourceGroup": other}).result()  # fmt: skip
    with pytest.raises(HttpResponseError, match=r"does not model another storageAccount\.sku than before"):
        make(arm, body={**PROGRAM, "sku": {"name": "Standard_ZRS"}})
    with pytest.raises(HttpResponseError, match="already exists in location 'westeurope'"):
        make(arm, body={**PROGRAM, "location": "westus2"})
    with pytest.raises(HttpResponseError, match="does not model GET .*/blobServices/default"):
        arm.blob_services.get_service_properties("rg", NAME)


def test_faults_come_in_azure_storages_own_words(sandbox: Sandbox, site: BlobServiceClient) -> None:
    blob = site.get_blob_client("$web", "x")
    sandbox.fault("status", 503, host="blob.core", method="PUT")
    refused(lambda: blob.upload_blob(b"x"), 503, "ServerBusy")
    sandbox.fault("status", 403, host="blob.core")
    refused(lambda: blob.upload_blob(b"x"), 403, "AuthorizationPermissionMismatch")
    sandbox.fault("status", 500, host="web.core")
    assert "<li>ErrorCode: InternalError</li>" in fetch(WEB, "/x")[1]
    sandbox.fault("lose-reply", host="blob.core", method="PUT")
    patient = BlobServiceClient(site.url, credential=EnvironmentCredential(), initial_backoff=0, increment_base=0)
    patient.get_blob_client("$web", "x").upload_blob(b"y", overwrite=True)
    assert blob.download_blob().readall() == b"y"


def test_a_wrong_account_is_refused_by_name(arm: Any) -> None:
    raw = RawArm(token())
    path = f"/subscriptions/SUB/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/{NAME}"
    for body, says in WRONG:
        answer = raw("PUT", path, body, "2024-01-01")
        assert answer.status_code >= 400, body
        assert says in answer.text
    assert list(arm.storage_accounts.list()) == []
