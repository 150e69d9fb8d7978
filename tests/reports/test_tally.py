"""Counts of later days alone, as if no earlier ones had been reported."""

from dataclasses import replace
from datetime import timedelta

from checks.reading import report as parse
from checks.tally import Tally
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
