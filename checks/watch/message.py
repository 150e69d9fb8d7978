"""The one message of a run: a headline, then domain by domain what has changed and what to do; and the digest."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from checks.finding import ORDER, Level
from checks.shown import shown
from checks.watch.state import Change, Known, Pending, What

LINES = 40  # of a message; Teams and phones show few more, and `checks domain` shows everything
NAMED = 3  # domains that a headline names
WORDS = {Level.FAIL: "failure", Level.WARN: "warning"}


@dataclass(frozen=True)
class Message:
    """What is sent.

    :param kind: `failure`, `warning`, `success` or `info`, as apprise has it.
    """

    title: str
    body: str
    kind: str


def message(pending: Pending, domains: Mapping[str, Known]) -> Message:
    """What a channel is to be told.

    :param domains: everything that is known, for the digest.
    """
    changes = sorted(pending.changes.values(), key=_order)
    lines = [*_changes(changes)]
    if pending.digest:
        lines += [*([""] if lines else []), *_digest(domains)]
    if len(lines) > LINES:
        lines = [*lines[:LINES], f"… and {len(lines) - LINES} lines more: python -m checks domain shows all"]
    return Message(f"MTA-STS: {_headline(changes, domains)}", "\n".join(lines), _kind(changes))


def _order(change: Change) -> tuple[int, int, str, str]:
    """What is worst first, what is mended last."""
    return (change.what == What.MENDED, -ORDER.index(change.trouble.level), change.domain, change.trouble.check)


def _headline(changes: Iterable[Change], domains: Mapping[str, Known]) -> str:
    counts = Counter(
        (change.what, change.trouble.level if change.what != What.MENDED else "") for change in changes
    )
    if not counts:
        levels = Counter(known.level for known in domains.values())
        told = [f"{levels[level]} with {WORDS[level]}s" for level in (Level.FAIL, Level.WARN) if levels[level]]
        return f"watching {_many(len(domains), 'domain')}, {', '.join(told) or 'all well'}"
    told = list[str]()
    for (what, level), count in counts.items():
        told.append(f"{count} mended" if what == What.MENDED else _many(count, f"{what} {WORDS[Level(level)]}"))
    names = list(dict.fromkeys(change.domain for change in changes))
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{', '.join(told)}: {', '.join(map(shown, names[:NAMED]))}{more}"


def _many(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def _changes(changes: Iterable[Change]) -> Iterable[str]:
    by_domain: dict[str, list[Change]] = {}
    for change in changes:
        by_domain.setdefault(change.domain, []).append(change)
    for name, several in by_domain.items():
        yield shown(name) + (" (enforced)" if several[0].enforced else "")
        for change in several:
            each = change.trouble
            if change.what == What.MENDED:
                yield f"  mended: {each.check}, wrong since {change.since}: {each.text}"
                continue
            more = f" (and {each.count - 1} more of this kind)" if each.count > 1 else ""
            section = f" ({each.section})" if each.section else ""
            yield f"  {change.what} {WORDS[each.level]}: {each.check}: {each.text}{more}{section}"
            if each.way_out:
                yield f"    -> {each.way_out}"


def _digest(domains: Mapping[str, Known]) -> Iterable[str]:
    """The state of all domains, the worst first; those without a trouble in a line each."""
    yield f"The state of {_many(len(domains), 'domain')}:"
    for name, known in sorted(domains.items(), key=lambda item: (-ORDER.index(item[1].level), item[0])):
        facts = [known.mode or "no policy seen"]
        if known.expires:
            facts.append(f"certificate until {datetime.fromtimestamp(known.expires, UTC).date()}")
        if known.sessions:
            facts.append("{} sessions reported in a week, {} failed".format(*known.sessions))
        well = "well" if known.level == Level.PASS else known.level
        yield f"  {shown(name)}: {well} ({', '.join(facts)})"
        for check, each in known.troubles.items():
            yield f"    {each.check}: {each.text} (since {known.since[check]})"


def _kind(changes: Sequence[Change]) -> str:
    bad = {change.trouble.level for change in changes if change.what != What.MENDED}
    if Level.FAIL in bad:
        return "failure"
    return "warning" if bad else "success" if changes else "info"
