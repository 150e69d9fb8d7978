"""The Azure subscription that is signed in to, as far as a first `up` depends on it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from policy import UserError
from provider import azure
from tools.recover import subscription

SUBSCRIPTIONS = "2022-12-01"  # API version
SIGN_IN = "sign in with `az login` (docs/azure.md has the other ways), then run this again"


@dataclass(frozen=True)
class Zone:
    """A DNS zone in Azure; `subscription` is "" where it is the one that is signed in to."""

    group: str
    subscription: str = ""


@dataclass(frozen=True)
class Site:
    """A Static Web App that is there: its resource group, and its region as the configuration has it."""

    group: str
    location: str


@dataclass(frozen=True)
class Account:
    """A subscription.

    :param registered: whether it is registered for Static Web Apps.
    :param free_apps: Static Web Apps with the Free plan that are there already.
    :param zones: those that were wanted, by name.
    :param sites: by default host name.
    """

    subscription: str
    name: str = ""
    registered: bool = True
    free_apps: int = 0
    zones: dict[str, Zone] = field(default_factory=dict[str, Zone])
    sites: dict[str, Site] = field(default_factory=dict[str, Site])


def look(wanted: Iterable[str]) -> Account:
    """What is there.

    :param wanted: the zones whose name servers are Azure's.
    :raises UserError: not signed in, or not allowed to look.
    """
    try:
        here = subscription()
        root = f"/subscriptions/{here}"
        about = azure.request("GET", root, SUBSCRIPTIONS)
        if about is None:
            raise UserError(f"there is no subscription {here} for whoever is signed in")
        web = azure.request("GET", f"{root}/providers/Microsoft.Web", azure.RESOURCES) or {}
        sites = azure.listing(f"{root}/providers/Microsoft.Web/staticSites", azure.WEB)
        return Account(
            subscription=here,
            name=str(about.get("displayName", "")),
            registered=web.get("registrationState") == "Registered",
            free_apps=sum(site.get("sku", {}).get("name") == "Free" for site in sites),
            zones=_zones(here, set(wanted)),
            sites={str(site["properties"]["defaultHostname"]).lower(): _site(site) for site in sites},
        )
    except UserError as error:
        raise UserError(f"Azure: {str(error).splitlines()[0]}; {SIGN_IN}") from None


def _site(site: dict[str, Any]) -> Site:
    return Site(site["id"].split("/")[4], str(site.get("location", "")).replace(" ", "").lower())


def _zones(here: str, wanted: set[str]) -> dict[str, Zone]:
    """The wanted zones that are there: in this subscription, else in others that can be seen."""
    found: dict[str, Zone] = {}
    if wanted:
        found.update(_zones_in(here, wanted, ""))
    if wanted - set(found):
        for each in azure.listing("/subscriptions/", SUBSCRIPTIONS):
            other = str(each["subscriptionId"])
            if other != here:
                found = {**_zones_in(other, wanted, other), **found}
    return found


def _zones_in(subscription: str, wanted: set[str], told: str) -> dict[str, Zone]:
    listed = azure.listing(f"/subscriptions/{subscription}/providers/Microsoft.Network/dnsZones", azure.DNS)
    return {
        zone["name"].lower(): Zone(zone["id"].split("/")[4], told)
        for zone in listed
        if zone["name"].lower() in wanted
    }
