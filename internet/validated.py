"""DNS answers, validated from the root's keys as a sender with DANE does it (RFC 4033 5, RFC 4035 5).

A resolver's word (AD) is worth as much as the way to it, so the signatures are verified here. The resolver is asked
for everything, what it takes for broken too (CD), and it must hand out signatures.

What is taken on trust: that a record made from a wildcard has no closer name beside it, and of a denial, that what
encloses the name is as the records say. Both would take somebody between the zone and here.
"""

import base64
import time
from collections.abc import Callable, Hashable, Iterable, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, cast

import dns.dnssec
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rdataclass
import dns.rdataset
import dns.rdatatype
import dns.resolver
import dns.rrset
import dns.zonefile
from dns.exception import UnsupportedAlgorithm, ValidationFailure

from internet import dns_view
from internet.dnssec import is_vouched
from internet.view import View
from policy import UserError

# data.iana.org/root-anchors/root-anchors.xml: KSK-2017 and KSK-2024
ROOT = """\
. IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D
. IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16
"""
# Whoever makes up a zone can't make us work for long (CVE-2023-50387, CVE-2023-50868).
KEYS = 32  # of a zone
SAME_TAG = 2  # keys that one signature is tried with
SIGNATURES = 8  # of a record set, that are tried
DENIALS = 8  # records of one denial, that are looked at
ITERATIONS = 100  # of NSEC3 hashing; beyond that a zone may be taken for insecure (RFC 9276 3.2)
ALIASES = 8  # CNAMEs, one behind the other
LABELS = 16  # of a name that is looked at
EDNS = 1232  # bytes of an answer over UDP (dnsflagday.net/2020)
OPT_OUT = 1  # a flag of NSEC3 (RFC 5155 3.1.2.1)

Once = Callable[[Hashable, Callable[[], Any]], Any]  # gives a key's answer, and makes it where there is none yet


class State(StrEnum):
    """RFC 4033 5, the worst last; `UNKNOWN` where nothing can be said from here."""

    SECURE = "secure"
    INSECURE = "insecure"
    UNKNOWN = "not checked"
    BOGUS = "bogus"


@dataclass(frozen=True)
class Answer:
    """What DNS says, and what that is worth.

    :param why: why it isn't secure.
    :param rdatas: dnspython's; empty where there are none.
    :param alias: where CNAMEs lead, without the final dot; "" where there are none.
    """

    state: State
    why: str = ""
    rdatas: Sequence[Any] = ()
    alias: str = ""


@dataclass(frozen=True)
class _Zone:
    state: State
    why: str = ""
    keys: tuple[Any, ...] = ()


@dataclass(frozen=True)
class _Absence:
    """What a denial says. `cut`: the name is that of another zone."""

    state: State
    why: str = ""
    cut: bool = False


