"""A DNS host's API, through dns-lexicon: Cloudflare, Route 53, GoDaddy, OVH, Hetzner, IONOS, …"""

from typing import Any

from zones.settings import LexiconDns


def described(dns: LexiconDns) -> tuple[dict[str, Any], dict[str, str]]:
    """What a RecordSet's `at` says, and the credentials; see provider.hosts.lexicon."""
    return {"provider": "lexicon", "host": dns.host, "zone": dns.zone or ""}, dict(dns.options)
