"""The words of a proposal: whole, short enough, and harmless whatever strangers wrote."""

import re
from pathlib import Path

import pytest
from fleet.test_settings import row
from ladder.test_fleet_text import FRONT_DOOR, fleet, stack

from checks.edit import Edit
from checks.ladder import Proposal
from checks.stack_text import StackText
from tools.ci import proposal as words
from tools.ci.comment import length
from tools.ci.pull_requests import AZURE_LIMIT, GITHUB_LIMIT

FILE = StackText("Pulumi.prod.yaml", "config:\n  policies:\n    - name: main\n      mode: enforce\n      maxAge: 86400\n      mx: [mx1.example.org, gone.example]\n      domains: [example.org]\n")  # fmt: skip
DOWN = Edit("main", "mode", "enforce", "testing", "why")
UP = Edit("main", "maxAge", "86400", "604800", "why")
ADD = Edit("main", "mx", "", "mx2.example.org", "why")
REMOVE = Edit("main", "mx", "gone.example", "", "why")


@pytest.mark.parametrize(
    ("edits", "said"),
    [
        ((UP,), ("python -m checks enforce example.org", "Set `mode: testing` again")),
        ((DOWN,), ("Mend what is named above rather than merge", "The ladder goes up again")),
        ((ADD,), ("Are these servers yours", "Take the servers out of the MX records first")),
        ((UP, REMOVE), ("Is no move back planned", "Set `mode: testing` again", "Add the lines again")),
        ((DOWN, ADD), ("Mend what is named above", "Are these servers yours")),
    ],
)
def test_it_says_what_changes_why_what_to_do_first_and_how_to_undo_it(
    edits: tuple[Edit, ...], said: tuple[str, ...]
) -> None:
    text = words.text(FILE, Proposal(edits, False, ("the evidence",)), AZURE_LIMIT)
    order = ["`Pulumi.prod.yaml` is to say", "```diff", "**Why**", "the evidence", "**Before you merge**", "**To undo it**"]  # fmt: skip
    assert [text.index(each) for each in order] == sorted(text.index(each) for each in order)
    assert not [each for each in said if each not in text]


@pytest.mark.parametrize("limit", [AZURE_LIMIT, GITHUB_LIMIT])
@pytest.mark.parametrize("sign", ["x", "𝒳"])
def test_it_is_never_longer_than_the_service_takes_and_keeps_what_matters(limit: int, sign: str) -> None:
    many = tuple(f"{number} {sign * 250}" for number in range(600))
    text = words.text(FILE, Proposal((DOWN, ADD), True, many, many), limit)
    assert length(text) <= limit
    assert "cut here" in text
    assert "**To undo it**" in text
    assert text.count("```") % 2 == 0


def test_of_many_rows_the_title_names_some_and_the_words_keep_what_matters(tmp_path: Path) -> None:
    stack(tmp_path, **FRONT_DOOR)
    names = [f"d{at}.example" for at in range(90)]
    file = fleet(tmp_path, *(row(name) for name in names))
    up = [Edit(name, "mode", "testing", "enforce", "safe") for name in names]
    add = Edit("d7.example", "mx", "", "mx2.example.org", "why")
    found = Proposal((add, *up), True, tuple(f"{name}: fine" for name in names))
    assert words.title("fleet", found) == (
        "URGENT: mta-sts fleet: d7.example: allow mx2.example.org, mode enforce; d0.example and 88 more: mode enforce"
    )
    text = words.text(file, found, AZURE_LIMIT)
    assert length(text) <= AZURE_LIMIT
    for said in (
        "+d0.example",
        "d0.example: fine",
        "Are these servers yours",
        "checks enforce d0.example",
        "**To undo it**",
    ):
        assert said in text


HOSTILE = (
    "@everyone `````\n\n</details> ##vso[task.complete result=Failed;] [x](https://evil.example) fixes #1 \x1b[31m"
)


def test_strangers_words_stay_in_their_block() -> None:
    proposal = Proposal((UP,), False, (HOSTILE,), (HOSTILE,))
    for text in (words.text(FILE, proposal, AZURE_LIMIT), words.closing(proposal)):
        outside = re.sub(r"(?ms)^(`{3,})[a-z]*\n.*?^\1$", "", text)
        assert not [each for each in ("@everyone", "evil.example", "fixes", "task.complete") if each in outside]
        assert "##vso[" not in text
        assert "\x1b" not in text
    assert "everyone" not in words.message(proposal, "prod") + words.title("prod", proposal)


def test_words_and_lines_are_told_from_others_whatever_a_service_does_to_blanks() -> None:
    one, two = (words.text(FILE, Proposal((UP,), False, (why,)), AZURE_LIMIT) for why in ("one", "two"))
    assert words.same_words(one, one.replace("\n", "\r\n").strip())
    assert not words.same_words(one, two)
    assert words.same_lines(one, two)
    assert not words.same_lines(one, words.text(FILE, Proposal((ADD,), False, ("one",)), AZURE_LIMIT))
    assert not words.same_lines(one, words.closing(Proposal()))
    assert not words.same_words("", "")
