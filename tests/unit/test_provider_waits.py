"""Waiting: progress, deadline, Ctrl-C."""

import asyncio

import pytest

from provider.wait import UserError, Wait, minutes


def waiting(timeout: float = 5, cancelled: asyncio.Event | None = None) -> tuple[Wait, list[str]]:
    lines: list[str] = []
    return Wait(timeout, lines.append, lines.append, cancelled or asyncio.Event()), lines


def test_it_ends_when_the_reason_is_gone_and_tells_the_reason_meanwhile() -> None:
    reasons = iter(["not yet", "almost", None])
    wait, lines = waiting()
    asyncio.run(wait.until("the thing", lambda: next(reasons), "way out"))
    assert "waiting for the thing" in lines[0]
    assert lines[0].endswith("not yet")
    assert lines[1].endswith("almost")


def test_it_gives_up_at_the_deadline_with_reason_and_way_out() -> None:
    wait, _ = waiting(timeout=0.3)
    with pytest.raises(UserError, match=r"gave up waiting for the thing after 0 s: never\. Do this\."):
        asyncio.run(wait.until("the thing", lambda: "never", "Do this."))


def test_ctrl_c_ends_it_at_once() -> None:
    async def cancelled_soon() -> None:
        event = asyncio.Event()
        wait, _ = waiting(timeout=60, cancelled=event)
        asyncio.get_running_loop().call_later(0.05, event.set)
        await wait.until("the thing", lambda: "never", "")

    with pytest.raises(UserError, match="next `pulumi up` goes on"):
        asyncio.run(asyncio.wait_for(cancelled_soon(), 2))


def test_one_good_answer_among_bad_ones_is_not_enough() -> None:
    answers = [None, "stale", None, None, None]
    asked: list[str | None] = []

    def reason() -> str | None:
        asked.append(answers[len(asked)])
        return asked[-1]

    asyncio.run(waiting()[0].until("the thing", reason, "", agreeing=3))
    assert asked == answers


def test_minutes() -> None:
    assert [minutes(7.9), minutes(60), minutes(95)] == ["7 s", "1:00 min", "1:35 min"]
