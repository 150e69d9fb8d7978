"""The program under Pulumi's mocks: what it declares, without an engine."""

import asyncio
import gc
import json
import os
import runpy
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

import grpc
import pulumi
import pulumi.runtime
from pulumi.runtime import mocks as pulumi_mocks
from pulumi.runtime.stack import run_in_stack

ROOT = Path(__file__).parents[1]


class NotFound(grpc.RpcError):
    """How the engine hands a provider's error over."""

    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode.UNKNOWN

    def details(self) -> str:
        return 'Status=404 Code="ResourceNotFound"'


class Cloud(pulumi_mocks.Mocks):
    """Answers what Azure would."""

    def __init__(self, zones: tuple[str, ...] = ("example.org", "example.net", "example.com")) -> None:
        self.zones = zones

    def new_resource(self, args: pulumi_mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        outputs = dict(args.inputs)
        if args.typ == "azure-native:web:StaticSite":
            outputs |= {"defaultHostname": f"{args.name}.azurestaticapps.net", "name": f"{args.name}0a1b"}
        if args.typ == "azure-native:resources:ResourceGroup":
            outputs["name"] = args.inputs["resourceGroupName"]
            return f"/subscriptions/sub/resourceGroups/{outputs['name']}", outputs
        if args.typ == "azure-native:managedidentity:UserAssignedIdentity":
            outputs |= {"clientId": "client", "principalId": "principal", "tenantId": "tenant", "name": args.name}
        if args.typ == "mtasts:index:VariableGroup":
            outputs["groupId"] = "7"
        if args.typ.startswith("azuredevops:"):
            outputs |= {"remoteUrl": "https://dev.azure.com/contoso/mail/_git/mta-sts"}
            if args.typ.endswith(":ServiceEndpointAzureRM"):
                outputs |= {
                    "workloadIdentityFederationIssuer": "issuer",
                    "workloadIdentityFederationSubject": "sc",
                }
            return str(sum(map(ord, args.name))), outputs  # Azure DevOps numbers things
        if args.typ == "azure-native:storage:StorageAccount":
            outputs["primaryEndpoints"] = {
                "blob": f"https://{args.name}0a1b.blob.core.windows.net/",
                "web": f"https://{args.name}0a1b.z6.web.core.windows.net/",
            }
        if args.typ.startswith("azure-native:cdn:"):
            names = ("profileName", "endpointName", "originGroupName", "originName", "ruleSetName", "ruleName")
            given = [args.inputs[name] for name in names if name in args.inputs]
            outputs["name"] = args.inputs.get("customDomainName") or args.inputs.get("routeName") or given[-1]
        if args.typ == "azure-native:cdn:AFDEndpoint":
            outputs["hostName"] = "mta-sts-0a1b.z01.azurefd.net"
        if args.typ == "mtasts:index:ValidationToken":
            outputs["token"] = f"token of {args.inputs['host']}"
        if args.typ in ("mtasts:index:Content", "mtasts:index:Folder"):
            outputs |= {"greatestMaxAge": 604800, "foundMode": ""}
        return f"{args.name}-id", outputs

    def call(self, args: pulumi_mocks.MockCallArgs) -> Any:
        if args.token == "azure-native:dns:getZone":
            if args.args["zoneName"] not in self.zones:
                raise NotFound
            return {"id": "zone", "name": args.args["zoneName"]}
        if args.token == "azuredevops:index/getGroup:getGroup":
            return {"id": "g", "groupId": f"identity of {args.args['name']}", "name": args.args["name"]}
        if args.token == "azuredevops:index/getProject:getProject":
            return {"id": "project that was there", "name": args.args["name"]}
        raise AssertionError(f"the program should not call {args.token}")


class Monitor(pulumi_mocks.MockMonitor):
    """Remembers the registrations as the engine would get them."""

    def __init__(self, mocks: pulumi_mocks.Mocks) -> None:
        super().__init__(mocks)
        self.requests: dict[str, Any] = {}
        self.outputs: dict[str, Any] = {}

    def RegisterResource(self, request: Any) -> Any:
        self.requests[request.name] = request
        return super().RegisterResource(request)

    def RegisterResourceOutputs(self, request: Any) -> Any:
        self.outputs[request.urn.split("::")[-1]] = request.outputs
        return super().RegisterResourceOutputs(request)

    def of(self, type_: str) -> set[str]:
        return {name for name, each in self.requests.items() if each.type == type_}

    def inputs(self, name: str) -> dict[str, Any]:
        return pulumi.runtime.rpc.deserialize_properties(self.requests[name].object)

    def before(self, name: str) -> set[str]:
        """Everything that must stand before a resource is made, by name."""
        found: set[str] = set()
        todo = {name}
        while todo:
            urns = {urn for one in todo for urn in self.requests[one].dependencies}
            todo = {urn.split("::")[-1] for urn in urns} - found
            found |= todo
        return found


@contextmanager
def _fresh(*packages: str) -> Iterator[None]:
    """These packages imported anew, and afterwards as they were: other tests hold classes of theirs."""

    def take_out() -> dict[str, ModuleType]:
        names = [name for name in sys.modules if name.partition(".")[0] in packages]
        return {name: sys.modules.pop(name) for name in names}

    before = take_out()
    try:
        yield
    finally:
        take_out()
        sys.modules.update(before)


def declare(
    config: dict[str, Any],
    cloud: Cloud | None = None,
    location: str = "westeurope",
    program: str = "__main__.py",
    project: str = "mta-sts",
    secret: tuple[str, ...] = (),
) -> Monitor:
    """Run a program once.

    :param secret: the configuration keys that hold secrets.
    """
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in config.items()}
    values = {f"{project}:{key}": text for key, text in texts.items()}
    values["azure-native:location"] = location
    monitor = Monitor(cloud or Cloud())
    with (
        _fresh("settings", "zones", "components", "pipeline"),
        patch.dict(
            os.environ,
            PULUMI_CONFIG=json.dumps(values),
            PULUMI_CONFIG_SECRET_KEYS=json.dumps([f"{project}:{key}" for key in secret]),
        ),
        patch("pulumi.log.debug", pulumi.log.debug),  # which the program replaces, for itself
        # Mocks have no callback server, which hooks need.
        patch("pulumi.resource_hooks.register_error_hook", lambda _: asyncio.ensure_future(asyncio.sleep(0))),
        patch("pulumi.resource_hooks.register_resource_hook", lambda _: asyncio.ensure_future(asyncio.sleep(0))),
    ):
        asyncio.set_event_loop(asyncio.new_event_loop())
        pulumi.runtime.set_mocks(
            monitor.mocks, project=project, stack="test", organization="organization", monitor=monitor
        )
        pulumi.runtime.set_all_config(values)
        pulumi.runtime.settings.set_root_resource(None)  # set_mocks has made one already
        loop = asyncio.get_event_loop()
        try:
            loop.run_until_complete(run_in_stack(lambda: runpy.run_path(str(ROOT / program))))
        finally:
            gc.enable()  # the program disables it, for itself
    return monitor
