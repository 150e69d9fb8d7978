"""`python -m tools.ci propose`: one pull request a stack with the lines that are due; docs/ladder.md.

Made by runs of main alone. It looks, reads reports, and asks `checks.ladder.propose` what is due; then it makes the
branch `mta-sts/<stack>` and its pull request say so. It touches neither what a person has pushed there nor what a person
has opened, and doesn't propose again what a person has closed. It never merges.
"""

import argparse
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from checks import gather, history, ladder, steps, verdict
from checks import since as history_of
from checks.__main__ import parser
from checks.finding import Domain
from checks.ladder import Evidence, Proposal
from checks.stack_text import StackText
from checks.verdict import Verdict
from policy import UserError
from tools.ci import proposal as words
from tools.ci import pull_requests, sign_in
from tools.ci.branch import TOKENS, Branch
from tools.ci.errors import CiError
from tools.ci.pull_requests import GITHUB_LIMIT, Host, PullRequest

NOT_LOOKED = ["no mail server was looked at"]  # all that speaks against it, with --no-servers
BY_REPORTS = "the mail servers were not looked at (--no-servers): the reports alone speak for them"


def run(stack: str, dry: bool, rest: Sequence[str], env: Mapping[str, str], folder: Path) -> list[str]:
    """Propose what is due for a stack.

    :param stack: its name, or all of it: organization/project/stack.
    :param dry: show it, and ask no service about pull requests.
    :param rest: options of `python -m checks enforce`: where reports come from, and how to look.
    :param env: with the run's token.
    :param folder: of the project, in a clone.
    :returns: what was done, one line, and what isn't due yet.
    :raises CiError: it can't be done.
    """
    stack = stack.rpartition("/")[2]
    name = f"Pulumi.{stack}.yaml"
    try:
        if dry:
            return _shown(stack, *_due(name, "HEAD", rest, env, folder))
        host = pull_requests.host(env)
        branch = Branch(folder, host.url, host.authorization, host.main, f"mta-sts/{stack}", host.hint)
        file, proposal = _due(name, branch.fetch(), rest, env, folder)
        done = Reconciled(host, branch, stack, file, proposal).line()
        return [f"{stack}: {done}", *(f"{stack}: not yet: {wait}" for wait in proposal.waits)]
    except UserError as error:
        raise CiError(f"{stack}: {error}") from None


def _due(
    name: str, commit: str, rest: Sequence[str], env: Mapping[str, str], folder: Path
) -> tuple[StackText, Proposal]:
    text = history_of.at_commit(folder, name, commit)
    if text is None:
        raise UserError(f"{name} is not in the repository")
    file = StackText(name, text)
    names = [domain.name for policy in file.policies for domain in policy.domains]
    options = parser().parse_args(["enforce", names[0], *rest])
    if options.write or options.json or options.html:
        raise UserError("--write, --json and --html are for `python -m checks enforce`")
    since = history_of.since(folder, name, commit)
    before = dict(os.environ)
    with sign_in.environment(env) as signed_in:  # for mailboxes and histories in Azure; without the run's token
        os.environ.clear()
        os.environ.update({key: value for key, value in signed_in.items() if key not in TOKENS})
        try:
            evidence, today = _evidence(file, since, names, options)
            unused = _unused(options, name, file, evidence, today)
        finally:
            os.environ.clear()
            os.environ.update(before)
    return file, ladder.propose(file, evidence, since, unused, today)


def _evidence(
    file: StackText, since: Mapping[str, date], names: list[str], options: argparse.Namespace
) -> tuple[dict[str, Evidence], date]:
    """Of every domain, by the reports since its policy stands as it does, of the latest weeks."""
    seen = {each.name: each for each in gather.look(names, {}, options)}
    today = datetime.now(UTC).date()
    oldest, given = today - timedelta(days=ladder.WINDOW), options.since
    by_day: dict[date, list[str]] = {}
    for policy in file.policies:
        first = max(each for each in (oldest, since.get(policy.name), given) if each)
        by_day.setdefault(first, []).extend(domain.name for domain in policy.domains)
    found: dict[str, Evidence] = {}
    for first, some in by_day.items():
        options.since = first
        tally = gather.gather(options, options.reports, some)
        domains = [seen[name] for name in some]
        verdicts = [_verdict(domain, tally, options) for domain in domains]
        found |= steps.evidence(domains, verdicts, tally, gather.view(options))
        today = tally.today
    options.since = given
    return found, today


