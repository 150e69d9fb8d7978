"""`python -m tools.ci propose`: one pull request a stack, or for a whole fleet, with what is due; docs/ladder.md.

Made by runs of main alone. It looks, reads reports, and asks `checks.ladder.propose` what is due; then it makes the
branch `mta-sts/<stack>` or `mta-sts/fleet-rows` and its pull request say so. It touches neither what a person has pushed there nor what a person
has opened, and doesn't propose again what a person has closed. It never merges.
"""

import os
from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from pathlib import Path

from checks import evidence, ladder
from checks.__main__ import parser
from checks.edit import Edit
from checks.fleet_text import FleetText
from checks.ladder import Proposal
from checks.stack_text import StackText
from checks.written import Written
from policy import Mode, Policy, UserError
from tools.ci import proposal as words
from tools.ci import pull_requests, sign_in
from tools.ci.branch import PROPOSAL, TOKENS, Branch
from tools.ci.errors import CiError
from tools.ci.pull_requests import GITHUB_LIMIT, Host, PullRequest

FLEET = "fleet-rows"  # what the branch is called, where stacks have their own


def run(stack: str, dry: bool, rest: Sequence[str], env: Mapping[str, str], folder: Path) -> list[str]:
    """Propose what is due for a stack's policies, or for all rows of the fleet.

    :param stack: its name, or all of it: organization/project/stack; "" for the fleet.
    :param dry: show it, and ask no service about pull requests.
    :param rest: options of `python -m checks enforce`: where reports come from, and how to look.
    :param env: with the run's token.
    :param folder: of the project, in a clone.
    :returns: what was done, one line; of a fleet what is due; and what isn't due yet.
    :raises CiError: it can't be done, or a row of the fleet has a mistake.
    """
    stack = stack.rpartition("/")[2]
    label = stack or "fleet"
    try:
        if dry:
            return _shown(label, *_due(stack, "HEAD", rest, env, folder))
        host = pull_requests.host(env)
        branch = Branch(folder, host.url, host.authorization, host.main, f"mta-sts/{stack or FLEET}", host.hint)
        file, proposal = _due(stack, branch.fetch(), rest, env, folder)
        reconciled = Reconciled(host, branch, label, file, proposal)
        done, proposal = [reconciled.line()], reconciled.proposal
        if not stack:  # the description of a pull request may not hold all of it
            done += [f"due: {file.describe(edit)}: {edit.why}" for edit in proposal.edits]
            done += [f"why: {reason}" for reason in proposal.reasons]
        return [f"{label}: {line}" for line in (*done, *(f"not yet: {wait}" for wait in proposal.waits))]
    except UserError as error:
        raise CiError("\n".join(f"{label}: {line}" for line in str(error).splitlines())) from None


def _due(
    stack: str, commit: str, rest: Sequence[str], env: Mapping[str, str], folder: Path
) -> tuple[Written, Proposal]:
    file = _of_stack(f"Pulumi.{stack}.yaml", commit, folder) if stack else _of_fleet(commit, folder)
    names = [
        domain.name for policy in file.policies for domain in policy.domains if policy.policy.mode != Mode.NONE
    ]
    options = parser().parse_args(["enforce", "--fleet", *rest])
    own = ("name", "write", "json", "html", "customer", "shard", "stack_file")
    if any(getattr(options, name) for name in own):
        raise UserError("those that say what to look at, and where to show it, are for `python -m checks enforce`")
    since = file.since(folder, commit)
    before = dict(os.environ)
    with sign_in.environment(env) as signed_in:  # for mailboxes and histories in Azure; without the run's token
        os.environ.clear()
        os.environ.update({key: value for key, value in signed_in.items() if key not in TOKENS})
        try:
            known = evidence.known(file, names, since, options)
        finally:
            os.environ.clear()
            os.environ.update(before)
    proposal = ladder.propose(file, known.evidence, since, known.unused, known.today)
    if isinstance(file, FleetText) and file.problems:
        due = [f"not proposed until that is right: {file.describe(edit)}: {edit.why}" for edit in proposal.edits]
        raise UserError("\n".join([*file.problems, *due]))
    return file, proposal


def _of_stack(name: str, commit: str, folder: Path) -> StackText:
    file = StackText.at(folder, name, commit)
    if file is None:
        raise UserError(f"{name} is not in the repository")
    if not file.policies:
        raise UserError(f"{name} has no policies of its own; its fleet's rows: python -m tools.ci propose --fleet")
    return file


