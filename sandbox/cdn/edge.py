"""What a host answers at Front Door's edge.

learn.microsoft.com/azure/frontdoor/front-door-route-matching, …/front-door-rules-engine-actions.
"""

import random
import secrets
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from sandbox.cdn import domains
from sandbox.cdn.checks import REDIRECTS
from sandbox.cdn.kinds import ORIGIN, ROUTE, RULE
from sandbox.dns.view import View
from sandbox.state import State
from sandbox.storage import website
from sandbox.swa import hosting
from sandbox.swa.hosting import Page

DEFAULT_CERTIFICATE = "*.azureedge.net"
UNKNOWN = (404, "Page not found", "Oops! We weren't able to find your Azure Front Door Service configuration. If it's a new configuration that you recently created, it might not be ready yet. You should check again in a few minutes. If the problem persists, please contact Azure support.")  # fmt: skip
UNREACHABLE = (503, "Our services aren't available right now", "We're working to restore all services as soon as possible. Please check back soon.")  # fmt: skip


def has_certificate(state: State, view: View, host: str) -> bool:
    """Whether a host has a certificate of its own here by now; others get `DEFAULT_CERTIFICATE`."""
    if view.endpoint_named(host):
        return True
    for domain in domains.named(state, host):
        found = domains.look(state, view, domain)
        if time.time() >= found.get("_certificate", float("inf")):
            return True
    return False


def serve(state: State, view: View, host: str, method: str, url: str, scheme: str = "https") -> Page:
    """Answer one request.

    :param url: its path and query.
    """
    reference = secrets.token_hex(16)
    path = urlsplit(url).path
    route = _route(state, view, host, path, "Https" if scheme == "https" else "Http")
    if route is None:
        page = _error(reference, *UNKNOWN)
    elif scheme == "http" and route["httpsRedirect"] == "Enabled":
        page = Page(307, b"", {"Location": f"https://{host}{url}"})
    else:
        page = _answer(state, view, route, host, method, url, scheme) or _error(reference, *UNREACHABLE)
    return Page(page.status, page.body, {**page.headers, "x-azure-ref": reference, "X-Cache": "CONFIG_NOCACHE"})


def _error(reference: str, status: int, title: str, text: str) -> Page:
    body = f"<!DOCTYPE html><html><head><title>{title}</title></head><body><h2>{title}</h2><p>{text}</p><div>{reference}</div></body></html>"  # fmt: skip
    return Page(status, body.encode(), {"Content-Type": "text/html"})


def _now(body: dict[str, Any]) -> dict[str, Any] | None:
    """A resource's properties at one of many edges: for a while after a change, some know only what was before."""
    if time.time() < body.get("_everywhere", 0) and random.random() < 0.5:
        return body["_before"]
    return body["properties"]


def _route(state: State, view: View, host: str, path: str, protocol: str) -> dict[str, Any] | None:
    """The route for a request, with its `id`: of all that match, the one with the longest pattern."""
    best: tuple[int, dict[str, Any]] | None = None
    for route in _routes(state, view, host):
        if route["enabledState"] != "Enabled" or protocol not in route["supportedProtocols"]:
            continue
        for pattern in route["patternsToMatch"]:
            length = _matches(pattern.lower(), path.lower())
            if length > (best[0] if best else -1):
                best = (length, {**route, "pattern": pattern})
    return best[1] if best else None


def _routes(state: State, view: View, host: str) -> Iterator[dict[str, Any]]:
    """All routes of a host: of an endpoint those that are linked to its own name, of a validated domain its own."""
    endpoint = view.endpoint_named(host)
    for body in state.under(endpoint["id"], ROUTE.type.lower()) if endpoint else ():
        found = _now(body)
        if found and found["linkToDefaultDomain"] == "Enabled" and _is_on(endpoint):
            yield found
    for domain in () if endpoint else domains.named(state, host):
        if not domains.look(state, view, domain).get("_approved"):
            continue
        for body in state.mentioning(ROUTE.type, f'"{domain["id"]}"'):
            found = _now(body)
            on = _is_on(state.get(body["id"].rsplit("/", 2)[0]))
            if found and on and domain["id"] in domains.references(found):
                yield found


