"""What any plugin in Python needs to be one."""

import asyncio
import inspect
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import grpc.aio
from pulumi.runtime import proto
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto import provider_pb2_grpc, status_pb2

from sandbox.plugins.client import AzureError


class OneLineErrors(grpc.aio.ServerInterceptor):
    """Turns an error that is meant for the user into a gRPC status, so that its text alone reaches them.

    An error's `detail` goes along, where it has one.
    """

    async def intercept_service(self, continuation: Any, handler_call_details: grpc.HandlerCallDetails) -> Any:
        handler = await continuation(handler_call_details)
        inner = handler.unary_unary
        if inner is None:
            return handler

        async def call(request: Any, context: Any) -> Any:
            try:
                if inspect.iscoroutinefunction(inner):
                    return await inner(request, context)
                return await asyncio.to_thread(inner, request, context)
            except AzureError as error:
                await context.abort(grpc.StatusCode.UNKNOWN, str(error), _detail(error))

        return grpc.unary_unary_rpc_method_handler(call, handler.request_deserializer, handler.response_serializer)


def _detail(error: AzureError) -> tuple[tuple[str, bytes], ...]:
    detail = getattr(error, "detail", None)
    if detail is None:
        return ()
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=str(error))
    status.details.add().Pack(detail)
    return (("grpc-status-details-bin", status.SerializeToString()),)


async def serve(servicer: proto.ResourceProviderServicer, engine_address: str) -> None:
    """Serve until the engine ends; the first line of output is the port, as the engine expects."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(128))
    server = grpc.aio.server(options=_GRPC_CHANNEL_OPTIONS, interceptors=[OneLineErrors()])
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
