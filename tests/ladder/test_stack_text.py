"""One value of a stack's file changes, and not a character beside it."""

import difflib

import pytest
from ruamel.yaml import YAML

from checks.edit import Edit, diff
from checks.stack_text import StackText
from policy import UserError

NASTY = """\
# The mail team's; ask before you touch it.
config:
    "azure-native:location":   westeurope   # two blanks too many

    mta-sts:policies:
    -   name: main   # resources are named after it
        mode:    "testing"  # begin here
        maxAge:  604800     # a week
        mx:
        -   "*.mail.protection.outlook.com"
        # the old ones, until the move is over:
        -   mx1.example.org   # Berlin

        -   'mx2.example.org'
        domains: [ example.org,
                   {name: example.net} ]
        tlsReports: &reports ["mailto:tls@example.org"]
    - {name: flow, mode: testing, mx: [ a.example.com , "b.example.com" ,], domains: [example.com], tlsReports: *reports}
    -   name: "short"
        mode: testing
        mx: [c.example.com]
        domains:
            - example.info
encryptionsalt: v1:K4prWUOtRqE=:v1:QXy3/B1AxlZ5QFMi:/OPOgo8iA6wo2y2bZd6FGD9CPlHn+A=="""


def edit(policy: str, key: str, old: str, new: str) -> Edit:
    return Edit(policy, key, old, new, "because")


def changes(before: str, after: str) -> list[str]:
    """The lines that differ, with their ends: first those that went."""
    lines = difflib.ndiff(before.splitlines(keepends=True), after.splitlines(keepends=True))
    return sorted((line for line in lines if line[0] in "+-"), key=lambda line: line[0] == "+")


