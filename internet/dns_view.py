"""DNS as the outside sees it: a zone's own name servers, and a resolver.

A resolver that is asked too early remembers for minutes or hours that there is nothing (RFC 2308). So the zone's
own servers alone are asked for a name that is about to be made: `published`, `values_by_servers`.
"""

import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import dns.exception
import dns.message
import dns.name
import dns.nameserver
import dns.query
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.resolver
import dns.rrset

from internet.address import Server
from internet.view import View
from policy.names import canonical

STRING = 255  # bytes one character-string of a TXT record holds (RFC 1035 3.3)
TIMEOUT = 4.0  # seconds for one question to one server
LIFETIME = 8.0  # seconds for all tries of one question to the resolver


class SilentError(dns.exception.DNSException):
    """None of a zone's own servers answers in time."""


@dataclass(frozen=True)
class Records:
    """A record set, as somebody answers it.

    :param rdatas: dnspython's; empty where there is no such record set.
    :param ttl: seconds.
    :param alias: where a CNAME of this name leads, "" where there is none.
    :param exists: whether the name has records of any type.
    """

    rdatas: Sequence[Any] = ()
    ttl: int = 0
    alias: str = ""
    exists: bool = False

    @property
    def values(self) -> list[str]:
        """TXT strings joined; host names in lower case without the final dot."""
        return [plain(rdata) for rdata in self.rdatas]


def zone_of(view: View, name: str) -> str:
    """The zone that holds a name, as the resolver sees it, in lower case without the final dot.

    :raises dns.exception.DNSException: no usable answer; `dns.resolver.NoRootSOA` where no zone is found.
    """
    return plain(dns.resolver.zone_for_name(name, resolver=view.resolver, lifetime=view.left(LIFETIME)))


def name_servers(view: View, record: str) -> list[Server]:
    """The authoritative servers of the zone that holds `record`.

    :raises dns.exception.DNSException: the zone or its servers can't be found.
    """
    return list(_name_servers(view, record))


def _name_servers(view: View, record: str) -> Iterator[Server]:
    if view.name_servers:
        yield from view.name_servers
        return
    # The search for the zone starts above the record, so that the resolver isn't asked for what isn't made yet.
    above = dns.name.from_text(record).parent()
    while above.labels[0].startswith(b"_"):
        above = above.parent()
    for ns in view.resolver.resolve(zone_of(view, above.to_text()), "NS", lifetime=view.left(LIFETIME)):
        host = ns.target.to_text(omit_final_dot=True)
        yield from (Server(host, address) for address in addresses(view, host))


def addresses(view: View, host: str) -> list[str]:
    """The IPv4 addresses of a host, or its IPv6 ones where it has no other.

    :raises dns.exception.DNSException: no usable answer; `dns.resolver.NXDOMAIN` where there is no such host.
    """
    for family in ("A", "AAAA"):
        answer = view.resolver.resolve(host, family, raise_on_no_answer=False, lifetime=view.left(LIFETIME))
        if answer.rrset:
            return [plain(rdata) for rdata in cast(Iterable[object], answer.rrset)]
    return []


def all_addresses(view: View, host: str) -> tuple[list[str], str]:
    """The addresses of a host, IPv4 first, and why there may be more: DNS gave no answer for one of both kinds.

    :raises dns.exception.DNSException, OSError: no usable answer for both; `dns.resolver.NXDOMAIN` where there is no
        such host.
    """
    found, silent = list[str](), ""
    absent: Exception | None = None
    unanswered: Exception | None = None
    for family, kind in (("IPv4", "A"), ("IPv6", "AAAA")):
        try:
            answer = view.resolver.resolve(host, kind, raise_on_no_answer=False, lifetime=view.left(LIFETIME))
            found += [plain(rdata) for rdata in cast(Iterable[object], answer.rrset or ())]
        except dns.resolver.NXDOMAIN as error:
            absent = error  # some servers say so of the kind that they don't have
        except (dns.exception.DNSException, OSError) as error:
            unanswered = error
            silent = f"has {family} addresses or not: DNS gives no answer ({reason(error, view)})"
    if not found and (why := unanswered or absent):
        raise why
    return found, silent


def addresses_now(view: View, host: str) -> list[str]:
    """As `addresses`; where the resolver remembers that there is no such host, the zone's servers are asked.

    :raises dns.exception.DNSException, OSError: as `addresses`, and no usable answer from those servers.
    """
    try:
        known = addresses(view, host)
    except dns.resolver.NXDOMAIN:
        if not (alias := published(view, host, "CNAME").alias):
            raise
        return addresses(view, alias)
    if not known and (alias := published(view, host, "CNAME").alias):
        return addresses(view, alias)
    return known


def published(
    view: View, record: str, rdtype: str, servers: Iterable[Server] | None = None, patience: float = TIMEOUT
) -> Records:
    """A record set as the first of the zone's own servers has it that answers.

    :param servers: those of the zone, where they are known.
    :param patience: seconds for each.
    :raises dns.exception.DNSException, OSError: there is no zone, or none of its servers gives a usable answer;
        SilentError where the last that was asked gives none in time.
    """
    silent: Exception = dns.exception.DNSException("the zone has no name server with an address")
    for server in _name_servers(view, record) if servers is None else servers:
        try:
            return records_at(view.within(patience), server, record, rdtype)
        except dns.exception.Timeout:
            silent = SilentError(f"none in time by {server}; is port 53 open from here?")
        except (dns.exception.DNSException, OSError) as error:
            silent = error
    raise silent