def _of_fleet(commit: str, folder: Path) -> FleetText:
    file = FleetText.at(folder, commit)
    if file is None:
        raise UserError("no Pulumi.<stack>.yaml in the repository has mta-sts:fleet; docs/fleet.md")
    if missing := [name for name in file.project.files if name not in file.before]:
        raise UserError(f"{', '.join(missing)}: mta-sts:fleet.file names it, but it is not in the repository")
    return file


def _changes(file: Written, commit: str, folder: Path) -> set[str]:
    """The policies that a proposal's commit has changed, and that are otherwise now; all where it can't be read."""
    now = {policy.name: policy.policy for policy in file.policies}
    then, before = (_policies(file, each, folder) for each in (commit, f"{commit}^"))
    return {
        name for name in now if then.get(name) != now[name] and (not then or then.get(name) != before.get(name))
    }


def _still_down(file: Written, proposal: Proposal, unsure: Set[str], folder: Path) -> Proposal:
    """A proposal with the steps down that stand proposed, and of which this time tells nothing."""
    then, now = _policies(file, PROPOSAL, folder), {policy.name: policy.policy for policy in file.policies}
    stepping = {edit.policy for edit in proposal.edits if edit.key in ("mode", "maxAge")}
    edits = tuple(
        Edit(name, "mode", str(Mode.ENFORCE), str(Mode.TESTING), "it was proposed before, and could not be looked at this time")
        for name in now
        if name in unsure - stepping and name in then and (now[name].mode, then[name].mode) == (Mode.ENFORCE, Mode.TESTING)
    )  # fmt: skip
    return replace(
        proposal,
        edits=(*proposal.edits, *edits),
        reasons=(*proposal.reasons, *(f"{edit.policy}: {edit.why}" for edit in edits)),
    )


def _policies(file: Written, commit: str, folder: Path) -> dict[str, Policy]:
    """Those of another commit; none where they can't be read."""
    try:
        there = (
            FleetText.at(folder, commit)
            if isinstance(file, FleetText)
            else StackText.at(folder, file.name, commit)
        )
    except UserError:
        there = None
    return {policy.name: policy.policy for policy in there.policies} if there else {}


def _shown(stack: str, file: Written, proposal: Proposal) -> list[str]:
    waits = [f"{stack}: not yet: {wait}" for wait in proposal.waits]
    if not proposal.edits:
        return [f"{stack}: nothing is due", *waits]
    return [words.title(stack, proposal), *words.text(file, proposal, GITHUB_LIMIT).splitlines()[1:]]


class Reconciled:
    """The branch and its pull request, made to say what is due."""

    def __init__(self, host: Host, branch: Branch, stack: str, file: Written, proposal: Proposal) -> None:
        self._host, self._branch, self._stack = host, branch, stack
        self._file = file
        self.proposal = proposal

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
        unsure = self.proposal.unsure & _changes(self._file, PROPOSAL, self._branch.folder) if current else set()
        if current and unsure and not self.proposal.urgent:
            due = words.text(self._file, self.proposal, self._host.limit) if self.proposal.edits else ""
            if not words.same_lines(current.text, due):
                return f"{current.url} is left as it is: not everything could be looked at this time"
        if unsure and self.proposal.urgent and self._branch.tip:
            self.proposal = _still_down(self._file, self.proposal, unsure, self._branch.folder)
        if not self.proposal.edits:
            return self._close(current)
        latest = next((each for each in found if each.own), None)
        return self._open(current, latest)

    def _close(self, current: PullRequest | None) -> str:
        if current:
            self._host.update(current.number, current.title, words.closing(self.proposal))
            self._host.close(current.number)
        if self._branch.tip:
            self._branch.delete()
        return f"closed {current.url}: it is no longer due" if current else "nothing is due"

    def _open(self, current: PullRequest | None, latest: PullRequest | None) -> str:
        title = words.title(self._stack, self.proposal)
        text = words.text(self._file, self.proposal, self._host.limit)
        if not current and latest and not latest.merged and words.same_lines(latest.text, text):
            return f"{latest.url} with the same lines was closed by somebody: they are proposed again when that is reopened, or when the lines change"  # fmt: skip
        after = self._file.texts(self.proposal.edits)
        pushed = not (self._branch.tip and self._branch.stands(after))
        if pushed:
            self._branch.put(after, words.message(self.proposal, self._stack))
        if not current:
            return f"opened {self._host.open(self._branch.name, title, text).url}: {title}"
        if not pushed and current.title == title and words.same_words(current.text, text):
            return f"{current.url} is current: {title}"
        self._host.update(current.number, title, text)
        return f"updated {current.url}: {title}"
