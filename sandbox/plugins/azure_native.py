"""The azure-native provider as far as `types` goes: check, diff, create, read, update, delete, invoke.

What a program can notice is done as the real plugin does it: automatic names, `__inputs` kept in the state,
replacement when a path input or the location changes, refusal to create what exists already, errors in one line.
"""

import asyncio
import os
import random
import re
import signal
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import grpc
import grpc.aio
from pulumi.provider.experimental import provider as protocol
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.provider.experimental.server import ProviderServicer
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto import provider_pb2_grpc
from pulumi.runtime.rpc import UNKNOWN

from sandbox.plugins.client import Azure, AzureError
from sandbox.plugins.types import FUNCTIONS, TYPES, Type

VERSION = "3.29.0"
Properties = dict[str, PropertyValue]


class AzureNative(protocol.Provider):
    """The provider."""

    def __init__(self) -> None:
        self.azure = Azure({})

    async def configure(self, request: protocol.ConfigureRequest) -> protocol.ConfigureResponse:
        config = {name: value for name, value in plain(request.args).items() if isinstance(value, str)}
        self.azure = Azure(config)
        return await super().configure(request)

    async def check(self, request: protocol.CheckRequest) -> protocol.CheckResponse:
        type_ = type_of(request.urn)
        known = {*path_inputs(type_), *type_.top, *type_.inside}
        failures = [
            protocol.CheckFailure(
                name, f"the local Azure does not model {name!r} of {request.urn.split('::')[-2]}"
            )
            for name in request.new_inputs
            if name not in known
        ]
        inputs = dict(request.new_inputs)
        if type_.name not in inputs:
            before = request.old_inputs.get(type_.name)
            rng = random.Random(request.random_seed or None)
            name = request.urn.split("::")[-1] + "".join(rng.choices("0123456789abcdef", k=8))
            inputs[type_.name] = before or PropertyValue(name)
        location = self.azure.config.get("location")
        if "location" in type_.top and "location" not in inputs and location:
            inputs["location"] = PropertyValue(location)
        return protocol.CheckResponse(inputs=inputs, failures=failures)

    async def diff(self, request: protocol.DiffRequest) -> protocol.DiffResponse:
        type_ = type_of(request.urn)
        old, new = plain(request.old_state).get("__inputs", {}), plain(request.new_inputs)
        changed = [name for name in sorted({*old, *new}) if not equal(name, old.get(name), new.get(name))]
        replaces = [name for name in changed if name in (*path_inputs(type_), *type_.replace)]
        kinds = protocol.PropertyDiffKind
        return protocol.DiffResponse(
            changes=bool(changed),
            diffs=changed,
            replaces=replaces,
            delete_before_replace=bool(replaces) and not set(replaces) & {type_.name},
            detailed_diff={
                name: protocol.PropertyDiff(kinds.UPDATE_REPLACE if name in replaces else kinds.UPDATE, True)
                for name in changed
            },
        )

    async def create(self, request: protocol.CreateRequest) -> protocol.CreateResponse:
        type_ = type_of(request.urn)
        if request.preview:
            return protocol.CreateResponse("", preview(type_, request.properties))
        inputs = plain(request.properties)
        id_ = self.id_of(type_, inputs)
        if await asyncio.to_thread(self.azure.get, id_, type_.version):
            raise AzureError(f"cannot create already existing resource '{id_}'")
        body = await asyncio.to_thread(self.azure.put, id_, type_.version, wire(type_, inputs), request.timeout)
        return protocol.CreateResponse(body.get("id", id_), state(type_, body, request.properties))

    async def update(self, request: protocol.UpdateRequest) -> protocol.UpdateResponse:
        type_ = type_of(request.urn)
        if request.preview:
            return protocol.UpdateResponse({**request.olds, **preview(type_, request.news)})
        body = wire(type_, plain(request.news))
        put = self.azure.put
        body = await asyncio.to_thread(put, request.resource_id, type_.version, body, request.timeout)
        return protocol.UpdateResponse(state(type_, body, request.news))

    async def read(self, request: protocol.ReadRequest) -> protocol.ReadResponse:
        type_ = type_of(request.urn)
        body = await asyncio.to_thread(self.azure.get, request.resource_id, type_.version)
        if body is None:
            return protocol.ReadResponse("", {}, {})
        found = outputs(type_, body)
        old = plain(request.properties)
        inputs = dict(request.inputs)
        if not inputs:  # an import: everything that can be set, as it is
            inputs = {n: wrap(found[n]) for n in (*type_.top, *type_.inside) if found.get(n) is not None}
            inputs |= {name: wrap(value) for name, value in self.names_in(type_, request.resource_id).items()}
        for name in (*type_.top, *type_.inside):  # drift: what differs from when it was last written
            if name in found and name in old and not equal(name, old[name], found[name]):
                inputs[name] = wrap(found[name])
        return protocol.ReadResponse(body.get("id", request.resource_id), state(type_, body, inputs), inputs)

    async def delete(self, request: protocol.DeleteRequest) -> None:
        type_ = type_of(request.urn)
        if await asyncio.to_thread(self.azure.get, request.resource_id, type_.version):
            await asyncio.to_thread(self.azure.delete, request.resource_id, type_.version, request.timeout)

    async def invoke(self, request: protocol.InvokeRequest) -> protocol.InvokeResponse:
        arguments = plain(request.args)
        if request.tok == "azure-native:authorization:getClientConfig":
            azure = self.azure
            config = {"clientId": azure.setting("clientId", "ARM_CLIENT_ID"), "objectId": "", "subscriptionId": azure.subscription, "tenantId": azure.setting("tenantId", "ARM_TENANT_ID")}  # fmt: skip
            return protocol.InvokeResponse({name: wrap(value) for name, value in config.items()})
        if request.tok not in FUNCTIONS:
            raise AzureError(f"the local Azure does not model {request.tok}")
        type_ = TYPES[FUNCTIONS[request.tok]]
        body = await asyncio.to_thread(self.azure.send, "GET", self.id_of(type_, arguments), type_.version)
        found = outputs(type_, body)
        return protocol.InvokeResponse({name: wrap(value) for name, value in found.items() if value is not None})

    def id_of(self, type_: Type, inputs: dict[str, Any]) -> str:
        """The resource id that inputs make."""
        return type_.path.format(**{"subscriptionId": self.azure.subscription, **inputs})

    def names_in(self, type_: Type, id_: str) -> dict[str, str]:
        """The path inputs in a resource id."""
        pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(type_.path))
        pattern = pattern.replace("(?P<scope>[^/]+)", "(?P<scope>.+)")  # a whole resource id
        match = re.fullmatch(pattern, id_, re.IGNORECASE)
        return {n: v for n, v in match.groupdict().items() if n != "subscriptionId"} if match else {}


