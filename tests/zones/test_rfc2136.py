"""Dynamic update on real name servers: BIND and Knot."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from host_contract import NAME, NOTHING, ExactContract, HostContract
from name_servers import KEY, Bind, Knot, NameServer

import zones
from zones import ChangedMeanwhile, Host, HostError


def opened(server: NameServer, domain: str = "", zone: str = "") -> Host:
    place = {
        "provider": "rfc2136",
        "servers": [server.address],
        "keyName": KEY,
        "keyAlgorithm": "hmac-sha256",
        "zone": zone or ("" if domain else "example.org"),
    }
    return zones.host(place, {"keySecret": server.secret}, domain)


@pytest.fixture
def bind(tmp_path: Path) -> Iterator[Bind]:
    with Bind(
        tmp_path / "server", "example.org", "sub.example.org", extra='*.wild IN TXT "anything"\n'
    ) as running:
        assert isinstance(running, Bind)
        yield running


class TestEveryServer(HostContract, ExactContract):
    """The contract."""

    @pytest.fixture(params=[Bind, Knot])
    def place(self, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[NameServer]:
        """A server."""
        with request.param(tmp_path / "server", "example.org") as running:
            yield running

    @pytest.fixture
    def host(self, place: NameServer) -> Host:
        """The zone there."""
        return opened(place)


def test_of_two_at_once_one_wins_and_the_other_is_told(bind: Bind) -> None:
    told: list[str] = []

    def write(value: str) -> None:
        try:
            opened(bind).replace(NAME, "TXT", NOTHING, [value], 300)
        except ChangedMeanwhile:
            told.append(value)

    threads = [threading.Thread(target=write, args=(f"writer {at}",)) for at in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 7
    assert len(bind.ask(NAME, "TXT")) == 1


def test_the_zone_is_the_one_that_the_server_names(bind: Bind) -> None:
    assert opened(bind, "example.org").zone == "example.org"
    assert opened(bind, "deep.in.sub.example.org").zone == "sub.example.org"
    with pytest.raises(HostError, match="example.net"):
        opened(bind, "example.net")


def test_a_wildcards_answer_is_no_record(bind: Bind) -> None:
    host = opened(bind)
    assert bind.ask("x.wild.example.org", "TXT") == ['"anything"']
    assert host.read("x.wild.example.org", "TXT") == NOTHING
    host.replace("x.wild.example.org", "TXT", NOTHING, ["ours"], 300)
    assert host.read("x.wild.example.org", "TXT").values == {"ours"}


def test_a_server_that_is_down_is_named_with_the_reason() -> None:
    place = {"provider": "rfc2136", "servers": ["127.0.0.1:1"], "keyName": "k", "keyAlgorithm": "hmac-sha256"}
    with pytest.raises(HostError, match=r"127\.0\.0\.1:1: .*refused"):
        zones.host(place, {"keySecret": "c2VjcmV0"}, "example.org")
