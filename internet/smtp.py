"""One mail server, as a sender that follows MTA-STS meets it (RFC 8461 4.2)."""

import re
import smtplib
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass

import dns.resolver

from internet import dns_view, https
from internet.limits import Conversation
from internet.view import View

STEP = 8.0  # seconds for connecting, and for each read
TOTAL = 20.0  # seconds for everything with one server
MOST = 64 * 1024  # bytes of a server's replies (a line is 512 at most: RFC 5321 4.5.3.1.5)
HOST = re.compile(r"(?!.{254})[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*", re.IGNORECASE)  # senders let a _ pass


@dataclass(frozen=True)
class Server:
    """What came of it.

    :param connected: whether it could be reached at all.
    :param decided: False where it held us up until our time was over: a sender may have more patience.
    :param fault: what a sender would refuse delivery for, or why nothing is known; "" for none.
    :param version: of TLS, such as TLSv1.3.
    :param expires: its certificate's end, epoch seconds.
    """

    connected: bool = True
    decided: bool = True
    fault: str = ""
    version: str = ""
    expires: float | None = None


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


def probe(view: View, host: str, port: int = 25) -> Server:
    """Say EHLO and STARTTLS, and verify the certificate: chain, DNS-ID, TLS 1.2 or later.

    The first address is tried.

    :raises dns.exception.DNSException: DNS gives no answer.
    """
    if not HOST.fullmatch(host):
        return Server(fault="is no host name, so nobody can deliver there")
    try:
        address = next(iter(dns_view.addresses(view, host)), None)
    except dns.resolver.NXDOMAIN:
        return Server(fault="does not exist, so nobody can deliver there")
    if address is None:
        return Server(fault="has no address, so nobody can deliver there")
    with Conversation(view.left(TOTAL), STEP, MOST) as conversation:
        try:
            client = _Client(host, address, port, conversation)
        except (OSError, smtplib.SMTPException) as error:
            why = conversation.gave_up or _reason(error)
            return Server(connected=False, fault=f"no connection to {address}:{port} ({why})")
        with client:
            try:
                client.ehlo()
                if not client.has_extn("starttls"):
                    return Server(fault="offers no STARTTLS")
                client.starttls(context=conversation.encrypted(https.context(view)))
                return Server(version=_spoken(client), expires=conversation.expires)
            except ssl.SSLCertVerificationError as error:
                return Server(fault=f"its certificate is not valid: {error.verify_message.rstrip('.')}")
            except (OSError, smtplib.SMTPException) as error:
                if conversation.gave_up:
                    return Server(decided=False, fault=f"gives {conversation.gave_up}")
                old = _old_version(host, address, port, conversation)
                return Server(fault=old or f"STARTTLS fails: {_reason(error)}")


def _spoken(client: smtplib.SMTP) -> str:
    return (client.sock.version() or "") if isinstance(client.sock, ssl.SSLSocket) else ""


def _old_version(host: str, address: str, port: int, conversation: Conversation) -> str:
    """What is wrong with the TLS version that a server speaks when everything is allowed; "" for nothing."""
    lax = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    lax.check_hostname, lax.verify_mode = False, ssl.CERT_NONE
    lax.minimum_version = ssl.TLSVersion.TLSv1
    lax.set_ciphers("ALL:@SECLEVEL=0")
    with suppress(OSError, smtplib.SMTPException), _Client(host, address, port, conversation) as client:
        client.starttls(context=conversation.encrypted(lax))
        version = _spoken(client)
        return f"speaks {version} at most; TLSv1.2 is the least" if version in ("TLSv1", "TLSv1.1") else ""
    return ""


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, smtplib.SMTPResponseException):
        return f"it answers {error.smtp_code}"
    return str(getattr(error, "strerror", None) or error) or type(error).__name__