def stray(domain: str) -> str:
    """A name under a domain that nobody has made: what it answers comes from a wildcard (RFC 4592)."""
    return f"mta-sts-{secrets.token_hex(6)}.{domain}"


def values_at(view: View, server: Server, record: str, rdtype: str) -> frozenset[str]:
    """What one authoritative server answers for a record set; empty where it has none.

    :raises dns.exception.DNSException, OSError: no usable answer.
    """
    return frozenset(records_at(view, server, record, rdtype).values)


def exchange(view: View, server: Server, query: dns.message.QueryMessage) -> dns.message.Message:
    """One server's answer to a query, by TCP where it is too long for UDP.

    :raises dns.exception.DNSException, OSError: no usable answer.
    """
    timeout = view.left(TIMEOUT)
    try:
        return dns.query.udp_with_fallback(query, server.address, timeout=timeout, port=server.port)[0]
    except EOFError:  # which dnspython lets pass: TCP is closed without an answer
        raise dns.exception.DNSException("closes the connection without an answer") from None


def records_at(view: View, server: Server, record: str, rdtype: str) -> Records:
    """The same, with all that the answer says.

    :raises dns.exception.DNSException, OSError: no usable answer.
    """
    response = exchange(view, server, dns.message.make_query(record, rdtype))
    if response.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        raise dns.exception.DNSException(f"answers {dns.rcode.to_text(response.rcode())}")
    owner, wanted = dns.name.from_text(record), dns.rdatatype.from_text(rdtype)
    return _records(response, owner, _rrset(response, owner, wanted))


def values_by_servers(view: View, record: str, rdtype: str) -> frozenset[str]:
    """Everything that some authoritative server answers for a record set.

    :raises dns.exception.DNSException, OSError: one of them gives no usable answer.
    """
    servers = name_servers(view, record)
    return frozenset(value for server in servers for value in values_at(view, server, record, rdtype))


def remembered(view: View, record: str, rdtype: str) -> tuple[frozenset[str], int]:
    """What the resolver answers, and for how many seconds it may go on so without asking anybody.

    :returns: no values where there is no such record set, for as long as the zone's SOA record lets that be
        remembered (RFC 2308 5).
    :raises dns.exception.DNSException: no usable answer.
    """
    asked = dns.name.from_text(record)
    try:
        lifetime = view.left(LIFETIME)
        reply = view.resolver.resolve(asked, rdtype, raise_on_no_answer=False, search=False, lifetime=lifetime)
        chain = reply.chaining_result
    except dns.resolver.NXDOMAIN as error:
        response = cast(Any, error).response(asked)
        chain = cast(dns.message.ChainingResult, response.resolve_chaining())
    values = frozenset(plain(rdata) for rdata in cast(Iterable[object], chain.answer or ()))
    return values, int(chain.minimum_ttl)


def lookup(view: View, name: str, rdtype: str) -> Records:
    """A record set as the resolver answers it.

    :raises dns.exception.DNSException: no usable answer.
    """
    owner, lifetime = dns.name.from_text(name), view.left(LIFETIME)
    try:
        reply = view.resolver.resolve(owner, rdtype, raise_on_no_answer=False, search=False, lifetime=lifetime)
    except dns.resolver.NXDOMAIN as error:  # of the name itself, or of where its CNAME leads
        return _records(cast(Any, error).response(owner), owner, None)
    return _records(reply.response, owner, reply.rrset)


def _records(response: dns.message.Message, owner: dns.name.Name, rrset: dns.rrset.RRset | None) -> Records:
    cname = _rrset(response, owner, dns.rdatatype.CNAME)
    alias = plain(cast(Any, cname)[0].target) if cname else ""
    exists = response.rcode() == dns.rcode.NOERROR or bool(alias)
    return Records(list(cast(Iterable[Any], rrset or ())), rrset.ttl if rrset else 0, alias, exists)


def _rrset(
    response: dns.message.Message, owner: dns.name.Name, rdtype: dns.rdatatype.RdataType
) -> dns.rrset.RRset | None:
    return response.get_rrset(cast(Any, response).answer, owner, dns.rdataclass.IN, rdtype)


def reason(error: BaseException, view: View | None = None) -> str:
    """Why there was no answer, in a few words.

    :param view: whose resolver was asked, where it was the resolver.
    """
    if isinstance(error, dns.exception.Timeout | TimeoutError):
        asked = [_shown(server) for server in view.resolver.nameservers] if view else []
        return f"no answer in time{' by ' if asked else ''}{', '.join(asked)}"
    return str(error) or type(error).__name__


def _shown(server: object) -> str:
    return f"{server.address}:{server.port}" if isinstance(server, dns.nameserver.Do53Nameserver) else str(server)


def strings(text: str) -> list[str]:
    """A TXT record's text, cut into character-strings (RFC 1035 3.3); a reader joins them without a space."""
    return [text[at : at + STRING] for at in range(0, len(text), STRING)]


def plain(rdata: object) -> str:
    """A TXT's strings joined (RFC 7208 3.3), a host name in lower case without its final dot."""
    strings = getattr(rdata, "strings", None)
    if strings is not None:
        return b"".join(strings).decode("utf-8", "replace")
    return canonical(str(rdata))
