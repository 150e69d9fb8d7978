"""What is missing until enforcing is safe, when that is likely to be reached, and what to do next.

Nothing here decides whether it is safe: `verdict` does, by what senders did report. This tells the way there.
"""

import shlex
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, NamedTuple

from checks.shown import shown
from checks.tally import OTHERS, REFUSED, Day, Domain, Who

LAG = 2  # days: a day's reports come on the next one, or the one after (RFC 8460 4.1)
WINDOW = 7  # days, from whose reports the pace is taken
NAMED = 5  # senders that are named
LONGEST = 80  # characters of a name that stands within a sentence
UNNAMED = ("", "unknown", OTHERS)


class Bad(NamedTuple):
    """A sender whose share of bad days is too large.

    :param kind: which days are bad, as `Day` calls it: `refusing` or `fetching`.
    :param bad: of its days.
    :param of: all its days.
    """

    who: Who
    kind: str
    bad: int
    of: int

    def __str__(self) -> str:
        words = "refused sessions" if self.kind == "refusing" else "sessions without the policy"
        return f"{self.who}: {words} on {self.bad} of {self.of} days"


@dataclass(frozen=True)
class Progress:
    """How far the reports have come.

    :param days: that they cover; where something is to be mended, those after the last bad one.
    :param days_needed: so many must be covered.
    :param sessions: that they tell of.
    :param sessions_needed: so many they must tell of.
    :param senders: that have reported.
    :param senders_enough: those who tell enough to be judged by themselves.
    :param to_mend: the senders whose days are bad, the worst first.
    """

    days: int = 0
    days_needed: int = 0
    sessions: int = 0
    sessions_needed: int = 0
    senders: int = 0
    senders_enough: int = 0
    to_mend: list[str] = field(default_factory=list[str])

    def json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "days": self.days,
            "daysNeeded": self.days_needed,
            "sessions": self.sessions,
            "sessionsNeeded": self.sessions_needed,
            "senders": self.senders,
            "sendersEnough": self.senders_enough,
            "toMend": self.to_mend,
        }


@dataclass(frozen=True)
class Outlook:
    """What `Verdict` says of the way there; its words are described there."""

    next: str
    missing: list[str]
    likely: date | None
    progress: Progress


