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
from typing import Any, NamedTuple, Protocol

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
ENTRIES = 200_000  # days of senders of domains, in all …
EACH = 500  # … or of each domain that was asked for, on average: four weeks of eighteen senders
FAILURES = 50_000  # mail servers and results of domains, in all
NAMED = 20  # broken or odd reports that are named
OTHERS = "(others)"


class Table(Counter[str]):
    """Counts by a name, those that come late together once there are too many."""

    def count(self, name: str, by: int) -> None:
        """Add to a name's count."""
        self[name if name in self or len(self) < LARGEST else OTHERS] += by


class Marks(Protocol):
    """Which reports were seen, by digests."""

    def __contains__(self, mark: object, /) -> bool: ...

    def keep(self, day: date, *marks: bytes) -> None:
        """Remember marks of a report.

        :param day: that it is of.
        """
        ...


class _Seen(set[bytes]):
    def keep(self, day: date, *marks: bytes) -> None:
        """See `Marks`."""
        self.update(marks)


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
    :param refused: those of them that enforce would have turned into refused mail.
    """

    good: int = 0
    bad: int = 0
    refusing: bool = False
    fetching: bool = False
    failures: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    refused: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])

    def add(self, other: "Day") -> None:
        """Count another's sessions in."""
        self.good, self.bad = self.good + other.good, self.bad + other.bad
        self.refusing, self.fetching = self.refusing or other.refusing, self.fetching or other.fetching
        self.failures.update(other.failures)
        self.refused.update(other.refused)


@dataclass
class Domain:
    """What was reported of one policy domain.

    :param refused: sessions that enforce would have turned into refused mail, by `mx: result type`.
    :param fetching: failures to get the policy itself, by result type.
    """

    senders: dict[Who, dict[date, Day]] = field(default_factory=dict[Who, dict[date, Day]])
    refused: Table = field(default_factory=Table)
    fetching: Table = field(default_factory=Table)

    def since(self, first: date) -> "Domain":
        """The same without earlier days."""
        found = Domain()
        for who, days in self.senders.items():
            if kept := {when: day for when, day in days.items() if when >= first}:
                found.senders[who] = kept
            for day in kept.values():
                for (server, result), sessions in day.refused.items():
                    found.refused.count(f"{server}: {result}", sessions)
                for failure, sessions in (day.failures - day.refused).items():
                    if failure[1].startswith("sts-"):
                        found.fetching.count(failure[1], sessions)
        return found

    @property
    def days(self) -> dict[date, Day]:
        """All senders' days together, in their order."""
        days: dict[date, Day] = {}
        for sender in self.senders.values():
            for when, day in sender.items():
                days.setdefault(when, Day()).add(day)
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
    :param others: while there is room, also count the domains that weren't asked for.
    :param today: later days are refused.
    :param odd: what is wrong with reports that can be read.
    :param unread: where reports were to come from, and why they didn't.
    :param full: strangers have sent more than can be counted one by one.
    """

    since: date | None = None
    asked: frozenset[str] = frozenset()
    verified_only: bool = False
    others: bool = False
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
    unread: list[str] = field(default_factory=list[str])
    domains: dict[str, Domain] = field(default_factory=dict[str, Domain])
    senders: Table = field(default_factory=Table)
    servers: Table = field(default_factory=Table)
    results: Table = field(default_factory=Table)
    seen: Marks = field(default_factory=_Seen, repr=False)
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
        knows which. The copy of a signed report is a copy, even if nobody can verify it: keys don't stay in DNS."""
        mark, content = _marks(report, report.verified)
        if content in self.seen:
            return True
        if report.id and mark in self.seen:
            self.differing += 1
            self._odd(report, "differs from another of the same id and day: both count")
        self.seen.keep(report.day, mark, content, *([_marks(report, "")[1]] if report.verified else []))
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
                refusing = counted and (failure.result in REFUSED or failure in unexplained)
                self._failed(domain, day, failure.mx or "unknown", failure.result, sessions, refusing)
                if refusing:
                    refused += sessions
                elif failure.result.startswith("sts-"):
                    fetching += sessions
        day.refusing |= refused > TOLERATED * (good + bad)
        day.fetching |= fetching > TOLERATED * (good + bad)

    def restore(self, name: str, who: Who, when: date, kept: Day) -> None:
        """Count in what was counted before and kept, within the same bounds."""
        self.senders.count(str(who), kept.good + kept.bad)
        domain, day = self._day(name, who, when)
        day.add(Day(kept.good, kept.bad, kept.refusing, kept.fetching))
        for (server, result), sessions in kept.failures.items():
            refused = kept.refused[server, result]
            if (server, result) in kept.refused:
                self._failed(domain, day, server, result, refused, refusing=True)
            if sessions > refused or (server, result) not in kept.refused:
                self._failed(domain, day, server, result, sessions - refused, refusing=False)

    def _day(self, name: str, who: Who, when: date) -> tuple[Domain, Day]:
        name, who = self._place(name, who, when)
        domain = self.domains.setdefault(name, Domain())
        days = domain.senders.setdefault(who, {})
        if when not in days:
            self._entries += 1
        return domain, days.setdefault(when, Day())

    def _place(self, name: str, who: Who, when: date) -> tuple[str, Who]:
        """Where to count. Once there is no room, all that is new goes to others: its failures are not lost."""
        room = self._entries < max(ENTRIES, EACH * len(self.asked))
        asked = name in self.asked
        every = self.others or not self.asked
        if not (asked or (every and (name in self.domains or (room and len(self.domains) < LARGEST)))):
            self.full |= every
            name, who = OTHERS, Who(OTHERS, False)
        senders = self.domains.setdefault(name, Domain()).senders
        fits = room and (who in senders or len(senders) < LARGEST)
        if not fits and when not in senders.get(who, {}):
            self.full |= every
            who = Who(OTHERS, who.verified)
            if not asked and when not in senders.get(who, {}):
                name = OTHERS
        return name, who

    def _failed(self, domain: Domain, day: Day, server: str, result: str, sessions: int, refusing: bool) -> None:
        """Count failed sessions everywhere.

        :param refusing: enforce would have turned them into refused mail.
        """
        self.results.count(result, sessions)
        self.servers.count(server, sessions)
        key = (server, result)
        if key not in day.failures:  # all days share one bound; beyond it servers and results aren't told apart
            if self._day_failures >= ENTRIES:
                key = (OTHERS, OTHERS)
            self._day_failures += 1
        day.failures[key] += sessions
        if refusing:
            day.refused[key] += sessions
            self._count(domain.refused, f"{server}: {result}", sessions)
        elif result.startswith("sts-"):
            self._count(domain.fetching, result, sessions)

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
            "unread": self.unread,
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


def _marks(report: Report, verified: str) -> tuple[bytes, bytes]:
    """Digests of what makes a report one of its kind, and of that and all it says."""
    mark = _digest(verified, report.sender, report.id, report.day)
    return mark, _digest(mark, report.policies)


def _digest(*values: object) -> bytes:
    return blake2b(repr(values).encode("utf-8", "surrogatepass"), digest_size=16).digest()
