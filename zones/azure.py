"""Azure DNS: `pulumi_azure_native.dns.RecordSet` in a zone that exists already.

mta-sts:dns: {provider: azure, resourceGroup: dns}
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

import pulumi
from pulumi.runtime.invoke import invoke_async
from pulumi.runtime.sync_await import _sync_await  # pyright: ignore[reportPrivateUsage]
from pulumi_azure_native._utilities import get_invoke_opts_defaults

from internet.dns_view import strings
from policy import UserError
from zones import Asked, Dns, Offer, Served, needed

if TYPE_CHECKING:
    import azure_native
    from settings.reader import Reader

MANY = 10  # zones of a group that are asked for one by one
PASSES = 20  # of the event loop, within which the SDK has sent a question
KEYS = ("resourceGroup", "zone", "subscription")
# learn.microsoft.com/azure/dns/dns-zones-records
NAME_SERVERS = ("azure-dns.com", "azure-dns.net", "azure-dns.org", "azure-dns.info")
NOT_FOUND = ("ResourceNotFound", "ResourceGroupNotFound", "Status=404", "StatusCode=404")


@dataclass(frozen=True)
class AzureDns(Dns):
    """Records go to an Azure DNS zone.

    :param resource_group: of the zone.
    :param subscription: of the zone, an id; None for the one that the program works in.
    """

    provider = "azure"
    resource_group: str
    subscription: str | None = None


def read(reader: Reader, given: dict[str, Any], key: str, inherited: Dns | None) -> AzureDns | None:
    """See `zones`."""
    above = inherited if isinstance(inherited, AzureDns) else None
    group = needed(
        reader,
        given,
        key,
        "resourceGroup",
        above and above.resource_group,
        "give the resource group of the DNS zone",
    )
    subscription = reader.text(given.get("subscription"), f"{key}.subscription") or (above and above.subscription)
    return AzureDns(group, subscription) if group else None


def offer(served: Served, wanted: str) -> Offer | None:
    """See `zones`."""
    if wanted == "azure" or (not wanted and served.by(*NAME_SERVERS)):
        group = Asked("resourceGroup", f"the resource group of the DNS zone {served.zone}", secret=False)
        return Offer("Azure DNS", {"provider": "azure"}, (group,))
    return None


class AzureBackend:
    """Record sets of one Azure DNS zone."""

    def __init__(self, place: AzureDns, zone: str, answer: Mapping[str, Any]) -> None:
        self.resource_group = place.resource_group
        self._provider = in_subscription(place.subscription)
        self.zone = zone
        self._id = str(answer.get("id", ""))
        self.name_servers = tuple(str(name).rstrip(".").lower() for name in answer.get("nameServers") or ())

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
        """See `zones.Backend`."""
        import azure_native  # not before the zones are asked for, since it takes as long as their answer

        relative = owner.removesuffix(self.zone).rstrip(".") or "@"
        if adopt:
            there = pulumi.ResourceOptions(import_=f"{self._id}/{type}/{relative}", retain_on_delete=True)
            opts = pulumi.ResourceOptions.merge(opts, there)
        if self._provider:
            opts = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(provider=self._provider))
        return azure_native.RecordSet(
            name,
            resource_group_name=self.resource_group,
            zone_name=self.zone,
            relative_record_set_name=relative,
            record_type=type,
            ttl=ttl,
            cname_record=azure_native.CnameRecordArgs(cname=values[0]) if type == "CNAME" else None,
            txt_records=[
                azure_native.TxtRecordArgs(
                    value=strings(value)
                    if isinstance(value, str)
                    else pulumi.Output.from_input(value).apply(strings)
                )
                for value in values
            ]
            if type == "TXT"
            else None,
            opts=opts,
        )


def begin(domains: Iterable[tuple[str, AzureDns]]) -> Callable[[], dict[str, AzureBackend]]:
    """See `zones`; azure-native's plugin starts meanwhile."""
    open_ = {(name, place): candidates(name, place) for name, place in domains}
    first = _longest(open_)
    asking = _sync_await(_begin(first))

    def finish() -> dict[str, AzureBackend]:
        opened: dict[str, AzureBackend] = {}
        problems: list[str] = []
        asked, answers = first, _sync_await(asking)
        while open_:
            by_zone = dict(zip(asked, answers, strict=True))
            for (name, place), zones in list(open_.items()):
                zone = zones.pop(0)
                answer = by_zone[replace(place, zone=None), zone]
                if answer is not None:
                    opened[name] = AzureBackend(place, zone, answer)
                elif not zones:
                    problems.append(_no_zone(name, place))
                if name in opened or not zones:
                    del open_[name, place]
            asked = _longest(open_)
            answers = _sync_await(_ask(asked))
        if problems:
            raise UserError("\n".join(problems))
        return opened

    return finish