EDITS: dict[str, tuple[list[Edit], list[str]]] = {
    "a step, quotes and comments kept": (
        [edit("main", "mode", "testing", "enforce"), edit("main", "maxAge", "604800", "86400")],
        [
            '-         mode:    "testing"  # begin here\n',
            "-         maxAge:  604800     # a week\n",
            '+         mode:    "enforce"  # begin here\n',
            "+         maxAge:  86400     # a week\n",
        ],
    ),
    "a key that isn't there yet": (
        [edit("short", "mode", "testing", "enforce"), edit("short", "maxAge", "604800", "86400")],
        ["-         mode: testing\n", "+         mode: enforce\n", "+         maxAge: 86400\n"],
    ),
    "the same in one line": (
        [edit("flow", "mode", "testing", "enforce"), edit("flow", "maxAge", "604800", "86400")],
        [
            '-     - {name: flow, mode: testing, mx: [ a.example.com , "b.example.com" ,], domains: [example.com], tlsReports: *reports}\n',
            '+     - {name: flow, mode: enforce, maxAge: 86400, mx: [ a.example.com , "b.example.com" ,], domains: [example.com], tlsReports: *reports}\n',
        ],
    ),
    "mx that are added": (
        [edit("main", "mx", "", "mx3.example.org"), edit("main", "mx", "", "*.p-v1.mx.example")],
        ["+         -   mx3.example.org\n", '+         -   "*.p-v1.mx.example"\n'],
    ),
    "mx that is added in one line": (
        [edit("short", "mx", "", "d.example.com")],
        ["-         mx: [c.example.com]\n", "+         mx: [c.example.com, d.example.com]\n"],
    ),
    "mx that is taken away, with its comment": (
        [edit("main", "mx", "mx1.example.org", "")],
        ["-         -   mx1.example.org   # Berlin\n"],
    ),
    "mx that is taken away in one line": (
        [edit("flow", "mx", "a.example.com", "")],
        [
            '-     - {name: flow, mode: testing, mx: [ a.example.com , "b.example.com" ,], domains: [example.com], tlsReports: *reports}\n',
            '+     - {name: flow, mode: testing, mx: [ "b.example.com" ,], domains: [example.com], tlsReports: *reports}\n',
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", EDITS)
@pytest.mark.parametrize("eol", ["\n", "\r\n"])
@pytest.mark.parametrize("final", ["", "\n"])
def test_nothing_but_these_lines_changes(case: str, eol: str, final: str) -> None:
    edits, wanted = EDITS[case]
    text = (NASTY + final).replace("\n", eol)
    after = StackText("Pulumi.prod.yaml", text).changed(edits)
    assert changes(text, after) == [line.replace("\n", eol) for line in wanted]
    assert YAML(typ="safe", pure=True).load(after)


def test_a_value_at_the_very_end_of_a_file_without_a_last_line_end() -> None:
    text = "config:\n  policies:\n    - domains: [example.org]\n      mx:\n        - mx1.example.org\n      name: main\n      mode: testing"
    file = StackText("Pulumi.prod.yaml", text)
    assert file.changed([edit("main", "mode", "testing", "enforce")]) == f"{text[:-7]}enforce"
    assert file.changed([edit("main", "maxAge", "604800", "1")]) == f"{text}\n      maxAge: 1"


@pytest.mark.parametrize(
    "text",
    [
        # shared by an anchor: another policy would change as well
        "- {name: one, mode: &m testing, mx: [a.example], domains: [a.example]}\n- {name: two, mode: *m, mx: [b.example], domains: [b.example]}\n",
        "- {name: one, mode: testing, mx: &mx [a.example], domains: [a.example]}\n- {name: two, mode: testing, mx: *mx, domains: [b.example]}\n",
    ],
)
def test_what_an_anchor_shares_is_left_to_a_person(text: str) -> None:
    file = StackText("Pulumi.prod.yaml", "config:\n  mta-sts:policies:\n" + "".join(f"    {line}\n" for line in text.splitlines()))  # fmt: skip
    shared = edit("one", "mode", "testing", "enforce") if "&m " in text else edit("one", "mx", "", "c.example")
    with pytest.raises(UserError, match="by hand: m") as caught:
        file.changed([shared])
    assert "Pulumi.prod.yaml" in str(caught.value)
    alias = edit("two", "mode", "testing", "enforce")
    assert changes(file.text, file.changed([alias]))[1].count("mode: enforce") == 1  # its own from now on
    assert "&m" in file.changed([alias])


def test_what_a_merged_map_says_is_overridden_in_the_policy_itself() -> None:
    text = "x: &base {mode: testing, maxAge: 86400}\nconfig:\n  policies:\n    - <<: *base\n      name: one\n      mx: [a.example]\n      domains: [a.example]\n"
    file = StackText("Pulumi.prod.yaml", text)
    after = file.changed([edit("one", "mode", "testing", "enforce")])
    assert changes(text, after) == ["+       mode: enforce\n"]


def test_an_edit_is_told_with_its_line() -> None:
    file = StackText("Pulumi.prod.yaml", NASTY)
    assert [file.describe(each) for each in EDITS["a step, quotes and comments kept"][0]] == [
        "Pulumi.prod.yaml, line 7: `mode: testing` -> `mode: enforce`",
        "Pulumi.prod.yaml, line 8: `maxAge: 604800` -> `maxAge: 86400`",
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [", "Pulumi.prod.yaml can't be read: line"),
        ("a: b", "Pulumi.prod.yaml is no stack's file"),
        ("config: {policies: [{name: a, mode: tested, mx: [a.example], domains: [a.example]}]}", "policies[0].mode: 'tested'"),
        ("config: {mta-sts:ladder: up, policies: [{name: a, mode: testing, mx: [a.example], domains: [a.example]}]}", "mta-sts:ladder: 'up' must be a list"),
    ],
)  # fmt: skip
def test_a_file_that_is_none_is_told_in_one_line(text: str, words: str) -> None:
    with pytest.raises(UserError) as caught:
        StackText("Pulumi.prod.yaml", text)
    assert words in str(caught.value)


def test_a_change_is_shown_beside_what_it_was_and_new_lines_as_new() -> None:
    before = {"a.csv": "1\n2\n3\n4\n", "b.csv": "x\n"}
    assert diff(before, {"a.csv": "one\ntwo\n3\nfour\n", "b.csv": "x\ny\n"}).splitlines() == [
        "--- a.csv", "+++ a.csv", "@@ line 1 @@", "-1", "+one", "-2", "+two", "@@ line 4 @@", "-4", "+four",
        "--- b.csv", "+++ b.csv", "@@ -1,0 +2 @@", "+y",
    ]  # fmt: skip
