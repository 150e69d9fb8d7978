"""Policy hosts that answer what no policy host should."""

import gzip
import socket
import struct
import time
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from internet_servers import Talk, page

POLICY = b"version: STSv1\r\nmode: enforce\r\nmx: mx.{name}\r\nmax_age: 604800\r\n"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
DRIP = 0.2  # seconds between two bytes


@dataclass(frozen=True)
class Attack:
    """A host answers so, once it has read the request.

    :param raw: it answers so instead of speaking TLS.
    :param passes: a sender can make use of it, so the check says that.
    :param check: which check must not be deceived.
    """

    talk: bytes | Talk
    raw: bool = False
    passes: bool = False
    check: str = "policy-host"


def endless(piece: bytes, first: bytes = b"") -> Talk:
    """As fast as it goes, until the other side has had enough."""

    def talk(sock: socket.socket) -> None:
        sock.sendall(first)
        while True:
            sock.sendall(piece * (1 + 65536 // len(piece)))

    return talk


def drip(pieces: Callable[[], Iterable[bytes]]) -> Talk:
    """A byte now and then."""

    def talk(sock: socket.socket) -> None:
        for piece in pieces():
            for at in range(len(piece)):
                sock.sendall(piece[at : at + 1])
                time.sleep(DRIP)

    return talk


def forever(piece: bytes, first: bytes = b"") -> Callable[[], Iterable[bytes]]:
    """`first`, then `piece` again and again."""

    def pieces() -> Iterable[bytes]:
        yield first
        while True:
            yield piece

    return pieces


def silent(sock: socket.socket) -> None:
    """Nothing, until the other side goes."""
    while sock.recv(65536):
        pass


def gone(_: socket.socket) -> None:
    """Closes at once."""


def reset(sock: socket.socket) -> None:
    """Breaks the connection (RST)."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def coded(coding: str, body: bytes) -> bytes:
    """An answer with a content coding."""
    return page(body, f"Content-Type: text/plain\r\nContent-Encoding: {coding}")


def nested(times: int) -> bytes:
    body = POLICY
    for _ in range(times):
        body = gzip.compress(body)
    return body


def bomb(window: int) -> bytes:
    """50 MB of nothing, in 50 kB."""
    packer = zlib.compressobj(9, zlib.DEFLATED, window)
    return b"".join([packer.compress(bytes(1_000_000)) for _ in range(50)] + [packer.flush()])


ATTACKS: dict[str, Attack] = {
    # the status line
    "no HTTP": Attack(b"hello\r\n\r\n"),
    "SSH": Attack(b"SSH-2.0-OpenSSH_9.6\r\n"),
    "a policy alone": Attack(POLICY),
    "no status": Attack(b"HTTP/1.1\r\n\r\n"),
    "a status in words": Attack(b"HTTP/1.1 OK fine\r\n\r\n"),
    "status 99999": Attack(b"HTTP/1.1 99999 x\r\n\r\n"),
    "status -200": Attack(b"HTTP/1.1 -200 x\r\n\r\n"),
    "HTTP/2 uninvited": Attack(b"\0\0\x12\x04\0\0\0\0\0" + bytes(18)),
    "an endless status line": Attack(endless(b"x", b"HTTP/1.1 200 ")),
    "an escape sequence as reason": Attack(b"HTTP/1.1 404 \x1b[2J[/x]\r\nContent-Length: 0\r\n\r\n"),
    "100 Continue without end": Attack(endless(b"HTTP/1.1 100 Continue\r\n\r\n")),
    "100 Continue with headers without end": Attack(endless(b"x: y\r\n", b"HTTP/1.1 100 Continue\r\n")),
    "100 Continue, a byte now and then": Attack(drip(forever(b"HTTP/1.1 100 Continue\r\n\r\n"))),
    "103 Early Hints without end": Attack(endless(b"HTTP/1.1 103 Early Hints\r\n\r\n")),
    "101 Switching Protocols": Attack(b"HTTP/1.1 101 x\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"),
    "204": Attack(page(b"", status="204 No Content")),
    "206": Attack(page(POLICY, status="206 Partial Content")),
    "304": Attack(page(b"", status="304 Not Modified")),
    "401": Attack(page(POLICY, 'WWW-Authenticate: Basic realm="[/x]"', status="401 x")),
    "a redirect to an escape sequence": Attack(page(b"", "Location: \x1b]0;owned\x07[/x]", status="302 x")),
    "a redirect to nowhere": Attack(page(b"", "Location:", status="301 x")),
    "a redirect to a file": Attack(page(b"", "Location: file:///etc/passwd", status="301 x")),
    # headers
    "headers without end": Attack(endless(b"x: y\r\n", HEAD)),
    "a header without end": Attack(endless(b"x", HEAD + b"x: ")),
    "headers, a byte now and then": Attack(drip(forever(b"x: y\r\n", HEAD))),
    "ten thousand headers": Attack(HEAD + b"".join(b"x%d: y\r\n" % at for at in range(10_000)) + b"\r\n" + POLICY),
    "a header of 100 kB": Attack(HEAD + b"x: " + b"y" * 100_000 + b"\r\n\r\n" + POLICY),
    "no colon": Attack(HEAD + b"nonsense\r\nContent-Length: 0\r\n\r\n", check="policy"),
    "NUL in a header": Attack(b"HTTP/1.1 200 OK\r\nContent-Type: text/pl\0ain\r\nContent-Length: 0\r\n\r\n"),
    "an escape sequence as media type": Attack(page(POLICY, "Content-Type: \x1b[2J[/x]")),
    "a media type of 60 kB": Attack(page(POLICY, f"Content-Type: {'x' * 60_000}")),
    "no media type": Attack(page(POLICY, "x: y")),
    "two lengths": Attack(HEAD + b"Content-Length: 3\r\nContent-Length: 300\r\n\r\n" + POLICY),
    "a negative length": Attack(HEAD + b"Content-Length: -1\r\n\r\n" + POLICY[:40], check="policy"),
    "a length in words": Attack(HEAD + b"Content-Length: many\r\n\r\n" + POLICY[:40], check="policy"),
    "a length of 10^30": Attack(HEAD + b"Content-Length: 1" + b"0" * 30 + b"\r\n\r\n" + POLICY[:40]),
    "a length too long": Attack(HEAD + b"Content-Length: 9000\r\n\r\n" + POLICY[:40]),
    "a length too short": Attack(HEAD + b"Content-Length: 40\r\n\r\n" + POLICY, check="policy"),
    "a cookie": Attack(page(b"x", "Content-Type: text/plain\r\nSet-Cookie: a=b"), check="policy"),
    # the body
    "a body without end": Attack(endless(b"x: y\r\n", HEAD + b"\r\n")),
    "a body, a byte now and then": Attack(drip(forever(b"x: y\r\n", HEAD + b"\r\n"))),
    "chunks without end": Attack(endless(b"1\r\nx\r\n", HEAD + b"Transfer-Encoding: chunked\r\n\r\n")),
    "a chunk's size without end": Attack(endless(b"0", HEAD + b"Transfer-Encoding: chunked\r\n\r\n")),
    "a chunk's extension without end": Attack(endless(b"x", HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;")),
    "trailers without end": Attack(endless(b"x: y\r\n", HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n")),
    "a chunk's size in words": Attack(HEAD + b"Transfer-Encoding: chunked\r\n\r\nmany\r\nx\r\n"),
    "a chunk of 2^63": Attack(HEAD + b"Transfer-Encoding: chunked\r\n\r\n7fffffffffffffff\r\nx\r\n"),
    "a negative chunk": Attack(HEAD + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nx\r\n"),
    "chunked and a length": Attack(
        HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", check="policy"
    ),
    "a gzip bomb": Attack(coded("gzip", bomb(31))),
    "a deflate bomb": Attack(coded("deflate", bomb(15))),
    "gzip five times": Attack(coded("gzip, gzip, gzip, gzip, gzip", nested(5) + b"x"), check="policy"),
    "gzip a thousand times": Attack(coded(", ".join(["gzip"] * 1000), POLICY)),
    "gzip that isn't": Attack(coded("gzip", POLICY)),
    "gzip cut off": Attack(coded("gzip", gzip.compress(POLICY)[:-12]), check="policy"),
    "a coding nobody knows": Attack(coded("[/x]", b"\x1b"), check="policy"),
    "64 KiB of line ends": Attack(page(b"\r\n" * 32768), check="policy"),
    "64 KiB and a byte": Attack(page(b"x" * 65537)),
    "ten thousand mx": Attack(page(POLICY + b"mx: x\r\n" * 10_000)),
    "NULs": Attack(page(bytes(1000)), check="policy"),
    "UTF-16": Attack(page(POLICY.decode().encode("utf-16")), check="policy"),
    "not UTF-8": Attack(page(POLICY + b"x: \xff\xfe\r\n"), check="policy"),
    "half a surrogate": Attack(page(POLICY + b"x: \xed\xa0\x80\r\n"), check="policy"),
    "an escape sequence as mode": Attack(page(POLICY.replace(b"enforce", b"\x1b[2J[/x]")), check="policy"),
    "a command of a pipeline": Attack(page(b"##vso[task.complete result=Succeeded;]\r\n"), check="policy"),
    "max_age in other digits": Attack(page(POLICY.replace(b"604800", "６０４８００".encode())), check="policy"),
    "a star alone as mx": Attack(page(POLICY.replace(b"mx.{name}", b"*")), check="policy"),
    "line ends of Unicode": Attack(page(POLICY.replace(b"\r\n", "\u2028".encode())), check="policy"),
    # the connection
    "silence": Attack(silent),
    "gone": Attack(gone),
    "reset": Attack(reset),
    "no TLS": Attack(page(POLICY), raw=True),
    "silence instead of TLS": Attack(silent, raw=True),
    "gone instead of TLS": Attack(gone, raw=True),
    "reset instead of TLS": Attack(reset, raw=True),
    "rubbish instead of TLS": Attack(b"\x16\x03\x03\xff\xff" + b"\xff" * 1000, raw=True),
    "TLS, a byte now and then": Attack(drip(forever(b"\0", b"\x16\x03\x03\x40\0\x02\0\x3f\xfc")), raw=True),
    "TLS records without end": Attack(endless(b"\x16\x03\x03\0\x04\0\0\0\0"), raw=True),
    "a TLS alert": Attack(b"\x15\x03\x03\0\x02\x02\x28", raw=True),
    "SSL 2": Attack(b"\x80\x2e\x04\0\0\0\0\0" + bytes(40), raw=True),
    # what is well all the same
    "the right policy": Attack(page(POLICY), passes=True, check="policy"),
    "the right policy, slowly": Attack(drip(lambda: [page(b"")[:12]]), check="policy-host"),
}