class Validator:
    """Asks through a view, each question once.

    :param once: see `Once`; several validators may share it.
    """

    def __init__(self, view: View, once: Once) -> None:
        self._view, self._once = view, once

    def records(self, name: str, rdtype: str) -> Answer:
        """A record set, or that there is none.

        :raises dns.exception.DNSException, OSError: no usable answer, with validation or without.
        :raises UserError: the trust anchors can't be read.
        """
        start = owner = dns.name.from_text(name)
        if len(owner) > LABELS + 1:
            return Answer(State.UNKNOWN, f"a name of more than {LABELS} labels")
        kind = dns.rdatatype.from_text(rdtype)
        response = self._ask(owner, kind)
        found: list[tuple[State, str]] = []
        for _ in range(ALIASES):
            rrset = _get(response, owner, kind)
            alias = "" if owner == start else dns_view.plain(owner)
            if rrset is not None:
                state, why = max([*found, self._rrset(response, rrset)], key=_badness)
                return Answer(state, why, list(cast(Iterable[Any], rrset)), alias)
            cname = _get(response, owner, dns.rdatatype.CNAME)
            if cname is None:
                absence = self._absence(response, owner, kind)
                state, why = max([*found, (absence.state, absence.why)], key=_badness)
                return Answer(state, why, (), alias)
            found.append(self._alias(response, cname))
            owner = cast(Any, cname)[0].target
        return Answer(State.UNKNOWN, f"more than {ALIASES} CNAMEs")

    def _ask(self, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> dns.message.Message:
        return self._once(("signed", name, kind), lambda: _ask(self._view, name, kind))

    def _zone(self, name: dns.name.Name) -> _Zone:
        return self._once(("zone", name), lambda: self._find_zone(name))

    def _find_zone(self, name: dns.name.Name) -> _Zone:
        """A zone's keys, by its parent's DS records or the trust anchors."""
        parents: Sequence[Any] | None = anchors(self._view).get(name)
        if parents is None:
            if name == dns.name.root:
                return _Zone(State.UNKNOWN, "no trust anchor is above it")
            response = self._ask(name, dns.rdatatype.DS)
            rrset = _get(response, name, dns.rdatatype.DS)
            if rrset is None:
                absence = self._absence(response, name, dns.rdatatype.DS)
                if absence.state == State.SECURE:
                    return _Zone(State.INSECURE, f"{_shown(name)} has no DS record at its parent")
                return _Zone(absence.state, absence.why)
            state, why = self._rrset(response, rrset)
            if state != State.SECURE:
                return _Zone(state, why)
            parents = [ds for ds in cast(Iterable[Any], rrset) if _supported(ds)][:SIGNATURES]
            if not parents:
                return _Zone(State.INSECURE, f"the algorithms of {_shown(name)} are not known here")
        return self._keys(name, parents)

    def _keys(self, name: dns.name.Name, parents: Sequence[Any]) -> _Zone:
        response = self._ask(name, dns.rdatatype.DNSKEY)
        rrset = _get(response, name, dns.rdatatype.DNSKEY)
        signatures = _signatures(response, rrset) if rrset is not None else []
        if rrset is None or not signatures:
            if name == dns.name.root:
                return _Zone(State.UNKNOWN, "the resolver hands out no signatures")
            return _Zone(State.BOGUS, f"{_shown(name)} has a DS record at its parent, and no signed DNSKEY")
        if len(rrset) > KEYS:
            return _Zone(State.UNKNOWN, f"{_shown(name)} has more than {KEYS} keys")
        keys = tuple(cast(Iterable[Any], rrset))
        vouched = [key for key in keys if is_vouched(name, key, parents)]
        if not vouched:
            return _Zone(State.BOGUS, f"no DNSKEY of {_shown(name)} is the one that its DS record names")
        wrong = _wrong(rrset, signatures, name, vouched)
        return _Zone(State.BOGUS, wrong) if wrong else _Zone(State.SECURE, keys=keys)

    def _rrset(self, response: dns.message.Message, rrset: dns.rrset.RRset) -> tuple[State, str]:
        """What a record set of an answer is worth (RFC 4035 5.3)."""
        owner = rrset.name
        signatures = _signatures(response, rrset)
        at_parent = rrset.rdtype == dns.rdatatype.DS
        if not signatures:
            within = owner.parent() if at_parent else owner
            return self._unsigned(within, f"{dns.rdatatype.to_text(rrset.rdtype)} of {_shown(owner)}")
        signer: dns.name.Name = signatures[0].signer
        if not owner.is_subdomain(signer) or (at_parent and owner == signer):
            return State.BOGUS, f"{_shown(owner)} is signed by {_shown(signer)}, which isn't its zone"
        zone = self._zone(signer)
        if zone.state != State.SECURE:
            return zone.state, zone.why
        wrong = _wrong(rrset, signatures, signer, zone.keys)
        return (State.BOGUS, wrong) if wrong else (State.SECURE, "")

    def _alias(self, response: dns.message.Message, cname: dns.rrset.RRset) -> tuple[State, str]:
        """What a CNAME is worth; one that is made from a DNAME has no signature of its own (RFC 6672 5.3.1)."""
        owner = cname.name
        for rrset in cast(Any, response).answer:
            if rrset.rdtype != dns.rdatatype.DNAME or owner == rrset.name or not owner.is_subdomain(rrset.name):
                continue
            if owner.relativize(rrset.name).concatenate(rrset[0].target) == cast(Any, cname)[0].target:
                return self._rrset(response, rrset)
        return self._rrset(response, cname)

    def _unsigned(self, within: dns.name.Name, what: str) -> tuple[State, str]:
        """What a record without a signature is worth: nothing, but where a zone above is unsigned (RFC 4035 5.2)."""
        above = [within.split(depth)[1] for depth in range(1, len(within) + 1)]  # from the root down
        known = [at for at, name in enumerate(above) if name in anchors(self._view)]
        if not known:
            return State.UNKNOWN, "no trust anchor is above it"
        zone = self._zone(above[known[-1]])
        for name in above[known[-1] + 1 :]:
            if zone.state != State.SECURE:
                break
            response = self._ask(name, dns.rdatatype.DS)
            if _get(response, name, dns.rdatatype.DS) is not None:
                zone = self._zone(name)
            elif _get(response, name, dns.rdatatype.CNAME) is None:
                absence = self._absence(response, name, dns.rdatatype.DS)
                if absence.cut and absence.state == State.SECURE:
                    return State.INSECURE, f"{_shown(name)} has no DS record at its parent"
                if absence.state != State.SECURE:
                    return absence.state, absence.why
        if zone.state != State.SECURE:
            return zone.state, zone.why
        return State.BOGUS, f"{what} has no signature, and its zone is signed"

    def _absence(
        self, response: dns.message.Message, name: dns.name.Name, kind: dns.rdatatype.RdataType
    ) -> _Absence:
        """What an answer without records is worth (RFC 4035 5.4, RFC 5155 8)."""
        what = f"that {_shown(name)} has no {dns.rdatatype.to_text(kind)}"
        proofs = [rrset for rrset in cast(Any, response).authority if rrset.rdtype in (dns.rdatatype.NSEC, dns.rdatatype.NSEC3)]  # fmt: skip
        signers = {signature.signer for rrset in proofs for signature in _signatures(response, rrset)}
        if not signers:
            if kind == dns.rdatatype.DS:  # whose absence `_unsigned` wants to know
                return _Absence(State.UNKNOWN, f"nothing proves {what}")
            state, why = self._unsigned(name, "")
            return (
                _Absence(State.UNKNOWN, f"nothing proves {what}") if state == State.BOGUS else _Absence(state, why)
            )
        signer = max(signers, key=len)
        if not name.is_subdomain(signer) or (kind == dns.rdatatype.DS and name == signer):
            return _Absence(State.UNKNOWN, f"{_shown(signer)} can't prove {what}")
        zone = self._zone(signer)
        if zone.state != State.SECURE:
            return _Absence(zone.state, zone.why)
        for rrset in proofs[:DENIALS]:
            if wrong := _wrong(rrset, _signatures(response, rrset), signer, zone.keys):
                return _Absence(State.BOGUS, wrong)
        found = [_proof(rrset, name, kind, signer) for rrset in proofs[:DENIALS]]
        return next((proof for proof in found if proof), _Absence(State.UNKNOWN, f"nothing proves {what}"))


def says_so(view: View, name: str, rdtype: str) -> bool | None:
    """Whether the resolver itself says that an answer is secure (AD); None where it gives none.

    :raises dns.exception.DNSException, OSError: no answer in time.
    """
    resolver = copy(view.resolver)
    resolver.flags = dns.flags.RD | dns.flags.AD
    try:
        response = _resolve(view, resolver, dns.name.from_text(name), dns.rdatatype.from_text(rdtype))
    except dns.resolver.NoNameservers:
        return None
    return bool(response.flags & dns.flags.AD)


def anchors(view: View) -> dict[dns.name.Name, Sequence[Any]]:
    """The DS records that are trusted, by zone.

    :raises UserError: the file can't be read, or has none.
    """
    return _anchors(view.anchors)


@cache
def _anchors(path: str | None) -> dict[dns.name.Name, Sequence[Any]]:
    found: dict[dns.name.Name, list[Any]] = {}
    try:
        text = Path(path).read_text() if path else ROOT
        for rrset in dns.zonefile.read_rrsets(text, rdclass=None, default_ttl=0):
            name = rrset.name
            for rdata in cast(Iterable[Any], rrset):
                if rrset.rdtype == dns.rdatatype.DNSKEY:
                    found.setdefault(name, []).append(dns.dnssec.make_ds(name, rdata, "SHA256"))
                elif rrset.rdtype == dns.rdatatype.DS:
                    found.setdefault(name, []).append(rdata)
    except (OSError, UnicodeDecodeError, dns.exception.DNSException) as error:
        raise UserError(f"MTA_STS_TRUST_ANCHOR: {path} can't be read: {error}") from None
    if not found:
        raise UserError(f"MTA_STS_TRUST_ANCHOR: {path} has no DS or DNSKEY record")
    return cast(dict[dns.name.Name, Sequence[Any]], found)


def _ask(view: View, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> dns.message.Message:
    resolver = copy(view.resolver)
    resolver.flags = dns.flags.RD | dns.flags.CD
    resolver.use_edns(0, dns.flags.DO, EDNS)
    return _resolve(view, resolver, name, kind)


def _resolve(
    view: View, resolver: dns.resolver.Resolver, name: dns.name.Name, kind: dns.rdatatype.RdataType
) -> dns.message.Message:
    try:
        lifetime = view.left(dns_view.LIFETIME)
        return resolver.resolve(name, kind, raise_on_no_answer=False, search=False, lifetime=lifetime).response
    except dns.resolver.NXDOMAIN as error:
        return cast(Any, error).response(name)


def _get(
    response: dns.message.Message, name: dns.name.Name, kind: dns.rdatatype.RdataType
) -> dns.rrset.RRset | None:
    return response.get_rrset(cast(Any, response).answer, name, dns.rdataclass.IN, kind)


def _signatures(response: dns.message.Message, rrset: dns.rrset.RRset) -> list[Any]:
    found: Any = None
    for section in (cast(Any, response).answer, cast(Any, response).authority):
        found = found or response.get_rrset(
            section, cast(Any, rrset).name, dns.rdataclass.IN, dns.rdatatype.RRSIG, rrset.rdtype
        )
    return list(found or ())


def _wrong(rrset: dns.rrset.RRset, signatures: Sequence[Any], signer: dns.name.Name, keys: Sequence[Any]) -> str:
    """Why no signature of a zone's keys holds for a record set; "" where one does."""
    what = f"the signature of {_shown(cast(Any, rrset).name)} {dns.rdatatype.to_text(rrset.rdtype)}"
    why = f"{what} is missing"
    for signature in [each for each in signatures if each.signer == signer][:SIGNATURES]:
        same = [key for key in keys if key.algorithm == signature.algorithm and dns.dnssec.key_id(key) == signature.key_tag]  # fmt: skip
        until = datetime.fromtimestamp(signature.expiration, UTC)
        if signature.expiration < time.time():
            why = f"{what} has expired ({until:%Y-%m-%d})"
            continue
        if not same:
            why = f"{what} is by key {signature.key_tag}, which {_shown(signer)} doesn't have"
            continue
        try:
            candidates = dns.rdataset.from_rdata_list(0, same[:SAME_TAG])
            cast(Any, dns.dnssec).validate_rrsig(rrset, signature, {signer: candidates})
            return ""
        except (ValidationFailure, UnsupportedAlgorithm, ValueError) as error:
            why = f"{what} does not hold ({error})"
    return why


def _proof(
    rrset: dns.rrset.RRset, name: dns.name.Name, kind: dns.rdatatype.RdataType, zone: dns.name.Name
) -> _Absence | None:
    """What one NSEC or NSEC3 record says of a name; None for nothing."""
    rdata, owner = cast(Any, rrset)[0], rrset.name
    if rrset.rdtype == dns.rdatatype.NSEC:
        here, within = owner == name, owner < name and (name < rdata.next or rdata.next == zone)
        if within and name.is_subdomain(owner) and _is_cut(rdata):  # another zone's name (RFC 6840 4.1)
            return None
        flags = 0
    else:
        if rdata.iterations > ITERATIONS:
            return _Absence(State.INSECURE, f"{_shown(zone)} hashes more than {ITERATIONS} times (RFC 9276 3.2)")
        if rdata.algorithm != 1:
            return None
        shortest = min(len(zone) + 1, len(name))
        above = [name.split(depth)[1] for depth in range(shortest, len(name) + 1)]
        hashes = [dns.dnssec.nsec3_hash(each, rdata.salt, rdata.iterations, rdata.algorithm) for each in above]
        first, last = owner.labels[0].decode("latin-1").upper(), base64.b32hexencode(rdata.next).decode()
        here = bool(hashes) and first == hashes[-1]
        within = any(first < each < last or (last <= first and (each > first or each < last)) for each in hashes)
        flags = rdata.flags
    if here:
        if _has(rdata, kind) or _has(rdata, dns.rdatatype.CNAME):
            return _Absence(State.BOGUS, f"{_shown(name)} has {dns.rdatatype.to_text(kind)} records, which are missing in the answer")  # fmt: skip
        return _Absence(State.SECURE, cut=_is_cut(rdata))
    if within and flags & OPT_OUT:
        return _Absence(State.INSECURE, f"{_shown(zone)} doesn't say which names below it are unsigned (opt-out)")
    return _Absence(State.SECURE) if within else None


def _is_cut(rdata: Any) -> bool:
    return _has(rdata, dns.rdatatype.NS) and not _has(rdata, dns.rdatatype.SOA)


def _has(rdata: Any, kind: int) -> bool:
    """Whether a type bitmap names a type (RFC 4034 4.1.2)."""
    at, bit = (kind & 255) // 8, 128 >> (kind & 7)
    return any(window == kind >> 8 and len(bits) > at and bits[at] & bit for window, bits in rdata.windows)


def _supported(ds: Any) -> bool:
    try:
        cast(Any, dns.dnssec).get_algorithm_cls(ds.algorithm)
    except UnsupportedAlgorithm:
        return False
    return ds.digest_type in (1, 2, 4)


def _badness(found: tuple[State, str]) -> int:
    return list(State).index(found[0])


def _shown(name: dns.name.Name) -> str:
    return dns_view.plain(name) or "the root"
