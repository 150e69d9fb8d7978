"""The provider `mtasts`: the engine's questions, answered once for all of its kinds (`provider.kinds`)."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import grpc
from pulumi.provider.experimental import provider as protocol
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

from policy import UserError
from provider import resources as _resources  # declares the kinds
from provider.kinds import KINDS, Kind
from provider.values import Properties, plain, wrap
from provider.wait import Wait

__all__ = ["Engine", "Resources", "differences"]
_ = _resources


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


class Resources(protocol.Provider):
    """All kinds of resources. Their inputs come from our own classes, so they aren't checked again here."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.cancelled = asyncio.Event()

    async def cancel(self) -> None:
        self.cancelled.set()

    async def check(self, request: protocol.CheckRequest) -> protocol.CheckResponse:
        old, new = plain(request.old_inputs), plain(request.new_inputs)
        warn = kind_of(request.urn).verb("warn") if old != new else None
        if warn:
            for line in await asyncio.to_thread(warn, old, new):
                await asyncio.to_thread(self.engine.log, request.urn, line, warning=True)
        return protocol.CheckResponse(inputs=request.new_inputs, failures=[])

    async def diff(self, request: protocol.DiffRequest) -> protocol.DiffResponse:
        kind = kind_of(request.urn)
        old, new = plain(request.old_state), plain(request.new_inputs)
        paths = sorted(kind.makes - set(old))
        for name in sorted({*old, *new} - kind.makes - kind.not_compared):
            paths += differences(name, old.get(name), new.get(name))
        if kind.watched:
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
            return protocol.CreateResponse("", state(kind, request.properties, await _preview(kind, inputs, {})))
        made = await _make(kind, inputs, {}, self._wait(request.urn, request.timeout, kind))
        return protocol.CreateResponse(kind.id.format(**inputs), state(kind, request.properties, made))

    async def update(self, request: protocol.UpdateRequest) -> protocol.UpdateResponse:
        kind, inputs, old = kind_of(request.urn), plain(request.news), plain(request.olds)
        if request.preview:
            return protocol.UpdateResponse(state(kind, request.news, await _preview(kind, inputs, old)))
        made = await _make(kind, inputs, old, self._wait(request.urn, request.timeout, kind))
        return protocol.UpdateResponse(state(kind, request.news, made))

    async def read(self, request: protocol.ReadRequest) -> protocol.ReadResponse:
        kind, old = kind_of(request.urn), plain(request.properties)
        now = await asyncio.to_thread(kind.work.read, old)
        changed = {name: wrap(value) for name, value in now.items() if value != old.get(name)}
        inputs = {name: value for name, value in changed.items() if name not in kind.makes}
        return protocol.ReadResponse(
            request.resource_id, {**request.properties, **changed}, {**request.inputs, **inputs}
        )

    async def delete(self, request: protocol.DeleteRequest) -> None:
        kind = kind_of(request.urn)
        if delete := kind.verb("delete"):
            await delete(plain(request.properties), self._wait(request.urn, request.timeout, kind))

    def _wait(self, urn: str, timeout: float, kind: Kind) -> Wait:
        return Wait(
            timeout or kind.timeout,
            tell=lambda line: self.engine.log(urn, line, status=True),
            say=lambda line: self.engine.log(urn, line, status=False),
            cancelled=self.cancelled,
        )


def state(kind: Kind, inputs: Properties, made: dict[str, Any]) -> Properties:
    """What the engine keeps: the inputs that are compared, and what was made."""
    kept = {name: value for name, value in inputs.items() if name not in kind.not_compared}
    return {**kept, **{name: wrap(value) for name, value in made.items()}}


async def _make(kind: Kind, inputs: dict[str, Any], old: dict[str, Any], wait: Wait) -> dict[str, Any]:
    update = kind.verb("update")
    return await (update(inputs, old, wait) if update else kind.work.create(inputs, wait))


async def _preview(kind: Kind, inputs: dict[str, Any], old: dict[str, Any]) -> dict[str, Any]:
    preview = kind.verb("preview")
    return await asyncio.to_thread(preview, inputs, old) if preview else {}


def kind_of(urn: str) -> Kind:
    """The kind that a URN names; its type part ends in a token such as `mtasts:index:Content`."""
    token = urn.split("::")[-2].split("$")[-1]
    if token not in KINDS:
        raise UserError(f"the provider mtasts has no resource {token!r}; it has {', '.join(KINDS)}")
    return KINDS[token]


def differences(path: str, old: Any, new: Any) -> list[str]:
    """The property paths in which two plain values differ; an unknown value always does."""
    if isinstance(old, dict) and isinstance(new, dict):
        old, new = cast(dict[str, Any], old), cast(dict[str, Any], new)
        return [
            inner
            for name in sorted({*old, *new})
            for inner in differences(f'{path}["{name}"]', old.get(name), new.get(name))
        ]
    return [] if old == new else [path]
