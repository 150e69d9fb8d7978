"""A change of a fleet's files: put together, checked, shown as a diff, agreed to, and only then written."""

import difflib
from pathlib import Path

from rich.console import Console
from rich.text import Text

from checks.csv_text import CsvText
from checks.replace import replace
from checks.shown import shown
from policy import UserError
from settings import problems
from settings.fleet import Fleet
from settings.project import Project
from settings.rows import read_texts
from tools.setup.ask import Ask

COLOURS = {"+": "green", "-": "red", "@": "cyan"}


class Change:
    """What is to be written.

    :param yes: nobody is asked.
    """

    def __init__(self, project: Project, console: Console, yes: bool) -> None:
        self.project, self.console, self.yes = project, console, yes
        self._files: dict[str, CsvText] = {}
        self._others: dict[Path, tuple[str, str]] = {}

    def file(self, label: str) -> CsvText:
        """One of the fleet's files."""
        if label not in self._files:
            path = self.project.files.get(label, self.project.folder / label)
            self._files[label] = CsvText(path, label)
        return self._files[label]

    def other(self, path: Path, after: str) -> None:
        """A file that is no fleet file, and what it is to say."""
        self._others[path] = (path.read_bytes().decode(), after)

    def say(self, text: str = "", style: str = "") -> None:
        """A line, whatever is in it."""
        self.console.print(Text(shown(text), style), soft_wrap=not self.console.is_terminal)

    def finish(self) -> int:
        """Check it, show it, ask, and write it.

        :returns: the exit code.
        :raises UserError: it would make a row that can't work; or a file can't be written.
        """
        texts = {label: (file.path, file.before, file.after) for label, file in self._files.items()}
        texts |= {path.name: (path, *both) for path, both in self._others.items()}
        texts = {label: each for label, each in texts.items() if each[1] != each[2]}
        if not texts:
            self.say("nothing to change")
            return 0
        if wrong := problems.new(
            problems.of(self.project, self.project.fleet), problems.of(self.project, self._after())
        ):
            raise UserError("\n".join(wrong))
        for label, (_, before, after) in texts.items():
            self._show(label, before, after)
        if not Ask(self.console, self.yes, {}).agree("Write it", default=False):
            self.say("nothing was written")
            return 0
        for label, (path, before, _) in texts.items():
            if (path.read_bytes() if path.exists() else b"") != before.encode():
                raise UserError(f"{label} has changed meanwhile; nothing was written, run it again")
        for path, _, after in texts.values():
            replace(path, after)
        self.say(f"written: {', '.join(texts)}")
        return 0

    def _after(self) -> Fleet:
        """The rows as they are to be."""
        labels = dict.fromkeys([*self.project.files, *self._files])
        texts = {
            label: self.file(label).after.encode()
            for label in labels
            if label in self._files or self.project.files[label].exists()
        }
        return read_texts(texts, self.project.customers)

    def _show(self, label: str, before: str, after: str) -> None:
        lines = difflib.unified_diff(
            before.splitlines(), after.splitlines(), label, label, "", "", n=1, lineterm=""
        )
        for at, line in enumerate(lines):
            self.say(line.rstrip(), "bold" if at < 2 else COLOURS.get(line[:1], "dim"))
