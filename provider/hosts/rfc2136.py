"""A name server that takes dynamic updates (RFC 2136), signed with TSIG (RFC 8945), over TCP.

Every update carries prerequisites (RFC 2136 2.4): the record set is exactly what was read before, or nothing. So a
record that somebody else holds, or changes in the same moment, is never overwritten.

`at`: provider, servers, keyName, keyAlgorithm, zone. `credentials`: keySecret, base64.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import dns.exception
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.tsig
import dns.update

from internet.dns_view import Server, plain, reason, server_at, strings
from provider.hosts import ChangedMeanwhile, Found, HostError

TIMEOUT = 10.0  # seconds for one exchange with one server
CHANGED = (dns.rcode.YXDOMAIN, dns.rcode.YXRRSET, dns.rcode.NXRRSET, dns.rcode.NXDOMAIN)
REFUSED = "does it serve the zone, and is the key allowed to update it (BIND: update-policy, allow-update; Knot: acl; PowerDNS: TSIG-ALLOW-DNSUPDATE)?"


class Rfc2136:
    """One zone, and the servers that take updates for it."""

    def __init__(self, place: Mapping[str, Any], credentials: Mapping[str, str], zone: str) -> None:
        self.zone = zone
        self.servers = [server_at(str(each)) for each in place["servers"]]
        name, algorithm = str(place["keyName"]), str(place["keyAlgorithm"])
        self.key = dns.tsig.Key(name, credentials["keySecret"], dns.name.from_text(algorithm))

    def read(self, record: str, rdtype: str) -> Found:
        """See `provider.hosts.Host`."""
        response = self._query(record, rdtype)
        kind = dns.rdatatype.from_text(rdtype)
        rrset = response.get_rrset(response.answer, dns.name.from_text(record), dns.rdataclass.IN, kind)
        records = tuple(cast(Sequence[dns.rdata.Rdata], rrset or ()))
        if records and not self._stands(record, rdtype):
            return Found(frozenset())
        return Found(frozenset(plain(each) for each in records), records)

    def _stands(self, record: str, rdtype: str) -> bool:
        """Whether an answer is a record of this name, and not a wildcard's: an update of nothing but a prerequisite."""
        update = dns.update.UpdateMessage(self.zone, keyring=self.key)
        update.present(dns.name.from_text(record), rdtype)
        return self._ask(update).rcode() not in CHANGED

    def beside(self, record: str, rdtype: str) -> str:
        """See `provider.hosts.Host`."""
        others = ("A", "AAAA", "TXT", "MX", "NS") if rdtype == "CNAME" else ("CNAME",)
        found = {each: self.read(record, each).values for each in others}
        return "; ".join(f"{kind} {value}" for kind, values in found.items() for value in sorted(values))

    def replace(self, record: str, rdtype: str, found: Found, values: Sequence[str], ttl: int) -> None:
        """See `provider.hosts.Host`."""
        update = dns.update.UpdateMessage(self.zone, keyring=self.key)
        name, kind = dns.name.from_text(record), dns.rdatatype.from_text(rdtype)
        if found.records:
            update.present(name, *found.records)
        elif rdtype == "CNAME":
            update.absent(name)  # nothing at all: a CNAME stands alone, and BIND drops one that doesn't silently
        else:
            update.absent(name, rdtype)
            update.absent(name, "CNAME")
        if found.records:
            update.delete(name, rdtype)
        for value in values:
            update.add(name, ttl, _rdata(kind, value))
        response = self._ask(update)
        if response.rcode() in CHANGED:
            raise ChangedMeanwhile(
                f"{rdtype} {record} was changed by somebody else just now; run the command again"
            )
        if response.rcode() != dns.rcode.NOERROR:
            raise HostError(
                f"{self._where()} answers {dns.rcode.to_text(response.rcode())} to an update of {record}"
            )

    def _query(self, record: str, rdtype: str) -> dns.message.Message:
        query = dns.message.make_query(record, rdtype, flags=0)
        query.use_tsig(self.key)
        response = self._ask(query)
        if response.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
            raise HostError(f"{self._where()} answers {dns.rcode.to_text(response.rcode())} for {record}")
        return response

    def _ask(self, message: dns.message.Message) -> dns.message.Message:
        """The first usable answer of a server, in their order."""
        reasons: list[str] = []
        name = message.sections[0][0].name.to_text(omit_final_dot=True)
        for server in self.servers:
            try:
                response = dns.query.tcp(message, server.address, TIMEOUT, server.port)
            except (dns.exception.DNSException, OSError) as error:
                reasons.append(f"{_shown(server)}: {self._why(error)}")
                continue
            if response.rcode() not in (
                dns.rcode.REFUSED,
                dns.rcode.NOTAUTH,
                dns.rcode.SERVFAIL,
                dns.rcode.NOTIMP,
            ):
                return response
            code = dns.rcode.to_text(response.rcode())
            hint = (
                f"{REFUSED}" if response.rcode() == dns.rcode.REFUSED else f"does it serve the zone {self.zone}?"
            )
            reasons.append(f"{_shown(server)}: {code} ({hint})")
        raise HostError(f"no name server takes the request for {name}: {'; '.join(reasons)}")

    def _why(self, error: BaseException) -> str:
        key = self.key.name.to_text(omit_final_dot=True)
        if isinstance(error, dns.tsig.PeerBadKey):
            return f"it doesn't know the key {key} (or has it with another algorithm); correct keyName or keyAlgorithm"
        if isinstance(error, dns.tsig.PeerBadSignature | dns.tsig.BadSignature):
            return f"it has another secret for the key {key}; correct keySecret"
        if isinstance(error, dns.tsig.PeerBadTime | dns.tsig.BadTime):
            return "its clock and this machine's differ by more than five minutes; correct the clock"
        return reason(error)

    def _where(self) -> str:
        return " and ".join(_shown(each) for each in self.servers)


def _shown(server: Server) -> str:
    return server.address if server.port == 53 else f"{server.address}:{server.port}"


def _rdata(kind: dns.rdatatype.RdataType, value: str) -> dns.rdata.Rdata:
    if kind == dns.rdatatype.CNAME:
        return dns.rdata.from_text(dns.rdataclass.IN, kind, f"{value.rstrip('.')}.")
    quoted = " ".join('"' + part.replace("\\", "\\\\").replace('"', '\\"') + '"' for part in strings(value))
    return dns.rdata.from_text(dns.rdataclass.IN, kind, quoted)


def at(place: Mapping[str, Any], credentials: Mapping[str, str], domain: str) -> Rfc2136:
    """See `provider.hosts.at`. The zone is the one whose SOA the server answers for the domain (RFC 2308 2.1)."""
    if place.get("zone") and not domain:
        return Rfc2136(place, credentials, str(place["zone"]))
    host = Rfc2136(place, credentials, str(place.get("zone") or ""))
    response = host._query(str(place.get("zone") or domain), "SOA")  # pyright: ignore[reportPrivateUsage]
    for rrset in (*response.answer, *response.authority):
        if rrset.rdtype == dns.rdatatype.SOA:
            zone = rrset.name.to_text(omit_final_dot=True).lower()
            if place.get("zone") in (None, "", zone):
                host.zone = zone
                return host
    raise HostError(
        f"{domain}: {host._where()} has no zone {place.get('zone') or 'that holds it'}; "  # pyright: ignore[reportPrivateUsage]
        "correct servers or zone"
    )
