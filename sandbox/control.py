"""Starting, stopping and asking a sandbox, for the command line and for tests."""

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from sandbox import devops, storage
from sandbox.plugins import installed
from sandbox.state import DELAYS, SHARES, State
from tools import get_engine

ROOT = Path(__file__).parents[1]
NAMES = ("proxy", "dns", "https", "http")


class SandboxError(Exception):
    """What went wrong, and the way out."""


class Sandbox:
    """One local Azure.

    :param folder: where its state is; by default `.sandbox` in the project.
    """

    def __init__(self, folder: Path | str | None = None) -> None:
        self.folder = Path(folder or os.environ.get("SANDBOX_DIR") or ROOT / ".sandbox").absolute()

    def __enter__(self) -> "Sandbox":
        self.up()
        return self

    def __exit__(self, *_: object) -> None:
        self.down()

    @property
    def running(self) -> dict[str, Any] | None:
        """Process id, start (epoch seconds) and ports; None when it isn't running. The daemon holds a lock, so
        that a stale file says nothing."""
        try:
            with (self.folder / "serve.lock").open() as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return None
        except BlockingIOError:
            try:
                return json.loads((self.folder / "running.json").read_text())
            except (OSError, ValueError):
                return None
        except OSError:
            return None

    def up(self, **wanted: int | None) -> bool:
        """Start it in the background.

        :param wanted: ports by name; by default those of last time where they are free.
        :returns: False when it was running already.
        :raises SandboxError: a wanted port is taken, or it doesn't come up.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.folder / "up.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if self.running:
                return False
            ports = self._ports({name: port for name, port in wanted.items() if port})
            process = self._spawn(ports)
            deadline = time.monotonic() + 30
            while not (found := self.running):
                if process.poll() is not None or time.monotonic() > deadline:
                    tail = (self.folder / "sandbox.log").read_text().strip().splitlines()[-1:]
                    raise SandboxError(f"it did not come up: {' '.join(tail)}; see {self.folder / 'sandbox.log'}")
                time.sleep(0.05)
            (self.folder / "ports.json").write_text(json.dumps({name: found[name] for name in NAMES}))
            return True

    def _ports(self, wanted: dict[str, int]) -> dict[str, int]:
        for name, port in wanted.items():
            if not _free(port):
                raise SandboxError(f"port {port} for {name} is taken; choose another, or none to get a free one")
        try:
            before: dict[str, int] = json.loads((self.folder / "ports.json").read_text())
        except (OSError, ValueError):
            before = {}
        return {**{name: port for name, port in before.items() if _free(port)}, **wanted}

    def _spawn(self, ports: dict[str, int]) -> subprocess.Popen[bytes]:
        options = [f"--port-{name}={port}" for name, port in ports.items()]
        with (self.folder / "sandbox.log").open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "sandbox", "--dir", str(self.folder), "serve", *options],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def down(self, kill: bool = False) -> bool:
        """Stop it; `kill` as a power cut would.

        :returns: False when it wasn't running.
        """
        found = self.running
        if not found:
            return False
        os.kill(found["pid"], signal.SIGKILL if kill else signal.SIGTERM)
        deadline = time.monotonic() + 10
        while self.running and time.monotonic() < deadline:
            time.sleep(0.02)
        if self.running:
            os.kill(found["pid"], signal.SIGKILL)
        return True

    def reset(self) -> None:
        """Stop it and forget everything."""
        self.down()
        if (self.folder / "state.db").exists():
            shutil.rmtree(self.folder)

    @property
    def state(self) -> State:
        """What it remembers; readable whether it runs or not."""
        return State(self.folder)

    def log(self, after: int = 0) -> list[dict[str, Any]]:
        """The request log: id, time, service (arm, login, azure, site, blob, web, dns, fault), host, method, path, status, detail."""
        return self.state.lines(after)

    def fault(self, kind: str, value: float = 0, *, host: str = "", method: str = "", path: str = "", times: int = 1) -> None:  # fmt: skip
        """Order a fault for the next `times` requests: kind status (value: the HTTP status), hang (seconds), cut,
        lose-reply, half (of an upload). Or for a custom domain, whose name is matched by `host`: domain-failed, its
        next bindings end Failed after they were accepted (value: after how many seconds; 0 for what validation
        takes); domain-stuck, its next deletions fail, and it stays `Deleting` (at Front Door: `Failed`). Or for one of
        Front Door's: domain-revalidation, it waits for revalidation once it is approved; domain-rejected,
        domain-timed-out and domain-internal-error, its validation ends so. Or for a role assignment: role-unseen and
        principal-unseen (`host`: the role's or the principal's id), as right after they were made.
        """
        self.state.db.execute(
            "INSERT INTO faults (host, method, path, kind, value, times) VALUES (?, ?, ?, ?, ?, ?)",
            (host, method, path, kind, value, times),
        )

    def delay(self, name: str, seconds: float) -> None:
        """Set how long something takes."""
        if name not in DELAYS:
            raise SandboxError(f"there is no delay {name}; there are {', '.join(DELAYS)}")
        self.state.set(name, seconds)

    def share(self, name: str, percent: float) -> None:
        """Set how much of something goes wrong. `rebound-404`: of the requests to a custom domain that was bound to
        another site before, so many in a hundred get the platform's 404, evenly spread, while it is Ready.
        """
        if name not in SHARES:
            raise SandboxError(f"there is no share {name}; there are {', '.join(SHARES)}")
        if not 0 <= percent <= 100:
            raise SandboxError(f"{name}: {percent:g} is none; a share is 0 to 100 per cent")
        self.state.set(name, percent)

    def unregister(self, namespace: str) -> None:
        """Make the subscription a fresh one, which hasn't registered a resource provider such as Microsoft.Web."""
        self.state.set(f"unregistered:{namespace.lower()}", "never")

    def env(self) -> dict[str, str]:
        """The variables that lead ordinary clients here.

        :raises SandboxError: it isn't running, or `SANDBOX_AZURE_NATIVE` asks for a plugin that isn't here.
        """
        found = self.running
        if not found:
            raise SandboxError("the local Azure is not running; start it: python -m sandbox up")
        state, proxy, dns = self.state, f"http://127.0.0.1:{found['proxy']}", f"127.0.0.1:{found['dns']}"
        ca, secret = str(self.folder / "ca.pem"), state.setting("client-secret")
        who = {"CLIENT_ID": state.setting("client"), "CLIENT_SECRET": secret, "TENANT_ID": state.setting("tenant"),
               "SUBSCRIPTION_ID": state.setting("subscription")}  # fmt: skip
        pulumi, home = self.folder / "pulumi", self.folder / "pulumi-home"
        pulumi.mkdir(exist_ok=True)
        try:
            installed.install(home)
        except installed.PluginError as error:
            raise SandboxError(str(error)) from None
        return {
            **dict.fromkeys(("HTTPS_PROXY", "https_proxy"), proxy),
            **dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1,localhost"),
            **dict.fromkeys(
                ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "GIT_SSL_CAINFO"),
                ca,
            ),
            **{f"ARM_{name}": value for name, value in who.items()},
            **{f"AZURE_{name}": value for name, value in who.items()},
            "AZDO_PERSONAL_ACCESS_TOKEN": devops.token(state),
            "AZDO_ORG_SERVICE_URL": f"https://dev.azure.com/{devops.ORGANIZATION}",
            "AZURE_STORAGE_ACCOUNT": storage.ACCOUNT,
            "MTA_STS_RESOLVER": dns,
            "MTA_STS_NAMESERVERS": dns,
            "PULUMI_BACKEND_URL": f"file://{pulumi}",
            "PULUMI_HOME": str(home),
            "PULUMI_CONFIG_PASSPHRASE": "sandbox",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_STACK": os.environ.get("PULUMI_STACK", "dev"),
            "PATH": _path(),
        }


def _path() -> str:
    engine = get_engine.present()
    first = [str(Path(sys.executable).parent), *([str(engine)] if engine else [])]
    rest = [each for each in os.environ.get("PATH", "").split(os.pathsep) if each not in first]
    return os.pathsep.join([*first, *rest])


def _free(port: int) -> bool:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, kind == socket.SOCK_STREAM)
            try:
                probe.bind(("127.0.0.1", port))
            except (OSError, OverflowError):
                return False
    return True
