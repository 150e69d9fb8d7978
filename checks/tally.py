"""Counts over any number of reports, in bounded memory.

Anybody can send a report, under any name. So what one report says never makes another's count for less: a day of a
sender is as bad as its worst report, one report's sessions count up to a bound, and of two that differ under the same
id both count.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from hashlib import blake2b
from typing import Any, NamedTuple

from checks.reading import Broken, Failure, PolicyPart, Report

# RFC 8460 4.3: what a sender that enforces would refuse to deliver for.
REFUSED = frozenset({
    "starttls-not-supported",
    "certificate-host-mismatch",
    "certificate-expired",
    "certificate-not-trusted",
    "validation-failure",
})  # fmt: skip
TOLERATED = 0.001  # of a report's sessions; stray failures are the senders' own as often as not
CLAIMED = 1_000_000  # sessions of one report and domain that are believed
FIRST = date(2018, 9, 1)  # RFC 8460 is of that month; no report is older
LARGEST = 5_000  # names of one table; strangers choose them
ENTRIES = 200_000  # days of senders of domains, in all
FAILURES = 50_000  # mail servers and results of domains, in all
NAMED = 20  # broken or odd reports that are named
OTHERS = "(others)"


class Table(Counter[str]):
    """Counts by a name, those that come late together once there are too many."""

    def count(self, name: str, by: int) -> None:
        """Add to a name's count."""
        self[name if name in self or len(self) < LARGEST else OTHERS] += by


class Who(NamedTuple):
    """A sender: the domain that signed, or without a signature the name that anybody could have written."""

    name: str
    verified: bool

    def __str__(self) -> str:
        return f"{self.name} ({'verified' if self.verified else 'not verified'})"


@dataclass(slots=True)
class Day:
    """One day's sessions.

    :param refusing: some report of it has more refused sessions than are tolerated.
    :param fetching: the same of sessions that could not get the policy.
    :param failures: failed sessions by mail server ("unknown" where none is named) and result type, of every policy
        type.
    """

    good: int = 0
    bad: int = 0
    refusing: bool = False
    fetching: bool = False
    failures: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])


@dataclass
class Domain:
    """What was reported of one policy domain.

    :param refused: sessions that enforce would have turned into refused mail, by `mx: result type`.
    :param fetching: failures to get the policy itself, by result type.
    """

    senders: dict[Who, dict[date, Day]] = field(default_factory=dict[Who, dict[date, Day]])
    refused: Table = field(default_factory=Table)
    fetching: Table = field(default_factory=Table)

    @property
    def days(self) -> dict[date, Day]:
        """All senders' days together, in their order."""
        days: dict[date, Day] = {}
        for sender in self.senders.values():
            for when, day in sender.items():
                sum_ = days.setdefault(when, Day())
                sum_.good, sum_.bad = sum_.good + day.good, sum_.bad + day.bad
                sum_.refusing, sum_.fetching = sum_.refusing or day.refusing, sum_.fetching or day.fetching
                sum_.failures.update(day.failures)
        return dict(sorted(days.items()))

    @property
    def good(self) -> int:
        """Sessions that succeeded."""
        return sum(day.good for sender in self.senders.values() for day in sender.values())

    @property
    def bad(self) -> int:
        """Sessions that failed."""
        return sum(day.bad for sender in self.senders.values() for day in sender.values())


