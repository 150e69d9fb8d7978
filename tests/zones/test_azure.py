"""Which zones Azure DNS has: asked one by one, or for many at once."""

import asyncio
from typing import Any

import pytest

from policy import UserError
from provider import azure as arm
from zones import azure
from zones.azure import AzureDns

DNS = AzureDns(resource_group="dns")


def asked(monkeypatch: pytest.MonkeyPatch, count: int, listed: Any) -> tuple[list[Any], list[str]]:
    """What is answered for so many zones, and which were asked for by name."""
    one_by_one: list[str] = []

    async def get(place: AzureDns, zone: str) -> dict[str, str]:
        one_by_one.append(zone)
        return {"id": f"asked for {zone}"}

    monkeypatch.setattr(azure, "_get", get)
    monkeypatch.setattr(arm, "listing", listed)
    monkeypatch.setenv("ARM_SUBSCRIPTION_ID", "sub")
    found = asyncio.run(azure._ask([(DNS, f"d{number}.test") for number in range(count)]))
    return found, one_by_one


def listing(path: str, api_version: str) -> list[dict[str, Any]]:
    assert path == "/subscriptions/sub/resourceGroups/dns/providers/Microsoft.Network/dnsZones"
    zones = [f"D{number}.test" for number in range(1, 50)]
    return [{"id": f"/{zone}", "name": zone, "properties": {"nameServers": [f"ns.{zone}"]}} for zone in zones]


def test_a_few_are_asked_for_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    found, one_by_one = asked(monkeypatch, azure.MANY, listing)
    assert len(found) == len(one_by_one) == azure.MANY


def test_many_are_one_list_in_which_a_missing_one_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    found, one_by_one = asked(monkeypatch, 50, listing)
    assert not one_by_one
    assert found[0] is None
    assert found[1] == {"id": "/D1.test", "nameServers": ["ns.D1.test"]}


def test_who_may_not_list_asks_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(path: str, api_version: str) -> list[dict[str, Any]]:
        raise UserError("403")

    found, one_by_one = asked(monkeypatch, 50, refused)
    assert len(found) == len(one_by_one) == 50
