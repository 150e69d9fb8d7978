"""What is kept between runs: the same numbers as one run has, whatever happens to it."""

import csv
import io
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks import history
from checks import tally as rules
from checks.__main__ import main
from checks.reading import Broken, Failure, PolicyPart, Report
from checks.tally import OTHERS, Tally, Who
from policy import UserError

ROOT = Path(__file__).parents[2]
TODAY = datetime.now(UTC).date()
KEPT = ("reports", "repeated", "differing", "future", "capped", "broken", "full", "senders", "servers", "results", "domains")  # fmt: skip


def report(at: int = 0, ago: int = 1, sender: str = "Sender Inc.", bad: int = 0, **changes: Any) -> Report:
    failures = (Failure("certificate-expired", "mx.example.org", bad),) if bad else ()
    part = PolicyPart("sts", "example.org", 100, bad, failures)
    return Report(**{"sender": sender, "id": str(at), "day": TODAY - timedelta(days=ago), "policies": (part,), **changes})  # fmt: skip


def numbers(tally: Tally) -> dict[str, Any]:
    return {name: getattr(tally, name) for name in KEPT}


def kept(file: Path, *runs: Sequence[Report | Broken], asked: frozenset[str] = frozenset(), **how: Any) -> Tally:
    """What the last of these runs tells."""
    with history.open(str(file), asked=asked):
        pass
    seen = Tally()
    for run in runs:
        with history.open(str(file), asked=asked) as found:
            for each in run:
                found.add(each)
            tally = found.tally(asked=asked, **how)
        for name in ("repeated", "future", "broken"):
            setattr(seen, name, getattr(seen, name) + getattr(tally, name))
    with history.open(str(file)) as found:
        tally = found.tally(asked=asked, **how)
    for name in ("repeated", "future", "broken"):
        setattr(tally, name, getattr(seen, name))
    return tally


NAMES = st.sampled_from(["example.org", "example.net", "\ud800", "a\0b", "(others)", ""])
FAILURE = st.builds(
    Failure,
    st.sampled_from(["certificate-expired", "sts-policy-invalid", "dane-required", "no reason given", "\udfff"]),
    st.sampled_from(["", "mx1.example.org", "unknown", "(others)"]),
    st.sampled_from([0, 1, 5, 2_000_000]),
)
PART = st.builds(
    PolicyPart, st.sampled_from(["sts", "tlsa"]), NAMES, st.integers(0, 2_000_000), st.integers(0, 9),
    st.lists(FAILURE, max_size=3).map(tuple),
)  # fmt: skip
REPORT = st.builds(
    Report,
    sender=NAMES,
    id=st.sampled_from(["", "1", "2"]),
    day=st.integers(-2, 12).map(lambda ago: TODAY - timedelta(days=ago)),
    policies=st.lists(PART, max_size=3).map(tuple),
    verified=st.sampled_from(["", "sender.example"]),
)
RUNS = st.lists(st.lists(st.one_of(REPORT, st.just(Broken("x", "y"))), max_size=8), min_size=1, max_size=5)


@settings(max_examples=40, deadline=None)
@given(RUNS, st.booleans(), st.booleans(), st.sampled_from([frozenset[str](), frozenset({"example.org"})]))
def test_however_reports_are_split_into_runs_the_numbers_are_those_of_one_run(
    tmp_path_factory: pytest.TempPathFactory,
    runs: list[list[Report | Broken]],
    since: bool,
    verified_only: bool,
    asked: frozenset[str],
) -> None:
    how: dict[str, Any] = {"since": TODAY - timedelta(days=5) if since else None, "verified_only": verified_only}
    once = Tally(how["since"], asked, verified_only).add(each for run in runs for each in run)
    found = kept(tmp_path_factory.mktemp("history") / "h.db", *runs, asked=asked, **how)
    expected, got = numbers(once), numbers(found)
    # What is passed over is not looked at closer in one run; a history does so first.
    assert once.repeated + once.earlier + once.unverified <= found.repeated + found.earlier + found.unverified
    for name in ("repeated", "future"):
        assert expected.pop(name) <= got.pop(name)
    assert expected == got


