"""What the DNS zones answer, as Azure DNS's name servers and any resolver would."""

import time
from collections.abc import Iterator
from typing import Any

import dns.exception
import dns.message
import dns.query
import dns.rdatatype

from sandbox import storage
from sandbox.state import State

SITES, EDGE = "azurestaticapps.net", "azurefd.net"
NAME_SERVERS = ("ns1-01.azure-dns.com", "ns2-01.azure-dns.net", "ns3-01.azure-dns.org", "ns4-01.azure-dns.info")
SOA_TIMES = {
    "refreshTime": 3600,
    "retryTime": 300,
    "expireTime": 2419200,
    "minimumTTL": 300,
}  # seconds, as Azure DNS
Found = tuple[str, str, int, list[str]]  # owner name, type, TTL in seconds, values in zone-file form


class View:
    """Looks names up in the zones that ARM holds."""

    def __init__(self, state: State) -> None:
        self.state = state

    def zone_of(self, name: str) -> dict[str, Any] | None:
        """The zone with the longest matching name, among those that are delegated here."""
        labels = name.split(".")
        above = [".".join(labels[at:]) for at in range(len(labels))]
        zones = [
            zone for zone in self.state.named("Microsoft.Network/dnsZones", above) if not zone.get("_undelegated")
        ]
        return max(zones, key=lambda zone: len(zone["name"]), default=None)

    def record_sets(self, name: str) -> dict[str, Found]:
        """The record sets of one name, by type, as they are visible now."""
        zone = self.zone_of(name)
        if zone is None:
            return {}
        relative = name.removesuffix(zone["name"].lower()).rstrip(".") or "@"
        now = time.time()
        sets: dict[str, Found] = {}
        for body in self.state.under(zone["id"]):
            if body["name"].lower() != relative or body["type"].lower() == "microsoft.network/dnszones":
                continue
            kind = body["type"].rpartition("/")[2]
            shown = body["_before"] if now < body.get("_visible", 0) else body["properties"]
            values = list(_values(kind, shown)) if shown else []
            if values:
                sets[kind] = (name, kind, int(shown["TTL"]), values)
        return sets

    def exists(self, name: str) -> bool:
        """Whether a name, or one below it, has records."""
        if self.record_sets(name):
            return True
        zone = self.zone_of(name)
        below = f".{name}"
        return zone is not None and any(
            f".{body['name'].lower()}.{zone['name'].lower()}".endswith(below)
            for body in self.state.under(zone["id"])
        )

    def answer(self, name: str, kind: str) -> list[Found]:
        """The answer section: CNAMEs followed as far as this sandbox goes."""
        chain: list[Found] = []
        for _ in range(8):
            sets = self.synthetic(name) or self.elsewhere(name, kind) or self.record_sets(name)
            if kind in sets:
                return [*chain, sets[kind]]
            if "CNAME" not in sets:
                return chain
            chain.append(sets["CNAME"])
            name = sets["CNAME"][3][0].rstrip(".").lower()
        return chain

    def elsewhere(self, name: str, kind: str) -> dict[str, Found]:
        """What a name server beside Azure's answers, for the zones that it serves."""
        server = self.state.elsewhere(name)
        if not server:
            return {}
        address, _, port = server.rpartition(":")
        query = dns.message.make_query(name, kind)
        try:
            response, _ = dns.query.udp_with_fallback(query, address, timeout=2, port=int(port))
        except (dns.exception.DNSException, OSError):
            return {}
        return {
            dns.rdatatype.to_text(rrset.rdtype): (
                name,
                dns.rdatatype.to_text(rrset.rdtype),
                rrset.ttl,
                [rdata.to_text() for rdata in rrset],
            )
            for rrset in response.answer
            if rrset.name.to_text(omit_final_dot=True).lower() == name
        }

    def synthetic(self, name: str) -> dict[str, Found]:
        """Azure's own names: default host names of sites, Front Door's endpoints, endpoints of storage accounts, name servers."""
        ours = self.site_named(name) or self.endpoint_named(name) or storage.account_at(self.state, name)
        if name in NAME_SERVERS or ours:
            return {"A": (name, "A", 60, ["127.0.0.1"])}
        return {}

    def site_named(self, host: str) -> dict[str, Any] | None:
        """The site with a default host name."""
        if not host.endswith(f".{SITES}"):
            return None
        return self.state.with_host("Microsoft.Web/staticSites", host)

    def endpoint_named(self, host: str) -> dict[str, Any] | None:
        """Front Door's endpoint with a host name."""
        if not host.endswith(f".{EDGE}"):
            return None
        for endpoint in self.state.mentioning("Microsoft.Cdn/profiles/afdendpoints", host):
            if endpoint["properties"]["hostName"] == host:
                return endpoint
        return None

    def target(self, name: str) -> str | None:
        """Where a host name leads in the end, when that is a site's default host name or a Front Door endpoint's."""
        chain = self.answer(name, "A")
        ends = chain and chain[-1][1] == "A" and chain[-1][0].endswith((f".{SITES}", f".{EDGE}"))
        return chain[-1][0] if ends else None


def _values(kind: str, properties: dict[str, Any]) -> Iterator[str]:
    if kind == "CNAME":
        if properties.get("CNAMERecord"):  # a record set may be made before its records
            yield properties["CNAMERecord"]["cname"].rstrip(".") + "."
        return
    if kind == "SOA":
        soa = properties["SOARecord"]
        times = " ".join(str(soa.get(name, usual)) for name, usual in SOA_TIMES.items())
        yield f"{soa['host'].rstrip('.')}. {soa['email'].rstrip('.')}. {soa['serialNumber']} {times}"
        return
    for each in properties.get(f"{kind}Records") or ():
        if kind == "TXT":
            yield " ".join('"' + part.replace("\\", "\\\\").replace('"', '\\"') + '"' for part in each["value"])
        elif kind == "MX":
            yield f"{each['preference']} {each['exchange'].rstrip('.')}."
        elif kind == "NS":
            yield each["nsdname"].rstrip(".") + "."
        elif kind == "CAA":
            yield f'{each["flags"]} {each["tag"]} "{each["value"]}"'
        else:
            yield each["ipv4Address" if kind == "A" else "ipv6Address"]
