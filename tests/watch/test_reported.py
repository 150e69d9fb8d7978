"""What is told of reports: failures that rose, and senders that went silent; and what forgers can't change."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest

from checks.finding import Level
from checks.tally import Day, Domain, Who
from checks.watch.reported import FAILURES, FAILURES_OF_OTHERS, of_reports
from checks.watch.seen import Seen

TODAY = date(2026, 3, 31)
GOOGLE, MICROSOFT, SMALL = Who("google.com", True), Who("microsoft.com", True), Who("small.example", True)


def days(of: Callable[[int], Day | None], ago: range = range(1, 40)) -> dict[date, Day]:
    """A sender's days: `of` gets how many days ago each was."""
    return {TODAY - timedelta(at): day for at in ago if (day := of(at))}


def good(_: int) -> Day:
    return Day(good=100)


def bad() -> Day:
    day = Day(good=90, bad=10, refusing=True)
    day.failures["mx1.example.org", "certificate-expired"] = 10
    return day


def bad_since(ago: int) -> Callable[[int], Day]:
    return lambda at: bad() if at <= ago else good(at)


def seen(mode: str = "enforce", **senders: dict[date, Day]) -> Seen:
    names = {"google": GOOGLE, "microsoft": MICROSOFT, "small": SMALL}
    known = {names.get(name, Who(name, False)): each for name, each in senders.items()}
    return of_reports(Domain(known), mode, TODAY)


@pytest.mark.parametrize(("mode", "level"), [("enforce", Level.FAIL), ("testing", Level.WARN), ("", Level.WARN)])
def test_a_known_senders_failures_that_rise_are_told(mode: str, level: Level) -> None:
    found = seen(mode, google=days(bad_since(2)), microsoft=days(good)).troubles
    assert list(found) == [FAILURES]
    assert found[FAILURES].level == level
    assert found[FAILURES].text == (
        "more sessions fail than before. google.com (verified): on 2 of its last 6 days, 20 sessions, "
        "most of them mx1.example.org: certificate-expired"
    )


def test_a_stray_day_is_not_told_and_a_grave_one_is() -> None:
    def stray(at: int) -> Day:
        return Day(good=995, bad=5, refusing=True) if at == 3 else good(at)

    def grave(at: int) -> Day:
        return Day(good=10, bad=500, refusing=True) if at == 1 else good(at)

    assert FAILURES in seen(google=days(stray)).well
    assert FAILURES in seen(google=days(grave)).troubles


def test_what_has_always_failed_has_not_risen_but_it_is_not_mended_either() -> None:
    found = seen(google=days(lambda _: bad()))
    assert not found.troubles
    assert not found.is_well(FAILURES)
    assert not found.is_well(FAILURES_OF_OTHERS)


def test_a_week_without_failures_is_mended() -> None:
    found = seen(google=days(lambda at: bad() if 8 <= at < 20 else good(at)))
    assert found.is_well(FAILURES)


def test_without_reports_nothing_is_known() -> None:
    for found in (of_reports(None, "enforce", TODAY), seen(), seen(google=days(good, range(20, 40)))):
        assert not found.is_well(FAILURES)
        assert FAILURES not in found.troubles


def test_what_strangers_make_up_is_one_warning_and_hides_nothing() -> None:
    crowd = {f"forger-{at}": days(lambda _: Day(bad=1_000_000, refusing=True), range(1, 6)) for at in range(500)}
    found = seen(google=days(bad_since(3)), **crowd).troubles
    assert {check: each.level for check, each in found.items()} == {
        FAILURES: Level.FAIL,
        FAILURES_OF_OTHERS: Level.WARN,
    }
    assert "google.com" in found[FAILURES].text
    assert "and 497 more senders" in found[FAILURES_OF_OTHERS].text
    praise = {f"forger-{at}": days(lambda _: Day(good=1_000_000)) for at in range(500)}
    assert "google.com" in seen(google=days(bad_since(3)), **praise).troubles[FAILURES].text


def test_a_newcomer_is_told_as_a_warning_even_if_it_is_verified() -> None:
    found = seen(small=days(lambda _: bad(), range(1, 4)), google=days(good)).troubles
    assert {check: each.level for check, each in found.items()} == {FAILURES_OF_OTHERS: Level.WARN}


def silent_since(ago: int) -> dict[date, Day]:
    return days(lambda at: good(at) if at > ago else None)


def test_a_large_sender_that_goes_silent_is_told_while_others_report() -> None:
    found = seen(google=silent_since(5), microsoft=days(good))
    assert list(found.troubles) == ["silent google.com (verified)"]
    assert found.troubles["silent google.com (verified)"].text == (
        "google.com (verified) has reported nothing since 2026-03-25; others have"
    )
    assert not seen(google=silent_since(3), microsoft=days(good)).troubles
    assert seen(google=days(good)).is_well("silent google.com (verified)")


def test_a_small_or_an_irregular_sender_is_not_missed() -> None:
    small = days(lambda at: Day(good=1) if at > 5 else None)
    irregular = days(lambda at: Day(good=5000) if at > 5 and at % 3 == 0 else None)
    assert not seen(small=small, microsoft=irregular, google=days(good)).troubles


def test_forged_sessions_do_not_make_a_large_sender_small() -> None:
    forged = {"forger": days(lambda _: Day(good=1_000_000))}
    assert "silent google.com (verified)" in seen(google=silent_since(6), microsoft=days(good), **forged).troubles


def test_where_nobody_reports_any_more_it_is_the_reports() -> None:
    found = seen(google=silent_since(6), microsoft=silent_since(5)).troubles
    assert list(found) == ["reports"]
    assert found["reports"].text == "nobody has reported since 2026-03-25"