def test_a_report_counts_once_whenever_it_is_read(tmp_path: Path) -> None:
    file = tmp_path / "h.db"
    nameless = report(id="")
    first = kept(file, [report(1), nameless, report(2, verified="sender.example")])
    # The signature's key is gone from DNS by now.
    again = kept(file, [report(1), nameless, report(2)])
    assert (first.reports, again.reports, again.repeated) == (3, 3, 3)
    assert first.domains == again.domains


def test_a_good_report_of_a_later_run_mends_no_bad_day(tmp_path: Path) -> None:
    found = kept(tmp_path / "h.db", [report(1, bad=50)], [report(at) for at in range(2, 200)])
    (day,) = found.domains["example.org"].days.values()
    assert day.refusing
    assert day.failures == {("mx.example.org", "certificate-expired"): 50}


def test_a_flood_crowds_out_no_domain_that_was_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "LARGEST", 20)
    monkeypatch.setattr(rules, "ENTRIES", 40)
    flood = [
        report(at, sender=f"s{at}", policies=(PolicyPart("sts", f"d{at}.example", 1, 0, ()),)) for at in range(90)
    ]
    asked = frozenset({"example.org"})
    found = kept(tmp_path / "h.db", flood, [report(bad=50)], asked=asked)
    assert found.domains["example.org"].senders[Who("Sender Inc.", False)]
    assert found.domains["example.org"].bad == 50
    with history.open(str(tmp_path / "h.db"), read_only=True) as unasked:
        tally = unasked.tally()
    assert tally.full
    assert len(tally.domains) <= 22
    assert sum(domain.good + domain.bad for domain in tally.domains.values()) == 240
    assert OTHERS in tally.domains


def test_old_days_go_and_do_not_come_back(tmp_path: Path) -> None:
    file = str(tmp_path / "h.db")
    old, new = report(1, ago=40), report(2, ago=3)
    with history.open(file) as found:
        found.add(old)
        found.add(new)
        assert found.tally().reports == 2
    with history.open(file, keep_days=30) as found:
        found.add(old)
        tally = found.tally()
        assert (tally.reports, tally.earlier) == (1, 1)
        assert found._db.execute("SELECT count(*) FROM seen").fetchone() == (2,)  # pyright: ignore[reportPrivateUsage]
    with history.open(file) as found:  # whoever opens it next keeps to that
        assert found.keep_days == 30


def test_two_runs_at_once_lose_nothing(tmp_path: Path) -> None:
    file = str(tmp_path / "h.db")
    with history.open(file) as one, history.open(file) as other:
        for at in range(6):
            run = (one, other)[at % 2]
            run.add(report(at, bad=1))
            run.add(report(0, bad=1))  # both read this one
            run.reached(f"source {at % 2}", at)
        assert one.tally().domains == other.tally().domains
        assert one.tally().reports == 6
        assert one.tally().domains["example.org"].bad == 6


KILLED = """
import os, sys
from datetime import date, timedelta
from checks import history
from checks.__main__ import main
from reports.test_history import report
with history.open(sys.argv[1]) as found:
    for at in range(found.cursor("x") or 0, 300):
        found.add(report(at, bad=1))
        if at % 10 == 9:
            found.reached("x", at + 1)
            print(at + 1, flush=True)
"""


def test_a_killed_run_is_taken_up_where_it_stopped(tmp_path: Path) -> None:
    file = str(tmp_path / "h.db")
    command = [sys.executable, "-c", KILLED, file]
    env = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
    for lines in (2, 5, 3):
        with subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True) as run:
            assert run.stdout
            for _ in range(lines):
                run.stdout.readline()
            run.kill()
    subprocess.run(command, cwd=ROOT, env=env, check=True, capture_output=True)
    with history.open(file, read_only=True) as found:
        tally = found.tally()
        assert (tally.reports, tally.domains["example.org"].bad, found.cursor("x")) == (300, 300, 300)


def test_small_things_are_remembered(tmp_path: Path) -> None:
    file = tmp_path / "h.db"
    with history.open(str(file)) as found:
        assert found.remembered("watch") is None
        found.remember("watch", {"example.org": [1, "x"]})
    assert file.stat().st_mode & 0o777 == 0o600
    with history.open(str(file)) as found:
        assert found.remembered("watch") == {"example.org": [1, "x"]}


