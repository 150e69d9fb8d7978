"""What a look finds wrong with a domain, what it finds well, and what it can't say."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from checks.finding import ORDER, Domain, Finding, Level
from checks.judge import AZURE_RENEWS, DAY, RENEW
from checks.shown import shown

SOON = 21  # days left of a certificate: Azure renews a month before the end, and so do most others
LAST = 7  # days left, from which on it is a failure
LONGEST = 800  # characters of a text that is kept and told


@dataclass(frozen=True)
class Trouble:
    """Something wrong with a domain.

    :param check: what it is told apart by, such as `policy-host`, `server mx1.example.org` or `testing`.
    :param level: `WARN` or `FAIL`.
    :param text: the evidence of the first.
    :param count: how many findings of this level the check has.
    """

    check: str
    level: Level
    text: str
    way_out: str = ""
    section: str = ""
    count: int = 1

    @property
    def rank(self) -> tuple[int, int]:
        """Greater is worse."""
        return ORDER.index(self.level), self.count

    def json(self) -> dict[str, Any]:
        """As `read` takes it."""
        return asdict(self)

    @classmethod
    def read(cls, given: dict[str, Any]) -> "Trouble":
        """:raises KeyError, TypeError, ValueError: it is none."""
        texts = {name: str(given[name]) for name in ("check", "text", "way_out", "section")}
        return cls(**texts, level=Level(given["level"]), count=int(given["count"]))


def trouble(check: str, level: Level, text: str, way_out: str = "", section: str = "", count: int = 1) -> Trouble:
    """A trouble whose texts are fit to be kept and shown."""
    texts = (shown(each, longest=LONGEST) for each in (text, way_out, section))
    return Trouble(shown(check, longest=LONGEST), level, *texts, count=count)


@dataclass
class Seen:
    """What one look says about a domain.

    :param mode: of its policy, "" where that isn't known.
    :param expires: when the policy host's certificate ends (epoch seconds), where that is known.
    :param troubles: by their check.
    :param well: the checks that found everything right.
    :param named: all checks that said anything.
    :param listed: the kinds of checks, such as `server`, of which every one that there is was named.
    """

    mode: str = ""
    expires: float | None = None
    troubles: dict[str, Trouble] = field(default_factory=dict[str, Trouble])
    well: set[str] = field(default_factory=set[str])
    named: set[str] = field(default_factory=set[str])
    listed: set[str] = field(default_factory=set[str])

    def put(self, *troubles: Trouble) -> None:
        """Something is wrong."""
        for each in troubles:
            self.troubles[each.check] = each
            self.named.add(each.check)
            self.well.discard(each.check)

    def fine(self, check: str) -> None:
        """Nothing is wrong there."""
        check = shown(check, longest=LONGEST)
        self.well.add(check)
        self.named.add(check)

    def is_well(self, check: str) -> bool:
        """It is known that nothing is wrong there any more: seen well, or gone from what there is.

        What wasn't checked is neither: then this is False, and there is no trouble either.
        """
        kind, _, subject = check.partition(" ")
        return check in self.well or (bool(subject) and kind in self.listed and check not in self.named)

    def add(self, other: "Seen") -> None:
        """What was found elsewhere, too."""
        self.put(*other.troubles.values())
        for check in other.well:
            self.fine(check)

    def agreed(self, other: "Seen") -> "Seen":
        """What both of two looks say; of two levels the better."""
        both = [check for check in self.troubles if check in other.troubles]
        return Seen(
            other.mode or self.mode,
            other.expires or self.expires,
            {
                check: min(self.troubles[check], other.troubles[check], key=lambda each: each.rank)
                for check in both
            },
            self.well & other.well,
            self.named | other.named,
            self.listed & other.listed,
        )


def of_domain(domain: Domain, now: float, soon: int = SOON) -> Seen:
    """What a domain's checks found.

    :param now: epoch seconds.
    :param soon: days left of a certificate, from which on it is a trouble.
    """
    seen = Seen(domain.mode, domain.expires)
    by_check: dict[str, list[Finding]] = {}
    for line in domain.lines:
        check = shown(line.check, longest=LONGEST)
        kind, _, server = check.partition(" ")
        by_check.setdefault(check, []).append(_without_certificate(line))
        if kind == "server" and server:
            seen.named.add(f"certificate {server}")  # also of a server that can't be reached now
        if line.expires is not None:
            _certificate(seen, f"certificate {server or 'of the policy host'}", (line.expires - now) / DAY, soon)
    for check, lines in by_check.items():
        seen.named.add(check)
        worst = Domain("", lines).level
        if worst in (Level.WARN, Level.FAIL):
            bad = [line for line in lines if line.level == worst]
            seen.put(trouble(check, worst, bad[0].text, bad[0].way_out, bad[0].section, len(bad)))
        elif any(line.level == Level.PASS for line in lines):
            seen.fine(check)
    seen.listed = _listed(domain.lines)
    return seen


def _listed(lines: Iterable[Finding]) -> set[str]:
    """The kinds of which everything is named: some of the kind are, and none was left out."""
    kinds = {line.check.partition(" ")[0] for line in lines if " " in line.check}
    kinds -= {line.check for line in lines if line.level == Level.UNCHECKED}
    return kinds | ({"certificate"} if "server" in kinds else set())


def _without_certificate(line: Finding) -> Finding:
    """A warning of a certificate that ends soon is told by our own threshold, not by the plain check's too."""
    if line.level == Level.WARN and line.expires is not None and line.way_out in (AZURE_RENEWS, RENEW):
        return Finding(line.check, Level.PASS, line.text, line.section)
    return line


def _certificate(seen: Seen, check: str, days: float, soon: int) -> None:
    if days >= soon:
        seen.fine(check)
        return
    level = Level.FAIL if days < LAST else Level.WARN
    way_out = AZURE_RENEWS if check.endswith("of the policy host") else RENEW
    seen.put(trouble(check, level, f"the certificate is valid for {days:.0f} more days", way_out, "RFC 8461 3.3"))
