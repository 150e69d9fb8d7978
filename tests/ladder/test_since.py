"""Since when a policy stands, by the git history of its file."""

import os
import subprocess
from datetime import date
from pathlib import Path

import pytest

from checks import since as history
from checks.since import since, since_of_rows, standing, standing_of_rows

FILE = "Pulumi.prod.yaml"


def text(mode: str = "testing", comment: str = "") -> str:
    return f"config:\n  mta-sts:policies:\n    - {{name: main, mode: {mode}, mx: [a.example]}} # {comment}\n    - name: other\n      mode: none\n"


class Repository:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.git("init", "-q", "-b", "main")

    def git(self, *words: str, day: int = 1) -> None:
        when = f"2026-03-{day:02}T12:00:00Z"
        env = {**os.environ, "GIT_COMMITTER_DATE": when, "GIT_AUTHOR_DATE": "2020-01-01T00:00:00Z"}
        who = ("-c", "user.name=A", "-c", "user.email=a@example.org")
        subprocess.run(["git", "-C", self.folder, *who, *words], env=env, check=True, capture_output=True)

    def commit(self, content: str, day: int, name: str = FILE) -> None:
        (self.folder / name).write_text(content)
        self.git("add", "-A", day=day)
        self.git("commit", "-qm", "x", day=day)


def test_it_is_the_day_of_the_commit_that_brought_mode_and_max_age(tmp_path: Path) -> None:
    made = Repository(tmp_path / "work")
    made.commit(text("none"), 1)
    made.commit(text(), 2)
    made.commit(text(comment="maxAge unchanged"), 3)
    made.commit(text().replace("mode: testing", "maxAge: 604800, mode: testing"), 4)  # the default, written out
    assert since(made.folder, FILE) == {"main": date(2026, 3, 2), "other": date(2026, 3, 1)}
    assert since(made.folder, FILE, "HEAD~3") == {"main": date(2026, 3, 1), "other": date(2026, 3, 1)}
    made.commit(text("enforce"), 5)
    made.commit(text(), 6)  # back: it begins anew
    assert since(made.folder, FILE)["main"] == date(2026, 3, 6)


def test_what_was_written_long_before_it_was_merged_counts_from_the_merge(tmp_path: Path) -> None:
    made = Repository(tmp_path / "work")
    made.commit(text(), 1)
    made.git("switch", "-qc", "change")
    made.commit(text("enforce"), 2)
    made.git("switch", "-q", "main")
    made.git("merge", "-q", "--no-ff", "-m", "merge", "change", day=20)
    assert since(made.folder, FILE)["main"] == date(2026, 3, 20)


def test_what_cannot_be_known_is_left_out(tmp_path: Path) -> None:
    made = Repository(tmp_path / "work")
    made.commit(text(), 1)
    made.commit("no: [yaml", 2)
    made.commit(text(), 3)
    made.commit(text(comment="later"), 4)
    assert since(made.folder, FILE)["main"] == date(2026, 3, 3)
    made.git("clone", "-q", "--depth=1", f"file://{made.folder}", str(tmp_path / "shallow"))
    assert since(tmp_path / "shallow", FILE) == {}
    (tmp_path / "nothing").mkdir()
    assert since(tmp_path / "nothing", FILE) == {}
    assert since(made.folder, "Pulumi.dev.yaml") == {}
    assert standing("config: {policies: [x]}") == standing("config: x") == {}


HEAD = "domain,customer,mx,mode,maxAge"


def rows(*given: str, head: str = HEAD) -> str:
    return "\r\n".join([head, *given, ""])


def test_each_row_stands_since_its_own_day_wherever_it_moves_in_the_fleets_files(tmp_path: Path) -> None:
    made, names = Repository(tmp_path / "work"), ["fleet.csv", "acme.csv"]
    a, b, c = (
        "a.example,acme,m.example,testing,",
        "b.example,,m.example,testing,86400",
        "c.example,,m.example,none,",
    )
    made.commit(rows(a, b), 1, "fleet.csv")
    made.commit(rows(b, a, c), 2, "fleet.csv")  # another order, and a new row
    made.commit(rows(b, a.replace("acme", "ACME").replace("testing,", "testing,604800"), c), 3, "fleet.csv")
    made.commit(rows(b.replace("testing", "enforce"), a, c), 4, "fleet.csv")
    (made.folder / "acme.csv").write_text(rows('"A.example","x, y",m.example,testing,'))
    made.commit(rows(b.replace("testing", "enforce"), c), 5, "fleet.csv")  # moved to a file of its own
    assert since_of_rows(made.folder, names) == {
        "a.example": date(2026, 3, 1),
        "b.example": date(2026, 3, 4),
        "c.example": date(2026, 3, 2),
    }
    assert since_of_rows(made.folder, names, "HEAD~2")["b.example"] == date(2026, 3, 1)
    made.git("clone", "-q", "--depth=2", f"file://{made.folder}", str(tmp_path / "shallow"))
    assert since_of_rows(tmp_path / "shallow", names) == {}
    made.commit("no row", 6, "fleet.csv")
    assert since_of_rows(made.folder, names) == {"a.example": date(2026, 3, 1)}


def test_rows_are_read_as_the_program_reads_them() -> None:
    text = '\ufeff mode ,domain\n testing,"Bücher.example"\n\nenforce\nnone,b.example,x\n'
    assert standing_of_rows(text) == {"xn--bcher-kva.example": ("testing", 604800), "b.example": ("none", 86400)}
    assert standing_of_rows('domain,mode\na.example,testing\n"b') == {"a.example": ("testing", 604800)}
    assert standing_of_rows("") == standing_of_rows("domain\na.example\n") == {}
    inches = 'domain,customer,mode\na.example,12" Records,testing\nb.example,"x\n""y",none\nc.example,,enforce\n'
    for eol in ("\n", "\r\n", "\r"):
        assert standing_of_rows(inches.replace("\n", eol)) == {
            "a.example": ("testing", 604800),
            "b.example": ("none", 86400),
            "c.example": ("enforce", 604800),
        }


def test_git_is_asked_as_often_for_a_thousand_rows_and_thirty_versions_as_for_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, asked, read = Repository(tmp_path / "work"), list[object](), list[str]()
    for day in range(1, 31):
        made.commit(
            rows(*(f"d{at}.example,,m.example,{'enforce' if at < day else 'testing'}," for at in range(1000))),
            day,
            "fleet.csv",
        )
    popen = subprocess.Popen

    def started(words: list[str], **more: object) -> object:
        asked.append(words)
        return popen(words, **more)  # pyright: ignore

    def counted(text: str) -> object:
        read.append(text)
        return standing_of_rows(text)

    monkeypatch.setattr(subprocess, "Popen", started)
    monkeypatch.setattr(history, "standing_of_rows", counted)
    found = since_of_rows(made.folder, ["fleet.csv"])
    assert len(found) == 1000
    assert [found[f"d{at}.example"].day for at in (0, 7, 29, 30, 999)] == [1, 8, 30, 1, 1]
    assert len(asked) == 4
    assert len(read) == 31  # each version once, and what was there before the first


def test_of_a_history_that_is_too_long_as_much_as_was_looked_at_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Repository(tmp_path / "work")
    for day in (1, 2, 3, 4):
        made.commit(text(comment=str(day)), day)
    monkeypatch.setattr(history, "VERSIONS", 2)
    assert since(made.folder, FILE)["main"] == date(2026, 3, 3)
