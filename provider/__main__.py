"""The provider's plugin process: `python -m provider [FLAGS] ENGINE_ADDRESS`, started by the engine."""

import sys

from pulumi.provider.experimental.server import ProviderServicer

from policy import UserError
from provider.protocol import OneLineErrors, serve
from provider.server import Engine, Resources

VERSION = "0.1.0"

if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[-1].startswith("-"):
        sys.exit("pulumi-resource-mtasts is started by the Pulumi engine: run `pulumi up` in this folder instead")
    serve(
        sys.argv[1:],
        lambda engine: ProviderServicer(sys.argv[1:], VERSION, Resources(Engine(engine)), engine_address=engine),
        OneLineErrors(UserError),
        threads=128,
    )
