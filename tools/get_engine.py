"""Gets the Pulumi engine: `python -m tools.get_engine` prints the folder that belongs first on PATH.

1. A `pulumi` on PATH that is new enough is taken as it is (an empty line is printed).
2. Else the cache, ~/.cache/mta-sts/engine/<version>-<build>/bin.
3. Else a release, downloaded from GitHub and held against its SHA-256 below.
4. Else it is built from its Go modules, whose go.sum files stand beside this one: package mirrors have the
   modules where releases can't be downloaded. That takes some minutes, once.

Progress goes to stderr. Nothing needs root.
"""

import argparse
import fcntl
import hashlib
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

VERSION = "3.250.0"  # of the SDK in requirements.in; an older engine may lack what it asks for
# SHA-256 of its releases: github.com/pulumi/homebrew-tap, Formula/pulumi.rb of that version
RELEASES = {
    "darwin-x64": "8aa1615ed737022949d4050bf183ab37bce1f9cecb88877bc6636db82604e348",
    "darwin-arm64": "dbd289ce3069cf567683252082e226aef533775f546df7286f64f3f36f5fda28",
    "linux-arm64": "deb4bf0d05b4cbaf3adcf82ffa44039ad0ebf039e33338ead8136877a437b4e5",
    "linux-x64": "8916fd36ccc96adbd45ca679194b685e3b767d94502ae05610878a6d9870b8f3",
}
ARCHITECTURES = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}
BUILD = 2  # counted up when what is built here changes
GO = (1, 25, 11)  # the `go` line of engine/go.mod
HERE = Path(__file__).parent
SDK = "github.com/pulumi/pulumi/sdk/v3"
SCRIPTS = ("python/cmd/pulumi-language-python-exec", "python/dist/pulumi-resource-pulumi-python")
STAMP = f"-X {SDK}/go/common/version.Version=v{VERSION}"


class EngineError(Exception):
    """Why there is no engine, and the way out."""


def main() -> int:
    """Print the folder; 1 and one line on stderr where none can be had."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.get_engine",
        description="Gets the Pulumi engine, and prints the folder that belongs first on PATH.",
    )
    parser.add_argument("--build", action="store_true", help="build from Go modules, download nothing else")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        print("" if on_path() and not options.build else cached(options.build))
    except EngineError as error:
        print(f"no Pulumi engine: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; run it again to go on", file=sys.stderr)
        return 130
    return 0


def present() -> Path | None:
    """The cache's folder, where PATH has no engine that would do and the cache has one."""
    return None if on_path() else next(iter(home().glob("bin")), None)


