"""Counts over any number of reports, in bounded memory."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from hashlib import blake2b
from typing import Any

from checks.reading import Broken, Report

# RFC 8460 4.3: what a sender that enforces would refuse to deliver for, and what it would not.
REFUSED = frozenset({
    "starttls-not-supported",
    "certificate-host-mismatch",
    "certificate-expired",
    "certificate-not-trusted",
    "validation-failure",
})  # fmt: skip
DANE = frozenset({"tlsa-invalid", "dnssec-invalid", "dane-required"})
LARGEST = 5_000  # keys of one table; strangers choose them
NAMED = 20  # broken reports that are named
OTHERS = "(others)"


class Table(Counter[str]):
    """Counts by a name, the rarest names together once there are too many."""

    def count(self, name: str, by: int) -> None:
        """Add to a name's count."""
        self[name if name in self or len(self) < LARGEST else OTHERS] += by


@dataclass
class Day:
    """One day's sessions."""

    good: int = 0
    bad: int = 0


@dataclass
class Domain:
    """What was reported of one policy domain.

    :param refused: sessions that enforce would have turned into refused mail, by `mx: result type`.
    :param fetching: failures to get the policy itself, by result type.
    """

    days: dict[date, Day] = field(default_factory=dict[date, Day])
    refused: Table = field(default_factory=Table)
    fetching: Table = field(default_factory=Table)

    @property
    def good(self) -> int:
        """Sessions that succeeded."""
        return sum(day.good for day in self.days.values())

    @property
    def bad(self) -> int:
        """Sessions that failed."""
        return sum(day.bad for day in self.days.values())


@dataclass
class Tally:
    """All counts.

    :param since: earlier days are passed over.
    """

    since: date | None = None
    reports: int = 0
    repeated: int = 0
    earlier: int = 0
    broken: int = 0
    named: list[Broken] = field(default_factory=list[Broken])
    domains: dict[str, Domain] = field(default_factory=dict[str, Domain])
    senders: Table = field(default_factory=Table)
    servers: Table = field(default_factory=Table)
    results: Table = field(default_factory=Table)
    _seen: set[bytes] = field(default_factory=set[bytes])

    def add(self, found: Iterable[Report | Broken]) -> "Tally":
        """Count reports in."""
        for each in found:
            if isinstance(each, Broken):
                self.broken += 1
                if len(self.named) < NAMED:
                    self.named.append(each)
            else:
                self._report(each)
        return self

    def _report(self, report: Report) -> None:
        if self.since and report.day < self.since:
            self.earlier += 1
            return
        # Senders repeat themselves, and mailboxes keep copies. Eight bytes a report stay here.
        mark = blake2b(
            f"{report.sender}\0{report.id}\0{report.day}".encode("utf-8", "replace"), digest_size=8
        ).digest()
        if report.id and mark in self._seen:
            self.repeated += 1
            return
        self._seen.add(mark)
        self.reports += 1
        for part in report.policies:
            self.senders.count(report.sender, part.good + part.bad)
            name = part.domain if part.domain in self.domains or len(self.domains) < LARGEST else OTHERS
            domain = self.domains.setdefault(name, Domain())
            if report.day not in domain.days and len(domain.days) >= LARGEST:
                continue
            day = domain.days.setdefault(report.day, Day())
            day.good += part.good
            day.bad += part.bad
            for failure in part.failures:
                self.results.count(failure.result, failure.sessions)
                self.servers.count(failure.mx or "unknown", failure.sessions)
                if failure.result in REFUSED and part.type != "tlsa":
                    domain.refused.count(f"{failure.mx or 'unknown'}: {failure.result}", failure.sessions)
                elif failure.result.startswith("sts-"):
                    domain.fetching.count(failure.result, failure.sessions)

    def json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "reports": self.reports,
            "repeated": self.repeated,
            "earlier": self.earlier,
            "broken": self.broken,
            "brokenNamed": [f"{each.where} {each.why}" for each in self.named],
            "senders": dict(self.senders.most_common()),
            "servers": dict(self.servers.most_common()),
            "results": dict(self.results.most_common()),
            "domains": {
                name: {
                    "days": {str(day): [each.good, each.bad] for day, each in sorted(domain.days.items())},
                    "refused": dict(domain.refused.most_common()),
                    "fetching": dict(domain.fetching.most_common()),
                }
                for name, domain in sorted(self.domains.items())
            },
        }
