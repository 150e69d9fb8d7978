"""Zones at hosts that azure-native doesn't know: `mtasts:index:RecordSet`, for rfc2136 and lexicon alike."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

import pulumi

from components import full_name
from components.dns import lexicon, rfc2136
from policy import UserError
from provider import hosts
from provider.resources import RecordSet
from zones.settings import LexiconDns, Rfc2136Dns

AT_ONCE = 16  # hosts' APIs have limits


class HostedBackend:
    """Record sets of one zone."""

    name_servers: tuple[str, ...] = ()

    def __init__(self, place: Mapping[str, Any], secrets_in: str, zone: str) -> None:
        self.zone = zone
        self._place = {**place, "zone": zone, "secretsIn": secrets_in}

    def record_set(
        self,
        name: str,
        owner: str,
        type: Literal["CNAME", "TXT"],
        values: Sequence[pulumi.Input[str]],
        ttl: int,
        opts: pulumi.ResourceOptions,
        adopt: bool = False,
    ) -> pulumi.Resource:
        """See `components.dns.Backend`."""
        if adopt:
            opts = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(retain_on_delete=True))
        return RecordSet(
            name,
            record=owner,
            type=type,
            values=values,
            ttl=ttl,
            at={**self._place, "stack": full_name()},
            adopt=adopt,
            opts=opts,
        )


def backends(domains: Iterable[tuple[str, Rfc2136Dns | LexiconDns]]) -> dict[str, HostedBackend]:
    """Each domain's zone, asked of its host before anything is made.

    :returns: by domain name.
    :raises UserError: a line for each thing that is wrong, with the domains that it concerns.
    """
    given = list(domains)
    with ThreadPoolExecutor(AT_ONCE, "zones") as pool:
        found = list(pool.map(_open, given))
    problems: dict[str, list[str]] = {}
    for (name, _), backend in zip(given, found, strict=True):
        if isinstance(backend, hosts.HostError):
            problems.setdefault(str(backend), []).append(name)
    if problems:
        raise UserError("\n".join(f"{', '.join(names)}: {text}" for text, names in problems.items()))
    return {
        name: backend
        for (name, _), backend in zip(given, found, strict=True)
        if isinstance(backend, HostedBackend)
    }


def _open(domain: tuple[str, Rfc2136Dns | LexiconDns]) -> HostedBackend | hosts.HostError:
    name, dns = domain
    place, credentials = rfc2136.described(dns) if isinstance(dns, Rfc2136Dns) else lexicon.described(dns)
    try:
        return HostedBackend(place, dns.secrets_in, hosts.at(place, credentials, name).zone)
    except hosts.HostError as error:
        return error
