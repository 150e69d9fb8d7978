"""DNSSEC's own parts: trust anchors, the signatures of a record set, and the proof that there is none (RFC 4034, RFC 5155)."""

import base64
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, cast

import dns.dnssec
import dns.exception
import dns.message
import dns.name
import dns.rdataclass
import dns.rdataset
import dns.rdatatype
import dns.rrset
import dns.zonefile
from dns.exception import UnsupportedAlgorithm, ValidationFailure

from internet import dns_view
from internet.view import View
from policy import UserError

# data.iana.org/root-anchors/root-anchors.xml: KSK-2017 and KSK-2024
ROOT = """\
. IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D
. IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16
"""
# Whoever makes up a zone can't make us work for long (CVE-2023-50387, CVE-2023-50868).
SAME_TAG = 2  # keys that one signature is tried with
SIGNATURES = 8  # of a record set, that are tried
DENIALS = 8  # records of one denial, that are looked at
ITERATIONS = 100  # of NSEC3 hashing; beyond that a zone may be taken for insecure (RFC 9276 3.2)
OPT_OUT = 1  # a flag of NSEC3 (RFC 5155 3.1.2.1)


class State(StrEnum):
    """RFC 4033 5, the worst last; `UNKNOWN` where nothing can be said from here."""

    SECURE = "secure"
    INSECURE = "insecure"
    UNKNOWN = "not checked"
    BOGUS = "bogus"


@dataclass(frozen=True)
class Absence:
    """What a denial says. `cut`: the name is that of another zone."""

    state: State
    why: str = ""
    cut: bool = False


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


def signatures(response: dns.message.Message, rrset: dns.rrset.RRset) -> list[Any]:
    found: Any = None
    for section in (cast(Any, response).answer, cast(Any, response).authority):
        found = found or response.get_rrset(
            section, cast(Any, rrset).name, dns.rdataclass.IN, dns.rdatatype.RRSIG, rrset.rdtype
        )
    return list(found or ())


def wrong(rrset: dns.rrset.RRset, signatures: Sequence[Any], signer: dns.name.Name, keys: Sequence[Any]) -> str:
    """Why no signature of a zone's keys holds for a record set; "" where one does."""
    what = f"the signature of {shown(cast(Any, rrset).name)} {dns.rdatatype.to_text(rrset.rdtype)}"
    why = f"{what} is missing"
    for signature in [each for each in signatures if each.signer == signer][:SIGNATURES]:
        same = [key for key in keys if key.algorithm == signature.algorithm and dns.dnssec.key_id(key) == signature.key_tag]  # fmt: skip
        until = datetime.fromtimestamp(signature.expiration, UTC)
        if signature.expiration < time.time():
            why = f"{what} has expired ({until:%Y-%m-%d})"
            continue
        if not same:
            why = f"{what} is by key {signature.key_tag}, which {shown(signer)} doesn't have"
            continue
        try:
            candidates = dns.rdataset.from_rdata_list(0, same[:SAME_TAG])
            cast(Any, dns.dnssec).validate_rrsig(rrset, signature, {signer: candidates})
            return ""
        except (ValidationFailure, UnsupportedAlgorithm, ValueError) as error:
            why = f"{what} does not hold ({error})"
    return why


def proof(
    rrset: dns.rrset.RRset, name: dns.name.Name, kind: dns.rdatatype.RdataType, zone: dns.name.Name
) -> Absence | None:
    """What one NSEC or NSEC3 record says of a name; None for nothing."""
    rdata, owner = cast(Any, rrset)[0], rrset.name
    if rrset.rdtype == dns.rdatatype.NSEC:
        here, within = owner == name, owner < name and (name < rdata.next or rdata.next == zone)
        if within and name.is_subdomain(owner) and _is_cut(rdata):  # another zone's name (RFC 6840 4.1)
            return None
        flags = 0
    else:
        if rdata.iterations > ITERATIONS:
            return Absence(State.INSECURE, f"{shown(zone)} hashes more than {ITERATIONS} times (RFC 9276 3.2)")
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
            return Absence(State.BOGUS, f"{shown(name)} has {dns.rdatatype.to_text(kind)} records, which are missing in the answer")  # fmt: skip
        return Absence(State.SECURE, cut=_is_cut(rdata))
    if within and flags & OPT_OUT:
        return Absence(State.INSECURE, f"{shown(zone)} doesn't say which names below it are unsigned (opt-out)")
    return Absence(State.SECURE) if within else None


def _is_cut(rdata: Any) -> bool:
    return _has(rdata, dns.rdatatype.NS) and not _has(rdata, dns.rdatatype.SOA)


def _has(rdata: Any, kind: int) -> bool:
    """Whether a type bitmap names a type (RFC 4034 4.1.2)."""
    at, bit = (kind & 255) // 8, 128 >> (kind & 7)
    return any(window == kind >> 8 and len(bits) > at and bits[at] & bit for window, bits in rdata.windows)


def supported(ds: Any) -> bool:
    try:
        cast(Any, dns.dnssec).get_algorithm_cls(ds.algorithm)
    except UnsupportedAlgorithm:
        return False
    return ds.digest_type in (1, 2, 4)


def shown(name: dns.name.Name) -> str:
    return dns_view.plain(name) or "the root"
