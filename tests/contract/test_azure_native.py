"""The plugin behind pulumi-azure-native on the local Azure, asked as the engine asks it.

Each promise was read in the sources of pulumi-azure-native 3 (provider/pkg). Where the real plugin is installed, it is the
one that is asked.
"""

import json
import os
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from azure_cli import AzureCli
from google.protobuf.empty_pb2 import Empty
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc, status_pb2

from sandbox.control import Sandbox
from sandbox.plugins import installed
from sandbox.plugins.client import Azure
from sandbox.plugins.sign_in import AzureError, account

URN = "urn:pulumi:dev::project::azure-native:{}::name"
GROUP, SITE, DOMAIN = "resources:ResourceGroup", "web:StaticSite", "web:StaticSiteCustomDomain"
ACCOUNT = "storage:StorageAccount"
MARK = "__createBeforeDelete"
SITE_INPUTS: dict[str, Any] = {
    "resourceGroupName": "rg",
    "name": "site",
    "location": "westeurope",
    "sku": {"name": "Free", "tier": "Free"},
    "provider": "SwaCli",
}


class Refused(Exception):
    """A call that failed.

    :param kept: what the engine is to keep of the resource, where there is anything.
    """

    def __init__(self, error: grpc.RpcError) -> None:
        super().__init__(error.details())  # type: ignore[attr-defined]
        self.kept: provider_pb2.ErrorResourceInitFailed | None = None
        details = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin")  # type: ignore[attr-defined]
        if details:
            self.kept = provider_pb2.ErrorResourceInitFailed()
            assert status_pb2.Status.FromString(details).details[0].Unpack(self.kept)


