"""Domains with exactly one fault each, on a local Azure, and mail servers to go with them."""

import json
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink
from ports import free_port

from policy import Policy, PolicyError, StsRecord
from sandbox.control import Sandbox

ROOT = Path(__file__).parents[2]
ZONE = "/subscriptions/s/resourceGroups/dns/providers/Microsoft.Network/dnszones"
SITE = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Web/staticSites"
POLICY = ".well-known/mta-sts.txt"
# What is wrong with a mail server, by the loopback address that it listens on.
SERVERS = {
    "good": "127.0.0.2",
    "no STARTTLS": "127.0.0.3",
    "TLS 1.1": "127.0.0.4",
    "expired": "127.0.0.5",
    "wrong name": "127.0.0.6",
    "stranger": "127.0.0.7",
    "closed": "127.0.0.8",
}


@dataclass
class Case:
    """One domain; as it stands here everything is right.

    :param records: TXT records of `_mta-sts`; None for the right one.
    :param body: of the policy file; None for the right one.
    :param mx: the kinds of its mail servers, by host label, the most preferred first.
    :param sets: further record sets; None leaves one out.
    :param config: staticwebapp.config.json.
    """

    mode: str = "testing"
    max_age: int = 1_209_600
    records: list[str] | None = None
    body: bytes | None = None
    allowed: tuple[str, ...] = ()
    mx: dict[str, str] = field(default_factory=lambda: {"mx1": "good"})
    sets: dict[str, Any] = field(default_factory=dict[str, Any])
    config: dict[str, Any] = field(default_factory=dict[str, Any])
    certificate: str = ""
    ttl: int = 300
    host: bool = True
    files: bool = True


def stage(sandbox: Sandbox, name: str, case: Case) -> None:
    """Make a domain."""
    state, zone = sandbox.state, f"{ZONE}/{name}"
    hosts = [f"{label}.{name}" for label in case.mx]
    policy = Policy.of(case.mode, case.max_age, case.allowed or hosts or ["mail.example"]).render()
    body = policy if case.body is None else case.body
    texts = [StsRecord(_id(body) or _id(policy)).render()] if case.records is None else case.records

    def put(key: str, field_: str, value: Any, ttl: int = 300) -> None:
        kind, _, label = key.partition("/")
        state.put({"id": f"{zone}/{key}", "name": label, "type": f"Microsoft.Network/dnszones/{kind}", "etag": "x",
                   "properties": {"TTL": ttl, field_: value}, "_before": None, "_visible": 0})  # fmt: skip

    state.put({"id": zone, "name": name, "type": "Microsoft.Network/dnszones", "properties": {}, "etag": "x"})
    soa = {"host": "ns1-01.azure-dns.com.", "email": "hostmaster.example.", "serialNumber": 1}
    put("SOA/@", "SOARecord", soa)
    put("NS/@", "NSRecords", [{"nsdname": "ns1-01.azure-dns.com."}])
    if case.mx:
        put("MX/@", "MXRecords", [{"preference": 10 * at, "exchange": host} for at, host in enumerate(hosts, 1)])
    for label, kind in case.mx.items():
        put(f"A/{label}", "ARecords", [{"ipv4Address": SERVERS[kind]}])
    if texts:
        put("TXT/_mta-sts", "TXTRecords", [{"value": [text]} for text in texts], case.ttl)
    put("TXT/_smtp._tls", "TXTRecords", [{"value": [f"v=TLSRPTv1; rua=mailto:tls@{name}"]}])
    if case.host:
        _host(sandbox, name, case, body)
        put("CNAME/mta-sts", "CNAMERecord", {"cname": _target(name)})
    for key, value in case.sets.items():
        if value is None:
            state.delete(f"{zone}/{key}")
        else:
            put(key, "CNAMERecord" if key.startswith("CNAME") else f"{key.partition('/')[0]}Records", value)


def _id(body: bytes) -> str:
    try:
        return Policy.parse(body).id
    except PolicyError:
        return ""


def _target(name: str) -> str:
    return f"{name.replace('.', '-')}.7.azurestaticapps.net"


def _host(sandbox: Sandbox, name: str, case: Case, body: bytes) -> None:
    state, host = sandbox.state, f"mta-sts.{name}"
    id_ = f"{SITE}/{name}"
    state.put({"id": id_, "name": name, "type": "Microsoft.Web/staticSites", "_api_key": name, "_deployed": True,
               "sku": {"name": "Standard"}, "properties": {"defaultHostname": _target(name), "provider": "SwaCli"}})  # fmt: skip
    state.put({"id": f"{id_}/customDomains/{host}", "name": host, "type": "Microsoft.Web/staticSites/customDomains",
               "properties": {"status": "Ready"}, "_certificate": 2e10 if case.certificate == "late" else 0})  # fmt: skip
    if case.certificate and case.certificate != "late":
        state.set(f"certificate:{host}", case.certificate)
    config = json.dumps(case.config).encode()
    files = {"index.html": b"x", "staticwebapp.config.json": config, POLICY: body}
    for path, content in files.items() if case.files else ():
        state.db.execute("INSERT INTO files VALUES (?, ?, ?)", (id_.lower(), path, content))


def _context(ca: trustme.CA, kind: str) -> ssl.SSLContext:
    """A server's TLS, with a certificate for whichever name is asked for."""
    issuer = trustme.CA() if kind == "stranger" else ca
    until = datetime.now(UTC) - timedelta(days=1) if kind == "expired" else None
    since = until - timedelta(days=90) if until else None
    made: dict[str, ssl.SSLContext] = {}

    def context(name: str) -> ssl.SSLContext:
        if name not in made:
            made[name] = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            named = f"other.{name}" if kind == "wrong name" else name
            issuer.issue_cert(named, not_before=since, not_after=until).configure_cert(made[name])
            if kind == "TLS 1.1":
                made[name].minimum_version = ssl.TLSVersion.TLSv1
                made[name].maximum_version = ssl.TLSVersion.TLSv1_1
                made[name].set_ciphers("ALL:@SECLEVEL=0")
        return made[name]

    def choose(socket: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        socket.context = context(name or "nobody.test")

    base = context("nobody.test")
    base.sni_callback = choose
    return base


@contextmanager
def mail_servers(sandbox: Sandbox) -> Iterator[int]:
    """All kinds of mail servers, on one port."""
    folder = sandbox.folder
    ca = trustme.CA.from_pem((folder / "ca.pem").read_bytes(), (folder / "ca.key").read_bytes())
    with ExitStack() as stack:
        port = 0
        for kind, address in SERVERS.items():
            if kind == "closed":
                continue
            tls = None if kind == "no STARTTLS" else _context(ca, kind)
            server = Controller(
                Sink(), hostname=address, port=port or free_port(*SERVERS.values()), tls_context=tls
            )
            server.start()
            stack.callback(server.stop)
            port = server.port
        yield port


def run_checks(sandbox: Sandbox, *arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """`python -m checks …`, led to the local Azure."""
    import os

    env = {**os.environ, **sandbox.env(), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "checks", *arguments]
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=120)
