"""HTTPS as a sender does it: verified by DNS-ID, no redirects, no caches (RFC 8461 3.3)."""

import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import certifi
import dns.exception
import dns.resolver
import urllib3

from internet import dns_view
from internet.limits import Conversation
from internet.view import View

PORT = 443
STEP = 15.0  # seconds for connecting, and for each read
TOTAL = 30.0  # seconds for one answer; RFC 8461 3.3 lets a sender take a minute
LARGEST = 64 * 1024  # bytes a sender need accept (RFC 8461 3.3)
HEADERS = 64 * 1024  # bytes of everything before the body
ADDRESSES = 8  # of a host, that are asked


class FetchError(Exception):
    """No answer worth the name: the reason, in a sender's words."""


class UnansweredError(FetchError):
    """DNS gives no answer, which says nothing about the host."""


@dataclass(frozen=True)
class Page:
    """An HTTP answer.

    :param location: where a redirect leads.
    :param expires: the end of the certificate's validity, epoch seconds, where that is known.
    """

    status: int
    media_type: str
    body: bytes
    location: str = ""
    expires: float | None = None


@dataclass(frozen=True)
class Fetched:
    """What a host answers.

    :param pages: one an address; one in all through a proxy. Never none.
    :param unasked: how many addresses there are beyond those that are asked.
    """

    pages: list[Page]
    unasked: int = 0


def context(view: View) -> ssl.SSLContext:
    """Verification as RFC 8461 3.3 wants it: a DNS-ID, never a bare common name; TLS 1.2 or later.

    A new one each time: urllib3 changes what it is given.
    """
    made = ssl.create_default_context(cafile=view.ca_file or certifi.where())
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.hostname_checks_common_name = False
    return made


def manager(view: View, url: str) -> urllib3.PoolManager:
    """Connections to where a URL leads, through the proxy where there is one."""
    parts, verified = urlsplit(url), context(view)
    proxy = view.proxy_for(parts.hostname or "") if parts.scheme == "https" else None
    return (
        urllib3.ProxyManager(proxy, ssl_context=verified) if proxy else urllib3.PoolManager(ssl_context=verified)
    )


def fetch(
    view: View,
    host: str,
    path: str,
    limit: int = LARGEST,
    find: Callable[[View, str], list[str]] = dns_view.addresses,
    at: str = "",
) -> Fetched:
    """GET `https://host/path` from each address of the host, side by side, or once through the proxy there is.

    :param limit: bytes; of each body at most one more is read.
    :param find: finds the addresses; raises what `dns_view.addresses` does.
    :param at: another host's name, whose addresses are asked: what will be served once `host` leads there.
    :raises FetchError: no address, or from one of them no connection, no valid certificate, or no end.
    :raises UnansweredError: no answer from DNS.
    """
    try:
        addresses = find(view, at or host)
    except dns.resolver.NXDOMAIN:
        raise FetchError(f"{at or host} does not exist") from None
    except (dns.exception.DNSException, OSError) as error:
        raise UnansweredError(f"DNS gives no answer for {at or host} ({dns_view.reason(error, view)})") from None
    if not addresses:
        raise FetchError(f"{at or host} has no address")
    if view.proxy_for(at or host):
        return Fetched([_get(view, host, path, limit, at or host, proxied=True)])
    asked = addresses[:ADDRESSES]
    with ThreadPoolExecutor(len(asked), "addresses") as pool:
        pages = list(pool.map(partial(_get, view, host, path, limit), asked))
    return Fetched(pages, len(addresses) - len(asked))


def _get(view: View, host: str, path: str, limit: int, address: str, proxied: bool = False) -> Page:
    """One answer.

    :param address: who is asked; the name of a host where the proxy is to find it.
    :raises FetchError: see `fetch`.
    """
    with Conversation(view.left(TOTAL), STEP, limit + HEADERS) as conversation:
        try:
            return _page(view, host, path, limit, address, proxied, conversation)
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:  # ValueError: http.client, of lengths
            raise FetchError(_reason(host, error, conversation.gave_up)) from None


def _page(
    view: View, host: str, path: str, limit: int, address: str, proxied: bool, conversation: Conversation
) -> Page:
    # No assert_hostname: with it urllib3 compares the names itself, and the handshake compares nothing.
    verified: dict[str, Any] = {"ssl_context": conversation.encrypted(context(view)), "server_hostname": host}
    if proxied:
        pool = urllib3.ProxyManager(view.proxy_for(address) or "", **verified).connection_from_host(
            address, PORT, "https"
        )
    else:
        pool = urllib3.HTTPSConnectionPool(address, PORT, **verified)
    with pool:
        response = pool.request(
            "GET",
            path,
            headers={"Host": host, "User-Agent": "mta-sts-live-check", "Cache-Control": "no-cache"},
            redirect=False,
            retries=False,
            timeout=conversation.left(),
            preload_content=False,
        )
        try:
            media_type = response.headers.get("Content-Type", "").split(";")[0].strip().lower()
            location = response.headers.get("Location", "")
            body = response.read(limit + 1)
        finally:
            response.close()
        return Page(response.status, media_type, body, location, conversation.expires)


def _reason(host: str, error: BaseException, gave_up: str) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"the certificate is not valid for {host} yet ({cause.verify_message})"
        inner = next((argument for argument in cause.args if isinstance(argument, BaseException)), None)
        cause = cause.__cause__ or cause.__context__ or inner
    return f"{host}: {gave_up or error}"