class Plugin:
    """A running plugin."""

    def __init__(self, environment: dict[str, str]) -> None:
        launcher = Path(environment["PULUMI_HOME"], "plugins", installed.folder_name(), installed.FILE)
        self.process = subprocess.Popen(
            [launcher, "127.0.0.1:1"], env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout
        self.channel = grpc.insecure_channel(f"127.0.0.1:{int(self.process.stdout.readline())}")
        self.stub = provider_pb2_grpc.ResourceProviderStub(self.channel)

    def close(self) -> None:
        self.channel.close()
        self.process.terminate()
        self.process.communicate()

    def configure(self, **variables: str) -> None:
        prefixed = {f"azure-native:config:{name}": value for name, value in variables.items()}
        self.ask("Configure", variables=prefixed, sends_old_inputs=True, sends_old_inputs_to_delete=True)

    def ask(self, verb: str, **fields: Any) -> Any:
        """One call; dicts become Structs, but for `variables`."""
        request = {"Diff": "DiffRequest", "Check": "CheckRequest"}.get(verb, f"{verb}Request")
        given = {n: struct(v) if isinstance(v, dict) and n != "variables" else v for n, v in fields.items()}
        try:
            return getattr(self.stub, verb)(getattr(provider_pb2, request)(**given), timeout=60)
        except grpc.RpcError as error:
            raise Refused(error) from None

    def check(self, kind: str, news: dict[str, Any], olds: dict[str, Any] | None = None) -> dict[str, Any]:
        answer = self.ask("Check", urn=URN.format(kind), news=news, olds=olds or {}, randomSeed=b"seed")
        assert not answer.failures
        return plain(answer.inputs)

    def diff(
        self, kind: str, old: dict[str, Any], new: dict[str, Any], state: dict[str, Any] | None = None
    ) -> Any:
        return self.ask("Diff", urn=URN.format(kind), id="id", olds=state or {}, old_inputs=old, news=new)

    def create(self, kind: str, inputs: dict[str, Any], timeout: float = 0, preview: bool = False) -> Any:
        return self.ask("Create", urn=URN.format(kind), properties=inputs, timeout=timeout, preview=preview)

    def update(self, kind: str, id_: str, inputs: dict[str, Any], state: dict[str, Any], preview: bool = False) -> Any:  # fmt: skip
        return self.ask("Update", urn=URN.format(kind), id=id_, news=inputs, olds=state, old_inputs=inputs, preview=preview)  # fmt: skip

    def read(self, kind: str, id_: str, state: dict[str, Any], inputs: dict[str, Any]) -> tuple[str, dict[str, Any], dict[str, Any]]:  # fmt: skip
        answer = self.ask("Read", urn=URN.format(kind), id=id_, properties=state, inputs=inputs)
        return answer.id, plain(answer.properties), plain(answer.inputs)


def struct(values: dict[str, Any]) -> Struct:
    return ParseDict(values, Struct())


def plain(values: Struct) -> dict[str, Any]:
    return MessageToDict(values)


@pytest.fixture
def unconfigured(sandbox: Sandbox) -> Iterator[Callable[[dict[str, str]], Plugin]]:
    """Starts plugins in the sandbox's environment, changed as given."""
    started: list[Plugin] = []

    def start(changes: dict[str, str]) -> Plugin:
        started.append(Plugin({**sandbox.env(), "SANDBOX_AZURE_NATIVE_PACE": "0.01", **changes}))
        return started[-1]

    yield start
    for plugin in started:
        plugin.close()


@pytest.fixture
def plugin(unconfigured: Callable[[dict[str, str]], Plugin]) -> Plugin:
    """A plugin that is signed in, and a resource group `rg`."""
    made = unconfigured({})
    made.configure()
    made.create(GROUP, {"resourceGroupName": "rg", "location": "westeurope"})
    return made


def site_id(sandbox: Sandbox, name: str = "site") -> str:
    subscription = sandbox.state.setting("subscription")
    return f"/subscriptions/{subscription}/resourceGroups/rg/providers/Microsoft.Web/staticSites/{name}"


# What Azure took, and then failed


def test_a_create_that_fails_after_azure_took_it_is_kept_with_its_error(sandbox: Sandbox, plugin: Plugin) -> None:
    sandbox.fault("status", 400, method="GET", path="operationStatuses")
    with pytest.raises(Refused, match="Status=400") as failed:
        plugin.create(SITE, SITE_INPUTS)
    kept = failed.value.kept
    assert kept
    assert kept.id == site_id(sandbox)
    assert list(kept.reasons) == [str(failed.value)]
    assert plain(kept.inputs) == SITE_INPUTS
    assert plain(kept.properties)["defaultHostname"].endswith(".azurestaticapps.net")


def test_an_update_that_fails_after_azure_took_it_is_kept_with_its_error(sandbox: Sandbox, plugin: Plugin) -> None:
    sandbox.fault("status", 400, method="GET", path="operationStatuses")
    with pytest.raises(Refused, match="Status=400") as failed:
        plugin.update(SITE, site_id(sandbox), SITE_INPUTS, {})  # gone from Azure meanwhile, so it is made anew
    kept = failed.value.kept
    assert kept
    assert (kept.id, plain(kept.inputs)) == (site_id(sandbox), SITE_INPUTS)
    assert plain(kept.properties)["name"] == "site"


def test_a_create_that_outlives_its_timeout_is_kept_unread(sandbox: Sandbox, plugin: Plugin) -> None:
    sandbox.delay("site-create", 60)
    with pytest.raises(Refused, match="operation timed out") as failed:
        plugin.create(SITE, SITE_INPUTS, timeout=1)
    kept = failed.value.kept
    assert kept
    assert (kept.id, plain(kept.properties), plain(kept.inputs)) == (site_id(sandbox), {}, SITE_INPUTS)


def test_a_cancelled_create_is_kept_unread(sandbox: Sandbox, plugin: Plugin) -> None:
    sandbox.delay("site-create", 60)
    result: list[Refused] = []

    def create() -> None:
        try:
            plugin.create(SITE, SITE_INPUTS)
        except Refused as error:
            result.append(error)

    thread = threading.Thread(target=create)
    thread.start()
    while not any(line["method"] == "PUT" and "staticSites" in line["path"] for line in sandbox.log()):
        time.sleep(0.05)
    plugin.stub.Cancel(Empty())
    thread.join(30)
    assert str(result[0]) == "resource created but read failed context canceled: context canceled"
    assert result[0].kept
    assert result[0].kept.id == site_id(sandbox)


def test_what_azure_refuses_at_once_leaves_nothing(sandbox: Sandbox, plugin: Plugin) -> None:
    with pytest.raises(Refused, match="Sku is invalid") as failed:
        plugin.create(SITE, {name: value for name, value in SITE_INPUTS.items() if name != "sku"})
    assert failed.value.kept is None


def test_a_custom_domain_that_stands_as_failed_is_no_error(sandbox: Sandbox, plugin: Plugin) -> None:
    """Only an operation fails; of what it made, the real plugin looks at `provisioningState` alone."""
    plugin.create(SITE, SITE_INPUTS)
    id_ = f"{site_id(sandbox)}/customDomains/mta-sts.example.org"
    sandbox.state.put({"id": id_, "name": "mta-sts.example.org", "type": "Microsoft.Web/staticSites/customDomains",
                       "location": "West Europe", "properties": {"status": "Failed", "errorMessage": "no"}})  # fmt: skip
    inputs = {"resourceGroupName": "rg", "name": "site", "domainName": "mta-sts.example.org"}
    _, state, _ = plugin.read(DOMAIN, id_, {}, inputs)
    assert (state["status"], state["errorMessage"]) == ("Failed", "no")


# Names, and what goes first in a replacement


def test_a_name_of_its_own_making_is_marked_so_that_its_successor_is_made_first(plugin: Plugin) -> None:
    news = {name: value for name, value in SITE_INPUTS.items() if name != "name"}
    made = plugin.check(SITE, news)
    assert re.fullmatch(r"name[0-9a-f]{8}", made["name"])
    assert made[MARK] is True
    assert plugin.check(SITE, news, made) == made  # and stays so
    moved = {**made, "location": "westus2"}
    assert not plugin.diff(SITE, made, moved).deleteBeforeReplace
    assert list(plugin.diff(SITE, made, moved).replaces) == ["location"]


def test_a_given_or_imported_name_is_not_marked_and_goes_first(plugin: Plugin) -> None:
    given = plugin.check(SITE, SITE_INPUTS)
    assert MARK not in given
    assert plugin.diff(SITE, given, {**given, "location": "westus2"}).deleteBeforeReplace
    news = {name: value for name, value in SITE_INPUTS.items() if name != "name"}
    imported = plugin.check(SITE, news, {"name": "by-hand"})
    assert imported["name"] == "by-hand"
    assert MARK not in imported


def test_only_what_stands_in_a_resource_group_itself_gets_a_random_name(plugin: Plugin) -> None:
    domain = plugin.check(DOMAIN, {"resourceGroupName": "rg", "name": "site"})
    assert (domain["domainName"], MARK in domain) == ("name", False)
    role = plugin.check("authorization:RoleAssignment", {"scope": "/subscriptions/x"})
    assert re.fullmatch(r"[0-9a-f-]{36}", role["roleAssignmentName"])


def test_the_location_is_the_configured_one_or_the_resource_groups(
    plugin: Plugin, unconfigured: Callable[[dict[str, str]], Plugin]
) -> None:
    news = {"resourceGroupName": "rg", "name": "site"}
    assert plugin.check(SITE, news)["location"] == "westeurope"
    other = unconfigured({})
    other.configure(location="westus2")
    assert other.check(SITE, news)["location"] == "westus2"
    assert other.check(SITE, news, {"location": "eastasia"})["location"] == "eastasia"


def test_a_storage_accounts_random_name_is_checked_as_it_is(plugin: Plugin) -> None:
    """Nothing makes it fit: capitals, dashes and length are the program's to choose (pulumi-azure-native 3665, 4294)."""

    def check(name: str, **news: str) -> tuple[dict[str, Any], list[str]]:
        urn = f"urn:pulumi:dev::project::azure-native:{ACCOUNT}::{name}"
        answer = plugin.ask(
            "Check", urn=urn, news={"resourceGroupName": "rg", **news}, olds={}, randomSeed=b"seed"
        )
        return plain(answer.inputs), [failure.reason for failure in answer.failures]

    inputs, failures = check("mtasts")
    assert re.fullmatch(r"mtasts[0-9a-f]{8}", inputs["accountName"])
    assert (inputs[MARK], inputs["location"], inputs["azureApiVersion"], failures) == (True, "westeurope", "2024-01-01", [])  # fmt: skip
    assert check("anotherStorageAccount")[1] == [
        "'accountName' is too long (29): at most 24 characters allowed",
        "'accountName' does not match expression '^[a-z0-9]+$'",
    ]
    assert check("x", accountName="mta-sts")[1] == ["'accountName' does not match expression '^[a-z0-9]+$'"]


def test_a_storage_account_lives_and_moves(sandbox: Sandbox, plugin: Plugin) -> None:
    inputs: dict[str, Any] = {"resourceGroupName": "rg", "accountName": "contoso", "location": "westeurope", "kind": "StorageV2",
                              "sku": {"name": "Standard_LRS"}, "allowSharedKeyAccess": False, "allowBlobPublicAccess": False,
                              "minimumTlsVersion": "TLS1_2", "enableHttpsTrafficOnly": True}  # fmt: skip
    made = plugin.create(ACCOUNT, inputs)
    state = plain(made.properties)
    assert state["primaryEndpoints"]["web"] == "https://contoso.z6.web.core.windows.net/"
    assert (state["enableHttpsTrafficOnly"], state["minimumTlsVersion"], state["provisioningState"]) == (True, "TLS1_2", "Succeeded")  # fmt: skip
    assert plugin.read(ACCOUNT, made.id, state, inputs) == (made.id, state, inputs)  # no drift
    assert not plugin.diff(ACCOUNT, inputs, {**inputs, "tags": {"a": "b"}}, state).replaces
    for name, value in {"location": "westus2", "accountName": "other", "isHnsEnabled": True}.items():
        assert list(plugin.diff(ACCOUNT, inputs, {**inputs, name: value}, state).replaces) == [name]
    again = plugin.update(ACCOUNT, made.id, {**inputs, "tags": {"a": "b"}}, state)
    assert plain(again.properties)["tags"] == {"a": "b"}
    plugin.create(GROUP, {"resourceGroupName": "second", "location": "westeurope"})
    with pytest.raises(Refused, match="StorageAccountInAnotherResourceGroup"):
        plugin.create(ACCOUNT, {**inputs, "resourceGroupName": "second"})
    with pytest.raises(Refused, match="does not model storageAccount.properties.isSftpEnabled"):
        plugin.update(ACCOUNT, made.id, {**inputs, "isSftpEnabled": True}, state)
    plugin.ask("Delete", urn=URN.format(ACCOUNT), id=made.id, properties={}, old_inputs=inputs)
    assert plugin.read(ACCOUNT, made.id, state, inputs)[0] == ""


# Differences


def test_a_difference_names_its_path_and_kind(plugin: Plugin) -> None:
    old = {**SITE_INPUTS, "tags": {"a": "1", "b": "2"}, "branch": "main", MARK: True}
    new = {**SITE_INPUTS, "tags": {"a": "1", "b": "3", "c": "4"}, "location": "West Europe"}
    found = plugin.diff(SITE, old, new)
    kinds = {path: provider_pb2.PropertyDiff.Kind.Name(each.kind) for path, each in found.detailedDiff.items()}
    assert kinds == {"tags.b": "UPDATE", "tags.c": "ADD", "branch": "DELETE"}
    assert sorted(set(found.diffs)) == ["branch", "tags"]
    assert not found.replaces
    assert (
        plugin.diff(SITE, old, {**old, "location": "West Europe"}).changes == provider_pb2.DiffResponse.DIFF_NONE
    )


def test_old_inputs_are_the_engines_and_stand_nowhere_in_the_state(sandbox: Sandbox, plugin: Plugin) -> None:
    made = plugin.create(SITE, SITE_INPUTS)
    assert "__inputs" not in plain(made.properties)
    assert plain(made.properties)["azureApiVersion"] == "2025-05-01"


# Previews


def test_an_update_preview_knows_the_name_and_not_the_host(sandbox: Sandbox, plugin: Plugin) -> None:
    from pulumi.runtime.rpc import UNKNOWN

    made = plugin.create(SITE, SITE_INPUTS)
    inputs = {**SITE_INPUTS, "tags": {"a": "1"}}
    seen = plain(plugin.update(SITE, made.id, inputs, plain(made.properties), preview=True).properties)
    assert (seen["name"], seen["location"], seen["tags"]) == ("site", "West Europe", {"a": "1"})
    assert seen["defaultHostname"] == UNKNOWN
    assert plain(plugin.create(SITE, SITE_INPUTS, preview=True).properties)["name"] == "site"


# Refresh and import


@pytest.fixture
def made(plugin: Plugin) -> tuple[str, dict[str, Any]]:
    """A site with tags: its id and state."""
    answer = plugin.create(SITE, {**SITE_INPUTS, "tags": {"a": "1", "b": "2"}})
    return answer.id, plain(answer.properties)


def test_a_refresh_takes_into_the_inputs_what_appeared_changed_and_went(
    sandbox: Sandbox, plugin: Plugin, made: tuple[str, dict[str, Any]]
) -> None:
    id_, state = made
    inputs = {**SITE_INPUTS, "tags": {"a": "1", "b": "2"}}
    body = sandbox.state.get(id_)
    assert body
    body["properties"] |= {
        "branch": "main",
        "repositoryUrl": "https://dev.azure.com/o/p/_git/r",
        "provider": "DevOps",
    }
    body["tags"] = {"a": "9", "c": "3"}
    sandbox.state.put(body)
    found, outputs, drifted = plugin.read(SITE, id_, state, inputs)
    assert found == id_
    assert outputs["branch"] == "main"
    assert drifted == {**SITE_INPUTS, "tags": {"a": "9", "c": "3"}, "provider": "DevOps", "branch": "main",
                       "repositoryUrl": "https://dev.azure.com/o/p/_git/r"}  # fmt: skip


def test_a_refresh_without_drift_leaves_the_inputs_as_they_are(
    plugin: Plugin, made: tuple[str, dict[str, Any]]
) -> None:
    id_, state = made
    inputs = {"resourceGroupName": "rg", "name": "site", "validation": "untouched", MARK: True}
    assert plugin.read(SITE, id_, state, inputs) == (id_, state, inputs)


def test_what_is_gone_is_said_by_an_empty_id(sandbox: Sandbox, plugin: Plugin) -> None:
    assert plugin.read(SITE, site_id(sandbox), {}, SITE_INPUTS)[0] == ""


def test_an_import_takes_all_that_can_be_set_whatever_the_ids_case(
    plugin: Plugin, made: tuple[str, dict[str, Any]]
) -> None:
    id_, _ = made
    _, state, inputs = plugin.read(SITE, id_.replace("resourceGroups", "resourcegroups"), {}, {})
    assert state["defaultHostname"]
    assert (inputs["resourceGroupName"], inputs["name"], inputs["provider"]) == ("rg", "site", "SwaCli")
    assert not {"defaultHostname", "customDomains", "branch", MARK} & set(inputs)


# Errors


def test_an_existing_resource_is_not_taken_over(sandbox: Sandbox, plugin: Plugin) -> None:
    plugin.create(SITE, SITE_INPUTS)
    with pytest.raises(Refused) as failed:
        plugin.create(SITE, SITE_INPUTS)
    assert str(failed.value) == f"cannot create already existing resource '{site_id(sandbox)}'"
    assert failed.value.kept is None


def test_microsoft_webs_errors_come_whole_and_without_a_code(sandbox: Sandbox, plugin: Plugin) -> None:
    """It writes `Code` and `Message` in capitals; azcore finds neither (terraform-provider-azapi 408)."""
    with pytest.raises(Refused) as failed:
        plugin.create(SITE, {name: value for name, value in SITE_INPUTS.items() if name != "sku"})
    found = re.fullmatch(r'Status=400 Message="(.*)"', str(failed.value))
    assert found, failed.value
    assert json.loads(found[1])["Details"][2]["ErrorEntity"]["ExtendedCode"] == "51021"


def test_other_errors_come_with_code_and_message(plugin: Plugin) -> None:
    with pytest.raises(Refused) as failed:
        plugin.create(SITE, {**SITE_INPUTS, "location": "moon"})
    assert str(failed.value).startswith(
        'Status=400 Code="LocationNotAvailableForResourceType" Message="The provided location \'moon\' is not'
    )


def test_a_function_that_fails_says_of_what(sandbox: Sandbox, plugin: Plugin) -> None:
    with pytest.raises(Refused) as failed:
        plugin.ask(
            "Invoke", tok="azure-native:web:getStaticSite", args={"resourceGroupName": "rg", "name": "site"}
        )
    assert str(failed.value).startswith(f'request failed {site_id(sandbox)}: Status=404 Code="ResourceNotFound"')


def test_existence_that_cannot_be_asked_for_is_an_error_of_its_own(sandbox: Sandbox, plugin: Plugin) -> None:
    sandbox.fault("status", 400, method="GET", path="staticSites/site")
    with pytest.raises(Refused) as failed:
        plugin.create(SITE, SITE_INPUTS)
    assert str(failed.value).startswith(
        f"cannot check existence of resource '{site_id(sandbox)}': status code 400, {{"
    )


def test_deleting_what_is_gone_is_done(sandbox: Sandbox, plugin: Plugin) -> None:
    plugin.ask("Delete", urn=URN.format(SITE), id=site_id(sandbox), properties={}, old_inputs=SITE_INPUTS)
    asked = [line["method"] for line in sandbox.log() if line["path"] == site_id(sandbox)]
    assert asked == ["DELETE"]


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a_busy_azure_is_asked_four_times(sandbox: Sandbox, plugin: Plugin, status: int) -> None:
    sandbox.fault("status", status, method="PUT", path="staticSites/site", times=3)
    assert plugin.create(SITE, SITE_INPUTS).id == site_id(sandbox)
    sandbox.fault("status", status, method="GET", path="staticSites/site", times=4)
    with pytest.raises(Refused, match=f"Status={status}"):
        plugin.read(SITE, site_id(sandbox), {}, SITE_INPUTS)


def test_a_refusal_is_not_asked_again_whatever_it_says_of_retrying(sandbox: Sandbox, plugin: Plugin) -> None:
    sandbox.fault("status", 400, method="PUT", path="staticSites/site")
    with pytest.raises(Refused, match="Status=400"):
        plugin.create(SITE, SITE_INPUTS)


# Front Door


def test_front_door_is_made_found_unchanged_and_deleted(sandbox: Sandbox, plugin: Plugin) -> None:
    """Each type with its inputs and path, in the order that they need; Microsoft.Cdn writes ids in its own way."""
    for name in ("cdn-write", "delete", "cdn-validation"):
        sandbox.delay(name, 0)
    profile = f"/subscriptions/{sandbox.state.setting('subscription')}/resourceGroups/rg/providers/Microsoft.Cdn/profiles/fd"
    inside = {"resourceGroupName": "rg", "profileName": "fd"}
    header = {
        "typeName": "DeliveryRuleHeaderActionParameters",
        "headerAction": "Overwrite",
        "headerName": "a",
        "value": "b",
    }
    site = plugin.create(SITE, SITE_INPUTS)
    origin = plain(site.properties)["defaultHostname"]
    wanted: dict[str, dict[str, Any]] = {
        "Profile": {"location": "Global", "sku": {"name": "Standard_AzureFrontDoor"}},
        "AFDEndpoint": {"endpointName": "fd", "location": "Global"},
        "AFDOriginGroup": {"originGroupName": "g", "loadBalancingSettings": {"sampleSize": 4, "successfulSamplesRequired": 3}},
        "AFDOrigin": {"originGroupName": "g", "originName": "o", "hostName": origin, "originHostHeader": origin},
        "RuleSet": {"ruleSetName": "s"},
        "Rule": {"ruleSetName": "s", "ruleName": "r", "order": 1,
                 "actions": [{"name": "ModifyResponseHeader", "parameters": header}]},
        "AFDCustomDomain": {"customDomainName": "d", "hostName": "mta-sts.example.org",
                            "tlsSettings": {"certificateType": "ManagedCertificate", "minimumTlsVersion": "TLS12"}},
        "Route": {"endpointName": "fd", "routeName": "r", "customDomains": [{"id": f"{profile}/customDomains/d"}],
                  "originGroup": {"id": f"{profile}/originGroups/g"}, "ruleSets": [{"id": f"{profile}/ruleSets/s"}],
                  "patternsToMatch": ["/*"], "originPath": "/main", "httpsRedirect": "Enabled"},
    }  # fmt: skip
    made: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {}
    for kind, more in wanted.items():
        inputs = plugin.check(f"cdn:{kind}", {**inside, **more})
        answer = plugin.create(f"cdn:{kind}", inputs)
        made[kind] = answer.id, inputs, plain(answer.properties)
    assert made["Route"][0] == profile.replace("resourceGroups", "resourcegroups") + "/afdendpoints/fd/routes/r"
    assert made["AFDEndpoint"][2]["hostName"].endswith(".z01.azurefd.net")
    assert made["AFDCustomDomain"][2]["validationProperties"]["validationToken"]
    for kind, (id_, inputs, state) in made.items():
        assert plugin.read(f"cdn:{kind}", id_, state, inputs) == (id_, state, inputs)
        assert not plugin.diff(f"cdn:{kind}", inputs, inputs, state).diffs
    route, domain = made["Route"][1], made["AFDCustomDomain"][1]
    assert not plugin.diff("cdn:Route", route, {**route, "originPath": "/other"}).replaces
    assert list(plugin.diff("cdn:AFDCustomDomain", domain, {**domain, "customDomainName": "x"}).replaces)
    for kind, (id_, inputs, state) in reversed(made.items()):
        plugin.ask("Delete", urn=URN.format(f"cdn:{kind}"), id=id_, properties=state, old_inputs=inputs)
    assert not [body for body in sandbox.state.under("/subscriptions") if "Microsoft.Cdn" in body["type"]]


# Sign-in


@pytest.fixture
def az(tmp_path: Path) -> AzureCli:
    return AzureCli(tmp_path / "az")


def test_az_login_is_enough_and_says_the_subscription(
    sandbox: Sandbox, az: AzureCli, unconfigured: Callable[[dict[str, str]], Plugin]
) -> None:
    az.login(sandbox)
    plugin = unconfigured(az.environment(sandbox.env()["PATH"]))
    plugin.configure()
    subscription = sandbox.state.setting("subscription")
    group = plugin.create(GROUP, {"resourceGroupName": "rg", "location": "westeurope"})
    assert group.id == f"/subscriptions/{subscription}/resourceGroups/rg"
    assert az.asked[0] == "account show -o json"
    assert "account get-access-token --output json --resource https://management.azure.com" in az.asked[1]


def test_az_is_asked_for_the_configured_subscription(
    sandbox: Sandbox, az: AzureCli, unconfigured: Callable[[dict[str, str]], Plugin]
) -> None:
    az.login(sandbox)
    plugin = unconfigured(az.environment(sandbox.env()["PATH"]))
    plugin.configure(subscriptionId=sandbox.state.setting("subscription"))
    plugin.create(GROUP, {"resourceGroupName": "rg", "location": "westeurope"})
    chosen = f"--subscription {sandbox.state.setting('subscription')}"
    assert az.asked[0] == f"account show -o json {chosen}"
    assert chosen in az.asked[1]


def test_without_any_sign_in_the_error_is_azs(
    sandbox: Sandbox, az: AzureCli, unconfigured: Callable[[dict[str, str]], Plugin]
) -> None:
    environment = az.environment(sandbox.env()["PATH"])
    with pytest.raises(Refused, match="^ERROR: Please run 'az login' to setup account.$"):
        unconfigured(environment).configure()
    with pytest.raises(Refused, match="^Azure CLI not found on path$"):
        unconfigured({**environment, "PATH": "/nowhere"}).configure()


def test_the_default_credential_comes_first_when_asked_for(
    sandbox: Sandbox, unconfigured: Callable[[dict[str, str]], Plugin]
) -> None:
    wanted = {"ARM_USE_DEFAULT_AZURE_CREDENTIAL": "true", "ARM_CLIENT_SECRET": "wrong"}
    plugin = unconfigured(wanted)  # AZURE_CLIENT_SECRET and the rest are those of the sandbox
    plugin.configure()
    assert plugin.create(GROUP, {"resourceGroupName": "rg", "location": "westeurope"}).id


CERTIFICATE = {"clientCertificatePath": "/x.pem"}
SECRET = {"clientSecret": "s"}
OIDC = {"useOidc": "true", "oidcToken": "t"}
MSI = {"useMsi": "true"}
WHO = {"subscriptionId": "sub", "tenantId": "10000000-0000-0000-0000-000000000000", "clientId": "client"}


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        ({**WHO, "useDefaultAzureCredential": "true", **CERTIFICATE}, "DefaultAzureCredential"),
        ({**WHO, **SECRET, **OIDC, **MSI}, "ClientSecretCredential"),
        ({**WHO, **OIDC, **MSI}, "ClientAssertionCredential"),
        ({**WHO, **MSI}, "ManagedIdentityCredential"),
    ],
)
def test_ways_to_sign_in_are_tried_in_azure_natives_order(config: dict[str, str], kind: str) -> None:
    found = account(config)
    assert type(found.credential()).__name__ == kind
    assert found.subscription == "sub"


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ({**WHO, **CERTIFICATE, "tenantId": ""}, "A Tenant ID must be configured when authenticating as a Service Principal using a Client Certificate."),
        ({**WHO, **SECRET, "clientId": ""}, "A Client ID must be configured when authenticating as a Service Principal using a Client Secret."),
        ({**WHO, **MSI, "subscriptionId": ""}, "A Subscription ID must be configured when authenticating as a Managed Identity using MSI."),
        ({"useDefaultAzureCredential": "true", "subscriptionId": ""}, "A Subscription ID must be configured when authenticating using the Default Azure Credential."),
        ({**WHO, "useOidc": "true"}, "A OIDC token or request URL and token must be configured when authenticating with OIDC."),
    ],
)  # fmt: skip
def test_what_a_chosen_way_lacks_is_said_and_no_other_is_tried(
    config: dict[str, str], problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [*os.environ]:
        if name.startswith(("ARM_", "ACTIONS_")):
            monkeypatch.delenv(name)
    with pytest.raises(AzureError) as failed:
        account(config)
    assert str(failed.value) == problem


# Waits


def test_waits_are_azure_natives_unless_azure_says_when(azure: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds between polls: 10 for PUT, 30 for DELETE; between tries: 20, 60, 120."""
    from azure.core.pipeline.transport import RequestsTransport

    slept: list[float] = []
    send = RequestsTransport.send

    def without_retry_after(self: Any, request: Any, **options: Any) -> Any:
        answer = send(self, request, **options)
        answer.internal_response.headers.pop("Retry-After", None)
        answer.headers.pop("Retry-After", None)
        return answer

    def sleep(self: Any, seconds: float) -> None:
        slept.append(seconds)
        time.sleep(0.2)

    monkeypatch.delenv("SANDBOX_AZURE_NATIVE_PACE", raising=False)
    monkeypatch.setattr(RequestsTransport, "send", without_retry_after)
    monkeypatch.setattr(RequestsTransport, "sleep", sleep)
    made = Azure(account({}))
    sandbox = Sandbox(os.environ["SSL_CERT_FILE"].removesuffix("/ca.pem"))
    group = f"/subscriptions/{made.subscription}/resourceGroups/rg"
    made.put(group, "2024-03-01", {"location": "westeurope"}, 0)
    site = f"{group}/providers/Microsoft.Web/staticSites/site"
    body = {"location": "westeurope", "sku": {"name": "Free"}, "properties": {"provider": "SwaCli"}}
    made.put(site, "2025-05-01", body, 0)
    assert set(slept) == {10.0}
    slept.clear()
    sandbox.fault("status", 503, method="GET", path="staticSites/site", times=4)
    with pytest.raises(AzureError, match="Status=503"):
        made.get(site, "2025-05-01")
    assert slept == [20.0, 60.0, 120.0]
    slept.clear()
    made.delete(site, "2025-05-01", 0)
    assert set(slept) == {30.0}
