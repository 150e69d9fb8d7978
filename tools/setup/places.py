"""Where a domain's records go: at the DNS host that its name servers belong to, or at another that somebody asked for."""

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Any

import zones
from policy import UserError
from tools.setup.account import Account
from tools.setup.ask import Ask
from tools.setup.look import Seen
from zones import Offer


@dataclass(frozen=True)
class Place:
    """Where a domain's records go.

    :param host: the DNS host's name.
    :param secrets: by their key in the `dns` map.
    """

    host: str
    dns: dict[str, Any]
    secrets: Mapping[str, str] = field(default_factory=dict[str, str])


class Places:
    """Asks once for each DNS host.

    :param wanted: what was asked for in place of what the name servers say; None for that.
    :param given: `NAME=VALUE`, keys of the `dns` map that are no secrets.
    """

    def __init__(self, ask: Ask, wanted: str | None, given: Sequence[str]) -> None:
        if wrong := next((text for text in given if "=" not in text), None):
            raise UserError(f"--dns-set {wrong!r} must be NAME=VALUE")
        self._ask, self._wanted = ask, wanted
        self._given = {text.partition("=")[0]: text.partition("=")[2] for text in given}
        self._known: dict[str, Place] = {}
        self._named: dict[tuple[str, ...], str] = {}
        self._missing: set[str] = set()

    def of(self, seen: Seen, there: Account, standing: Sequence[Mapping[str, Any]]) -> Place:
        """Where a domain's records go, asked once a host.

        :param standing: the `dns` maps that the stack's file has, without their secrets, which needn't be asked for again.
        """
        offer = self._offer(seen)
        dns = _deep(offer.dns)
        zone = there.zones.get(seen.served.zone)
        if dns["provider"] == "azure" and zone:
            dns |= {"resourceGroup": zone.group} | (
                {"subscription": zone.subscription} if zone.subscription else {}
            )
        for name, value in self._given.items():
            _set(dns, name, value)
        if dns["provider"] == "azure" and "resourceGroup" not in dns:
            raise UserError(f"{seen.name}: its zone {seen.served.zone} is in Azure DNS, but in no subscription that you see here; sign in where it is, name its group (--dns-set resourceGroup=…), or enter records by hand (--dns manual)")  # fmt: skip
        for stands in standing:
            same = all(stands.get(name) == value for name, value in {"subscription": None, **dns}.items())
            if same and stands.get("zone") in (None, seen.served.zone):
                return Place(offer.host, dict(stands))
        key = repr(sorted(dns.items()))
        if key not in self._known:
            self._known[key] = self._answered(offer, dns)
        return self._known[key]

    def missing(
        self, seen: Seen, key: str, dns: Mapping[str, Any], stands: Callable[[str], bool]
    ) -> dict[str, str]:
        """The secrets that a `dns` map lacks, because an earlier run was stopped before it had encrypted them.

        :param key: of the map in the configuration.
        :param stands: whether a value stands at a key.
        :returns: by their keys in the configuration.
        """
        offer = zones.offer(seen.served, str(dns.get("host") or dns["provider"]))
        found: dict[str, str] = {}
        for asked in offer.asked if offer else ():
            at = f"{key}.{asked.name}"
            if asked.secret and not asked.optional and not stands(at) and at not in self._missing:
                self._missing.add(at)
                found[at] = asked.read(self._ask.secret(asked.name, asked.says))[asked.name]
        return found

    def _offer(self, seen: Seen) -> Offer:
        offer = None if self._wanted else known(seen)
        wanted = self._wanted or self._named.get(seen.served.name_servers)
        if offer is None:
            if wanted is None:
                question = f"DNS of {seen.name}: manual, rfc2136, or one of docs/dns.md"
                wanted = self._ask.text(None, "--dns", question, "manual")
                self._named[seen.served.name_servers] = wanted
            offer = zones.offer(seen.served, wanted.lower())
        if offer is None:
            raise UserError(f"--dns {wanted!r} is not known; docs/dns.md has the hosts, and manual always works")
        if offer.lacks:
            raise UserError(f"{offer.host}: first {offer.lacks}, then run this again; or enter records by hand: --dns manual")  # fmt: skip
        return offer

    def _answered(self, offer: Offer, dns: dict[str, Any]) -> Place:
        """A `dns` map with what a person adds to it; without a secret that it needs, records are entered by hand."""
        secrets: dict[str, str] = {}
        for asked in offer.asked:
            if _has(dns, asked.name):
                continue
            if not asked.secret:
                _set(dns, asked.name, self._ask.text(None, f"--dns-set {asked.name}=…", asked.says, ""))
                continue
            says = asked.says if asked.optional else f"{asked.says}; empty: by hand"
            answer = self._ask.secret(asked.name, says)
            if not answer and asked.optional:
                continue
            if not answer:
                return Place("a host where you enter records by hand", {"provider": "manual"})
            for name, value in asked.read(answer).items():
                if name == asked.name:
                    secrets[name] = value
                else:
                    _set(dns, name, value)
        return Place(offer.host, dns, secrets)


def known(seen: Seen) -> Offer | None:
    """The DNS host that a domain's name servers belong to."""
    return zones.offer(seen.served) if seen.served.name_servers else None


def at_azure(seen: Seen) -> bool:
    """Whether a domain's name servers are Azure's."""
    offer = known(seen)
    return bool(offer and offer.dns["provider"] == "azure")


def _deep(dns: Mapping[str, Any]) -> dict[str, Any]:
    """A copy whose maps can be added to."""
    return {name: copy(value) for name, value in dns.items()}


def _set(dns: dict[str, Any], name: str, value: str) -> None:
    """`servers` is a list; `options.x` lies in a map."""
    name = name.removesuffix("[0]")
    outer, dot, inner = name.partition(".")
    if dot:
        dns.setdefault(outer, {})[inner] = value
    else:
        dns[name] = [value] if name == "servers" else value


def _has(dns: Mapping[str, Any], name: str) -> bool:
    outer, dot, inner = name.removesuffix("[0]").partition(".")
    return outer in dns and (not dot or inner in dns[outer])