def _is_on(endpoint: dict[str, Any] | None) -> bool:
    found = _now(endpoint) if endpoint else None
    return bool(found and found["enabledState"] == "Enabled")


def _matches(pattern: str, path: str) -> int:
    """How much of a path a pattern matches; -1: it doesn't."""
    if not pattern.endswith("/*"):
        return len(pattern) + 1 if path == pattern else -1
    return len(pattern) if f"{path}/".startswith(pattern[:-1]) else -1


def _answer(
    state: State, view: View, route: dict[str, Any], host: str, method: str, url: str, scheme: str
) -> Page | None:
    """The origin's answer, and what the rule sets make of it."""
    actions = [action for rules in route["ruleSets"] for action in _actions(state, rules["id"])]
    for action in actions:
        if action["name"] == "UrlRedirect":
            return _redirect(action["parameters"], host, url, scheme)
    page = _fetch(state, view, route, host, method, url, scheme)
    if page:
        for action in actions:
            _change_header(page.headers, action["parameters"])
    return page


def _actions(state: State, rule_set: str) -> Iterator[dict[str, Any]]:
    found = [rule for body in state.under(rule_set, RULE.type.lower()) if (rule := _now(body))]
    for rule in sorted(found, key=lambda rule: rule["order"]):
        yield from rule["actions"]
        if rule["matchProcessingBehavior"] == "Stop":
            return


def _redirect(parameters: dict[str, Any], host: str, url: str, scheme: str) -> Page:
    wanted = parameters.get("destinationProtocol") or "MatchRequest"
    parts = urlsplit(url)
    to = (
        scheme if wanted == "MatchRequest" else wanted.lower(),
        parameters.get("customHostname") or host,
        parameters.get("customPath") or parts.path,
        parts.query if parameters.get("customQueryString") is None else parameters["customQueryString"],
        "",
    )
    return Page(REDIRECTS[parameters["redirectType"]], b"", {"Location": urlunsplit(to)})


def _change_header(headers: dict[str, str], parameters: dict[str, Any]) -> None:
    wanted, action = parameters["headerName"], parameters["headerAction"]
    name = next((each for each in headers if each.lower() == wanted.lower()), wanted)
    before = headers.pop(name, "")
    if action != "Delete":
        headers[name] = (before if action == "Append" else "") + parameters["value"]


def _fetch(
    state: State, view: View, route: dict[str, Any], host: str, method: str, url: str, scheme: str
) -> Page | None:
    """What an enabled origin answers; None: none of them is reached."""
    secure = {"HttpsOnly": True, "HttpOnly": False}.get(route["forwardingProtocol"], scheme == "https")
    path = urlsplit(url).path
    if route["originPath"]:  # in place of what the pattern has before its wildcard
        path = route["originPath"].rstrip("/") + "/" + path[len(route["pattern"].rstrip("*")) :].lstrip("/")
    bodies = state.under(route["originGroup"]["id"], ORIGIN.type.lower())
    origins = [origin for body in bodies if (origin := _now(body)) and origin["enabledState"] == "Enabled"]
    for origin in sorted(origins, key=lambda origin: origin["priority"]):
        header = (origin["originHostHeader"] or host).lower()
        page = _from(state, view, origin["hostName"].lower(), header, method, path, secure)
        if page:
            return page
    return None


def _from(state: State, view: View, address: str, host: str, method: str, path: str, secure: bool) -> Page | None:
    if view.site_named(address):
        return hosting.serve(state, view, host, method, path)
    if website.serve(state, address, "GET", "/"):  # there is such an account
        return website.serve(state, host, method, path, secure) or Page(400, b"Bad Request - Invalid Hostname")
    return None
