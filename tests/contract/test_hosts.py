"""What every DNS host promises (`zones.Host`), on real name servers."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dns.resolver
import pytest
from contract_tools import records
from name_servers import KEY, Bind, Knot, NameServer, PowerDns

import zones
from sandbox.control import Sandbox
from zones import ChangedMeanwhile, Host, HostError, RecordsThere

NAME = "_mta-sts.example.org"
NOTHING = RecordsThere(frozenset())
LONG = "v=TLSRPTv1; rua=" + ",".join(f"mailto:reports-{at:03d}@example.org" for at in range(20))


def opened(server: NameServer, domain: str = "", **more: Any) -> Host:
    if isinstance(server, PowerDns):
        place = {"provider": "lexicon", "host": "powerdns", "zone": "example.org", **more}
        options = {"auth_token": server.secret, "pdns_server": f"http://127.0.0.1:{server.http}"}
        return zones.host(place, {"options": options}, domain)
    place = {
        "provider": "rfc2136",
        "servers": [server.address],
        "keyName": KEY,
        "keyAlgorithm": "hmac-sha256",
        **more,
    }
    return zones.host({"zone": "" if domain else "example.org", **place}, {"keySecret": server.secret}, domain)


@pytest.fixture(params=[Bind, Knot, PowerDns])
def server(
    request: pytest.FixtureRequest, tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> Iterator[NameServer]:
    monkeypatch.setenv("MTA_STS_RESOLVER", sandbox.env()["MTA_STS_RESOLVER"])
    monkeypatch.setattr(dns.resolver, "default_resolver", None)
    records(sandbox, "example.org", {})
    with request.param(tmp_path / "server", "example.org") as running:
        yield running


@pytest.fixture
def bind(tmp_path: Path) -> Iterator[Bind]:
    with Bind(
        tmp_path / "server", "example.org", "sub.example.org", extra='*.wild IN TXT "anything"\n'
    ) as running:
        assert isinstance(running, Bind)
        yield running


def test_a_record_set_is_made_read_replaced_and_deleted(server: NameServer) -> None:
    host = opened(server)
    assert host.read(NAME, "TXT") == NOTHING
    host.replace(NAME, "TXT", NOTHING, ["v=STSv1; id=1;"], 300)
    assert server.ask(NAME, "TXT") == ['"v=STSv1; id=1;"']
    found = host.read(NAME, "TXT")
    assert found.values == {"v=STSv1; id=1;"}
    host.replace(NAME, "TXT", found, ["v=STSv1; id=2;"], 300)
    assert server.ask(NAME, "TXT") == ['"v=STSv1; id=2;"']
    host.replace(NAME, "TXT", host.read(NAME, "TXT"), [], 0)
    assert server.ask(NAME, "TXT") == []


def test_a_cname_leads_out_of_the_zone_and_back(server: NameServer) -> None:
    host = opened(server)
    target = "brave-sand-01c38990f.7.azurestaticapps.net"
    host.replace("mta-sts.example.org", "CNAME", NOTHING, [target], 300)
    assert server.ask("mta-sts.example.org", "CNAME") == [f"{target}."]
    assert host.read("mta-sts.example.org", "CNAME").values == {target}
    host.replace(NAME, "CNAME", NOTHING, ["_mta-sts.example.net"], 300)
    assert server.ask(NAME, "CNAME") == ["_mta-sts.example.net."]
    host.replace("mta-sts.example.org", "CNAME", host.read("mta-sts.example.org", "CNAME"), [f"x{target}"], 300)
    assert server.ask("mta-sts.example.org", "CNAME") == [f"x{target}."]


def test_what_stands_beside_is_named(server: NameServer) -> None:
    host = opened(server)
    assert host.beside("mail.example.org", "CNAME") == "A 127.0.0.1"
    assert host.beside("nothing.example.org", "CNAME") == ""


def test_other_records_stay(server: NameServer) -> None:
    host = opened(server)
    before = server.ask("example.org", "MX"), server.ask("mail.example.org", "A")
    host.replace(NAME, "TXT", NOTHING, ["one"], 300)
    host.replace(NAME, "TXT", host.read(NAME, "TXT"), [], 0)
    assert (server.ask("example.org", "MX"), server.ask("mail.example.org", "A")) == before != ([], [])


def test_a_text_longer_than_one_string_is_split_and_joined(bind: Bind) -> None:
    assert len(LONG) > 2 * 255
    host = opened(bind)
    host.replace("_smtp._tls.example.org", "TXT", NOTHING, [LONG], 300)
    (text,) = bind.ask("_smtp._tls.example.org", "TXT")
    assert text.count('" "') == 2
    assert host.read("_smtp._tls.example.org", "TXT").values == {LONG}


def test_quotes_and_backslashes_survive(bind: Bind) -> None:
    host = opened(bind)
    host.replace(NAME, "TXT", NOTHING, ['a "b" \\c; d'], 300)
    assert host.read(NAME, "TXT").values == {'a "b" \\c; d'}


def test_nothing_is_overwritten_that_was_changed_since_it_was_read(bind: Bind) -> None:
    host = opened(bind)
    bind.change("example.org", NAME, "replace", 300, "TXT", '"theirs"')
    with pytest.raises(ChangedMeanwhile):
        host.replace(NAME, "TXT", NOTHING, ["ours"], 300)
    seen = host.read(NAME, "TXT")
    bind.change("example.org", NAME, "replace", 300, "TXT", '"theirs again"')
    for values in (["ours"], []):
        with pytest.raises(ChangedMeanwhile):
            host.replace(NAME, "TXT", seen, values, 300)
    with pytest.raises(ChangedMeanwhile):
        host.replace("mail.example.org", "CNAME", NOTHING, ["example.net"], 300)
    assert bind.ask(NAME, "TXT") == ['"theirs again"']
    assert bind.ask("mail.example.org", "A") == ["127.0.0.1"]


def test_of_two_at_once_one_wins_and_the_other_is_told(bind: Bind) -> None:
    told: list[str] = []

    def write(value: str) -> None:
        try:
            opened(bind).replace(NAME, "TXT", NOTHING, [value], 300)
        except ChangedMeanwhile:
            told.append(value)

    threads = [threading.Thread(target=write, args=(f"writer {at}",)) for at in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
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


def test_a_server_that_is_down_is_named_with_the_reason(tmp_path: Path) -> None:
    place = {"provider": "rfc2136", "servers": ["127.0.0.1:1"], "keyName": "k", "keyAlgorithm": "hmac-sha256"}
    with pytest.raises(HostError, match=r"127\.0\.0\.1:1: .*refused"):
        zones.host(place, {"keySecret": "c2VjcmV0"}, "example.org")
