"""Counts of many domains, and of later days alone."""

from dataclasses import replace
from datetime import timedelta

import pytest

from checks import tally
from checks.reading import report as parse
from checks.tally import OTHERS, Day, Tally, Who
from reports.samples import DAY, report, text

FAILED = (("certificate-expired", "mx1.example.org", 9),)
NO_POLICY = (("sts-policy-fetch-error", "", 3),)


def test_a_domain_without_its_earlier_days_is_as_if_they_were_passed_over() -> None:
    given = [
        replace(parse(text(report(at=at, day=day, failures=failures))), verified=sender)
        for at, (sender, failures) in enumerate(
            (("google.com", FAILED), ("microsoft.com", NO_POLICY), ("gmx.net", ()))
        )
        for day in range(at, 6 - at)
    ]
    whole = Tally(today=DAY + timedelta(9)).add(given)
    for day in range(8):
        first = DAY + timedelta(day)
        later = Tally(first, today=whole.today).add(given)
        found = whole.domains["example.org"].since(first)
        assert found.senders == (later.domains["example.org"].senders if later.domains else {})
        assert not later.domains or (found.refused, found.fetching) == (
            later.domains["example.org"].refused,
            later.domains["example.org"].fetching,
        )


def test_each_sender_of_a_thousand_domains_is_told_from_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tally, "ENTRIES", 200)
    monkeypatch.setattr(tally, "EACH", 5)
    names = frozenset(f"d{at}.example" for at in range(1000))

    def counted(*, senders: int) -> set[str]:
        whole = Tally(asked=names, today=DAY)
        for name in names:
            for at in range(senders):
                whole.restore(name, Who(f"s{at}.example", True), DAY, Day(1))
        return {who.name for domain in whole.domains.values() for who in domain.senders}

    assert OTHERS not in counted(senders=5)
    assert OTHERS in counted(senders=6)  # in bounded memory all the same
