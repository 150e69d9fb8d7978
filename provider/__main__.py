"""The provider's plugin process: `python -m provider [FLAGS] ENGINE_ADDRESS`, started by the engine."""

import asyncio
import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor

import grpc.aio
from pulumi.provider.experimental.server import ProviderServicer
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS  # pyright: ignore[reportPrivateUsage]
from pulumi.runtime.proto import provider_pb2_grpc

from provider.server import Engine, OneLineErrors, Resources

VERSION = "0.1.0"


async def serve(engine_address: str) -> None:
    """Serve until the engine ends; the first line of output is the port, as the engine expects."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(128, "wait"))
    server = grpc.aio.server(options=_GRPC_CHANNEL_OPTIONS, interceptors=[OneLineErrors()])
    resources = Resources(Engine(engine_address))
    servicer = ProviderServicer(sys.argv[1:], VERSION, resources, engine_address=engine_address)
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
    if len(sys.argv) < 2 or sys.argv[-1].startswith("-"):
        sys.exit("pulumi-resource-mtasts is started by the Pulumi engine: run `pulumi up` in this folder instead")
    try:
        asyncio.run(serve(sys.argv[-1]))  # before it stand the engine's own flags, such as -v=9
    except KeyboardInterrupt:
        pass
