"""The daemon: `python -m sandbox serve`, started in the background by `up`."""

import asyncio
import fcntl
import json
import os
import random
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiohttp import web

from sandbox import arm, devops, graph, storage
from sandbox.arm import login, operations
from sandbox.arm.errors import ArmError, WebError
from sandbox.arm.sites import no_cname
from sandbox.cdn import edge
from sandbox.certificates import Certificates
from sandbox.devops import git
from sandbox.dns.server import NameServer
from sandbox.dns.view import EDGE, SITES, View
from sandbox.proxy import Proxy
from sandbox.state import State
from sandbox.storage import accounts, service, website, wire
from sandbox.swa import hosting, upload
from sandbox.swa.hosting import Page

ARM, LOGIN, METADATA = "management.azure.com", "login.microsoftonline.com", "aka.ms"
AZURE = {
    ARM, LOGIN, METADATA, upload.CLIENT_HOST, upload.CONTENT_HOST, *devops.HOSTS, graph.HOST,
}  # fmt: skip
PORTS = (10_000, 32_768)  # from there on the kernel gives ports to whoever connects (ip_local_port_range)


class Daemon:
    """All servers over one state."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = State(folder)
        self.view = View(self.state)
        accounts.prepare(self.state)
        self.certificates = Certificates(folder, lambda host: self.state.optional(f"certificate:{host}"))

    def has_certificate(self, host: str) -> bool:
        operations.settle(self.state, self.view)
        if self.is_on_edge(host):
            return edge.has_certificate(self.state, self.view, host)
        return (
            host in AZURE
            or bool(storage.account_at(self.state, host))
            or hosting.has_certificate(self.state, self.view, host)
        )

    def has_edge_certificate(self, host: str) -> bool:
        """The same at Front Door, where a host is tried before its CNAME leads there."""
        operations.settle(self.state, self.view)
        return edge.has_certificate(self.state, self.view, host)

    def is_on_edge(self, host: str) -> bool:
        """Whether a host leads to Front Door."""
        return (self.view.target(host) or "").endswith(f".{EDGE}")

    def refusal(self, host: str) -> str | None:
        """Why the proxy doesn't lead to a host; None where it does."""
        if host in AZURE or self.view.target(host) or storage.account_at(self.state, host):
            return None
        if storage.HOST.fullmatch(host):
            return f"{host} is no storage account's"
        if self.view.zone_of(host) or host.endswith((f".{SITES}", f".{EDGE}")):
            return f"{host} leads to no Static Web App and to no endpoint of Front Door"
        return f"{host} is not part of this sandbox: nothing leaves the machine"

    async def request(self, request: web.BaseRequest) -> web.StreamResponse:
        """Every HTTPS request: a fault if one was ordered, else the service that the host names."""
        return await self._answer(request, self._dispatch)

    async def on_edge(self, request: web.BaseRequest) -> web.StreamResponse:
        """Every HTTPS request to an address of Front Door's, wherever its host leads."""
        return await self._answer(request, lambda request, host, body, half: self._edge(request, host, "https"))

    async def _answer(self, request: web.BaseRequest, serve: Callable[..., web.Response]) -> web.StreamResponse:
        host = request.host.partition(":")[0].lower()
        kind, value = self.state.fault(host, request.method, request.path_qs) or ("", 0.0)
        if kind == "hang":
            await asyncio.sleep(value)
        if kind == "status":
            return self._faulty(request, host, int(value))
        if kind == "cut":
            return self._cut(request, host)
        body = await request.content.read()
        if host in devops.HOSTS and "/_git/" in request.path:
            return await asyncio.to_thread(self._git, request, host, body)
        response = serve(request, host, body, half=kind == "half")
        return self._cut(request, host) if kind == "lose-reply" else response

    def _edge(self, request: web.BaseRequest, host: str, scheme: str) -> web.Response:
        operations.settle(self.state, self.view)
        page = edge.serve(self.state, self.view, host, request.method, request.path_qs, scheme)
        service = "site" if scheme == "https" else "http"
        self.state.log(service, host, request.method, request.path, page.status, f"sha256={page.sha256}")
        return web.Response(status=page.status, body=page.body, headers=page.headers)

    async def plain(self, request: web.BaseRequest) -> web.StreamResponse:
        """Every request to port 80: to https, whatever the host, but for Front Door's; Azure Storage refuses it."""
        host = request.host.partition(":")[0].lower()
        if found := storage.account_at(self.state, host):
            page = website.serve(self.state, host, request.method, request.path, secure=False)
            reply = page or service.insecure(found[0])
            self.state.log("http", host, request.method, request.path, reply.status)
            return web.Response(status=reply.status, body=reply.body, headers=reply.headers)
        if self.is_on_edge(host):
            return self._edge(request, host, "http")
        self.state.log("http", host, request.method, request.path, 301)
        return web.Response(status=301, headers={"Location": f"https://{host}{request.path_qs}"})

    def _faulty(self, request: web.BaseRequest, host: str, status: int) -> web.Response:
        """An ordered error, in the form of the service that it comes from."""
        self.state.log("fault", host, request.method, request.path, status)
        headers = {"Retry-After": "1"} if status in (429, 503) else {}
        if host == ARM:
            return web.json_response(_ordered(request.path, status).body(), status=status, headers=headers)
        if host == LOGIN:
            answer = login.busy()
            return web.json_response(answer.body, status=status, headers=headers)
        if host == graph.HOST:
            said = graph.ordered(status)
            return web.json_response(said.body, status=status, headers=said.headers)
        if storage.HOST.fullmatch(host):
            error = wire.ordered(status)
            reply = error.reply() if host.endswith(storage.ENDPOINT) else error.page()
            return web.Response(status=status, body=reply.body, headers=reply.headers)
        return web.Response(status=status, text=f"HTTP {status}", headers=headers)

    def _cut(self, request: web.BaseRequest, host: str) -> web.Response:
        self.state.log("fault", host, request.method, request.path, 0, "connection cut")
        if request.transport:
            request.transport.abort()
        return web.Response()

    def _dispatch(self, request: web.BaseRequest, host: str, body: bytes, half: bool) -> web.Response:
        if host == ARM:
            return self._arm(request, body)
        if host == LOGIN:
            answer = login.handle(self.state, request.method, request.path, body.decode())
            self.state.log("login", host, request.method, request.path, answer.status)
            return web.json_response(answer.body, status=answer.status)
        if host in devops.HOSTS:
            return self._devops(request, host, body)
        headers = {name.lower(): value for name, value in request.headers.items()}
        if host == graph.HOST:
            return self._graph(request, headers, body)
        if found := storage.account_at(self.state, host):
            return self._storage(request, found, headers, body)
        if self.is_on_edge(host):
            return self._edge(request, host, "https")
        if host == METADATA:
            page = upload.metadata() if request.path == "/swalocaldeploy" else Page(404, b"")
        elif host == upload.CLIENT_HOST:
            page = upload.client()
        elif host == upload.CONTENT_HOST:
            page = upload.receive(self.state, headers, body, half)
        else:
            operations.settle(self.state, self.view)
            page = hosting.serve(self.state, self.view, host, request.method, request.path)
        service = "azure" if host in AZURE else "site"
        self.state.log(service, host, request.method, request.path, page.status, f"sha256={page.sha256}")
        return web.Response(status=page.status, body=page.body, headers=page.headers)

    def _graph(self, request: web.BaseRequest, headers: dict[str, str], body: bytes) -> web.Response:
        path = request.raw_path.partition("?")[0]
        answer = graph.handle(self.state, request.method, path, dict(request.query), headers, body)
        self.state.log("graph", graph.HOST, request.method, request.path, answer.status)
        if isinstance(answer.body, bytes):
            return web.Response(status=answer.status, body=answer.body, headers=answer.headers)
        return web.json_response(answer.body, status=answer.status, headers=answer.headers)

    def _storage(
        self, request: web.BaseRequest, found: tuple[dict[str, Any], str], headers: dict[str, str], body: bytes
    ) -> web.Response:
        (account, endpoint), host = found, request.host.partition(":")[0].lower()
        if endpoint == "web":
            page = website.serve(self.state, host, request.method, request.path) or Page(404, b"")
            self.state.log("web", host, request.method, request.path, page.status, f"sha256={page.sha256}")
            return web.Response(status=page.status, body=page.body, headers=page.headers)
        path = request.raw_path.partition("?")[0]
        kept = service.handle(self.state, account, request.method, path, dict(request.query), headers, body)
        self.state.log("blob", host, request.method, request.path, kept.status)
        return web.Response(status=kept.status, body=kept.body, headers=kept.headers)

    def _devops(self, request: web.BaseRequest, host: str, body: bytes) -> web.Response:
        who = request.headers.get("Authorization", "")
        status, answer = devops.handle(self.state, request.method, request.path, dict(request.query), who, body)
        self.state.log("devops", host, request.method, request.path, status)
        if isinstance(answer, str):
            return web.Response(status=status, text=answer, content_type="text/html")
        return web.Response(status=status) if status == 204 else web.json_response(answer, status=status)

    def _git(self, request: web.BaseRequest, host: str, body: bytes) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        status, more, answer = git.serve(
            self.state, request.method, request.path, request.query_string, headers, body
        )
        self.state.log("devops", host, request.method, request.path, status)
        return web.Response(status=status, body=answer, headers=more)

    def _arm(self, request: web.BaseRequest, body: bytes) -> web.Response:
        call = arm.Call(
            state=self.state,
            view=self.view,
            method=request.method,
            path=request.path,
            query=dict(request.query),
            headers={name.lower(): value for name, value in request.headers.items()},
            body=json.loads(body) if body else {},
        )
        detail = arm.redacted(call.body)
        answer = arm.handle(call)
        self.state.log("arm", ARM, request.method, request.path, answer.status, detail)
        headers = {**answer.headers, "x-ms-request-id": os.urandom(8).hex()}
        if answer.body is None:
            return web.Response(status=answer.status, headers=headers)
        return web.json_response(answer.body, status=answer.status, headers=headers)


