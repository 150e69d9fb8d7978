"""Domains with equal mail servers become policies, split by what a Static Web App holds; and what that costs."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from policy import Mode
from settings.cost import STANDARD_APP
from settings.policies import CUSTOM_DOMAINS, FREE_APPS, WEEK
from tools.setup import providers


@dataclass(frozen=True)
class Wish:
    """What one domain is to have.

    :param mx: the patterns, and who runs what they allow.
    :param reports: URIs; none leaves the domain's report record as it is.
    :param adopt: its report record stands there, and is taken over.
    :param dns: where its records go, without secrets, as the `dns` map says it.
    """

    name: str
    mx: Mapping[str, str]
    dns: Mapping[str, Any]
    mode: Mode = Mode.TESTING
    max_age: int = WEEK
    reports: tuple[str, ...] = ()
    adopt: bool = False

    @property
    def kind(self) -> tuple[object, ...]:
        """Equal for domains that may share a policy."""
        return (tuple(sorted(self.mx)), self.mode, self.max_age, self.reports, repr(sorted(self.dns.items())))


@dataclass
class Group:
    """One policy to be, with its domains: one Static Web App."""

    name: str
    sku: str
    wishes: list[Wish] = field(default_factory=list[Wish])


def mx_of(hosts: Iterable[str], domain: str) -> dict[str, str]:
    """The mx patterns for a domain's MX hosts, and who runs them."""
    found: dict[str, str] = {}
    for host in hosts:
        found.setdefault(providers.pattern(host), providers.mail_operator(host, domain))
    return found


def group(wishes: Sequence[Wish], sku: str, free_apps: int, taken: Collection[str] = ()) -> list[Group]:
    """Policies for the wishes: equal ones together, as many to a policy as its plan holds.

    :param sku: `Free` or `Standard`; "" for Free where the subscription has room for it.
    :param free_apps: how many Free apps it has already.
    :param taken: names of policies that there are.
    """
    kinds: dict[tuple[object, ...], list[Wish]] = {}
    for wish in wishes:
        kinds.setdefault(wish.kind, []).append(wish)
    if not sku:
        apps = sum(-(-len(alike) // CUSTOM_DOMAINS["Free"]) for alike in kinds.values())
        sku = "Free" if free_apps + apps <= FREE_APPS else "Standard"
    room, names, groups = CUSTOM_DOMAINS[sku], set(taken), list[Group]()
    for alike in kinds.values():
        base = "main" if len(kinds) == 1 else _slug(next(iter(alike[0].mx.values())))
        for at in range(0, len(alike), room):
            name = _free_name(base, names)
            names.add(name)
            groups.append(Group(name, sku, alike[at : at + room]))
    return groups


def cost(groups: Sequence[Group]) -> str:
    """What the policies' sites cost, in a line."""
    if not groups:
        return "no new Static Web App"
    standard = sum(group.sku == "Standard" for group in groups)
    apps = f"{len(groups)} Static Web App{'s' if len(groups) > 1 else ''}, {groups[0].sku}"
    return f"{apps}: ${standard * STANDARD_APP} a month"


def _slug(who: str) -> str:
    """A policy's name from who runs its mail servers: 1 to 30 letters, digits and -."""
    letters = "".join(sign if sign.isascii() and sign.isalnum() else "-" for sign in who.lower())
    return "-".join(filter(None, letters.split("-")))[:24].strip("-") or "main"


def _free_name(base: str, taken: Collection[str]) -> str:
    numbers = (f"{base}-{number}" for number in range(2, 1_000_000))
    return base if base not in taken else next(name for name in numbers if name not in taken)
