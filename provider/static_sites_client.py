"""Microsoft's deploy client: fetched and verified the way the official CLI does it, then run.

The contract is that of @azure/static-web-apps-cli 2.0.10 (dist/core/deploy-client.js and
dist/cli/commands/deploy/deploy.js): https://aka.ms/swalocaldeploy lists the builds with their SHA-256; the
client takes no arguments and reads its environment, so the deployment token stands in no command line.
"""

import asyncio
import hashlib
import json
import os
import platform
import re
import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import urllib3

from internet.https import manager
from internet.view import View
from policy import UserError
from provider.wait import Wait

METADATA = "https://aka.ms/swalocaldeploy"
CLIENT = "MTA_STS_STATIC_SITES_CLIENT"  # the path of a client that isn't to be downloaded
REDIRECTS = 5
# What a downloaded program gets of our environment: what it needs to run and to reach Azure. DEPLOYMENT_ENVIRONMENT,
# API_LOCATION, REPOSITORY_URL and the like, set by some pipeline, would change where it uploads and what it leaves.
PASSED = frozenset(
    {"PATH", "HOME", "TMPDIR", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"}
    | {"SYSTEMROOT", "TEMP", "TMP", "USERPROFILE"}  # Windows
)
COLOUR = re.compile(r"\x1b\[[0-9;]*m")  # its errors are red
REFUSED = ("api key was invalid", "No matching Static Web App was found")


def cache() -> Path:
    """Where verified clients are kept, a folder a SHA-256."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "mta-sts" / "static-sites-client"


def machine() -> str:
    """This machine in the metadata's words, such as `linux-x64`.

    :raises UserError: Microsoft publishes no client for it.
    """
    system = {"linux": "linux", "darwin": "osx", "win32": "win"}.get(sys.platform, sys.platform)
    # On macOS and Windows the x64 client runs on arm64 too, translated; on Linux it hangs or ends silently.
    if system == "linux" and platform.machine().lower() not in ("x86_64", "amd64"):
        raise UserError(
            f"Microsoft's StaticSitesClient runs on x86-64 only, this machine is {platform.machine()}. Run this "
            f"on an x86-64 machine, or name a client that runs here in {CLIENT}"
        )
    return f"{system}-x64"


def get(wait: Wait, sha256: str = "") -> Path:
    """The client to run: the one that the environment names, else Microsoft's.

    :param sha256: see `download`.
    :raises UserError: as `download`.
    """
    given = os.environ.get(CLIENT)
    return Path(given) if given else download(wait, sha256)


def fetched(url: str, wait: Wait) -> bytes:
    """Download over HTTPS, through HTTPS redirects alone, verified and bounded by the wait's deadline.

    :raises UserError: no answer or not 200.
    """
    view = View.from_environment()
    retries = urllib3.Retry(4, backoff_factor=0.5, status_forcelist=(429, 500, 502, 503, 504))
    try:
        for _ in range(REDIRECTS):
            if not url.startswith("https://"):
                raise UserError(f"{METADATA} leads to {url}, which isn't HTTPS; nothing was run")
            timeout = max(1.0, min(120.0, wait.left))
            with manager(view, url) as pool:
                answer = pool.request("GET", url, retries=retries, timeout=timeout, redirect=False)
            if not (to := answer.get_redirect_location()):
                break
            url = urljoin(url, to)
        else:
            raise UserError(f"can't download {url}: more than {REDIRECTS} redirects")
    except urllib3.exceptions.HTTPError as error:
        raise UserError(f"can't download {url}: {error}. Check the network and HTTPS_PROXY") from None
    if answer.status != 200:
        raise UserError(f"can't download {url}: the answer is {answer.status}")
    return answer.data


def download(wait: Wait, sha256: str = "") -> Path:
    """The verified client for this machine, from the cache or from Microsoft.

    :param sha256: what it must hash to, in lower case; "" for whatever Microsoft publishes beside it.

    :raises UserError: not to be had, or its SHA-256 isn't the published one.
    """
    wanted = machine()
    wait.tell("asking for the current StaticSitesClient")
    try:
        builds: list[dict[str, Any]] = json.loads(fetched(METADATA, wait))
        build = next(each for each in builds if each["version"] == "stable")
        url, sha = build["files"][wanted]["url"], build["files"][wanted]["sha"].lower()
    except (ValueError, KeyError, TypeError, StopIteration):
        raise UserError(f"{METADATA} lists no stable client for {wanted}") from None
    if sha256 and sha != sha256:
        raise UserError(
            f"Microsoft's current StaticSitesClient has the SHA-256 {sha}, not the one in "
            f"mta-sts:staticSitesClientSha256; look at what changed, then set that one, or name a kept client in {CLIENT}"
        )
    path = cache() / sha / "StaticSitesClient"
    if path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == sha:
        return path
    wait.tell("downloading StaticSitesClient")
    binary = fetched(url, wait)
    if hashlib.sha256(binary).hexdigest() != sha:
        raise UserError(f"{url} does not have the published SHA-256 {sha}; nothing was run")
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(binary)
    os.chmod(file.name, 0o755)
    os.replace(file.name, path)
    return path


async def upload(client: Path, folder: Path, token: str, wait: Wait) -> None:
    """Upload `folder` to the production environment of the token's site.

    :raises UserError: refused, or still failing after three tries.
    """
    last = ""
    for attempt in range(1, 4):
        wait.tell(f"uploading, try {attempt} of 3")
        code, output = await _run(client, folder, token, wait)
        if code == 0:
            return
        lines = [
            line.strip() for line in COLOUR.sub("", output.replace(token, "***")).splitlines() if line.strip()
        ]
        if any(each in output for each in REFUSED):
            raise UserError(
                "the deployment token was refused: no Static Web App has it (it was reset, or the site was made "
                "anew meanwhile). Run `pulumi refresh`, then `pulumi up`"
            )
        last = " / ".join(dict.fromkeys([*lines[:1], *lines[-3:]])) or f"no message, exit code {code}"
        wait.say(f"upload failed ({last}); the client ended with {code}")
        if attempt < 3:
            await wait.pause(2.0**attempt)
    raise UserError(f"upload failed three times: {last}. Nothing changed in DNS; run `pulumi up` again")


async def _run(client: Path, folder: Path, token: str, wait: Wait) -> tuple[int, str]:
    environment = {
        **{name: value for name, value in os.environ.items() if name.upper() in PASSED},
        "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1",  # or it ends where libicu isn't installed, as in slim images
        "DEPLOYMENT_ACTION": "upload",
        "DEPLOYMENT_PROVIDER": "SwaCli",
        "DEPLOYMENT_TOKEN": token,
        "REPOSITORY_BASE": str(folder),
        "APP_LOCATION": str(folder),
        "CONFIG_FILE_LOCATION": str(folder),
        "SKIP_APP_BUILD": "true",
        "SKIP_API_BUILD": "true",
        "VERBOSE": "false",
    }
    try:
        process = await asyncio.create_subprocess_exec(
            client, cwd=folder, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
    except OSError as error:
        raise UserError(f"can't run {client}: {error.strerror}") from None
    finished = asyncio.create_task(process.communicate())
    stopped = asyncio.create_task(wait.cancelled.wait())
    try:
        await asyncio.wait({finished, stopped}, timeout=wait.left, return_when=asyncio.FIRST_COMPLETED)
        if not finished.done():
            await wait.pause(0)  # raises when it was Ctrl-C
            raise UserError(f"{client.name} did not end within its time; it runs on x86-64 with glibc only")
        return process.returncode or 0, finished.result()[0].decode("utf-8", "replace")
    finally:
        stopped.cancel()
        if process.returncode is None:
            process.kill()
            await process.wait()
