"""The command `watch`: look, compare with the last run, tell what has changed."""

import argparse
import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from checks import show
from checks.command import IO
from checks.finding import DEFECT, Domain, Level
from checks.notify import Channel, unusable
from checks.shown import shown
from checks.tally import Tally
from checks.watch import memory, reported
from checks.watch.message import message
from checks.watch.seen import SOON, Seen, of_domain
from checks.watch.state import TESTING_WEEKS, Change, Pending, State, What
from policy import UserError

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
PAUSE = 60.0  # seconds before what has changed is looked at again
WEEK = 7  # days
CLAIM = 900.0  # seconds in which a run has sent what it set out to send, or was ended

Look = Callable[[Sequence[str]], list[Domain]]
Gather = Callable[[], Tally]


def add_options(parser: argparse.ArgumentParser) -> None:
    """What only `watch` has."""
    add = parser.add_argument
    add("--state", type=Path, metavar="FILE", help="keep what was seen in this file, without a history")
    add("--notify-file", type=Path, metavar="FILE", help="of notification URLs, mode 0600 (MTA_STS_NOTIFY_FILE; or the URLs themselves in MTA_STS_NOTIFY)")  # fmt: skip
    add("--certificate-days", type=int, default=SOON, metavar="N", help="warn of certificates that end within N days (default %(default)s)")  # fmt: skip
    add("--silent-days", type=int, default=reported.SILENT, metavar="N", help="warn of large senders that haven't reported for N days (default %(default)s)")  # fmt: skip
    add("--testing-weeks", type=int, default=TESTING_WEEKS, metavar="N", help="warn of what is still in testing after N weeks (default %(default)s)")  # fmt: skip
    add("--digest", choices=DAYS, default=DAYS[0], help="the day of the weekly message with the state of all domains (default %(default)s)")  # fmt: skip
    add("--no-digest", action="store_true", help="send none")
    add("--quiet", type=_hours, metavar="FROM-UNTIL", help="hours, such as 22-7, in which nothing but failures in enforce is sent (default: none)")  # fmt: skip
    add("--pause", type=float, default=PAUSE, metavar="SECONDS", help="until what has changed is looked at again (default %(default)s)")  # fmt: skip


def _hours(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d\d?)-(\d\d?)", text)
    if not match or max(hours := (int(match[1]), int(match[2]))) > 23 or hours[0] == hours[1]:
        raise argparse.ArgumentTypeError(f"{text!r} is no pair of hours such as 22-7")
    return hours


def watch(
    options: argparse.Namespace, names: Sequence[str], look: Look, gather: Gather | None, told: Sequence[Channel]
) -> int:
    """The command.

    :param look: looks at domains, as `checks.domain.look_at` does.
    :param gather: reads the reports; None where there are none.
    :param told: the channels that are configured, usable or not.
    :returns: the exit code.
    """
    run = Run(options, list(dict.fromkeys(names)), gather, told)
    run.look(look)
    run.tell()
    run.show()
    return run.exit_code


