"""DNS answers, validated from the root's keys as a sender with DANE does it (RFC 4033 5, RFC 4035 5).

A resolver's word (AD) is worth as much as the way to it, so the signatures are verified here. The resolver is asked
for everything, what it takes for broken too (CD), and it must hand out signatures.

What is taken on trust: that a record made from a wildcard has no closer name beside it, and of a denial, that what
encloses the name is as the records say. Both would take somebody between the zone and here.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any, cast

import dns.flags
import dns.message
import dns.name
import dns.rdataclass
import dns.rdatatype
import dns.resolver
import dns.rrset

from internet import dns_view
from internet import signatures as signed
from internet.dnssec import is_vouched
from internet.signatures import State
from internet.view import View

KEYS = 32  # of a zone
ALIASES = 8  # CNAMEs, one behind the other
LABELS = 16  # of a name that is looked at
EDNS = 1232  # bytes of an answer over UDP (dnsflagday.net/2020)
Once = Callable[[Hashable, Callable[[], Any]], Any]  # gives a key's answer, and makes it where there is none yet


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
        parents: Sequence[Any] | None = signed.anchors(self._view).get(name)
        if parents is None:
            if name == dns.name.root:
                return _Zone(State.UNKNOWN, "no trust anchor is above it")
            response = self._ask(name, dns.rdatatype.DS)
            rrset = _get(response, name, dns.rdatatype.DS)
            if rrset is None:
                absence = self._absence(response, name, dns.rdatatype.DS)
                if absence.state == State.SECURE:
                    return _Zone(State.INSECURE, f"{signed.shown(name)} has no DS record at its parent")
                return _Zone(absence.state, absence.why)
            state, why = self._rrset(response, rrset)
            if state != State.SECURE:
                return _Zone(state, why)
            parents = [ds for ds in cast(Iterable[Any], rrset) if signed.supported(ds)][: signed.SIGNATURES]
            if not parents:
                return _Zone(State.INSECURE, f"the algorithms of {signed.shown(name)} are not known here")
        return self._keys(name, parents)

    def _keys(self, name: dns.name.Name, parents: Sequence[Any]) -> _Zone:
        response = self._ask(name, dns.rdatatype.DNSKEY)
        rrset = _get(response, name, dns.rdatatype.DNSKEY)
        signatures = signed.signatures(response, rrset) if rrset is not None else []
        if rrset is None or not signatures:
            if name == dns.name.root:
                return _Zone(State.UNKNOWN, "the resolver hands out no signatures")
            return _Zone(State.BOGUS, f"{signed.shown(name)} has a DS record at its parent, and no signed DNSKEY")
        if len(rrset) > KEYS:
            return _Zone(State.UNKNOWN, f"{signed.shown(name)} has more than {KEYS} keys")
        keys = tuple(cast(Iterable[Any], rrset))
        vouched = [key for key in keys if is_vouched(name, key, parents)]
        if not vouched:
            return _Zone(State.BOGUS, f"no DNSKEY of {signed.shown(name)} is the one that its DS record names")
        wrong = signed.wrong(rrset, signatures, name, vouched)
        return _Zone(State.BOGUS, wrong) if wrong else _Zone(State.SECURE, keys=keys)

    def _rrset(self, response: dns.message.Message, rrset: dns.rrset.RRset) -> tuple[State, str]:
        """What a record set of an answer is worth (RFC 4035 5.3)."""
        owner = rrset.name
        signatures = signed.signatures(response, rrset)
        at_parent = rrset.rdtype == dns.rdatatype.DS
        if not signatures:
            within = owner.parent() if at_parent else owner
            return self._unsigned(within, f"{dns.rdatatype.to_text(rrset.rdtype)} of {signed.shown(owner)}")
        signer: dns.name.Name = signatures[0].signer
        if not owner.is_subdomain(signer) or (at_parent and owner == signer):
            return State.BOGUS, f"{signed.shown(owner)} is signed by {signed.shown(signer)}, which isn't its zone"
        zone = self._zone(signer)
        if zone.state != State.SECURE:
            return zone.state, zone.why
        wrong = signed.wrong(rrset, signatures, signer, zone.keys)
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
        known = [at for at, name in enumerate(above) if name in signed.anchors(self._view)]
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
                    return State.INSECURE, f"{signed.shown(name)} has no DS record at its parent"
                if absence.state != State.SECURE:
                    return absence.state, absence.why
        if zone.state != State.SECURE:
            return zone.state, zone.why
        return State.BOGUS, f"{what} has no signature, and its zone is signed"

    def _absence(
        self, response: dns.message.Message, name: dns.name.Name, kind: dns.rdatatype.RdataType
    ) -> signed.Absence:
        """What an answer without records is worth (RFC 4035 5.4, RFC 5155 8)."""
        what = f"that {signed.shown(name)} has no {dns.rdatatype.to_text(kind)}"
        proofs = [rrset for rrset in cast(Any, response).authority if rrset.rdtype in (dns.rdatatype.NSEC, dns.rdatatype.NSEC3)]  # fmt: skip
        signers = {signature.signer for rrset in proofs for signature in signed.signatures(response, rrset)}
        if not signers:
            if kind == dns.rdatatype.DS:  # whose absence `_unsigned` wants to know
                return signed.Absence(State.UNKNOWN, f"nothing proves {what}")
            state, why = self._unsigned(name, "")
            return (
                signed.Absence(State.UNKNOWN, f"nothing proves {what}")
                if state == State.BOGUS
                else signed.Absence(state, why)
            )
        signer = max(signers, key=len)
        if not name.is_subdomain(signer) or (kind == dns.rdatatype.DS and name == signer):
            return signed.Absence(State.UNKNOWN, f"{signed.shown(signer)} can't prove {what}")
        zone = self._zone(signer)
        if zone.state != State.SECURE:
            return signed.Absence(zone.state, zone.why)
        for rrset in proofs[: signed.DENIALS]:
            if wrong := signed.wrong(rrset, signed.signatures(response, rrset), signer, zone.keys):
                return signed.Absence(State.BOGUS, wrong)
        found = [signed.proof(rrset, name, kind, signer) for rrset in proofs[: signed.DENIALS]]
        return next((proof for proof in found if proof), signed.Absence(State.UNKNOWN, f"nothing proves {what}"))


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


def _badness(found: tuple[State, str]) -> int:
    return list(State).index(found[0])
