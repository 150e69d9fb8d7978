"""Which lines are proposed, when, and when none is."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from reports.samples import report, text

from checks.finding import Domain, Finding, Level
from checks.ladder import Evidence, Proposal, Refused, propose, refused_now, remembered, unneeded
from checks.reading import report as parse
from checks.stack_text import StackText
from checks.tally import Tally
from checks.verdict import Verdict
from policy import Policy

TODAY = date(2026, 3, 20)
LONG_AGO = date(2025, 1, 1)
MX = "mx1.example.org"


def stack(mode: str = "testing", max_age: int = 604800, *, mx: str = MX, domains: str = "example.org", more: str = "") -> StackText:  # fmt: skip
    return StackText(
        "Pulumi.prod.yaml",
        f"config:\n  policies:\n    - name: main\n      mode: {mode}\n      maxAge: {max_age}\n"
        f"      mx: [{mx}]\n      domains: [{domains}]\n{more}",
    )


def known(file: StackText, **changes: Any) -> dict[str, Evidence]:
    """All is well with every domain."""
    return {
        domain.name: replace(
            Evidence(Verdict(domain.name, True, ["fine"]), frozenset({MX}), True, id=policy.policy.id), **changes
        )
        for policy in file.policies
        for domain in policy.domains
    }


def proposed(file: StackText, *, days: int = 400, unused: dict[str, date] | None = None, **changes: Any) -> Proposal:  # fmt: skip
    since = dict.fromkeys((policy.name for policy in file.policies), TODAY - timedelta(days))
    return propose(file, known(file, **changes), since, unused or {}, TODAY)


def lines(found: Proposal) -> list[str]:
    return [f"{edit.policy}.{edit.key}: {edit.old} -> {edit.new}" for edit in found.edits]


@pytest.mark.parametrize(
    ("mode", "max_age", "stood", "next_"),
    [
        ("testing", 86400, 7, ["mode: testing -> enforce"]),
        ("testing", 604800, 7, ["mode: testing -> enforce", "maxAge: 604800 -> 86400"]),
        ("testing", 3600, 7, ["maxAge: 3600 -> 86400"]),
        ("enforce", 86400, 7, ["maxAge: 86400 -> 604800"]),
        ("enforce", 604800, 7, ["maxAge: 604800 -> 2419200"]),
        ("enforce", 1209600, 14, ["maxAge: 1209600 -> 2419200"]),
        ("enforce", 2419200, 0, []),
        ("enforce", 31557600, 0, []),
        ("none", 86400, 0, []),
    ],
)
def test_each_step_of_the_ladder_is_taken_once_the_one_before_has_stood(
    mode: str, max_age: int, stood: int, next_: list[str]
) -> None:
    file = stack(mode, max_age)
    found = proposed(file, days=stood)
    assert lines(found) == [f"main.{each}" for each in next_]
    assert not found.urgent
    assert not found.waits
    if next_:
        early = proposed(file, days=stood - 1)
        assert not early.edits
        assert "not before 2026-03-21" in early.waits[0]


def test_a_ladder_of_ones_own_and_none() -> None:
    ladder = "  mta-sts:ladder: [{mode: enforce, maxAge: 1000, after: 0}, {mode: enforce, maxAge: 2000, after: 864000}]\n"
    assert lines(proposed(stack(more=ladder), days=0)) == [
        "main.mode: testing -> enforce",
        "main.maxAge: 604800 -> 1000",
    ]
    assert not proposed(stack("enforce", 1000, more=ladder), days=9).edits
    assert lines(proposed(stack("enforce", 1000, more=ladder), days=10)) == ["main.maxAge: 1000 -> 2000"]
    for off in ("[]", "false"):
        assert proposed(stack(more=f"  mta-sts:ladder: {off}\n")) == Proposal()


def test_a_step_waits_until_every_domain_of_the_policy_is_safe() -> None:
    file = stack(domains="example.org, example.net")
    evidence = known(file)
    evidence["example.net"] = replace(evidence["example.net"], verdict=Verdict("example.net", False, ["not so"]))
    found = propose(file, evidence, {"main": LONG_AGO}, {}, TODAY)
    assert not found.edits
    assert found.waits == ("main: testing 604800 -> enforce 86400: example.net: not so",)
    del evidence["example.net"]  # it wasn't looked at
    assert not propose(file, evidence, {"main": LONG_AGO}, {}, TODAY).edits


def test_no_step_where_it_isnt_known_how_long_the_policy_stands_or_what_is_served_is_another() -> None:
    file = stack()
    assert "is not known" in propose(file, known(file), {}, {}, TODAY).waits[0]
    assert "is not yet what the file says: pulumi up" in proposed(file, id="another").waits[0]


def test_policies_that_share_an_id_change_together() -> None:
    second = "    - {name: second, mode: testing, maxAge: 604800, mx: [mx1.example.org], domains: [{name: example.net, delegateTo: example.org}]}\n"
    file = stack(more=second)
    found = proposed(file)
    assert {edit.policy for edit in found.edits} == {"main", "second"}
    after = StackText(file.name, file.changed(found.edits))
    assert len({policy.policy.id for policy in after.policies}) == 1
    evidence = known(file)
    evidence["example.net"] = replace(evidence["example.net"], verdict=Verdict("example.net", False, ["not so"]))
    assert not propose(file, evidence, dict.fromkeys(("main", "second"), LONG_AGO), {}, TODAY).edits


NEW = frozenset({MX, "mx.new.example"})


@pytest.mark.parametrize("mode", ["testing", "enforce"])
def test_an_mx_host_that_the_policy_lacks_is_added_at_once_and_first(mode: str) -> None:
    found = proposed(stack(mode), hosts=NEW)
    assert lines(found) == ["main.mx:  -> mx.new.example"]
    assert found.urgent == (mode == "enforce")
    assert "name mx.new.example, which no mx of the policy allows" in found.reasons[0]
    # Not even known to be seen by every name server; a step has time.
    assert lines(proposed(stack(mode), hosts=NEW, whole=False)) == ["main.mx:  -> mx.new.example"]


def test_what_the_mx_records_are_said_to_be_is_never_nothing() -> None:
    for hosts in (None, frozenset[str](), frozenset({""})):
        found = proposed(stack(), hosts=hosts, days=0)
        assert not found.edits
        assert "mx stays as it is" in found.waits[0]
    assert not [edit for edit in proposed(stack(mx=f"{MX}, gone.example"), hosts=None).edits if edit.key == "mx"]
    odd = proposed(stack(), hosts=frozenset({MX, "no host.example"}), days=0)
    assert not odd.edits
    assert "is no host name" in odd.waits[0]


def test_a_wildcard_allows_one_label_and_stays() -> None:
    file = stack(mx='"*.mail.example"')
    assert not proposed(file, hosts=frozenset({"a.mail.example"}), days=0).edits
    assert lines(proposed(file, hosts=frozenset({"a.b.mail.example"}))) == ["main.mx:  -> a.b.mail.example"]


def test_a_pattern_goes_once_it_was_unneeded_for_longer_than_max_age_and_nothing_is_added() -> None:
    file = stack("enforce", 2419200, mx=f"{MX}, gone.example")
    first = TODAY - timedelta(29)
    unused = {"main gone.example": first}
    assert lines(proposed(file, unused=unused)) == ["main.mx: gone.example -> "]
    assert "goes after" in proposed(file, unused={"main gone.example": first + timedelta(1)}).waits[0]
    assert "--history" in proposed(file).waits[0]
    assert lines(proposed(file, unused=unused, hosts=NEW)) == ["main.mx:  -> mx.new.example"]
    assert not proposed(file, unused=unused, whole=False).edits
    last = {f"main {MX}": first}
    assert not proposed(stack("enforce", 2419200), unused=last, hosts=frozenset({"no host.example"})).edits
    assert not proposed(file, unused=unused, hosts=frozenset({MX, "gone.example"})).edits


def test_since_when_a_pattern_is_unneeded_is_remembered_through_nights_without_dns() -> None:
    file = stack(mx=f"{MX}, gone.example")
    now = unneeded(file, known(file))
    assert now == {f"main {MX}": False, "main gone.example": True}
    kept = remembered({}, now, TODAY)
    assert kept == {"main gone.example": TODAY}
    silent = unneeded(file, known(file, hosts=None, whole=False))
    assert remembered(kept, silent, TODAY + timedelta(1)) == kept
    partly = unneeded(file, known(file, whole=False))
    assert partly["main gone.example"] is None
    assert remembered(kept, partly, TODAY + timedelta(1)) == kept
    back = unneeded(file, known(file, hosts=frozenset({MX, "gone.example"})))
    assert remembered(kept, back, TODAY + timedelta(2)) == {}


def test_refused_mail_leads_back_to_testing_by_one_line_with_urgency() -> None:
    refused = Refused(("google.com (verified) since 2026-03-19: mx1.example.org: certificate-expired (9)",), frozenset({MX}))  # fmt: skip
    found = proposed(stack("enforce"), refused=refused, verdict=Verdict("example.org", False, ["refused"]))
    assert lines(found) == ["main.mode: enforce -> testing"]
    assert found.urgent
    assert found.reasons == (f"example.org: {refused.told[0]}",)
    assert not proposed(stack("testing"), refused=refused, days=0).edits
    # A line of mx mends what is refused at a server that the policy lacks; elsewhere both are needed.
    lacking = Refused(("x",), frozenset({"mx.new.example"}))
    assert lines(proposed(stack("enforce"), refused=lacking, hosts=NEW)) == ["main.mx:  -> mx.new.example"]
    assert lines(proposed(stack("enforce"), refused=refused, hosts=NEW)) == [
        "main.mode: enforce -> testing",
        "main.mx:  -> mx.new.example",
    ]


FAILED = (("certificate-expired", MX, 9),)


def tally(*reports: dict[str, Any], verified: str = "google.com") -> Tally:
    made = Tally(today=date(2026, 3, 8))
    return made.add(replace(parse(text(each)), verified=verified) for each in reports)


def seen(mode: str = "enforce", **levels: Level) -> Domain:
    return Domain("example.org", [Finding(f"server {name}", level, f"{name} fails") for name, level in levels.items()], mode)  # fmt: skip


def test_mail_is_refused_where_a_verified_sender_tells_it_of_its_latest_day() -> None:
    good, bad = [report(day=day) for day in range(5)], [report(day=day, failures=FAILED) for day in (5, 6)]
    counted = tally(*good, *bad)
    found = refused_now(seen(), counted.domains["example.org"], counted.today)
    assert found.told == ("google.com (verified) since 2026-03-06: mx1.example.org: certificate-expired (18)",)
    assert found.servers == {MX}
    assert not refused_now(seen("testing"), counted.domains["example.org"], counted.today).told
    assert not refused_now(seen(), counted.domains["example.org"], counted.today + timedelta(3)).told  # old news
    mended = tally(*good, *bad, report(day=7))
    assert not refused_now(seen(), mended.domains["example.org"], mended.today).told
    anybody = tally(*good, *bad, verified="")
    assert not refused_now(seen(), anybody.domains["example.org"], anybody.today).told
    few = tally(report(day=6, good=1, failures=(("certificate-expired", MX, 1),)))
    assert not refused_now(seen(), few.domains["example.org"], few.today).told


def test_mail_is_refused_where_every_mail_server_fails_now() -> None:
    assert refused_now(seen(mx1=Level.FAIL, mx2=Level.FAIL), None, TODAY).servers == {"mx1", "mx2"}
    for other in (Level.PASS, Level.UNCHECKED, Level.WARN):  # there is one to deliver to, or it isn't known
        assert not refused_now(seen(mx1=Level.FAIL, mx2=other), None, TODAY).told
    assert not refused_now(seen(), None, TODAY).told


def test_ids_are_the_policys_own() -> None:
    assert stack("enforce").policies[0].policy.id == Policy.of("enforce", 604800, [MX]).id
