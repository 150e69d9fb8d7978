"""`pulumi preview --diff` of one stack, once: its text for people, its events for the comment."""

import json
import re
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pulumi import automation

from checks.shown import shown
from tools.ci.errors import CiError

QUIET = ("same", "read", "refresh")  # operations that change nothing
SECRET = re.compile(r"TOKEN|PASSPHRASE|PASSWORD|SECRET|_KEY$|_PAT$", re.IGNORECASE)
COLOUR = re.compile(r"<\{%.*?%\}>|\x1b\[[0-9;]*m")
NOTES = {"error": "error", "warning": "warning", "info": "note", "info#err": "note"}


@dataclass
class Preview:
    """What an `up` of a stack would do.

    :param changes: (operation, resource name, type) for each resource that doesn't stay the same.
    :param counts: operation to number of resources.
    :param notes: (error, warning or note; resource name or ""; text).
    :param diff: what `pulumi preview --diff` printed.
    """

    stack: str
    failed: bool = False
    changes: list[tuple[str, str, str]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    notes: list[tuple[str, str, str]] = field(default_factory=list)
    diff: str = ""

    def hide(self, environment: Mapping[str, str]) -> None:
        """Take out the values of variables that are secret by their name: Azure DevOps hides them in logs, but it
        doesn't see comments."""
        values = {value for name, value in environment.items() if SECRET.search(name) and len(value) >= 6}

        def hidden(text: str) -> str:
            for value in sorted(values, key=len, reverse=True):
                text = text.replace(value, "***")
            return text

        self.diff = hidden(self.diff)
        self.notes = [(kind, resource, hidden(text)) for kind, resource, text in self.notes]

    def save(self, path: Path) -> None:
        """Keep it for the step that writes the comment."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self)))

    @classmethod
    def load(cls, path: Path) -> "Preview":
        """What `save` kept.

        :raises CiError: there is none.
        """
        try:
            found = json.loads(path.read_text())
        except (OSError, ValueError):
            raise CiError(f"there is no preview in {path}; its step did not come to its end") from None
        lists = {name: [tuple(each) for each in found[name]] for name in ("changes", "notes")}
        return cls(**{**found, **lists})

    def event(self, event: automation.EngineEvent) -> None:
        """Note what the engine says."""
        if event.resource_pre_event:
            step = event.resource_pre_event.metadata
            if step.op.value not in QUIET:
                self.changes.append((step.op.value, name_of(step.urn), step.type))
        if event.summary_event:
            self.counts = {
                str(getattr(op, "value", op)): n for op, n in event.summary_event.resource_changes.items()
            }
        said = event.diagnostic_event
        if said and said.severity in NOTES and not said.ephemeral:
            text = COLOUR.sub("", said.message).strip()
            found = (NOTES[said.severity], name_of(said.urn) if said.urn else "", text)
            if text and found not in self.notes:
                self.notes.append(found)


def name_of(urn: str) -> str:
    """The resource's name, the last part of its URN."""
    return urn.split("::", 3)[-1]


def preview(stack: str, folder: Path) -> Preview:
    """Run it, showing its output on stdout as it comes."""
    found, lines = Preview(stack), list[str]()

    def show(line: str) -> None:
        lines.append(COLOUR.sub("", line))
        print(shown(line, newlines=True, longest=100_000), flush=True)  # no command to the agent is ours

    try:
        chosen = automation.select_stack(stack, work_dir=str(folder))
        chosen.preview(
            diff=True, color="never", suppress_progress=True, on_output=show, on_event=found.event,
            on_error=lambda line: print(shown(line, newlines=True, longest=100_000), file=sys.stderr, flush=True),
        )  # fmt: skip
    except (automation.CommandError, automation.InvalidVersionError, RuntimeError) as error:
        found.failed = True
        explain(found, str(error))
    found.diff = "\n".join(lines).strip()
    return found


def explain(found: Preview, message: str) -> None:
    """The error lines of a command that failed before, or without, saying why as an event."""
    if any(kind == "error" for kind, _, _ in found.notes):
        return
    lines = [COLOUR.sub("", line).strip() for line in message.splitlines()]
    errors = [line.partition("error: ")[2] for line in lines if line.startswith(("error: ", "stderr: error: "))]
    for line in dict.fromkeys(errors or [line for line in lines if line][:1]):
        found.notes.append(("error", "", line))
