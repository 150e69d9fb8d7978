"""`python -m tools.ci propose`, from a night's look to the pull request, on Azure DevOps and on GitHub."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from domains.staged import ROOT, Case, mail_servers, stage
from reports.samples import DAY, gzipped, mail, report

from checks import gather, history
from sandbox.control import Sandbox
from sandbox.devops import permissions
from tools.ci import propose
from tools.ci.__main__ import main
from tools.ci.errors import CiError

from .forges import BRANCH, NOT_PERMITTED, AzureDevOps, Forge, GitHub

TODAY = datetime.now(UTC).date()
FILE = "Pulumi.prod.yaml"
STACK = """\
config:
  azure-native:location: westeurope   # content is served worldwide
  mta-sts:policies:
    - name: main
      mode: {mode}   # begin here
      maxAge:  604800
      mx: [mx1.{name}]
      domains: [{name}]
"""


class Night:
    """A repository with a stack, its reports, and a run that proposes.

    :param name: of the domain, which serves the policy of the stack's file.
    """

    def __init__(self, folder: Path, sandbox: Sandbox, port: int, forge: Forge, name: str, **policy: str) -> None:
        self.folder, self.sandbox, self.forge, self.name = folder, sandbox, forge, name
        self.options = [f"--smtp-port={port}", "--authserv-id=mx.example.org"]
        self.reports = folder / "reports"
        self.reports.mkdir()
        self.person = folder / "person"
        self.git(folder, "init", "-q", "-b", "main", str(self.person))
        self.text = STACK.format(mode=policy.get("mode", "testing"), name=name)
        self.write(self.text, days=10)
        self.git(folder, "clone", "-q", "--depth=1", f"file://{forge.bare}", str(folder / "agent"))

    def git(self, at: Path, *words: str, days: int = 0) -> str:
        when = f"{TODAY - timedelta(days)}T12:00:00Z"
        dates = {"GIT_COMMITTER_DATE": when, "GIT_AUTHOR_DATE": when}
        who = ("-c", "user.name=Ann", "-c", "user.email=ann@example.com")
        run = subprocess.run(["git", "-C", at, *who, *words], env={**os.environ, **dates}, capture_output=True, text=True)  # fmt: skip
        assert run.returncode == 0, run.stderr
        return run.stdout

    def write(self, text: str, name: str = FILE, branch: str = "main", days: int = 0) -> None:
        """A person changes a file and pushes."""
        (self.person / name).write_text(text)
        self.git(self.person, "add", "-A")
        self.git(self.person, "commit", "-qm", f"change {name}", days=days)
        self.git(self.person, "push", "-q", str(self.forge.bare), f"HEAD:refs/heads/{branch}")

    def report(self, *ago: int, sender: str = "google.com", **changes: Any) -> None:
        """Reports of days, as mails whose sender the user's own server has verified."""
        for days in ago:
            given = report(day=(TODAY - DAY).days - days, domain=self.name, **changes)
            text = mail(gzipped(given)).replace(b"tls@sender.example", f"tls@{sender}".encode())
            told = f"Authentication-Results: mx.example.org; dkim=pass header.d={sender}\n".encode()
            (self.reports / f"{sender}-{days}.eml").write_bytes(told + text)

    def run(self, *options: str, stack: str = "organization/mta-sts/prod", **env: str) -> list[str]:
        """What a night says."""
        rest = ["--reports", str(self.reports), *self.options, *options]
        with self.environment(**env) as given:
            return propose.run(stack, False, rest, given, self.folder / "agent")

    @contextmanager
    def environment(self, **env: str) -> Iterator[dict[str, str]]:
        before = dict(os.environ)
        os.environ.update({**self.sandbox.env(), **self.forge.env(), **env})
        try:
            yield dict(os.environ)
        finally:
            os.environ.clear()
            os.environ.update(before)

    @property
    def pull(self) -> dict[str, Any]:
        """The pull request that is open."""
        (found,) = [each for each in self.forge.pulls() if each["open"]]
        return found

    def changed(self) -> list[str]:
        """The lines that the branch changes against main."""
        diff = self.git(self.forge.bare, "diff", "-U0", f"main...{BRANCH}").splitlines()
        return [line for line in diff if line[:1] in "+-" and line[:3] not in ("+++", "---")]

    def branches(self) -> list[str]:
        return self.git(self.forge.bare, "for-each-ref", "--format=%(refname:short)", "refs/heads").split()


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Sandbox, int]]:
    with Sandbox(tmp_path_factory.mktemp("propose")) as sandbox, mail_servers(sandbox) as port:
        stage(sandbox, "good.test", Case(max_age=604800))
        stage(sandbox, "enforced.test", Case(mode="enforce", max_age=604800))
        stage(sandbox, "moved.test", Case(mode="enforce", max_age=604800, mx={"mx1": "good", "mx2": "good"}, allowed=("mx1.moved.test",)))  # fmt: skip
        yield sandbox, port


