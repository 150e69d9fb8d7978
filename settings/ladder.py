"""`mta-sts:ladder`: the steps by which a policy climbs from testing to a long-lived enforce."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, cast

from policy import Mode
from policy.policy import MAX_AGE_LIMIT
from settings.policies import DAY, WEEK
from settings.reader import Reader, shown

KEY = "mta-sts:ladder"
STEP_KEYS = ("mode", "maxAge", "after")


@dataclass(frozen=True)
class Step:
    """One step.

    :param max_age: seconds.
    :param after: seconds that what was served before must have stood; None for the usual (`waits`).
    """

    mode: Mode
    max_age: int
    after: int | None = None

    @property
    def height(self) -> tuple[bool, int]:
        """By which steps are ordered: enforce is higher than testing, longer is higher than shorter."""
        return height(self.mode, self.max_age)

    def waits(self, mode: Mode, max_age: int) -> int:
        """Seconds that a policy must have stood before it takes this step.

        By default a week, which reports must cover; an enforced policy also its max_age, so that every sender has
        fetched it anew and could have told.

        :param mode, max_age: of the policy as it is.
        """
        if self.after is not None:
            return self.after
        return max(WEEK, max_age) if mode == Mode.ENFORCE else WEEK


DEFAULT = (
    Step(Mode.TESTING, DAY),
    Step(Mode.ENFORCE, DAY),
    Step(Mode.ENFORCE, WEEK),
    Step(Mode.ENFORCE, 4 * WEEK),
)


def height(mode: Mode, max_age: int) -> tuple[bool, int]:
    """See `Step.height`."""
    return mode == Mode.ENFORCE, max_age


def next_step(ladder: Sequence[Step], mode: Mode, max_age: int) -> Step | None:
    """The lowest step above a policy; None at the top, and for a policy that is leaving (mode none)."""
    if mode == Mode.NONE:
        return None
    return next((step for step in ladder if step.height > height(mode, max_age)), None)


def read(reader: Reader, value: Any) -> tuple[Step, ...]:
    """The steps, from the lowest; none where the ladder is switched off by `false` or `[]`."""
    if value is None:
        return DEFAULT
    if value is False:
        return ()
    if not isinstance(value, list):
        reader.problem(KEY, f"{shown(value)} must be a list of steps such as {{mode: enforce, maxAge: {WEEK}}}, or false")  # fmt: skip
        return ()
    steps = [_step(reader, item, f"{KEY}[{at}]") for at, item in enumerate(cast(list[Any], value))]
    for at, (lower, higher) in enumerate(pairwise(steps), 1):
        if lower and higher and higher.height <= lower.height:
            reader.problem(
                f"{KEY}[{at}]",
                f"{higher.mode} {higher.max_age} is no step up from {lower.mode} {lower.max_age}; testing comes "
                "first, and maxAge grows",
            )
    return tuple(step for step in steps if step)


def _step(reader: Reader, item: Any, key: str) -> Step | None:
    given = reader.mapping(item, key, STEP_KEYS)
    if not given:
        return None
    mode = reader.choice(
        given.get("mode"), f"{key}.mode", (Mode.TESTING, Mode.ENFORCE), "must be testing or enforce"
    )
    age = _seconds(reader, given.get("maxAge"), f"{key}.maxAge", 1)
    after = _seconds(reader, given["after"], f"{key}.after", 0) if "after" in given else None
    return Step(Mode(mode), age, after) if mode and age is not None else None


def _seconds(reader: Reader, value: Any, key: str, least: int) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= MAX_AGE_LIMIT:
        reader.problem(
            key, f"{shown(value)} must be {least} to {MAX_AGE_LIMIT} seconds, such as {WEEK} for a week"
        )
        return None
    return value
