"""One change of what people wrote, and how it is told."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Edit:
    """One change of one policy.

    :param policy: its name; of a row, its domain.
    :param key: `mode`, `maxAge`, or `mx`, whose changes are one pattern each; of a row also `preset`.
    :param old: the value as it counts now; "" for a pattern that is added.
    :param new: "" for a pattern or preset that is taken away.
    :param why: one sentence.
    """

    policy: str
    key: str
    old: str
    new: str
    why: str

    def __str__(self) -> str:
        if self.key not in ("mx", "preset"):
            return f"`{self.key}: {self.old}` -> `{self.key}: {self.new}`"
        what = f"{self.key}: " if self.key == "preset" else ""
        return f"{what}add `{self.new}`" if self.new else f"{what}remove `{self.old}`"


def diff(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """The changed lines of files, by their names, as a unified diff without context; each beside what it was, where
    none is new."""
    return "\n".join(line for name, text in after.items() for line in _diff(name, before[name], text))


def _diff(name: str, before: str, after: str) -> Iterator[str]:
    old, new = before.splitlines(), after.splitlines()
    if len(old) != len(new):
        yield from difflib.unified_diff(old, new, name, name, n=0, lineterm="")
        return
    yield from (f"--- {name}", f"+++ {name}")
    last = -1
    for at, (one, other) in enumerate(zip(old, new, strict=True), 1):
        if one != other:
            yield from ([] if at == last + 1 else [f"@@ line {at} @@"])
            yield from (f"-{one}", f"+{other}")
            last = at