@contextmanager
def forge_of(kind: str, sandbox: Sandbox, folder: Path, **options: Any) -> Iterator[Forge]:
    if kind == "azure":
        yield AzureDevOps(sandbox, **options)
    else:
        with GitHub(folder / "github", **options) as made:
            yield made


@pytest.mark.parametrize("kind", ["azure", "github"])
def test_one_pull_request_from_the_first_good_week_to_its_end(
    local: tuple[Sandbox, int], tmp_path: Path, kind: str
) -> None:
    with forge_of(kind, local[0], tmp_path) as forge:
        night = Night(tmp_path, *local, forge, "good.test")
        night.report(*range(1, 6))
        assert night.run() == [
            "prod: nothing is due",
            f"prod: not yet: main: testing 604800 -> enforce 86400: good.test: reports cover 5 days ({TODAY - timedelta(5)} to {TODAY - timedelta(1)}); wait until they cover 7",
        ]
        assert not forge.pulls()

        night.report(6, 7)
        (line,) = night.run()
        assert line.startswith("prod: opened http")
        assert line.endswith(f"/{'pullrequest' if kind == 'azure' else 'pull'}/{night.pull['number']}: mta-sts prod: main: mode enforce, maxAge 86400")  # fmt: skip
        assert night.changed() == [
            "-      mode: testing   # begin here",
            "-      maxAge:  604800",
            "+      mode: enforce   # begin here",
            "+      maxAge:  86400",
        ]
        text = night.pull["text"]
        assert "700 sessions on 7 days" in text
        assert "all 1 mail servers are as the policy wants" in text
        assert "**Before you merge**" in text
        assert "**To undo it**" in text
        (tip,) = night.git(forge.bare, "log", "--format=%ae %s", f"main..{BRANCH}").splitlines()
        assert tip == "mta-sts-proposals@invalid mta-sts prod: main: mode enforce, maxAge 86400"

        before = forge.written()
        assert "is current: " in night.run()[0]
        assert forge.written() == before  # nothing at all was done

        night.report(8)
        assert night.run()[0].startswith("prod: updated ")
        assert "800 sessions on 8 days" in night.pull["text"]

        night.write("notes", "notes.txt")
        commit = night.git(forge.bare, "rev-parse", BRANCH)
        assert "is current: " in night.run()[0]
        assert night.git(forge.bare, "rev-parse", BRANCH) == commit
        night.write(night.text.replace("served worldwide", "served everywhere"))
        assert night.run()[0].startswith("prod: updated ")
        assert night.git(forge.bare, "rev-parse", f"{BRANCH}^") == night.git(forge.bare, "rev-parse", "main")
        assert len(night.changed()) == 4

        mine = night.git(forge.bare, "rev-parse", BRANCH).strip()
        night.git(night.person, "fetch", "-q", str(forge.bare), BRANCH)
        night.git(night.person, "switch", "-q", "-c", "mine", "FETCH_HEAD")
        night.write("a person's words", "more.txt", BRANCH)
        theirs = night.git(forge.bare, "rev-parse", BRANCH)
        night.report(1, failures=(("certificate-expired", "mx1.good.test", 50),))
        assert night.run()[0].startswith(f"prod: somebody has pushed to {BRANCH}: it is left as it is (http")
        assert night.git(forge.bare, "rev-parse", BRANCH) == theirs
        night.git(night.person, "push", "-qf", str(forge.bare), f"{mine}:refs/heads/{BRANCH}")

        assert "prod: closed http" in night.run()[0]
        assert night.branches() == ["main"]
        assert [each["open"] for each in forge.pulls()] == [False]
        assert "no longer due" in forge.pulls()[0]["text"]
        assert "certificate-expired" not in forge.pulls()[0]["text"].partition("```")[0]

        night.report(1)
        assert night.run()[0].startswith("prod: opened ")
        forge.closed_by_a_person(night.pull["number"])
        before = forge.written()
        assert "with the same lines was closed by somebody" in night.run()[0]
        assert forge.written() == before

        forge.opened_by_a_person()
        before = forge.written()
        assert "was opened by somebody else: it is left as it is" in night.run()[0]
        assert forge.written() == before


