"""Strangers' text reaches no terminal, build log, label or page as anything but text."""

import io
import json
import re
from pathlib import Path

import pytest
from rich.console import Console

from checks import page, show
from checks.finding import Domain, Finding, Level
from checks.reading import Broken, Failure, PolicyPart, Report
from checks.shown import LONGEST, as_json, label, shown
from checks.tally import Tally
from checks.verdict import Verdict, of_reports
from security.reports import TODAY
from security.texts import HARMLESS, TEXTS
from tools.ci.comment import render
from tools.ci.preview import Preview

COMMANDS = re.compile(r"##\w*\[|^\s*::[a-z-]+(\s.*)?::", re.IGNORECASE | re.MULTILINE)
METRIC = re.compile(r'[a-z_]+(\{([a-z]+="([^"\\\n]|\\[\\"n])*",?)+\})? [0-9.]+')


def assert_harmless(printed: str) -> None:
    """It is text, for a terminal and for a build agent."""
    odd = {sign for sign in printed if not sign.isprintable() and sign not in "\n\t"}
    assert not odd
    assert not COMMANDS.search(printed)
    printed.encode()


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_is_shown_as_text(name: str) -> None:
    text = TEXTS[name]
    assert_harmless(shown(text))
    assert shown(text).isprintable()
    assert len(shown(text)) < 10 * LONGEST
    assert_harmless(shown(text, newlines=True))
    assert (shown(text) == text) >= (name in HARMLESS)


@pytest.mark.parametrize("name", TEXTS)
def test_a_comment_on_a_pull_request_shows_it_as_text(name: str) -> None:
    text = TEXTS[name]
    comment = render([Preview("prod", True, [("update", text, text)], {}, [("note", text, text[:500])], text)])
    assert_harmless(comment.replace("#### ", ""))
    assert len([line for line in comment.splitlines() if line.startswith("| **")]) == 1
    outside: list[str] = []
    fence = ""
    for line in comment.splitlines():
        if not fence and line.startswith("```"):
            fence = line.rstrip("dif")
        elif fence and line == fence:
            fence = ""
        elif not fence and not line.startswith(("| **", "**note**")):  # these have it in a code span
            outside.append(line)
    assert not fence
    assert "".join(outside).count("<details>") == bool(text)


@pytest.mark.parametrize("name", TEXTS)
def test_json_reads_back_as_it_was(name: str) -> None:
    given = {"a": [TEXTS[name], {TEXTS[name]: 1}]}
    assert json.loads(as_json(given)) == given
    assert as_json(given).isascii()
    assert_harmless(as_json(given))


@pytest.mark.parametrize("name", TEXTS)
def test_a_label_ends_where_its_text_ends(name: str) -> None:
    assert METRIC.fullmatch(f'mta_sts_level{{server="{label(TEXTS[name])}"}} 3')


def domain(text: str) -> Domain:
    """A domain with one failure; every text of it is the stranger's."""
    lines = [
        Finding("record", Level.PASS, text, text, text),
        Finding(f"server {text}", Level.FAIL, text, text, text),
    ]
    return Domain(text, lines, mode=text, id=text)


def reported(text: str) -> Tally:
    part = PolicyPart("sts", text, 1, 1, (Failure("certificate-expired", text, 1), Failure(text, text, 1)))
    return Tally().add([Report(text, text, TODAY, (part,)), Broken(text, text)])


@pytest.mark.parametrize("name", TEXTS)
def test_tables_show_it_and_all_that_comes_after(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text, out = TEXTS[name], io.StringIO()
    monkeypatch.setattr("sys.stdout", out)
    to: Console = show.console()
    seen = [domain(text), Domain("after.example", [Finding("record", Level.FAIL, "after")])]
    show.domains(seen, to)
    show.next_steps(seen, to)
    tally = reported(text)
    verdicts = [of_reports(name, each) for name, each in tally.domains.items()]
    show.reports(
        tally, [*verdicts, Verdict(text, False, [text]), Verdict("last.example", False, ["the last"])], to
    )
    printed = out.getvalue()
    assert_harmless(printed)
    for words in ("after.example", "2 domains: 2 fail", "last.example: not yet safe to enforce", "the last"):
        assert words in printed


@pytest.mark.parametrize("name", TEXTS)
def test_the_text_file_for_prometheus_stays_whole(name: str, tmp_path: Path) -> None:
    text = TEXTS[name]
    show.prometheus([domain(text), domain("after.example")], tmp_path / "x.prom")
    lines = (tmp_path / "x.prom").read_text().splitlines()
    metrics = [line for line in lines if not line.startswith("# ")]
    assert all(METRIC.fullmatch(line) for line in metrics)
    assert len(lines) == 6 + len(metrics)
    assert sum(line.startswith("mta_sts_level{") and line.endswith(" 3") for line in metrics) == 2
    assert any('domain="after.example"' in line for line in metrics)


def test_names_that_are_shown_alike_are_one_metric_with_the_worst_level(tmp_path: Path) -> None:
    lines = [Finding("server \x1b", Level.FAIL, "x"), Finding("server \\x1b", Level.PASS, "x")]
    show.prometheus([Domain("example.org", lines)], tmp_path / "x.prom")
    metrics = [line for line in (tmp_path / "x.prom").read_text().splitlines() if line.startswith("mta_sts_level")]
    assert metrics == [r'mta_sts_level{domain="example.org",check="server",server="\\x1b"} 3']


@pytest.mark.parametrize("name", [name for name, text in TEXTS.items() if text])  # nothing has no element
def test_the_page_has_no_element_of_theirs(name: str) -> None:
    text = TEXTS[name]

    def elements(text: str) -> list[str]:
        tally = reported(text)
        verdicts = [Verdict(text, False, [text])]
        html = page.render([domain(text)], tally, verdicts)
        assert_harmless(html)
        return re.findall(r"<[^>]*>", html.partition("<main>")[2])

    assert elements(text) == elements("plain")
