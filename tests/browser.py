"""Pages in a real browser, as a phone shows them."""

import shutil
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
NEEDS_CHROMIUM = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"]  # fmt: skip
PHONE = {"width": 375, "height": 700}  # pixels
CONTRAST = """selector => {
    const rgb = text => text.match(/[\\d.]+/g).slice(0, 3).map(Number).map(v => v / 255)
        .map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    const light = c => .2126 * c[0] + .7152 * c[1] + .0722 * c[2];
    const paper = light(rgb(getComputedStyle(document.body).backgroundColor));
    return Math.min(...[...document.querySelectorAll(selector)].map(each => {
        const ink = light(rgb(getComputedStyle(each).color));
        return (Math.max(ink, paper) + .05) / (Math.min(ink, paper) + .05);
    }));
}"""


def watched(page: Any, *expected: str) -> list[str]:
    """Everything that goes wrong in a page, and every address that it asks for and isn't expected.

    :param expected: how the addresses begin that it may ask for.
    """
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on(
        "request", lambda asked: None if asked.url.startswith((*expected, "data:")) else wrong.append(asked.url)
    )
    return wrong


def fits(page: Any) -> bool:
    """Whether nothing is to be scrolled sideways."""
    return page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def lowest_contrast(page: Any, selector: str) -> float:
    """Of any of these elements' texts; WCAG 2.2, 1.4.3 wants 4.5."""
    return page.evaluate(CONTRAST, selector)
