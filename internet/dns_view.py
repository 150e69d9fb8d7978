"""DNS as the outside sees it: a zone's own name servers, and a resolver."""

from collections.abc import Iterable
from typing import cast

import dns.exception
import dns.message
import dns.name
import dns.nameserver
import dns.query
import dns.rcode
import dns.rdatatype
import dns.resolver

from internet.address import Server
from internet.view import View

STRING = 255  # bytes one character-string of a TXT record holds (RFC 1035 3.3)
TIMEOUT = 4.0  # seconds for one question to one server
LIFETIME = 8.0  # seconds for all tries of one question to the resolver


def zone_of(view: View, name: str) -> str:
    """The zone that holds a name, as the resolver sees it, in lower case without the final dot.

    :raises dns.exception.DNSException: no usable answer; `dns.resolver.NoRootSOA` where no zone is found.
    """
    zone = dns.resolver.zone_for_name(name, resolver=view.resolver, lifetime=view.left(LIFETIME))
    return zone.to_text(omit_final_dot=True).lower()


def name_servers(view: View, record: str) -> list[Server]:
    """The authoritative servers of the zone that holds `record`.

    The search for the zone starts above `record`: asking for the record itself before it exists would
    make the resolver remember for minutes that it doesn't (RFC 2308).

    :raises dns.exception.DNSException: the zone or its servers can't be found.
    """
    if view.name_servers:
        return list(view.name_servers)
    zone = zone_of(view, record.partition(".")[2])
    servers: list[Server] = []
    for ns in view.resolver.resolve(zone, "NS", lifetime=view.left(LIFETIME)):
        host = ns.target.to_text(omit_final_dot=True)
        servers += [Server(host, address) for address in addresses(view, host)]
    return servers


def addresses(view: View, host: str) -> list[str]:
    """The IPv4 addresses of a host, or its IPv6 ones where it has no other.

    :raises dns.exception.DNSException: no usable answer; `dns.resolver.NXDOMAIN` where there is no such host.
    """
    for family in ("A", "AAAA"):
        answer = view.resolver.resolve(host, family, raise_on_no_answer=False, lifetime=view.left(LIFETIME))
        if answer.rrset:
            return [plain(rdata) for rdata in cast(Iterable[object], answer.rrset)]
    return []


def values_at(view: View, server: Server, record: str, rdtype: str) -> frozenset[str]:
    """What one authoritative server answers for a record set; empty where it has none.

    :raises dns.exception.DNSException, OSError: no usable answer.
    """
    query = dns.message.make_query(record, rdtype)
    timeout = view.left(TIMEOUT)
    try:
        response, _ = dns.query.udp_with_fallback(query, server.address, timeout=timeout, port=server.port)
    except EOFError:  # which dnspython lets pass: the answer is too long for UDP, and TCP is closed without one
        raise dns.exception.DNSException("closes the connection without an answer") from None
    if response.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        raise dns.exception.DNSException(f"answers {dns.rcode.to_text(response.rcode())}")
    rrset = response.get_rrset(
        response.answer, dns.name.from_text(record), query.question[0].rdclass, dns.rdatatype.from_text(rdtype)
    )
    return frozenset(plain(rdata) for rdata in cast(Iterable[object], rrset or ()))


def values_by_servers(view: View, record: str, rdtype: str) -> frozenset[str]:
    """Everything that some authoritative server answers for a record set.

    :raises dns.exception.DNSException, OSError: one of them gives no usable answer.
    """
    servers = name_servers(view, record)
    return frozenset(value for server in servers for value in values_at(view, server, record, rdtype))


def values_by_resolver(view: View, record: str, rdtype: str) -> frozenset[str]:
    """What the resolver answers for a record set; empty where there is none.

    :raises dns.exception.DNSException: no usable answer.
    """
    response = answer(view, record, rdtype)
    return frozenset(plain(rdata) for rdata in cast(Iterable[object], (response and response.rrset) or ()))


def answer(view: View, record: str, rdtype: str) -> dns.resolver.Answer | None:
    """The resolver's answer, which may hold no records; None where there is no such name.

    :raises dns.exception.DNSException: no usable answer.
    """
    lifetime = view.left(LIFETIME)
    try:
        return view.resolver.resolve(record, rdtype, raise_on_no_answer=False, search=False, lifetime=lifetime)
    except dns.resolver.NXDOMAIN:
        return None


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
    return str(rdata).rstrip(".").lower()
