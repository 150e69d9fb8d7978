"""What was known at the last run, what has changed since, and what is still to be told."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from checks.finding import Level
from checks.watch.seen import Seen, Trouble, trouble
from policy import UserError

VERSION = 1
TESTING_WEEKS = 8
FORGOTTEN = 400  # days without a look, and a domain is nobody's any more


class What(StrEnum):
    """What has become of a trouble."""

    NEW = "new"
    WORSE = "worse"
    MENDED = "mended"


@dataclass(frozen=True)
class Change:
    """What is told.

    :param enforced: the domain's policy is enforced: senders may be refusing its mail.
    :param since: the day on which the trouble was first seen.
    """

    domain: str
    what: What
    trouble: Trouble
    enforced: bool
    since: date

    @property
    def rings(self) -> bool:
        """It is told at night, too."""
        return self.enforced and self.what != What.MENDED and self.trouble.level == Level.FAIL

    def json(self) -> dict[str, Any]:
        """As `read` takes it."""
        return {**asdict(self), "trouble": self.trouble.json(), "since": str(self.since)}

    @classmethod
    def read(cls, given: dict[str, Any]) -> "Change":
        """:raises KeyError, TypeError, ValueError: it is none."""
        trouble, since = Trouble.read(given["trouble"]), date.fromisoformat(given["since"])
        return cls(str(given["domain"]), What(given["what"]), trouble, bool(given["enforced"]), since)


@dataclass
class Known:
    """What is known of one domain.

    :param looked: when the look began that said it (epoch seconds).
    :param mode: the last one that was seen.
    :param testing: the day since when it has been in testing; None where it isn't.
    :param expires: when the policy host's certificate ends (epoch seconds).
    :param sessions: of the last week's reports, that succeeded and that failed; None without reports.
    :param troubles: by their check.
    :param since: the day on which each of these was first seen.
    """

    looked: float = 0.0
    mode: str = ""
    testing: date | None = None
    expires: float | None = None
    sessions: tuple[int, int] | None = None
    troubles: dict[str, Trouble] = field(default_factory=dict[str, Trouble])
    since: dict[str, date] = field(default_factory=dict[str, date])

    @property
    def level(self) -> Level:
        """The worst trouble's."""
        return max((each.level for each in self.troubles.values()), key=list(Level).index, default=Level.PASS)

    def json(self) -> dict[str, Any]:
        """As `read` takes it."""
        return {
            "looked": self.looked,
            "mode": self.mode,
            "testing": self.testing and str(self.testing),
            "expires": self.expires,
            "sessions": self.sessions,
            "troubles": [
                {**each.json(), "since": str(self.since[check])} for check, each in self.troubles.items()
            ],
        }

    @classmethod
    def read(cls, given: dict[str, Any]) -> "Known":
        """:raises KeyError, TypeError, ValueError: it is none."""
        testing, expires, sessions = given["testing"], given["expires"], given["sessions"]
        troubles = [(Trouble.read(each), date.fromisoformat(each["since"])) for each in given["troubles"]]
        return cls(
            float(given["looked"]),
            str(given["mode"]),
            date.fromisoformat(testing) if testing else None,
            float(expires) if expires else None,
            (int(sessions[0]), int(sessions[1])) if sessions else None,
            {each.check: each for each, _ in troubles},
            {each.check: since for each, since in troubles},
        )


