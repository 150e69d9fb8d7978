"""The words of a proposal's pull request: what changes, why, what to do before merging, how to undo it.

What senders, name servers and mail servers wrote stands in code blocks, where nobody is mentioned and nothing is a
command.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence

from checks.edit import Edit, diff
from checks.ladder import Proposal
from checks.shown import shown
from checks.written import Written
from tools.ci.comment import cut, fenced, length

MARKER = re.compile(r"<!-- mta-sts: proposal ([0-9a-f]{16}) ([0-9a-f]{16}) -->")
TITLE = 200  # characters
FEW = 3  # policies that a title names
LINE = 300  # characters of one line of evidence
UP = """\
- Senders will refuse to deliver to a mail server that fails the policy, for up to `maxAge` seconds after they last fetched it.
- From where port 25 is open, once more: `python -m checks enforce {domain}`, with your reports."""
UP_UNDO = "Set `mode: testing` again: before they give mail up, senders look for a new id (RFC 8461 5.1)."
ADD = """\
- **Are these servers yours, or your provider's?** If you don't know them, find out who changed the MX records, and don't merge: whoever can forge DNS answers would want exactly these lines.
- If you do, merge soon: a sender that enforces refuses to deliver to a server that the policy doesn't allow."""
ADD_UNDO = "Take the servers out of the MX records first, then the lines out of `mx`."
REMOVE = "- Is no move back planned? A server that returns to the MX records must be in `mx` first."
REMOVE_UNDO = "Add the lines again; at once, if the servers are in the MX records."
DOWN = """\
- **Mend what is named above rather than merge, if that takes less than a few hours**: a certificate, STARTTLS, or a server that belongs out of the MX records. Then this closes by itself, as soon as senders report a day without it.
- Merge if it takes longer. Senders look for the new id before they give mail up (RFC 8461 5.1); what they hold back comes then.
- A signature proves which domain a report is from, not that the domain is honest. Do you see the same: `python -m checks domain {domain}`?"""
DOWN_UNDO = "The ladder goes up again, step by step, once a week of reports is good."


def title(stack: str, proposal: Proposal) -> str:
    """One line: the policies, and what each is to be; of many that are to be the same, one and how many more."""
    told: dict[str, list[str]] = {}
    for edit in proposal.edits:
        told.setdefault(edit.policy, []).append(_short(edit))
    alike: dict[str, list[str]] = {}
    for policy, edits in told.items():
        alike.setdefault(", ".join(edits), []).append(policy)
    parts = [
        f"{', '.join(names) if len(names) <= FEW else f'{names[0]} and {len(names) - 1} more'}: {what}"
        for what, names in alike.items()
    ]
    return shown(f"{'URGENT: ' if proposal.urgent else ''}mta-sts {stack}: {'; '.join(parts)}", longest=TITLE)


def _short(edit: Edit) -> str:
    if edit.key in ("mx", "preset"):
        return f"allow {edit.new}" if edit.new else f"no longer allow {edit.old}"
    return f"{edit.key} {edit.new}"


def text(file: Written, proposal: Proposal, limit: int) -> str:
    """The description, in Markdown of both services; its first line, which isn't shown, says of what it is.

    :param limit: characters, as .NET counts them.
    """
    before, undo = _advice(proposal.edits, {each.name: each.domains[0].name for each in file.policies})
    after = file.texts(proposal.edits)
    lines = diff(file.before, after).splitlines()
    changes = _lines(lines[2:] if len(after) == 1 else lines)
    reasons = _lines(proposal.reasons)
    waits = f"\n\nNot yet:\n\n{fenced(_lines(proposal.waits))}" if proposal.waits else ""

    def whole(reasons: str, waits: str, changes: str = changes) -> str:
        return (
            f"`{', '.join(after)}` is to say:\n\n{fenced(changes, 'diff')}\n\n**Why**\n\n{fenced(reasons)}\n\n"
            f"**Before you merge**\n\n{before}\n\n**To undo it**\n\n{undo}{waits}\n\n"
            "The nightly run keeps this current, and closes it when it is no longer due. It is never merged by itself: "
            "docs/ladder.md"
        )

    room = limit - len(marker("", "")) - 100
    found = whole(reasons, waits)
    if length(found) > room:
        changes = cut(changes, max((room - length(whole("", "", ""))) // 2, 200))
        left = room - length(whole("", "", changes))
        found = cut(whole(cut(reasons, max(left, 200)), "", changes), room)
    return f"{marker(_digest(_key(proposal.edits)), _digest(found))}\n{found}"


def closing(proposal: Proposal) -> str:
    """What a pull request says once there is nothing left to propose; it has no marker any more."""
    waits = f"\n\n{fenced(_lines(proposal.waits))}" if proposal.waits else ""
    return f"Closed by the nightly run: these lines are no longer due.{waits}"


def marker(lines: str, words: str) -> str:
    """The line that says which edits, and which words, a description has."""
    return f"<!-- mta-sts: proposal {lines:0>16} {words:0>16} -->"


def same_words(one: str, other: str) -> bool:
    """Whether two descriptions were made from the same words, whatever a service did to blanks and line ends."""
    found = [MARKER.search(each) for each in (one, other)]
    return all(found) and len({match.groups() for match in found if match}) == 1


def same_lines(one: str, other: str) -> bool:
    """Whether two descriptions are of the same edits."""
    found = [MARKER.search(each) for each in (one, other)]
    return all(found) and len({match[1] for match in found if match}) == 1


def message(proposal: Proposal, stack: str) -> str:
    """Of the commit; without strangers' words, in which a service might read "fixes #1"."""
    return f"{title(stack, proposal).removeprefix('URGENT: ')}\n\nThe evidence is in the pull request.\n"


def _advice(edits: Sequence[Edit], domains: Mapping[str, str]) -> tuple[str, str]:
    """What to do before merging, and how to undo it, by what kinds of edits there are.

    :param domains: by policy, one of its domains.
    """
    kinds = [
        ([edit for edit in edits if edit.new == "testing"], DOWN, DOWN_UNDO),
        ([edit for edit in edits if edit.key == "mx" and edit.new], ADD, ADD_UNDO),
        ([edit for edit in edits if edit.new == "enforce" or edit.key == "maxAge"], UP, UP_UNDO),
        ([edit for edit in edits if not edit.new], REMOVE, REMOVE_UNDO),
    ]
    there = [(before.format(domain=domains[own[0].policy]), undo) for own, before, undo in kinds if own]
    return "\n".join(before for before, _ in there), " ".join(undo for _, undo in there)


def _lines(lines: Sequence[str]) -> str:
    return "\n".join(shown(line, longest=LINE) for line in lines)


def _key(edits: Sequence[Edit]) -> str:
    return repr(sorted((edit.policy, edit.key, edit.old, edit.new) for edit in edits))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
