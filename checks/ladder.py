"""What to change next in a stack's file, or in a fleet's rows: the step up, the step down, and the MX hosts that the
policy lacks.

Pure: from what is written, its ladder and what is known of its domains to a list of edits. `python -m checks enforce`,
its `--write` and `python -m tools.ci propose` all take theirs from `propose`; docs/ladder.md has the rules.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from checks.edit import Edit
from checks.finding import Domain, Level
from checks.tally import REFUSED, Day
from checks.tally import Domain as Reported
from checks.verdict import ENOUGH_DAYS, ENOUGH_SESSIONS, Verdict
from checks.written import Written
from policy import Mode, Policy, PolicyError
from policy.mx import MxPattern
from settings.ladder import next_step
from settings.policies import PolicySettings

DAY = 86_400  # seconds
RECENT = 3  # days: what a sender reports of one day comes on the next, or the one after
WINDOW = 28  # days of reports that a step is judged by; what failed before has been mended, or fails again
UNREASONED = "no reason given"


@dataclass(frozen=True)
class Refused:
    """Enforced mail is being refused now.

    :param told: who tells it, and of what, a line each.
    :param servers: the mail servers that are named.
    """

    told: tuple[str, ...] = ()
    servers: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Evidence:
    """What is known of one domain today.

    :param verdict: of reports since the policy stands as it does, and of what a sender sees now.
    :param hosts: its MX hosts as the zone's own servers tell them; None where that isn't known, which is never the
        same as none.
    :param whole: every one of these servers has answered, and the same.
    :param id: of the policy that is announced.
    :param unsure: nothing speaks against it but what could not be looked at this time.
    """

    verdict: Verdict
    hosts: frozenset[str] | None = None
    whole: bool = False
    refused: Refused = Refused()
    id: str = ""
    unsure: bool = False


@dataclass(frozen=True)
class Proposal:
    """What to change now.

    :param edits: in the order in which they matter.
    :param urgent: mail is being refused, or will be.
    :param reasons: why, for people: by policy, the evidence of what is proposed.
    :param waits: what is not proposed yet, and why; a line each.
    :param unsure: policies for which more might be due, had everything been seen: what was proposed before needn't be
        wrong.
    """

    edits: tuple[Edit, ...] = ()
    urgent: bool = False
    reasons: tuple[str, ...] = ()
    waits: tuple[str, ...] = ()
    unsure: frozenset[str] = frozenset()


@dataclass
class _Found:
    """A proposal while it is made."""

    edits: list[Edit] = field(default_factory=list[Edit])
    urgent: bool = False
    reasons: list[str] = field(default_factory=list[str])
    waits: list[str] = field(default_factory=list[str])
    unsure: frozenset[str] = frozenset()


def propose(
    file: Written,
    evidence: Mapping[str, Evidence],
    since: Mapping[str, date],
    unused: Mapping[str, date],
    today: date,
) -> Proposal:
    """The next edits of every policy whose domains are all in `evidence`.

    :param evidence: by domain.
    :param since: by policy, the day since which mode and maxAge are what they are; without it there is no step up.
    :param unused: by `key_of` a policy's part, the first day on which it matched no MX host any more.
    :returns: what is urgent first.
    """
    found = [_due(file, together, evidence, since, unused, today) for together in groups(file)]
    found.sort(key=lambda each: not each.urgent)
    return Proposal(
        tuple(edit for each in found for edit in each.edits),
        any(each.urgent for each in found),
        tuple(reason for each in found for reason in each.reasons),
        tuple(wait for each in found for wait in each.waits),
        frozenset(name for each in found for name in each.unsure),
    )


def _due(
    file: Written,
    together: Sequence[PolicySettings],
    evidence: Mapping[str, Evidence],
    since: Mapping[str, date],
    unused: Mapping[str, date],
    today: date,
) -> _Found:
    """What is due for policies that change together."""
    found = _Found()
    names = [domain.name for each in together for domain in each.domains]
    if together[0].policy.mode == Mode.NONE or not all(name in evidence for name in names):
        return found
    known = {name: evidence[name] for name in names}
    if any(each.unsure or each.hosts is None for each in known.values()):
        found.unsure = frozenset(each.name for each in together)
    if not _down(found, together, known) and not _allow(found, together, known):
        _up(found, file, together, known, since, today)
        _disallow(found, file, together, known, unused, today)
    return found


def groups(file: Written) -> list[list[PolicySettings]]:
    """Policies that must change together: one app serves them, or a domain of one is delegated to a domain of another
    (RFC 8461 8.2)."""

    def tied(policy: PolicySettings) -> set[Hashable]:
        names = {domain.name for domain in policy.domains} | {domain.delegate_to for domain in policy.domains}
        return {*names, file.shared.get(policy.name)} - {None}

    made: dict[Hashable, list[PolicySettings]] = {}
    for policy in file.policies:
        linked = {id(made[tie]): made[tie] for tie in tied(policy) if tie in made}
        group = [*(each for other in linked.values() for each in other), policy]
        made |= {tie: group for each in group for tie in tied(each)}
    return list({id(group): group for group in made.values()}.values())


def lacking(policy: Policy, hosts: Iterable[str]) -> list[str]:
    """The MX hosts that no pattern allows (RFC 8461 4.1)."""
    return sorted(host for host in hosts if host and not policy.allows(host))


def _down(found: _Found, together: Sequence[PolicySettings], known: Mapping[str, Evidence]) -> bool:
    """From enforce to testing, where mail is refused and no line of mx would mend it."""
    policy = together[0].policy
    refused = {name: each.refused for name, each in known.items() if each.refused.told}
    if policy.mode != Mode.ENFORCE or not refused:
        return False
    missing = {host for each in known.values() for host in lacking(policy, each.hosts or ())}
    servers = {server for each in refused.values() for server in each.servers}
    if servers and servers <= missing:
        return False
    why = f"mail to {', '.join(refused)} is being refused"
    found.urgent = True
    found.edits += [Edit(each.name, "mode", str(policy.mode), str(Mode.TESTING), why) for each in together]
    found.reasons += [f"{name}: {line}" for name, each in refused.items() for line in each.told]
    _allow(found, together, known)
    return True


def _allow(found: _Found, together: Sequence[PolicySettings], known: Mapping[str, Evidence]) -> bool:
    """Add the MX hosts that the policy lacks: until then, senders that enforce refuse to deliver there."""
    policy = together[0].policy
    needed: dict[str, list[str]] = {}
    for name, each in known.items():
        if each.hosts is None:
            found.waits.append(f"{name}: its MX records are not known now, so mx stays as it is")
        elif each.hosts in (frozenset(), frozenset({""})):
            found.waits.append(f"{name}: it has no MX record that names a mail server, so mx stays as it is")
        for host in lacking(policy, each.hosts or ()):
            needed.setdefault(host, []).append(name)
    for host, names in list(needed.items()):
        try:
            MxPattern.parse(host)
        except PolicyError:
            found.waits.append(f"{', '.join(names)}: {host!r} in the MX records is no host name, so no mx can allow it")  # fmt: skip
            del needed[host]
    if not needed:
        return False
    found.urgent |= policy.mode == Mode.ENFORCE
    for host, names in needed.items():
        why = f"the MX records of {', '.join(names)} name {host}, which no mx of the policy allows"
        found.edits += [Edit(each.name, "mx", "", host, why) for each in together]
        found.reasons.append(why)
    return True


def _up(
    found: _Found,
    file: Written,
    together: Sequence[PolicySettings],
    known: Mapping[str, Evidence],
    since: Mapping[str, date],
    today: date,
) -> None:
    """The next step of the ladder, where all domains are safe and the step before has stood long enough."""
    policy = together[0].policy
    step = next_step(file.ladder_of(together[0].name), policy.mode, policy.max_age)
    if step is None:
        return
    label = f"{', '.join(each.name for each in together)}: {policy.mode} {policy.max_age} -> {step.mode} {step.max_age}"  # fmt: skip
    unsafe = [each.verdict for each in known.values() if not each.verdict.safe]
    if unsafe:
        found.waits += [f"{label}: {each.domain}: {each.reasons[0]}" for each in unsafe]
        return
    others = [name for name, each in known.items() if each.id != policy.id]
    if others:
        found.waits.append(
            f"{label}: {', '.join(others)}: what is served is not yet what the file says: pulumi up"
        )
        return
    unknown = [each.name for each in together if each.name not in since]
    if unknown:
        found.waits.append(f"{label}: since when {', '.join(unknown)} stands as it does is not known: the file's git history doesn't tell")  # fmt: skip
        return
    began = max(since[each.name] for each in together)
    due = began + timedelta(seconds=step.waits(policy.mode, policy.max_age))
    if today < due:
        found.waits.append(f"{label}: not before {due}; it has stood since {began}")
        return
    why = f"safe, and it has stood since {began}"
    for each in together:
        if step.mode != policy.mode:
            found.edits.append(Edit(each.name, "mode", str(policy.mode), str(step.mode), why))
        if step.max_age != policy.max_age:
            found.edits.append(Edit(each.name, "maxAge", str(policy.max_age), str(step.max_age), why))
    found.reasons.append(f"{label}: it has stood since {began}")
    found.reasons += [f"{each.verdict.domain}: {reason}" for each in known.values() for reason in each.verdict.reasons]  # fmt: skip


def key_of(policy: str, part: str) -> str:
    """What `unused` calls a policy's pattern, or the preset of a row."""
    return f"{policy} {part}"


