"""The pull request's comment: what each stack would change, at a glance first, in full below."""

import re
from collections.abc import Sequence

from checks.shown import shown
from tools.ci.preview import Preview

MARKER = "<!-- mta-sts: pulumi preview -->"  # not shown; by it the next run finds the comment
FLEET = "<!-- mta-sts: pulumi preview of the fleet -->"  # the fleet's pipeline comments beside the other
LIMIT = 150_000  # characters; "A discussion comment cannot be longer than …", says Azure DevOps (runatlantis 1585)
GITHUB_LIMIT = 65_536  # characters; "Body is too long (maximum is 65536 characters)"
CUT = "\n… cut here, {} characters more: the whole is in this run's log"
SHORT = 4  # stacks; of more there is a table first, and nothing further of those that stay as they are
ORDER = ("create", "update", "replace", "delete", "same")


def render(previews: Sequence[Preview], link: str = "", limit: int = LIMIT, marker: str = MARKER) -> str:
    """The comment, in Azure DevOps' Markdown.

    :param link: to the run.
    :param limit: characters (UTF-16 units, as .NET counts).
    :param marker: MARKER or FLEET, what the comment begins with.
    """
    run = f" · [run]({link})" if link else ""
    many = len(previews) > SHORT
    told = [each for each in previews if each.failed or each.changes] if many else previews
    text = "\n".join(
        [f"{marker}\n### Pulumi preview{run}\n", *_overview(previews if many else ()), *map(_summary, told)]
    )
    diffs = [(each.stack, _lines(each.diff)) for each in told if each.diff]
    frame = sum(length(_details(stack, "")) + len(CUT) + 10 for stack, _ in diffs)
    room = (limit - min(length(text), limit) - frame) // max(len(diffs), 1)
    text += "".join(_details(stack, cut(diff, room)) for stack, diff in diffs if room > 0)
    return cut(text, limit)


def _overview(previews: Sequence[Preview]) -> list[str]:
    """A row a stack, what fails or changes first; nothing for none."""
    if not previews:
        return []
    ordered = sorted(previews, key=lambda each: (not each.failed, not each.changes))
    rows = [f"| {_cell(each.stack)} | {_headline(each)} | {_worst(each)} |" for each in ordered]
    return ["| stack | what would change | |", "|---|---|---|", *rows, ""]


def _worst(found: Preview) -> str:
    """The first line of what stops it; else the number of warnings."""
    errors = [text for kind, _, text in found.notes if kind == "error"]
    warnings = sum(kind == "warning" for kind, _, _ in found.notes)
    if errors:
        return _cell(errors[0].strip().partition("\n")[0][:200])
    return f"{warnings} warning{'s' if warnings > 1 else ''}" if warnings else ""


def length(text: str) -> int:
    """Characters as .NET counts them."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def cut(text: str, limit: int) -> str:
    """A text that is too long, shortened at the end of a line, with a note that says so."""
    if length(text) <= limit:
        return text
    kept = text.encode("utf-16-le", "surrogatepass")[: 2 * max(limit - len(CUT) - 10, 0)].decode(
        "utf-16-le", "ignore"
    )
    kept = kept.rpartition("\n")[0] or kept
    return kept + CUT.format(length(text) - length(kept))


def _summary(found: Preview) -> str:
    lines = [f"#### {found.stack}: {_headline(found)}"]
    if found.changes:
        lines += ["", "| change | resource | type |", "|---|---|---|"]
        lines += [f"| **{op}** | {_cell(name)} | {_cell(kind)} |" for op, name, kind in found.changes]
    for kind, resource, text in sorted(found.notes, key=lambda note: ("error", "warning", "note").index(note[0])):
        lines += ["", f"**{kind}**{f' · {_cell(resource)}' if resource else ''}", fenced(_lines(text))]
    return "\n".join(lines) + "\n"


def _headline(found: Preview) -> str:
    if found.failed:
        return "the preview failed"
    counts = {name: number for name, number in found.counts.items() if name in ORDER or number}
    named = [f"{counts[name]} {name}" for name in (*ORDER, *(set(counts) - set(ORDER))) if counts.get(name)]
    return ", ".join(named) if found.changes else f"no changes ({', '.join(named)})" if named else "no changes"


def _details(stack: str, diff: str) -> str:
    return (
        f"\n<details><summary>pulumi preview --diff, {stack}</summary>\n\n{fenced(diff, 'diff')}\n\n</details>\n"
    )


def _lines(text: str) -> str:
    """The engine's words; some of them are strangers'."""
    return shown(text, newlines=True, longest=2 * LIMIT)


def fenced(text: str, kind: str = "") -> str:
    """A code block that no backticks within end early, and in which nobody is mentioned."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{kind}\n{text}\n{fence}"


def _cell(text: str) -> str:
    return f"`{shown(text).replace('`', '').replace('|', chr(92) + '|')}`"
