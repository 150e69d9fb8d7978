"""What a DNS answer is worth is told from signatures, within limits that nobody's zone can overstretch."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

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

from checks.look import Shared
from internet import signatures, validated
from internet.signatures import State, anchors
from internet.validated import Answer, Validator
from internet.view import View
from policy import UserError

Private = ec.EllipticCurvePrivateKey
ZONE = dns.name.from_text("example.org")
NOW = datetime.now(UTC)


def key(flags: int = 257) -> tuple[Private, Any]:
    private = ec.generate_private_key(ec.SECP256R1())
    return private, dns.dnssec.make_dnskey(private.public_key(), "ECDSAP256SHA256", flags=flags)


PRIVATE, PUBLIC = key()
OTHER, OTHERS = key()
KEYS = dns.rrset.from_rdata(ZONE, 300, PUBLIC)


def rrset(name: str, kind: str, *values: str) -> dns.rrset.RRset:
    return dns.rrset.from_text(f"{name}.", 300, "IN", kind, *values)


def signed(records: dns.rrset.RRset, private: Private = PRIVATE, days: int = 7, public: Any = PUBLIC) -> list[dns.rrset.RRset]:  # fmt: skip
    until = NOW + timedelta(days=days)
    made = dns.dnssec.sign(records, private, ZONE, public, inception=until - timedelta(days=30), expiration=until)
    return [records, dns.rrset.from_rdata(records.name, 300, made)]


MX = rrset("example.org", "MX", "10 mx.example.org.")
Zone = dict[tuple[str, str], tuple[list[dns.rrset.RRset], list[dns.rrset.RRset]]]  # answer and authority


def asked(
    tmp_path: Path, zone: Zone, name: str = "example.org", kind: str = "MX", anchor: str | None = None
) -> Answer:
    """What is made of an answer, where the zone's key is trusted."""
    zone = {("example.org", "DNSKEY"): (signed(KEYS), []), **zone}

    def answer(data: bytes, _: bool) -> bytes:
        query = dns.message.from_wire(data)
        question = query.question[0]
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        here = question.name.to_text(omit_final_dot=True), dns.rdatatype.to_text(question.rdtype)
        response.answer, response.authority = zone.get(here, ([], []))
        return response.to_wire(max_size=65535)

    path = tmp_path / "anchor"
    path.write_text(f"{anchor or f'example.org. IN DNSKEY {PUBLIC}'}\n")
    with name_server(answer) as port:
        view = view_of(port, anchors=str(path))
        return Validator(view, Shared(view)).records(name, kind)


def of(*answer: dns.rrset.RRset) -> Zone:
    return {("example.org", "MX"): (list(answer), [])}


def test_what_the_trusted_key_has_signed_is_secure(tmp_path: Path) -> None:
    found = asked(tmp_path, of(*signed(MX)))
    assert (found.state, found.why, [str(mx) for mx in found.rdatas]) == (State.SECURE, "", ["10 mx.example.org."])


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ([MX], "MX of example.org has no signature, and its zone is signed"),
        (signed(MX, days=-1), "the signature of example.org MX has expired"),
        (signed(MX, days=60), "not yet valid"),
        (signed(MX, OTHER), "does not hold (verify failure)"),
        (signed(MX, OTHER, public=OTHERS), "which example.org doesn't have"),
        ([rrset("example.org", "MX", "10 evil.example."), signed(MX)[1]], "does not hold"),
    ],
)
def test_what_has_no_signature_that_holds_is_bogus(
    tmp_path: Path, answer: list[dns.rrset.RRset], why: str
) -> None:
    found = asked(tmp_path, of(*answer))
    assert found.state == State.BOGUS
    assert why in found.why


def test_keys_that_no_anchor_vouches_for_are_bogus(tmp_path: Path) -> None:
    found = asked(tmp_path, of(*signed(MX)), anchor=f"example.org. IN DNSKEY {OTHERS}")
    assert (found.state, "no DNSKEY of example.org is the one" in found.why) == (State.BOGUS, True)


def test_without_an_anchor_above_nothing_is_known(tmp_path: Path) -> None:
    found = asked(tmp_path, of(*signed(MX)), anchor=f"elsewhere.org. IN DNSKEY {OTHERS}")
    assert found.state == State.UNKNOWN


