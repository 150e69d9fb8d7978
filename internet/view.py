"""Where the internet is looked at from: resolver, name servers, trusted authorities, proxy.

Everything that looks takes a `View`. By default it follows the environment:

- `MTA_STS_RESOLVER=ADDRESS[:PORT]`: the resolver; without it, the system's.
- `MTA_STS_NAMESERVERS=ADDRESS[:PORT],…`: asked in place of the zone's own, where these can't be reached from here
  (split horizon, a firewall in front of port 53).
- `SSL_CERT_FILE`: trusted authorities; without it, Mozilla's.
- `MTA_STS_TRUST_ANCHOR`: a file of DS or DNSKEY records, where DNSSEC begins; without it, the root's keys.
- `HTTPS_PROXY` and `NO_PROXY`.
"""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import inf
from urllib.request import (
    getproxies_environment,
    proxy_bypass_environment,  # pyright: ignore[reportAttributeAccessIssue, reportUnknownVariableType]
)

import dns.nameserver
import dns.resolver

from internet.address import Server, server_at


def resolver_at(server: Server | None) -> dns.resolver.Resolver:
    """The resolver at an address; None for the system's, whose configuration is read here."""
    resolver = dns.resolver.Resolver(configure=server is None)
    if server:
        resolver.nameservers = [dns.nameserver.Do53Nameserver(server.address, server.port)]
    return resolver


@dataclass(frozen=True)
class View:
    """One way to look at the internet; threads may share it.

    :param resolver: stands for "the internet's view".
    :param name_servers: asked in place of every zone's own, where there are any.
    :param ca_file: PEM file of the trusted authorities; None for Mozilla's.
    :param proxies: by scheme, and `no` for the hosts without one, as `urllib.request.getproxies` has them.
    :param anchors: a file of DS or DNSKEY records, as zone files have them; None for the root's.
    :param until: when looking ends, as `time.monotonic()` counts.
    """

    resolver: dns.resolver.Resolver
    name_servers: tuple[Server, ...] = ()
    ca_file: str | None = None
    proxies: Mapping[str, str] = field(default_factory=dict[str, str])
    anchors: str | None = None
    until: float = inf

    @classmethod
    def from_environment(cls) -> "View":
        """See the module's text.

        :raises UserError: a variable holds no address.
        """
        resolver = os.environ.get("MTA_STS_RESOLVER")
        servers = os.environ.get("MTA_STS_NAMESERVERS") or ""
        return cls(
            resolver=resolver_at(server_at(resolver, "MTA_STS_RESOLVER") if resolver else None),
            name_servers=tuple(
                server_at(text, "MTA_STS_NAMESERVERS") for text in servers.split(",") if text.strip()
            ),
            ca_file=os.environ.get("SSL_CERT_FILE") or None,
            proxies=getproxies_environment(),
            anchors=os.environ.get("MTA_STS_TRUST_ANCHOR") or None,
        )

    def within(self, seconds: float) -> "View":
        """The same view, for so many seconds from now at most."""
        return replace(self, until=min(self.until, time.monotonic() + seconds))

    def through(self, resolver: str | None) -> "View":
        """The same view through another resolver, which knows every zone's own servers; None for this one.

        :param resolver: `--resolver`, ADDRESS[:PORT].
        :raises UserError: it is no address.
        """
        if not resolver:
            return self
        return replace(self, resolver=resolver_at(server_at(resolver, "--resolver")), name_servers=())

    def left(self, most: float) -> float:
        """Seconds that one step may take: `most`, and none once the view has ended."""
        return max(0.0, min(most, self.until - time.monotonic()))

    def proxy_for(self, host: str) -> str | None:
        """The proxy that leads to a host by HTTPS."""
        bypass = bool(proxy_bypass_environment(host, self.proxies))  # pyright: ignore[reportUnknownArgumentType]
        return None if bypass else self.proxies.get("https")
