"""The azure-native provider as far as `types` goes, as the engine asks it.

What a program can notice is done as pulumi-azure-native 3 does it (provider/pkg/provider/provider.go): names and
locations that it chooses, replacement and its order, refusal to take over what exists, what is kept of a create that
failed half-way, what a refresh takes into the inputs, and errors, word for word.
"""

import random
import re
import sys
import uuid
from contextlib import suppress
from typing import Any

import grpc
from google.protobuf.empty_pb2 import Empty
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.struct_pb2 import Struct

from provider.imports import without_contents
from sandbox.plugins.client import Azure, AzureError, Unfinished
from sandbox.plugins.differences import differences, drift
from sandbox.plugins.sign_in import account
from sandbox.plugins.types import FUNCTIONS, TYPES, Type

with without_contents(
    "pulumi", "pulumi.runtime", "pulumi.runtime.proto"
):  # the protocol is needed here, not the SDK
    from pulumi.runtime.proto import plugin_pb2
    from pulumi.runtime.proto import provider_pb2 as proto

    from provider.protocol import OneLineErrors, ResourceProviderServicer, serve

VERSION = "3.29.0"
UNKNOWN = (
    "04da6b54-80e4-46f7-96ec-b56ff0331ba9"  # what a preview can't know yet (sdk/go/common/resource/plugin/rpc.go)
)
MARK = "__createBeforeDelete"  # among the inputs: its successor may be made before it goes
GROUPS = "2020-10-01"  # the API version that a resource group's location is asked with


