"""The provider protocol, once for all of this provider's resources (`provider.kinds`).

Deleting one deletes nothing in the world: the site takes its content along, and a wait leaves nothing behind. It
may be refused, though, or waited with.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, cast

import grpc
import grpc.aio
from pulumi.provider.experimental import provider as protocol
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc
from pulumi.runtime.rpc import UNKNOWN  # how the engine writes a value that a preview can't know yet

from policy import UserError
from provider.kinds import KINDS, Kind
from provider.wait import Wait

Properties = dict[str, PropertyValue]


class Engine:
    """What the plugin tells the engine while it works: lines and status of one resource."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._stub: engine_pb2_grpc.EngineStub | None = None

    def log(self, urn: str, message: str, status: bool = False, warning: bool = False) -> None:
        """Show a line beside a resource; a `status` replaces the one before."""
        if self._stub is None:
            self._stub = engine_pb2_grpc.EngineStub(grpc.insecure_channel(self._address))
        request = engine_pb2.LogRequest(
            severity=engine_pb2.LogSeverity.WARNING if warning else engine_pb2.LogSeverity.INFO,
            message=message,
            urn=urn,
            ephemeral=status,
        )
        try:
            self._stub.Log(request, timeout=5)  # pyright: ignore[reportUnknownMemberType]
        except grpc.RpcError:
            pass  # the engine is going down; progress isn't worth an error


class OneLineErrors(grpc.aio.ServerInterceptor):
    """Turns a UserError into a gRPC status, so that its text alone reaches the user."""

    async def intercept_service(self, continuation: Any, handler_call_details: grpc.HandlerCallDetails) -> Any:
        handler = await continuation(handler_call_details)
        inner = handler.unary_unary
        if inner is None:
            return handler

        async def call(request: Any, context: Any) -> Any:
            try:
                return await inner(request, context)
            except UserError as error:
                await context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))

        return grpc.unary_unary_rpc_method_handler(call, handler.request_deserializer, handler.response_serializer)


