"""The provider's plugin process: `python -m provider [FLAGS] ENGINE_ADDRESS`, started by the engine."""

import sys

from policy import UserError
from provider.server import Engine, OneLineErrors, Resources, serve

if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[-1].startswith("-"):
        sys.exit("pulumi-resource-mtasts is started by the Pulumi engine: run `pulumi up` in this folder instead")
    serve(sys.argv[1:], lambda engine: Resources(Engine(engine)), OneLineErrors(UserError), threads=128)
