"""Anybody can send a report. None of them makes an unsafe domain safe."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from reports.samples import DAY, report, text

from checks import tally as tally_module
from checks.__main__ import main
from checks.reading import report as parse
from checks.tally import CLAIMED, OTHERS, Tally
from checks.verdict import Verdict, of_reports

REFUSED = (("certificate-expired", "mx1.example.org", 300),)
Reports = list[dict[str, Any]]


def true(**changes: Any) -> Reports:
    """What a large sender reports in a week: 300 of 1300 sessions would have been refused on each day."""
    return [report(day=day, good=1_000, sender="Google Inc.", failures=REFUSED, **changes) for day in range(7)]


def judged(reports: Reports, asked: frozenset[str] = frozenset({"example.org"}), **options: Any) -> Verdict:
    tally = Tally(asked=asked, **options).add(parse(text(given)) for given in reports)
    return of_reports("example.org", tally.domains.get("example.org"), tally.full)


def as_google(at: int, day: int, good: int, **changes: Any) -> dict[str, Any]:
    return report(at, day=day, good=good, sender="Google Inc.", **changes)


FORGED: dict[str, Callable[[], Reports]] = {
    "2^53-1 successes": lambda: [report(9, good=2**53 - 1, sender="Evil")],
    "2^53-1 successes by the same name": lambda: [as_google(9, day, 2**53 - 1) for day in range(7)],
    "eight of the same id": lambda: [as_google(0, day, 10**6 + at) for day in range(7) for at in range(8)],
    "many of the same day": lambda: [as_google(at, at % 7, 10**6) for at in range(1, 500)],
    "a year of good days before": lambda: [as_google(1, -day, 10**6) for day in range(1, 366)],
    "a year of good days after": lambda: [as_google(1, day, 10**6) for day in range(7, 200)],
    "two hundred good senders": lambda: [report(at, day=at % 7, good=10**6, sender=f"Evil {at}") for at in range(200)],
    "other types of policy": lambda: [as_google(1, day, 10**6, type=kind) for day in range(7) for kind in ("tlsa", "", "sts")],
    "days to come": lambda: [as_google(1, 2_000 + day, 10**6) for day in range(30)],
    "the domain in capitals and with a dot": lambda: [as_google(1, day, 10**6, domain="EXAMPLE.org.") for day in range(7)],
    "other domains": lambda: [report(at, domain=f"d{at}.example", sender=f"Evil {at}") for at in range(500)],
    "the name of the place for others": lambda: [report(at, domain=OTHERS, sender=OTHERS, good=10**6) for at in range(50)],
    "names that look verified": lambda: [report(at, sender="Google Inc. (verified)", good=10**6) for at in range(50)],
}  # fmt: skip


@pytest.mark.parametrize("first", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("name", FORGED)
def test_what_is_not_safe_stays_so(name: str, first: bool) -> None:
    forged = FORGED[name]()
    assert not judged(forged + true() if first else true() + forged).safe
    assert not judged(forged + true() if first else true() + forged, frozenset()).safe


@pytest.mark.parametrize("first", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("asked", [frozenset({"example.org"}), frozenset[str]()], ids=["asked", "not asked"])
def test_a_flood_crowds_out_no_failure(
    first: bool, asked: frozenset[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tally_module, "LARGEST", 50)
    monkeypatch.setattr(tally_module, "ENTRIES", 200)
    monkeypatch.setattr(tally_module, "FAILURES", 100)

    def flood() -> Iterator[dict[str, Any]]:
        for at in range(400):
            yield report(
                at, day=at % 300, domain=f"d{at}.example", sender=f"s{at}", failures=((f"sts-{at}", "x", 1),)
            )
            yield report(at, day=at % 300, good=10**6, sender=f"e{at}")

    forged = list(flood())
    reports = forged + true() if first else true() + forged
    tally = Tally(asked=asked).add(parse(text(given)) for given in reports)
    assert not of_reports("example.org", tally.domains.get("example.org"), tally.full).safe
    if asked:
        assert sum(day.refusing for day in tally.domains["example.org"].days.values()) == 7
        assert set(tally.domains) == {"example.org", OTHERS}
    else:
        assert tally.full
    days = sum(len(days) for domain in tally.domains.values() for days in domain.senders.values())
    assert days < 1_200  # what was known, and a day of others for each day there was


def test_small_senders_are_not_drowned_by_more_of_them() -> None:
    small = [report(day=at, good=0, failures=(("starttls-not-supported", "mx", 2),), sender=f"small {at}") for at in range(3)]  # fmt: skip
    drowning = [report(at, day=at % 7, good=5, sender=f"Evil {at}") for at in range(500)]
    assert not judged(small + drowning).safe


def test_a_stray_day_in_a_month_is_tolerated_and_a_third_is_not() -> None:
    month = [report(day=day, good=1_000) for day in range(60)]
    for bad, safe in ((1, True), (2, True), (3, False)):
        stray = [report(1, day=10 * at, failures=REFUSED) for at in range(bad)]
        assert judged([*month, *stray]).safe == safe
    week = [report(day=day, good=1_000) for day in range(7)]
    assert not judged([*week, report(1, day=3, failures=REFUSED)]).safe


def test_a_failure_without_a_reason_counts() -> None:
    week = [report(day=day, good=1_000) for day in range(7)]
    for given in week:
        given["policies"][0]["summary"]["total-failure-session-count"] = 50
    assert any("unknown: no reason given" in reason for reason in judged(week).reasons)


def test_a_sender_is_named_with_its_days_and_the_way_out() -> None:
    reasons = judged([*true(), report(day=8, good=10**6)]).reasons
    assert "Google Inc. (not verified): refused sessions on 7 of 7 days" in reasons
    assert reasons[-1] == "once that is mended, judge by the days after it: --since 2026-03-08"


def test_what_is_odd_is_counted_and_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tomorrow = date.today() + timedelta(days=2)
    odd = {
        "claims 9007199254740991 sessions with example.org: 1000000 count": [report(1, good=2**53 - 1)],
        "differs from another of the same id and day: both count": [report(2), report(2, good=7)],
        "is of a day to come: not counted": [report(3, day=(tomorrow - DAY).days)],
    }
    for at, given in enumerate(one for reports in odd.values() for one in reports):
        (tmp_path / f"{at}.json").write_bytes(text(given))
    assert main(["reports", str(tmp_path), "--domain", "example.org"]) == 2
    said = capsys.readouterr().out
    for words in odd:
        assert words in said
    assert "3 reports, 1 of days to come" in said
    assert f"{CLAIMED + 107}" in said


def test_the_domain_that_is_asked_for_is_judged_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for day in range(7):
        (tmp_path / f"{day}.json").write_bytes(text(report(day=day)))
    (tmp_path / "junk.json").write_bytes(text(report(day=3, domain="junk.example", failures=REFUSED)))
    assert main(["reports", str(tmp_path)]) == 2
    assert main(["reports", str(tmp_path), "--domain", "Example.org."]) == 0
    assert main(["reports", str(tmp_path), "--domain", "example.org", "--domain", "example.net"]) == 2
    assert "example.net: not yet safe to enforce" in capsys.readouterr().out
