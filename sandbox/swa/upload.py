"""The content service, and where the deploy client is published (aka.ms/swalocaldeploy)."""

import hashlib
import io
import json
import time
import zipfile
from pathlib import Path
from typing import Any

from sandbox.arm.sites import TYPE
from sandbox.state import State
from sandbox.swa.hosting import Page

CONTENT_HOST = "content-am2.infrastructure.7.azurestaticapps.net"
CLIENT_HOST = "swalocaldeploy.azureedge.net"
CLIENT = Path(__file__).with_name("static_sites_client.py")
PROVIDERS = ("SwaCli", "DevOps", "GitHub", "Custom")
JSON = {"Content-Type": "application/json"}


def metadata() -> Page:
    """The list of builds; every platform gets the same script here."""
    client = CLIENT.read_bytes()
    sha = hashlib.sha256(client).hexdigest()
    file = {"url": f"https://{CLIENT_HOST}/downloads/{sha[:12]}/StaticSitesClient", "sha": sha}
    files = dict.fromkeys(("linux-x64", "osx-x64", "win-x64"), file)
    builds = [{"version": version, "buildId": f"local-{sha[:12]}", "publishDate": "", "files": files} for version in ("latest", "stable")]  # fmt: skip
    return Page(200, json.dumps(builds).encode(), JSON)


def client() -> Page:
    """The deploy client itself."""
    return Page(200, CLIENT.read_bytes(), {"Content-Type": "application/octet-stream"})


def receive(state: State, headers: dict[str, str], archive: bytes, half: bool = False) -> Page:
    """Put an uploaded archive live, all of it at once.

    :param half: only the later half of the files, and say nothing of it.
    """
    token = headers.get("authorization", "").removeprefix("Bearer ")
    site = next((each for each in state.of(TYPE) if token and each["_api_key"] == token), None)
    if site is None:
        return _refused("No matching Static Web App was found or the api key was invalid.")
    provider = headers.get("x-deployment-provider", "")
    if provider not in PROVIDERS:
        return _refused(f"The deployment provider {provider} is not known.")
    if site["properties"]["provider"] not in ("None", "Custom", "SwaCli", provider):
        return _refused(
            f"The static site is linked to another deployment provider, {site['properties']['provider']}."
        )
    with zipfile.ZipFile(io.BytesIO(archive)) as files:
        content = {name: files.read(name) for name in files.namelist() if not name.endswith("/")}
    if "index.html" not in content:
        return _refused("Failed to find a default file in the app artifacts folder (index.html).")
    if half:
        content = {name: content[name] for name in sorted(content)[len(content) // 2 :]}
    site["properties"] |= {"provider": provider, "repositoryUrl": None, "branch": None}
    if provider != "SwaCli":  # the swa command has no repository (Azure/static-web-apps 516)
        site["properties"] |= {"repositoryUrl": headers.get("x-repository-url") or None, "branch": headers.get("x-branch") or None}  # fmt: skip
    _store(state, site, content)
    return Page(200, json.dumps({"siteUrl": f"https://{site['properties']['defaultHostname']}"}).encode(), JSON)


def _store(state: State, site: dict[str, Any], content: dict[str, bytes]) -> None:
    id_ = site["id"].lower()
    site["_deployed"], site["_everywhere"] = True, time.time() + state.delay("edge-lag")
    state.db.execute("BEGIN IMMEDIATE")
    state.db.execute("DELETE FROM old_files WHERE site = ?", (id_,))
    state.db.execute("INSERT INTO old_files SELECT * FROM files WHERE site = ?", (id_,))
    state.db.execute("DELETE FROM files WHERE site = ?", (id_,))
    state.db.executemany(
        "INSERT INTO files VALUES (?, ?, ?)", [(id_, name, data) for name, data in content.items()]
    )
    state.put(site)
    state.db.execute("COMMIT")


def _refused(reason: str) -> Page:
    return Page(400, json.dumps({"error": reason}).encode(), JSON)
