"""What is missing until enforcing is safe, when that is likely, and the one sentence that says what to do."""

import io
import json
import shlex
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from security.texts import TEXTS

from checks import show, verdict
from checks.finding import Domain, Finding, Level
from checks.outlook import likely
from checks.reading import Failure, PolicyPart, Report
from checks.reading import report as parse
from checks.tally import Tally
from reports.samples import DAY, report, text

EXPIRED = (("certificate-expired", "mx2.example.org", 30),)
NO_POLICY = (("sts-policy-fetch-error", "", 30),)


def days(*numbers: int) -> list[date]:
    return [DAY + timedelta(days=number) for number in numbers]


@pytest.mark.parametrize(
    ("covered", "missing", "today", "in_days"),
    [
        ((0, 1, 2, 3, 4), 2, 5, 7),  # every day, yesterday's is in: tomorrow's, the day after
        ((0, 1, 2, 3), 3, 5, 7),  # the same, yesterday's isn't in yet
        ((0,), 6, 1, 7),
        ((0, 2, 4), 4, 5, 12),  # 3 of 5 days: 4 more take 7
        ((0, 2, 4, 6), 3, 7, 13),  # 4 of 7 days: 3 more take 6
        ((0, 1, 2), 4, 7, 14),  # 3 of the last 6 days, and a silence since: 4 more take 8
        ((0, 1, 2), 4, 9, 22),  # 2 of the last 7: 4 more take 14
        ((0, 1, 2), 4, 10, 37),  # 1 of the last 7: 4 more take 28
        ((0, 1, 2), 4, 11, None),  # nothing for a week
        ((0, 100), 5, 101, 136),  # only the last week says how often reports come
        ((5,), 6, 5, 12),  # already in on the day itself
        ((), 7, 0, None),
    ],
)
def test_the_day_is_told_by_the_pace_of_the_last_week(
    covered: tuple[int, ...], missing: int, today: int, in_days: int | None
) -> None:
    expected = None if in_days is None else days(in_days)[0]
    assert likely(days(*covered), missing, days(today)[0]) == expected


def judged(*reports: dict[str, Any], today: int = 0) -> verdict.Verdict:
    tally = Tally(today=DAY + timedelta(days=today)).add(parse(text(each)) for each in reports)
    return verdict.of_reports("example.org", tally.domains.get("example.org"), tally.full, tally.today)


def on(*numbers: int, **changes: Any) -> list[dict[str, Any]]:
    return [report(day=number, **changes) for number in numbers]


def test_who_lacks_only_days_is_told_to_wait_and_until_when() -> None:
    found = judged(*on(*range(5)), today=5)
    assert found.next == "Wait: likely safe from 2026-03-08 (5 of 7 days are covered)"
    assert found.missing == ["days: 5 of 7 are covered, 2 more to come"]
    assert (found.likely, found.progress.days, found.progress.sessions) == (date(2026, 3, 8), 5, 500)
    assert judged(*on(*range(7)), today=8).safe  # as it was foretold, a day later at most


def test_the_day_that_is_told_is_the_day_on_which_it_is_safe() -> None:
    """Reports that come every day, the next day: whenever one looks, the same day is told, and that is it."""
    told = {judged(*on(*range(today)), today=today).likely for today in range(1, 7)}
    assert told == {DAY + timedelta(days=7)}
    assert not judged(*on(*range(6)), today=6).safe
    assert judged(*on(*range(7)), today=7).safe


def test_who_must_mend_is_told_what_and_that_the_clock_begins_then() -> None:
    found = judged(*on(*range(4)), *on(4, 5, 6, sender="Google Inc.", failures=EXPIRED), today=7)
    assert found.next == "Mend mx2.example.org: certificate-expired, seen by Google Inc. (not verified) on 3 of 3 days, last on 2026-03-07"  # fmt: skip
    assert found.likely is None
    assert found.missing == [
        "senders: 1 of 2 to be mended: Google Inc. (not verified): refused sessions on 3 of 3 days",
        "days: the 7 begin once that is mended; the last failure is of 2026-03-07",
    ]
    assert found.progress.to_mend == ["Google Inc. (not verified)"]
    assert (found.progress.days, found.progress.senders_enough) == (0, 2)


def test_days_since_the_last_failure_are_counted_for_whoever_has_mended_it() -> None:
    mended = on(0, 1, 2, failures=EXPIRED)
    found = judged(*mended, *on(3, 4, 5), today=6)
    assert found.next.startswith("Mend mx2.example.org: certificate-expired, seen by Sender Inc.")
    assert found.missing[1] == "days: 3 of 7 are covered since the last failure, 2026-03-03; if it was mended then, likely safe from 2026-03-11 with --since 2026-03-04"  # fmt: skip
    found = judged(*mended, *on(*range(3, 10)), today=10)
    assert (
        found.next
        == "Judge by the days since the last failure, 2026-03-03: --since 2026-03-04 (7 days are covered)"
    )
    assert not found.safe
    silent = judged(*mended, *on(*range(3, 10), sender="Another"), today=10)
    assert silent.next.startswith("Mend mx2.example.org")  # the sender that saw it hasn't said otherwise


