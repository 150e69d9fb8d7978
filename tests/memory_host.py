"""A DNS host in memory, so that what is done at hosts is tested where no name server is installed."""

import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any

import dns.rdata
import pytest

from internet.dns_view import plain, strings
from zones import ChangedMeanwhile, HostError, RecordsThere

SECRET = "the key of the memory host"
PLACE = {
    "provider": "memory",
    "zone": "example.org",
    "stack": "organization/mta-sts/test",
    "secretsIn": "mta-sts:dns",
}


class Memory:
    """The zone example.org.

    `meanwhile` is done just before the next change, as somebody else would; `trouble` is what the next calls end with.
    `hold` keeps every call waiting until it is set.
    """

    zone = "example.org"

    def __init__(self) -> None:
        self.sets: dict[tuple[str, str], list[str]] = {
            ("example.org", "MX"): ["10 mail.example.org."],
            ("mail.example.org", "A"): ["127.0.0.1"],
        }
        self.ttl: dict[tuple[str, str], int] = {}
        self.changes: list[str] = []
        self.meanwhile: Callable[[], None] | None = None
        self.trouble: list[str] = []
        self.hold = threading.Event()
        self.hold.set()

    def ask(self, name: str, kind: str) -> list[str]:
        """See `host_contract.Place`."""
        return list(self.sets.get((name.lower(), kind), []))

    def put(self, name: str, kind: str, *contents: str) -> None:
        """See `host_contract.Place`."""
        self.sets.pop((name.lower(), kind), None)
        if contents:
            self.sets[name.lower(), kind] = list(contents)

    def read(self, record: str, rdtype: str) -> RecordsThere:
        """See `zones.Host`."""
        self._work()
        records = tuple(self.ask(record, rdtype))
        return RecordsThere(frozenset(plain(dns.rdata.from_text("IN", rdtype, text)) for text in records), records)

    def beside(self, record: str, rdtype: str) -> str:
        """See `zones.Host`."""
        others = ("A", "AAAA", "TXT", "MX") if rdtype == "CNAME" else ("CNAME",)
        there = {kind: self.read(record, kind).values for kind in others}
        return "; ".join(f"{kind} {value}" for kind, values in there.items() for value in sorted(values))

    def replace(self, record: str, rdtype: str, there: RecordsThere, values: Sequence[str], ttl: int) -> None:
        """See `zones.Host`."""
        self._work()
        if self.meanwhile:
            self.meanwhile()
            self.meanwhile = None
        beside = not there.records and self.beside(record, rdtype)
        if beside or frozenset(self.ask(record, rdtype)) != frozenset(there.records):
            raise ChangedMeanwhile(
                f"{rdtype} {record} was changed by somebody else just now; run the command again"
            )
        texts = [f"{value}." if rdtype == "CNAME" else _quoted(value) for value in values]
        self.put(record, rdtype, *texts)
        self.ttl[record, rdtype] = ttl
        self.changes.append(f"{'put' if values else 'delete'} {rdtype} {record}")

    def _work(self) -> None:
        self.hold.wait(10)
        if self.trouble:
            raise HostError(self.trouble.pop(0))


def _quoted(text: str) -> str:
    return " ".join('"' + part.replace("\\", "\\\\").replace('"', '\\"') + '"' for part in strings(text))


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Memory:
    """The provider `memory`, and the secrets of the stack's configuration."""
    from provider import configured

    made = Memory()

    def host(place: Mapping[str, Any], secrets: Mapping[str, Any], domain: str) -> Memory:
        assert secrets == {"token": SECRET}
        return made

    module = ModuleType("zones.memory")
    module.host = host  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "zones.memory", module)
    monkeypatch.setattr(configured, "read", lambda stack, key: {"token": SECRET})
    return made
