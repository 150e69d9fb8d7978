"""Run in a network and mount namespace: a signed root and zones, a validating resolver, and mail servers on port 25.

Prints, as JSON, the checks' findings of every set-up, and what posttls-finger says of each.
"""

import asyncio
import ctypes
import fcntl
import json
import logging
import os
import re
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256, sha512
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests/internet")]

import dns.exception  # noqa: E402
import dns.message  # noqa: E402
import dns.query  # noqa: E402
import trustme  # noqa: E402
from aiosmtpd.handlers import Sink  # noqa: E402
from aiosmtpd.smtp import SMTP  # noqa: E402
from cryptography import x509  # noqa: E402
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat  # noqa: E402
from real_ports import bring_loopback_up  # noqa: E402  # pyright: ignore[reportMissingImports]

from dane.corpus import ALTERED, BROKEN, CORPUS, Entry  # noqa: E402

RESOLVER, AUTHORITY = "127.0.0.2", "127.0.0.1"  # BIND listens on addresses of interfaces alone
NOW = datetime.now(UTC)
HEAD = "$TTL 300\n@ SOA ns.test. hostmaster.test. 1 3600 300 2419200 300\n@ NS ns.test.\n"
# Each zone, and how it is signed; those above come last, as they have the others' DS records.
SIGNED: dict[str, tuple[str, ...] | None] = {
    "secure.test": (),
    "optout.test": ("-3", "abcd", "-A", "-H", "5"),
    "sub.optout.test": None,
    "plain.test": None,
    "island.test": (),
    "bogus.test": (),
    "expired.test": ("-s", "20200101000000", "-e", "20200201000000"),
    "test": (),
    ".": (),
}
TRUSTED = ("secure.test", "optout.test", "bogus.test", "expired.test", "test")
VERSIONS = {"TLS 1.0": ssl.TLSVersion.TLSv1, "TLS 1.1": ssl.TLSVersion.TLSv1_1, "TLS 1.2": ssl.TLSVersion.TLSv1_2}


class Certificates:
    """Those of one mail server: what it presents, and what TLSA records can mean by `own`, `ca`, `root` and `other`."""

    root = trustme.CA()
    ca = root.create_child_ca()
    strange = trustme.CA()
    other = trustme.CA().issue_cert("other.test")

    def __init__(self, kind: str, host: str, domain: str) -> None:
        names = {
            "another name": ("other.test",), "wildcard": (f"*.{domain}",), "wildcard above": (f"*.{domain.partition('.')[2]}",),
            "common name": ("other.test",), "common name alone": (), "domain's name": (domain,),
        }.get(kind, (host,))  # fmt: skip
        days = {"expired": (-90, -1), "early": (1, 90)}.get(kind, (-1, 90))
        issuer = self.strange if kind == "stranger" else self.ca
        leaf = issuer.issue_cert(
            *names, common_name=host if kind.startswith("common name") else None,
            not_before=NOW + timedelta(days=days[0]), not_after=NOW + timedelta(days=days[1]),
        )  # fmt: skip
        self.kind, own = kind, leaf.cert_chain_pems[0].bytes()
        above = [issuer.cert_pem.bytes()] if kind != "leaf alone" else []
        above += [self.root.cert_pem.bytes()] if kind == "whole chain" else []
        self.pem = leaf.private_key_pem.bytes() + own + b"".join(above)
        self.means = {"own": own, "ca": issuer.cert_pem.bytes(), "root": self.root.cert_pem.bytes(), "other": self.other.cert_chain_pems[0].bytes()}  # fmt: skip

    def tlsa(self, text: str) -> str:
        """A record, as zone files have it."""
        usage, selector, kind, of = text.split()
        if of == "key":
            return f"{usage} {selector} {kind} {self._data('own', 1, 1)}"
        return f"{usage} {selector} {kind} {self._data(of, int(selector), int(kind)) if of in self.means else of}"

    def _data(self, of: str, selector: int, kind: int) -> str:
        certificate = x509.load_pem_x509_certificate(self.means[of])
        data = certificate.public_bytes(Encoding.DER)
        if selector == 1:
            data = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return {0: data.hex, 2: sha512(data).hexdigest}.get(kind, sha256(data).hexdigest)()

    def context(self, folder: Path) -> ssl.SSLContext | None:
        """A server's; None without STARTTLS."""
        if self.kind == "no STARTTLS":
            return None
        context, path = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), folder / "certificate.pem"
        path.write_bytes(self.pem)
        context.load_cert_chain(path)
        if self.kind in VERSIONS:
            context.minimum_version = min(VERSIONS[self.kind], ssl.TLSVersion.TLSv1)
            context.maximum_version = VERSIONS[self.kind]
            context.set_ciphers("ALL:@SECLEVEL=0")
        return context


