"""What the next step of domains goes by: what a sender sees, what senders report, and the MX records."""

import argparse
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from checks import gather, history, ladder, mail, verdict
from checks.finding import Domain, Level
from checks.ladder import Evidence
from checks.look import Look, Shared
from checks.tally import Domain as Reported
from checks.tally import Tally
from checks.verdict import NOT_NEEDED, Verdict, of_reports
from checks.written import Written
from internet.view import View

SECONDS = 30.0  # for the MX records of one domain
AT_ONCE = 16  # domains
NOT_LOOKED = ["no mail server was looked at"]  # all that speaks against it, with --no-servers
BY_REPORTS = "the mail servers were not looked at (--no-servers): the reports alone speak for them"


@dataclass(frozen=True)
class Known:
    """All that `checks.ladder.propose` goes by, beside what is written.

    :param evidence: by domain.
    :param unused: by `ladder.key_of` a policy's part, the day since which no MX host needs it.
    """

    evidence: Mapping[str, Evidence]
    unused: Mapping[str, date]
    today: date


def known(file: Written, names: Sequence[str], since: Mapping[str, date], options: argparse.Namespace) -> Known:
    """Of domains, by the reports since their policies stand as they do, of the latest weeks.

    Domains are looked at some at a time, and all reports are read once.

    :param names: of the domains.
    :param since: by policy; without one, all of these weeks count.
    :param options: of `python -m checks enforce`.
    :raises UserError: there is nothing to go by, as `gather.gather` has it.
    """
    seen = gather.look(names, {}, options)
    oldest = max(datetime.now(UTC).date() - timedelta(days=ladder.WINDOW), options.since or date.min)
    tally = gather.gather(argparse.Namespace(**{**vars(options), "since": oldest}), options.reports, names)
    tally = of_own_days(tally, {domain.name: since.get(policy.name, oldest) for policy in file.policies for domain in policy.domains})  # fmt: skip
    verdicts = [_verdict(domain, tally, options) for domain in seen]
    found = evidence(seen, verdicts, tally, gather.view(options))
    return Known(found, _unused(file, found, tally.today, options), tally.today)


def of_own_days(tally: Tally, since: Mapping[str, date]) -> Tally:
    """The reports since domains' policies stand as they do: those of the step before say nothing of the next.

    :param since: by domain; of others nothing is left out.
    """
    cut = {name: told.since(since[name]) if name in since else told for name, told in tally.domains.items()}
    return replace(tally, domains=cut)


def evidence(seen: Sequence[Domain], verdicts: Sequence[Verdict], tally: Tally, view: View) -> dict[str, Evidence]:
    """What is known of domains, by name.

    :param seen: what a sender sees of them now.
    :param verdicts: of the same, in the same order.
    """

    def hosts(name: str) -> tuple[frozenset[str] | None, bool]:
        look = Look(name, Shared(view))
        look.begin(SECONDS)
        return mail.hosts_at_servers(look)

    with ThreadPoolExecutor(min(AT_ONCE, len(seen)) or 1) as pool:
        found = list(pool.map(hosts, [each.name for each in seen]))
    return {
        domain.name: Evidence(
            verdict,
            *told,
            ladder.refused_now(domain, tally.domains.get(domain.name), tally.today),
            domain.id,
            _unsure(domain, tally),
        )
        for domain, verdict, told in zip(seen, verdicts, found, strict=True)
    }


def _unsure(seen: Domain, tally: Tally) -> bool:
    """Whether the reports are fine, and what a sender sees too, as far as it could be looked at and read."""
    if any(line.level == Level.FAIL for line in seen.lines):
        return False
    if tally.unread:
        return True
    needed = [line for line in seen.lines if line.check.partition(" ")[0] not in NOT_NEEDED]
    unchecked = any(line.level == Level.UNCHECKED for line in needed)
    return unchecked and of_reports(seen.name, tally.domains.get(seen.name)).safe


def _verdict(domain: Domain, tally: Tally, options: argparse.Namespace) -> Verdict:
    reported: Reported | None = tally.domains.get(domain.name)
    given = gather.complete(verdict.of_both(domain, reported, tally.today), tally)
    if options.no_servers and not given.safe and given.reasons == NOT_LOOKED:
        reasons = verdict.of_reports(domain.name, reported, today=tally.today).reasons
        return replace(given, safe=True, reasons=[*reasons, BY_REPORTS])
    return given


def _unused(
    file: Written, evidence: Mapping[str, Evidence], today: date, options: argparse.Namespace
) -> dict[str, date]:
    """Since when parts of policies have been unneeded, kept beside the history of reports; nothing without one."""
    if not options.history:
        return {}
    with history.open(options.history, options.keep_days) as kept:
        key = f"unneeded mx of {file.name}"
        before: dict[str, date] = {}
        for part, day in dict(kept.remembered(key) or {}).items():
            with suppress(ValueError):
                before[part] = date.fromisoformat(day)
        now = ladder.remembered(before, ladder.unneeded(file, evidence), today)
        if now != before:
            kept.remember(key, {part: str(day) for part, day in now.items()})
    return now