class Resources(protocol.Provider):
    """The provider `mtasts`."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.cancelled = asyncio.Event()

    async def cancel(self) -> None:
        self.cancelled.set()

    async def check(self, request: protocol.CheckRequest) -> protocol.CheckResponse:
        kind = kind_of(request.urn)
        failures = [
            protocol.CheckFailure(name, f"there is no input {name!r}")
            for name in request.new_inputs
            if name not in kind.inputs
        ]
        given = plain(request.new_inputs)
        failures += [
            protocol.CheckFailure(name, f"{name!r} is missing or not a {wanted.__name__}")
            for name, wanted in kind.inputs.items()
            if not isinstance(given.get(name), wanted)
            and given.get(name) != UNKNOWN
            and not (name in kind.optional and given.get(name) is None)
        ]
        if "cautions" in kind.also and not failures:
            for line in await asyncio.to_thread(kind.work.cautions, plain(request.old_inputs), given):
                await asyncio.to_thread(self.engine.log, request.urn, line, warning=True)
        return protocol.CheckResponse(inputs=request.new_inputs, failures=failures)

    async def diff(self, request: protocol.DiffRequest) -> protocol.DiffResponse:
        kind = kind_of(request.urn)
        old, new = plain(request.old_state), plain(request.new_inputs)
        paths = sorted(kind.makes - set(old))
        for name in kind.inputs:
            if name not in kind.not_compared:
                paths += differences(name, old.get(name), new.get(name))
        if "stale" in kind.also:
            paths += await asyncio.to_thread(kind.work.stale, old)
        return protocol.DiffResponse(
            changes=bool(paths),
            diffs=sorted({path.split("[")[0] for path in paths}),
            detailed_diff={
                path: protocol.PropertyDiff(protocol.PropertyDiffKind.UPDATE, input_diff=False) for path in paths
            },
        )

    async def create(self, request: protocol.CreateRequest) -> protocol.CreateResponse:
        kind, inputs = kind_of(request.urn), plain(request.properties)
        if request.preview:
            return protocol.CreateResponse(
                "", outputs(kind, request.properties, await asyncio.to_thread(_outlook, kind, inputs, {}))
            )
        made = await kind.work.apply(inputs, {}, self._wait(request.urn, request.timeout, kind))
        return protocol.CreateResponse(kind.id.format(**inputs), outputs(kind, request.properties, made))

    async def update(self, request: protocol.UpdateRequest) -> protocol.UpdateResponse:
        kind, inputs, old = kind_of(request.urn), plain(request.news), plain(request.olds)
        if request.preview:
            foreseen = await asyncio.to_thread(_outlook, kind, inputs, old)
            return protocol.UpdateResponse(outputs(kind, request.news, foreseen))
        made = await kind.work.apply(inputs, old, self._wait(request.urn, request.timeout, kind))
        return protocol.UpdateResponse(outputs(kind, request.news, made))

    async def read(self, request: protocol.ReadRequest) -> protocol.ReadResponse:
        state = plain(request.properties)
        found = await asyncio.to_thread(kind_of(request.urn).work.observe, state)
        changed = {name: wrap(value) for name, value in found.items() if value != state.get(name)}
        return protocol.ReadResponse(
            request.resource_id, {**request.properties, **changed}, {**request.inputs, **changed}
        )

    async def delete(self, request: protocol.DeleteRequest) -> None:
        kind = kind_of(request.urn)
        if "release" in kind.also:
            await kind.work.release(plain(request.properties), self._wait(request.urn, request.timeout, kind))

    def _wait(self, urn: str, timeout: float, kind: Kind) -> Wait:
        return Wait(
            timeout or kind.timeout,
            tell=lambda line: self.engine.log(urn, line, status=True),
            say=lambda line: self.engine.log(urn, line, status=False),
            cancelled=self.cancelled,
        )


def outputs(kind: Kind, inputs: Properties, made: dict[str, Any]) -> Properties:
    """The state: the inputs that are compared, and what `apply` made."""
    kept = {name: value for name, value in inputs.items() if name not in kind.not_compared}
    return {**kept, **{name: wrap(value) for name, value in made.items()}}


def _outlook(kind: Kind, inputs: dict[str, Any], old: dict[str, Any]) -> dict[str, Any]:
    return kind.work.outlook(inputs, old) if "outlook" in kind.also else {}


def kind_of(urn: str) -> Kind:
    """The kind that a URN names; its type part ends in a token such as `mtasts:index:Content`."""
    token = urn.split("::")[-2].split("$")[-1]
    if token not in KINDS:
        raise UserError(f"the provider mtasts has no resource {token!r}; it has {', '.join(KINDS)}")
    return KINDS[token]


def plain(values: Properties) -> dict[str, Any]:
    """Property values as plain Python ones; what a preview can't know yet is UNKNOWN."""
    return {name: _plain(value) for name, value in values.items()}


def _plain(value: PropertyValue) -> Any:
    inner = value.value
    if isinstance(inner, Mapping):
        return plain(cast(Properties, inner))
    if isinstance(inner, Sequence) and not isinstance(inner, str):
        return [_plain(each) for each in inner]
    return inner


def wrap(value: Any) -> PropertyValue:
    """A plain Python value as a property value."""
    if isinstance(value, dict):
        return PropertyValue({name: wrap(each) for name, each in cast(dict[str, Any], value).items()})
    if isinstance(value, list):
        return PropertyValue([wrap(each) for each in cast(list[Any], value)])
    return PropertyValue(float(value) if isinstance(value, int) and not isinstance(value, bool) else value)


def differences(path: str, old: Any, new: Any) -> list[str]:
    """The property paths in which two plain values differ; an unknown value always does."""
    if isinstance(old, dict) and isinstance(new, dict):
        old, new = cast(dict[str, Any], old), cast(dict[str, Any], new)
        return [
            found
            for name in sorted({*old, *new})
            for found in differences(f'{path}["{name}"]', old.get(name), new.get(name))
        ]
    return [] if old == new else [path]
