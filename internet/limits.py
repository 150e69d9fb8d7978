"""A conversation with a stranger's server ends: it gets so many seconds and so many bytes, however it sends them.

A timeout of a socket is for one read: a server that sends a byte now and then, or lines without end, outlasts it.
And OpenSSL reads by itself as long as something comes that isn't for us: a server that sends HelloRequest without
end keeps it for good. So a clock beside it cuts the connection.
"""

import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")


class Conversation:
    """What one conversation may take, and what came of it. A context manager, after which nothing is watched.

    :param seconds: for all of it.
    :param step: seconds for connecting, for one read, and for the TLS handshake.
    :param most: bytes that are read at most.
    :ivar gave_up: why it was ended from this side; "" where it wasn't.
    :ivar expires: the end of the server's certificate, epoch seconds, once it was verified.
    """

    def __init__(self, seconds: float, step: float, most: int) -> None:
        self.seconds, self.step, self.most = seconds, step, most
        self.until = time.monotonic() + seconds
        self.bytes = 0
        self.gave_up = ""
        self.expires: float | None = None
        self._clocks: list[tuple[threading.Timer, socket.socket]] = []

    def __enter__(self) -> "Conversation":
        return self

    def __exit__(self, *_: object) -> None:
        for clock, copy in self._clocks:
            clock.cancel()
            copy.close()

    def _watch(self, sock: socket.socket) -> None:
        """Cut the connection when the time is over, whoever reads from it then."""
        copy = socket.socket(fileno=socket.dup(sock.fileno()))
        clock = threading.Timer(self.left(whole=True), self._cut, (copy,))
        clock.daemon = True
        clock.start()
        self._clocks.append((clock, copy))

    def _cut(self, copy: socket.socket) -> None:
        self.gave_up = self.gave_up or f"no end within {self.seconds:.0f} s"
        with suppress(OSError):
            copy.shutdown(socket.SHUT_RDWR)

    def left(self, whole: bool = False) -> float:
        """Seconds for the next step, or for the whole rest.

        :raises TimeoutError: none are left.
        """
        left = self.until - time.monotonic()
        if left <= 0:
            self.gave_up = f"no end within {self.seconds:.0f} s"
            raise TimeoutError(self.gave_up)
        return left if whole else min(left, self.step)

    def _step(self, sock: socket.socket, work: Callable[[], T]) -> T:
        """One step of a socket's.

        :raises TimeoutError: too late.
        """
        sock.settimeout(self.left())
        try:
            return work()
        except TimeoutError:
            self.gave_up = self.gave_up or f"no answer within {self.step:.0f} s"
            raise

    def _read(self, sock: socket.socket, receive: Callable[[], int]) -> int:
        """One read, within what is left.

        :raises OSError: too late, or too much.
        """
        size = self._step(sock, receive)
        self.bytes += size
        if self.bytes > self.most:
            self.gave_up = f"more than {self.most} bytes, and no end"
            raise OSError(self.gave_up)
        return size

    def connect(self, address: str, port: int) -> socket.socket:
        """A TCP connection whose reads count.

        :raises OSError: there is none.
        """
        conversation = self

        class Counted(socket.socket):
            def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
                return conversation._read(self, lambda: super(Counted, self).recv_into(buffer, nbytes, flags))

        plain = socket.create_connection((address, port), self.left())
        return Counted(plain.family, plain.type, plain.proto, plain.detach())

    def encrypted(self, context: ssl.SSLContext) -> ssl.SSLContext:
        """The same context; reads through it count."""
        conversation = self

        class Counted(ssl.SSLSocket):
            def do_handshake(self, block: bool = False) -> None:
                conversation._watch(self)
                conversation._step(self, super().do_handshake)
                until = (self.getpeercert() or {}).get("notAfter")
                conversation.expires = ssl.cert_time_to_seconds(until) if isinstance(until, str) else None

            def recv_into(self, buffer: Any, nbytes: int | None = None, flags: int = 0) -> int:
                return conversation._read(self, lambda: super(Counted, self).recv_into(buffer, nbytes, flags))

        context.sslsocket_class = Counted
        return context
