"""The charts' numbers: round ticks, right dates, gaps where nobody reported, failures that are seen."""

import re
from datetime import date, timedelta

import pytest

from checks.charts import HEIGHT, LABELS, LOWEST, amount, chart, dates, history, spans, ticks
from checks.reading import Failure, PolicyPart, Report
from checks.tally import Day, Domain, Tally

TODAY = date(2026, 11, 25)


def before(days: int) -> date:
    return TODAY - timedelta(days=days)


def reported(
    day: date, good: int = 100, failures: tuple[tuple[str, str, int], ...] = (), sender: str = "google.com"
) -> Report:
    told = tuple(Failure(result, server, sessions) for result, server, sessions in failures)
    part = PolicyPart("sts", "example.org", good, sum(each.sessions for each in told), told)
    return Report(sender, f"{sender} {day}", day, (part,), sender)


def domain(*reports: Report) -> Domain:
    return Tally(today=TODAY).add(reports).domains["example.org"]


@pytest.mark.parametrize(
    ("most", "expected"),
    [
        (0, [0, 1]),
        (1, [0, 1]),
        (4, [0, 1, 2, 3, 4]),
        (5, [0, 2, 4, 6]),
        (17, [0, 5, 10, 15, 20]),
        (100, [0, 50, 100]),
        (9_999, [0, 5_000, 10_000]),
        (10_001, [0, 5_000, 10_000, 15_000]),
        (3_000_000, [0, 1_000_000, 2_000_000, 3_000_000]),
    ],
)
def test_ticks_are_round_numbers(most: int, expected: list[int]) -> None:
    assert ticks(most, 4) == expected


def test_ticks_reach_the_highest_bar_and_are_few_whatever_it_is() -> None:
    for most in [*range(1, 3_000), 10**9, 10**12 + 1, 2**53]:
        for intervals in (3, 4):
            found = ticks(most, intervals)
            assert found[-1] >= most > found[-2]
            assert len(found) <= intervals + 1
            assert re.fullmatch("[125]0*", str(found[1]))


def test_counts_are_short_and_exact() -> None:
    assert [amount(value) for value in (0, 999, 10_000, 2_000_000, 1_500_000, 1_234_567, 3 * 10**9)] == [
        "0", "999", "10,000", "2 M", "1.5 M", "1,234,567", "3,000 M",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (3, ["22 Nov", "23 Nov", "24 Nov"]),
        (10, ["15 Nov", "17 Nov", "19 Nov", "21 Nov", "23 Nov"]),
        (28, ["2 Nov", "9 Nov", "16 Nov", "23 Nov"]),  # Mondays
        (60, ["28 Sep", "12 Oct", "26 Oct", "9 Nov", "23 Nov"]),
        (88, ["1 Sep", "1 Oct", "1 Nov"]),
        (400, ["Nov", "Feb 2026", "May", "Aug", "Nov"]),
    ],
)
def test_dates_stand_where_their_days_are(days: int, expected: list[str]) -> None:
    periods = spans(before(days), before(1), {})
    labels = dates(periods)
    assert [label.text for label in labels] == expected
    for label in labels:
        period = periods[int(label.at / 100 * len(periods))]
        spelt = {f"{day.day} {day:%b}" for day in (period.first, period.last)} | {f"{period.last:%b}", f"{period.last:%b %Y}"}  # fmt: skip
        assert label.text in spelt


def test_there_are_few_dates_whatever_the_span_and_always_one() -> None:
    for days in range(1, 401):
        labels = dates(spans(before(days), before(1), {}))
        assert 1 <= len(labels) <= LABELS, days
        assert labels == sorted(labels, key=lambda label: label.at)


def test_up_to_ninety_days_are_days_and_more_are_weeks_that_end_with_the_last_day() -> None:
    ninety, more = spans(before(90), before(1), {}), spans(before(91), before(1), {})
    assert (len(ninety), ninety[0].first, ninety[-1].last) == (90, before(90), before(1))
    assert (len(more), more[-1].first, more[-1].last) == (13, before(7), before(1))
    assert all((week.last - week.first).days == 6 for week in more)