def unneeded(file: Written, evidence: Mapping[str, Evidence]) -> dict[str, bool | None]:
    """Which parts match no MX host of any domain of their policies, by `key_of`.

    :returns: None where it can't be known now, because not every name server has answered.
    """
    found: dict[str, bool | None] = {}
    for together in groups(file):
        known = [evidence.get(domain.name) for each in together for domain in each.domains]
        sure = all(each and each.whole and each.hosts and each.hosts != frozenset({""}) for each in known)
        hosts = {host for each in known if each for host in each.hosts or ()}
        for each in together:
            for (_, value), patterns in file.parts(each.name).items():
                found[key_of(each.name, value)] = False if _used(patterns, hosts) else (True if sure else None)
    return found


def _used(patterns: Iterable[MxPattern], hosts: Iterable[str]) -> bool:
    return any(pattern.matches(host) for pattern in patterns for host in hosts)


def remembered(before: Mapping[str, date], now: Mapping[str, bool | None], today: date) -> dict[str, date]:
    """Since when each pattern has been unneeded.

    :param before: the same of last time.
    :param now: see `unneeded`. What isn't known now stays as it was.
    """
    kept = {key: day for key, day in before.items() if now.get(key, False) is not False}
    return {**dict.fromkeys((key for key, no in now.items() if no), today), **kept}


