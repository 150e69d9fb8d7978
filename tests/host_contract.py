"""What every DNS host promises (`zones.Host`); the test of a backend runs it on a host of its own."""

from typing import Any, Protocol

import pytest

from zones import ChangedMeanwhile, Host, RecordsThere

NAME = "_mta-sts.example.org"
POLICY_HOST = "mta-sts.example.org"
TARGET = "brave-sand-01c38990f.7.azurestaticapps.net"
NOTHING = RecordsThere(frozenset())
LONG = "v=TLSRPTv1; rua=" + ",".join(f"mailto:reports-{at:03d}@example.org" for at in range(20))


class Place(Protocol):
    """The zone example.org with MX `10 mail` and `mail A 127.0.0.1`, as somebody else sees and changes it."""

    def ask(self, name: str, kind: str) -> list[str]:
        """What it answers, in zone-file form."""
        ...

    def put(self, name: str, kind: str, *contents: str) -> None:
        """Set a record set; no contents delete it."""
        ...


class HostContract:
    """Derive from it, with the fixtures `place` and `host`."""

    def test_a_record_set_is_made_read_replaced_and_deleted(self, place: Place, host: Host) -> None:
        assert host.zone == "example.org"
        assert host.read(NAME, "TXT") == NOTHING
        host.replace(NAME, "TXT", NOTHING, ["v=STSv1; id=1;"], 300)
        assert place.ask(NAME, "TXT") == ['"v=STSv1; id=1;"']
        there = host.read(NAME, "TXT")
        assert there.values == {"v=STSv1; id=1;"}
        host.replace(NAME, "TXT", there, ["v=STSv1; id=2;"], 300)
        assert place.ask(NAME, "TXT") == ['"v=STSv1; id=2;"']
        host.replace(NAME, "TXT", host.read(NAME, "TXT"), [], 0)
        assert place.ask(NAME, "TXT") == []
        assert host.read(NAME, "TXT") == NOTHING

    def test_a_record_set_may_grow_and_shrink(self, place: Place, host: Host) -> None:
        host.replace(NAME, "TXT", NOTHING, ["one"], 300)
        host.replace(NAME, "TXT", host.read(NAME, "TXT"), ["one", "two"], 300)
        assert sorted(place.ask(NAME, "TXT")) == ['"one"', '"two"']
        host.replace(NAME, "TXT", host.read(NAME, "TXT"), ["two"], 300)
        assert place.ask(NAME, "TXT") == ['"two"']

    def test_a_cname_leads_out_of_the_zone_and_back(self, place: Place, host: Host) -> None:
        host.replace(POLICY_HOST, "CNAME", NOTHING, [TARGET], 300)
        assert place.ask(POLICY_HOST, "CNAME") == [f"{TARGET}."]
        assert host.read(POLICY_HOST, "CNAME").values == {TARGET}
        host.replace(NAME, "CNAME", NOTHING, ["_mta-sts.example.net"], 300)
        assert place.ask(NAME, "CNAME") == ["_mta-sts.example.net."]
        host.replace(POLICY_HOST, "CNAME", host.read(POLICY_HOST, "CNAME"), [f"x{TARGET}"], 300)
        assert place.ask(POLICY_HOST, "CNAME") == [f"x{TARGET}."]

    def test_what_stands_beside_is_named(self, place: Place, host: Host) -> None:
        assert host.beside("mail.example.org", "CNAME") == "A 127.0.0.1"
        assert host.beside("nothing.example.org", "CNAME") == ""
        place.put("alias.example.org", "CNAME", "mail.example.org.")
        assert host.beside("alias.example.org", "TXT") == "CNAME mail.example.org"

    def test_other_records_stay(self, place: Place, host: Host) -> None:
        before = place.ask("example.org", "MX"), place.ask("mail.example.org", "A")
        host.replace(NAME, "TXT", NOTHING, ["one"], 300)
        host.replace(NAME, "TXT", host.read(NAME, "TXT"), [], 0)
        assert (place.ask("example.org", "MX"), place.ask("mail.example.org", "A")) == before != ([], [])

    def test_a_text_longer_than_one_string_is_split_and_joined(self, place: Place, host: Host) -> None:
        assert len(LONG) > 2 * 255
        host.replace("_smtp._tls.example.org", "TXT", NOTHING, [LONG], 300)
        (text,) = place.ask("_smtp._tls.example.org", "TXT")
        assert text.count('" "') == 2
        assert host.read("_smtp._tls.example.org", "TXT").values == {LONG}


class ExactContract:
    """What a host promises beyond: what must still stand there can be told it (RFC 2136 2.4), and texts pass as they are."""

    def test_nothing_is_overwritten_that_was_changed_since_it_was_read(self, place: Place, host: Host) -> None:
        place.put(NAME, "TXT", '"theirs"')
        with pytest.raises(ChangedMeanwhile):
            host.replace(NAME, "TXT", NOTHING, ["ours"], 300)
        seen = host.read(NAME, "TXT")
        place.put(NAME, "TXT", '"theirs again"')
        for values in (["ours"], list[Any]()):
            with pytest.raises(ChangedMeanwhile):
                host.replace(NAME, "TXT", seen, values, 300)
        with pytest.raises(ChangedMeanwhile):
            host.replace("mail.example.org", "CNAME", NOTHING, ["example.net"], 300)
        assert place.ask(NAME, "TXT") == ['"theirs again"']
        assert place.ask("mail.example.org", "A") == ["127.0.0.1"]

    def test_quotes_and_backslashes_survive(self, place: Place, host: Host) -> None:
        host.replace(NAME, "TXT", NOTHING, ['a "b" \\c; d'], 300)
        assert host.read(NAME, "TXT").values == {'a "b" \\c; d'}
