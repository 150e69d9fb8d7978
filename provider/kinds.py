"""The kinds of resources that no cloud provider has, as the plugin knows them; `provider.resources` has their classes.

The plugin doesn't import the classes: they come with Pulumi's SDK, which takes longer than all else that it does.
"""

from collections.abc import Awaitable, Callable, Set
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol, cast

from provider.wait import Wait


class Work(Protocol):
    """What a kind's module holds, named as the engine names it: `create` or `update`, `read`, and what else it needs."""

    def create(self, inputs: dict[str, Any], wait: Wait) -> Awaitable[dict[str, Any]]:
        """Creation, and an update alike.

        :returns: the outputs that the kind `makes`.
        :raises UserError: what the user reads.
        """
        ...

    def update(self, inputs: dict[str, Any], old: dict[str, Any], wait: Wait) -> Awaitable[dict[str, Any]]:
        """In place of `create`, where it matters what was before.

        :param old: the state before; empty for a creation.
        """
        ...

    def read(self, state: dict[str, Any]) -> dict[str, Any]:
        """The state as found in the world, for `pulumi refresh`; the next `up` updates what differs there."""
        ...

    def preview(self, inputs: dict[str, Any], old: dict[str, Any]) -> dict[str, Any]:
        """The outputs that are certain before a creation or update.

        :param old: the state before; empty for a creation.
        :raises UserError: it would fail.
        """
        ...

    def warn(self, old: dict[str, Any], new: dict[str, Any]) -> list[str]:
        """Lines for the user about a change of inputs.

        :param old: empty for a creation.
        """
        ...

    def stale(self, state: dict[str, Any]) -> list[str]:
        """The outputs that the world has left behind though no input changed; they make an update."""
        ...

    def delete(self, state: dict[str, Any], wait: Wait) -> Awaitable[None]:
        """Deletion; where a module has none, nothing in the world is deleted.

        :raises UserError: it may not be deleted now.
        """
        ...


@dataclass(frozen=True)
class Kind:
    """One kind of resource.

    :param module: where its `Work` is; imported when something is to be done, so that previews without changes are fast.
    :param id: its id, a format string over the inputs.
    :param timeout: seconds an operation may take where no custom timeout is given.
    :param not_compared: inputs whose change alone updates nothing; they aren't kept in the state.
    :param makes: the outputs beside the inputs; a state that lacks one is updated.
    :param watched: whether each preview asks the module's `stale`.
    """

    module: str
    id: str
    timeout: float
    not_compared: Set[str] = frozenset()
    makes: Set[str] = frozenset()
    watched: bool = False

    @property
    def work(self) -> Work:
        """The kind's code."""
        return cast(Work, import_module(self.module))

    def verb(self, name: str) -> Callable[..., Any] | None:
        """A part of the kind's `Work`, where its module has it."""
        return getattr(self.work, name, None)


KINDS = {
    "mtasts:index:Content": Kind(
        "provider.content",
        id="https://{defaultHostname}/",
        timeout=900,
        not_compared={"site", "clientSha256"},
        makes={"greatestMaxAge", "foundMode"},
    ),
    "mtasts:index:Folder": Kind(
        "provider.folder",
        id="https://{host}/{folder}/",
        timeout=900,
        makes={"greatestMaxAge", "foundMode"},
    ),
    "mtasts:index:ValidationToken": Kind(
        "provider.validation_token",
        id="{host}",
        timeout=900,
        makes={"token"},
        watched=True,
    ),
    "mtasts:index:DomainReady": Kind(
        "provider.domain_ready",
        id="{host}",
        timeout=5400,
        not_compared={"policy"},
    ),
    "mtasts:index:RecordSeen": Kind(
        "provider.record_seen",
        id="{type} {record}",
        timeout=900,
    ),
    "mtasts:index:RecordSet": Kind(
        "provider.record_set",
        id="{type} {record}",
        timeout=300,
        makes={"made"},
    ),
    "mtasts:index:RecordByHand": Kind(
        "provider.record_by_hand",
        id="{type} {record}",
        timeout=900,
    ),
    "mtasts:index:LivePolicy": Kind(
        "provider.live_policy",
        id="https://{host}/.well-known/mta-sts.txt",
        timeout=1800,
        not_compared={"customDomain"},
    ),
    "mtasts:index:SendersHold": Kind(
        "provider.senders_hold",
        id="{domain}",
        timeout=60,
        makes={"greatestMaxAgeServed", "heldUntil"},
    ),
    "mtasts:index:ProjectSeen": Kind(
        "provider.project_seen",
        id="{organization}/{project}",
        timeout=60,
    ),
    "mtasts:index:BranchSeen": Kind(
        "provider.branch_seen",
        id="{repository} {branch}",
        timeout=900,
    ),
    "mtasts:index:VariableGroup": Kind(
        "provider.variable_group",
        id="{name}",
        timeout=120,
        makes={"groupId", "seals"},
        watched=True,
    ),
}