def domain(at: int, entry: Entry) -> str:
    return f"case-{at}.{entry.zone}"


def host(at: int, entry: Entry) -> str:
    return f"mx.case-{at}.{entry.mx_zone or entry.zone}"


def add_address(address: str) -> None:
    """`ip address add ADDRESS/128 dev lo`, without iproute2."""
    packed = socket.inet_pton(socket.AF_INET6, address) + struct.pack("=Ii", 128, socket.if_nametoindex("lo"))
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, 0x8916, packed)  # SIOCSIFADDR


def look_here(resolv: Path) -> None:
    """The resolver of this namespace's programs is ours."""
    resolv.write_text(f"nameserver {RESOLVER}\noptions trust-ad edns0\n")
    if ctypes.CDLL(None, use_errno=True).mount(str(resolv).encode(), b"/etc/resolv.conf", None, 4096, None):
        raise OSError(ctypes.get_errno(), "mount --bind")


def zones(folder: Path, lines: dict[str, list[str]]) -> Path:
    """Write and sign them.

    :returns: the root's trust anchor.
    """
    lines["."] = [f"ns.test. A {AUTHORITY}", "test. NS ns.test."]
    lines["test"] = [
        f"ns A {AUTHORITY}",
        *(f"{zone}. NS ns.test." for zone in SIGNED if zone.count(".") == 1 and zone != "."),
    ]
    lines["optout.test"] = [*lines.get("optout.test", []), "sub NS ns.test."]
    for zone in BROKEN:
        lines[zone] = [f"@ MX 10 mx.{zone}.", f"mx A {AUTHORITY}"]
    for zone, options in SIGNED.items():
        path = folder / f"zone-{zone}"
        path.write_text(HEAD + "\n".join(lines.get(zone, [])) + "\n")
        if options is None:
            continue
        run = ("dnssec-keygen", "-q", "-a", "ECDSAP256SHA256", "-f", "KSK", zone)
        key = subprocess.run(run, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()
        with path.open("a") as file:
            file.write((folder / f"{key}.key").read_text())
        run = ("dnssec-signzone", "-q", "-P", "-z", "-o", zone, "-f", f"zone-{zone}", *options, path.name, key)
        subprocess.run(run, cwd=folder, check=True, capture_output=True)
        made = path.read_text()
        path.write_text(made.replace(ALTERED.upper(), ALTERED[::-1].upper()))
        ds = (folder / f"dsset-{zone.rstrip('.')}.").read_text()
        if zone == "bogus.test":  # of a key that isn't there
            ds = re.sub(r"[0-9A-F]{30,}", lambda found: found[0][::-1], ds)
        if zone in TRUSTED:
            above = zone.partition(".")[2] or "."
            lines.setdefault(above, []).append(ds)
    return folder / "dsset-."


def records(at: int, entry: Entry, lines: dict[str, list[str]], tlsa: list[str]) -> None:
    """A set-up's, added to its zones."""
    zone, name = entry.mx_zone or entry.zone, host(at, entry)
    lines.setdefault(entry.zone, []).append(f"{domain(at, entry)}. MX 10 {name}.")
    here = lines.setdefault(zone, [])
    real = f"real-{name}" if entry.alias == "host" else name
    here.append(f"{real}. A 127.25.0.{at}")
    if entry.v6:
        here.append(f"{real}. AAAA fd25::{at}")
    if real != name:
        here.append(f"{name}. CNAME {real}.")
    owner = f"_25._tcp.{real}"
    if entry.alias == "tlsa":
        here.append(f"{owner}. CNAME tlsa.{name}.")
        owner = f"tlsa.{name}"
    here.extend(f"{owner}. TLSA {each}" for each in tlsa)


@contextmanager
def name_servers(folder: Path, anchor: Path) -> Iterator[None]:
    """BIND with the zones, Unbound in front of it."""
    named = "".join(f'zone "{zone}" {{ type primary; file "zone-{zone}"; }};\n' for zone in SIGNED)
    (folder / "named.conf").write_text(
        f'options {{ directory "{folder}"; pid-file none; session-keyfile none; recursion no; listen-on {{ {AUTHORITY}; }}; '
        f"listen-on-v6 {{ none; }}; dnssec-validation no; }};\ncontrols {{ }};\n{named}"
    )
    (folder / "unbound.conf").write_text(
        f"server:\n  interface: {RESOLVER}\n  username: \"\"\n  chroot: \"\"\n  directory: \"{folder}\"\n  pidfile: \"\"\n"
        f"  use-syslog: no\n  do-not-query-localhost: no\n  trust-anchor-file: {anchor}\n  module-config: \"validator iterator\"\n"
        f'stub-zone:\n  name: "."\n  stub-addr: {AUTHORITY}\nremote-control:\n  control-enable: no\n'
        .replace("  use-syslog", "  local-zone: \"test.\" nodefault\n  use-syslog")
    )  # fmt: skip
    commands = [
        ["/usr/sbin/named", "-c", "named.conf", "-f", "-n", "1"],
        ["/usr/sbin/unbound", "-d", "-p", "-c", "unbound.conf"],
    ]
    with ExitStack() as stack:
        for at, command in enumerate(commands):
            log = stack.enter_context((folder / f"log-{at}").open("w"))
            process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
            stack.callback(process.wait)
            stack.callback(process.terminate)
        deadline = time.monotonic() + 30
        while not answers("test.", "DNSKEY"):
            if time.monotonic() > deadline:
                raise AssertionError((folder / "log-0").read_text() + (folder / "log-1").read_text())
            time.sleep(0.1)
        yield


def answers(name: str, kind: str) -> bool:
    try:
        return bool(dns.query.udp(dns.message.make_query(name, kind), RESOLVER, 1).answer)
    except (OSError, dns.exception.DNSException):
        return False


@contextmanager
def mail_servers(contexts: dict[str, ssl.SSLContext | None]) -> Iterator[None]:
    """One on port 25 of each address."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def start() -> None:
        for address, context in contexts.items():

            def factory(context: ssl.SSLContext | None = context) -> SMTP:
                return SMTP(Sink(), hostname="mx.test", tls_context=context, loop=loop)

            await loop.create_server(factory, address, 25)

    asyncio.run_coroutine_threadsafe(start(), loop).result(30)
    yield
    loop.call_soon_threadsafe(loop.stop)
    thread.join()


def finger(root: Path, name: str, level: str, family: str) -> str:
    """All that posttls-finger says."""
    # As these checks: nothing below TLS 1.2 without DANE; a server's key of DANE is enough for any version.
    versions = ">=TLSv1.2" if level == "verify" else ">=TLSv1"
    command = ["/usr/sbin/posttls-finger", "-c", "-t", "10", "-T", "10", "-l", level, "-a", family, "-F", str(root), "-p", versions,
               "-o", "inet_protocols=all", "-o", "tls_medium_cipherlist=ALL:@SECLEVEL=0", "-L", "summary,certmatch"]  # fmt: skip
    run = subprocess.run([*command, name], capture_output=True, text=True, timeout=60, check=False)
    return run.stdout + run.stderr


def main(folder: Path) -> int:
    """Stage all of it, and look."""
    logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # senders that end TLS are what this is about
    bring_loopback_up()
    look_here(folder / "resolv.conf")
    lines, contexts = dict[str, list[str]](), dict[str, ssl.SSLContext | None]()
    entries = dict(enumerate(CORPUS.values(), 1))
    for at, entry in entries.items():
        made = Certificates(entry.kind, host(at, entry), domain(at, entry))
        contexts[f"127.25.0.{at}"] = made.context(folder)
        if entry.v6:
            add_address(f"fd25::{at}")
            new = Certificates(entry.v6, host(at, entry), domain(at, entry))
            made.means["v6"] = new.means["own"]
            if entry.v6 != "closed":
                contexts[f"fd25::{at}"] = new.context(folder)
        records(at, entry, lines, [made.tlsa(text) for text in entry.tlsa])
    anchor, root = zones(folder, lines), folder / "root.pem"
    Certificates.root.cert_pem.write_to_path(str(root))
    with name_servers(folder, anchor), mail_servers(contexts):
        names = [*(domain(at, entry) for at, entry in entries.items()), *BROKEN]
        env = {
            **os.environ,
            "SSL_CERT_FILE": str(root),
            "MTA_STS_RESOLVER": RESOLVER,
            "MTA_STS_TRUST_ANCHOR": str(anchor),
        }
        command = [sys.executable, "-m", "checks", "domain", *names, "--json"]
        run = subprocess.run(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, check=False)
        ours = json.loads(run.stdout)
        asked = [
            (domain(at, entry), level, family)
            for at, entry in entries.items()
            for level in ("verify", "dane-only")
            for family in ("ipv4", *(("ipv6",) if entry.v6 else ()))
        ]
        asked += [(name, "dane-only", "ipv4") for name in BROKEN]
        with ThreadPoolExecutor(2) as pool:
            said = list(pool.map(partial(finger, root), *zip(*asked, strict=True)))
    theirs = [[*each, text] for each, text in zip(asked, said, strict=True)]
    print(json.dumps({"ours": ours, "theirs": theirs}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
