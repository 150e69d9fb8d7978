"""When a write that Azure refused is tried again, for error hooks of programs (pulumi.com/docs/iac/concepts/resources/options/hooks).

Only what was refused before anything existed may be: after a failure halfway the next try would meet "cannot create already
existing resource", and the state would be lost.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pulumi

TRIES, PAUSE, AT_FIRST = 40, 15.0, 2.0  # times, and seconds between two: ten minutes in all
IN_PROGRESS = re.compile(
    r"another.{0,20}operation|operation.{0,30}in progress", re.IGNORECASE
)  # AnotherOperationInProgress


def busy(error: str) -> bool:
    """Whether Azure is at work on what was written before."""
    return "409" in error and IN_PROGRESS.search(error) is not None


async def again(failure: pulumi.ErrorHookArgs, wanted: bool) -> bool:
    """Pause before the next try.

    :param wanted: whether the newest error is one that passes.
    :returns: whether there is a next try.
    """
    if not wanted or len(failure.errors) >= TRIES:
        return False
    await asyncio.sleep(PAUSE if len(failure.errors) > 3 else AT_FIRST)
    return True
