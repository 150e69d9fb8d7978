"""What a check finds, and the result of a domain's checks."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from policy import Mode


class Level(StrEnum):
    """How bad it is, from good to bad."""

    PASS = "pass"
    UNCHECKED = "not checked"
    WARN = "warn"
    FAIL = "fail"


ORDER = list(Level)
DEFECT = 70  # sysexits.h
NEXT: dict[str, str] = {
    Mode.TESTING: "watch TLS reports for a week or two, then set mode: enforce",
    Mode.ENFORCE: "nothing; senders insist on verified TLS. To leave, set mode: none first",
    Mode.NONE: "wait until heldUntil (nothing there: no wait), then remove the domain",
}


@dataclass(frozen=True)
class Finding:
    """One thing that a check found.

    :param check: what was looked at, such as `policy` or `server mx1.example.org`.
    :param text: the evidence.
    :param section: what decides, such as `RFC 8461 3.2`; "" where it is advice.
    :param way_out: what to do; "" where nothing is.
    :param defect: the check itself broke, which says nothing about the domain; the level is `UNCHECKED`.
    :param expires: when the certificate ends that was seen there (epoch seconds), where one was.
    """

    check: str
    level: Level
    text: str
    section: str = ""
    way_out: str = ""
    defect: bool = False
    expires: float | None = None


@dataclass
class Domain:
    """Everything that was found of one domain.

    :param mode: of its policy, "" where there is none.
    :param expires: when the policy host's certificate ends (epoch seconds), where that is known.
    :param servers: each address of its mail servers that was tried: `host`, `address`, `version` and `cipher` of TLS,
        when its certificate `expires`, `fault`.
    """

    name: str
    lines: list[Finding] = field(default_factory=list[Finding])
    mode: str = ""
    id: str = ""
    expires: float | None = None
    servers: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    @property
    def level(self) -> Level:
        """The worst finding's; what wasn't checked is better than a warning."""
        return max((finding.level for finding in self.lines), key=ORDER.index, default=Level.UNCHECKED)

    @property
    def next(self) -> str:
        """What to do now: the way out of the first of the worst findings; where all is well, the mode's next step."""
        if self.level in (Level.WARN, Level.FAIL):
            worst = next(finding for finding in self.lines if finding.level == self.level)
            return worst.way_out or worst.text
        return NEXT.get(self.mode, "")

    def of(self, check: str) -> Level:
        """The worst level of the findings whose check begins so."""
        return Domain("", [finding for finding in self.lines if finding.check.startswith(check)]).level

    def json(self) -> dict[str, Any]:
        """For `--json`."""
        return {**asdict(self), "level": self.level}


def exit_code(domains: Iterable[Domain]) -> int:
    """0 where all is well, 1 with warnings, 2 with failures, 70 where a check broke and none found a failure."""
    levels = {domain.level for domain in domains}
    if Level.FAIL in levels:
        return 2
    if any(finding.defect for domain in domains for finding in domain.lines):
        return DEFECT
    return 1 if Level.WARN in levels else 0
