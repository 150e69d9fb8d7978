"""What senders' reports say is wrong: failures that rose, and senders that went silent.

As for the verdict, a sender is judged by its own days, and a day by its worst report: further reports, whoever sends
them, make nobody else's failures count for less. What unverified senders and newcomers report is told, but only as a
warning, and in one line however many they are: anybody can be one.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, timedelta

from checks.finding import Level
from checks.shown import shown
from checks.tally import OTHERS, Day, Domain, Who
from checks.watch.seen import Seen, trouble

RECENT = 7  # days that are judged, the last ones
BEFORE = 28  # days before these, that they are compared with
BAD_DAYS = 2  # of the recent ones: a single day's stray failures are the sender's own as often as not …
BAD_SHARE, BAD_SESSIONS = 0.1, 10  # … unless so many sessions of a day failed: then one is enough
ROSE = 2  # times the share of bad days that there was before
KNOWN = 7  # days reported before, and a verified sender is no newcomer
SILENT = 5  # days without a report; reports of a day come on the next one, or the one after it
REGULAR = 15  # of the 28 days before its silence, that a regular sender reported on: most of them
LARGE = 0.01  # of these days' sessions: less isn't missed
NAMED = 3  # senders that one line names, or silent ones that are told apart
NAME = 80  # characters of a name that a stranger chose

Days = Mapping[date, Day]
FAILURES, FAILURES_OF_OTHERS, SILENCE = "failures", "failures (of others)", "silent"


def of_reports(reported: Domain | None, mode: str, today: date, silent_days: int = SILENT) -> Seen:
    """What a domain's reports say. Where there are none at all, they say nothing.

    :param mode: of its policy: in enforce, what a known sender refuses is a failure.
    :param silent_days: without a report, and a sender is silent.
    """
    seen = Seen()
    if reported is None:
        return seen
    senders = {who: days for who, days in reported.senders.items() if who.name != OTHERS}
    _failures(seen, senders, mode, today)
    _silence(seen, senders, today, silent_days)
    return seen


def _failures(seen: Seen, senders: Mapping[Who, Days], mode: str, today: date) -> None:
    """What fails more than before is a trouble, and it is mended once nothing fails: not when one is used to it."""
    since, before = today - timedelta(RECENT), today - timedelta(RECENT + BEFORE)
    rose: dict[str, dict[Who, Days]] = {FAILURES: {}, FAILURES_OF_OTHERS: {}}
    heard, failing = set[str](), set[str]()
    for who, days in senders.items():
        recent = {when: day for when, day in days.items() if when > since}
        earlier = {when: day for when, day in days.items() if before < when <= since}
        check = FAILURES if who.verified and len(earlier) >= KNOWN else FAILURES_OF_OTHERS
        if recent:
            heard.add(check)
        if _fails(recent):
            failing |= {check, FAILURES_OF_OTHERS}  # yesterday's newcomer may be a known sender today
            if _share(recent) > ROSE * _share(earlier):
                rose[check][who] = recent
    for check, bad in rose.items():
        if bad:
            level = Level.FAIL if check == FAILURES and mode == "enforce" else Level.WARN
            way_out = "python -m checks reports shows all; mend the servers that are named"
            if check == FAILURES_OF_OTHERS:
                way_out = (
                    "They are not verified, or new: it may be anybody. See whether known senders tell the same"
                )
            seen.put(trouble(check, level, _told(bad), way_out, "RFC 8460 4.3"))
        elif check in heard - failing:
            seen.fine(check)


def _is_bad(day: Day) -> bool:
    return day.refusing or day.fetching


def _fails(days: Days) -> bool:
    bad = [day for day in days.values() if _is_bad(day)]
    return len(bad) >= BAD_DAYS or any(
        day.bad >= max(BAD_SESSIONS, BAD_SHARE * (day.good + day.bad)) for day in bad
    )


def _share(days: Days) -> float:
    """Of the days, those that are bad."""
    return sum(map(_is_bad, days.values())) / len(days) if days else 0.0


def _told(bad: Mapping[Who, Days]) -> str:
    """Who, on how many days, and what failed most."""
    worst = sorted(bad.items(), key=lambda item: (not item[0].verified, -_failed(item[1].values())))
    texts = list[str]()
    for who, days in worst[:NAMED]:
        failures = Counter[tuple[str, str]]()
        for day in days.values():
            failures.update(day.failures)
        most = "".join(f", most of them {shown(mx, longest=NAME)}: {shown(result, longest=NAME)}" for (mx, result), _ in failures.most_common(1))  # fmt: skip
        count = sum(map(_is_bad, days.values()))
        texts.append(
            f"{shown(who, longest=NAME)}: on {count} of its last {len(days)} days, {_failed(days.values())} sessions{most}"
        )
    more = f"; and {len(worst) - NAMED} more senders" if len(worst) > NAMED else ""
    return f"more sessions fail than before. {'; '.join(texts)}{more}"


def _failed(days: Iterable[Day]) -> int:
    return sum(day.bad for day in days)


def _silence(seen: Seen, senders: Mapping[Who, Days], today: date, silent_days: int) -> None:
    """Large senders that reported on most days, and now don't, while others do."""
    since, before = today - timedelta(silent_days), today - timedelta(silent_days + BEFORE)
    heard = {who for who, days in senders.items() if any(when > since for when in days)}
    sessions = {who: _sessions(days, before, since) for who, days in senders.items()}
    everyone = sum(sessions.values())
    verified = sum(count for who, count in sessions.items() if who.verified)

    def regular(who: Who) -> bool:
        reported = sum(before < when <= since for when in senders[who])
        return reported >= REGULAR and sessions[who] >= LARGE * (verified if who.verified else everyone)

    for who in heard:
        seen.fine(f"{SILENCE} {who}")
    silent = [who for who in senders if who not in heard and regular(who)]
    silent.sort(key=lambda who: (not who.verified, -sessions[who]))
    if silent and not heard:
        last = max(when for days in senders.values() for when in days)
        way_out = "Is the report record still there, and does the mailbox still take mail?"
        seen.put(trouble("reports", Level.WARN, f"nobody has reported since {last}", way_out, "RFC 8460 3"))
    elif heard:
        seen.fine("reports")
        for who in silent[:NAMED]:
            last = max(senders[who])
            text = f"{shown(who, longest=NAME)} has reported nothing since {last}; others have"
            way_out = "Does it still deliver here? See whether it is an MX change, or its reports go elsewhere"
            seen.put(trouble(f"{SILENCE} {who}", Level.WARN, text, way_out, "RFC 8460 4.1"))


def _sessions(days: Days, after: date, until: date) -> int:
    return sum(day.good + day.bad for when, day in days.items() if after < when <= until)
