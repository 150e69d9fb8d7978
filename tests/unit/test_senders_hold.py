"""When a domain may go (RFC 8461 8.3), and what a change of policy means: told before it happens."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from policy import Policy, UserError
from provider import content, senders_hold
from provider.wait import Wait

NOW = datetime(2026, 1, 1, tzinfo=UTC)
WEEK = 604_800


def text(mode: str, max_age: int = WEEK, mx: tuple[str, ...] = ("mail.example.org",)) -> str:
    return Policy.of(mode, max_age, mx).render().decode()


def after(*steps: tuple[float, str, int], found: str = "", found_age: int = 0) -> dict[str, Any]:
    """The state after policies (days since NOW, mode, max_age)."""
    state: dict[str, Any] = {}
    greatest = found_age
    for days, mode, age in steps:
        greatest = max(greatest, age)
        inputs = {"policy": text(mode, age), "greatestMaxAge": greatest, "foundMode": found}
        state = {**inputs, **senders_hold.held(inputs, state, NOW + timedelta(days=days))}
    return state


@pytest.mark.parametrize(
    ("steps", "until"),
    [
        ([(0, "testing", WEEK)], ""),
        ([(0, "testing", WEEK), (1, "testing", 2 * WEEK)], ""),
        ([(0, "none", 86400)], ""),  # a new domain that begins so was promised to nobody
        ([(0, "enforce", WEEK)], ""),  # refused for being enforced, not for a date
        ([(0, "enforce", WEEK), (1, "none", 86400)], "2026-01-09T00:00:00Z"),
        ([(0, "testing", WEEK), (1, "none", 86400)], "2026-01-09T00:00:00Z"),
        ([(0, "enforce", WEEK), (1, "testing", 86400)], "2026-01-09T00:00:00Z"),
        # the greatest max_age ever served counts, not the last one
        ([(0, "enforce", 30 * 86400), (1, "enforce", 86400), (2, "none", 60)], "2026-02-02T00:00:00Z"),
        # a second change while leaving starts no new wait
        ([(0, "enforce", WEEK), (1, "none", 86400), (5, "none", 60)], "2026-01-09T00:00:00Z"),
        # back to testing and out again: never earlier than before
        ([(0, "enforce", WEEK), (1, "none", 60), (2, "testing", 60), (3, "none", 60)], "2026-01-11T00:00:00Z"),
    ],
)
def test_held_until_the_change_plus_the_greatest_max_age(steps: list[Any], until: str) -> None:
    assert after(*steps)["heldUntil"] == until


def test_what_was_served_before_it_was_taken_over_counts() -> None:
    assert after((0, "none", 60), found="enforce", found_age=WEEK)["heldUntil"] == "2026-01-08T00:00:00Z"
    assert after((0, "none", 60), found="none", found_age=WEEK)["heldUntil"] == "2026-01-08T00:00:00Z"
    assert after((0, "testing", 60), found="enforce", found_age=WEEK)["heldUntil"] == "2026-01-08T00:00:00Z"
    assert after((0, "testing", 60), found="testing", found_age=WEEK)["heldUntil"] == ""


def release(**state: Any) -> None:
    wait = Wait(5, lambda _: None, lambda _: None, asyncio.Event())
    asyncio.run(senders_hold.delete({"domain": "example.org", **state}, wait))


def test_it_refuses_to_go_too_early_and_names_date_risk_and_way_out() -> None:
    until = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    with pytest.raises(UserError, match=f"example.org can't go before {until}.*removeEarlyAndRiskMail: true"):
        release(policy=text("none"), heldUntil=until)
    release(policy=text("none"), heldUntil=until, removeEarly=True)
    release(policy=text("none"), heldUntil="2026-01-01T00:00:00Z")
    release(policy=text("testing"), heldUntil="")
    with pytest.raises(UserError, match="set mode: none"):
        release(policy=text("enforce"), heldUntil="", removeEarly=True)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("", text("testing"), []),
        (text("testing"), text("testing", WEEK, ("a.example", "mail.example.org")), []),
        ("", text("enforce"), ["senders will refuse to deliver"]),
        (text("testing"), text("enforce"), ["remember that for 7 days"]),
        (text("enforce"), text("enforce"), []),
        (text("enforce"), text("none", 86400), ["follow it until they look again, up to 7 days"]),
        (text("enforce", WEEK, ("a.example", "b.example")), text("enforce", WEEK, ("b.example",)), ["mx without a.example"]),
        (text("testing", WEEK, ("a.example", "b.example")), text("testing", WEEK, ("b.example",)), []),
        (text("enforce"), text("enforce", 86400), ["maxAge from 7 days to 86400 s"]),
        (text("enforce"), text("enforce", WEEK // 2), []),
        (text("testing"), text("none", 60), []),
    ],
)  # fmt: skip
def test_a_change_says_what_it_means(old: str, new: str, words: list[str]) -> None:
    lines = content.warn({"policy": old} if old else {}, {"policy": new})
    assert len(lines) == len(words)
    for line, word in zip(lines, words, strict=True):
        assert word in line
