"""Inputs by hypothesis: the seeds, cut, doubled, mixed and with bytes and words put in."""

import time

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from fuzz.targets import Target


def inputs(target: Target) -> st.SearchStrategy[bytes]:
    """Seeds after some changes."""
    piece = st.one_of(
        st.binary(max_size=8), st.sampled_from([*target.words, *target.seeds, b"\0", b"\xff" * 4, b"\n"])
    )
    changes = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), piece), max_size=6)

    def changed(seed: bytes, made: list[tuple[float, float, bytes]]) -> bytes:
        for start, length, put in made:
            at = int(start * len(seed))
            seed = seed[:at] + put + seed[at + int(length**4 * len(seed)) :]
        return seed

    return st.one_of(st.builds(changed, st.sampled_from(target.seeds), changes), st.binary(max_size=200))


def run(target: Target, most: int, seconds: float = 0) -> int:
    """Give a reader inputs: `most` at a time, again and again for so many seconds.

    :returns: how many there were.
    :raises Exception: what the smallest input that was found raised; hypothesis prints that.
    """
    count, until = 0, time.monotonic() + seconds

    @settings(max_examples=most, deadline=None, database=None, phases=[Phase.generate, Phase.shrink], suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(inputs(target))
    def one(data: bytes) -> None:
        nonlocal count
        count += 1
        target.run(data)

    one()
    while time.monotonic() < until:
        one()
    return count