def type_of(urn: str) -> Type:
    """The type that a URN names."""
    token = urn.split("::")[-2].split("$")[-1]
    if token not in TYPES:
        raise AzureError(f"the local Azure does not model {token}")
    return TYPES[token]


def path_inputs(type_: Type) -> list[str]:
    """The inputs that make up the id."""
    return [name for name in re.findall(r"{(\w+)}", type_.path) if name != "subscriptionId"]


def wire(type_: Type, inputs: dict[str, Any]) -> dict[str, Any]:
    """A request's body."""
    body: dict[str, Any] = {name: inputs[name] for name in type_.top if name in inputs}
    properties = {on_wire: inputs[name] for name, on_wire in type_.inside.items() if name in inputs}
    if type_.inside:
        body["properties"] = properties
    if type_ is TYPES["azure-native:dns:Zone"]:
        body.setdefault("location", "global")
    return body


def outputs(type_: Type, body: dict[str, Any]) -> dict[str, Any]:
    """A resource's body, flattened as the SDKs show it."""
    properties = body.get("properties") or {}
    found = {name: body.get(name) for name in ("id", "name", "type", "etag", *type_.top)}
    found |= {name: properties.get(on_wire) for name, on_wire in type_.inside.items()}
    found |= {name: properties.get(name) for name in type_.outputs}
    return {name: value for name, value in found.items() if value is not None}


def state(type_: Type, body: dict[str, Any], inputs: Properties) -> Properties:
    """What the engine keeps."""
    return {
        **{name: wrap(value) for name, value in outputs(type_, body).items() if name != "id"},
        "azureApiVersion": PropertyValue(type_.version),
        "__inputs": PropertyValue(inputs),
    }


def preview(type_: Type, inputs: Properties) -> Properties:
    """What is known before it exists."""
    unknown = ("name", "type", "etag", *type_.outputs)
    return {**dict.fromkeys(unknown, PropertyValue(UNKNOWN)), **inputs}


def equal(name: str, old: Any, new: Any) -> bool:
    """Whether two values mean the same; Azure writes `West Europe` for `westeurope`."""
    if name == "location" and isinstance(old, str) and isinstance(new, str):
        return old.replace(" ", "").lower() == new.replace(" ", "").lower()
    return old == new


def plain(values: Mapping[str, PropertyValue]) -> dict[str, Any]:
    """Property values as plain Python ones."""
    return {name: _plain(value) for name, value in values.items()}


def _plain(value: PropertyValue) -> Any:
    inner = value.value
    if isinstance(inner, Mapping):
        return plain(inner)
    if isinstance(inner, Sequence) and not isinstance(inner, str):
        return [_plain(each) for each in inner]
    return inner


def wrap(value: Any) -> PropertyValue:
    """A plain Python value as a property value."""
    if isinstance(value, dict):
        return PropertyValue({name: wrap(each) for name, each in value.items()})
    if isinstance(value, list):
        return PropertyValue([wrap(each) for each in value])
    return PropertyValue(float(value) if isinstance(value, int) and not isinstance(value, bool) else value)


class OneLineErrors(grpc.aio.ServerInterceptor):
    """Turns an AzureError into a gRPC status, so that its text alone reaches the user."""

    async def intercept_service(self, continuation: Any, handler_call_details: grpc.HandlerCallDetails) -> Any:
        handler = await continuation(handler_call_details)
        inner = handler.unary_unary

        async def call(request: Any, context: Any) -> Any:
            try:
                return await inner(request, context)
            except AzureError as error:
                await context.abort(grpc.StatusCode.UNKNOWN, str(error))

        return inner and grpc.unary_unary_rpc_method_handler(
            call, handler.request_deserializer, handler.response_serializer
        )


async def serve(engine_address: str) -> None:
    """Serve until the engine ends."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(64))
    server = grpc.aio.server(options=_GRPC_CHANNEL_OPTIONS, interceptors=[OneLineErrors()])
    servicer = ProviderServicer(sys.argv[1:], VERSION, AzureNative(), engine_address=engine_address)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, flush=True)
    for sign in (signal.SIGINT, signal.SIGTERM):  # the engine's way to say that it needs this no more; it waits
        asyncio.get_running_loop().add_signal_handler(sign, os._exit, 0)
    engine = os.getppid()
    while os.getppid() == engine:  # an engine that is killed says nothing
        await server.wait_for_termination(1)
    os._exit(0)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(serve(sys.argv[-1]))
