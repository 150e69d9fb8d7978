"""The page, in a real browser: at a glance, on a phone, in the dark, by keyboard, without errors or the network."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from browser import NEEDS_CHROMIUM, PHONE, fits, lowest_contrast, watched
from reports.samples import DAY, report, text
from security.texts import TEXTS

from checks import page, verdict
from checks.finding import Domain, Finding, Level
from checks.reading import Failure, PolicyPart, Report
from checks.reading import report as parse
from checks.tally import Tally

pytestmark = NEEDS_CHROMIUM

# Of all texts that are shown, the size of the smallest in pixels.
SMALLEST = """() => Math.min(...[...document.querySelectorAll('body *')]
    .filter(each => [...each.childNodes].some(inner => inner.nodeType === 3 && inner.data.trim()))
    .filter(each => each.getClientRects().length).map(each => parseFloat(getComputedStyle(each).fontSize)))"""
# Labels of an axis that cover each other.
OVERLAPPING = """() => [...document.querySelectorAll('svg.plot')].flatMap(chart => {
    const all = [...chart.querySelectorAll('text')].map(each => [each.textContent, each.getBoundingClientRect()]);
    return all.flatMap(([text, a], at) => all.slice(at + 1)
        .filter(([, b]) => a.left < b.right && b.left < a.right && a.top + 2 < b.bottom && b.top + 2 < a.bottom)
        .map(([other]) => [text, other]));
})"""
# Labels beyond the screen's edges.
OUTSIDE = """() => [...document.querySelectorAll('svg text')].filter(each => {
    const box = each.getBoundingClientRect();
    return box.left < 0 || box.right > innerWidth;
}).map(each => each.textContent)"""
# Of the bars' colours, the lowest contrast with the paper.
FAINTEST = """() => {
    const light = text => text.match(/[\\d.]+/g).slice(0, 3).map(v => v / 255)
        .map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
        .reduce((sum, v, at) => sum + v * [.2126, .7152, .0722][at], 0);
    const paper = light(getComputedStyle(document.body).backgroundColor);
    const swatch = document.body.appendChild(document.createElement('span'));
    const contrasts = ['c0', 'c1', 'c2', 'c3', 'c4', 'c5', 'c6', 'c7', 'c8', 'against'].map(name => {
        swatch.className = name;
        const ink = light(getComputedStyle(swatch).color);
        return (Math.max(ink, paper) + .05) / (Math.min(ink, paper) + .05);
    });
    swatch.remove();
    return Math.min(...contrasts);
}"""


def written(folder: Path) -> Path:
    """A page with five domains: one that fails, one that warns, the others fine; the first with ninety days."""
    tally = Tally(today=DAY + timedelta(days=90)).add(
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
    verdicts = [verdict.of_both(each, tally.domains.get(each.name), tally.today) for each in seen]
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
    assert shown.locator("svg[role=img]").count() == 3
    assert shown.locator("script").count() == 0
    assert "<script>alert(1)</script>" in first.inner_text()


def test_it_begins_with_what_to_do_and_leads_there(opened: Any) -> None:
    shown, _ = opened
    steps = shown.locator("main > section").first.locator("li")
    assert shown.locator("main > *").first.evaluate("each => each.tagName") == "SECTION"
    assert [steps.nth(at).locator("a").inner_text() for at in range(2)] == ["example.org", "warned.example"]
    assert "Mend server mx2: Mend it" in steps.first.inner_text()
    steps.nth(1).locator("a").click()
    assert shown.locator("main > details").nth(1).get_attribute("open") is not None
    assert shown.locator("#d2").evaluate("each => each.getBoundingClientRect().top") < PHONE["height"]


@pytest.mark.parametrize("opened", ["light", "dark"], indirect=True)
def test_charts_have_titles_axes_numbers_and_units_that_can_be_read_at_360_pixels(opened: Any) -> None:
    shown, wrong = opened
    shown.set_viewport_size({"width": 360, "height": 740})
    shown.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert fits(shown)
    titles = shown.locator("figcaption")
    assert [titles.nth(at).inner_text() for at in range(3)] == [
        "Sessions by sender", "Failed sessions by sender, on a scale of their own", "Failed sessions by mail server",
    ]  # fmt: skip
    for at, (unit, total) in enumerate(
        (("sessions", "13,185"), ("failed sessions", "180"), ("failed sessions", "180"))
    ):
        figure = shown.locator("figure").nth(at)
        chart = figure.locator("svg[role=img]")
        named, described = (chart.locator(f"> {each}").text_content() for each in ("title", "desc"))
        assert named == titles.nth(at).inner_text()
        assert described.startswith(f"2026-03-01 to 2026-05-29, 90 days: {total} {unit}; most on ")
        assert figure.locator(".unit").all_inner_texts() == [f"{unit} a day", "days in UTC"]
        assert chart.locator(".tick").count() >= 3
        assert chart.locator(".date").all_text_contents() == ["1 Mar", "1 Apr", "1 May"]
    assert shown.evaluate(SMALLEST) >= 11
    assert shown.evaluate(OVERLAPPING) == []
    assert shown.evaluate(OUTSIDE) == []
    assert lowest_contrast(shown, ".quiet, .unit, th, td, a, dt, figcaption") >= 4.5  # WCAG 2.2, 1.4.3
    assert shown.evaluate(FAINTEST) >= 3  # the same, 1.4.11
    assert wrong == []


def test_the_numbers_of_every_chart_are_there_as_a_table(opened: Any) -> None:
    shown, _ = opened
    tables = shown.locator(".numbers table")
    assert tables.count() == 2
    last = tables.first.locator("tbody").last
    assert re.split(r"\s*[\t\n]+", last.text_content().strip()) == [
        "2026-05-291934",
        "Sender Inc. (not verified)1934",
    ]
    assert tables.first.locator("tbody").count() == 90
    assert "mx2.example.org certificate-expired 4" in re.sub(r"\s+", " ", tables.nth(1).locator("tbody").last.text_content())  # fmt: skip


def test_paper_has_it_all_in_black_on_white_and_cuts_no_chart(opened: Any) -> None:
    shown, _ = opened
    shown.emulate_media(media="print", color_scheme="dark")
    shown.set_viewport_size({"width": 680, "height": 1009})  # A4 within margins of 15 mm
    assert shown.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    for at in range(5):  # whether open or not
        assert shown.locator(f"#d{at + 1}").bounding_box()["height"] > 50
    assert shown.locator(".numbers").first.is_hidden()  # unless somebody has opened it
    figures = shown.locator("figure").evaluate_all("all => all.map(each => [getComputedStyle(each).breakInside, each.offsetHeight])")  # fmt: skip
    assert all(how == "avoid" and height < 500 for how, height in figures)
    pages = re.findall(rb"/Type\s*/Page\b", shown.pdf(format="A4"))
    assert 5 <= len(pages) <= 8


def test_wide_screens_have_it_too(browser: Any, tmp_path: Path) -> None:
    shown = browser.new_page(viewport={"width": 1280, "height": 900})
    shown.goto(written(tmp_path).as_uri())
    assert fits(shown)
    assert shown.evaluate(OVERLAPPING) == []
    assert shown.locator("svg[role=img]").first.bounding_box()["width"] > 700
    shown.close()


def test_strangers_names_are_text_and_widen_nothing(browser: Any, tmp_path: Path) -> None:
    names = {name: given for name, given in TEXTS.items() if given}
    tally = Tally(today=DAY + timedelta(days=9))
    for at, given in enumerate(names.values()):
        part = PolicyPart("sts", "example.org", 50 + at, 5, (Failure(given, given, 5),))
        tally.add(Report(given, given, DAY + timedelta(days=day), (part,)) for day in (at % 3, 6))
    judged = verdict.of_reports("example.org", tally.domains["example.org"], False, tally.today)
    path = tmp_path / "page.html"
    path.write_text(page.render([], tally, [judged]))
    shown = browser.new_page(viewport={"width": 360, "height": 740})
    wrong = watched(shown, "file:")
    shown.on("dialog", lambda dialog: (wrong.append(dialog.message), dialog.dismiss()))
    shown.goto(path.as_uri())
    shown.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert fits(shown)
    assert shown.locator("main script, main img, main b, main style").count() == 0
    assert len(tally.domains["example.org"].senders) > 60
    assert shown.locator(".legend").first.locator("tbody tr").count() == 9
    assert wrong == []
    shown.close()


def test_three_hundred_domains_are_a_page_that_opens(browser: Any, tmp_path: Path) -> None:
    tally = Tally(today=DAY + timedelta(days=7))
    tally.add(
        parse(text(report(at, day=day, domain=f"d{at}.example", failures=() if at % 2 else (("certificate-expired", "mx", 3),))))
        for at in range(300) for day in range(5)
    )  # fmt: skip
    verdicts = [verdict.of_reports(name, found, False, tally.today) for name, found in tally.domains.items()]
    path = tmp_path / "page.html"
    path.write_text(page.render([], tally, verdicts))
    assert path.stat().st_size < 1_500_000
    shown = browser.new_page()
    shown.goto(path.as_uri())
    assert shown.locator("main > details").count() == 300
    assert shown.locator("main > section > ol > li").count() == page.LISTED
    assert shown.locator("svg[role=img]").count() == 3 * page.DRAWN  # those to be mended
    assert "python -m checks reports … --domain d99.example --html FILE" in shown.locator("#d300").text_content()
    shown.close()


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
