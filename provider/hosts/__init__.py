"""Where a DNS zone can be changed: one file a kind of place, behind `Host`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

from policy import UserError


class HostError(UserError):
    """What a user reads: the host said no, or nothing. One line, with the way out."""


class ChangedMeanwhile(HostError):
    """The record set isn't what it was when it was read."""


@dataclass(frozen=True)
class Found:
    """A record set as it stands at a host.

    :param values: TXT strings joined; host names in lower case without the final dot.
    :param records: the host's own form of each record.
    """

    values: frozenset[str]
    records: tuple[Any, ...] = ()


class Host(Protocol):
    """One zone at one host. Every method may raise HostError."""

    zone: str

    def read(self, record: str, rdtype: str) -> Found:
        """The record set; no values where there is none."""
        ...

    def beside(self, record: str, rdtype: str) -> str:
        """What of other types stands at the same name and can't stand beside it (RFC 1034 3.6.2); "" for nothing."""
        ...

    def replace(self, record: str, rdtype: str, found: Found, values: Sequence[str], ttl: int) -> None:
        """Put `values` in place of `found`; none of them deletes.

        :param ttl: seconds.
        :raises ChangedMeanwhile: something else stands there by now; nothing was changed.
        """
        ...


def at(place: Mapping[str, Any], credentials: Mapping[str, str], domain: str = "") -> Host:
    """The host that a record set's `at` and `credentials` describe.

    :param place: `provider`, and what that provider's module says.
    :param domain: any name in the zone; needed where `place` has no zone.
    :raises HostError: there is no such zone, or the host can't be asked.
    """
    module: Any = import_module(f"provider.hosts.{place['provider']}")
    return module.at(place, credentials, domain)