def _longest(open_: Mapping[tuple[str, AzureDns], list[str]]) -> list[tuple[AzureDns, str]]:
    """The zones to ask for next, each once."""
    return list(dict.fromkeys((replace(place, zone=None), zones[0]) for (_, place), zones in open_.items()))


def candidates(name: str, given: AzureDns) -> list[str]:
    """The zones that may hold a domain, longest first: `a.example.org`, `example.org`."""
    if given.zone:
        return [given.zone]
    labels = name.split(".")
    return [".".join(labels[at:]) for at in range(len(labels) - 1)]


def _no_zone(name: str, given: AzureDns) -> str:
    zone = given.zone or name
    return (
        f"{name}: the resource group {given.resource_group} has no DNS zone {zone}; create it (az network dns zone "
        f"create -g {given.resource_group} -n {zone}) and delegate the domain to it; or correct mta-sts:dns; for a zone "
        "that isn't in Azure DNS: docs/dns.md"
    )


@cache
def in_subscription(subscription: str | None) -> azure_native.Provider | None:
    """The provider for a subscription that isn't the program's own; it signs in the same way."""
    if not subscription:
        return None
    import azure_native

    return azure_native.Provider(f"azure-{subscription}", subscription_id=subscription)


async def _begin(zones: list[tuple[AzureDns, str]]) -> asyncio.Task[list[Mapping[str, Any] | None]]:
    """Ask, and go on once the questions are on their way."""
    asking = asyncio.ensure_future(_ask(zones))
    asking.add_done_callback(
        lambda done: done.cancelled() or done.exception()
    )  # told where it is waited for, if it is
    for _ in range(PASSES):
        await asyncio.sleep(0)
    return asking


async def _ask(zones: list[tuple[AzureDns, str]]) -> list[Mapping[str, Any] | None]:
    count = Counter(place for place, _ in zones)
    lists = dict(zip(count, await asyncio.gather(*(_list(place, count[place]) for place in count)), strict=True))

    async def answer(place: AzureDns, zone: str) -> Mapping[str, Any] | None:
        found = lists[place]
        return await _get(place, zone) if found is None else found.get(zone.lower())

    return list(await asyncio.gather(*(answer(place, zone) for place, zone in zones)))


async def _list(place: AzureDns, wanted: int) -> dict[str, Mapping[str, Any]] | None:
    """All zones of a group, where many are wanted: Azure answers 500 questions for a zone in five minutes
    (hashicorp/terraform-provider-azurerm 14213).

    :returns: by name; None where they are better asked one by one.
    """
    from provider import azure

    subscription = place.subscription or os.environ.get("ARM_SUBSCRIPTION_ID")
    if wanted <= MANY or not subscription:
        return None
    path = (
        f"/subscriptions/{subscription}/resourceGroups/{place.resource_group}/providers/Microsoft.Network/dnsZones"
    )
    try:
        zones = await asyncio.to_thread(azure.listing, path, azure.DNS)
    except UserError:
        return None  # who may read each zone may not read the list, and asking for one tells why
    return {str(zone["name"]).lower(): {"id": zone["id"], **(zone.get("properties") or {})} for zone in zones}


async def _get(place: AzureDns, zone: str) -> Mapping[str, Any] | None:
    options = get_invoke_opts_defaults()
    options.provider = in_subscription(place.subscription)
    try:
        # dns.get_zone() asks one zone at a time, and a failed dns.get_zone_output() can't be caught.
        return await invoke_async(
            "azure-native:dns:getZone", {"resourceGroupName": place.resource_group, "zoneName": zone}, options
        )
    except Exception as error:
        if any(sign in str(error) for sign in NOT_FOUND):
            return None
        why = str(error).rpartition("returned an error: ")[2]
        raise UserError(
            f"can't ask Azure for the DNS zone {zone}: {why}. Check the network (HTTPS_PROXY too) and that you are "
            "signed in (az login, or ARM_CLIENT_ID, ARM_TENANT_ID and the rest)"
        ) from None