def _disallow(
    found: _Found,
    file: Written,
    together: Sequence[PolicySettings],
    known: Mapping[str, Evidence],
    unused: Mapping[str, date],
    today: date,
) -> None:
    """Take out what has been unneeded for longer than any sender remembers this policy, where all of these have it."""
    policy = together[0].policy
    if not all(each.whole and each.hosts and each.hosts != frozenset({""}) for each in known.values()):
        return
    hosts = {host for each in known.values() for host in each.hosts or ()}
    parts: dict[tuple[MxPattern, ...], list[tuple[str, str, str]]] = {}
    for each in together:
        for (key, value), patterns in file.parts(each.name).items():
            parts.setdefault(patterns, []).append((each.name, key, value))
    idle = [own for patterns, own in parts.items() if not _used(patterns, hosts)]
    if len(idle) == len(parts):
        return
    for own in idle:
        if {name for name, _, _ in own} != {each.name for each in together}:
            continue
        _, key, value = own[0]
        what = f"the {key} {value}" if key != "mx" else value
        days = [unused.get(key_of(name, value)) for name, _, value in own]
        first = max((day for day in days if day), default=None)
        if first is None or None in days:
            found.waits.append(f"{together[0].name}: {what} matches no MX host any more; since when isn't known without --history")  # fmt: skip
            continue
        due = first + timedelta(seconds=max(policy.max_age, DAY))
        if today <= due:
            found.waits.append(f"{together[0].name}: {what} has matched no MX host since {first}; it goes after {due}")  # fmt: skip
            continue
        why = f"{what} has matched no MX host since {first}, longer than max_age"
        found.edits += [Edit(name, key, value, "", why) for name, key, value in own]
        found.reasons.append(why)


def refused_now(seen: Domain, reported: Reported | None, today: date) -> Refused:
    """Whether mail is being refused: told by verified senders of their latest days, or seen at every mail server.

    A sender that verifies is judged by itself where the verdict does so, too: with three days or ten sessions.

    :param reported: of the days since the policy is enforced.
    """
    if seen.mode != Mode.ENFORCE:
        return Refused()
    told: list[str] = []
    named: set[str] = set()
    servers = [line for line in seen.lines if line.check.startswith("server ")]
    if servers and all(line.level == Level.FAIL for line in servers):
        told += [f"seen now: {line.text}" for line in servers]
        named |= {line.check.removeprefix("server ") for line in servers}
    for who, days in (reported.senders if reported else {}).items():
        latest = max(days)
        enough = len(days) >= ENOUGH_DAYS or sum(day.good + day.bad for day in days.values()) >= ENOUGH_SESSIONS
        if who.verified and enough and days[latest].refusing and (today - latest).days <= RECENT:
            first = _first_bad(days)
            failures = _refusals(days, first)
            told.append(f"{who} since {first}: {', '.join(f'{mx}: {result} ({count})' for (mx, result), count in failures)}")  # fmt: skip
            named |= {mx for (mx, _), _ in failures}
    return Refused(tuple(told), frozenset(named))


def _first_bad(days: Mapping[date, Day]) -> date:
    """The first of the bad days that the latest one ends."""
    first = max(days)
    for when in sorted(days, reverse=True):
        if not days[when].refusing:
            break
        first = when
    return first


def _refusals(days: Mapping[date, Day], first: date) -> list[tuple[tuple[str, str], int]]:
    counts: dict[tuple[str, str], int] = {}
    for when, day in days.items():
        for failure, count in day.failures.items():
            if when >= first and failure[1] in (*REFUSED, UNREASONED):
                counts[failure] = counts.get(failure, 0) + count
    return sorted(counts.items(), key=lambda item: -item[1])[:5]