def test_no_mail_and_no_report_is_kept(tmp_path: Path) -> None:
    """What is kept of a sender: domain, its name, the day, the counts; not even the report's id."""
    file = tmp_path / "h.db"
    kept(file, [report(id="an id that nobody needs", sender="Sender Inc.", bad=3)])
    data = file.read_bytes()
    assert b"Sender Inc." in data
    assert b"an id" not in data


def other_application(file: Path) -> None:
    with sqlite3.connect(file) as db:
        db.execute("CREATE TABLE x (y)")


def later(file: Path) -> None:
    with history.open(str(file)):
        pass
    with sqlite3.connect(file) as db:
        db.execute("PRAGMA user_version = 2")


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda file: file.write_text("some text, no database\n" * 99), "is no history of reports"),
        (other_application, "is no history of reports"),
        (later, "was written by a later version of this program"),
        (lambda file: file.mkdir(), "can't be opened"),
    ],
)
def test_what_is_no_history_is_one_line(tmp_path: Path, make: Any, says: str) -> None:
    file = tmp_path / "x"
    make(file)
    before = file.read_bytes() if file.is_file() else b""
    with pytest.raises(UserError, match=says) as told:
        history.open(str(file))
    assert "\n" not in str(told.value)
    assert not before or file.read_bytes() == before
    with pytest.raises(UserError, match="there is no history"):
        history.open(str(tmp_path / "y"), read_only=True)


def test_a_full_disk_keeps_what_was_there(tmp_path: Path) -> None:
    file = str(tmp_path / "h.db")
    with history.open(file) as found:
        found.add(report(1))
    found = history.open(file)
    pages = found._db.execute("PRAGMA page_count").fetchone()[0]  # pyright: ignore[reportPrivateUsage]
    found._db.execute(f"PRAGMA max_page_count = {pages}")  # pyright: ignore[reportPrivateUsage]
    for at in range(2000):
        found.add(report(at))
    with pytest.raises(UserError, match="the disk is full; what was kept before is whole"):
        found.reached("x", 1)
    found.close()
    with history.open(file) as found:
        assert found.tally().reports == 1


def test_a_read_only_file_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "h.db"
    with history.open(str(file)) as found:
        found.add(report(1))
        found._flush()  # pyright: ignore[reportPrivateUsage]
        found._db.execute("PRAGMA query_only = 1")  # pyright: ignore[reportPrivateUsage]
        found.add(report(2))
        with pytest.raises(UserError, match="read-only"):
            found.tally()
        found._pending.clear()  # pyright: ignore[reportPrivateUsage]


def test_the_export_is_a_table_without_formulas(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "h.db"
    kept(file, [report(1, bad=3, verified="sender.example"), report(2, sender="=cmd|' /C calc'!A0\x1b[2J")])
    assert main(["history", "export", "--history", str(file)]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [
        (row["sender"], row["verified"], row["successful"], row["result"], row["sessions"]) for row in rows
    ] == [
        ("sender.example", "yes", "100", "", ""),
        ("sender.example", "yes", "", "certificate-expired", "3"),
        ("'=cmd|' /C calc'!A0\\x1b[2J", "no", "100", "", ""),
    ]
    assert rows[1]["refused"] == "3"
    assert {row["day"] for row in rows} == {str(TODAY - timedelta(days=1))}
    assert main(["history", "export", "--history", str(file), "--csv", str(tmp_path / "x.csv")]) == 0
    assert len((tmp_path / "x.csv").read_text().splitlines()) == 4


def test_a_history_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "h.db"
    with history.open(str(file), keep_days=90) as found:
        found.add(report(1, bad=3))
        found.reached("imaps://u@h/INBOX", {"uid": 1})
    assert main(["history", "show", "--history", str(file)]) == 0
    told = capsys.readouterr().out
    day = TODAY - timedelta(days=1)
    assert f"1 reports of 1 days, {day} to {day}; kept for 90 days" in told
    assert "read from imaps://u@h/INBOX" in told
    assert main(["history", "show", "--history", str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["domains"]["example.org"]["failed"] == 3
    assert main(["history", "show", "--history", str(tmp_path / "none")]) == 64
    assert capsys.readouterr().err == f"checks: there is no history {tmp_path / 'none'}\n"