@dataclass
class Tally:
    """All counts.

    :param since: earlier days are passed over.
    :param asked: the domains that matter; none for all. Others' reports never crowd these out.
    :param verified_only: pass over reports that no domain has verifiably signed.
    :param today: later days are refused.
    :param odd: what is wrong with reports that can be read.
    :param full: strangers have sent more than can be counted one by one.
    """

    since: date | None = None
    asked: frozenset[str] = frozenset()
    verified_only: bool = False
    today: date = field(default_factory=lambda: datetime.now(UTC).date())
    reports: int = 0
    repeated: int = 0
    differing: int = 0
    earlier: int = 0
    future: int = 0
    capped: int = 0
    unverified: int = 0
    broken: int = 0
    full: bool = False
    named: list[Broken] = field(default_factory=list[Broken])
    odd: list[str] = field(default_factory=list[str])
    domains: dict[str, Domain] = field(default_factory=dict[str, Domain])
    senders: Table = field(default_factory=Table)
    servers: Table = field(default_factory=Table)
    results: Table = field(default_factory=Table)
    _seen: set[bytes] = field(default_factory=set[bytes])
    _entries: int = 0
    _failures: int = 0
    _day_failures: int = 0

    def add(self, reports: Iterable[Report | Broken]) -> "Tally":
        """Count reports in."""
        for report in reports:
            if isinstance(report, Broken):
                self.broken += 1
                if len(self.named) < NAMED:
                    self.named.append(report)
            else:
                self._report(report)
        return self

    def _report(self, report: Report) -> None:
        if report.day > self.today:
            self.future += 1
            self._odd(report, "is of a day to come: not counted")
            return
        if report.day < max(self.since or FIRST, FIRST):
            self.earlier += 1
            return
        if self.verified_only and not report.verified:
            self.unverified += 1
            return
        if self._repeated(report):
            self.repeated += 1
            return
        self.reports += 1
        who = Who(report.verified or report.sender, bool(report.verified))
        by_domain: dict[str, list[PolicyPart]] = {}
        for part in report.policies:
            by_domain.setdefault(part.domain, []).append(part)
        for name, parts in by_domain.items():
            self._parts(report, who, name, parts)

    def _repeated(self, report: Report) -> bool:
        """Senders repeat themselves, and mailboxes keep copies. What differs is no copy: somebody forges, and nobody
        knows which."""
        if not report.id:
            return False
        mark = _digest(report.verified, report.sender, report.id, report.day)
        content = _digest(mark, report.policies)
        if content in self._seen:
            return True
        if mark in self._seen:
            self.differing += 1
            self._odd(report, "differs from another of the same id and day: both count")
        self._seen |= {mark, content}
        return False

    def _parts(self, report: Report, who: Who, name: str, parts: list[PolicyPart]) -> None:
        good, bad = sum(part.good for part in parts), sum(part.bad for part in parts)
        if good + bad > CLAIMED:
            self.capped += 1
            self._odd(report, f"claims {good + bad} sessions with {name}: {CLAIMED} count")
            good, bad = min(good, CLAIMED), min(bad, CLAIMED)
        self.senders.count(str(who), good + bad)
        domain, day = self._day(name, who, report.day)
        day.good, day.bad = day.good + good, day.bad + bad
        refused = fetching = 0
        for part in parts:
            counted = part.type != "tlsa"  # DANE's failures are judged by other rules
            told = sum(failure.sessions for failure in part.failures)
            unexplained = [Failure("no reason given", "", part.bad - told)] if counted and part.bad > told else []
            for failure in [*part.failures, *unexplained]:
                sessions = min(failure.sessions, CLAIMED)
                self.results.count(failure.result, sessions)
                self.servers.count(failure.mx or "unknown", sessions)
                self._failure(day, failure.mx or "unknown", failure.result, sessions)
                if counted and (failure.result in REFUSED or failure in unexplained):
                    refused += sessions
                    self._count(domain.refused, f"{failure.mx or 'unknown'}: {failure.result}", sessions)
                elif failure.result.startswith("sts-"):
                    fetching += sessions
                    self._count(domain.fetching, failure.result, sessions)
        day.refusing |= refused > TOLERATED * (good + bad)
        day.fetching |= fetching > TOLERATED * (good + bad)

    def _day(self, name: str, who: Who, when: date) -> tuple[Domain, Day]:
        """Where to count. Once there is no room, all that is new goes to others: its failures are not lost."""
        room = self._entries < ENTRIES
        asked = name in self.asked
        known = name in self.domains
        if not (asked or (not self.asked and (known or (room and len(self.domains) < LARGEST)))):
            self.full |= not self.asked
            name, who = OTHERS, Who(OTHERS, False)
        domain = self.domains.setdefault(name, Domain())
        fits = room and (who in domain.senders or len(domain.senders) < LARGEST)
        if not fits and when not in domain.senders.get(who, {}):
            self.full |= not self.asked
            who = Who(OTHERS, who.verified)
            if not asked and when not in domain.senders.get(who, {}):
                domain = self.domains.setdefault(OTHERS, Domain())
        days = domain.senders.setdefault(who, {})
        if when not in days:
            self._entries += 1
        return domain, days.setdefault(when, Day())

    def _failure(self, day: Day, server: str, result: str, sessions: int) -> None:
        """Into a day; all days share one bound, and once it is reached servers and results are no longer told apart."""
        key = (server, result)
        if key not in day.failures:
            if self._day_failures >= ENTRIES:
                key = (OTHERS, OTHERS)
            self._day_failures += 1
        day.failures[key] += sessions

    def _count(self, table: Table, name: str, sessions: int) -> None:
        """Into a table of one domain; all of these share one bound."""
        if name not in table:
            name = name if self._failures < FAILURES else OTHERS
            self._failures += 1
        table.count(name, sessions)

    def _odd(self, report: Report, why: str) -> None:
        if len(self.odd) < NAMED:
            self.odd.append(f"report {report.id or 'without an id'} of {report.sender}, {report.day}, {why}")

    def json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "reports": self.reports,
            "repeated": self.repeated,
            "differing": self.differing,
            "earlier": self.earlier,
            "future": self.future,
            "capped": self.capped,
            "unverified": self.unverified,
            "broken": self.broken,
            "brokenNamed": [f"{broken.where} {broken.why}" for broken in self.named],
            "odd": self.odd,
            "full": self.full,
            "senders": dict(self.senders.most_common()),
            "servers": dict(self.servers.most_common()),
            "results": dict(self.results.most_common()),
            "domains": {
                name: {
                    "days": {str(when): [day.good, day.bad] for when, day in domain.days.items()},
                    "senders": {str(who): _summary(days) for who, days in domain.senders.items()},
                    "refused": dict(domain.refused.most_common()),
                    "fetching": dict(domain.fetching.most_common()),
                }
                for name, domain in sorted(self.domains.items())
            },
        }


def _summary(days: dict[date, Day]) -> dict[str, int]:
    return {
        "days": len(days),
        "refusing": sum(day.refusing for day in days.values()),
        "fetching": sum(day.fetching for day in days.values()),
        "sessions": sum(day.good + day.bad for day in days.values()),
    }


def _digest(*values: object) -> bytes:
    return blake2b(repr(values).encode("utf-8", "surrogatepass"), digest_size=16).digest()
