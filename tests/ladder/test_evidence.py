"""What steps go by: each domain's reports since its own policy stands, read once, and looks that are bounded."""

import threading
from argparse import Namespace
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fleet.test_settings import row

from checks import evidence, gather, ladder, mail
from checks.finding import Domain, Finding, Level
from checks.look import Look
from checks.tally import Day, Tally, Who
from ladder.test_fleet_text import FRONT_DOOR, MX, fleet, stack

TODAY = datetime.now(UTC).date()
OPTIONS = Namespace(since=None, reports=[], history="", no_servers=False)


class Internet:
    """All is well everywhere.

    :param bad: days ago on which Google reported failures of every domain; each other day of the last forty was good.
    """

    def __init__(self, patched: pytest.MonkeyPatch, *bad: int) -> None:
        self.bad, self.read, self.most = bad, list[date](), 0
        self._lock, self._now = threading.Lock(), 0
        patched.setattr(gather, "look", self._look)
        patched.setattr(gather, "gather", self._gather)
        patched.setattr(gather, "view", lambda _: None)
        patched.setattr(Look, "begin", lambda *_: None)
        patched.setattr(mail, "hosts_at_servers", self._hosts)

    def _look(self, names: Sequence[str], *_: Any) -> list[Domain]:
        return [Domain(name, [Finding(f"server {MX}", Level.PASS, "")], "testing", "id") for name in names]

    def _gather(self, options: Namespace, _: Any, names: Sequence[str]) -> Tally:
        self.read.append(options.since)
        tally = Tally(options.since, frozenset(names))
        for name in names:
            for ago in range(1, 40):
                day = Day(10, 10, refusing=True) if ago in self.bad else Day(10)
                if TODAY - timedelta(ago) >= options.since:
                    tally.restore(name, Who("google.com", True), TODAY - timedelta(ago), day)
        return tally

    def _hosts(self, look: Look) -> tuple[frozenset[str], bool]:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        threading.Event().wait(0.001)
        with self._lock:
            self._now -= 1
        return frozenset({MX}), True


def test_each_row_is_judged_by_the_days_since_its_own_step_and_reports_are_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    internet = Internet(monkeypatch, 10, 11)
    stack(tmp_path, **FRONT_DOOR)
    file = fleet(tmp_path, *(row(f"{name}.example") for name in "abcd"))
    since = {f"{name}.example": TODAY - timedelta(ago) for name, ago in (("a", 9), ("b", 10), ("c", 300))}
    found = evidence.known(file, list(file.rows), since, OPTIONS)
    assert {name: each.verdict.safe for name, each in found.evidence.items()} == {
        "a.example": True,  # the bad days were before it
        "b.example": False,  # by one bad day of ten
        "c.example": False,
        "d.example": False,
    }
    assert internet.read == [TODAY - timedelta(ladder.WINDOW)]
    later = Namespace(**{**vars(OPTIONS), "since": TODAY - timedelta(8)})  # --since
    found = evidence.known(file, list(file.rows), since, later)
    assert all(each.verdict.safe for each in found.evidence.values())
    assert internet.read[1:] == [later.since]


def test_the_mail_servers_of_a_thousand_domains_are_looked_up_some_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    internet = Internet(monkeypatch)
    for shard in range(1, 11):
        stack(tmp_path, shard, **FRONT_DOOR)
    file = fleet(tmp_path, *(row(f"d{at}.example", shard=at // 100 + 1) for at in range(1000)))
    found = evidence.known(file, list(file.rows), {}, OPTIONS)
    assert len(found.evidence) == 1000
    assert 1 < internet.most <= evidence.AT_ONCE
    assert len(internet.read) == 1
