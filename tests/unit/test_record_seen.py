"""A DNS record must be seen by everyone before what depends on it goes on, and a resolver's memory stops nobody."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

import dns.flags
import dns.message
import dns.rcode
import dns.resolver
import dns.rrset
import internet_servers
import pytest

from internet import dns_view
from internet.view import View
from provider import record_seen
from provider.record_seen import Seen
from provider.wait import Wait

RECORD = "mta-sts.example.org"
HOUR = 3600  # seconds
VALUES = frozenset({"site.example"})
INPUTS = {"record": RECORD, "type": "CNAME", "values": ["site.example"]}

Answer = Callable[[str, str], tuple[str, ...] | None]


@contextmanager
def name_server(answer: Answer, ttl: int = 5, negative: int | None = None) -> Iterator[str]:
    """A name server with the values it answers; None stands for SERVFAIL.

    :param negative: seconds that a no may be remembered, as the SOA record beside it says.
    """

    def reply(packet: bytes, stream: bool) -> bytes:
        query = dns.message.from_wire(packet)
        question = query.question[0]
        kind = dns.rdatatype.to_text(question.rdtype)
        response = dns.message.make_response(query)
        response.flags |= dns.flags.AA | dns.flags.RA
        values = answer(question.name.to_text(omit_final_dot=True), kind)
        if values is None:
            response.set_rcode(dns.rcode.SERVFAIL)
        elif values:
            response.answer.append(dns.rrset.from_text(question.name, ttl, "IN", kind, *values))
        elif negative is not None:
            response.set_rcode(dns.rcode.NXDOMAIN)
            soa = f"ns1.example.org. x.example.org. 1 3600 300 2419200 {negative}"
            response.authority.append(dns.rrset.from_text("example.org.", 2 * HOUR, "IN", "SOA", soa))
        return response.to_wire()

    with internet_servers.name_server(reply) as port:
        yield f"127.0.0.1:{port}"


def seen_by(monkeypatch: pytest.MonkeyPatch, *servers: str, resolver: str) -> tuple[Seen, list[str]]:
    """A look through these servers, and what it says."""
    monkeypatch.setenv("MTA_STS_NAMESERVERS", ",".join(servers))
    monkeypatch.setenv("MTA_STS_RESOLVER", resolver)
    said: list[str] = []
    return Seen(RECORD, "CNAME", VALUES, said.append), said


def everyone(*_: str) -> tuple[str, ...]:
    return ("Site.Example.",)


def nobody(*_: str) -> tuple[str, ...]:
    return ()


def test_a_record_counts_when_every_server_and_the_resolver_answer_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with name_server(everyone) as one:
        seen, said = seen_by(monkeypatch, one, one, resolver=one)
        assert seen.reason() is None
        assert said == []


def test_one_server_without_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with name_server(everyone) as good, name_server(nobody) as late:
        seen, _ = seen_by(monkeypatch, good, late, resolver=good)
        assert seen.reason() == "127.0.0.1 answers nothing"


def test_the_resolver_is_not_asked_before_the_zone_has_the_record(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def resolve(name: str, kind: str) -> tuple[str, ...]:
        asked.append(name)
        return ()

    with name_server(nobody) as zone, name_server(resolve) as resolver:
        seen, _ = seen_by(monkeypatch, zone, resolver=resolver)
        assert seen.reason()
        assert asked == []


def test_a_no_that_the_resolver_remembers_for_an_hour_is_told_and_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with name_server(everyone) as zone, name_server(nobody, negative=HOUR) as resolver:
        seen, said = seen_by(monkeypatch, zone, resolver=resolver)
        assert seen.reason() is None
        (line,) = said
        assert f"every name server of the zone answers CNAME {RECORD}; the resolver remembers until 20" in line
        assert line.endswith(" UTC that there is none, which isn't waited for")


def test_an_old_value_that_the_resolver_remembers_is_told_and_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with name_server(everyone) as zone, name_server(lambda *_: ("old.example.",), ttl=HOUR) as resolver:
        seen, said = seen_by(monkeypatch, zone, resolver=resolver)
        assert seen.reason() is None
        assert " UTC old.example, which isn't waited for" in said[0]


def test_what_is_soon_forgotten_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with name_server(everyone) as zone, name_server(nobody, negative=5) as resolver:
        seen, said = seen_by(monkeypatch, zone, resolver=resolver)
        assert seen.reason() == "the resolver answers nothing"
        assert said == []


def test_what_is_never_forgotten_is_waited_for_no_longer_than_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    with name_server(everyone) as zone, name_server(nobody, negative=5) as resolver:
        seen, said = seen_by(monkeypatch, zone, resolver=resolver)
        monkeypatch.setattr(record_seen, "COURTESY", 6.0)
        assert seen.reason() == "the resolver answers nothing"
        monkeypatch.setattr(record_seen, "COURTESY", 5.0)  # a second and more later
        assert seen.reason() is None
        assert "that there is none" in said[0]


def test_a_resolver_in_trouble_remembers_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_seen, "COURTESY", 0.0)
    monkeypatch.setattr(dns_view, "LIFETIME", 0.5)
    with name_server(everyone) as zone, name_server(lambda *_: None) as resolver:
        seen, said = seen_by(monkeypatch, zone, resolver=resolver)
        assert str(seen.reason()).startswith("the resolver gives no answer")
        assert said == []


def test_a_server_in_trouble_is_no_proof_of_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    with name_server(lambda *_: None) as broken:
        seen, _ = seen_by(monkeypatch, broken, resolver=broken)
        assert "SERVFAIL" in str(seen.reason())
        assert record_seen.read(INPUTS) == INPUTS


def test_refresh_finds_a_changed_record(monkeypatch: pytest.MonkeyPatch) -> None:
    with name_server(lambda *_: ("elsewhere.example.",)) as changed:
        seen_by(monkeypatch, changed, resolver=changed)
        assert record_seen.read(INPUTS)["values"] == ["elsewhere.example"]


def test_it_goes_on_to_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    with name_server(everyone) as one:
        seen_by(monkeypatch, one, resolver=one)
        wait = Wait(5, lambda _: None, lambda _: None, asyncio.Event())
        assert asyncio.run(record_seen.create(INPUTS, wait)) == {}


def test_a_host_that_the_resolver_does_not_know_yet_is_found_by_its_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    def zone(name: str, kind: str) -> tuple[str, ...]:
        return ("site.example.",) if (name, kind) == (RECORD, "CNAME") else ()

    def internet(name: str, kind: str) -> tuple[str, ...]:
        return ("192.0.2.7",) if (name, kind) == ("site.example", "A") else ()

    with name_server(zone) as servers:
        for negative in (HOUR, None):  # no such name; or no such record
            with name_server(internet, negative=negative) as resolver:
                seen_by(monkeypatch, servers, resolver=resolver)
                assert dns_view.addresses_now(View.from_environment(), RECORD) == ["192.0.2.7"]
                with pytest.raises(dns.resolver.NXDOMAIN) if negative else nullcontext():
                    assert dns_view.addresses_now(View.from_environment(), "nosuch.example.org") == []


def test_the_search_for_the_zone_asks_for_no_name_that_is_about_to_be_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def resolve(name: str, kind: str) -> tuple[str, ...]:
        asked.append(name)
        if (name, kind) == ("example.org", "SOA"):
            return ("ns1.example.org. x.example.org. 1 3600 300 2419200 60",)
        return {"NS": ("ns1.example.org.",), "A": ("192.0.2.1",)}.get(kind, ())

    with name_server(resolve) as resolver:
        monkeypatch.delenv("MTA_STS_NAMESERVERS", raising=False)
        monkeypatch.setenv("MTA_STS_RESOLVER", resolver)
        for record in (RECORD, "_mta-sts.example.org", "_smtp._tls.example.org"):
            servers = dns_view.name_servers(View.from_environment(), record)
            assert [server.address for server in servers] == ["192.0.2.1"]
    assert set(asked) == {"example.org", "ns1.example.org"}