@pytest.mark.parametrize("kind", ["azure", "github"])
def test_refused_mail_asks_for_testing_with_urgency(local: tuple[Sandbox, int], tmp_path: Path, kind: str) -> None:
    with forge_of(kind, local[0], tmp_path) as forge:
        night = Night(tmp_path, *local, forge, "enforced.test", mode="enforce")
        night.report(*range(3, 9))
        night.report(1, 2, failures=(("certificate-expired", "mx1.enforced.test", 50),))
        assert "URGENT: mta-sts prod: main: mode testing" in night.run()[0]
        assert night.pull["title"].startswith("URGENT: ")
        assert night.changed() == ["-      mode: enforce   # begin here", "+      mode: testing   # begin here"]
        said = f"google.com (verified) since {TODAY - timedelta(2)}: mx1.enforced.test: certificate-expired (100)"
        assert said in night.pull["text"]
        assert "Mend what is named above rather than merge" in night.pull["text"]
        night.report(0)
        assert "prod: closed " in night.run()[0]


def test_an_mx_host_that_the_policy_lacks_is_proposed_at_once(local: tuple[Sandbox, int], tmp_path: Path) -> None:
    night = Night(tmp_path, *local, AzureDevOps(local[0]), "moved.test", mode="enforce")
    assert "URGENT: mta-sts prod: main: allow mx2.moved.test" in night.run()[0]
    assert night.changed() == ["-      mx: [mx1.moved.test]", "+      mx: [mx1.moved.test, mx2.moved.test]"]
    assert "Are these servers yours" in night.pull["text"]
    # A night without DNS says nothing about it.
    (line, *_) = night.run(MTA_STS_NAMESERVERS="127.0.0.1:9")
    assert line.endswith("is left as it is: not everything could be looked at this time")


def test_a_pattern_is_taken_out_by_what_the_history_remembers(local: tuple[Sandbox, int], tmp_path: Path) -> None:
    stage(local[0], "old.test", Case(mode="enforce", max_age=604800, allowed=("gone.example", "mx1.old.test")))
    night = Night(tmp_path, *local, AzureDevOps(local[0]), "old.test", mode="enforce")
    night.write(night.text.replace("[mx1.old.test]", "[gone.example, mx1.old.test]"), days=3)
    where = str(tmp_path / "history.db")
    assert f"gone.example has matched no MX host since {TODAY}" in night.run("--history", where)[-1]
    with history.open(where) as kept:
        key = f"unneeded mx of {FILE}"
        assert kept.remembered(key) == {"main gone.example": str(TODAY)}
        kept.remember(key, {"main gone.example": str(TODAY - timedelta(8))})
    assert "main: no longer allow gone.example" in night.run("--history", where)[0]
    assert night.changed() == ["-      mx: [gone.example, mx1.old.test]", "+      mx: [mx1.old.test]"]


def test_a_mailbox_that_cannot_be_read_closes_nothing(local: tuple[Sandbox, int], tmp_path: Path) -> None:
    night = Night(tmp_path, *local, AzureDevOps(local[0]), "good.test")
    night.report(*range(1, 8))
    where = str(tmp_path / "history.db")
    assert night.run("--history", where)[0].startswith("prod: opened ")
    night.options += ["--history", where, "--reports", str(night.reports), "imaps://ann@127.0.0.1:9/INBOX"]
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("IMAP_PASSWORD", "x")
        assert "left as it is: not everything could be looked at" in night.run()[0]


