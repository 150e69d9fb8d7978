"""What hosting costs: US dollars a month, as published. They are list prices; an agreement, a region or a tax may differ."""

from collections.abc import Sequence
from dataclasses import dataclass

from settings.policies import CUSTOM_DOMAINS, FREE_APPS, PROFILE_DOMAINS, Hosting, PolicySettings

AS_OF = "2026-11"
# azure.microsoft.com/pricing/details/app-service/static: an app
STANDARD_APP = 9
# azure.microsoft.com/pricing/details/frontdoor, Standard: a profile; 10,000 requests and a GB to clients in North America
# and Europe, a GB to the origin
PROFILE, REQUESTS, TO_CLIENTS, TO_ORIGIN = 35, 0.009, 0.083, 0.02
# azure.microsoft.com/pricing/details/storage/blobs, LRS, hot: 10,000 reads; each request is one, since nothing is cached
READS = 0.0044
SOURCES = (
    "azure.microsoft.com/pricing/details/app-service/static",
    "azure.microsoft.com/pricing/details/frontdoor",
    "azure.microsoft.com/pricing/details/storage/blobs",
)
FETCHES = 200  # a day and domain: an assumption; a sender fetches once in max_age, and when the id changes
KILOBYTES = 2  # a fetch: a policy of some hundred bytes, and headers
DAYS = 30
SOFT_CAP = 100  # Standard apps of a subscription at which a user was stopped: MicrosoftDocs/azure-docs 109610


@dataclass(frozen=True)
class Engine:
    """What some domains need on one kind of hosting.

    :param money: US dollars a month; estimates are in it.
    :param why_not: why it can't be, or shouldn't; "" for nothing.
    """

    name: str
    hosting: Hosting
    stacks: int
    apps: int = 0
    profiles: int = 0
    storage_accounts: int = 0
    money: float = 0
    why_not: str = ""


def engines(domains: int, fetches: int = FETCHES) -> tuple[Engine, Engine, Engine]:
    """What a number of domains with one policy needs on each kind of hosting.

    An app serves one policy: with several, count the apps for each by itself.

    :param fetches: of the policy, a day and domain.
    """
    shards = _parts(domains, PROFILE_DOMAINS)
    free, standard = _parts(domains, CUSTOM_DOMAINS["Free"]), _apps(domains, CUSTOM_DOMAINS["Standard"])
    full = f"{FREE_APPS} a subscription" if free > FREE_APPS else ""
    capped = f"users met a cap at {SOFT_CAP}" if standard > SOFT_CAP else ""
    app = Hosting.STATIC_WEB_APP
    return (
        Engine("Static Web Apps Free", app, shards, apps=free, why_not=full),
        Engine(
            "Static Web Apps Standard", app, shards, apps=standard, money=standard * STANDARD_APP, why_not=capped
        ),
        Engine(
            "Front Door Standard",
            Hosting.FRONT_DOOR,
            shards,
            profiles=shards,
            storage_accounts=shards,
            money=shards * PROFILE + traffic(domains, fetches),
        ),
    )


def recommended(found: Sequence[Engine]) -> Engine:
    """The cheapest that can be: Free apps to 20 domains, Front Door beyond."""
    return min((engine for engine in found if not engine.why_not), key=lambda engine: engine.money)


def traffic(domains: int, fetches: int = FETCHES) -> float:
    """What requests and bytes on Front Door cost beside the profiles."""
    count = domains * fetches * DAYS
    gigabytes = count * KILOBYTES / 1_000_000
    return count / 10_000 * (REQUESTS + READS) + gigabytes * (TO_CLIENTS + TO_ORIGIN)


def line(policies: Sequence[PolicySettings]) -> str:
    """What a stack's hosting costs, in a line: `hosting: 1 Front Door profile, about $35 a month`."""
    apps, behind, money = _needed(policies)
    told = [f"{count} Static Web App{'s' if count > 1 else ''} ({sku})" for sku, count in apps.items() if count]
    told += ["1 Front Door profile"] if behind else []
    return f"hosting: {' and '.join(told) or 'nothing'}, {'about ' if behind else ''}${money:.0f} a month"


def notes(policies: Sequence[PolicySettings]) -> tuple[str, ...]:
    """The same for a preview, which says nothing where nothing is to be paid."""
    *_, money = _needed(policies)
    return (f"{line(policies)} (list prices of {AS_OF})",) if money else ()


def _needed(policies: Sequence[PolicySettings]) -> tuple[dict[str, int], int, float]:
    """Apps by plan, domains on Front Door, and US dollars a month for both."""
    on_apps = [policy.sku for policy in policies if policy.hosted.on(Hosting.STATIC_WEB_APP)]
    apps = {sku: on_apps.count(sku) for sku in CUSTOM_DOMAINS}
    behind = sum(len(policy.domains) for policy in policies if policy.hosted.on(Hosting.FRONT_DOOR))
    return apps, behind, apps["Standard"] * STANDARD_APP + (PROFILE + traffic(behind) if behind else 0)


def _parts(count: int, size: int) -> int:
    return -(-count // size)


def _apps(domains: int, room: int) -> int:
    """Apps in all stacks: no app is two stacks'."""
    whole, rest = divmod(domains, PROFILE_DOMAINS)
    return whole * _parts(PROFILE_DOMAINS, room) + _parts(rest, room)
