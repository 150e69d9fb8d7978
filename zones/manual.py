"""By hand: a person enters the records wherever the zone is kept, and the program waits for each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import pulumi

from provider.resources import RecordByHand
from zones import Dns, Offer, Served

if TYPE_CHECKING:
    from settings.reader import Reader

KEYS = ()


@dataclass(frozen=True)
class ManualDns(Dns):
    """A person enters the records."""

    provider = "manual"


class ManualBackend:
    """Records of a zone that this program can't change. `zone` and `name_servers` are whatever DNS says they are."""

    zone = ""
    name_servers: tuple[str, ...] = ()

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
        """See `zones.Backend`; a record that stands there already is simply found."""
        if adopt:
            opts = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(retain_on_delete=True))
        return RecordByHand(name, record=owner, type=type, values=values, ttl=ttl, opts=opts)


def read(reader: Reader, given: dict[str, Any], key: str, inherited: Dns | None) -> ManualDns:
    """See `zones`."""
    return ManualDns()


def offer(served: Served, wanted: str) -> Offer | None:
    """See `zones`."""
    return Offer("a host where you enter records by hand", {"provider": "manual"}) if wanted == "manual" else None


def begin(domains: Sequence[tuple[str, ManualDns]]) -> Callable[[], dict[str, ManualBackend]]:
    """See `zones`; there is nothing to ask."""
    return lambda: {name: ManualBackend() for name, _ in domains}
