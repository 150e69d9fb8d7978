"""Real name servers as ordinary processes on free ports of loopback: BIND, Knot, PowerDNS; and a resolver, Unbound."""

import base64
import secrets
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.tsig
import dns.update
import pytest
import requests
from ports import free_port
from processes import stop

KEY = "updates"
SCHEMA = Path("/usr/share/doc/pdns-backend-sqlite3/schema.sqlite3.sql")
ZONE = """$TTL 300
@ IN SOA ns1 hostmaster 1 3600 300 2419200 1
@ IN NS ns1
@ IN MX 10 mail
ns1 IN A 127.0.0.1
mail IN A 127.0.0.1
"""


class NameServer:
    """One server process with some zones.

    :param folder: made, for its files.
    :param zones: their names.
    :param primary: `port` of the server that this one copies the zones from.
    """

    program = ""
    package = ""

    def __init__(self, folder: Path, *zones: str, extra: str = "", primary: int | None = None) -> None:
        if not self.installed():
            pytest.skip(f"{self.program} is not installed (apt-get install {self.package})")
        folder.mkdir(parents=True)
        self.folder, self.zones, self.extra, self.primary = folder, zones, extra, primary
        self.port = free_port()
        self.secret = base64.b64encode(secrets.token_bytes(32)).decode()
        self.log = folder / "log"

    @classmethod
    def installed(cls) -> bool:
        return bool(shutil.which(cls.program) or shutil.which(f"/usr/sbin/{cls.program}"))

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        raise NotImplementedError

    def __enter__(self) -> "NameServer":
        for zone in self.zones:
            if not self.primary:
                (self.folder / f"{zone}.zone").write_text(ZONE + self.extra)
        self.process = subprocess.Popen(
            self.command(), cwd=self.folder, stdout=self.log.open("ab"), stderr=subprocess.STDOUT
        )
        deadline = time.monotonic() + 20
        while self.zones and not self.primary and not self.ask(self.zones[-1], "SOA"):
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise AssertionError(self.log.read_text())
            time.sleep(0.05)
        return self

    def __exit__(self, *_: object) -> None:
        stop(self.process)

    def ask(self, name: str, kind: str) -> list[str]:
        """What it answers, in zone-file form."""
        try:
            response = dns.query.tcp(dns.message.make_query(name, kind), "127.0.0.1", 2, self.port)
        except (OSError, dns.exception.DNSException):
            return []
        return [rdata.to_text() for rrset in response.answer for rdata in rrset]

    def put(self, name: str, kind: str, *contents: str) -> None:
        """What somebody else does: set a record set, in zone-file form; no contents delete it."""
        update = dns.update.UpdateMessage(
            self.zone_of(name), keyring=dns.tsig.Key(KEY, self.secret, "hmac-sha256")
        )
        update.delete(dns.name.from_text(name), kind)
        for text in contents:
            update.add(dns.name.from_text(name), 300, kind, text)
        response = dns.query.tcp(update, "127.0.0.1", 5, self.port)
        assert response.rcode() == dns.rcode.NOERROR, dns.rcode.to_text(response.rcode())

    def zone_of(self, name: str) -> str:
        """Which of its zones holds a name."""
        return max((zone for zone in self.zones if f".{name}".endswith(f".{zone}")), key=len)

    def config(self, **more: Any) -> dict[str, Any]:
        """`mta-sts:dns` without its secret."""
        return {"provider": "rfc2136", "servers": [self.address], "keyName": KEY, **more}


class Bind(NameServer):
    """BIND 9; `queries` has its query and update log."""

    program, package = "named", "bind9"

    def command(self) -> list[str]:
        zones = "".join(
            f'zone "{zone}" {{ type primary; file "{zone}.zone"; allow-update {{ key {KEY}; }}; '
            f"allow-transfer {{ any; }}; {self.notify()} }};\n"
            for zone in self.zones
        )
        config = self.folder / "named.conf"
        config.touch(mode=0o600)
        config.write_text(
            f'key {KEY} {{ algorithm hmac-sha256; secret "{self.secret}"; }};\n'
            f'options {{ directory "{self.folder}"; pid-file none; session-keyfile none; recursion no; '
            f"listen-on port {self.port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; dnssec-validation no; }};\n"
            "controls { };\nlogging { channel here { stderr; severity info; print-category yes; print-time iso8601; };"
            " category default { here; }; category update { here; }; category queries { here; }; };\n" + zones
        )
        return ["/usr/sbin/named", "-c", str(config), "-f", "-n", "1"]

    def notify(self) -> str:
        return "notify no;"

    @property
    def updates(self) -> list[str]:
        """Changes in their order: `adding TXT _mta-sts.example.org`, `deleting CNAME …`."""
        lines = [line for line in self.log.read_text().splitlines() if "updating zone" in line]
        found: list[str] = []
        for line in lines:
            what = line.rpartition("': ")[2]
            if what.startswith("adding an RR at '"):
                name, kind = what.removeprefix("adding an RR at '").split("' ")
                found.append(f"adding {kind.split()[0]} {name}")
            if what.startswith("deleting rrset at '"):
                name, kind = what.removeprefix("deleting rrset at '").split("' ")
                found.append(f"deleting {kind.split()[0]} {name}")
        return found


