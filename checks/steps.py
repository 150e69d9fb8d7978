"""`python -m checks enforce`: the lines of the stack files to change next, and the change itself (`--write`)."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

from checks import ladder, mail, since
from checks.finding import Domain, Level
from checks.ladder import Evidence, Proposal
from checks.look import Look, Shared
from checks.replace import replace
from checks.stack_text import StackText, describe
from checks.tally import Tally
from checks.verdict import NOT_NEEDED, Verdict, of_reports
from internet.view import View
from policy import UserError
from settings.policies import PolicySettings

SECONDS = 30.0  # for the MX records of one domain
AT_ONCE = 16  # domains
NEXT = "Then: pulumi preview, pulumi up."


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


def together(file: StackText, domain: str) -> list[PolicySettings]:
    """The policy of a domain, and those that change with it."""
    found = [group for group in ladder.groups(file.policies) if any(domain == one.name for each in group for one in each.domains)]  # fmt: skip
    return found[0] if found else []


class Steps:
    """The stack files that have a domain, and what to change there.

    :param domain: in A-labels.
    :param given: `--stack-file`; None for every Pulumi.*.yaml here that has the domain.
    """

    def __init__(self, domain: str, given: Path | None) -> None:
        self.domain = domain
        self.problems: list[str] = []
        self.files: dict[Path, StackText] = {}
        paths = [given] if given else sorted(Path.cwd().glob("Pulumi.*.yaml"))
        for path in paths:
            if not given and domain not in path.read_text(errors="replace"):
                continue
            try:
                file = StackText.read(path)
            except UserError as error:
                self.problems.append(str(error))
                continue
            if file.policy_of(domain):
                self.files[path] = file
            elif given:
                self.problems.append(f"{path.name} has no policy with the domain {domain}")

    @property
    def names(self) -> list[str]:
        """The domain, then all that share its policy: a change is for all of them."""
        shared = [one.name for file in self.files.values() for each in together(file, self.domain) for one in each.domains]  # fmt: skip
        return list(dict.fromkeys([self.domain, *shared]))

    def proposals(self, known: Mapping[str, Evidence], today: date) -> dict[Path, Proposal]:
        """What to change, by file.

        Without a git history what stands counts as having stood for long: then the reports' days alone decide.
        """
        found: dict[Path, Proposal] = {}
        for path, file in self.files.items():
            found[path] = ladder.propose(file, known, _since(path, file, today), {}, today)
        return found

    def told(self, proposals: Mapping[Path, Proposal], safe: bool) -> str:
        """The lines to change, or what is still waited for; "" where there is nothing to say.

        :param safe: to enforce; where it isn't, a file that is missing is no matter.
        """
        lines = list(self.problems) if safe else []
        for path, proposal in proposals.items():
            file = self.files[path]
            lines += [describe(file, edit) for edit in proposal.edits]
            if proposal.edits:
                others = [name for name in self.names if name != self.domain]
                lines += [f"This changes {', '.join(others)} too, with the same policy."] if others else []
                lines.append(NEXT)
            lines += [f"not yet: {wait}" for wait in proposal.waits]
        if safe and not self.files and not self.problems:
            lines.append(f"no Pulumi.<stack>.yaml here has a policy with the domain {self.domain}; --stack-file names it, and python -m tools.fleet set changes a fleet file's")  # fmt: skip
        return "\n".join(lines)

    def write(self, proposals: Mapping[Path, Proposal]) -> str:
        """Change the files, each as a whole or not at all.

        :returns: what has changed, as a diff, and what to do next; "" where nothing has.
        :raises UserError: a file has changes of these policies that aren't committed, or can't be changed or written.
        """
        texts = {path: self.files[path].changed(each.edits) for path, each in proposals.items() if each.edits}
        for path in texts:
            _refuse_uncommitted(path, self.files[path], {edit.policy for edit in proposals[path].edits})
        told: list[str] = []
        for path, text in texts.items():
            replace(path, text)
            told.append(self.files[path].diff(text))
        return "\n".join([*told, f"Changed. {NEXT}"]) if told else ""


def _since(path: Path, file: StackText, today: date) -> dict[str, date]:
    names = [policy.name for policy in file.policies]
    committed = since.at_commit(path.parent, path.name)
    if committed is None:
        return dict.fromkeys(names, date.min)
    known = dict.fromkeys(names, date.min) | since.since(path.parent, path.name)
    then, now = since.standing(committed), since.standing(file.text)
    return {name: known[name] if then.get(name) == now.get(name) else today for name in names}


def _refuse_uncommitted(path: Path, file: StackText, names: set[str]) -> None:
    committed = since.at_commit(path.parent, path.name)
    if committed is None or committed == file.text:
        return
    try:
        before = {policy.name: policy.policy for policy in StackText(path.name, committed).policies}
    except UserError:
        return
    changed = sorted(name for name in names if before.get(name) != file.policy(name).policy)
    if changed:
        raise UserError(f"{path.name}: the policy {', '.join(changed)} has changes that aren't committed; commit or undo them first")  # fmt: skip
