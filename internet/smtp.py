"""One mail server, as a sender that follows MTA-STS meets it (RFC 8461 4.2)."""

import ipaddress
import re
import smtplib
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, cast

import dns.resolver

from internet import dns_view, https
from internet.limits import Conversation
from internet.view import View

STEP = 8.0  # seconds for connecting, and for each read
TOTAL = 20.0  # seconds for everything with one address
MOST = 64 * 1024  # bytes of a server's replies (a line is 512 at most: RFC 5321 4.5.3.1.5)
ADDRESSES = 8  # of one mail server, that are tried
CERTIFICATES = 10  # of a chain, that are looked at
OLD = ("TLSv1", "TLSv1.1")  # nobody should speak these any more (RFC 8996)
DER = 2  # an encoding, as OpenSSL's module of Python numbers them
HOST = re.compile(r"(?!.{254})[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*", re.IGNORECASE)  # senders let a _ pass


@dataclass(frozen=True)
class Server:
    """What came of it, at one address.

    :param connected: whether it could be reached at all.
    :param decided: False where it held us up until our time was over: a sender may have more patience.
    :param fault: what a sender would refuse delivery for, or why nothing is known; "" for none.
    :param version: of TLS, such as TLSv1.3, whatever came of the certificate; "" where there was no TLS.
    :param cipher: such as TLS_AES_256_GCM_SHA384.
    :param expires: its certificate's end, epoch seconds, where that is valid.
    :param chain: the certificates as they were presented, its own first; DER.
    """

    address: str
    connected: bool = True
    decided: bool = True
    fault: str = ""
    version: str = ""
    cipher: str = ""
    expires: float | None = None
    chain: tuple[bytes, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class Host:
    """What came of all addresses of a mail server.

    :param fault: why nobody can deliver there, whatever an address answers; "" for none.
    :param servers: one for each address that was tried.
    :param beyond: IPv6 addresses that can't be tried, as this machine has no IPv6.
    :param unasked: how many more addresses there are than are tried.
    :param silent: why DNS gave no IPv4, or no IPv6 addresses; "" where it answered.
    """

    fault: str = ""
    servers: tuple[Server, ...] = ()
    beyond: tuple[str, ...] = ()
    unasked: int = 0
    silent: str = ""


class _Client(smtplib.SMTP):
    """Speaks to an address under the server's name.

    :raises OSError, smtplib.SMTPException: no connection, or no greeting.
    """

    def __init__(self, host: str, address: str, port: int, conversation: Conversation) -> None:
        super().__init__(local_hostname="mta-sts-check.invalid")
        self._host = host  # the name for SNI and for the certificate
        self._address = address
        self._conversation = conversation
        code, _ = self.connect(host, port)
        if code != 220:
            self.close()
            raise smtplib.SMTPConnectError(code, "no greeting")

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return self._conversation.connect(self._address, port)

    def __exit__(self, *_: object) -> None:
        if not self._conversation.gave_up:
            with suppress(OSError, smtplib.SMTPException):  # whatever it says to that, everything is known by now
                self.docmd("QUIT")
        self.close()


def probe(view: View, host: str, port: int = 25) -> Host:
    """Try every address of a mail server, side by side; `ADDRESSES` at most.

    :raises dns.exception.DNSException, OSError: DNS gives no answer.
    """
    if not HOST.fullmatch(host):
        return Host("is no host name, so nobody can deliver there")
    try:
        addresses, silent = dns_view.all_addresses(view, host)
    except dns.resolver.NXDOMAIN:
        return Host("does not exist, so nobody can deliver there")
    if not addresses:
        return Host("has no address, so nobody can deliver there")
    new = sorted(address for address in addresses if ":" in address)
    old = sorted(address for address in addresses if ":" not in address)
    some = new[: max(ADDRESSES // 2, ADDRESSES - len(old))]
    tried = [*old[: ADDRESSES - len(some)], *some]

    def one(address: str) -> Server | None:
        return _probe(view, host, address, port)

    with ThreadPoolExecutor(len(tried)) as pool:
        servers = list(pool.map(one, tried))
    return Host(
        servers=tuple(server for server in servers if server),
        beyond=tuple(address for address, server in zip(tried, servers, strict=True) if not server),
        unasked=len(addresses) - len(tried),
        silent=silent,
    )


def _probe(view: View, host: str, address: str, port: int) -> Server | None:
    """Say EHLO and STARTTLS, and verify the certificate: chain, DNS-ID, TLS 1.2 or later.

    :returns: None where this machine has no IPv6 to try the address with.
    """
    with Conversation(view.left(TOTAL), STEP, MOST) as conversation:
        try:
            client = _Client(host, address, port, conversation)
        except (OSError, smtplib.SMTPException) as error:
            if not _can_reach(address):
                return None
            why = conversation.gave_up or _reason(error)
            return Server(address, connected=False, fault=f"no connection to {_shown(address)}:{port} ({why})")
        with client:
            try:
                client.ehlo()
                if not client.has_extn("starttls"):
                    return Server(address, fault="offers no STARTTLS")
                client.starttls(context=conversation.encrypted(https.context(view)))
                return _seen(client, Server(address, expires=conversation.expires))
            except ssl.SSLCertVerificationError as error:
                fault = f"its certificate is not valid: {error.verify_message.rstrip('.')}"
                return _unverified(host, Server(address, fault=fault), port, conversation)
            except (OSError, smtplib.SMTPException) as error:
                if conversation.gave_up:
                    return Server(address, decided=False, fault=f"gives {conversation.gave_up}")
                fault = f"STARTTLS fails: {_reason(error)}"
                seen = _unverified(host, Server(address, fault=fault), port, conversation)
                if seen.version in OLD:
                    return replace(seen, fault=f"speaks {seen.version} at most; TLSv1.2 is the least")
                return seen


def _unverified(host: str, server: Server, port: int, conversation: Conversation) -> Server:
    """The same with what TLS shows where everything is allowed."""
    lax = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    lax.check_hostname, lax.verify_mode = False, ssl.CERT_NONE
    lax.minimum_version = ssl.TLSVersion.TLSv1
    lax.set_ciphers("ALL:@SECLEVEL=0")
    with (
        suppress(OSError, smtplib.SMTPException),
        _Client(host, server.address, port, conversation) as client,
    ):
        client.starttls(context=conversation.encrypted(lax))
        return _seen(client, server)
    return server


def _seen(client: smtplib.SMTP, server: Server) -> Server:
    """The same with TLS's version and cipher, and the certificates."""
    if not isinstance(client.sock, ssl.SSLSocket):
        return server
    cipher = client.sock.cipher()
    return replace(
        server,
        version=client.sock.version() or "",
        cipher=cipher[0] if cipher else "",
        chain=_presented(client.sock)[:CERTIFICATES],
    )


def _presented(sock: ssl.SSLSocket) -> tuple[bytes, ...]:
    """The certificates that the other side sent, DER.

    `get_unverified_chain` is public from Python 3.13 on. In 3.11 and 3.12, which get no changes any more, it is a method
    of the object beneath.
    """
    beneath = cast(Any, sock if hasattr(sock, "get_unverified_chain") else cast(Any, sock)._sslobj)
    chain = beneath.get_unverified_chain() or ()
    return tuple(each if isinstance(each, bytes) else each.public_bytes(DER) for each in chain)


def _can_reach(address: str) -> bool:
    """Whether this machine has an address to talk from to this one, as far as it knows; nothing is sent."""
    if ":" not in address:
        return True
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            sock.connect((address, 25))
            own = ipaddress.IPv6Address(sock.getsockname()[0].partition("%")[0])
    except OSError:
        return False
    return own.is_global or not ipaddress.IPv6Address(address).is_global


def _shown(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, smtplib.SMTPResponseException):
        return f"it answers {error.smtp_code}"
    return str(getattr(error, "strerror", None) or error) or type(error).__name__