class AzureNative(ResourceProviderServicer):
    """The provider. Each method answers the engine's request of that name (pulumi/provider.proto)."""

    def __init__(self) -> None:
        super().__init__()
        self.config: dict[str, str] = {}
        self.azure: Azure

    def GetPluginInfo(self, request: Any, context: Any) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=VERSION)

    def Cancel(self, request: Any, context: Any) -> Empty:
        self.azure.cancelled.set()
        return Empty()

    def CheckConfig(self, request: proto.CheckRequest, context: Any) -> proto.CheckResponse:
        return proto.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: proto.DiffRequest, context: Any) -> proto.DiffResponse:
        return proto.DiffResponse()

    def Configure(self, request: proto.ConfigureRequest, context: Any) -> proto.ConfigureResponse:
        self.config = {name.rpartition(":")[2]: value for name, value in request.variables.items()}
        self.azure = Azure(account(self.config))
        return proto.ConfigureResponse(supportsPreview=True)

    def Check(self, request: proto.CheckRequest, context: Any) -> proto.CheckResponse:
        type_, old, new = type_of(request.urn), values(request.olds), values(request.news)
        failures = [
            proto.CheckFailure(property=name, reason=f"the local Azure does not model {name!r} of {type_.path}")
            for name in new
            if name not in {*path_inputs(type_), *type_.top, *type_.inside} and not name.startswith("__")
        ]
        if type_.name not in new:
            new |= named(type_, request, old)
        failures += [proto.CheckFailure(reason=reason) for reason in misnamed(type_, new[type_.name])]
        if "location" in type_.top and "location" not in new and (location := self.location(old, new)):
            new["location"] = location
        new["azureApiVersion"] = type_.version
        return proto.CheckResponse(inputs=struct(new), failures=failures)

    def location(self, old: dict[str, Any], new: dict[str, Any]) -> str | None:
        """Where what isn't told its place goes: where it was, as configured, or where its resource group is."""
        if place := old.get("location") or self.config.get("location"):
            return place
        group = new.get("resourceGroupName")
        if group is None or group == UNKNOWN:
            return group
        with suppress(AzureError):
            body = self.azure.get(f"/subscriptions/{self.azure.subscription}/resourceGroups/{group}", GROUPS)
            return body["location"]
        return None

    def Diff(self, request: proto.DiffRequest, context: Any) -> proto.DiffResponse:
        type_, state = type_of(request.urn), values(request.olds)
        old, new = values(request.old_inputs), values(request.news)
        if "azureApiVersion" in state:
            old.setdefault("azureApiVersion", state["azureApiVersion"])
        replacing = {*path_inputs(type_), *type_.replace}
        kinds: dict[str, str] = {}
        for path, kind in differences(old, new).items():
            appeared = kind == "ADD" and state.get(path) == new.get(path)  # the same as what stands already
            kinds[path] = f"{kind}_REPLACE" if top(path) in replacing and not appeared else kind
        replaces = [path for path, kind in kinds.items() if kind.endswith("REPLACE")]
        return proto.DiffResponse(
            changes=proto.DiffResponse.DIFF_SOME if kinds else proto.DiffResponse.DIFF_NONE,
            replaces=replaces,
            deleteBeforeReplace=bool(replaces) and not old.get(MARK),
            diffs=[top(path) for path in kinds],
            detailedDiff={
                path: proto.PropertyDiff(kind=proto.PropertyDiff.Kind.Value(kind), inputDiff=True)
                for path, kind in kinds.items()
            },
            hasDetailedDiff=True,
        )

    def Create(self, request: proto.CreateRequest, context: Any) -> proto.CreateResponse:
        type_, inputs = type_of(request.urn), values(request.properties)
        if request.preview:
            return proto.CreateResponse(properties=struct(foreseen(type_, inputs)))
        id_ = self.id_of(type_, inputs)
        self.azure.check_absent(id_, type_.version)
        body = self.put(type_, id_, inputs, request.properties, request.timeout)
        return proto.CreateResponse(id=body.get("id", id_), properties=struct(state_of(type_, body)))

    def Update(self, request: proto.UpdateRequest, context: Any) -> proto.UpdateResponse:
        type_, inputs, old = type_of(request.urn), values(request.news), values(request.olds)
        if request.preview:
            stable = {name: old[name] for name in ("name", "location") if name in old}
            return proto.UpdateResponse(properties=struct({**foreseen(type_, inputs), **stable}))
        body = self.put(type_, self.id_of(type_, inputs), inputs, request.news, request.timeout)
        return proto.UpdateResponse(properties=struct(state_of(type_, body)))

    def put(self, type_: Type, id_: str, inputs: dict[str, Any], given: Struct, timeout: float) -> dict[str, Any]:
        """Create or update.

        :param given: the inputs as the engine gave them.
        :param timeout: seconds; 0 for the default.
        :raises Unfinished: Azure took it, and then it failed; its `detail` has what the engine is to keep.
        """
        try:
            return self.azure.put(id_, type_.version, wire(type_, inputs), timeout)
        except Unfinished as error:
            why, state = str(error), {}
            try:
                state = outputs(type_, self.azure.get(id_, type_.version, deadline=error.deadline))
            except AzureError as unread:
                if why != unread.TIMED_OUT:
                    why = f"resource created but read failed {unread}: {why}"
            kept = proto.ErrorResourceInitFailed(id=id_, properties=struct(state), reasons=[why], inputs=given)
            raise Unfinished(why, detail=kept) from None

    def Read(self, request: proto.ReadRequest, context: Any) -> proto.ReadResponse:
        type_, old = type_of(request.urn), values(request.properties)
        try:
            body = self.azure.get(request.id, type_.version)
        except AzureError as error:
            if error.status == 404:
                return proto.ReadResponse()
            raise
        new = state_of(type_, body)
        if request.HasField("inputs") and request.inputs.fields:
            inputs = drift(values(request.inputs), settable(type_, old), settable(type_, new))
        else:  # an import: all that can be set, as it is, but for what is empty
            there = {name: value for name, value in settable(type_, new).items() if value not in ({}, [])}
            inputs = {**names_in(type_, request.id), **there}
        return proto.ReadResponse(id=request.id, properties=struct(new), inputs=struct(inputs))

    def Delete(self, request: proto.DeleteRequest, context: Any) -> Empty:
        self.azure.delete(request.id, type_of(request.urn).version, request.timeout)
        return Empty()

    def Invoke(self, request: proto.InvokeRequest, context: Any) -> proto.InvokeResponse:
        arguments = values(request.args)
        if request.tok == "azure-native:authorization:getClientConfig":
            who = self.azure.account
            found = {
                "clientId": who.client,
                "tenantId": who.tenant,
                "subscriptionId": who.subscription,
                "objectId": "",
            }
        elif request.tok in FUNCTIONS:
            type_ = TYPES[FUNCTIONS[request.tok]]
            id_ = self.id_of(type_, arguments)
            try:
                found = state_of(type_, self.azure.get(id_, type_.version))
            except AzureError as error:
                raise AzureError(f"request failed {id_}: {error}", error.status) from None
            found["id"] = id_
        else:
            raise AzureError(f"the local Azure does not model {request.tok}")
        return_: dict[str, Any] = {"return": struct(found)}  # a keyword of Python's
        return proto.InvokeResponse(**return_)

    def id_of(self, type_: Type, inputs: dict[str, Any]) -> str:
        """The resource id that inputs make."""
        return type_.path.format(**{"subscriptionId": self.azure.subscription, **inputs})


