"""`python -m checks enforce --fleet`: who is looked at, what is written, and what keeps it from being written."""

import json
import os
import subprocess
from argparse import Namespace
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fleet.test_settings import row

from checks import due, evidence
from checks.__main__ import main
from checks.evidence import Known
from checks.show import console
from checks.written import Written
from ladder.test_fleet_text import FRONT_DOOR, fleet, known, stack
from policy import UserError

OPTIONS: dict[str, Any] = {"customer": "", "shard": None, "write": False}


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The domains that are looked at; all is well with each."""
    names: list[str] = []

    def all_is_well(file: Any, asked: Sequence[str], since: Any, options: Any) -> Known:
        names[:] = asked
        return Known(
            {name: each for name, each in known(file).items() if name in asked}, {}, datetime.now(UTC).date()
        )

    monkeypatch.setattr(evidence, "known", all_is_well)
    return names


def look(folder: Path, **options: Any) -> due.Due:
    return due.look(Namespace(**{**OPTIONS, **options}), folder)


def git(folder: Path, *words: str, days: int = 0) -> None:
    when = f"{datetime.now(UTC).date() - timedelta(days)}T12:00:00Z"
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    subprocess.run(["git", *who, *words], cwd=folder, env={**os.environ, "GIT_COMMITTER_DATE": when}, check=True, capture_output=True)  # fmt: skip


def commit(folder: Path, days: int) -> None:
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "x", days=days)


def test_what_is_due_is_written_and_nothing_else(tmp_path: Path, looked: list[str]) -> None:
    stack(tmp_path, **FRONT_DOOR)
    text = fleet(tmp_path, row("a.example"), row("b.example", mode="none"), row("c.example", mode="enforce", maxAge=2419200)).before["fleet.csv"]  # fmt: skip
    found = look(tmp_path)
    assert (looked, found.code, found.change) == (["a.example", "c.example"], 0, "")
    assert (tmp_path / "fleet.csv").read_text() == text
    found = look(tmp_path, write=True)
    assert (tmp_path / "fleet.csv").read_text() == text.replace(row("a.example"), row("a.example", mode="enforce", maxAge=86400))  # fmt: skip
    assert f"+{row('a.example', mode='enforce', maxAge=86400)}\nChanged. Then: commit" in found.change


def test_a_part_is_looked_at_with_all_that_steps_with_it(tmp_path: Path, looked: list[str]) -> None:
    stack(tmp_path)
    rows = [row("a.example", customer="acme", site=1), row("b.example", customer="zenith", site=1), row("c.example", customer="zenith", site=2)]  # fmt: skip
    fleet(tmp_path, *rows)
    assert {edit.policy for edit in look(tmp_path, customer="acme").proposal.edits} == {"a.example", "b.example"}
    assert looked == ["a.example", "b.example"]
    with pytest.raises(UserError, match=r"fleet.csv: none of the rows asked for is in testing or enforce"):
        look(tmp_path, shard=2)
    (tmp_path / "fleet.csv").unlink()
    with pytest.raises(
        UserError, match=r"there is no row in fleet.csv; python -m tools.fleet add writes the first"
    ):
        look(tmp_path)


def test_a_row_with_a_mistake_is_named_others_are_judged_and_nothing_is_written(
    tmp_path: Path, looked: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    stack(tmp_path, **FRONT_DOOR)
    text = fleet(tmp_path, row("a.example"), row("b.example", mode="enforced")).before["fleet.csv"]
    found = look(tmp_path, write=True)
    assert (looked, found.code) == (["a.example"], 2)
    assert (tmp_path / "fleet.csv").read_text() == text
    due.show(found, console())
    told = capsys.readouterr().out
    assert "fleet.csv line 3: mode: 'enforced' must be testing, enforce or none" in told
    assert "fleet.csv line 2, a.example: `mode: testing` -> `mode: enforce`: safe, and it has stood since" in told
    assert "Nothing is written while fleet.csv has a mistake: python -m tools.fleet check" in told


def test_a_row_stands_since_its_commit_and_one_that_is_not_committed_since_today(
    tmp_path: Path, looked: list[str]
) -> None:
    stack(tmp_path, **FRONT_DOOR)
    fleet(tmp_path, row("a.example"), row("b.example"), row("c.example"))
    commit(tmp_path, days=8)
    fleet(tmp_path, row("a.example"), row("b.example"), row("c.example", maxAge=86400))
    commit(tmp_path, days=6)
    fleet(tmp_path, row("a.example"), row("b.example", maxAge=86400), row("c.example", maxAge=86400))
    found = look(tmp_path)
    assert {edit.policy for edit in found.proposal.edits} == {"a.example"}
    today = datetime.now(UTC).date()
    assert [wait.partition("not before ")[2] for wait in found.proposal.waits] == [
        f"{today + timedelta(7)}; it has stood since {today}",
        f"{today + timedelta(1)}; it has stood since {today - timedelta(6)}",
    ]


def test_of_a_history_that_is_cut_off_no_row_is_taken_as_having_stood_for_long(
    tmp_path: Path, looked: list[str]
) -> None:
    (tmp_path / "whole").mkdir()
    stack(tmp_path / "whole", **FRONT_DOOR)
    fleet(tmp_path / "whole", row("a.example"))
    commit(tmp_path / "whole", days=1)
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{tmp_path / 'whole'}", "shallow")
    fleet(tmp_path / "shallow", row("a.example"), row("b.example"))
    found = look(tmp_path / "shallow").proposal
    assert found.edits == ()
    assert "since when a.example stands as it does is not known" in found.waits[0]
    assert f"it has stood since {datetime.now(UTC).date()}" in found.waits[1]


def test_nothing_is_written_over_what_is_not_committed_or_was_changed_meanwhile(
    tmp_path: Path, looked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stack(tmp_path, **FRONT_DOOR)
    fleet(tmp_path, row("a.example"), row("b.example"))
    commit(tmp_path, days=8)
    text = fleet(tmp_path, row("a.example", mx="mail.example.org x.example"), row("b.example")).before["fleet.csv"]
    with pytest.raises(UserError, match=r"^fleet.csv: the row of a.example has changes that aren't committed"):
        look(tmp_path, write=True)
    assert (tmp_path / "fleet.csv").read_text() == text
    commit(tmp_path, days=8)
    well = evidence.known

    def slow(file: Written, *given: Any) -> Known:
        (tmp_path / "fleet.csv").write_text(f"{text}\n")
        return well(file, *given)

    monkeypatch.setattr(evidence, "known", slow)
    with pytest.raises(UserError, match=r"^fleet.csv has changed meanwhile; nothing was written, run it again$"):
        look(tmp_path, write=True)
    assert (tmp_path / "fleet.csv").read_text() == f"{text}\n"


def test_a_thousand_rows_are_told_in_a_few_lines_and_all_of_them_as_json(
    tmp_path: Path, looked: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    for shard in range(1, 11):
        stack(tmp_path, shard, **FRONT_DOOR)
    fleet(tmp_path, *(row(f"d{at}.example", shard=at // 100 + 1) for at in range(1000)))
    found = look(tmp_path)
    due.show(found, console())
    told = capsys.readouterr().out
    assert len(told.splitlines()) < 50
    assert "1000 domains: 1000 to change, 0 not yet\n" in told
    assert "… and 1960 more; --json has all of them" in told
    assert len(json.loads(json.dumps(found.json()))["due"]) == 2000


def test_each_mistake_of_a_stacks_file_is_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "Pulumi.fleet-1.yaml").write_text("config: {mta-sts:fleet: 3, mta-sts:ladder: 7}")
    monkeypatch.chdir(tmp_path)
    assert main(["enforce", "--fleet"]) == 64
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 3
    assert all(line.startswith("checks: Pulumi.fleet-1.yaml: mta-sts:") for line in told)


def test_a_shard_that_is_no_number_is_not_told_of_days(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["enforce", "--fleet", "--shard", "acme"]) == 64
    assert "argument --shard: 'acme' is no number from 1 on" in capsys.readouterr().err


def test_where_there_is_no_fleet_the_way_to_one_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no Pulumi.<stack>.yaml here has mta-sts:fleet; docs/fleet.md"):
        look(tmp_path)
