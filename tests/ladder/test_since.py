"""Since when a policy stands, by the git history of its file."""

import os
import subprocess
from datetime import date
from pathlib import Path

from checks.since import since, standing

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

    def commit(self, content: str, day: int) -> None:
        (self.folder / FILE).write_text(content)
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
