"""A name server that takes dynamic updates (RFC 2136): BIND, Knot, PowerDNS, Windows DNS with TSIG, …"""

from typing import Any

from zones.settings import Rfc2136Dns


def described(dns: Rfc2136Dns) -> tuple[dict[str, Any], dict[str, str]]:
    """What a RecordSet's `at` says, and the credentials; see provider.hosts.rfc2136."""
    place = {
        "provider": "rfc2136",
        "servers": list(dns.servers),
        "keyName": dns.key_name,
        "keyAlgorithm": dns.key_algorithm,
        "zone": dns.zone or "",
    }
    return place, {"keySecret": dns.key_secret}
