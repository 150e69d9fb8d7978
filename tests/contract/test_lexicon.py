"""Lexicon against what Cloudflare really answered: recorded exchanges, compared by method, address and body."""

from pathlib import Path
from typing import Any

import pytest
import vcr
from contract_tools import records

from provider.hosts import Found, HostError, lexicon
from sandbox.control import Sandbox

RECORDED = Path(__file__).parent / "recorded"
ZONE = "byemike.org"
NOT_OURS = "thisisadomainidonotown.com"
TOKEN = "an-api-token-of-cloudflare"


@pytest.fixture
def host(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> lexicon.Lexicon:
    monkeypatch.setenv("MTA_STS_RESOLVER", sandbox.env()["MTA_STS_RESOLVER"])
    for zone in (ZONE, NOT_OURS):
        records(sandbox, zone, {})
    return lexicon.Lexicon({"host": "cloudflare"}, {"auth_token": TOKEN}, ZONE)


def recorded(name: str) -> Any:
    return vcr.use_cassette(
        str(RECORDED / f"cloudflare-{name}.yaml"),
        record_mode="none",
        match_on=("method", "uri", "body"),
        allow_playback_repeats=True,
    )


def test_a_record_is_created_as_cloudflare_takes_it(host: lexicon.Lexicon) -> None:
    with recorded("update") as cassette:
        host.replace("orig.nameonly.test.byemike.org", "TXT", Found(frozenset()), ["challengetoken"], 3600)
    assert [request.method for request, _ in cassette.data][1] == "POST"
    assert cassette.play_counts[1] == 1


def test_a_record_is_updated_by_its_id_and_read_again(host: lexicon.Lexicon) -> None:
    with recorded("update") as cassette:
        found = host.read("orig.nameonly.test.byemike.org", "TXT")
        assert found.values == {"challengetoken"}
        # What is replayed doesn't show the change afterwards, and that is told.
        with pytest.raises(HostError, match="took the change of TXT .*, but holds challengetoken"):
            host.replace("orig.nameonly.test.byemike.org", "TXT", found, ["updated"], 3600)
    assert cassette.play_counts[3] == 1  # the PUT


def test_a_record_is_deleted_by_its_id(host: lexicon.Lexicon) -> None:
    there = {"id": "0640d1b2df329a2d7f212a7d634d3525", "content": "challengetoken"}
    with recorded("delete") as cassette:
        host.replace(
            "delete.testfqdn.byemike.org", "TXT", Found(frozenset({"challengetoken"}), (there,)), [], 3600
        )
    assert [request.method for request, _ in cassette.data].index("DELETE") == 3
    assert cassette.play_counts[3] == 1


def test_a_zone_of_somebody_else_is_told_as_that(host: lexicon.Lexicon) -> None:
    host.zone = NOT_OURS
    with recorded("no-zone"), pytest.raises(HostError) as told:
        host.read(f"mta-sts.{NOT_OURS}", "CNAME")
    assert "No domain found; do the credentials in mta-sts:dns options have this zone?" in str(told.value)
    assert TOKEN not in str(told.value)


@pytest.mark.parametrize(
    ("content", "value"),
    [
        ("v=STSv1; id=1;", "v=STSv1; id=1;"),
        ('"v=STSv1; id=1;"', "v=STSv1; id=1;"),
        ('"one" "two"', "onetwo"),
    ],
)
def test_texts_are_compared_without_the_quotes_that_hosts_add(content: str, value: str) -> None:
    assert lexicon._value("TXT", content) == value  # pyright: ignore[reportPrivateUsage]


def test_a_target_outside_of_the_zone_stays_outside(host: lexicon.Lexicon) -> None:
    target = "brave-sand-01c38990f.7.azurestaticapps.net"
    made = lexicon._with_absolute_names(host.client().provider_class, frozenset({target}))  # pyright: ignore[reportPrivateUsage]
    provider = made(host.client().config)
    assert provider._fqdn_name(target) == f"{target}."  # pyright: ignore[reportPrivateUsage]
    assert provider._full_name(f"{target}.") == target  # pyright: ignore[reportPrivateUsage]
    assert provider._fqdn_name("mta-sts") == f"mta-sts.{ZONE}."  # pyright: ignore[reportPrivateUsage]
