"""Mail servers that answer what no mail server should."""

import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass

from internet_servers import Talk

from security.hostile_http import drip, endless, forever, gone, reset, silent
from security.texts import TEXTS

EHLO = b"250-mx.test\r\n250-SIZE 1000\r\n250 STARTTLS\r\n"
Upgrade = Callable[[socket.socket], ssl.SSLSocket]  # speaks TLS from here on


@dataclass(frozen=True)
class Attack:
    """A mail server says this to each step; None ends the conversation there.

    :param passes: a sender can deliver there, so the check says that.
    """

    greeting: bytes | Talk | None = b"220 mx.test ESMTP\r\n"
    ehlo: bytes | Talk | None = EHLO
    starttls: bytes | Talk | None = b"220 go on\r\n"
    tls: Talk | None = None
    quit: bytes | Talk | None = b"221 bye\r\n"
    passes: bool = False

    def talk(self, upgrade: Upgrade) -> Talk:
        """The conversation."""

        def talk(sock: socket.socket) -> None:
            for step, command in ((self.greeting, b""), (self.ehlo, b"ehlo"), (self.starttls, b"starttls")):
                if not _said(sock, step, command):
                    return None
            if self.tls:
                return self.tls(sock)
            with upgrade(sock) as encrypted:
                _said(encrypted, self.quit, b"quit")
            return None

        return talk


def _said(sock: socket.socket, reply: bytes | Talk | None, command: bytes) -> bool:
    """Wait for a command, and reply; whether it goes on from there."""
    if command:
        line = b""
        while not line.endswith(b"\n") and (more := sock.recv(1)):
            line += more
        if not line:
            return False
    if callable(reply):
        reply(sock)
        return reply is late
    sock.sendall(reply or b"")
    return reply is not None


def late(sock: socket.socket) -> None:
    """The greeting after a second, as a server does that likes to see who can't wait."""
    time.sleep(1)
    sock.sendall(b"220 mx.test ESMTP\r\n")


def lines(code: bytes, last: bytes = b"") -> Talk:
    """A reply that never comes to its last line."""
    return endless(code + b"-x\r\n", last)


ATTACKS: dict[str, Attack] = {
    **{
        f"{step}: {title}": Attack(**{step: reply})  # type: ignore[arg-type]
        for step in ("greeting", "ehlo", "starttls")
        for title, reply in {
            "lines without end": lines(b"220" if step != "ehlo" else b"250"),
            "a line without end": endless(b"x", b"220-"),
            "a byte now and then": drip(forever(b"220-x\r\n")),
            "silence": silent,
            "gone": gone,
            "reset": reset,
            "nothing but a line end": b"\r\n",
            "rubbish": bytes(range(256)) * 4,
            "NUL": b"\0" * 600 + b"\r\n",
            "a line of 100 kB": b"220 " + b"x" * 100_000 + b"\r\n",
            "code 999": b"999 x\r\n",
            "code -50": b"-50 x\r\n",
            "code in words": b"abc x\r\n",
            "code in other digits": "２２０ x\r\n".encode(),
            "421": b"421 too busy\r\n",
            "554": b"554 no\r\n",
            "554 with an escape sequence": b"554 \x1b[2J[/x]\xff\r\n",
            "lines that differ": b"220-x\r\n554 y\r\n",
            "line feeds alone": b"554 x\n",
        }.items()
    },
    **{
        f"ehlo: {title}": Attack(ehlo=f"250-mx\r\n250-{' '.join(given.split())}\r\n250 STARTTLSX\r\n".encode("utf-8", "replace"))
        for title, given in list(TEXTS.items())[::6]
    },
    "ehlo: ten thousand lines": Attack(ehlo=b"250-x\r\n" * 10_000 + b"250 STARTTLS\r\n"),
    "ehlo: no STARTTLS": Attack(ehlo=b"250 mx.test\r\n"),
    "starttls: 454": Attack(starttls=b"454 not now\r\n"),
    "starttls: 501": Attack(starttls=b"501 what\r\n"),
    "starttls: then lines in the clear": Attack(starttls=b"220 go on\r\n250 all is well\r\n" * 100, tls=silent),
    "TLS: silence": Attack(tls=silent),
    "TLS: gone": Attack(tls=gone),
    "TLS: reset": Attack(tls=reset),
    "TLS: rubbish": Attack(tls=lambda sock: sock.sendall(b"\x16\x03\x03\xff\xff" + b"\xff" * 1000)),
    "TLS: lines": Attack(tls=endless(b"220 x\r\n")),
    "TLS: a byte now and then": Attack(tls=drip(forever(b"\0", b"\x16\x03\x03\x40\0\x02\0\x3f\xfc"))),
    "TLS: an alert": Attack(tls=lambda sock: sock.sendall(b"\x15\x03\x03\0\x02\x02\x28")),
    # what is well all the same
    "a late greeting": Attack(greeting=late, passes=True),
    "a long greeting": Attack(greeting=b"220-x\r\n" * 20 + b"220 x\r\n", passes=True),
    "STARTTLS in small letters": Attack(ehlo=b"250-mx\r\n250 starttls\r\n", passes=True),
    "QUIT refused": Attack(quit=b"500 no\r\n", passes=True),
    "QUIT with 421": Attack(quit=b"421 no\r\n", passes=True),
    "QUIT unanswered": Attack(quit=silent, passes=True),
    "QUIT and gone": Attack(quit=None, passes=True),
    "QUIT and reset": Attack(quit=reset, passes=True),
    "QUIT and rubbish": Attack(quit=b"\xff\0\r\n", passes=True),
    "QUIT and lines without end": Attack(quit=lines(b"221"), passes=True),
}  # fmt: skip