class Knot(NameServer):
    """Knot DNS, as primary or as secondary."""

    program, package = "knotd", "knot"

    def command(self) -> list[str]:
        source = f"remote:\n  - id: primary\n    address: 127.0.0.1@{self.primary}\n" if self.primary else ""
        settings = "master: primary" if self.primary else "acl: updates"
        zones = "".join(f"  - domain: {zone}\n    file: {zone}.zone\n    {settings}\n" for zone in self.zones)
        config = self.folder / "knot.conf"
        config.touch(mode=0o600)
        config.write_text(
            f'server:\n  rundir: "{self.folder}"\n  listen: 127.0.0.1@{self.port}\n'
            f'database:\n  storage: "{self.folder}"\n'
            f"key:\n  - id: {KEY}\n    algorithm: hmac-sha256\n    secret: {self.secret}\n{source}"
            f"acl:\n  - id: updates\n    key: {KEY}\n    action: [update, transfer, query]\n"
            f'template:\n  - id: default\n    storage: "{self.folder}"\n    zonefile-load: whole\n'
            "    semantic-checks: off\n"
            f"zone:\n{zones}log:\n  - target: stderr\n    any: info\n"
        )
        return ["/usr/sbin/knotd", "-c", str(config)]

    def copy(self, zone: str) -> None:
        """A secondary looks at its primary now."""
        command = ["/usr/sbin/knotc", "-c", str(self.folder / "knot.conf"), "zone-retransfer", zone]
        subprocess.run(command, check=True, capture_output=True)


class PowerDns(NameServer):
    """PowerDNS with its HTTP API."""

    program, package = "pdns_server", "pdns-server pdns-backend-sqlite3"

    def command(self) -> list[str]:
        if not SCHEMA.exists():
            pytest.skip("PowerDNS's sqlite3 backend is not installed (apt-get install pdns-backend-sqlite3)")
        import sqlite3

        self.http = free_port()
        database = self.folder / "zones.db"
        with sqlite3.connect(database) as db:
            db.executescript(SCHEMA.read_text())
        config = self.folder / "pdns.conf"
        config.touch(mode=0o600)
        config.write_text(
            f"launch=gsqlite3\ngsqlite3-database={database}\nsocket-dir={self.folder}\nlocal-address=127.0.0.1\n"
            f"local-port={self.port}\nwebserver=yes\nwebserver-address=127.0.0.1\nwebserver-port={self.http}\n"
            f"api=yes\napi-key={self.secret}\ndaemon=no\nguardian=no\ncache-ttl=0\nquery-cache-ttl=0\n"
            "negquery-cache-ttl=0\nzone-cache-refresh-interval=0\nlog-dns-queries=yes\nloglevel=6\n"
        )
        return ["/usr/sbin/pdns_server", f"--config-dir={self.folder}"]

    def __enter__(self) -> "NameServer":
        zones, self.zones = self.zones, ()
        super().__enter__()
        self.zones = zones
        deadline = time.monotonic() + 20
        while True:
            try:
                self.api("GET", "")
                break
            except (requests.ConnectionError, AssertionError):
                assert time.monotonic() < deadline, self.log.read_text()
                time.sleep(0.1)
        for zone in zones:
            self.api("POST", "/zones", {"name": f"{zone}.", "kind": "Native", "nameservers": [f"ns1.{zone}."]})
            for host in (f"ns1.{zone}", f"mail.{zone}"):
                self.put(host, "A", "127.0.0.1")
            self.put(zone, "MX", f"10 mail.{zone}.")
        return self

    def put(self, name: str, kind: str, *contents: str) -> None:
        """See NameServer."""
        change = {
            "name": f"{name}.", "type": kind, "ttl": 300, "changetype": "REPLACE",
            "records": [{"content": text, "disabled": False} for text in contents],
        }  # fmt: skip
        self.api("PATCH", f"/zones/{self.zone_of(name)}.", {"rrsets": [change]})

    def api(self, method: str, path: str, body: Any = None) -> Any:
        answer = requests.request(
            method, f"http://127.0.0.1:{self.http}/api/v1/servers/localhost{path}", json=body,
            headers={"X-API-Key": self.secret}, timeout=5, proxies={"http": ""},
        )  # fmt: skip
        assert answer.ok, answer.text
        return answer


class Unbound(NameServer):
    """A resolver that remembers, in front of another server.

    :param upstream: ADDRESS:PORT of the server that knows everything.
    """

    program, package = "unbound", "unbound"

    def __init__(self, folder: Path, upstream: str) -> None:
        super().__init__(folder)
        self.upstream = upstream

    def command(self) -> list[str]:
        config = self.folder / "unbound.conf"
        config.write_text(
            f"server:\n  interface: 127.0.0.1@{self.port}\n  access-control: 127.0.0.0/8 allow_snoop\n"
            f'  username: ""\n  chroot: ""\n  directory: "{self.folder}"\n  pidfile: ""\n  use-syslog: no\n'
            '  module-config: "iterator"\n  do-not-query-localhost: no\n  cache-max-negative-ttl: 86400\n'
            f'forward-zone:\n  name: "."\n  forward-addr: {self.upstream.replace(":", "@")}\n'
            "remote-control:\n  control-enable: no\n"
        )
        return ["/usr/sbin/unbound", "-d", "-p", "-c", str(config)]

    def __enter__(self) -> "Unbound":
        super().__enter__()
        deadline = time.monotonic() + 20
        while not self.reply("a.root-servers.net", "A", flags=dns.flags.RD):
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise AssertionError(self.log.read_text())
            time.sleep(0.05)
        return self

    def reply(self, name: str, kind: str, flags: int) -> dns.message.Message | None:
        """Its whole answer; None where it gives none."""
        query = dns.message.make_query(name, kind, flags=flags)
        try:
            return dns.query.udp(query, "127.0.0.1", 2, self.port)
        except (OSError, dns.exception.DNSException):
            return None

    def remembers(self, name: str, kind: str) -> bool:
        """Whether it has an answer in its cache, a no too; asking so adds nothing to it."""
        reply = self.reply(name, kind, flags=0)
        return bool(
            reply and (reply.answer or any(rrset.rdtype == dns.rdatatype.SOA for rrset in reply.authority))
        )