def test_a_resolver_that_hands_out_no_signatures_tells_nothing(tmp_path: Path) -> None:
    found = asked(tmp_path, of(MX), anchor=signatures.ROOT)
    assert (found.state, found.why) == (State.UNKNOWN, "the resolver hands out no signatures")


def test_a_resolver_that_holds_back_signatures_of_the_zone_alone_is_not_believed(tmp_path: Path) -> None:
    found = asked(tmp_path, {**of(MX), ("example.org", "DNSKEY"): ([KEYS], [])})
    assert (found.state, "no signed DNSKEY" in found.why) == (State.BOGUS, True)


NSEC = rrset("example.org", "NSEC", "zz.example.org. MX NS SOA RRSIG NSEC DNSKEY")


def absent(*proof: dns.rrset.RRset) -> Zone:
    return {("mx.example.org", "TLSA"): ([], list(proof))}


@pytest.mark.parametrize(
    ("proof", "state"),
    [
        (signed(NSEC), State.SECURE),
        ([], State.UNKNOWN),
        ([NSEC], State.UNKNOWN),
        (signed(NSEC, OTHER), State.BOGUS),
        (signed(rrset("mx.example.org", "NSEC", "zz.example.org. A RRSIG NSEC")), State.SECURE),
        (signed(rrset("mx.example.org", "NSEC", "zz.example.org. A TLSA RRSIG NSEC")), State.BOGUS),
        (signed(rrset("zz.example.org", "NSEC", "example.org. A RRSIG NSEC")), State.UNKNOWN),
        (signed(rrset("b.example.org", "NSEC", "c.example.org. A RRSIG NSEC")), State.UNKNOWN),
        (signed(rrset(f"{'0' * 32}.example.org", "NSEC3", f"1 0 5 AB {'V' * 32} A RRSIG")), State.SECURE),
        (signed(rrset(f"{'0' * 32}.example.org", "NSEC3", f"1 1 5 AB {'V' * 32} A RRSIG")), State.INSECURE),
        (signed(rrset(f"{'0' * 32}.example.org", "NSEC3", f"1 0 101 AB {'V' * 32} A RRSIG")), State.INSECURE),
        (signed(rrset(f"{'0' * 32}.example.org", "NSEC3", f"1 0 5 AB {'0' * 31}1 A RRSIG")), State.UNKNOWN),
    ],
)
def test_that_there_is_nothing_is_told_from_its_proof(
    tmp_path: Path, proof: list[dns.rrset.RRset], state: State
) -> None:
    assert asked(tmp_path, absent(*proof), "mx.example.org", "TLSA").state == state


@pytest.mark.parametrize(
    ("types", "state"), [("NS RRSIG NSEC", State.INSECURE), ("A RRSIG NSEC", State.BOGUS), ("NS DS RRSIG NSEC", State.BOGUS)]
)  # fmt: skip
def test_an_unsigned_name_is_insecure_where_the_zone_above_says_that_it_is_delegated_without_keys(
    tmp_path: Path, types: str, state: State
) -> None:
    zone: Zone = {
        ("mx.sub.example.org", "A"): ([rrset("mx.sub.example.org", "A", "192.0.2.1")], []),
        ("sub.example.org", "DS"): ([], signed(rrset("sub.example.org", "NSEC", f"zz.example.org. {types}"))),
        ("mx.sub.example.org", "DS"): ([], signed(rrset("sub.example.org", "NSEC", "zz.example.org. A RRSIG NSEC"))),
    }  # fmt: skip
    assert asked(tmp_path, zone, "mx.sub.example.org", "A").state == state


def test_a_chain_is_worth_what_its_weakest_part_is(tmp_path: Path) -> None:
    alias, target = rrset("a.example.org", "CNAME", "mx.example.org."), rrset("mx.example.org", "A", "192.0.2.1")
    for links, state in (((signed(alias), signed(target)), State.SECURE), ((signed(alias, OTHER), signed(target)), State.BOGUS)):  # fmt: skip
        zone: Zone = {("a.example.org", "A"): ([each for link in links for each in link], [])}
        found = asked(tmp_path, zone, "a.example.org", "A")
        assert (found.state, found.alias) == (state, "mx.example.org")


