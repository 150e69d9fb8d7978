"""By hand: a person enters the records wherever the zone is kept, and the program waits for each."""

from collections.abc import Sequence
from typing import Literal

import pulumi

from provider.resources import RecordByHand


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
        """See `components.dns.Backend`; a record that stands there already is simply found."""
        if adopt:
            opts = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(retain_on_delete=True))
        return RecordByHand(name, record=owner, type=type, values=values, ttl=ttl, opts=opts)
