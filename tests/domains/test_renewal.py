"""A host behind Azure Front Door whose certificate won't be renewed."""

from typing import Any, cast

import pytest

from checks.domain import leads_straight
from checks.finding import Level
from checks.look import Look

ENDPOINT = "mta-sts-a1.z01.azurefd.net"


class Zone:
    """As much of a `Look` as the check takes."""

    name = "example.org"

    def __init__(self, *chain: str) -> None:
        self.aliases = dict(zip(("mta-sts.example.org", *chain), chain, strict=False))

    def values(self, name: str, rdtype: str) -> list[str]:
        assert rdtype == "CNAME"
        return [self.aliases[name]] if name in self.aliases else []


def found(*chain: str) -> list[Any]:
    return list(leads_straight(cast(Look, Zone(*chain))))


@pytest.mark.parametrize(
    "chain",
    [(), ("site.azurestaticapps.net",), (ENDPOINT, "shed.t-msedge.net"), ("elsewhere.test", "host.test")],
)
def test_nothing_is_said_of_what_leads_straight_or_elsewhere(chain: tuple[str, ...]) -> None:
    assert not found(*chain)


def test_a_chain_to_front_door_is_named_with_the_way_out() -> None:
    (finding,) = found("mta-sts.customer.test", ENDPOINT, "shed.t-msedge.net")
    assert finding.level == Level.WARN
    assert "by way of mta-sts.customer.test" in finding.text
    assert finding.way_out == f"Make mta-sts.example.org a CNAME straight to {ENDPOINT}"


def test_a_circle_ends() -> None:
    assert not found("a.test", "b.test", "a.test")
