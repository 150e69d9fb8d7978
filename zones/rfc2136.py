"""A name server that takes dynamic updates (RFC 2136), signed with TSIG (RFC 8945), over TCP.

    mta-sts:dns:
      provider: rfc2136
      servers: [192.0.2.1, "192.0.2.2:5353"]
      keyName: mta-sts
      keySecret: {secure: …}

Every update carries prerequisites (RFC 2136 2.4): the record set is exactly what was read before, or nothing. So a
record that somebody else holds, or changes in the same moment, is never overwritten.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, cast

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

from internet.address import Server, server_at
from internet.dns_view import plain, reason, strings
from policy import UserError
from policy.names import canonical
from settings.reader import shown
from zones import Asked, ChangedMeanwhile, Dns, HostedDns, HostError, Offer, RecordsThere, Served, needed
from zones._hosted import hosted

if TYPE_CHECKING:
    from settings.reader import Reader

KEYS = ("servers", "keyName", "keyAlgorithm", "keySecret", "zone")
ALGORITHMS = ("hmac-sha256", "hmac-sha384", "hmac-sha512")  # RFC 8945 6; older ones are not for new use
TIMEOUT = 10.0  # seconds for one exchange with one server
CHANGED = (dns.rcode.YXDOMAIN, dns.rcode.YXRRSET, dns.rcode.NXRRSET, dns.rcode.NXDOMAIN)
REFUSED = "does it serve the zone, and is the key allowed to update it (BIND: update-policy, allow-update; Knot: acl; PowerDNS: TSIG-ALLOW-DNSUPDATE)?"


@dataclass(frozen=True)
class Rfc2136Dns(HostedDns):
    """Records go to a name server by dynamic update.

    :param servers: `ADDRESS[:PORT]`, tried in order.
    :param key_secret: base64.
    """

    provider = "rfc2136"
    servers: tuple[str, ...]
    key_name: str
    key_secret: str = field(repr=False)
    key_algorithm: str = ALGORITHMS[0]

    @property
    def place(self) -> dict[str, Any]:
        """See `zones.HostedDns`."""
        return {
            "provider": self.provider,
            "servers": list(self.servers),
            "keyName": self.key_name,
            "keyAlgorithm": self.key_algorithm,
            "zone": self.zone or "",
        }

    @property
    def secrets(self) -> dict[str, Any]:
        """See `zones.HostedDns`."""
        return {"keySecret": self.key_secret}


def read(reader: Reader, given: dict[str, Any], key: str, inherited: Dns | None) -> Rfc2136Dns | None:
    """See `zones`."""
    above = inherited if isinstance(inherited, Rfc2136Dns) else None
    servers = _servers(reader, given, key) or (above.servers if above and not given.get("servers") else ())
    if not servers and not given.get("servers"):
        reader.problem(f"{key}.servers", "is missing; give the addresses that take updates, such as [192.0.2.1]")
    says = "give the TSIG key's name, as the server has it"
    name = needed(reader, given, key, "keyName", above and above.key_name, says)
    if name and not _is_name(name):
        reader.problem(f"{key}.keyName", f"{shown(name)} is no name of a key; {says}")
    says = f"pulumi config set --secret --path '{key}.keySecret'"
    secret = needed(reader, given, key, "keySecret", above and above.key_secret, says, secret=True)
    if secret and not _is_base64(secret):
        reader.problem(
            f"{key}.keySecret", "is no base64; enter the key's secret as the server's configuration has it"
        )
    algorithm = given.get("keyAlgorithm")
    if algorithm is None:
        algorithm = above.key_algorithm if above else ALGORITHMS[0]
    algorithm = reader.choice(
        algorithm, f"{key}.keyAlgorithm", ALGORITHMS, f"must be one of {', '.join(ALGORITHMS)}"
    )
    if not servers or not name or not secret or not algorithm:
        return None
    secrets_in = key if given.get("keySecret") or not above else above.secrets_in
    return Rfc2136Dns(servers, canonical(name), secret, algorithm, secrets_in=secrets_in)


def _servers(reader: Reader, given: dict[str, Any], key: str) -> tuple[str, ...]:
    servers: list[str] = []
    for at, value in enumerate(reader.items(given.get("servers"), f"{key}.servers", "addresses")):
        where = f"{key}.servers[{at}]"
        text = reader.text(value, where)
        if text and reader.attempt(where, partial(server_at, text, where)):
            servers.append(text)
    return tuple(servers)


def _is_name(text: str) -> bool:
    try:
        dns.name.from_text(text)
    except (dns.exception.DNSException, UnicodeError):
        return False
    return True


def _is_base64(text: str) -> bool:
    try:
        return bool(base64.b64decode(text, validate=True))
    except ValueError:
        return False


def offer(served: Served, wanted: str) -> Offer | None:
    """See `zones`. No name server says of itself that it takes updates, so this is for those who ask for it."""
    if wanted != "rfc2136":
        return None
    key = Asked("keySecret", "TSIG key, [ALGORITHM:]NAME:SECRET", into=_key)
    host = "a name server that takes dynamic updates"
    if served.primary:
        return Offer(host, {"provider": "rfc2136", "servers": [served.primary]}, (key,))
    servers = Asked("servers[0]", "the address of the zone's primary server", secret=False)
    return Offer(host, {"provider": "rfc2136"}, (servers, key))


def _key(text: str) -> dict[str, str]:
    """`hmac-sha512:mta-sts:c2VjcmV0` -> its algorithm, name and secret."""
    *algorithm, name, secret = text.split(":") if ":" in text else ("", "")
    if len(algorithm) > 1 or not name or not _is_base64(secret):
        raise UserError(
            "a TSIG key is NAME:SECRET or ALGORITHM:NAME:SECRET, the secret as the server's key file has it"
        )
    return {"keyName": name, **({"keyAlgorithm": algorithm[0]} if algorithm else {}), "keySecret": secret}


begin = hosted


class Rfc2136:
    """One zone, and the servers that take updates for it."""

    def __init__(self, place: Mapping[str, Any], secrets: Mapping[str, Any], zone: str) -> None:
        self.zone = zone
        self.servers = [server_at(str(text), "mta-sts:dns.servers") for text in place["servers"]]
        name, algorithm = str(place["keyName"]), str(place["keyAlgorithm"])
        self.key = dns.tsig.Key(name, str(secrets["keySecret"]), dns.name.from_text(algorithm))

    def read(self, record: str, rdtype: str) -> RecordsThere:
        """See `zones.Host`."""
        response = self._query(record, rdtype)
        kind = dns.rdatatype.from_text(rdtype)
        rrset = response.get_rrset(response.answer, dns.name.from_text(record), dns.rdataclass.IN, kind)
        records = tuple(cast(Sequence[dns.rdata.Rdata], rrset or ()))
        if records and not self._stands(record, rdtype):
            return RecordsThere(frozenset())
        return RecordsThere(frozenset(plain(rdata) for rdata in records), records)

    def _stands(self, record: str, rdtype: str) -> bool:
        """Whether an answer is a record of this name, and not a wildcard's: an update of nothing but a prerequisite."""
        update = dns.update.UpdateMessage(self.zone, keyring=self.key)
        update.present(dns.name.from_text(record), rdtype)
        return self._ask(update).rcode() not in CHANGED

    def beside(self, record: str, rdtype: str) -> str:
        """See `zones.Host`."""
        others = ("A", "AAAA", "TXT", "MX", "NS") if rdtype == "CNAME" else ("CNAME",)
        there = {kind: self.read(record, kind).values for kind in others}
        return "; ".join(f"{kind} {value}" for kind, values in there.items() for value in sorted(values))

    def replace(self, record: str, rdtype: str, there: RecordsThere, values: Sequence[str], ttl: int) -> None:
        """See `zones.Host`."""
        update = dns.update.UpdateMessage(self.zone, keyring=self.key)
        name, kind = dns.name.from_text(record), dns.rdatatype.from_text(rdtype)
        if there.records:
            update.present(name, *there.records)
        elif rdtype == "CNAME":
            update.absent(name)  # nothing at all: a CNAME stands alone, and BIND drops one that doesn't silently
        else:
            update.absent(name, rdtype)
            update.absent(name, "CNAME")
        if there.records:
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
                f"{self.where()} answers {dns.rcode.to_text(response.rcode())} to an update of {record}"
            )

    def zone_of(self, name: str) -> str:
        """The zone that the servers say a name lies in, "" for none of theirs.

        :raises HostError: no answer.
        """
        response = self._query(name, "SOA")
        for rrset in (*response.answer, *response.authority):
            if rrset.rdtype == dns.rdatatype.SOA:
                return canonical(rrset.name.to_text())
        return ""

    def _query(self, record: str, rdtype: str) -> dns.message.Message:
        query = dns.message.make_query(record, rdtype, flags=0)
        query.use_tsig(self.key)
        response = self._ask(query)
        if response.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
            raise HostError(f"{self.where()} answers {dns.rcode.to_text(response.rcode())} for {record}")
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

    def where(self) -> str:
        """The servers, for a message."""
        return " and ".join(_shown(server) for server in self.servers)


def _shown(server: Server) -> str:
    return server.address if server.port == 53 else f"{server.address}:{server.port}"


def _rdata(kind: dns.rdatatype.RdataType, value: str) -> dns.rdata.Rdata:
    if kind == dns.rdatatype.CNAME:
        return dns.rdata.from_text(dns.rdataclass.IN, kind, f"{value.rstrip('.')}.")
    quoted = " ".join('"' + part.replace("\\", "\\\\").replace('"', '\\"') + '"' for part in strings(value))
    return dns.rdata.from_text(dns.rdataclass.IN, kind, quoted)


def host(place: Mapping[str, Any], secrets: Mapping[str, Any], domain: str) -> Rfc2136:
    """See `zones.host`. The zone is the one whose SOA the server answers for the domain (RFC 2308 2.1)."""
    given = str(place.get("zone") or "")
    opened = Rfc2136(place, secrets, given)
    if not domain:
        return opened
    zone = opened.zone_of(given or domain)
    if not zone or given not in ("", zone):
        where, which = opened.where(), given or "that holds it"
        raise HostError(f"{domain}: {where} has no zone {which}; correct servers or zone")
    opened.zone = zone
    return opened
