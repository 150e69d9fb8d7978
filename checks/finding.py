"""A check's outcome."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class Level(StrEnum):
    """How bad it is, from good to bad."""

    PASS = "pass"
    UNCHECKED = "not checked"
    WARN = "warn"
    FAIL = "fail"


ORDER = list(Level)


@dataclass(frozen=True)
class Line:
    """One line of a domain's result.

    :param check: what was looked at, such as `policy` or `server mx1.example.org`.
    :param text: the evidence.
    :param section: what decides, such as `RFC 8461 3.2`; "" where it is advice.
    :param way_out: what to do; "" where nothing is.
    """

    check: str
    level: Level
    text: str
    section: str = ""
    way_out: str = ""


@dataclass
class Domain:
    """All lines of one domain.

    :param mode: of its policy, "" where there is none.
    :param expires: when the policy host's certificate ends (epoch seconds), where that is known.
    """

    name: str
    lines: list[Line] = field(default_factory=list[Line])
    mode: str = ""
    id: str = ""
    expires: float | None = None

    @property
    def level(self) -> Level:
        """The worst line's; a line that wasn't checked is better than a warning."""
        return max((line.level for line in self.lines), key=ORDER.index, default=Level.UNCHECKED)

    def of(self, check: str) -> Level:
        """The worst level of the lines whose check begins so."""
        return Domain("", [line for line in self.lines if line.check.startswith(check)]).level

    def json(self) -> dict[str, Any]:
        """For `--json`."""
        return {**asdict(self), "level": self.level}


def exit_code(domains: Iterable[Domain]) -> int:
    """0 where all is well, 1 with warnings, 2 with failures."""
    levels = {domain.level for domain in domains}
    return 2 if Level.FAIL in levels else 1 if Level.WARN in levels else 0
