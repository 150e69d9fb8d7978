"""HTTPS hosts beside the local Azure, reached through a proxy that leads everything else on to it."""

import json
import select
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import trustme

from sandbox.control import Sandbox

Answer = Callable[[str, Mapping[str, str]], Any]  # path and headers -> bytes, or what becomes JSON; None for 404


@contextmanager
def hosts(sandbox: Sandbox, answers: Mapping[str, Answer], leads: Callable[[str], str] = str) -> Iterator[str]:
    """Serve these hosts.

    :param leads: which of them a name in a CONNECT is; itself, unless a CNAME says otherwise.
    :returns: the proxy's address.
    """
    folder = sandbox.folder
    ca = trustme.CA.from_pem((folder / "ca.pem").read_bytes(), (folder / "ca.key").read_bytes())
    upstream = urlsplit(sandbox.env()["HTTPS_PROXY"])
    contexts: dict[str, ssl.SSLContext] = {}

    def choose(sock: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        if name and name not in contexts:
            contexts[name] = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            ca.issue_cert(name).configure_cert(contexts[name])
        sock.context = contexts[name or ""]

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            host = leads(self.headers["Host"].partition(":")[0])
            found = answers[host](self.path, self.headers)
            body = found if isinstance(found, bytes) else json.dumps(found).encode()
            self.send_response(404 if found is None else 200)
            self.send_header("Content-Type", "text/plain" if isinstance(found, bytes) else "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    class Tunnel(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                line = self.rfile.readline()
                if not line:
                    return
                head += line
            host = head.split(b" ")[1].decode().rpartition(":")[0]
            ours = leads(host) in answers
            at = ("127.0.0.1", web.server_address[1]) if ours else (upstream.hostname, upstream.port)
            with socket.create_connection(at) as other:
                if ours:
                    self.connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                else:
                    other.sendall(head)
                _splice(self.connection, other)

    with ExitStack() as stack:
        web = stack.enter_context(ThreadingHTTPServer(("127.0.0.1", 0), Page))
        base = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        base.sni_callback = choose  # type: ignore[assignment]
        ca.issue_cert("nobody.test").configure_cert(base)
        web.socket = base.wrap_socket(web.socket, server_side=True, do_handshake_on_connect=False)
        proxy = stack.enter_context(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Tunnel))
        for server in (web, proxy):
            server.daemon_threads = True
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
            stack.callback(server.shutdown)
        yield f"http://127.0.0.1:{proxy.server_address[1]}"


def _splice(one: socket.socket, other: socket.socket) -> None:
    while True:
        ready, _, _ = select.select([one, other], [], [], 60)
        for sock in ready:
            try:
                data = sock.recv(65536)
                (other if sock is one else one).sendall(data)
            except OSError:
                return
            if not data:
                return
        if not ready:
            return


def cloudflare(zone: str, token: str) -> Answer:
    """api.cloudflare.com, for one zone without our records: developers.cloudflare.com/api."""

    def answer(path: str, headers: Mapping[str, str]) -> Any:
        if headers.get("Authorization") != f"Bearer {token}":
            return None
        pages = {"page": 1, "total_pages": 1}
        if path.startswith("/client/v4/zones/z1/dns_records"):
            return {"success": True, "result": [], "result_info": pages}
        return {"success": True, "result": [{"id": "z1", "name": zone}], "result_info": pages}

    return answer


def graph(*pages: list[dict[str, Any]]) -> Answer:
    """graph.microsoft.com: GET /v1.0/domains, in several pages."""

    def answer(path: str, headers: Mapping[str, str]) -> Any:
        if not headers.get("Authorization", "").startswith("Bearer "):
            return None
        at = int(path.partition("skip=")[2] or 0)
        more = {"@odata.nextLink": f"https://graph.microsoft.com/v1.0/domains?skip={at + 1}"}
        return {"value": pages[at], **(more if at + 1 < len(pages) else {})}

    return answer
