"""What the tests of mailboxes have in common."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from checks.__main__ import main
from reports import samples
from reports.samples import gzipped, mail

BOX = "tls-reports@example.org"
AGO = (datetime.now(UTC).date() - timedelta(days=60) - samples.DAY).days  # days from the samples' to these


def mails(first: int, last: int, **changes: Any) -> list[bytes]:
    """A mail with a report each, of fifty days that are past."""
    return [mail(gzipped(samples.report(at, day=AGO + at % 50, **changes))) for at in range(first, last)]


def run(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, dict[str, Any], str]:
    """`python -m checks reports`: its exit code, its JSON, and stderr."""
    code = main(["reports", *map(str, words), "--json", "--domain", "example.org"])
    said = capsys.readouterr()
    return code, json.loads(said.out or "{}"), said.err
