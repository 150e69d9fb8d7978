"""Lexicon: on a real PowerDNS by its API, and against what Cloudflare really answered."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dns.resolver
import pytest
import requests
import vcr
from host_contract import HostContract
from name_servers import PowerDns

import zones
from zones import Host, HostError, RecordsThere, lexicon

RECORDED = Path(__file__).parent / "recorded"
ZONE = "byemike.org"
NOT_OURS = "thisisadomainidonotown.com"
TOKEN = "an-api-token-of-cloudflare"


@pytest.fixture
def host() -> lexicon.Lexicon:
    """Recorded exchanges at Cloudflare, compared by method, address and body."""
    return lexicon.Lexicon({"host": "cloudflare"}, {"options": {"auth_token": TOKEN}}, ZONE)


class TestPowerDns(HostContract):
    """The contract."""

    @pytest.fixture
    def place(self, tmp_path: Path) -> Iterator[PowerDns]:
        """A server."""
        with PowerDns(tmp_path / "server", "example.org") as running:
            assert isinstance(running, PowerDns)
            yield running

    @pytest.fixture
    def host(self, place: PowerDns) -> Host:
        """The zone there."""
        options = {"auth_token": place.secret, "pdns_server": f"http://127.0.0.1:{place.http}"}
        return zones.host({"provider": "lexicon", "host": "powerdns", "zone": "example.org"}, {"options": options})


def recorded(name: str) -> Any:
    return vcr.use_cassette(
        str(RECORDED / f"cloudflare-{name}.yaml"),
        record_mode="none",
        match_on=("method", "uri", "body"),
        allow_playback_repeats=True,
    )


def test_a_record_is_created_as_cloudflare_takes_it(host: lexicon.Lexicon) -> None:
    with recorded("update") as cassette:
        host.replace("orig.nameonly.test.byemike.org", "TXT", RecordsThere(frozenset()), ["challengetoken"], 3600)
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
            "delete.testfqdn.byemike.org", "TXT", RecordsThere(frozenset({"challengetoken"}), (there,)), [], 3600
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


def test_no_resolver_of_the_whole_process_is_set_and_none_is_asked_for_a_zone_that_is_known(
    host: lexicon.Lexicon, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(dns.resolver, "default_resolver", None)
    monkeypatch.setattr(dns.resolver.Resolver, "resolve", lambda *question, **_: asked.append(question))
    with recorded("update"):
        host.read("orig.nameonly.test.byemike.org", "TXT")
    assert dns.resolver.default_resolver is None
    assert asked == []


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("nosuchhost", "host 'nosuchhost' is not known to Lexicon"),
        ("auto", "host 'auto' is not known to Lexicon"),
        ("../base", "is not known to Lexicon"),
        ("route53", "Lexicon needs another package for route53: pip install 'dns-lexicon[route53]'"),
    ],
)
def test_what_lexicon_does_not_know_is_told(name: str, says: str) -> None:
    with pytest.raises(HostError) as told:
        lexicon.host({"host": name, "zone": ZONE}, {"options": {"auth_tokn": "x"}}, ZONE)
    assert says in str(told.value)


def test_a_target_outside_of_the_zone_stays_outside(host: lexicon.Lexicon) -> None:
    target = "brave-sand-01c38990f.7.azurestaticapps.net"
    provider = host.api(targets=frozenset({target}))
    assert provider._fqdn_name(target) == f"{target}."  # pyright: ignore[reportPrivateUsage]
    assert provider._full_name(f"{target}.") == target  # pyright: ignore[reportPrivateUsage]
    assert provider._fqdn_name("mta-sts") == f"mta-sts.{ZONE}."  # pyright: ignore[reportPrivateUsage]


class Busy:
    """A host that makes the first record, but answers 500 to that."""

    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []
        self.answers = [500]

    def authenticate(self) -> None:
        pass

    def cleanup(self) -> None:
        pass

    def list_records(self, rdtype: str, record: str) -> list[dict[str, Any]]:
        return list(self.records)

    def create_record(self, rdtype: str, record: str, value: str) -> None:
        self.records.append({"id": len(self.records), "type": rdtype, "name": record, "content": value})
        self.answer()

    def update_record(self, id_: int, rdtype: str, record: str, value: str) -> None:
        self.records[id_]["content"] = value
        self.answer()

    def answer(self) -> None:
        if self.answers:
            response = requests.Response()
            response.status_code = self.answers.pop()
            raise requests.HTTPError(response=response)


@pytest.mark.parametrize(("answers", "makes_it"), [([500], True), ([503, 429, 500], True), ([403], False)])
def test_a_busy_host_is_asked_again_and_no_record_comes_twice(
    host: lexicon.Lexicon, monkeypatch: pytest.MonkeyPatch, answers: list[int], makes_it: bool
) -> None:
    busy = Busy()
    busy.answers = answers
    monkeypatch.setattr(lexicon, "PAUSES", (0.0, 0.0, 0.0))
    monkeypatch.setattr(host, "api", lambda *_: busy)
    if makes_it:
        host.replace("_mta-sts.byemike.org", "TXT", RecordsThere(frozenset()), ["v=STSv1; id=1;"], 3600)
    else:
        with pytest.raises(HostError, match="the API answers 403"):
            host.replace("_mta-sts.byemike.org", "TXT", RecordsThere(frozenset()), ["v=STSv1; id=1;"], 3600)
    assert [record["content"] for record in busy.records] == ["v=STSv1; id=1;"]
