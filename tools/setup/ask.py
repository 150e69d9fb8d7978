"""The questions. Each has a flag; without one, a person at a terminal is asked, and nobody else."""

import sys
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.prompt import Confirm, Prompt
from rich.text import Text

from checks.shown import shown
from policy import UserError


class Ask:
    """Answers, wherever they come from.

    :param yes: take what was found.
    :param credentials: secrets by their names, for when nobody can be asked.
    """

    def __init__(self, console: Console, yes: bool, credentials: Mapping[str, str]) -> None:
        self._console = console
        self._yes = yes
        self._credentials = credentials
        self._terminal = sys.stdin.isatty() and sys.stdout.isatty()

    def text(self, given: str | None, flag: str, question: str, default: str) -> str:
        """A line of text.

        :param given: the flag's value.
        :param default: what was found, or what is usual; "" for nothing.
        :raises UserError: there is nobody to ask.
        """
        if given is not None:
            return given
        if self._yes and default:
            return default
        self._needs_terminal(flag, question, bool(default))
        answer = Prompt.ask(
            _text(question), console=self._console, default=default or None, show_default=bool(default)
        )
        return (answer or "").strip()

    def secret(self, name: str, question: str, instead: str = "--dns manual") -> str:
        """A secret, typed unseen; "" for none.

        :param name: its last part is its name among the credentials.
        :param instead: what else one may do.
        :raises UserError: there is nobody to ask.
        """
        key = name.rpartition(".")[2]
        if key in self._credentials:
            return self._credentials[key]
        if self._yes or not self._terminal:
            raise UserError(
                f"{key} is needed ({question}): give it by --credentials FILE, in a line {key}=…; or {instead}"
            )
        return (Prompt.ask(_text(f"{question} (unseen)"), console=self._console, password=True, default="", show_default=False) or "").strip()  # fmt: skip

    def agree(self, question: str, default: bool = True) -> bool:
        """Yes or no.

        :param default: what Return alone means.
        :raises UserError: there is nobody to ask.
        """
        if self._yes:
            return True
        self._needs_terminal("--yes", question, False)
        return Confirm.ask(_text(question), console=self._console, default=default)

    def _needs_terminal(self, flag: str, question: str, found: bool) -> None:
        if self._terminal:
            return
        also = ", or take what was found: --yes" if found and flag != "--yes" else ""
        raise UserError(f"there is no terminal to ask at: {question}? Answer by {flag}{also}")


def credentials(path: Path | None) -> dict[str, str]:
    """Secrets from a file of lines `name=value`; `-` is standard input.

    :raises UserError: it can't be read; no line of it is shown.
    """
    if path is None:
        return {}
    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text()
    except (OSError, UnicodeError) as error:
        raise UserError(f"--credentials {path}: {getattr(error, 'strerror', None) or 'it is no text'}") from None
    pairs = [line.partition("=") for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if any(not equals for _, equals, _ in pairs):
        raise UserError(f"--credentials {path}: every line must be name=value")
    return {name.strip(): value.strip() for name, _, value in pairs}


def _text(question: str) -> Text:
    return Text(shown(question))