def test_a_day_without_reports_is_a_gap_and_a_day_without_sessions_is_none() -> None:
    found = history(domain(reported(before(4)), reported(before(2), good=0), reported(before(1))), TODAY)
    assert found
    assert [period.covered for period in found.periods] == [1, 0, 1, 1]
    assert found.gaps == "M10 0v1000h10v-1000z"
    assert (found.covered, found.days, found.first, found.last) == (3, 4, before(4), before(1))


def test_a_silence_is_drawn_for_a_month_and_then_told() -> None:
    short, long_ = (history(domain(reported(before(days))), TODAY) for days in (20, 60))
    assert short
    assert long_
    assert (len(short.periods), short.quiet) == (20, 0)
    assert (len(long_.periods), long_.quiet) == (1, 59)


def test_what_is_older_than_a_history_keeps_is_left_out_and_counted() -> None:
    found = history(domain(*(reported(before(days)) for days in range(1, 500, 7))), TODAY)
    assert found
    assert (found.days, found.earlier, found.unit) == (400, 14, "week")
    assert found.sessions.total == found.covered * 100


def test_all_numbers_are_the_tallys() -> None:
    expired = (("certificate-expired", "mx2.example.org", 3), ("validation-failure", "", 1))
    found = history(
        domain(reported(before(2), failures=expired), reported(before(1), sender="microsoft.com")), TODAY
    )
    assert found
    assert [(row.name, row.sessions, row.failed, row.share) for row in found.senders] == [
        ("google.com (verified)", 104, 4, "3.85 %"), ("microsoft.com (verified)", 100, 0, ""),
    ]  # fmt: skip
    assert [(row.name, row.failed, row.results) for row in found.servers] == [
        ("mx2.example.org", 3, "certificate-expired 3"), ("no server named", 1, "validation-failure 1"),
    ]  # fmt: skip
    assert (found.sessions.totals, found.failures.totals, found.failures_by_server.totals) == ([104, 100], [4, 0], [4, 0])  # fmt: skip
    assert found.against == "M0 0v1000h10v-1000z"
    assert [[row.name for row in rows] for rows in found.by_sender] == [["google.com (verified)"], ["microsoft.com (verified)"]]  # fmt: skip


def test_the_largest_are_told_apart_and_a_small_one_that_fails_too() -> None:
    reports = [reported(before(1), good=1_000 - at, sender=f"s{at}.example") for at in range(20)]
    reports.append(
        reported(before(1), good=1, sender="small.example", failures=(("certificate-expired", "mx", 2),))
    )
    found = history(domain(*reports), TODAY)
    assert found
    names = [row.name.removesuffix(" (verified)") for row in found.senders]
    assert names == [*(f"s{at}.example" for at in range(7)), "small.example", "13 others"]
    assert found.sessions.total == sum(1_000 - at for at in range(20)) + 3
    many = tuple(("certificate-expired", f"mx{at}", 20 - at) for at in range(12))
    found = history(domain(reported(before(1), failures=many)), TODAY)
    assert found
    assert [row.name for row in found.servers] == [*(f"mx{at}" for at in range(8)), "4 others"]
    assert found.servers[-1].failed == sum(20 - at for at in range(8, 12))


def test_one_failure_is_seen_next_to_thousands() -> None:
    days = {before(2): Day(good=1), before(1): Day(good=1)}
    found = chart(spans(before(2), before(1), days), {"x": [1, 10_000]}, 3)
    first, second = re.findall(r"M\d+ (\d+)v(-\d+)", found.series[0].path)
    assert first == (str(HEIGHT), str(-LOWEST))
    assert second == (str(HEIGHT), str(-HEIGHT))


def test_bars_stand_on_each_other() -> None:
    days = {before(1): Day(good=1)}
    found = chart(spans(before(1), before(1), days), {"x": [30], "y": [70]}, 4)
    assert [series.path for series in found.series] == ["M1 1000v-300h8v300z", "M1 700v-700h8v700z"]
