"""A small internet in this process: a name server, HTTPS hosts and mail servers that answer whatever a test says."""

import selectors
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import dns.exception
import dns.flags
import dns.message
import dns.nameserver
import dns.resolver
import dns.rrset
import trustme
from ports import free_port

from internet.view import View

Records = Mapping[tuple[str, str], tuple[str, ...]]  # (name, type) to the values, as zone files write them
Talk = Callable[[socket.socket], None]  # one connection, from its beginning to its end


def answered(query: dns.message.QueryMessage, records: Records) -> dns.message.Message:
    """The answer to a query; NXDOMAIN where nothing has the name."""
    question = query.question[0]
    name, kind = question.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(question.rdtype)
    response = dns.message.make_response(query)
    response.flags |= dns.flags.AA | dns.flags.RA
    if not any(owner == name for owner, _ in records):
        response.set_rcode(dns.rcode.NXDOMAIN)
    for wanted in dict.fromkeys(("CNAME", kind)):
        if values := records.get((name, wanted)):
            response.answer.append(dns.rrset.from_text(question.name, 60, "IN", wanted, *values))
    return response


@contextmanager
def name_server(
    answer: Callable[[bytes, bool], bytes | None], address: tuple[str, int] | None = None
) -> Iterator[int]:
    """A name server on UDP and TCP; `answer` takes a packet, and whether it came by TCP, and gives one, or None for silence.

    :param address: by default a free port of 127.0.0.1.
    :returns: its port.
    """
    address = address or ("127.0.0.1", free_port())

    class Packet(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            data, sock = self.request
            if reply := answer(data, False):
                sock.sendto(reply[:65000], self.client_address)

    class Stream(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            size = int.from_bytes(self.rfile.read(2), "big")
            if reply := answer(self.rfile.read(size), True):
                self.wfile.write(len(reply).to_bytes(2, "big") + reply)

    class Udp(socketserver.ThreadingUDPServer):
        max_packet_size = 65535

    with Udp(address, Packet) as udp, socketserver.ThreadingTCPServer(address, Stream) as tcp:
        for server in (udp, tcp):
            server.daemon_threads = True
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield address[1]
        udp.shutdown()
        tcp.shutdown()


@contextmanager
def listening(talks: Talk | Mapping[str, Talk], port: int = 0) -> Iterator[int]:
    """TCP servers on one port of several loopback addresses; each connection has its address's talk.

    :param talks: by address; one alone is for 127.0.0.1.
    :returns: the port.
    """
    by_address = {"127.0.0.1": talks} if callable(talks) else talks
    with ExitStack() as stack, selectors.DefaultSelector() as selector:
        for address, talk in by_address.items():
            server = stack.enter_context(socket.create_server((address, port), backlog=64))
            port = server.getsockname()[1]
            selector.register(server, selectors.EVENT_READ, talk)
        ours, end = socket.socketpair()
        stack.enter_context(ours)
        selector.register(stack.enter_context(end), selectors.EVENT_READ)

        def accept() -> None:
            while True:
                for key, _ in selector.select():
                    if not key.data:
                        return
                    connection = key.fileobj.accept()[0]  # type: ignore[union-attr]
                    threading.Thread(target=_talk, args=(key.data, connection), daemon=True).start()

        accepting = threading.Thread(target=accept, daemon=True)
        accepting.start()
        yield port
        ours.send(b"x")
        accepting.join()


def _talk(talk: Talk, connection: socket.socket) -> None:
    with connection:
        connection.settimeout(60)  # nobody's test hangs on a thread of ours
        try:
            talk(connection)
        except (OSError, ValueError):
            pass  # the other side has gone, which is what the test wanted


@dataclass
class Hosts:
    """Certificates of one authority."""

    ca: trustme.CA = field(default_factory=trustme.CA)

    def context(self, *names: str) -> ssl.SSLContext:
        """A server's, with a certificate for these names."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert(*names).configure_cert(context)
        return context


def https(context: ssl.SSLContext, answer: bytes | Talk) -> Talk:
    """Speaks TLS, reads a request, and answers with these bytes, or in whatever way."""

    def talk(sock: socket.socket) -> None:
        with context.wrap_socket(sock, server_side=True) as encrypted:
            request = b""
            while b"\r\n\r\n" not in request and (more := encrypted.recv(65536)):
                request += more
            if callable(answer):
                answer(encrypted)
            else:
                encrypted.sendall(answer)

    return talk


def page(body: bytes, head: str = "Content-Type: text/plain", status: str = "200 OK") -> bytes:
    """An HTTP answer."""
    return f"HTTP/1.1 {status}\r\n{head}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def view_of(port: int, **more: object) -> View:
    """A view whose resolver is the name server on this port."""
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers = [dns.nameserver.Do53Nameserver("127.0.0.1", port)]
    return View(resolver, **more)  # type: ignore[arg-type]


@contextmanager
def resolver(records: Records) -> Iterator[View]:
    """A view of an internet with these records."""
    with ExitStack() as stack:
        port = stack.enter_context(name_server(lambda data, _: answered(_query(data), records).to_wire()))
        yield view_of(port)


def _query(data: bytes) -> dns.message.QueryMessage:
    query = dns.message.from_wire(data)
    assert isinstance(query, dns.message.QueryMessage)
    return query
