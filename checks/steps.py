"""`python -m checks enforce`: the lines to change next, in stacks' files and in a fleet's, and the change (`--write`)."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import cached_property
from pathlib import Path

from checks import edit, ladder
from checks.fleet_text import FleetText
from checks.ladder import Evidence, Proposal
from checks.replace import replace
from checks.stack_text import StackText
from checks.written import Written
from policy import UserError
from settings.project import Project

NEXT = "Then: pulumi preview, pulumi up."
NEXT_OF_FLEET = "Then: commit, python -m tools.fleet preview, python -m tools.fleet up."


class Place:
    """Policies where they are written, and what the repository says of them.

    :param folder: that the files are named from.
    :param file: as they stand there.
    """

    def __init__(self, folder: Path, file: Written) -> None:
        self.folder, self.file = folder, file

    @property
    def next(self) -> str:
        """What to do after a change."""
        return NEXT_OF_FLEET if isinstance(self.file, FleetText) else NEXT

    @cached_property
    def committed(self) -> Written | None:
        """The same at the last commit; None where there is none.

        :raises UserError: it can't be read there.
        """
        if isinstance(self.file, FleetText):
            return FleetText.at(self.folder)
        return StackText.at(self.folder, self.file.name)

    def since(self, today: date) -> dict[str, date]:
        """By policy, since when it stands as it does.

        Where it was never committed, what stands counts as having stood for long: then the reports' days alone decide.
        Of what was, but whose history is cut off, it isn't known.
        """
        names = [policy.name for policy in self.file.policies]
        try:
            before = self.committed
        except UserError:
            return dict.fromkeys(names, today)
        if before is None:
            return dict.fromkeys(names, date.min)
        then, now = _standing(before), _standing(self.file)
        changed = {name: today for name in names if then.get(name) != now[name]}
        return {**self.file.since(self.folder), **changed}

    def after(self, proposal: Proposal) -> dict[Path, str]:
        """What files are to say; nothing is written yet.

        :raises UserError: what is to change has changes that aren't committed, or can't be changed.
        """
        if not proposal.edits:
            return {}
        texts = self.file.texts(proposal.edits)
        self._refuse_uncommitted({each.policy for each in proposal.edits})
        for name in texts:
            if (self.folder / name).read_bytes() != self.file.before[name].encode():
                raise UserError(f"{name} has changed meanwhile; nothing was written, run it again")
        return {self.folder / name: text for name, text in texts.items()}

    def _refuse_uncommitted(self, names: set[str]) -> None:
        try:
            before = self.committed
        except UserError:
            return
        if before is None or before.before == self.file.before:
            return
        then = {policy.name: policy.policy for policy in before.policies}
        now = {policy.name: policy.policy for policy in self.file.policies}
        changed = sorted(name for name in names if then.get(name) != now[name])
        if changed:
            kind = "row of" if isinstance(self.file, FleetText) else "policy"
            what = f"the {kind} {changed[0]} has" if len(changed) == 1 else f"{', '.join(changed)} have"
            raise UserError(f"{self.file.name}: {what} changes that aren't committed; commit or undo them first")


def _standing(file: Written) -> dict[str, tuple[str, int]]:
    return {each.name: (each.policy.mode, each.policy.max_age) for each in file.policies}


class Steps:
    """Where a domain's policy is written, and what to change there.

    :param domain: in A-labels.
    :param given: `--stack-file`; None for every Pulumi.*.yaml here that has the domain, or for the fleet's row.
    """

    def __init__(self, domain: str, given: Path | None) -> None:
        self.domain = domain
        self.problems: list[str] = []
        self.wrong: list[str] = []  # with the domain's own row
        self.places: list[Place] = []
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
                self.places.append(Place(path.parent, file))
        if not self.places:
            self._look_in_fleet(given.parent if given else Path.cwd())
        if given and not self.places and not self.problems and not self.wrong:
            self.problems.append(f"{given.name} has no policy with the domain {domain}")

    def _look_in_fleet(self, folder: Path) -> None:
        """A row that has a mistake is told by it."""
        try:
            file = FleetText(project) if (project := Project(folder)).stacks else None
        except UserError as error:
            self.problems += [line for line in str(error).splitlines() if line not in self.problems]
            return
        if file and self.domain in file.rows:
            self.places.append(Place(folder, file))
        elif file:
            keys = {row.key for row in file.project.fleet.rows if row.domain == self.domain}
            self.wrong = [line for line in file.problems if line.partition(": ")[0] in keys]

    @property
    def names(self) -> list[str]:
        """The domain, then all that change with it."""
        return list(dict.fromkeys([self.domain, *(name for place in self.places for name in with_others(place.file, [self.domain]))]))  # fmt: skip

    def since(self, today: date) -> list[dict[str, date]]:
        """Of each place, by policy, since when it stands as it does."""
        return [place.since(today) for place in self.places]

    def of_domains(self, since: Sequence[Mapping[str, date]]) -> dict[str, date]:
        """The same by domain, wherever it is written."""
        found: dict[str, date] = {}
        for place, days in zip(self.places, since, strict=True):
            for policy in place.file.policies:
                if policy.name in days:
                    for domain in policy.domains:
                        found[domain.name] = max(days[policy.name], found.get(domain.name, date.min))
        return found

    def proposals(
        self, known: Mapping[str, Evidence], since: Sequence[Mapping[str, date]], today: date
    ) -> list[Proposal]:
        """What to change at each place.

        :param since: of each place (`since`).
        """
        return [
            ladder.propose(place.file, known, days, {}, today)
            for place, days in zip(self.places, since, strict=True)
        ]

    def told(self, proposals: Sequence[Proposal], safe: bool) -> str:
        """The lines to change, or what is still waited for; "" where there is nothing to say.

        :param safe: to enforce; where it isn't, a file that is missing is no matter.
        """
        lines = [*self.wrong, *(self.problems if safe else ())]
        for place, proposal in zip(self.places, proposals, strict=True):
            lines += map(place.file.describe, proposal.edits)
            if proposal.edits:
                others = [name for name in self.names if name != self.domain]
                lines += [f"This changes {', '.join(others)} too, with the same policy."] if others else []
                lines.append(place.next)
            lines += [f"not yet: {wait}" for wait in proposal.waits]
        if safe and not self.places and not lines:
            lines.append(f"no Pulumi.<stack>.yaml here, and no row of a fleet, has the domain {self.domain}; --stack-file names it")  # fmt: skip
        return "\n".join(lines)

    def write(self, proposals: Sequence[Proposal]) -> str:
        """Change the files; see `written`."""
        return written(zip(self.places, proposals, strict=True))


def written(changes: Iterable[tuple[Place, Proposal]]) -> str:
    """Change files, each as a whole or not at all; where one can't be changed, none is.

    :returns: what has changed, as a diff, and what to do next; "" where nothing has.
    :raises UserError: as `Place.after`, or a file can't be written.
    """
    found = [(place, place.after(proposal)) for place, proposal in changes if proposal.edits]
    told: list[str] = []
    for place, texts in found:
        for path, text in texts.items():
            replace(path, text)
        told.append(
            edit.diff(
                place.file.before,
                {path.relative_to(place.folder).as_posix(): text for path, text in texts.items()},
            )
        )
    return "\n".join([*told, f"Changed. {found[0][0].next}"]) if told else ""


def with_others(file: Written, names: Iterable[str]) -> list[str]:
    """The domains, and all that change with them, in the file's order."""
    wanted = set(names)
    groups = [[domain.name for each in group for domain in each.domains] for group in ladder.groups(file)]
    return [name for group in groups if wanted & set(group) for name in group]
