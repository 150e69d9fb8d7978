"""The page, in a real browser: at a glance, on a phone, in the dark, by keyboard, without errors or the network."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import NEEDS_CHROMIUM, PHONE, fits, lowest_contrast, watched
from reports.samples import report, text

from checks import page, verdict
from checks.finding import Domain, Finding, Level
from checks.reading import report as parse
from checks.tally import Tally

pytestmark = NEEDS_CHROMIUM


def written(folder: Path) -> Path:
    """A page with five domains: one that fails, one that warns, the others fine; the first with ninety days."""
    tally = Tally().add(
        parse(
            text(report(day=day, good=100 + day, failures=(("certificate-expired", "mx2.example.org", day % 5),)))
        )
        for day in range(90)
    )
    names = ["example.org", "warned.example", "a.example", "b.example", "c.example"]
    levels = [Level.FAIL, Level.WARN, *[Level.PASS] * 3]
    seen = [
        Domain(name, [Finding("record", Level.PASS, "it is there", "RFC 8461 3.1"),
                      Finding("server mx2", level, "<script>alert(1)</script> " + "long" * 60, "RFC 8461 4.2", "Mend it")], mode="testing")
        for name, level in zip(names, levels, strict=True)
    ]  # fmt: skip
    verdicts = [verdict.of_both(each, tally.domains.get(each.name)) for each in seen]
    path = folder / "page.html"
    path.write_text(page.render(seen, tally, verdicts))
    return path


@pytest.fixture
def opened(browser: Any, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[Any, list[str]]]:
    """The page as a phone shows it, and everything that went wrong or was asked for."""
    context = browser.new_context(viewport=PHONE, color_scheme=getattr(request, "param", "light"))
    shown = context.new_page()
    wrong = watched(shown, "file:")
    shown.goto(written(tmp_path).as_uri())
    yield shown, wrong
    context.close()


@pytest.mark.parametrize("opened", ["light", "dark"], indirect=True)
def test_it_fits_a_phone_in_light_and_dark_without_errors_or_the_network(opened: Any, tmp_path: Path) -> None:
    shown, wrong = opened
    assert fits(shown)
    assert lowest_contrast(shown, ".level, p, li") >= 4.5  # WCAG 2.2, 1.4.3
    shot = tmp_path / "page.png"
    shown.screenshot(path=str(shot), full_page=True)
    assert shot.stat().st_size > 10_000
    assert wrong == []


def test_status_verdict_and_chart_are_there_at_a_glance(opened: Any) -> None:
    shown, _ = opened
    cards = shown.locator("main > details")
    assert cards.count() == 5
    assert [shown.locator("main > details > summary .level").nth(at).inner_text() for at in range(3)] == ["fail", "warn", "pass"]  # fmt: skip
    assert shown.locator("main > details[open]").count() == 1  # what fails is open
    first = cards.first
    assert "not yet safe to enforce" in first.inner_text()
    assert "mx2.example.org: certificate-expired" in first.inner_text()
    titles = first.locator("svg[role=img] > title").all_text_contents()
    assert [title.split(",")[0].split(" 2026")[0] for title in titles] == [
        "Sessions by sender",
        "Failed sessions by sender",
        "Failed sessions by mail server",
    ]
    for chart in first.locator("svg[role=img]").all():
        assert chart.locator("text.tick").count() >= 2
        assert chart.locator("text.date").count() >= 2
    assert shown.locator("script").count() == 0
    assert "<script>alert(1)</script>" in first.inner_text()


def test_the_keyboard_opens_and_closes(opened: Any) -> None:
    shown, _ = opened
    second = shown.locator("main > details").nth(1)
    assert second.get_attribute("open") is None
    for _ in range(20):
        shown.keyboard.press("Tab")
        if shown.evaluate(
            "document.activeElement.matches('summary') && document.activeElement.innerText.includes('warned.example')"
        ):
            break
    assert shown.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    shown.keyboard.press("Enter")
    assert second.get_attribute("open") is not None
    shown.keyboard.press("Enter")
    assert second.get_attribute("open") is None


def test_it_is_one_file_that_asks_for_nothing(tmp_path: Path) -> None:
    html = written(tmp_path).read_text()
    for word in ("http://", "https://", "<script", '<link rel="stylesheet', "@import", "url("):
        assert word not in html, word
    assert json.dumps("default-src 'none'")[1:-1] in html.replace("&#39;", "'")
