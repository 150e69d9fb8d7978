"""Waiting that shows where it stands, ends at its deadline and stops on Ctrl-C."""

import asyncio
import time
from collections.abc import Callable

from policy import UserError


class Wait:
    """One operation's deadline, progress line and cancellation.

    :param timeout: seconds until the operation gives up.
    :param tell: shows a status line beside the resource, replacing the one before.
    :param say: prints a lasting line for the resource.
    :param cancelled: set when the user pressed Ctrl-C.
    """

    def __init__(
        self,
        timeout: float,
        tell: Callable[[str], None],
        say: Callable[[str], None],
        cancelled: asyncio.Event,
    ) -> None:
        self.timeout = timeout
        self.tell = tell
        self.say = say
        self.cancelled = cancelled
        self.started = time.monotonic()

    @property
    def elapsed(self) -> float:
        """Seconds since the operation began."""
        return time.monotonic() - self.started

    @property
    def left(self) -> float:
        """Seconds until the deadline; negative past it."""
        return self.timeout - self.elapsed

    async def pause(self, seconds: float) -> None:
        """Sleep, but not past Ctrl-C.

        :raises UserError: cancelled meanwhile.
        """
        if not self.cancelled.is_set():
            try:
                await asyncio.wait_for(self.cancelled.wait(), max(0.0, seconds))
            except TimeoutError:
                return
        raise UserError("stopped; nothing is lost: the next `pulumi up` goes on from here")

    async def until(self, what: str, reason: Callable[[], str | None], way_out: str, agreeing: int = 1) -> None:
        """Ask `reason` (in a thread) until it has returned None `agreeing` times in a row.

        :param what: what is waited for, for the progress line.
        :param reason: returns why it isn't so yet, or None.
        :param way_out: what a user can do when the deadline passes.
        :raises UserError: deadline passed, or cancelled.
        """
        interval, good, reported = 0.25, 0, 0.0
        while True:
            missing = await asyncio.to_thread(reason)
            good = 0 if missing else good + 1
            if good >= agreeing:
                return
            if missing:
                if self.left <= 0:
                    raise UserError(
                        f"gave up waiting for {what} after {minutes(self.timeout)}: {missing}. {way_out}"
                    )
                status = f"waiting for {what}, {minutes(self.elapsed)} of {minutes(self.timeout)}: {missing}"
                self.tell(status)
                if self.elapsed - reported > 60:  # a lasting line a minute, for logs without a terminal
                    reported = self.elapsed
                    self.say(status)
                interval = min(interval * 1.5, 10.0)
            await self.pause(min(interval, max(self.left, 0.05)) if missing else 0.1)


def minutes(seconds: float) -> str:
    """`95` -> `1:35 min`, `7` -> `7 s`."""
    whole = int(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60}:{whole % 60:02d} min"