@pytest.mark.parametrize(
    ("reports", "words"),
    [
        (on(*range(3), failures=NO_POLICY), "Mend the policy host: sts-policy-fetch-error, seen by"),
        (on(*range(3), failures=(("certificate-expired", "", 5),)), "Mend a mail server that no report names: certificate-expired"),
        (on(*range(3), failures=EXPIRED) + on(*range(4), sender="B", failures=EXPIRED), "last on 2026-03-04 (and 1 more)"),
        (on(*range(7), good=0), "Send a mail to it from a large provider"),
        ([], "Look whether _smtp._tls.example.org is published, for no sender has reported yet: python -m checks domain example.org"),
        (on(*range(3)), "Look why reports have stopped: the last is of 2026-03-03 (3 of 7 days are covered)"),
        (on(*range(7)), "Enforce: python -m checks enforce example.org --reports …"),
    ],
)  # fmt: skip
def test_one_sentence_says_what_to_do(reports: list[dict[str, Any]], words: str) -> None:
    found = judged(*reports, today=30)
    assert words in found.next
    assert found.likely is None
    assert found.safe == found.next.startswith("Enforce")
    assert found.safe != bool(found.missing)


def test_failures_under_dane_are_not_what_is_to_be_mended() -> None:
    dane = on(0, 1, 2, failures=(("validation-failure", "mx9.example.org", 500),), type="tlsa")
    both = on(0, 1, 2, failures=EXPIRED)
    for one, other in zip(both, dane, strict=True):
        one["policies"] += other["policies"]
    assert "mx2.example.org" in judged(*both, today=3).next


def test_where_only_strangers_saw_it_the_way_around_them_is_told() -> None:
    part = PolicyPart("sts", "example.org", 100, 0, ())
    bad = PolicyPart("sts", "example.org", 100, 30, (Failure("certificate-expired", "mx", 30),))
    reports = [Report("Google Inc.", str(day), day, (part,), "google.com") for day in days(*range(7))]
    reports += [Report("Evil", f"e{day}", day, (bad,)) for day in days(0, 1, 2)]
    tally = Tally().add(reports)
    found = verdict.of_reports("example.org", tally.domains["example.org"])
    assert "--verified-only passes over them" in found.missing[0]


def test_a_flood_has_no_date() -> None:
    tally = Tally().add(parse(text(each)) for each in on(*range(3)))
    found = verdict.of_reports("example.org", tally.domains["example.org"], True, DAY + timedelta(days=3))
    assert (found.next, found.likely) == ("Name the domain: --domain example.org", None)


def seen(mode: str = "testing", level: Level = Level.PASS, way_out: str = "", check: str = "server mx1") -> Domain:
    return Domain("example.org", [Finding("server mx0", Level.PASS, "fine"), Finding(check, level, "words", "", way_out)], mode=mode)  # fmt: skip


@pytest.mark.parametrize(
    ("domain", "covered", "next_", "dated"),
    [
        (seen(), 7, "Enforce: set mode: enforce in the stack's file, then pulumi up", False),
        (seen(), 5, "Wait: likely safe from 2026-03-08 (5 of 7 days are covered)", True),
        (seen(level=Level.FAIL, way_out="Renew it"), 5, "Mend server mx1: Renew it", False),
        (seen(level=Level.UNCHECKED), 5, "Check server mx1: words", True),
        (seen("enforce"), 7, "Nothing: it is enforced, and no sender is refused", False),
        (seen("enforce"), 5, "Nothing yet: it is enforced already, and reports cover 5 of 7 days", True),
        (seen("enforce", Level.WARN, "Renew it soon"), 7, "Renew it soon", False),
        (Domain("example.org", [Finding("record", Level.PASS, "fine")]), 7, "Look at the mail servers of example.org, too: without --no-servers", False),
    ],
)  # fmt: skip
def test_what_is_seen_now_comes_first(domain: Domain, covered: int, next_: str, dated: bool) -> None:
    tally = Tally().add(parse(text(each)) for each in on(*range(covered)))
    found = verdict.of_both(domain, tally.domains["example.org"], DAY + timedelta(days=5))
    assert found.next == next_
    assert (found.likely is not None) == dated


def test_the_documentation_shows_what_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr("sys.stdout", out)
    mended = on(0, 1, 2, failures=(("certificate-expired", "mx2.example.org", 3),)) + on(3, 4)
    tally = Tally(today=DAY + timedelta(days=5))
    tally.add(parse(text(each)) for each in [*mended, *on(*range(5), domain="example.net")])
    found = [verdict.of_reports(name, tally.domains[name], False, tally.today) for name in sorted(tally.domains)]
    show.show_verdicts(found, show.console())
    assert f"\n```\n{out.getvalue()}```\n" in (Path(__file__).parents[2] / "docs" / "checks.md").read_text()


def test_the_json_has_numbers_and_a_date() -> None:
    said = json.loads(json.dumps(judged(*on(*range(5)), today=5).json()))
    assert said["likely"] == "2026-03-08"
    assert said["progress"] == {
        "days": 5, "daysNeeded": 7, "sessions": 500, "sessionsNeeded": 1, "senders": 1, "sendersEnough": 1, "toMend": [],
    }  # fmt: skip


@pytest.mark.parametrize("name", TEXTS)
def test_a_command_that_is_told_is_one_command_whatever_a_domain_is_called(name: str) -> None:
    given = TEXTS[name]
    part = PolicyPart("sts", given, 100, 0, ())
    tally = Tally().add(Report(given, str(day), day, (part,)) for day in days(*range(7)))
    command = verdict.of_reports(given, tally.domains[given]).next.removeprefix("Enforce: ")
    assert len(shlex.split(command)) == 7
    assert len(command) < 1_000
