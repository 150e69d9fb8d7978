"""No file that a stranger sends ends the run, changes a verdict, or takes more than its share of time and memory."""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from reports.samples import gzipped, mail, report

from checks.reading import read
from checks.tally import Tally
from security.reports import HOSTILE

ROOT = Path(__file__).parents[2]
CPU = 90  # seconds of the processor for all of the corpus; one bomb alone once took as many
MEMORY = 700 * 1024 * 1024  # bytes of address space
REFUSED = (("certificate-expired", "mx1.example.org", 60),)


def week(folder: Path, refused: bool) -> Path:
    """Seven days of a sender, in the middle of the folder's names."""
    folder.mkdir()
    for day in range(7):
        given = report(day=day, failures=REFUSED if refused else ())
        (folder / f"m{day}.eml").write_bytes(mail(gzipped(given)))
    return folder


def test_there_are_many() -> None:
    assert len(HOSTILE) >= 150


def test_all_of_them_together_change_no_verdict(tmp_path: Path) -> None:
    (tmp_path / "hostile").mkdir()
    for at, make in enumerate(HOSTILE.values()):
        (tmp_path / "hostile" / f"{at:03}").write_bytes(make())
    for refused in (False, True):
        judge(tmp_path, refused)


def judge(tmp_path: Path, refused: bool) -> None:
    """The verdict is the true week's, whatever else there is."""

    def bound() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (CPU, CPU))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))

    folder = week(tmp_path / f"refused {refused}", refused)
    command = [sys.executable, "-m", "checks", "reports", str(folder), str(tmp_path / "hostile"), "--domain", "example.org", "--json"]  # fmt: skip
    env = {**os.environ, "MTA_STS_RESOLVER": "127.0.0.1:9"}  # nobody is asked for a key
    ended = subprocess.run(
        [*command, "--html", str(tmp_path / "page.html")], cwd=ROOT, env=env, capture_output=True, text=True, preexec_fn=bound
    )  # fmt: skip
    assert ended.returncode == (2 if refused else 0), ended.stderr
    assert ended.stderr == ""
    assert "##vso[" not in ended.stdout
    assert all(sign.isprintable() or sign == "\n" for sign in ended.stdout)
    said = json.loads(ended.stdout)
    assert [verdict["safe"] for verdict in said["verdicts"]] == [not refused]
    assert said["domains"]["example.org"]["days"].keys() == {f"2026-03-0{day}" for day in range(1, 8)}
    assert "MemoryError" not in str(said["brokenNamed"])


@pytest.mark.parametrize("name", HOSTILE)
def test_each_of_them_alone_is_a_report_or_named(name: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(HOSTILE[name]())
    tally = Tally(asked=frozenset({"example.org"})).add(read([tmp_path / "x"]))
    assert tally.reports + tally.broken + tally.future >= 1 or name == "mail: a mailbox of nothing"
    if name.startswith(("archive: a bomb", "archive: a zip bomb", "archive: more")):
        assert tally.broken
        assert not tally.reports
    assert "example.org" not in tally.domains
    assert all(len(broken.why) < 500 for broken in tally.named)
