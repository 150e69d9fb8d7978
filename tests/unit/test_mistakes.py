"""docs/mistakes.md: every test that it names is there."""

import re
from pathlib import Path

from dane.corpus import CORPUS as MAIL_SERVERS
from domains.corpus import CORPUS as DOMAINS

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/mistakes.md").read_text()
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(\w+)(?:\[([^\]]+)\])?`", TEXT)
SET_UPS = {"tests/domains/test_domains.py": DOMAINS, "tests/dane/test_dane.py": MAIL_SERVERS}


def test_every_test_that_is_named_is_there() -> None:
    assert len(NAMED) >= 35
    assert len(NAMED) == TEXT.count("::")
    for path, test, set_up in NAMED:
        assert re.search(rf"^def {test}\(", (ROOT / path).read_text(), re.MULTILINE), f"{path}::{test}"
        assert not set_up or set_up in SET_UPS[path], f"{path}::{test}[{set_up}]"


def test_every_mistake_is_shown_by_a_test() -> None:
    rows = [
        line for line in TEXT.splitlines() if line.startswith("| ") and not line.startswith(("| **", "| mistake"))
    ]
    assert len(rows) >= 25
    assert [line for line in rows if "::" not in line] == []
