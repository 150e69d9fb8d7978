"""May a policy be enforced? From reports, from what a sender sees now, and what to change.

Reports are judged by sender and by share of days, never by all sessions together: a stranger can send any number of
sessions, but can't take back what another sender has reported. The worst of the senders that tell enough decides.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, cast

import yaml

from checks.finding import Domain, Level
from checks.tally import Day, Who
from checks.tally import Domain as Reported

DAYS = 7  # that reports must cover
SESSIONS = 1  # that they must tell of
STRAY = 0.05  # of a sender's days may be bad …
MOST_STRAY = 2  # … and never more than these: further good days are easily forged
ENOUGH_SESSIONS, ENOUGH_DAYS = 10, 3  # either of them, and a sender is judged by itself
NOT_NEEDED = ("dane", "dnssec", "ipv6", "tls-reports", "name-servers")  # checks that enforcing doesn't depend on
MAX_AGE = 1_209_600  # seconds: two weeks


@dataclass(frozen=True)
class Verdict:
    """Whether enforcing would refuse no mail.

    :param reasons: what speaks against it, the worst first; what is fine too where `safe`.
    """

    domain: str
    safe: bool
    reasons: list[str]

    def json(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


def of_reports(name: str, reported: Reported | None, full: bool = False) -> Verdict:
    """The verdict that senders' reports allow.

    :param full: strangers have sent more than could be counted for every domain.
    """
    if reported is None or not reported.senders:
        return Verdict(name, False, ["no sender has reported yet; is there a _smtp._tls record?"])
    days = reported.days
    sessions, refused = reported.good + reported.bad, reported.refused.total()
    first, last = min(days), max(days)
    refusing, fetching = _bad(reported, "refusing"), _bad(reported, "fetching")
    against: list[str] = []
    if sessions < SESSIONS:
        against.append("the reports tell of no session")
    if refusing:
        against.append(f"{refused} of {sessions} sessions would have been refused")
        against += refusing
        against += [f"mend first: {what} ({count} sessions)" for what, count in reported.refused.most_common(5)]
    if len(days) < DAYS:
        against.append(f"reports cover {len(days)} days ({first} to {last}); wait until they cover {DAYS}")
    if fetching:
        against += fetching
        against += [
            f"senders could not get the policy: {what} ({count} sessions)"
            for what, count in reported.fetching.most_common(3)
        ]
    if refusing or fetching:
        until = max(when for when, day in days.items() if day.refusing or day.fetching)
        against.append(f"once that is mended, judge by the days after it: --since {until + timedelta(days=1)}")
    if full:
        against.append("there are more senders or domains in these reports than can be counted; name the domain: --domain")  # fmt: skip
    if against:
        return Verdict(name, False, against)
    verified = sum(who.verified for who in reported.senders)
    return Verdict(name, True, [
        f"{sessions} sessions on {len(days)} days ({first} to {last}), {refused} would have been refused",
        f"{verified} of {len(reported.senders)} senders are verified; the others may be anybody (docs/checks.md)",
    ])  # fmt: skip


def _bad(reported: Reported, kind: str) -> list[str]:
    """The senders whose share of bad days is too large, the worst first.

    :param kind: which days are bad, as `Day` calls it.
    """

    def bad(days: Mapping[date, Day]) -> int:
        return sum(getattr(day, kind) for day in days.values())

    def enough(days: Mapping[date, Day]) -> bool:
        return len(days) >= ENOUGH_DAYS or sum(day.good + day.bad for day in days.values()) >= ENOUGH_SESSIONS

    words = "refused sessions" if kind == "refusing" else "sessions without the policy"
    large = {who: days for who, days in reported.senders.items() if enough(days)}
    small = {who: days for who, days in reported.senders.items() if who not in large}
    worst = {who: days for who, days in large.items() if not _stray(bad(days), len(days))}
    if not _stray(sum(bad(days) > 0 for days in small.values()), len(small)):
        worst |= {who: days for who, days in small.items() if bad(days)}
    ordered: list[tuple[Who, dict[date, Day]]] = sorted(worst.items(), key=lambda item: -bad(item[1]))
    return [f"{who}: {words} on {bad(days)} of {len(days)} days" for who, days in ordered[:5]]


def _stray(bad: int, of: int) -> bool:
    return bad <= min(STRAY * of, MOST_STRAY)


def of_both(seen: Domain, reported: Reported | None) -> Verdict:
    """The verdict that both allow: what a sender sees now, and what senders reported."""
    by_reports = of_reports(seen.name, reported)
    wrong = [f"{line.check}: {line.text}" for line in seen.lines if line.level == Level.FAIL]
    wrong += [f"mx: {line.text}" for line in seen.lines if line.check == "mx" and line.level == Level.WARN]
    servers = [line for line in seen.lines if line.check.startswith("server ")]
    for line in seen.lines:  # whatever kept it from being checked: a stranger may have
        if line.level == Level.UNCHECKED and line.check.partition(" ")[0] not in NOT_NEEDED:
            wrong.append(f"{line.check} was not checked: {line.text}")
    if not servers:
        wrong.append("no mail server was looked at")
    if wrong or not by_reports.safe:
        return Verdict(seen.name, False, [*wrong, *([] if by_reports.safe else by_reports.reasons)])
    if seen.mode == "enforce":
        return Verdict(seen.name, True, ["it is enforced already", *by_reports.reasons])
    return Verdict(
        seen.name, True, [*by_reports.reasons, f"all {len(servers)} mail servers are as the policy wants"]
    )


def change(name: str, file: Path) -> str:
    """The exact change in a stack file that enforces a domain's policy.

    :returns: lines to read; where the domain isn't there, that.
    """
    try:
        root = cast(Any, yaml).compose(file.read_text())
    except (OSError, yaml.YAMLError) as error:
        return f"{file.name} can't be read: {str(error).splitlines()[0]}"
    for policy in _items(_child(_child(root, "config"), "mta-sts:policies")):
        domains = [_name(each) for each in _items(_child(policy, "domains"))]
        if name not in domains:
            continue
        lines = [_line(file, policy, "mode", "enforce")]
        age = _child(policy, "maxAge")
        if age is None or not age.value.isdigit() or int(age.value) < MAX_AGE:
            lines.append(_line(file, policy, "maxAge", str(MAX_AGE)))
        others = [each for each in domains if each != name]
        if others:
            lines.append(f"This enforces {', '.join(others)} too, which have the same policy: check them as well.")
        return "\n".join([*lines, "Then: pulumi preview, pulumi up."])
    return f"{file.name} has no policy with the domain {name}"


def _line(file: Path, policy: Any, key: str, value: str) -> str:
    found = _child(policy, key)
    if found is None:
        return f"{file.name}, in the policy at line {policy.start_mark.line + 1}: add `{key}: {value}`"
    return f"{file.name}, line {found.start_mark.line + 1}: `{key}: {found.value}` -> `{key}: {value}`"


def _child(node: Any, key: str) -> Any:
    pairs: list[tuple[Any, Any]] = node.value if isinstance(node, yaml.MappingNode) else []
    return next((value for name, value in pairs if name.value == key), None)


def _items(node: Any) -> list[Any]:
    return node.value if isinstance(node, yaml.SequenceNode) else []


def _name(node: Any) -> str:
    found = _child(node, "name") if isinstance(node, yaml.MappingNode) else node
    return str(getattr(found, "value", "")).lower()