def _verdict(domain: Domain, tally: Any, options: argparse.Namespace) -> Verdict:
    reported = tally.domains.get(domain.name)
    given = gather.complete(verdict.of_both(domain, reported, tally.today), tally)
    if options.no_servers and not given.safe and given.reasons == NOT_LOOKED:
        reasons = verdict.of_reports(domain.name, reported, today=tally.today).reasons
        return replace(given, safe=True, reasons=[*reasons, BY_REPORTS])
    return given


def _unused(
    options: argparse.Namespace, name: str, file: StackText, evidence: Mapping[str, Evidence], today: date
) -> dict[str, date]:
    """Since when patterns of mx have been unneeded, kept beside the history of reports; nothing without one."""
    if not options.history:
        return {}
    with history.open(options.history, options.keep_days) as kept:
        key = f"unneeded mx of {name}"
        before: dict[str, date] = {}
        for pattern, day in dict(kept.remembered(key) or {}).items():
            with suppress(ValueError):
                before[pattern] = date.fromisoformat(day)
        now = ladder.remembered(before, ladder.unneeded(file, evidence), today)
        if now != before:
            kept.remember(key, {pattern: str(day) for pattern, day in now.items()})
    return now


def _shown(stack: str, file: StackText, proposal: Proposal) -> list[str]:
    waits = [f"{stack}: not yet: {wait}" for wait in proposal.waits]
    if not proposal.edits:
        return [f"{stack}: nothing is due", *waits]
    return [words.title(stack, proposal), *words.text(file, proposal, GITHUB_LIMIT).splitlines()[1:]]


class Reconciled:
    """The branch and its pull request, made to say what is due."""

    def __init__(self, host: Host, branch: Branch, stack: str, file: StackText, proposal: Proposal) -> None:
        self._host, self._branch, self._stack = host, branch, stack
        self._file, self._proposal = file, proposal

    def line(self) -> str:
        """What was done, in one line.

        :raises CiError: the service refuses.
        """
        found = self._host.of(self._branch.name)
        current = next((each for each in found if each.open), None)
        if current and not current.own:
            return f"{current.url} was opened by somebody else: it is left as it is"
        if self._branch.tip and not self._branch.ours:
            return f"somebody has pushed to {self._branch.name}: it is left as it is{f' ({current.url})' if current else ''}"  # fmt: skip
        if current and self._proposal.unsure and not self._proposal.urgent:
            due = words.text(self._file, self._proposal, self._host.limit) if self._proposal.edits else ""
            if not words.same_lines(current.text, due):
                return f"{current.url} is left as it is: not everything could be looked at this time"
        if not self._proposal.edits:
            return self._close(current)
        latest = next((each for each in found if each.own), None)
        return self._open(current, latest)

    def _close(self, current: PullRequest | None) -> str:
        if current:
            self._host.update(current.number, current.title, words.closing(self._proposal))
            self._host.close(current.number)
        if self._branch.tip:
            self._branch.delete()
        return f"closed {current.url}: it is no longer due" if current else "nothing is due"

    def _open(self, current: PullRequest | None, latest: PullRequest | None) -> str:
        title = words.title(self._stack, self._proposal)
        text = words.text(self._file, self._proposal, self._host.limit)
        if not current and latest and not latest.merged and words.same_lines(latest.text, text):
            return f"{latest.url} with the same lines was closed by somebody: they are proposed again when that is reopened, or when the lines change"  # fmt: skip
        after = self._file.changed(self._proposal.edits)
        pushed = not (self._branch.tip and self._branch.stands(self._file.name, after))
        if pushed:
            self._branch.put(self._file.name, after, words.message(self._proposal, self._stack))
        if not current:
            return f"opened {self._host.open(self._branch.name, title, text).url}: {title}"
        if not pushed and current.title == title and words.same_words(current.text, text):
            return f"{current.url} is current: {title}"
        self._host.update(current.number, title, text)
        return f"updated {current.url}: {title}"
