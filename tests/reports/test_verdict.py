"""When it is safe to enforce, and what to mend first."""

from typing import Any

import pytest

from checks import verdict
from checks.finding import Domain, Finding, Level
from checks.reading import report as parse
from checks.tally import Tally
from reports.samples import report, text


def tally(*reports: dict[str, Any]) -> Tally:
    return Tally().add(parse(text(each)) for each in reports)


def week(**changes: Any) -> list[dict[str, Any]]:
    return [report(day=day, **changes) for day in range(7)]


def judge(*reports: dict[str, Any]) -> verdict.Verdict:
    return verdict.of_reports("example.org", tally(*reports).domains.get("example.org"))


def test_a_week_without_failures_is_safe() -> None:
    found = judge(*week())
    assert found.safe
    assert found.reasons == [
        "700 sessions on 7 days (2026-03-01 to 2026-03-07), 0 would have been refused",
        "0 of 1 senders are verified; the others may be anybody (docs/checks.md)",
    ]


@pytest.mark.parametrize(
    ("reports", "reason"),
    [
        ([], "no sender has reported yet"),
        (week()[:6], "reports cover 6 days (2026-03-01 to 2026-03-06); wait until they cover 7"),
        (week(good=0), "tell of no session"),
        (week(failures=(("certificate-expired", "mx2.example.org", 3),)), "mend first: mx2.example.org: certificate-expired (21 sessions)"),
        (week(failures=(("starttls-not-supported", "mx2.example.org", 1),)), "7 of 707 sessions would have been refused"),
        (week(failures=(("starttls-not-supported", "mx2.example.org", 1),), type="no-policy-found"), "starttls-not-supported"),
        (week(failures=(("sts-policy-fetch-error", "", 5),)), "senders could not get the policy: sts-policy-fetch-error (35 sessions)"),
    ],
)  # fmt: skip
def test_it_is_not_safe_for_a_reason(reports: list[Any], reason: str) -> None:
    found = judge(*reports)
    assert not found.safe
    assert any(reason in each for each in found.reasons), found.reasons


def test_dane_failures_and_stray_ones_do_not_count() -> None:
    assert judge(*week(failures=(("validation-failure", "mx", 9),), type="tlsa")).safe
    assert judge(*week(good=100_000, failures=(("certificate-not-trusted", "mx", 1),))).safe


def seen(mode: str = "testing", **levels: Level) -> Domain:
    lines = [Finding(name.replace("_", " "), level, "words") for name, level in levels.items()]
    return Domain("example.org", [Finding("record", Level.PASS, "x"), *lines], mode=mode)


def both(domain: Domain) -> verdict.Verdict:
    return verdict.of_both(domain, tally(*week()).domains["example.org"])


def test_both_must_agree() -> None:
    assert both(seen(server_mx1=Level.PASS)).safe
    assert both(seen("enforce", server_mx1=Level.PASS)).reasons[0] == "it is enforced already"
    assert not both(seen(server_mx1=Level.FAIL)).safe
    assert not both(seen(mx=Level.WARN)).safe
    for check in ("server_mx1", "server", "mx", "record", "policy-host", "policy"):
        domain = seen(server_mx2=Level.PASS, **{check: Level.UNCHECKED})
        assert both(domain).reasons[0] == f"{check.replace('_', ' ')} was not checked: words"
        assert not both(domain).safe
    for check in ("dane_mx1", "dnssec", "ipv6", "tls-reports", "name-servers"):
        assert both(seen(server_mx2=Level.PASS, **{check: Level.UNCHECKED})).safe
    for check in (
        "dane_mx1",
        "dnssec",
    ):  # senders with DANE, and those that validate, don't ask for the policy first
        assert not both(seen(server_mx2=Level.PASS, **{check: Level.FAIL})).safe
    assert both(seen()).reasons[0] == "no mail server was looked at"
    assert not verdict.of_both(seen(server_mx1=Level.PASS), None).safe