def likely(days: Collection[date], missing: int, today: date) -> date | None:
    """When reports are likely to cover so many more days, at the pace of the last week.

    :param days: that they cover now.
    :param today: in UTC.
    :returns: the day on which the last report needed is likely to be in; None where none is of the last week.
    """
    if not days:
        return None
    end = max(*days, today - timedelta(days=LAG))  # what is later may still come
    start = max(min(days), end - timedelta(days=WINDOW - 1))
    covered = sum(start <= day <= end for day in days)
    if not covered:
        return None
    needed = -(-missing * ((end - start).days + 1) // covered)
    return end + timedelta(days=1 + needed)


def nothing_yet(name: str, needed: Progress) -> Outlook:
    """Where no sender has reported."""
    return Outlook(
        f"Look whether _smtp._tls.{_short(name)} is published, for no sender has reported yet: python -m checks domain {quoted(name)}",
        [_days(needed), f"senders: none has reported, so the {needed.days_needed} days haven't begun"],
        None,
        needed,
    )  # fmt: skip


def outlook(
    name: str,
    reported: Domain,
    days: Mapping[date, Day],
    progress: Progress,
    bad: Sequence[Bad],
    full: bool,
    today: date,
) -> Outlook:
    """The way there.

    :param days: the domain's, all senders together.
    :param bad: what is to be mended, the worst first.
    :param full: as in `Tally`.
    """
    if bad:
        return _mend(reported, days, progress, bad, today)
    left = progress.days_needed - progress.days
    missing = [_days(progress)] if left > 0 else []
    if progress.sessions < progress.sessions_needed:
        return Outlook(
            "Send a mail to it from a large provider: reports come, but tell of no session",
            [*missing, f"sessions: {progress.sessions} of {progress.sessions_needed}"], None, progress,
        )  # fmt: skip
    if full:
        missing.append("the domain by name: strangers' reports fill all there is room for")
        return Outlook(f"Name the domain: --domain {quoted(name)}", missing, None, progress)
    if left <= 0:
        return Outlook(f"Enforce: python -m checks enforce {quoted(name)} --reports …", [], None, progress)
    when = likely(days, left, today)
    covered = f"{progress.days} of {progress.days_needed} days are covered"
    if when:
        return Outlook(f"Wait: likely safe from {when} ({covered})", missing, when, progress)
    silent = f"Look why reports have stopped: the last is of {max(days)} ({covered})"
    return Outlook(silent, missing, None, progress)


def _mend(
    reported: Domain, days: Mapping[date, Day], progress: Progress, bad: Sequence[Bad], today: date
) -> Outlook:
    """What is to be mended, and the days since its last failure: the clock begins after it."""
    last = max(when for when, day in days.items() if day.refusing or day.fetching)
    since = last + timedelta(days=1)
    after = [day for day in days if day > last]
    seen_again = all(max(reported.senders[each.who]) > last for each in bad)
    worst = bad[0]
    next_ = f"Mend {_cause(reported, worst)}, last on {_last(reported, worst)}"
    if len(progress.to_mend) > 1:
        next_ += f" (and {len(progress.to_mend) - 1} more)"
    if seen_again and progress.days >= progress.days_needed:
        next_ = (
            f"Judge by the days since the last failure, {last}: --since {since} ({len(after)} days are covered)"
        )
    clock = f"days: {progress.days} of {progress.days_needed} are covered since the last failure, {last}"
    if not after:
        clock = f"days: the {progress.days_needed} begin once that is mended; the last failure is of {last}"
    elif progress.days < progress.days_needed and (
        when := likely(after, progress.days_needed - len(after), today)
    ):
        clock += f"; if it was mended then, likely safe from {when} with --since {since}"
    return Outlook(next_, [_senders(reported, progress, bad), clock], None, progress)


def _senders(reported: Domain, progress: Progress, bad: Sequence[Bad]) -> str:
    named = "; ".join(_short(each) for each in bad[:NAMED])
    more = f"; and {len(bad) - NAMED} more" if len(bad) > NAMED else ""
    text = f"senders: {len(progress.to_mend)} of {progress.senders} to be mended: {named}{more}"
    if not any(each.who.verified for each in bad) and any(who.verified for who in reported.senders):
        text += " (none of these is verified: --verified-only passes over them)"
    return text


def _days(progress: Progress) -> str:
    left = progress.days_needed - progress.days
    return f"days: {progress.days} of {progress.days_needed} are covered, {left} more to come"


def _cause(reported: Domain, bad: Bad) -> str:
    """What fails most on a sender's bad days, and on how many of them."""
    sessions, on = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for day in reported.senders[bad.who].values():
        for (server, result), count in day.failures.items() if getattr(day, bad.kind) else ():
            if _counts(reported, bad.kind, server, result):
                sessions[server, result] += count
                on[server, result] += 1
    seen_by = f"seen by {_short(bad.who)} on"
    if not sessions:
        return f"what fails: {seen_by} {bad.bad} of {bad.of} days"
    (server, result), _ = max(sessions.items(), key=lambda item: (item[1], item[0]))
    if bad.kind == "fetching":
        where = "the policy host"
    else:
        where = "a mail server that no report names" if server in UNNAMED else _short(server)
    return f"{where}: {_short(result)}, {seen_by} {on[server, result]} of {bad.of} days"


def _counts(reported: Domain, kind: str, server: str, result: str) -> bool:
    """Whether a failure is of those that make such a day bad; a day's failures are those of DANE, too."""
    if kind == "fetching":
        return result.startswith("sts-")
    counted = f"{server}: {result}" in reported.refused
    return counted or (OTHERS in reported.refused and result in REFUSED)


def _last(reported: Domain, bad: Bad) -> date:
    return max(when for when, day in reported.senders[bad.who].items() if getattr(day, bad.kind))


def quoted(name: str) -> str:
    """A name in a command that somebody may copy: reports name domains as strangers like."""
    return shlex.quote(_short(name))


def _short(text: object) -> str:
    return shown(text, longest=LONGEST)
