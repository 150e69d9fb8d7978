"""Serving a site's files as Static Web Apps does, with its staticwebapp.config.json.

learn.microsoft.com/azure/static-web-apps/configuration
"""

import fnmatch
import hashlib
import json
import mimetypes
import random
import time
from dataclasses import dataclass, field
from typing import Any

from sandbox.arm.sites import DOMAIN_TYPE
from sandbox.dns.view import View
from sandbox.state import State

CONFIG = "staticwebapp.config.json"
DEFAULT_CERTIFICATE = "*.7.azurestaticapps.net"
CONFIG_KEYS = {"$schema", "routes", "navigationFallback", "responseOverrides", "mimeTypes", "globalHeaders",
               "trailingSlash", "auth", "networking", "forwardingGateway", "platform"}  # fmt: skip
WAITING = b"<!doctype html><title>Azure Static Web Apps - Welcome</title><h1>Your Azure Static Web App is live and waiting for your content</h1>"
NOT_FOUND = b"<!doctype html><title>Azure Static Web Apps - 404: Not found</title><h1>404: Not Found</h1>"


@dataclass
class Page:
    """An answer."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def sha256(self) -> str:
        """Of the body."""
        return hashlib.sha256(self.body).hexdigest()


def site_for(state: State, view: View, host: str) -> dict[str, Any] | None:
    """The site that serves a host: by default host name, or by a custom domain that is Ready."""
    site = view.site_named(host)
    if site:
        return site
    for domain in state.named(DOMAIN_TYPE, [host]):
        if domain["properties"]["status"] == "Ready":
            return state.get(domain["id"].rsplit("/", 2)[0])
    return None


def has_certificate(state: State, view: View, host: str) -> bool:
    """Whether a host's own certificate has been issued by now."""
    if view.site_named(host):
        return True
    return any(
        domain["properties"]["status"] == "Ready" and time.time() >= domain.get("_certificate", 0)
        for domain in state.named(DOMAIN_TYPE, [host])
    )


def serve(state: State, view: View, host: str, method: str, path: str) -> Page:
    """Answer one request."""
    site = site_for(state, view, host)
    if site is None:
        return Page(404, b"404 Web Site not found", {"Content-Type": "text/html"})
    if _misrouted(state, host):
        return Page(404, NOT_FOUND, {"Content-Type": "text/html"})
    files = _files(state, site)
    if not files:
        return Page(200 if path == "/" else 404, WAITING, {"Content-Type": "text/html"})
    config = _config(files)
    page = _route(files, config, method, path)
    override = config.get("responseOverrides", {}).get(str(page.status))
    if override and "rewrite" in override:
        found = files.get(override["rewrite"].lstrip("/"), NOT_FOUND)
        page = Page(override.get("statusCode", page.status), found, {"Content-Type": "text/html"})
    elif override and "redirect" in override:
        page = Page(override.get("statusCode", 302), b"", {"Location": override["redirect"]})
    page.headers = {"Cache-Control": "public, must-revalidate, max-age=30", **config.get("globalHeaders", {}), **page.headers}  # fmt: skip
    page.headers["ETag"] = f'"{page.sha256[:8]}"'
    return page


def _misrouted(state: State, host: str) -> bool:
    """Whether this request meets a route to the site that had the custom domain before
    (Azure/static-web-apps 1766, 1785, 1789: 25 to 45 % of them, while the status is Ready)."""
    share = state.share("rebound-404")
    if not share or not any(body.get("_rebound") for body in state.named(DOMAIN_TYPE, [host])):
        return False
    counter = f"rebound-requests:{host}"
    count = int(state.optional(counter) or 0) + 1
    state.set(counter, count)
    return count * share // 100 > (count - 1) * share // 100


def _files(state: State, site: dict[str, Any]) -> dict[str, bytes]:
    table = "files"
    if time.time() < site.get("_everywhere", 0) and random.random() < 0.5:  # an edge that hasn't heard of it yet
        table = "old_files"
    return dict(
        state.db.execute(f"SELECT path, content FROM {table} WHERE site = ?", (site["id"].lower(),)).fetchall()
    )


def _config(files: dict[str, bytes]) -> dict[str, Any]:
    try:
        config = json.loads(files.get(CONFIG, b"{}"))
    except ValueError:
        return {}
    return config if set(config) <= CONFIG_KEYS else {}  # one unknown key and Azure ignores the whole file


def _route(files: dict[str, bytes], config: dict[str, Any], method: str, path: str) -> Page:
    headers: dict[str, str] = {}
    for rule in config.get("routes", ()):
        if not fnmatch.fnmatchcase(path, rule["route"]) or method not in rule.get("methods", [method]):
            continue
        headers = rule.get("headers", {})
        if "redirect" in rule:
            return Page(rule.get("statusCode", 302), b"", {"Location": rule["redirect"]})
        if rule.get("statusCode", 200) != 200:
            return Page(rule["statusCode"], b"", headers)
        path = rule.get("rewrite", path)
        break
    if method not in ("GET", "HEAD"):
        return Page(405, b"")
    name = path.lstrip("/")
    if name == CONFIG:
        return Page(404, NOT_FOUND, {"Content-Type": "text/html"})
    for candidate in (name, f"{name.rstrip('/')}/index.html".lstrip("/"), f"{name.rstrip('/')}.html"):
        if candidate in files:
            return Page(200, files[candidate], {"Content-Type": _media_type(candidate, config), **headers})
    fallback = config.get("navigationFallback", {}).get("rewrite")
    if fallback:
        return Page(200, files.get(fallback.lstrip("/"), NOT_FOUND), {"Content-Type": "text/html"})
    return Page(404, NOT_FOUND, {"Content-Type": "text/html"})


def _media_type(name: str, config: dict[str, Any]) -> str:
    ending = f".{name.rpartition('.')[2]}"
    return config.get("mimeTypes", {}).get(ending) or mimetypes.guess_type(name)[0] or "application/octet-stream"
