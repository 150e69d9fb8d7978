"""Gets the azuredevops provider: `python -m tools.get_azuredevops` prints the folder that belongs on PATH.

Only the project in `pipeline/` needs it.

1. A plugin that the engine has installed already, or can download, is taken (an empty line is printed).
2. Else the cache, ~/.cache/mta-sts/azuredevops/<version>.
3. Else it is built from its Go modules (azuredevops/, beside this file): some minutes, once.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tools import get_engine
from tools.get_engine import EngineError

VERSION = "3.16.2"  # of the SDK in requirements.in
NAME = "pulumi-resource-azuredevops"
GO = (1, 26)  # the `go` line of azuredevops/go.mod


def main() -> int:
    """Print the folder; 1 and one line on stderr where the provider can't be had."""
    parser = argparse.ArgumentParser(prog="python -m tools.get_azuredevops", description=__doc__)
    parser.add_argument("--build", action="store_true", help="build from Go modules, download nothing else")
    options = parser.parse_args()
    try:
        print(cached() if options.build or not installed() else "")
    except EngineError as error:
        print(f"no azuredevops provider: {error}", file=sys.stderr)
        return 1
    return 0


def home() -> Path:
    """Where this version is cached."""
    return get_engine.home().parents[1] / "azuredevops" / VERSION


def installed() -> bool:
    """Whether the engine has the published plugin, now that it was asked to get it."""
    if (home() / NAME).exists():
        return False
    folder = get_engine.present()
    path = os.pathsep.join(filter(None, (str(folder) if folder else "", os.environ["PATH"])))
    pulumi = shutil.which("pulumi", path=path)
    if pulumi is None:
        return False
    command = [pulumi, "plugin", "install", "resource", "azuredevops", VERSION]
    try:
        run = subprocess.run(
            command, env={**os.environ, "PATH": path}, stdout=sys.stderr, stderr=subprocess.DEVNULL, timeout=120
        )
    except subprocess.TimeoutExpired:
        return False
    return run.returncode == 0


def cached() -> Path:
    """The cache's folder, filled if need be.

    :raises EngineError: no Go that is new enough, or the build fails.
    """
    program = home() / NAME
    if program.exists():
        return home()
    check_go()
    home().mkdir(parents=True, exist_ok=True)
    with get_engine.lock(home().parent / f"{VERSION}.lock"):
        if not program.exists():
            get_engine.say(f"building the azuredevops provider {VERSION} from its Go modules: some minutes, once")
            with tempfile.TemporaryDirectory(dir=home()) as folder:
                get_engine.go_build("azuredevops", ".", Path(folder) / NAME)
                os.replace(Path(folder) / NAME, program)
    return home()


def check_go() -> None:
    """Refuse a missing or too old Go before anything is downloaded."""
    way_out = f"install Go 1.26 or later (go.dev/dl), or: pulumi plugin install resource azuredevops {VERSION}"
    if not shutil.which("go"):
        raise EngineError(f"there is no Go to build it with; {way_out}")
    answer = subprocess.run(["go", "env", "GOVERSION", "GOTOOLCHAIN"], capture_output=True, text=True, check=False)
    found, _, toolchain = answer.stdout.strip().partition("\n")
    if get_engine.numbers(found) < GO and toolchain == "local":
        raise EngineError(f"{found or 'this Go'} is too old to build it; {way_out}")


if __name__ == "__main__":
    sys.exit(main())