@dataclass
class Pending:
    """What one channel hasn't been told yet.

    :param changes: by domain and check; of two changes of the same trouble, the later.
    :param digest: the state of all domains, too.
    :param claimed: until when (epoch seconds) a run is sending that. Another one leaves the channel alone till then.
    """

    changes: dict[tuple[str, str], Change] = field(default_factory=dict[tuple[str, str], Change])
    digest: bool = False
    claimed: float = 0.0

    def __bool__(self) -> bool:
        return self.digest or bool(self.changes)

    def add(self, changes: Iterable[Change]) -> None:
        """Further changes."""
        for change in changes:
            self.changes[change.domain, change.trouble.check] = change

    def told(self, other: "Pending") -> None:
        """All that has been told; what has come in meanwhile stays."""
        self.changes = {key: change for key, change in self.changes.items() if other.changes.get(key) != change}
        self.digest &= not other.digest

    def json(self) -> dict[str, Any]:
        """As `read` takes it."""
        changes = [change.json() for change in self.changes.values()]
        return {"digest": self.digest, "claimed": self.claimed, "changes": changes}

    @classmethod
    def read(cls, given: dict[str, Any]) -> "Pending":
        """:raises KeyError, TypeError, ValueError: it is none."""
        made = cls(digest=bool(given["digest"]), claimed=float(given["claimed"]))
        made.add(map(Change.read, given["changes"]))
        return made


@dataclass
class State:
    """Everything that is kept between runs.

    :param digest: the day of the last digest; None where there was none.
    :param pending: by channel, of all that there ever were.
    """

    domains: dict[str, Known] = field(default_factory=dict[str, Known])
    digest: date | None = None
    pending: dict[str, Pending] = field(default_factory=dict[str, Pending])

    def update(self, name: str, seen: Seen, looked: float, today: date, weeks: int) -> list[Change]:
        """Take what a run has seen of a domain, and tell what has changed.

        :param looked: when that look began (epoch seconds). What a later look has said already stands.
        :param weeks: in testing, and that is a trouble.
        """
        before = self.domains.get(name, Known())
        if before.looked > looked:
            return []
        mode = seen.mode or before.mode
        after = Known(looked, mode, _testing(before, mode, today), seen.expires or before.expires, before.sessions)
        _judge_testing(seen, after.testing, today, weeks)
        changes = list[Change]()

        def tell(what: What, each: Trouble, since: date) -> None:
            changes.append(Change(name, what, each, mode == "enforce", since))

        for check, each in seen.troubles.items():
            known = before.troubles.get(check)
            after.troubles[check], after.since[check] = each, before.since.get(check, today)
            if known is None:
                tell(What.NEW, each, today)
            elif each.rank > known.rank:
                tell(What.WORSE, each, before.since[check])
        for check, known in before.troubles.items():
            if check in seen.troubles:
                continue
            if seen.is_well(check):
                tell(What.MENDED, known, before.since[check])
            else:  # it wasn't checked
                after.troubles[check], after.since[check] = known, before.since[check]
        self.domains[name] = after
        return changes

    def forget(self, now: float) -> None:
        """Domains that nobody has looked at for long."""
        oldest = now - FORGOTTEN * 86_400
        self.domains = {name: known for name, known in self.domains.items() if known.looked > oldest}

    def json(self) -> dict[str, Any]:
        """As `read` takes it."""
        return {
            "version": VERSION,
            "digest": self.digest and str(self.digest),
            "domains": {name: known.json() for name, known in self.domains.items()},
            "pending": {channel: each.json() for channel, each in self.pending.items()},
        }

    @classmethod
    def read(cls, given: Any) -> "State":
        """:raises UserError: it is no state."""
        if given is None:
            return cls()
        try:
            if given["version"] != VERSION:
                raise ValueError
            return cls(
                {name: Known.read(each) for name, each in given["domains"].items()},
                date.fromisoformat(given["digest"]) if given["digest"] else None,
                {channel: Pending.read(each) for channel, each in given["pending"].items()},
            )
        except (KeyError, TypeError, ValueError, AttributeError, IndexError):
            raise UserError("what is kept there is no state of watch; move it away to begin anew") from None


def _testing(before: Known, mode: str, today: date) -> date | None:
    return (before.testing or today) if mode == "testing" else None


def _judge_testing(seen: Seen, since: date | None, today: date, weeks: int) -> None:
    if since is None or today - since < timedelta(weeks=weeks):
        seen.fine("testing")
        return
    text = f"still in testing, since {since}: senders deliver whatever fails"
    way_out = "python -m checks enforce says what is missing until it is safe"
    seen.put(trouble("testing", Level.WARN, text, way_out, "RFC 8461 5"))
