"""The MX records as a zone's own name servers tell them: no answer is never "no MX"."""

from types import SimpleNamespace
from typing import Any

import dns.exception
import dns.name
import pytest

from checks import mail
from internet import dns_view
from internet.address import Server
from internet.dns_view import Records

SILENT = dns.exception.Timeout()


def asked(monkeypatch: pytest.MonkeyPatch, *answers: list[str] | Exception) -> tuple[frozenset[str] | None, bool]:
    """:param answers: what each server tells."""
    by_server = {Server(f"ns{at}", f"192.0.2.{at}"): answer for at, answer in enumerate(answers, 1)}

    def records_at(_: Any, server: Server, name: str, kind: str) -> Records:
        assert (name, kind) == ("example.org", "MX")
        answer = by_server[server]
        if isinstance(answer, Exception):
            raise answer
        return Records([SimpleNamespace(exchange=dns.name.from_text(host)) for host in answer], exists=True)

    monkeypatch.setattr(dns_view, "records_at", records_at)
    look: Any = SimpleNamespace(view=None, name="example.org", name_servers=lambda: list(by_server))
    return mail.hosts_at_servers(look)


def test_what_some_server_tells_counts_and_whole_is_what_all_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    both = ["MX1.example.org.", "mx2.example.org."]
    assert asked(monkeypatch, both, both) == ({"mx1.example.org", "mx2.example.org"}, True)
    assert asked(monkeypatch, both, both[:1]) == ({"mx1.example.org", "mx2.example.org"}, False)
    assert asked(monkeypatch, both[:1], SILENT) == ({"mx1.example.org"}, False)
    assert asked(monkeypatch, both[:1], []) == (
        {"mx1.example.org"},
        False,
    )  # a server that isn't the zone's any more
    assert asked(monkeypatch, SILENT, OSError("refused")) == (None, False)
    assert asked(monkeypatch, ["."], ["."]) == ({""}, True)


def test_a_zone_whose_servers_are_not_found_tells_nothing() -> None:
    def name_servers() -> list[Server]:
        raise dns.exception.Timeout

    look: Any = SimpleNamespace(view=None, name="example.org", name_servers=name_servers)
    assert mail.hosts_at_servers(look) == (None, False)