def _ordered(path: str, status: int) -> ArmError:
    """What ARM says; of a 400, what it says for minutes while it doesn't see a CNAME that others see."""
    if status == 429:  # learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling
        return ArmError(429, "SubscriptionRequestsThrottled", "Number of requests for this subscription and principal exceeded the limit. Please try again after '1' seconds.")  # fmt: skip
    if status == 403:
        message = f"The client does not have authorization to perform action over scope '{path}' or the scope is invalid. If access was recently granted, please refresh your credentials."  # fmt: skip
        return ArmError(403, "AuthorizationFailed", message)
    if status == 400 and "/customdomains/" in path.lower():
        return no_cname()
    code = {400: "BadRequest", 409: "Conflict", 503: "ServiceUnavailable"}.get(status, "InternalServerError")
    if "/providers/microsoft.web/" in path.lower():
        return WebError(status, code, "{0}", "Ordered by `python -m sandbox fault`.", extended="99999")
    return ArmError(status, code, "Ordered by `python -m sandbox fault`.")


async def start(daemon: Daemon, wanted: dict[str, int]) -> tuple[dict[str, int], list[Any]]:
    """Listen on loopback, on the wanted ports where they are free.

    :returns: the ports by name, and the servers: first the three of HTTP.
    :raises OSError: a port that was asked for explicitly is taken.
    """
    loop = asyncio.get_running_loop()
    runners: list[web.ServerRunner] = []
    ports: dict[str, int] = {}
    certificate = daemon.certificates.server_context
    contexts = {
        "https": certificate(daemon.has_certificate, hosting.DEFAULT_CERTIFICATE),
        "edge": certificate(daemon.has_edge_certificate, edge.DEFAULT_CERTIFICATE),
    }
    for name, handler in (("https", daemon.request), ("http", daemon.plain), ("edge", daemon.on_edge)):
        runners.append(web.ServerRunner(web.Server(handler)))
        await runners[-1].setup()
        context = contexts.get(name)
        ports[name], (own,) = bound(wanted.get(name))
        await web.SockSite(runners[-1], own, ssl_context=context).start()

    def port(host: str, tls: bool) -> int:
        return ports[("edge" if daemon.is_on_edge(host) else "https") if tls else "http"]

    proxy = Proxy(daemon.refusal, port)
    ports["proxy"], (own,) = bound(wanted.get("proxy"))
    proxy_server = await asyncio.start_server(proxy.handle, sock=own)
    names = NameServer(daemon.view)
    ports["dns"], (tcp, udp) = bound(wanted.get("dns"), udp=True)
    stream = await asyncio.start_server(names.stream, sock=tcp)
    datagrams, _ = await loop.create_datagram_endpoint(lambda: names, sock=udp)
    return ports, [*runners, proxy_server, stream, datagrams]


