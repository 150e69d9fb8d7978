"""May a policy be enforced? From reports, from what a sender sees now, and what to change.

Reports are judged by sender and by share of days, never by all sessions together: a stranger can send any number of
sessions, but can't take back what another sender has reported. The worst of the senders that tell enough decides.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from checks import outlook
from checks.finding import Domain, Finding, Level
from checks.outlook import Bad, Progress
from checks.tally import Day, Who
from checks.tally import Domain as Reported

DAYS = 7  # that reports must cover
SESSIONS = 1  # that they must tell of
STRAY = 0.05  # of a sender's days may be bad …
MOST_STRAY = 2  # … and never more than these: further good days are easily forged
ENOUGH_SESSIONS, ENOUGH_DAYS = 10, 3  # either of them, and a sender is judged by itself
NOT_NEEDED = ("dane", "dnssec", "ipv6", "tls-reports", "name-servers")  # checks that enforcing doesn't depend on


@dataclass(frozen=True)
class Verdict:
    """Whether enforcing would refuse no mail.

    :param reasons: what speaks against it, the worst first; what is fine too where `safe`.
    :param next: what to do now, in one sentence.
    :param missing: until it is safe, each with its numbers; the first thing to mend first.
    :param likely: when it is likely to be safe; None where it is, where nothing comes, and where something must be
        mended first.
    """

    domain: str
    safe: bool
    reasons: list[str]
    next: str = ""
    missing: list[str] = field(default_factory=list[str])
    likely: date | None = None
    progress: Progress = field(default_factory=Progress)

    def json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "domain": self.domain,
            "safe": self.safe,
            "next": self.next,
            "reasons": self.reasons,
            "missing": self.missing,
            "likely": str(self.likely) if self.likely else None,
            "progress": self.progress.json(),
        }


def of_reports(name: str, reported: Reported | None, full: bool = False, today: date | None = None) -> Verdict:
    """The verdict that senders' reports allow.

    :param full: strangers have sent more than could be counted for every domain.
    :param today: the tally's; it dates `likely` alone. Without it, today in UTC.
    """
    if reported is None or not reported.senders:
        way = outlook.nothing_yet(name, Progress(days_needed=DAYS, sessions_needed=SESSIONS))
        reasons = ["no sender has reported yet; is there a _smtp._tls record?"]
        return Verdict(name, False, reasons, way.next, way.missing, way.likely, way.progress)
    days = reported.days
    refusing, fetching = _bad(reported, "refusing"), _bad(reported, "fetching")
    bad = [*refusing, *fetching]
    last_bad = max((when for when, day in days.items() if day.refusing or day.fetching), default=date.min)
    progress = Progress(
        days=sum(when > last_bad for when in days) if bad else len(days),
        days_needed=DAYS,
        sessions=reported.good + reported.bad,
        sessions_needed=SESSIONS,
        senders=len(reported.senders),
        senders_enough=sum(map(_enough, reported.senders.values())),
        to_mend=list(dict.fromkeys(str(each.who) for each in bad)),
    )
    way = outlook.outlook(name, reported, days, progress, bad, full, today or datetime.now(UTC).date())
    against = _against(reported, days, refusing, fetching, full)
    reasons = against or _in_favour(reported, days)
    return Verdict(name, not against, reasons, way.next, way.missing, way.likely, way.progress)


def _against(
    reported: Reported, days: Mapping[date, Day], refusing: list[Bad], fetching: list[Bad], full: bool
) -> list[str]:
    """What speaks against enforcing, the worst first; nothing where it is safe."""
    sessions = reported.good + reported.bad
    against: list[str] = []
    if sessions < SESSIONS:
        against.append("the reports tell of no session")
    if refusing:
        against.append(f"{reported.refused.total()} of {sessions} sessions would have been refused")
        against += map(str, refusing[:5])
        against += [f"mend first: {what} ({count} sessions)" for what, count in reported.refused.most_common(5)]
    if len(days) < DAYS:
        against.append(
            f"reports cover {len(days)} days ({min(days)} to {max(days)}); wait until they cover {DAYS}"
        )
    if fetching:
        against += map(str, fetching[:5])
        against += [
            f"senders could not get the policy: {what} ({count} sessions)"
            for what, count in reported.fetching.most_common(3)
        ]
    if refusing or fetching:
        until = max(when for when, day in days.items() if day.refusing or day.fetching)
        against.append(f"once that is mended, judge by the days after it: --since {until + timedelta(days=1)}")
    if full:
        against.append("there are more senders or domains in these reports than can be counted; name the domain: --domain")  # fmt: skip
    return against


def _in_favour(reported: Reported, days: Mapping[date, Day]) -> list[str]:
    sessions, refused = reported.good + reported.bad, reported.refused.total()
    verified = sum(who.verified for who in reported.senders)
    return [
        f"{sessions} sessions on {len(days)} days ({min(days)} to {max(days)}), {refused} would have been refused",
        f"{verified} of {len(reported.senders)} senders are verified; the others may be anybody (docs/checks.md)",
    ]


def _enough(days: Mapping[date, Day]) -> bool:
    """Whether a sender tells enough to be judged by itself."""
    return len(days) >= ENOUGH_DAYS or sum(day.good + day.bad for day in days.values()) >= ENOUGH_SESSIONS


def _bad(reported: Reported, kind: str) -> list[Bad]:
    """The senders whose share of bad days is too large, the worst first.

    :param kind: which days are bad, as `Day` calls it.
    """

    def bad(days: Mapping[date, Day]) -> int:
        return sum(getattr(day, kind) for day in days.values())

    large = {who: days for who, days in reported.senders.items() if _enough(days)}
    small = {who: days for who, days in reported.senders.items() if who not in large}
    worst = {who: days for who, days in large.items() if not _stray(bad(days), len(days))}
    if not _stray(sum(bad(days) > 0 for days in small.values()), len(small)):
        worst |= {who: days for who, days in small.items() if bad(days)}
    ordered: list[tuple[Who, dict[date, Day]]] = sorted(worst.items(), key=lambda item: -bad(item[1]))
    return [Bad(who, kind, bad(days), len(days)) for who, days in ordered]


def _stray(bad: int, of: int) -> bool:
    return bad <= min(STRAY * of, MOST_STRAY)


def of_both(seen: Domain, reported: Reported | None, today: date | None = None) -> Verdict:
    """The verdict that both allow: what a sender sees now, and what senders reported.

    :param today: as in `of_reports`.
    """
    by_reports = of_reports(seen.name, reported, today=today)
    failed = [line for line in seen.lines if line.level == Level.FAIL]
    failed += [line for line in seen.lines if line.check == "mx" and line.level == Level.WARN]
    unchecked = [  # whatever kept it from being checked: a stranger may have
        line
        for line in seen.lines
        if line.level == Level.UNCHECKED and line.check.partition(" ")[0] not in NOT_NEEDED
    ]
    servers = [line for line in seen.lines if line.check.startswith("server ")]
    wrong = [f"{line.check}: {line.text}" for line in failed]
    wrong += [f"{line.check} was not checked: {line.text}" for line in unchecked]
    if not servers:
        wrong.append("no mail server was looked at")
    if wrong or not by_reports.safe:
        next_ = _next(seen, failed, unchecked, not servers) or by_reports.next
        if not wrong and seen.mode == "enforce" and not by_reports.progress.to_mend:
            next_ = (
                f"Nothing yet: it is enforced already, and reports cover {by_reports.progress.days} of {DAYS} days"
            )
        return replace(
            by_reports,
            safe=False,
            reasons=[*wrong, *([] if by_reports.safe else by_reports.reasons)],
            next=next_,
            missing=[*_missing(failed, unchecked, not servers), *by_reports.missing],
            likely=None if failed else by_reports.likely,
        )
    if seen.mode == "enforce":
        next_ = seen.next if seen.level == Level.WARN else "Nothing: it is enforced, and no sender is refused"
        return replace(by_reports, reasons=["it is enforced already", *by_reports.reasons], next=next_)
    return replace(
        by_reports,
        reasons=[*by_reports.reasons, f"all {len(servers)} mail servers are as the policy wants"],
        next="Enforce: set mode: enforce in the stack's file, then pulumi up",
    )


def _missing(failed: list[Finding], unchecked: list[Finding], no_servers: bool) -> list[str]:
    """The same as numbers."""
    counts = {"to be mended": len(failed), "to be checked": len(unchecked)}
    told = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    missing = [f"what a sender sees: {told}"] if told else []
    return [*missing, "mail servers: none was looked at"] if no_servers else missing


def _next(seen: Domain, failed: list[Finding], unchecked: list[Finding], no_servers: bool) -> str:
    """What to do about what a sender sees now; "" where that is fine."""
    for verb, lines in (("Mend", failed), ("Check", unchecked)):
        if lines:
            more = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
            return f"{verb} {lines[0].check}: {lines[0].way_out or lines[0].text}{more}"
    return f"Look at the mail servers of {seen.name}, too: without --no-servers" if no_servers else ""
