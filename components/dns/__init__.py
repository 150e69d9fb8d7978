"""Where records go: one file a backend, behind `Backend`."""

from collections.abc import Sequence
from typing import Literal, Protocol

import pulumi


class Backend(Protocol):
    """Makes DNS record sets somewhere.

    `zone` is where, and `name_servers` (without trailing dots) serve it.
    """

    @property
    def zone(self) -> str: ...

    @property
    def name_servers(self) -> tuple[str, ...]: ...

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
        """Declare one record set.

        :param name: the resource's name.
        :param owner: the owner name, without the trailing dot.
        :param values: a host name for CNAME; for TXT one text a record, of any length.
        :param ttl: seconds.
        :param adopt: take over the record set that stands there, and leave it there when the stack goes.
        """
        ...