def home() -> Path:
    """Where this version, built in this way, is cached."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "mta-sts" / "engine" / f"{VERSION}-{BUILD}"


def on_path() -> bool:
    """Whether PATH has an engine that is new enough, and the Python language host beside it."""
    if not (shutil.which("pulumi") and shutil.which("pulumi-language-python")):
        return False
    answer = subprocess.run(["pulumi", "version"], capture_output=True, text=True, check=False)
    return numbers(answer.stdout) >= numbers(VERSION)


def numbers(version: str) -> tuple[int, ...]:
    """`v3.250.0-dev` -> (3, 250, 0); nothing for what is no version."""
    found = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", version)
    return tuple(int(each or 0) for each in found.groups()) if found else ()


def cached(only_build: bool = False) -> Path:
    """The cache's folder, filled if need be.

    :raises EngineError: the engine can neither be downloaded nor built.
    """
    bin_ = home() / "bin"
    if bin_.exists():  # it is moved there as a whole
        return bin_
    home().parent.mkdir(parents=True, exist_ok=True)
    with lock(home().parent / f"{home().name}.lock"):
        if not bin_.exists():
            with tempfile.TemporaryDirectory(dir=home().parent) as folder:
                if only_build or not download(Path(folder)):
                    build(Path(folder) / "bin")
                Path(folder, "bin", "pulumi").chmod(0o755)
                home().mkdir(exist_ok=True)
                os.replace(Path(folder) / "bin", bin_)
    return bin_


@contextmanager
def lock(path: Path) -> Iterator[None]:
    """One at a time; a second run waits for the first and finds its result."""
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another run that gets the engine")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def download(folder: Path) -> bool:
    """Put a release into `bin`; False where it can't be had from here.

    :raises EngineError: what came isn't that release.
    """
    name = f"{sys.platform}-{ARCHITECTURES.get(platform.machine().lower(), '')}"
    url = f"https://github.com/pulumi/pulumi/releases/download/v{VERSION}/pulumi-v{VERSION}-{name}.tar.gz"
    if name not in RELEASES:
        return False
    say(f"downloading Pulumi {VERSION}")
    try:
        with urlopen(url, timeout=10) as answer, (folder / "release").open("wb") as file:
            shutil.copyfileobj(answer, file)
    except (URLError, OSError) as error:
        say(f"releases can't be downloaded from here ({getattr(error, 'reason', error)})")
        return False
    with (folder / "release").open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != RELEASES[name]:
            raise EngineError(
                f"{url} doesn't have the SHA-256 that stands in tools/get_engine.py; nothing of it was run"
            )
    with tarfile.open(folder / "release") as archive:
        archive.extractall(folder, filter="data")
    os.replace(folder / "pulumi", folder / "bin")
    return True


def build(folder: Path) -> None:
    """Build engine, language host and its launcher, and take the two scripts out of the SDK's module.

    :raises EngineError: no Go that is new enough, or a build fails.
    """
    check_go()
    folder.mkdir(parents=True)
    say(f"building Pulumi {VERSION} from its Go modules: some minutes, once")
    go_build("engine", "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi", folder / "pulumi", STAMP)
    go_build("language_host", f"{SDK}/python/cmd/pulumi-language-python", folder / "python-language-host")
    go_build("language_host", "./launcher", folder / "pulumi-language-python")
    module = Path(go("engine", "list", "-m", "-f", "{{.Dir}}", SDK).strip())
    for script in SCRIPTS:
        target = folder / Path(script).name
        shutil.copyfile(module / script, target)
        target.chmod(0o755)


def check_go() -> None:
    """Refuse a missing or too old Go before anything is downloaded."""
    if not (HERE / "engine").is_dir():  # the template has no modules
        raise EngineError(f"install Pulumi {VERSION} or later (pulumi.com/docs/install), and put it on PATH")
    wanted = ".".join(str(each) for each in GO)
    way_out = f"install Go {wanted} or later (go.dev/dl), or Pulumi {VERSION} or later (pulumi.com/docs/install)"
    if not shutil.which("go"):
        raise EngineError(f"there is no Go to build it with; {way_out}")
    answer = subprocess.run(["go", "env", "GOVERSION", "GOTOOLCHAIN"], capture_output=True, text=True, check=False)
    found, _, toolchain = answer.stdout.strip().partition("\n")
    if numbers(found) < GO and toolchain == "local":
        raise EngineError(f"{found or 'this Go'} is too old to build it; {way_out}")


def go_build(module: str, package: str, target: Path, ldflags: str = "") -> None:
    """Build one program of a module folder beside this file; go.sum vouches for what is downloaded."""
    go(module, "build", "-trimpath", "-ldflags", f"-s -w {ldflags}".strip(), "-o", str(target), package)


def go(module: str, *arguments: str) -> str:
    """Run go in a module folder, with a line of progress now and then.

    :returns: its standard output.
    :raises EngineError: it failed; with its last line.
    """
    environment = {**os.environ, "GOFLAGS": "-mod=readonly -buildvcs=false", "GOWORK": "off", "CGO_ENABLED": "0"}
    started, shown = time.monotonic(), 0.0
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        ["go", *arguments],
        cwd=HERE / module,
        env=environment,
        text=True,
        stdout=pipe,
        stderr=pipe,
        process_group=0,
    )
    try:
        while True:
            try:
                output, log = process.communicate(timeout=1)
                break
            except subprocess.TimeoutExpired:
                elapsed = time.monotonic() - started
                if elapsed - shown >= (1 if sys.stderr.isatty() else 30):
                    shown = elapsed
                    say(f"building {module.replace('_', ' ')}: {elapsed:.0f} s", passing=True)
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    if process.returncode:
        lines = [line for line in log.splitlines() if not line.startswith("go: downloading")]
        raise EngineError(f"go {arguments[0]} in tools/{module} failed: {' / '.join(lines[-3:])}")
    return output


def say(line: str, passing: bool = False) -> None:
    """A line on stderr; a passing one is overwritten on a terminal."""
    tty = sys.stderr.isatty()
    print(f"\r\x1b[K{line}" if tty else line, end="" if passing and tty else "\n", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
