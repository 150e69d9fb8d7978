"""Strangers' text, made fit to be shown: the one place that everything printed, logged or rendered passes through.

Host names, TXT records, policies, reports and file names are written by people who may want to move the cursor,
reverse the direction of a line, give commands to the build agent that keeps the log, or end a label early. What can't
be seen is written as Python would write it (`\\x1b`, `\\u202e`); the rest stays as it is, whatever its script.
"""

import json
import re

LONGEST = 2_000  # characters of one text; the rest is told as a number

# Azure Pipelines takes `##vso[…]` and `##[…]` anywhere in a line for a command, GitHub Actions `##[…]` anywhere and
# `::command …::` at a line's beginning, where wrapping may put any word.
COMMAND = re.compile(r"#(?=#\w*\[)|:(?=:[a-z-]+(?:\s[^\n]*)?::)", re.IGNORECASE)


def shown(text: object, newlines: bool = False, longest: int = LONGEST) -> str:
    """A text for a terminal, a log or a page. It is no markup there: that is for the caller to say.

    :param newlines: keep these and tabs, of a text that is meant to have several lines.
    :param longest: characters.
    """
    given = str(text)
    if len(given) > longest:
        given = f"{given[:longest]}… ({len(given) - longest} characters more)"
    if not given.isprintable():
        given = "".join(
            sign if sign.isprintable() or (newlines and sign in "\n\t") else _escaped(sign) for sign in given
        )
    return COMMAND.sub(lambda match: _escaped(match[0]), given)


def label(text: object) -> str:
    """A label's value in Prometheus' text format, without the quotes around it."""
    return shown(text).replace("\\", r"\\").replace('"', r"\"")


def as_json(value: object) -> str:
    """JSON that reads back as the same value, and that no terminal and no build agent takes for anything else."""
    text = json.dumps(value, indent=2)  # what isn't ASCII is escaped
    return text.replace("##", r"#\u0023").replace("\x7f", r"\u007f")


def _escaped(sign: str) -> str:
    return f"\\x{ord(sign):02x}" if sign.isprintable() else sign.encode("unicode_escape").decode()
