"""A fleet's rows as people wrote them: what they say, and single cells of them changed in place.

The counterpart of `stack_text.py`: each row is a policy that is named by its domain. On Static Web Apps those of one app
are equal, and change together; on Front Door each changes by itself, since it goes over to another document. A preset
stays beside what is added to `mx` (docs/fleet.md): both are allowed.
"""

import re
import tempfile
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from posixpath import normpath
from typing import Any, cast

from checks import since
from checks.csv_text import CsvText
from checks.edit import Edit
from checks.stack_text import as_pattern
from policy import UserError
from policy.mx import MxPattern
from settings import ladder, problems
from settings.fleet import KEY, Row
from settings.ladder import Step
from settings.operators import PRESETS
from settings.policies import Hosting, PolicySettings
from settings.project import Project
from settings.rows import listed, read_texts


class FleetText:
    """All rows of a project's fleet.

    :param project: with the stacks' files and the rows.
    :raises UserError: a file can't be read at all, or isn't named as git names it.
    """

    def __init__(self, project: Project) -> None:
        self.project = project
        self.name = ", ".join(project.files)
        if other := [name for name in project.files if name != normpath(name) or name.startswith(("/", "../"))]:
            raise UserError(f"{KEY}.file: {other[0]!r} must stand in the project's folder, and be named from there, such as fleet.csv or fleet/acme.csv: steps go by its git history")  # fmt: skip
        there = {label: path for label, path in project.files.items() if path.exists()}
        self.before = {label: path.read_bytes().decode(errors="replace") for label, path in there.items()}
        self.problems = problems.of(project, project.fleet)
        wrong = {problem.partition(": ")[0] for problem in self.problems}
        self.rows: dict[str, Row] = {}
        self.shared: dict[str, Hashable] = {}
        made: list[PolicySettings] = []
        for row in project.fleet.rows:
            settings = None if row.key in wrong else problems.made(project, row)
            if settings:
                self.rows[row.domain] = row
                made.append(replace(settings, name=row.domain))
                if settings.hosted.on(Hosting.STATIC_WEB_APP):
                    self.shared[row.domain] = (row.shard, row.site)
        self.policies = tuple(made)

    @classmethod
    def at(cls, folder: Path, commit: str = "HEAD") -> "FleetText | None":
        """The rows at a commit; None where no stack has a fleet there.

        :param folder: of the project, in a repository.
        :raises UserError: as the class.
        """
        names = since.names_at(folder, commit)
        with tempfile.TemporaryDirectory(prefix="mta-sts-fleet-") as place:

            def bring(patterns: Sequence[Any]) -> None:
                # More than it matches may come along: Project takes what it wants of that.
                wanted = [
                    normpath(each).replace("**/", "*") for each in patterns if isinstance(each, str) and each
                ]
                for name in names:
                    if any(name == pattern or fnmatchcase(name, pattern) for pattern in wanted):
                        path = Path(place) / name
                        path.parent.mkdir(parents=True, exist_ok=True)
                        path.write_bytes((since.at_commit(folder, name, commit) or "").encode())

            bring(["Pulumi.*.yaml"])
            given = [stack.given.get("file") for stack in Project(Path(place)).stacks.values()]
            bring([name for one in given for name in (cast(list[Any], one) if isinstance(one, list) else [one])])
            return cls(Project(Path(place))) if given else None

    def ladder_of(self, policy: str) -> Sequence[Step]:
        """See `Written`."""
        stack = self.project.stacks.get(self.rows[policy].shard or 0)
        return stack.steps if stack else ladder.DEFAULT

    def parts(self, policy: str) -> dict[tuple[str, str], tuple[MxPattern, ...]]:
        """See `Written`. A preset goes as a whole, or stays: who uses one of its servers may come to the others."""
        cells = self.rows[policy].cells
        preset = cells.get("preset", "")
        of_preset = tuple(map(MxPattern.parse, PRESETS[preset].mx)) if preset else ()
        own = [MxPattern.parse(as_pattern(text)) for text in listed(cells.get("mx", ""))]
        found = {("mx", pattern.text): (pattern,) for pattern in own if pattern not in of_preset}
        return found | ({("preset", preset): of_preset} if preset else {})

    def since(self, folder: Path, commit: str = "HEAD") -> dict[str, date]:
        """See `Written`."""
        return since.since_of_rows(folder, list(self.project.files), commit)

    def describe(self, edit: Edit) -> str:
        """See `Written`."""
        what = f"mx of {edit.policy}" if edit.key == "mx" else edit.policy
        return f"{self.rows[edit.policy].key}, {what}: {edit}"

    def texts(self, edits: Sequence[Edit]) -> dict[str, str]:
        """See `Written`.

        :raises UserError: the fleet has a mistake, wherever it is.
        """
        if self.problems:
            more = (
                f" (and {len(self.problems) - 1} more: python -m tools.fleet check)"
                if len(self.problems) > 1
                else ""
            )
            raise UserError(f"{self.problems[0]}{more}; nothing is written while the fleet has a mistake")
        of_row: dict[str, list[Edit]] = {}
        for edit in edits:
            of_row.setdefault(edit.policy, []).append(edit)
        values = {name: self._values(name, own) for name, own in of_row.items()}
        files: dict[str, CsvText] = {}
        for name, cells in values.items():
            row = self.rows[name]
            if row.file not in files:
                files[row.file] = CsvText(self.project.files[row.file], row.file, self.before[row.file].encode())
            files[row.file].change(row.line, cells)
        after = {label: file.after for label, file in files.items()}
        self._read_again(after, values)
        return after

    def _values(self, name: str, edits: Sequence[Edit]) -> dict[str, str]:
        """The cells of a row that change, by column."""
        found: dict[str, str] = {}
        for edit in edits:
            if edit.key != "mx":
                found[edit.key] = edit.new
                continue
            text = found.get("mx", self.rows[name].cells.get("mx", ""))
            if edit.old:
                kept = [part for part in re.findall(r"([\s;]*)([^\s;]+)", text) if as_pattern(part[1]) != edit.old]
                found["mx"] = "".join(map("".join, kept)).lstrip(" ;\t\r\n")
            else:
                between = (re.findall(r"[\s;]+", text) or [" "])[-1]
                found["mx"] = f"{text}{between}{edit.new}" if text else edit.new
        return found

    def _read_again(self, after: Mapping[str, str], values: Mapping[str, Mapping[str, str]]) -> None:
        """:raises UserError: other cells than these are different, or a row can't work any more."""
        fleet = read_texts({label: text.encode() for label, text in {**self.before, **after}.items()}, self.project.customers)  # fmt: skip
        wanted = {name: _filled({**row.cells, **values.get(name, {})}) for name, row in self.rows.items()}
        told = problems.of(self.project, fleet)
        if told or {row.domain: _filled(row.cells) for row in fleet.rows} != wanted:
            by_hand = "; ".join(f"{self.rows[name].key}: {', '.join(f'{key}: {value}' for key, value in cells.items())}" for name, cells in values.items())  # fmt: skip
            raise UserError(f"{self.name} can't be changed without changing more; by hand: {by_hand}")  # fmt: skip


def _filled(cells: Mapping[str, str]) -> dict[str, str]:
    return {column: cell for column, cell in cells.items() if cell}
