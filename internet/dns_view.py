"""DNS as the outside sees it: a zone's own name servers, and a resolver.

Which servers are asked can be set for networks that need it:

- `MTA_STS_RESOLVER=ADDRESS[:PORT]`: the resolver; by default the system's.
- `MTA_STS_NAMESERVERS=ADDRESS[:PORT],…`: asked in place of the zone's NS records, where these can't be
  reached from here (split horizon, a firewall in front of port 53).
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

import dns.exception
import dns.message
import dns.name
import dns.nameserver
import dns.query
import dns.rcode
import dns.rdatatype
import dns.resolver

STRING = 255  # bytes one character-string of a TXT record holds (RFC 1035 3.3)
TIMEOUT = 4.0  # seconds for one question to one server


@dataclass(frozen=True)
class Server:
    """A name server: the name to show, and where it listens."""

    name: str
    address: str
    port: int = 53

    def __str__(self) -> str:
        return self.name if self.name == self.address else f"{self.name} ({self.address})"


def server_at(text: str) -> Server:
    """`192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1` or `[2001:db8::1]:5353`."""
    text = text.strip()
    if text.startswith("["):
        address, _, port = text[1:].partition("]")
        return Server(address, address, int(port.lstrip(":") or 53))
    if text.count(":") == 1:
        address, _, port = text.partition(":")
        return Server(address, address, int(port))
    return Server(text, text)


def resolver() -> dns.resolver.Resolver:
    """The resolver that stands for "the internet's view"."""
    chosen = os.environ.get("MTA_STS_RESOLVER")
    found = dns.resolver.Resolver(configure=not chosen)
    if chosen:
        at = server_at(chosen)
        found.nameservers = [dns.nameserver.Do53Nameserver(at.address, at.port)]
    found.lifetime = 2 * TIMEOUT
    return found


def name_servers(record: str) -> list[Server]:
    """The authoritative servers of the zone that holds `record`.

    The search for the zone starts above `record`: asking for the record itself before it exists would
    make the resolver remember for minutes that it doesn't (RFC 2308).

    :raises dns.exception.DNSException: the zone or its servers can't be found.
    """
    chosen = os.environ.get("MTA_STS_NAMESERVERS")
    if chosen:
        return [server_at(each) for each in chosen.split(",")]
    view = resolver()
    zone = dns.resolver.zone_for_name(dns.name.from_text(record).parent(), resolver=view)
    servers: list[Server] = []
    for ns in view.resolve(zone, "NS"):
        host = ns.target.to_text(omit_final_dot=True)
        servers += [Server(host, address) for address in addresses(host, view)]
    return servers


def addresses(host: str, view: dns.resolver.Resolver | None = None) -> list[str]:
    """The IPv4 addresses of a host, or its IPv6 ones where it has no other."""
    view = view or resolver()
    for family in ("A", "AAAA"):
        answer = view.resolve(host, family, raise_on_no_answer=False)
        if answer.rrset:
            return [plain(each) for each in cast(Iterable[object], answer.rrset)]
    return []


def values_at(server: Server, record: str, rdtype: str) -> frozenset[str]:
    """What one authoritative server answers for a record set; empty where it has none.

    :raises dns.exception.DNSException, OSError: no usable answer.
    """
    query = dns.message.make_query(record, rdtype)
    response, _ = dns.query.udp_with_fallback(query, server.address, timeout=TIMEOUT, port=server.port)
    if response.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        raise dns.exception.DNSException(f"answers {dns.rcode.to_text(response.rcode())}")
    rrset = response.get_rrset(
        response.answer, dns.name.from_text(record), query.question[0].rdclass, dns.rdatatype.from_text(rdtype)
    )
    return frozenset(plain(rdata) for rdata in cast(Iterable[object], rrset or ()))


def values_by_servers(record: str, rdtype: str) -> frozenset[str]:
    """Everything that some authoritative server answers for a record set.

    :raises dns.exception.DNSException, OSError: one of them gives no usable answer.
    """
    return frozenset(value for server in name_servers(record) for value in values_at(server, record, rdtype))


def values_by_resolver(record: str, rdtype: str) -> frozenset[str]:
    """What the resolver answers for a record set; empty where there is none.

    :raises dns.exception.DNSException: no usable answer.
    """
    found = answer(record, rdtype)
    return frozenset(plain(rdata) for rdata in cast(Iterable[object], (found and found.rrset) or ()))


def answer(record: str, rdtype: str, lifetime: float | None = None) -> dns.resolver.Answer | None:
    """The resolver's answer, which may hold no records; None where there is no such name.

    :param lifetime: seconds for all tries.
    :raises dns.exception.DNSException: no usable answer.
    """
    try:
        return resolver().resolve(record, rdtype, raise_on_no_answer=False, search=False, lifetime=lifetime)
    except dns.resolver.NXDOMAIN:
        return None


def reason(error: BaseException) -> str:
    """Why there was no answer, in a few words."""
    if isinstance(error, dns.exception.Timeout | TimeoutError):
        asked = os.environ.get("MTA_STS_RESOLVER")
        return f"no answer in time{f' by {asked}' if asked else ''}"
    return str(error) or type(error).__name__


def strings(text: str) -> list[str]:
    """A TXT record's text, cut into character-strings (RFC 1035 3.3); a reader joins them without a space."""
    return [text[at : at + STRING] for at in range(0, len(text), STRING)]


def plain(rdata: object) -> str:
    """A TXT's strings joined (RFC 7208 3.3), a host name in lower case without its final dot."""
    strings = getattr(rdata, "strings", None)
    if strings is not None:
        return b"".join(strings).decode("utf-8", "replace")
    return str(rdata).rstrip(".").lower()
