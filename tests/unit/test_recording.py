"""README's recording: what a terminal would show, in one file that asks for nothing."""

import re
from pathlib import Path
from xml.etree import ElementTree

from tools import recording
from tools.render_policy import policy_of

ROOT = Path(__file__).parents[2]


def test_lines_that_are_written_anew_are_shown_as_they_are_at_last() -> None:
    screen = recording.Screen()
    screen.feed("\x1b[?25lone\x1b[K\r\ntwo\x1b[K\r\n")
    screen.feed("\x1b[2A\x1b[1mONE\x1b[0m\x1b[K\r\n\r\nthree\r")
    assert screen.lines == ["\x1b[1mONE\x1b[0m", "two", "three"]
    assert len(screen.window) == recording.ROWS


def test_a_long_wait_is_cut_and_every_frame_is_drawn() -> None:
    svg = recording.drawn([(0.0, ["a"] * recording.ROWS), (60.0, ["b"] * recording.ROWS)])
    assert f"animation: film {recording.LONGEST + recording.LAST:.1f}s" in svg
    assert svg.count(">a</text>") == svg.count(">b</text>") == recording.ROWS


def test_the_one_in_the_readme_is_of_this_stack_and_leads_nowhere() -> None:
    svg = (ROOT / "docs" / "recording.svg").read_text()
    shown = "".join(ElementTree.fromstring(svg).itertext())
    assert policy_of(ROOT, "dev", "main").policy.id in shown  # else: make recording
    assert set(re.findall(r"https?://([\w.-]+)", svg)) == {"www.w3.org", "127.0.0.1", "mta-sts.example.org"}
    assert str(Path.home()) not in shown
    assert "mta-sts-recording-" not in shown
    assert "(docs/recording.svg)" in (ROOT / "README.md").read_text()
