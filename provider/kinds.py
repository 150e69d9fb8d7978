"""The provider's resources as data, so that a preview needs none of the code that does the work."""

from collections.abc import Awaitable
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Protocol, cast

from provider.wait import Wait


class Work(Protocol):
    """What a kind's module holds. `outlook`, `cautions`, `stale` and `release` may be missing."""

    def apply(self, inputs: dict[str, Any], old: dict[str, Any], wait: Wait) -> Awaitable[dict[str, Any]]:
        """Creation and update alike.

        :param old: the state before; empty for a creation.
        :returns: outputs beside the inputs.
        :raises UserError: what the user reads.
        """
        ...

    def observe(self, state: dict[str, Any]) -> dict[str, Any]:
        """The state as found in the world, for `pulumi refresh`; the next `up` updates what differs there."""
        ...

    def outlook(self, inputs: dict[str, Any], old: dict[str, Any]) -> dict[str, Any]:
        """The outputs of `apply` that are certain before it, in a preview.

        :raises UserError: `apply` would fail.
        """
        ...

    def cautions(self, old: dict[str, Any], new: dict[str, Any]) -> list[str]:
        """Lines for the user about a change of inputs."""
        ...

    def stale(self, state: dict[str, Any]) -> list[str]:
        """The outputs that the world has left behind though no input changed; they make an update."""
        ...

    def release(self, state: dict[str, Any], wait: Wait) -> Awaitable[None]:
        """Deletion.

        :raises UserError: it may not be deleted now.
        """
        ...


@dataclass(frozen=True)
class Kind:
    """One kind of resource.

    :param module: where its `Work` is.
    :param id: its id, a format string over the inputs.
    :param inputs: the inputs' names and types.
    :param timeout: seconds an operation may take where no custom timeout is given.
    :param optional: inputs that may be missing.
    :param not_compared: inputs whose change alone updates nothing; they aren't kept among the outputs.
    :param makes: the outputs of `apply` that others take as inputs; a state of before there was one is updated.
    :param also: the parts of `Work` beyond `apply` and `observe` that its module has.
    """

    module: str
    id: str
    inputs: dict[str, type]
    timeout: float
    optional: frozenset[str] = field(default_factory=frozenset[str])
    not_compared: frozenset[str] = field(default_factory=frozenset[str])
    makes: frozenset[str] = field(default_factory=frozenset[str])
    also: frozenset[str] = field(default_factory=frozenset[str])

    @property
    def work(self) -> Work:
        """The kind's code, imported when first used."""
        return cast(Work, import_module(self.module))


KINDS = {
    "mtasts:index:RecordSeen": Kind(
        module="provider.record_seen",
        id="{type} {record}",
        inputs={"record": str, "type": str, "values": list},
        timeout=900,
        also=frozenset({"cautions"}),
    ),
    "mtasts:index:RecordSet": Kind(
        module="provider.record_set",
        id="{type} {record}",
        inputs={
            "record": str,
            "type": str,
            "values": list,
            "ttl": float,
            "at": dict,
            "adopt": bool,
        },
        timeout=300,
        also=frozenset({"outlook", "release"}),
    ),
    "mtasts:index:RecordByHand": Kind(
        module="provider.record_by_hand",
        id="{type} {record}",
        inputs={"record": str, "type": str, "values": list, "ttl": float},
        timeout=900,
        also=frozenset({"release"}),
    ),
    "mtasts:index:Content": Kind(
        module="provider.content",
        id="https://{defaultHostname}/",
        inputs={"site": str, "defaultHostname": str, "policy": str, "web": dict, "staticSitesClient": str},
        timeout=900,
        optional=frozenset({"staticSitesClient"}),
        not_compared=frozenset({"site", "staticSitesClient"}),
        makes=frozenset({"greatestMaxAge", "foundMode"}),
        also=frozenset({"outlook", "cautions"}),
    ),
    "mtasts:index:LivePolicy": Kind(
        module="provider.live_policy",
        id="https://{host}/.well-known/mta-sts.txt",
        inputs={"host": str, "policy": str, "defaultHostname": str},
        timeout=1800,
        also=frozenset({"release"}),
    ),
    "mtasts:index:SendersHold": Kind(
        module="provider.senders_hold",
        id="{domain}",
        inputs={"domain": str, "policy": str, "greatestMaxAge": float, "foundMode": str, "removeEarly": bool},
        timeout=60,
        also=frozenset({"release"}),
    ),
    "mtasts:index:ProjectSeen": Kind(
        module="provider.project_seen",
        id="{organization}/{project}",
        inputs={"organization": str, "project": str, "existing": bool, "repository": str},
        timeout=60,
        also=frozenset({"outlook"}),
    ),
    "mtasts:index:VariableGroup": Kind(
        module="provider.variable_group",
        id="{name}",
        inputs={
            "organization": str,
            "project": str,
            "name": str,
            "values": dict,
            "stack": str,
            "secretsIn": str,
            "secrets": dict,
            "fingerprints": dict,
            "site": str,
        },
        timeout=120,
        optional=frozenset({"site"}),
        makes=frozenset({"groupId"}),
        also=frozenset({"outlook", "stale", "release"}),
    ),
}