def bound(wanted: int | None, udp: bool = False) -> tuple[int, list[socket.socket]]:
    """A port of loopback that listens: the wanted one, or one that the kernel gives to nobody for connecting, so that it is free
    again at the next start.

    :param udp: for UDP, too.
    :raises OSError: the wanted one is taken.
    """
    while True:
        port, sockets = wanted or random.randrange(*PORTS), list[socket.socket]()
        try:
            sockets.append(socket.create_server(("127.0.0.1", port)))
            if udp:
                sockets.append(socket.socket(type=socket.SOCK_DGRAM))
                sockets[-1].bind(("127.0.0.1", port))
            return port, sockets
        except OSError:
            for each in sockets:
                each.close()
            if wanted:
                raise


async def run(folder: Path, wanted: dict[str, int]) -> None:
    """Serve until SIGTERM or Ctrl-C; `running.json` says what listens where meanwhile."""
    daemon = Daemon(folder)
    ports, servers = await start(daemon, wanted)
    running = folder / "running.json"
    running.write_text(json.dumps({"pid": os.getpid(), "since": time.time(), **ports}))
    stop = asyncio.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sign, stop.set)
    await stop.wait()
    running.unlink(missing_ok=True)
    for runner in servers[:3]:
        runner._shutdown_timeout = 1
        await runner.cleanup()


def main(folder: Path, wanted: dict[str, int]) -> int:
    """Serve a folder's sandbox, unless another process does already."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / "serve.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return 0
        asyncio.run(run(folder, wanted))
    return 0
