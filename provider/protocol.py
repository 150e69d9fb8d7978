"""The provider protocol's glue, the same for every plugin in Python: the server, errors in one line.

Nothing of what a provider does stands here; the local Azure's stand-in plugin uses this module too.
"""

import asyncio
import inspect
import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import grpc.aio
from google.protobuf.message import Message
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS  # pyright: ignore[reportPrivateUsage]
from pulumi.runtime.proto import status_pb2
from pulumi.runtime.proto.provider_pb2_grpc import (
    ResourceProviderServicer,
    add_ResourceProviderServicer_to_server,  # pyright: ignore[reportUnknownVariableType]
)


class OneLineErrors(grpc.aio.ServerInterceptor):
    """Turns errors of one class into a gRPC status, so that their text alone reaches the user.

    gRPC itself would say `Unexpected <class …>`. An error's `detail`, a message of provider.proto such as
    ErrorResourceInitFailed, goes along where it has one.
    """

    def __init__(
        self, error: type[Exception], code: grpc.StatusCode = grpc.StatusCode.FAILED_PRECONDITION
    ) -> None:
        self._error, self._code = error, code

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
            except self._error as error:
                await context.abort(self._code, str(error), self._detail(error))

        return grpc.unary_unary_rpc_method_handler(call, handler.request_deserializer, handler.response_serializer)

    def _detail(self, error: Exception) -> tuple[tuple[str, bytes], ...]:
        detail: Message | None = getattr(error, "detail", None)
        if detail is None:
            return ()
        status = status_pb2.Status(code=self._code.value[0], message=str(error))
        status.details.add().Pack(detail)
        return (("grpc-status-details-bin", status.SerializeToString()),)


def serve(
    arguments: Sequence[str],
    make: Callable[[str], ResourceProviderServicer],
    errors: OneLineErrors,
    threads: int = 64,
) -> None:
    """Serve until the engine ends; the first line of output is the port, as the engine expects.

    :param arguments: as the engine gives them: its flags, such as -v=9, and last its own address.
    :param make: the provider, from the engine's address; methods that aren't coroutines run in threads.
    :param threads: how many calls may wait at once.
    """

    async def run() -> None:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(threads, "wait"))
        server = grpc.aio.server(options=_GRPC_CHANNEL_OPTIONS, interceptors=[errors])
        add_ResourceProviderServicer_to_server(make(arguments[-1]), server)
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        print(port, flush=True)
        for sign in (
            signal.SIGINT,
            signal.SIGTERM,
        ):  # the engine's way to say that it needs this no more; it waits
            asyncio.get_running_loop().add_signal_handler(sign, os._exit, 0)
        engine = os.getppid()
        while os.getppid() == engine:  # an engine that is killed says nothing
            await server.wait_for_termination(1)
        os._exit(0)

    try:
        asyncio.run(run())
    except KeyboardInterrupt:
        pass
