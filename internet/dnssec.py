"""Whether a zone's DNSSEC holds: its signatures as its own servers give them, against what its parent says (RFC 4035 5).

A resolver that validates answers SERVFAIL for a zone that is broken, and its mail stays away. One that doesn't
validate answers as if all were well; so the signatures are looked at here, whatever the resolver does.
"""

from collections.abc import Iterable
from copy import copy
from dataclasses import replace
from enum import StrEnum
from typing import Any, cast

import dns.dnssec
import dns.flags
import dns.message
import dns.name
import dns.rdataclass
import dns.rdatatype
import dns.rrset
from dns.exception import UnsupportedAlgorithm, ValidationFailure

from internet import dns_view
from internet.address import Server
from internet.view import View


class Signed(StrEnum):
    """What is known."""

    NO = "not signed"
    YES = "signed"
    BROKEN = "broken"
    UNKNOWN = "not checked"


def of(view: View, zone: str, servers: Iterable[Server]) -> tuple[Signed, str]:
    """A zone's state, and why.

    :param servers: the zone's own; the first is asked.
    :raises dns.exception.DNSException, OSError: no usable answer.
    """
    name = dns.name.from_text(zone)
    parents = dns_view.lookup(view, zone, "DS").rdatas
    if not parents:
        return Signed.NO, ""
    server = next(iter(servers), None)
    if server is None:
        return Signed.UNKNOWN, "the zone's servers have no address"
    keys, signatures = _signed(view, server, name, dns.rdatatype.DNSKEY)
    if not keys or not signatures:
        return Signed.BROKEN, f"its parent has a DS record, and {server} no signed DNSKEY"
    vouched = [key for key in cast(Iterable[Any], keys) if is_vouched(name, key, parents)]
    if not vouched:
        return Signed.BROKEN, "no DNSKEY is the one that the DS record at its parent names"
    validate = cast(Any, dns.dnssec).validate
    try:
        validate(keys, signatures, {name: dns.rrset.from_rdata_list(name, keys.ttl, vouched)})
        soa, signatures = _signed(view, server, name, dns.rdatatype.SOA)
        if soa is None or signatures is None:
            return Signed.BROKEN, f"{server} gives the SOA record without a signature"
        validate(soa, signatures, {name: keys})
    except (UnsupportedAlgorithm, ImportError) as error:
        return Signed.UNKNOWN, str(error)
    except ValidationFailure as error:
        return Signed.BROKEN, str(error)
    return Signed.YES, ""


def without_validation(view: View) -> View:
    """The same view, whose resolver gives answers that it found to be broken, too (RFC 4035 3.2.2: CD)."""
    resolver = copy(view.resolver)
    resolver.flags = dns.flags.RD | dns.flags.CD
    return replace(view, resolver=resolver)


def is_vouched(zone: dns.name.Name, key: Any, parents: Iterable[Any]) -> bool:
    """Whether a DS record at the parent names a key."""
    for ds in parents:
        try:
            if dns.dnssec.make_ds(zone, key, ds.digest_type, validating=True) == ds:
                return True
        except (UnsupportedAlgorithm, ValueError):
            continue
    return False


def _signed(
    view: View, server: Server, name: dns.name.Name, kind: dns.rdatatype.RdataType
) -> tuple[dns.rrset.RRset | None, dns.rrset.RRset | None]:
    """A record set and its signatures."""
    response = dns_view.exchange(view, server, dns.message.make_query(name, kind, want_dnssec=True))
    answer, here = cast(Any, response).answer, dns.rdataclass.IN
    records = response.get_rrset(answer, name, here, kind)
    return records, response.get_rrset(answer, name, here, dns.rdatatype.RRSIG, kind)
