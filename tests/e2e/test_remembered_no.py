"""The internet remembers a "no" (RFC 2308): behind a resolver that does, for an hour, the first `up` goes through."""

from collections.abc import Iterator
from pathlib import Path

import dns.flags
import dns.rcode
import pytest
from harness import TESTING, Stack
from name_servers import Unbound

HOUR = 3600  # seconds
OURS = (("mta-sts.example.org", "CNAME"), ("_mta-sts.example.org", "TXT"), ("_smtp._tls.example.org", "TXT"))
ZONE = "/resourceGroups/dns/providers/Microsoft.Network/dnsZones/example.org"


@pytest.fixture
def unbound(stack: Stack, tmp_path: Path) -> Iterator[Unbound]:
    """The stack's resolver; the zone says that a no may be remembered for an hour."""
    soa = stack.arm("GET", f"{ZONE}/SOA/@")["properties"]["SOARecord"]
    stack.arm("PUT", f"{ZONE}/SOA/@", {"properties": {"TTL": HOUR, "SOARecord": {**soa, "minimumTTL": HOUR}}})
    stack.configure({**TESTING, "tlsReports": ["mailto:tls@example.org"]})
    with Unbound(tmp_path / "unbound", stack.sandbox.env()["MTA_STS_RESOLVER"]) as running:
        stack.more["MTA_STS_RESOLVER"] = running.address
        yield running


def test_a_preview_makes_no_resolver_remember_that_there_is_nothing_yet(stack: Stack, unbound: Unbound) -> None:
    run = stack.pulumi("preview")
    assert run.code == 0, run.text
    assert unbound.remembers("example.org", "MX")  # it was this one that was asked
    names = [*OURS, ("_tls.example.org", "SOA"), *((OURS[0][0], kind) for kind in ("A", "AAAA", "CAA", "TXT"))]
    assert [name for name in names if unbound.remembers(*name)] == []


def test_the_first_up_goes_through_though_the_resolver_remembers_a_no(stack: Stack, unbound: Unbound) -> None:
    for name, kind in (*OURS, (OURS[0][0], "A")):
        reply = unbound.reply(name, kind, dns.flags.RD)
        assert reply
        assert reply.rcode() == dns.rcode.NXDOMAIN
        assert reply.authority[0].ttl > HOUR - 60
    run = stack.pulumi("up", "--yes", "--skip-preview")
    assert run.code == 0, run.text
    assert "the resolver remembers until" in run.text
    stack.assert_settled()
    assert unbound.remembers(*OURS[0])  # it still does
    del stack.more["MTA_STS_RESOLVER"]  # senders ask resolvers of their own, which nobody asked too early
    assert stack.senders("example.org")["example.org"]["postfix"] == "VALID"
