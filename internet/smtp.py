"""One mail server, as a sender that follows MTA-STS meets it (RFC 8461 4.2)."""

import smtplib
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass

import dns.resolver

from internet import dns_view, https
from internet.view import View

TIMEOUT = 8.0  # seconds for each step of the conversation


@dataclass(frozen=True)
class Server:
    """What came of it.

    :param connected: whether it could be reached at all.
    :param fault: what a sender would refuse delivery for, or why it wasn't reached; "" for none.
    :param version: of TLS, such as TLSv1.3.
    :param expires: its certificate's end, epoch seconds.
    """

    connected: bool
    fault: str = ""
    version: str = ""
    expires: float | None = None


class _Client(smtplib.SMTP):
    """Speaks to an address under the server's name."""

    def __init__(self, host: str, address: str, port: int) -> None:
        super().__init__(timeout=TIMEOUT, local_hostname="mta-sts-check.invalid")
        self._host = host  # the name for SNI and for the certificate
        self._address = address
        self.connect(host, port)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return socket.create_connection((self._address, port), timeout)


def probe(view: View, host: str, port: int = 25) -> Server:
    """Say EHLO and STARTTLS, and verify the certificate: chain, DNS-ID, TLS 1.2 or later.

    :raises dns.exception.DNSException: DNS gives no answer.
    """
    try:
        address = next(iter(dns_view.addresses(view, host)), None)
    except dns.resolver.NXDOMAIN:
        return Server(True, "does not exist, so nobody can deliver there")
    if address is None:
        return Server(True, "has no address, so nobody can deliver there")
    try:
        client = _Client(host, address, port)
    except (OSError, smtplib.SMTPException) as error:
        return Server(False, f"no connection to {address}:{port} ({_reason(error)})")
    with client:
        return _starttls(view, client, host, address, port)


def _starttls(view: View, client: _Client, host: str, address: str, port: int) -> Server:
    try:
        client.ehlo()
        if not client.has_extn("starttls"):
            return Server(True, "offers no STARTTLS")
        client.starttls(context=https.context(view))
    except ssl.SSLCertVerificationError as error:
        return Server(True, f"its certificate is not valid: {error.verify_message.rstrip('.')}")
    except (ssl.SSLError, OSError, smtplib.SMTPException) as error:
        spoken = _version(host, address, port)
        old = f"speaks {spoken} at most; TLSv1.2 is the least" if spoken else ""
        return Server(True, old or f"STARTTLS fails: {_reason(error)}")
    encrypted = client.sock
    certificate = encrypted.getpeercert() if isinstance(encrypted, ssl.SSLSocket) else None
    until = certificate.get("notAfter") if certificate else None
    return Server(
        True,
        version=(encrypted.version() or "") if isinstance(encrypted, ssl.SSLSocket) else "",
        expires=ssl.cert_time_to_seconds(until) if isinstance(until, str) else None,
    )


def _version(host: str, address: str, port: int) -> str:
    """The TLS version that a server speaks when everything is allowed, "" when it is a good one or none."""
    lax = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    lax.check_hostname, lax.verify_mode = False, ssl.CERT_NONE
    lax.minimum_version = ssl.TLSVersion.TLSv1
    lax.set_ciphers("ALL:@SECLEVEL=0")
    with suppress(OSError, smtplib.SMTPException), _Client(host, address, port) as client:
        client.starttls(context=lax)
        found = client.sock.version() if isinstance(client.sock, ssl.SSLSocket) else None
        return found if found in ("TLSv1", "TLSv1.1") else ""
    return ""


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return str(getattr(error, "strerror", None) or error) or type(error).__name__
