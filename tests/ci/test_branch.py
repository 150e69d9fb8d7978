"""The branch of a proposal: one commit on main with exactly the lines that are due."""

import os
import subprocess
from pathlib import Path

import pytest

from tools.ci.branch import Branch

FILE = "Pulumi.prod.yaml"


def git(at: Path, *words: str) -> str:
    who = ("-c", "user.name=Ann", "-c", "user.email=ann@example.com")
    run = subprocess.run(["git", "-C", at, *who, *words], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return run.stdout


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A clone whose project lies in a folder of the repository."""
    git(tmp_path, "init", "-q", "--bare", "-b", "main", "bare")
    git(tmp_path, "clone", "-q", "bare", "work")
    (tmp_path / "work" / "mail").mkdir()
    push(tmp_path / "work", "mode: testing\r\nmaxAge: 1\r\n")
    return tmp_path / "work"


def push(work: Path, text: str) -> None:
    (work / "mail" / FILE).write_bytes(text.encode())
    (work / "mail" / FILE).chmod(0o755)
    git(work, "add", "-A")
    git(work, "commit", "-qm", "x")
    git(work, "push", "-q", "origin", "HEAD:main")


def fetched(work: Path) -> Branch:
    branch = Branch(work / "mail", f"file://{work.parent / 'bare'}", "Bearer x", "main", "mta-sts/prod", "hint")
    branch.fetch()
    return branch


AFTER = "mode: enforce\r\nmaxAge: 2\r\n"


def test_it_is_one_commit_with_one_file_whose_line_ends_and_mode_stay(work: Path) -> None:
    fetched(work).put({FILE: AFTER}, "words\n")
    branch = fetched(work)
    assert branch.ours
    assert branch.stands({FILE: AFTER})
    assert not branch.stands({FILE: AFTER + "#"})
    bare = work.parent / "bare"
    changed = git(bare, "diff", "--raw", "main", branch.name).split()
    assert (changed[0][1:], changed[1], changed[-1]) == ("100755", "100755", f"mail/{FILE}")
    shown = subprocess.run(["git", "-C", bare, "show", f"{branch.name}:mail/{FILE}"], capture_output=True).stdout
    assert shown == AFTER.encode()
    assert git(work, "status", "--short") == ""  # the clone's own files and index are as they were


def test_several_files_are_one_commit(work: Path) -> None:
    (work / "mail" / "fleet").mkdir()
    (work / "mail" / "fleet" / 'bücher, "a".csv').write_text("before\n")
    push(work, "mode: testing\n")
    after = {FILE: AFTER, 'fleet/bücher, "a".csv': "after\n"}
    fetched(work).put(after, "words\n")
    branch = fetched(work)
    assert branch.ours
    assert branch.stands(after)
    assert not branch.stands({FILE: AFTER})  # there is more
    assert not branch.stands({**after, FILE: "another"})


def test_it_is_made_anew_once_main_has_a_part_of_it(work: Path) -> None:
    fetched(work).put({FILE: AFTER}, "words\n")
    push(work, "mode: testing\r\nmaxAge: 2\r\n")
    branch = fetched(work)
    assert not branch.stands({FILE: AFTER})  # it would show a line that is no change any more
    branch.put({FILE: AFTER}, "words\n")
    assert fetched(work).stands({FILE: AFTER})
    fetched(work).delete()
    assert "mta-sts/prod" not in git(work.parent / "bare", "for-each-ref")


def test_the_token_is_in_no_command_line(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[tuple[list[str], dict[str, str]]] = []
    run = subprocess.run

    def watched(words: list[str], **more: object) -> object:
        started.append((words, dict(more["env"])))  # type: ignore[arg-type, call-overload]
        return run(words, **more)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "run", watched)
    monkeypatch.setitem(os.environ, "SYSTEM_ACCESSTOKEN", "run-token")
    branch = Branch(
        work / "mail", f"file://{work.parent / 'bare'}", "Bearer run-token", "main", "mta-sts/prod", "hint"
    )
    branch.fetch()
    branch.put({FILE: AFTER}, "words\n")
    assert not [words for words, _ in started if "run-token" in " ".join(words)]
    told = {words[1] for words, env in started if any("run-token" in value for value in env.values())}
    assert told == {"ls-remote", "fetch", "push"}
