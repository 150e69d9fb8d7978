"""HTTPS as a sender does it: verified by DNS-ID, no redirects, no caches (RFC 8461 3.3)."""

import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

import certifi
import dns.exception
import dns.resolver
import urllib3

from internet import dns_view
from internet.view import View

PORT = 443
TIMEOUT = 15.0  # seconds; RFC 8461 3.3 lets a sender take a minute
LARGEST = 64 * 1024  # bytes a sender need accept (RFC 8461 3.3)


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


def fetch(view: View, host: str, path: str, limit: int = LARGEST) -> list[Page]:
    """GET `https://host/path` from every address of the host, or once through the proxy there is.

    :returns: one answer an address, at most `limit` + 1 bytes of each.
    :raises FetchError: no address, no connection, no valid certificate.
    :raises UnansweredError: no answer from DNS.
    """
    try:
        addresses = dns_view.addresses(view, host)
    except dns.resolver.NXDOMAIN:
        raise FetchError(f"{host} does not exist") from None
    except dns.exception.DNSException as error:
        raise UnansweredError(f"DNS gives no answer for {host} ({dns_view.reason(error, view)})") from None
    if not addresses:
        raise FetchError(f"{host} has no address")
    try:
        if view.proxy_for(host):
            url = f"https://{host}{path}"
            with manager(view, url) as through:
                return [_get(through, url, host, limit)]
        return [_get_at(view, address, host, path, limit) for address in addresses]
    except urllib3.exceptions.HTTPError as error:
        raise FetchError(_reason(host, error)) from None


def _get_at(view: View, address: str, host: str, path: str, limit: int) -> Page:
    # No assert_hostname: with it urllib3 compares the names itself, after a handshake that then compares nothing.
    with urllib3.HTTPSConnectionPool(address, PORT, ssl_context=context(view), server_hostname=host) as pool:
        return _get(pool, path, host, limit)


def _get(pool: urllib3.HTTPSConnectionPool | urllib3.PoolManager, url: str, host: str, limit: int) -> Page:
    response = pool.request(
        "GET",
        url,
        headers={"Host": host, "User-Agent": "mta-sts-live-check", "Cache-Control": "no-cache"},
        redirect=False,
        retries=False,
        timeout=TIMEOUT,
        preload_content=False,
    )
    try:
        media_type = response.headers.get("Content-Type", "").split(";")[0].strip().lower()
        expires = _expires(response)
        location = response.headers.get("Location", "")
        return Page(response.status, media_type, response.read(limit + 1), location, expires)
    finally:
        response.close()


def _expires(response: urllib3.BaseHTTPResponse) -> float | None:
    sock = getattr(response.connection, "sock", None)
    until = (sock.getpeercert() or {}).get("notAfter") if isinstance(sock, ssl.SSLSocket) else None
    return ssl.cert_time_to_seconds(until) if isinstance(until, str) else None


def _reason(host: str, error: Exception) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"the certificate is not valid for {host} yet ({cause.verify_message})"
        cause = cause.__cause__ or cause.__context__ or _first(cause)
    return f"{host}: {error}"


def _first(error: BaseException) -> BaseException | None:
    inner = error.args[0] if error.args else None
    return inner if isinstance(inner, BaseException) else None