def type_of(urn: str) -> Type:
    """The type that a URN names."""
    token = urn.split("::")[-2].split("$")[-1]
    if token not in TYPES:
        raise AzureError(f"the local Azure does not model {token}")
    return TYPES[token]


def named(type_: Type, request: proto.CheckRequest, old: dict[str, Any]) -> dict[str, Any]:
    """The name of what isn't told its name, and the mark where it is random."""
    if type_.name in old:
        return {type_.name: old[type_.name], **({MARK: True} if old.get(MARK) is True else {})}
    rng, name = random.Random(request.randomSeed or None), request.urn.split("::")[-1]
    if type_.naming == "copy":
        return {type_.name: name}
    suffix = "".join(rng.choices("0123456789abcdef", k=8))
    return {type_.name: str(uuid.UUID(int=rng.getrandbits(128))) if type_.naming == "uuid" else name + suffix, MARK: True}  # fmt: skip


def misnamed(type_: Type, name: str) -> list[str]:
    """Why a name can't be its type's, in the real plugin's words (validateProperty); its own names are checked, too."""
    (least, most), found = type_.lengths, []
    if name == UNKNOWN:
        return []
    if least and len(name) < least:
        found.append(f"'{type_.name}' is too short ({len(name)}): at least {least} characters required")
    if most and len(name) > most:
        found.append(f"'{type_.name}' is too long ({len(name)}): at most {most} characters allowed")
    if type_.pattern and not re.search(type_.pattern, name):
        found.append(f"'{type_.name}' does not match expression '{type_.pattern}'")
    return found


def path_inputs(type_: Type) -> list[str]:
    """The inputs that make up the id."""
    return [name for name in re.findall(r"{(\w+)}", type_.path) if name != "subscriptionId"]


def names_in(type_: Type, id_: str) -> dict[str, str]:
    """The path inputs in a resource id."""
    pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(type_.path))
    pattern = pattern.replace("(?P<scope>[^/]+)", "(?P<scope>.+)")  # a whole resource id
    match = re.fullmatch(pattern, id_, re.IGNORECASE)
    return {n: v for n, v in match.groupdict().items() if n != "subscriptionId"} if match else {}


def top(path: str) -> str:
    """The input that a property path lies in."""
    return re.split(r"[.\[]", path)[0]


def settable(type_: Type, properties: dict[str, Any]) -> dict[str, Any]:
    """What of a state is the user's to set."""
    return {name: properties[name] for name in (*type_.top, *type_.inside) if name in properties}


def wire(type_: Type, inputs: dict[str, Any]) -> dict[str, Any]:
    """A request's body."""
    body: dict[str, Any] = {name: inputs[name] for name in type_.top if name in inputs}
    if type_.inside:
        body["properties"] = {on_wire: inputs[name] for name, on_wire in type_.inside.items() if name in inputs}
    return body


def outputs(type_: Type, body: dict[str, Any]) -> dict[str, Any]:
    """A resource's body, flattened as the SDKs show it; what is null is left out."""
    inner = body.get("properties") or {}
    found = {name: body.get(name) for name in ("name", "type", "etag", *type_.top)}
    found |= {name: inner.get(on_wire) for name, on_wire in type_.inside.items()}
    found |= {name: inner.get(name) for name in type_.outputs}
    return without_nulls(found)


def state_of(type_: Type, body: dict[str, Any]) -> dict[str, Any]:
    """What the engine keeps."""
    return {**outputs(type_, body), "azureApiVersion": type_.version}


def foreseen(type_: Type, inputs: dict[str, Any]) -> dict[str, Any]:
    """What a preview knows of the outputs: what is an input too."""
    names = ("name", "type", *type_.top, *type_.inside, *type_.outputs)
    return {name: inputs.get(name, UNKNOWN) for name in names}


def values(properties: Struct) -> dict[str, Any]:
    """The engine's properties as plain values, whole numbers as int, without nulls."""
    return without_nulls(MessageToDict(properties))


def without_nulls(value: Any) -> Any:
    """A value without what is null in it."""
    if isinstance(value, dict):
        return {name: without_nulls(inner) for name, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [without_nulls(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def struct(properties: dict[str, Any]) -> Struct:
    """Plain values as the engine takes them."""
    return ParseDict(properties, Struct())


if __name__ == "__main__":
    serve(sys.argv[1:], lambda _: AzureNative(), OneLineErrors(AzureError, grpc.StatusCode.UNKNOWN), threads=128)