@dataclass
class Run:
    """One run.

    :param problems: what couldn't be read or told, a line each.
    :param changes: since the last run.
    :param sent: how each channel was told: "" or why it wasn't; only those that were to be told.
    :param unread: sources of reports; `gather` has told them.
    :param held: it is a quiet hour, and nothing rings.
    """

    options: argparse.Namespace
    names: list[str]
    gather: Gather | None
    told: Sequence[Channel]
    began: float = field(default_factory=lambda: time.time())
    channels: list[Channel] = field(default_factory=list[Channel])
    seen: dict[str, Seen] = field(default_factory=dict[str, Seen])
    sessions: dict[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])
    state: State = field(default_factory=State)
    digest: bool = False
    changes: list[Change] = field(default_factory=list[Change])
    problems: list[str] = field(default_factory=list[str])
    sent: list[tuple[Channel, str]] = field(default_factory=list[tuple[Channel, str]])
    held: bool = False
    defect: bool = False
    unread: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        self.today = datetime.fromtimestamp(self.began).astimezone().date()
        self.problems += unusable(self.told)
        self.channels = [channel for channel in self.told if channel.schema]

    def look(self, look: Look) -> None:
        """Look at all domains; at those with a change once more, before it counts."""
        options = self.options
        before = State.read(memory.read(options.state, options.history))
        self.seen = self._seen(look(self.names))
        doubtful = [name for name in self.names if _changed(before, name, self.seen[name])]
        if doubtful and options.pause > 0:
            time.sleep(options.pause)
            again = self._seen(look(doubtful))
            self.seen |= {name: self.seen[name].agreed(seen) for name, seen in again.items()}
        if self.gather:
            self._read(self.gather, before)

    def _seen(self, found: Sequence[Domain]) -> dict[str, Seen]:
        now = time.time()
        broken = [
            f"{domain.name}: {line.check}: {line.text}" for domain in found for line in domain.lines if line.defect
        ]
        self.defect |= bool(broken)
        self.problems += [why for why in broken if why not in self.problems]
        return {domain.name: of_domain(domain, now, self.options.certificate_days) for domain in found}

    def _read(self, gather: Gather, before: State) -> None:
        """What senders reported; where that can't be read, it says nothing and the rest goes on."""
        try:
            tally = gather()
        except (UserError, OSError) as error:
            self.problems.append(f"the reports say nothing: {error}")
            return
        self.unread = tally.unread
        for name, seen in self.seen.items():
            known = before.domains.get(name)
            mode = seen.mode or (known.mode if known else "")
            domain = tally.domains.get(name)
            seen.add(reported.of_reports(domain, mode, tally.today, self.options.silent_days))
            if domain:
                since = tally.today - timedelta(WEEK)
                days = [day for when, day in domain.days.items() if when > since]
                self.sessions[name] = (sum(day.good for day in days), sum(day.bad for day in days))

    def tell(self) -> None:
        """Compare, and tell every channel what it hasn't been told.

        What is to be told is kept before it is sent, so that an end in between loses nothing.
        """
        to_send = self._kept(self._compare)
        for channel in self.channels:
            if channel.key in to_send:
                text = message(to_send[channel.key], self.state.domains)
                why = channel.send(text.title, text.body, text.kind)
                self.sent.append((channel, why))
                self.problems += [f"{channel}: {why}; it is told with the next run"] if why else []
        if to_send:
            self._kept(lambda given: self._settle(given, to_send))

    def _kept(self, work: Callable[[Any], tuple[Any, dict[str, Pending]]]) -> dict[str, Pending]:
        """Rather told twice than never: what can't be kept is told all the same."""
        result, why = memory.update(self.options.state, self.options.history, work)
        told = f"what was seen can't be kept ({why}): the next run tells it again"
        self.problems += [told] if why and told not in self.problems else []
        return result

    def _compare(self, given: Any) -> tuple[Any, dict[str, Pending]]:
        """What is to be kept, and what is to be sent now, by channel."""
        state, options = State.read(given), self.options
        changes = list[Change]()
        for name, seen in self.seen.items():
            changes += state.update(name, seen, self.began, self.today, options.testing_weeks)
            if name in self.sessions:
                state.domains[name].sessions = self.sessions[name]
        state.forget(self.began)
        due = self.today - timedelta((self.today.weekday() - DAYS.index(options.digest)) % WEEK)
        digest = state.digest is None or (state.digest < due and not options.no_digest)
        if digest:
            state.digest = self.today
        # A channel that is configured no more is forgotten. A new one is told the state of everything: it works.
        state.pending = {
            channel.key: state.pending.get(channel.key, Pending(digest=True)) for channel in self.channels
        }
        for pending in state.pending.values():
            pending.digest |= digest
            pending.add(changes)
        waiting = [change for pending in state.pending.values() for change in pending.changes.values()]
        held = _within(options.quiet, self.began) and not any(change.rings for change in waiting)
        now, to_send = time.time(), dict[str, Pending]()
        for key, pending in state.pending.items():
            if pending and not held and pending.claimed <= now:
                to_send[key] = Pending(dict(pending.changes), pending.digest)
                pending.claimed = now + CLAIM
        self.state, self.changes, self.digest, self.held = state, changes, digest, held
        return state.json(), to_send

    def _settle(self, given: Any, sent: dict[str, Pending]) -> tuple[Any, dict[str, Pending]]:
        """What is to be kept, once it has been tried to send something."""
        state = State.read(given)
        for channel, why in self.sent:
            if pending := state.pending.get(channel.key):
                pending.claimed = 0.0
                if not why:
                    pending.told(sent[channel.key])
        return state.json(), sent

    def show(self) -> None:
        """On stdout what there is to tell, and nothing where there is nothing: cron mails what is printed."""
        for problem in self.problems:
            print(f"checks: {shown(problem)}", file=sys.stderr)
        console = show.console()
        if self.options.json:
            show.as_json(self.json(), console)
            return
        told = Pending(digest=self.digest)
        told.add(self.changes)
        if told:
            text = message(told, self.state.domains)
            console.print(text.title, soft_wrap=True)
            console.print(text.body, soft_wrap=True)
            if self.held and self.channels:
                console.print("this is a quiet hour: it is sent with the first run after it")
        elif sys.stdout.isatty():
            console.print(f"nothing new ({len(self.names)} {'domain' if len(self.names) == 1 else 'domains'})")

    def json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "changes": [change.json() for change in self.changes],
            "domains": {name: self.state.domains[name].json() for name in self.names},
            "digest": self.digest,
            "held": self.held,
            "sent": [{"channel": str(channel), "problem": why} for channel, why in self.sent],
            "problems": [*self.unread, *self.problems],
        }

    @property
    def exit_code(self) -> int:
        """2 new failures, 70 a check broke, 74 something couldn't be read, kept or told, 1 new warnings, 0."""
        levels = {change.trouble.level for change in self.changes if change.what != What.MENDED}
        if Level.FAIL in levels:
            return 2
        if self.defect:
            return DEFECT
        if self.problems or self.unread:
            return IO
        return 1 if levels else 0


def _changed(before: State, name: str, seen: Seen) -> bool:
    """Whether a look tells of anything else than the last run."""
    known = before.domains.get(name)
    if known is None:
        return bool(seen.troubles)
    rose = any(
        check not in known.troubles or each.rank > known.troubles[check].rank
        for check, each in seen.troubles.items()
    )
    return rose or any(seen.is_well(check) for check in known.troubles if check != "testing")


def _within(hours: tuple[int, int] | None, now: float) -> bool:
    """Whether a time (epoch seconds) is in the quiet hours, by the local clock."""
    if hours is None:
        return False
    hour, (start, end) = datetime.fromtimestamp(now).astimezone().hour, hours
    return start <= hour < end if start < end else hour >= start or hour < end