def test_a_cname_from_a_signed_dname_needs_no_signature_of_its_own(tmp_path: Path) -> None:
    dname = signed(rrset("old.example.org", "DNAME", "new.example.org."))
    for target, state in (("mx.new.example.org", State.SECURE), ("evil.example.org", State.UNKNOWN)):
        alias, address = (
            rrset("mx.old.example.org", "CNAME", f"{target}."),
            signed(rrset(target, "A", "192.0.2.1")),
        )
        zone: Zone = {("mx.old.example.org", "A"): ([*dname, alias, *address], [])}
        assert asked(tmp_path, zone, "mx.old.example.org", "A").state == state


def with_tag(tag: int, many: int) -> list[Any]:
    """Keys that nobody has, with one and the same tag (CVE-2023-50387): it is a sum, so the last bytes make it up."""
    made: list[Any] = []
    for at in range(many):
        start = at.to_bytes(4, "big") + bytes(PUBLIC.key)[4:-2]
        first = dns.dnssec.key_id(PUBLIC.replace(key=start + bytes(2)))
        for last in ((tag - first) % 65535, (tag - first) % 65535 + 1, (tag - first) % 65536):
            each = PUBLIC.replace(key=start + (last % 65536).to_bytes(2, "big"))
            if dns.dnssec.key_id(each) == tag:
                made.append(each)
                break
    assert len(made) > many / 2
    return made


def test_keys_with_one_tag_and_signatures_without_end_cost_little(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = dns.rrset.from_rdata(ZONE, 300, PUBLIC, *with_tag(dns.dnssec.key_id(PUBLIC), 12))
    right = signed(MX)[1]
    forged = dns.rrset.from_rdata(ZONE, 300, *(right[0].replace(signature=bytes([at] * 64)) for at in range(100)))
    tried: list[object] = []
    real = dns.dnssec._validate_signature  # type: ignore[attr-defined]
    monkeypatch.setattr(dns.dnssec, "_validate_signature", lambda *each: (tried.append(each), real(*each)))
    found = asked(tmp_path, {**of(MX, forged), ("example.org", "DNSKEY"): (signed(keys), [])})
    assert found.state == State.BOGUS
    assert len(tried) <= 2 * signatures.SIGNATURES * signatures.SAME_TAG


def test_a_zone_of_many_keys_is_not_looked_through(tmp_path: Path) -> None:
    keys = dns.rrset.from_rdata(ZONE, 300, PUBLIC, *(PUBLIC.replace(key=bytes([at]) * 64) for at in range(validated.KEYS)))  # fmt: skip
    found = asked(tmp_path, {**of(*signed(MX)), ("example.org", "DNSKEY"): (signed(keys), [])})
    assert (found.state, "has more than 32 keys" in found.why) == (State.UNKNOWN, True)


def test_names_and_chains_have_an_end(tmp_path: Path) -> None:
    assert asked(tmp_path, {}, "x." * 20 + "example.org", "A").state == State.UNKNOWN
    links = [signed(rrset(f"a{at}.example.org", "CNAME", f"a{at + 1}.example.org.")) for at in range(12)]
    zone: Zone = {("a0.example.org", "A"): ([each for link in links for each in link], [])}
    assert asked(tmp_path, zone, "a0.example.org", "A").why == "more than 8 CNAMEs"


def test_the_roots_keys_are_those_of_2017_and_2024() -> None:
    trusted: Iterable[Any] = anchors(view_of(53))[dns.name.root]
    assert [ds.key_tag for ds in trusted] == [20326, 38696]
    debian = Path("/usr/share/dns/root.ds")
    if debian.exists():
        assert set(anchors(View(view_of(53).resolver, anchors=str(debian)))[dns.name.root]) == set(trusted)


@pytest.mark.parametrize(("text", "words"), [(None, "No such file"), ("x y z\n", "can't be read"), ("", "no DS or DNSKEY")])  # fmt: skip
def test_a_file_of_anchors_that_is_none_is_told_by_its_variable(
    tmp_path: Path, text: str | None, words: str
) -> None:
    path = tmp_path / "anchor"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UserError, match=rf"^MTA_STS_TRUST_ANCHOR: .*{words}"):
        anchors(view_of(53, anchors=str(path)))