@pytest.mark.parametrize("kind", ["azure", "github"])
def test_what_a_person_pushes_meanwhile_is_never_overwritten(
    local: tuple[Sandbox, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    with forge_of(kind, local[0], tmp_path) as forge:
        night = Night(tmp_path, *local, forge, "moved.test", mode="enforce")
        due = propose._due  # pyright: ignore[reportPrivateUsage]

        def slow(*given: Any) -> Any:
            found = due(*given)
            night.write("a person's words", "more.txt", BRANCH)
            return found

        monkeypatch.setattr(propose, "_due", slow)
        with pytest.raises(CiError, match=f"somebody has pushed to {BRANCH} meanwhile"):
            night.run()
        assert night.git(forge.bare, "log", "-1", "--format=%an", BRANCH) == "Ann\n"
        assert not forge.pulls()


def test_no_token_of_the_run_is_near_what_strangers_wrote(
    local: tuple[Sandbox, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with forge_of("github", local[0], tmp_path) as forge:
        night = Night(tmp_path, *local, forge, "moved.test", mode="enforce")
        night.report(1)
        read, there = gather.gather, list[str]()

        def tally(*given: Any) -> Any:
            there.extend(name for name, value in os.environ.items() if value == forge.token)
            return read(*given)

        monkeypatch.setattr(gather, "gather", tally)
        assert night.run(SYSTEM_ACCESSTOKEN=forge.token)[0].startswith("prod: opened ")
        assert there == []


def test_where_port_25_is_closed_the_reports_alone_can_speak(local: tuple[Sandbox, int], tmp_path: Path) -> None:
    night = Night(tmp_path, *local, AzureDevOps(local[0]), "good.test")
    night.report(*range(1, 8))
    night.options[0] = "--smtp-port=1"
    assert "was not checked" in night.run()[1]
    assert night.run("--no-servers")[0].startswith("prod: opened ")
    assert "the reports alone speak for them" in night.pull["text"]
    assert "left as it is" in night.run()[0]  # what is not checked is no reason to close it


def test_what_may_not_be_done_is_one_line_with_the_way_out(local: tuple[Sandbox, int], tmp_path: Path) -> None:
    for grants, words in (
        (0, "TF401027: You need the Git 'GenericContribute' permission"),
        (permissions.CREATE_BRANCH, "TF401027: You need the Git 'PullRequestContribute' permission"),
    ):
        folder = tmp_path / str(grants)
        folder.mkdir()
        night = Night(folder, *local, AzureDevOps(local[0], grants), "moved.test", mode="enforce")
        with pytest.raises(CiError) as caught:
            night.run()
        assert "\n" not in str(caught.value)
        assert words in str(caught.value)
        assert "needs Create branch and Contribute to pull requests on the repository" in str(caught.value)
        assert night.forge.token not in str(caught.value)
    with GitHub(tmp_path / "github", permitted=False) as github:
        night = Night(tmp_path, *local, github, "moved.test", mode="enforce")
        with pytest.raises(CiError) as caught:
            night.run()
        assert NOT_PERMITTED in str(caught.value)
        assert "Settings, Actions, General" in str(caught.value)
        github.permitted = True
        assert night.run()[0].startswith("prod: opened ")  # the branch that was left is taken up


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({"BUILD_REASON": "PullRequest"}, "by runs of main alone"),
        ({"BUILD_SOURCEBRANCH": "refs/heads/try"}, "this is one of refs/heads/try"),
        ({"SYSTEM_ACCESSTOKEN": "$(System.AccessToken)"}, "SYSTEM_ACCESSTOKEN not set"),
        ({"SYSTEM_ACCESSTOKEN": "another"}, "Azure DevOps answers 203"),
    ],
)
def test_only_a_run_of_main_proposes(
    local: tuple[Sandbox, int], tmp_path: Path, env: dict[str, str], words: str
) -> None:
    night = Night(tmp_path, *local, AzureDevOps(local[0]), "good.test")
    with pytest.raises(CiError, match="^[^\n]*$") as caught:
        night.run(**env)
    assert words in str(caught.value)
    assert night.branches() == ["main"]


SHARD = """\
config:
  mta-sts:hosting: frontDoor
  mta-sts:dns: {{provider: manual}}
  mta-sts:fleet: {{file: [fleet.csv, "fleet/*.csv"], shard: {}}}
"""
HEAD = "domain,customer,mx,mode,maxAge,shard"
ROWS = "mta-sts/fleet-rows"


def test_a_fleet_has_one_pull_request_for_the_rows_of_all_files_and_shards(
    local: tuple[Sandbox, int], tmp_path: Path
) -> None:
    night = Night(tmp_path, *local, AzureDevOps(local[0]), "good.test")
    (night.person / "fleet").mkdir()
    for shard in (1, 2):
        night.write(SHARD.format(shard), f"Pulumi.fleet-{shard}.yaml", days=10)
    night.write(f"{HEAD}\r\nmoved.test,acme,mx1.moved.test,enforce,,2\r\n", "fleet/acme.csv", days=10)
    rows = [HEAD, "good.test,,mx1.good.test,testing,604800,1", "unseen.invalid,,mx1.good.test,testing,,1", ""]
    night.write("\n".join(rows), "fleet.csv", days=10)
    night.report(*range(1, 8))

    def changed() -> list[str]:
        diff = night.git(night.forge.bare, "diff", "-U0", f"main...{ROWS}").splitlines()
        return [line for line in diff if line[:1] in "+-" and line[:3] != "---"]

    done, *told = night.run(stack="")
    title = "URGENT: mta-sts fleet: moved.test: allow mx2.moved.test; good.test: mode enforce, maxAge 86400"
    assert done.startswith("fleet: opened http")
    assert done.endswith(title)
    assert (
        "fleet: due: fleet.csv line 2, good.test: `mode: testing` -> `mode: enforce`: safe, and it has stood since"
        in told[1]
    )
    assert changed() == [
        "+++ b/fleet.csv",
        "-good.test,,mx1.good.test,testing,604800,1",
        "+good.test,,mx1.good.test,enforce,86400,1",
        "+++ b/fleet/acme.csv",
        "-moved.test,acme,mx1.moved.test,enforce,,2",
        "+moved.test,acme,mx1.moved.test mx2.moved.test,enforce,,2",
    ]
    assert night.pull["text"].index("+moved.test") < night.pull["text"].index("**Why**")
    before = night.forge.written()
    assert "is current: " in night.run(stack="")[0]
    assert night.forge.written() == before

    # A row that can't be looked at tonight, and has no part in it, keeps nobody waiting.
    night.write(f"{HEAD}\r\nmoved.test,acme,mx1.moved.test mx2.moved.test,enforce,,2\r\n", "fleet/acme.csv")
    assert night.run(stack="")[0].startswith("fleet: updated http")
    assert night.pull["title"] == "mta-sts fleet: good.test: mode enforce, maxAge 86400"
    # One that has a part in it does.
    more = ("--reports", str(night.reports), "imaps://ann@127.0.0.1:9/INBOX")
    (line, *_) = night.run(*more, stack="", MTA_STS_IMAP_PASSWORD="x")
    assert line.endswith("is left as it is: not everything could be looked at this time")

    night.write("\n".join(rows).replace("testing,,1", "tested,,1"), "fleet.csv")
    with pytest.raises(CiError) as caught:
        night.run(stack="")
    assert str(caught.value).splitlines() == [
        "fleet: fleet.csv line 3: mode: 'tested' must be testing, enforce or none; begin with testing (RFC 8461 5)",
        "fleet: not proposed until that is right: fleet.csv line 2, good.test: `mode: testing` -> `mode: enforce`: "
        f"safe, and it has stood since {TODAY - timedelta(10)}",
        "fleet: not proposed until that is right: fleet.csv line 2, good.test: `maxAge: 604800` -> `maxAge: 86400`: "
        f"safe, and it has stood since {TODAY - timedelta(10)}",
    ]
    assert night.pull["title"] == "mta-sts fleet: good.test: mode enforce, maxAge 86400"
    with pytest.raises(CiError, match=r"^fleet-1: .* its fleet's rows: python -m tools.ci propose --fleet$"):
        night.run(stack="fleet-1")


def test_a_step_down_stays_proposed_in_a_night_that_knows_nothing_of_it_but_of_something_urgent(
    local: tuple[Sandbox, int], tmp_path: Path
) -> None:
    night = Night(tmp_path, *local, AzureDevOps(local[0]), "enforced.test", mode="enforce")
    night.write(SHARD.format(1).replace(', "fleet/*.csv"', ""), "Pulumi.fleet-1.yaml", days=10)
    rows = f"{HEAD}\nenforced.test,,mx1.enforced.test,enforce,,1\n"
    night.write(rows, "fleet.csv", days=10)
    night.report(1, 2, 3, failures=(("certificate-expired", "mx1.enforced.test", 50),))
    assert night.run(stack="")[0].endswith("URGENT: mta-sts fleet: enforced.test: mode testing")
    night.write(f"{rows}moved.test,,mx1.moved.test,enforce,,1\n", "fleet.csv")
    night.reports = tmp_path / "nothing"
    night.reports.mkdir()
    more = ("--reports", str(night.reports), "imaps://ann@127.0.0.1:9/INBOX")
    done, *told = night.run(*more, stack="", MTA_STS_IMAP_PASSWORD="x")
    assert done.endswith("moved.test: allow mx2.moved.test; enforced.test: mode testing")
    assert "+enforced.test,,mx1.enforced.test,testing,,1" in night.pull["text"]
    assert any(
        "enforced.test: `mode: enforce` -> `mode: testing`: it was proposed before" in line for line in told
    )
    night.reports = tmp_path / "reports"
    night.report(0)
    assert night.run(stack="")[0].endswith("URGENT: mta-sts fleet: moved.test: allow mx2.moved.test")


def test_a_row_that_came_after_a_proposal_has_no_part_in_it(local: tuple[Sandbox, int], tmp_path: Path) -> None:
    night = Night(tmp_path, *local, AzureDevOps(local[0]), "good.test")
    night.write(SHARD.format(1).replace(', "fleet/*.csv"', ""), "Pulumi.fleet-1.yaml", days=10)
    rows = f"{HEAD}\ngood.test,,mx1.good.test,testing,,1\n"
    night.write(rows, "fleet.csv", days=10)
    night.report(*range(1, 8))
    assert night.run(stack="")[0].startswith("fleet: opened http")
    rows = rows.replace("testing,,", "enforce,86400,") + "enforced.test,,mx1.enforced.test,enforce,,1\n"
    night.write(rows, "fleet.csv")
    more = ("--reports", str(night.reports), "imaps://ann@127.0.0.1:9/INBOX")  # nobody can be sure of any row
    assert "it is no longer due" in night.run(*more, stack="", MTA_STS_IMAP_PASSWORD="x")[0]


def test_a_fleets_file_that_is_not_in_the_repository_is_told(local: tuple[Sandbox, int], tmp_path: Path) -> None:
    night = Night(tmp_path, *local, AzureDevOps(local[0]), "good.test")
    night.write(SHARD.format(1).replace('"fleet/*.csv"', "acme.csv"), "Pulumi.fleet-1.yaml", days=10)
    night.write(f"{HEAD}\ngood.test,,mx1.good.test,testing,,1\n", "fleet.csv", days=10)
    with pytest.raises(CiError, match=r"^fleet: acme.csv: mta-sts:fleet.file names it, but it is not in the repo"):
        night.run(stack="")


def test_a_dry_run_shows_it_all_and_needs_no_token(local: tuple[Sandbox, int], tmp_path: Path) -> None:
    night = Night(tmp_path, *local, AzureDevOps(local[0]), "moved.test", mode="enforce")
    command = [sys.executable, "-m", "tools.ci", "propose", "--dry-run", "--", *night.options]
    env = {**os.environ, **local[0].env(), "PULUMI_STACK": "prod", "PYTHONPATH": str(ROOT)}
    run = subprocess.run(command, cwd=night.person, env=env, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith("URGENT: mta-sts prod: main: allow mx2.moved.test\n")
    assert "+      mx: [mx1.moved.test, mx2.moved.test]" in run.stdout
    assert night.branches() == ["main"]
    run = subprocess.run([*command[:6], "other.test", *command[6:]], cwd=night.person, env=env, capture_output=True, text=True)  # fmt: skip
    assert (run.returncode, run.stdout) == (1, "")
    assert "those that say what to look at, and where to show it, are for `python -m checks enforce`" in run.stderr
    run = subprocess.run([*command, "--reports", "/nowhere"], cwd=night.person, env=env, capture_output=True, text=True)  # fmt: skip
    assert run.returncode == 1
    assert run.stderr == "tools.ci: prod: there is no file or folder /nowhere\n"


def test_each_mistake_of_a_fleet_is_a_line_and_no_stack_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(stack: str, *_: Any) -> list[str]:
        assert stack == ""
        raise CiError("fleet: one\nfleet: two")

    monkeypatch.setattr(propose, "run", run)
    monkeypatch.delenv("PULUMI_STACK", raising=False)
    assert main(["propose", "--fleet"]) == 1
    assert capsys.readouterr().err == "tools.ci: fleet: one\ntools.ci: fleet: two\n"
    assert main(["propose"]) == 1
    assert "PULUMI_STACK is not set" in capsys.readouterr().err
