"""The provider `mtasts`: the engine's questions, answered once for all of its kinds (`provider.kinds`)."""

import asyncio
from typing import Any, cast

import grpc
from google.protobuf.empty_pb2 import Empty
from google.protobuf.struct_pb2 import Struct

from policy import UserError
from provider.imports import without_contents
from provider.kinds import KINDS, Kind
from provider.values import plain
from provider.wait import Wait

with without_contents(
    "pulumi", "pulumi.runtime", "pulumi.runtime.proto"
):  # the protocol is needed here, not the SDK
    from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, plugin_pb2
    from pulumi.runtime.proto import provider_pb2 as proto

    from provider.protocol import OneLineErrors, ResourceProviderServicer, serve

__all__ = ["Engine", "OneLineErrors", "Resources", "differences", "serve"]

VERSION = "0.1.0"


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


class Resources(ResourceProviderServicer):
    """All kinds of resources. Their inputs come from our own classes, so they aren't checked again here.

    Each method answers the engine's request of that name (pulumi/provider.proto).
    """

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self.engine = engine
        self.cancelled = asyncio.Event()

    async def GetPluginInfo(self, request: Any, context: Any) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=VERSION)

    async def CheckConfig(self, request: proto.CheckRequest, context: Any) -> proto.CheckResponse:
        return proto.CheckResponse(inputs=request.news)

    async def DiffConfig(self, request: proto.DiffRequest, context: Any) -> proto.DiffResponse:
        return proto.DiffResponse()

    async def Configure(self, request: proto.ConfigureRequest, context: Any) -> proto.ConfigureResponse:
        return proto.ConfigureResponse(
            acceptSecrets=True, supportsPreview=True, acceptOutputs=True, acceptResources=True
        )

    async def Cancel(self, request: Any, context: Any) -> Empty:
        self.cancelled.set()
        return Empty()

    async def Check(self, request: proto.CheckRequest, context: Any) -> proto.CheckResponse:
        changed = request.olds != request.news
        if changed and (warn := kind_of(request.urn).verb("warn")):
            old, new = plain(request.olds), plain(request.news)
            for line in await asyncio.to_thread(warn, old, new) if old != new else ():
                await asyncio.to_thread(self.engine.log, request.urn, line, warning=True)
        return proto.CheckResponse(inputs=request.news)

    async def Diff(self, request: proto.DiffRequest, context: Any) -> proto.DiffResponse:
        kind = kind_of(request.urn)
        old, new = plain(request.olds), plain(request.news)
        paths = sorted(kind.makes - set(old))
        for name in sorted({*old, *new} - kind.makes - kind.not_compared):
            paths += differences(name, old.get(name), new.get(name))
        if kind.watched:
            paths += await asyncio.to_thread(kind.work.stale, old)
        return proto.DiffResponse(
            changes=proto.DiffResponse.DIFF_SOME if paths else proto.DiffResponse.DIFF_NONE,
            diffs=sorted({path.split("[")[0] for path in paths}),
            detailedDiff={path: proto.PropertyDiff(kind=proto.PropertyDiff.UPDATE) for path in paths},
            hasDetailedDiff=True,
        )

    async def Create(self, request: proto.CreateRequest, context: Any) -> proto.CreateResponse:
        kind, inputs = kind_of(request.urn), plain(request.properties)
        if request.preview:
            foreseen = await _preview(kind, inputs, {})
            return proto.CreateResponse(properties=state(kind, request.properties, foreseen))
        made = await _make(kind, inputs, {}, self._wait(request.urn, request.timeout, kind))
        return proto.CreateResponse(id=kind.id.format(**inputs), properties=state(kind, request.properties, made))

    async def Update(self, request: proto.UpdateRequest, context: Any) -> proto.UpdateResponse:
        kind, inputs, old = kind_of(request.urn), plain(request.news), plain(request.olds)
        if request.preview:
            made = await _preview(kind, inputs, old)
        else:
            made = await _make(kind, inputs, old, self._wait(request.urn, request.timeout, kind))
        return proto.UpdateResponse(properties=state(kind, request.news, made))

    async def Read(self, request: proto.ReadRequest, context: Any) -> proto.ReadResponse:
        kind, old = kind_of(request.urn), plain(request.properties)
        now = await asyncio.to_thread(kind.work.read, old)
        changed = {name: value for name, value in now.items() if value != old.get(name)}
        request.properties.update(changed)
        request.inputs.update({name: value for name, value in changed.items() if name not in kind.makes})
        return proto.ReadResponse(id=request.id, properties=request.properties, inputs=request.inputs)

    async def Delete(self, request: proto.DeleteRequest, context: Any) -> Empty:
        kind = kind_of(request.urn)
        if delete := kind.verb("delete"):
            await delete(plain(request.properties), self._wait(request.urn, request.timeout, kind))
        return Empty()

    def _wait(self, urn: str, timeout: float, kind: Kind) -> Wait:
        return Wait(
            timeout or kind.timeout,
            tell=lambda line: self.engine.log(urn, line, status=True),
            say=lambda line: self.engine.log(urn, line, status=False),
            cancelled=self.cancelled,
        )


def state(kind: Kind, inputs: Struct, made: dict[str, Any]) -> Struct:
    """What the engine keeps: the inputs that are compared, secrets as such, and what was made."""
    kept = Struct(fields={name: value for name, value in inputs.fields.items() if name not in kind.not_compared})
    kept.update(made)
    return kept


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
