"""Whether DNSSEC holds is told from a zone's own signatures and its parent's DS record."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import dns.dnssec
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rdatatype
import dns.rrset
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from internet_servers import name_server, view_of

from internet import dnssec
from internet.address import Server
from internet.dnssec import Signed
from internet.view import View

ZONE = dns.name.from_text("example.org")
SOA = dns.rrset.from_text(ZONE, 300, "IN", "SOA", "ns1.example.org. a.example.org. 1 3600 300 86400 300")


def key() -> tuple[ec.EllipticCurvePrivateKey, dns.rrset.RRset]:
    private = ec.generate_private_key(ec.SECP256R1())
    public = dns.dnssec.make_dnskey(private.public_key(), "ECDSAP256SHA256", flags=257)
    return private, dns.rrset.from_rdata(ZONE, 300, public)


def signed(
    rrset: dns.rrset.RRset, private: ec.EllipticCurvePrivateKey, keys: dns.rrset.RRset, days: int = 7
) -> dns.rrset.RRset:
    until = datetime.now(UTC) + timedelta(days=days)
    signature = dns.dnssec.sign(
        rrset, private, ZONE, keys[0], inception=until - timedelta(days=30), expiration=until
    )
    return dns.rrset.from_rdata(ZONE, 300, signature)


@contextmanager
def zone(answers: dict[str, list[dns.rrset.RRset]], strict: bool = False) -> Iterator[tuple[View, Server]]:
    """A resolver and the zone's server in one; a strict resolver refuses whoever doesn't say that it takes anything."""

    def answer(data: bytes, _: bool) -> bytes:
        query = dns.message.from_wire(data)
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA | dns.flags.AA
        if strict and not query.flags & dns.flags.CD:
            response.set_rcode(dns.rcode.SERVFAIL)
            return response.to_wire()
        response.answer += answers.get(dns.rdatatype.to_text(query.question[0].rdtype), [])
        return response.to_wire()

    with name_server(answer) as port:
        yield view_of(port), Server("ns1", "127.0.0.1", port)


def state(answers: dict[str, list[dns.rrset.RRset]]) -> tuple[Signed, str]:
    with zone(answers) as (view, server):
        return dnssec.of(view, "example.org", [server])


PRIVATE, KEYS = key()
OTHER, OTHERS = key()
DS = dns.rrset.from_rdata(ZONE, 300, dns.dnssec.make_ds(ZONE, KEYS[0], "SHA256"))
GOOD = {
    "DS": [DS],
    "DNSKEY": [KEYS, signed(KEYS, PRIVATE, KEYS)],
    "SOA": [SOA, signed(SOA, PRIVATE, KEYS)],
}


def test_a_zone_without_a_ds_record_is_not_signed() -> None:
    assert state({"SOA": [SOA]}) == (Signed.NO, "")


def test_a_zone_whose_signatures_hold_is_signed() -> None:
    assert state(GOOD) == (Signed.YES, "")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"DNSKEY": []}, "no signed DNSKEY"),
        ({"DNSKEY": [KEYS]}, "no signed DNSKEY"),
        ({"DNSKEY": [OTHERS, signed(OTHERS, OTHER, OTHERS)]}, "no DNSKEY is the one that the DS record"),
        ({"DNSKEY": [KEYS, signed(KEYS, OTHER, KEYS)]}, ""),
        ({"SOA": [SOA, signed(SOA, PRIVATE, KEYS, days=-1)]}, ""),
        ({"SOA": [SOA]}, "without a signature"),
    ],
)
def test_a_zone_whose_signatures_do_not_hold_is_broken(
    changes: dict[str, list[dns.rrset.RRset]], why: str
) -> None:
    found, told = state({**GOOD, **changes})
    assert found == Signed.BROKEN
    assert why in told
    assert told


def test_a_resolver_that_refuses_can_be_asked_without_validation() -> None:
    with zone(GOOD, strict=True) as (view, server):
        with pytest.raises(Exception, match="SERVFAIL"):
            dnssec.of(view, "example.org", [server])
        lax = dnssec.without_validation(replace(view))
        assert list(lax.resolver.resolve("example.org", "SOA"))


def test_a_server_that_closes_the_connection_gives_no_usable_answer() -> None:
    def answer(data: bytes, by_tcp: bool) -> bytes | None:
        query = dns.message.from_wire(data)
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        if query.question[0].rdtype == dns.rdatatype.DS:
            response.answer.append(DS)
        elif by_tcp:
            return None
        else:
            response.flags |= dns.flags.TC
        return response.to_wire()

    with name_server(answer) as port, pytest.raises(dns.exception.DNSException, match="closes the connection"):
        dnssec.of(view_of(port), "example.org", [Server("ns1", "127.0.0.1", port)])
