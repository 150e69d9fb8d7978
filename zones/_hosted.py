"""Zones at hosts that the plugin speaks to: their records are `mtasts:index:RecordSet`."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import pulumi

from policy import UserError
from provider.resources import RecordSet
from settings.engine import full_name
from zones import HostedDns, HostError, host

AT_ONCE = 16  # hosts' APIs have limits


class HostedBackend:
    """Record sets of one zone."""

    name_servers: tuple[str, ...] = ()

    def __init__(self, dns: HostedDns, zone: str) -> None:
        self.zone = zone
        self._place = {**dns.place, "zone": zone, "secretsIn": dns.secrets_in}

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
        """See `zones.Backend`."""
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


def hosted(domains: Sequence[tuple[str, HostedDns]]) -> Callable[[], dict[str, HostedBackend]]:
    """See `zones.Module.begin`; each host is asked for the zone."""
    pool = ThreadPoolExecutor(AT_ONCE, "zones")
    answers = pool.map(_open, domains)
    pool.shutdown(wait=False)

    def finish() -> dict[str, HostedBackend]:
        opened: dict[str, HostedBackend] = {}
        problems: dict[str, list[str]] = {}
        for (name, _), answer in zip(domains, answers, strict=True):
            if isinstance(answer, HostError):
                problems.setdefault(str(answer), []).append(name)
            else:
                opened[name] = answer
        if problems:
            raise UserError("\n".join(f"{', '.join(names)}: {text}" for text, names in problems.items()))
        return opened

    return finish


def _open(domain: tuple[str, HostedDns]) -> HostedBackend | HostError:
    name, dns = domain
    try:
        return HostedBackend(dns, host(dns.place, dns.secrets, name).zone)
    except HostError as error:
        return error
