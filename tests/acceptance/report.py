"""The report of a life: what was done, how long it took, what was answered; nothing secret, nothing that names the user."""

import json
import re
import time
from dataclasses import dataclass, field
from pathlib import Path

UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
LONGEST = 20_000  # characters of one command's output


@dataclass
class Report:
    """Written after every step, so that an interrupted life leaves one too.

    :param path: a Markdown file.
    :param secrets: texts that must not stand in it.
    """

    path: Path
    secrets: list[str]
    lines: list[str] = field(default_factory=list[str])
    _ids: dict[str, str] = field(default_factory=dict[str, str])

    def begin(self, title: str) -> None:
        """The head."""
        self.lines.append(f"# {title}\n\n{time.strftime('%Y-%m-%d %H:%M:%S UTC', time.gmtime())}\n")
        self._write()

    def step(self, name: str, seconds: float, outcome: str, output: str, answers: dict[str, object]) -> None:
        """One step.

        :param answers: resource id to what Azure says of it.
        """
        text = ANSI.sub("", output)
        shown = text if len(text) <= LONGEST else f"{text[:LONGEST]}\n… {len(text) - LONGEST} characters more"
        self.lines.append(f"## {name}: {outcome}, {seconds:.1f} s\n\n```\n{shown.strip()}\n```\n")
        if answers:
            self.lines.append(f"Azure's answers:\n\n```json\n{json.dumps(answers, indent=1)}\n```\n")
        self._write()

    def _write(self) -> None:
        text = "\n".join(self.lines)
        for secret in self.secrets:
            text = text.replace(secret, "[secret]") if len(secret) > 3 else text
        self.path.write_text(UUID.sub(self._numbered, text), encoding="utf-8")

    def _numbered(self, match: re.Match[str]) -> str:
        """Subscriptions, tenants and the like as id-1, id-2, …: told apart, not told."""
        return self._ids.setdefault(match[0].lower(), f"id-{len(self._ids) + 1}")
