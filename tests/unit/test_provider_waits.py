"""Waiting: progress, deadline, Ctrl-C; and a DNS record that must be seen by everyone."""

import asyncio
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from provider import record_seen
from provider.wait import UserError, Wait, minutes


def waiting(timeout: float = 5, cancelled: asyncio.Event | None = None) -> tuple[Wait, list[str]]:
    lines: list[str] = []
    return Wait(timeout, lines.append, lines.append, cancelled or asyncio.Event()), lines


def test_it_ends_when_the_reason_is_gone_and_tells_the_reason_meanwhile() -> None:
    reasons = iter(["not yet", "almost", None])
    wait, lines = waiting()
    asyncio.run(wait.until("the thing", lambda: next(reasons), "way out"))
    assert "waiting for the thing" in lines[0]
    assert lines[0].endswith("not yet")
    assert lines[1].endswith("almost")


def test_it_gives_up_at_the_deadline_with_reason_and_way_out() -> None:
    wait, _ = waiting(timeout=0.3)
    with pytest.raises(UserError, match=r"gave up waiting for the thing after 0 s: never\. Do this\."):
        asyncio.run(wait.until("the thing", lambda: "never", "Do this."))


def test_ctrl_c_ends_it_at_once() -> None:
    async def cancelled_soon() -> None:
        event = asyncio.Event()
        wait, _ = waiting(timeout=60, cancelled=event)
        asyncio.get_running_loop().call_later(0.05, event.set)
        await wait.until("the thing", lambda: "never", "")

    with pytest.raises(UserError, match="next `pulumi up` goes on"):
        asyncio.run(asyncio.wait_for(cancelled_soon(), 2))


def test_one_good_answer_among_bad_ones_is_not_enough() -> None:
    answers = [None, "stale", None, None, None]
    asked: list[str | None] = []

    def reason() -> str | None:
        asked.append(answers[len(asked)])
        return asked[-1]

    asyncio.run(waiting()[0].until("the thing", reason, "", agreeing=3))
    assert asked == answers


def test_minutes() -> None:
    assert [minutes(7.9), minutes(60), minutes(95)] == ["7 s", "1:00 min", "1:35 min"]


Answer = Callable[[str, str], tuple[str, ...] | None]


@contextmanager
def name_server(answer: Answer) -> Iterator[str]:
    """A real name server on a free loopback port; None stands for SERVFAIL."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            data, socket = self.request
            query = dns.message.from_wire(data)
            question = query.question[0]
            kind = dns.rdatatype.to_text(question.rdtype)
            response = dns.message.make_response(query)
            response.flags |= dns.flags.AA | dns.flags.RA
            values = answer(question.name.to_text(omit_final_dot=True), kind)
            if values is None:
                response.set_rcode(dns.rcode.SERVFAIL)
            elif values:
                response.answer.append(dns.rrset.from_text(question.name, 5, "IN", kind, *values))
            socket.sendto(response.to_wire(), self.client_address)

    with socketserver.ThreadingUDPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def seen_by(monkeypatch: pytest.MonkeyPatch, *servers: str, resolver: str) -> None:
    monkeypatch.setenv("MTA_STS_NAMESERVERS", ",".join(servers))
    monkeypatch.setenv("MTA_STS_RESOLVER", resolver)


VALUES = frozenset({"site.example"})


def test_a_record_counts_when_every_server_and_the_resolver_answer_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with name_server(lambda *_: ("Site.Example.",)) as one:
        seen_by(monkeypatch, one, one, resolver=one)
        assert record_seen.missing("mta-sts.example.org", "CNAME", VALUES) is None


def test_one_server_without_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with name_server(lambda *_: ("site.example.",)) as good, name_server(lambda *_: ()) as late:
        seen_by(monkeypatch, good, late, resolver=good)
        assert record_seen.missing("mta-sts.example.org", "CNAME", VALUES) == "127.0.0.1 answers nothing"


def test_the_resolver_is_not_asked_before_the_zone_has_the_record(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def resolve(name: str, kind: str) -> tuple[str, ...]:
        asked.append(name)
        return ()

    with name_server(lambda *_: ()) as zone, name_server(resolve) as resolver:
        seen_by(monkeypatch, zone, resolver=resolver)
        assert record_seen.missing("mta-sts.example.org", "CNAME", VALUES)
        assert asked == []


def test_a_server_in_trouble_is_no_proof_of_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    with name_server(lambda *_: None) as broken:
        seen_by(monkeypatch, broken, resolver=broken)
        assert "SERVFAIL" in str(record_seen.missing("mta-sts.example.org", "CNAME", VALUES))
        state = {"record": "mta-sts.example.org", "type": "CNAME", "values": ["site.example"]}
        assert record_seen.read(state) == state


def test_refresh_finds_a_changed_record(monkeypatch: pytest.MonkeyPatch) -> None:
    with name_server(lambda *_: ("elsewhere.example.",)) as changed:
        seen_by(monkeypatch, changed, resolver=changed)
        state = {"record": "mta-sts.example.org", "type": "CNAME", "values": ["site.example"]}
        assert record_seen.read(state)["values"] == ["elsewhere.example"]
