"""`python -m checks watch` as cron runs it, on the local Azure: what is told, once, and to whom."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from domains.staged import ROOT, SERVERS, ZONE, Case, mail_servers, stage
from reports.samples import DAY, gzipped, report

from sandbox.control import Sandbox

from .receivers import Webhook, mailbox, webhook


@dataclass
class Local:
    sandbox: Sandbox
    port: int

    def watch(
        self, state: Path, *words: str, place: str = "--state", **env: str
    ) -> subprocess.CompletedProcess[str]:
        """One run, with the state in a file."""
        return self.begun(state, *words, place=place, **env)(120)

    def begun(
        self, state: Path, *words: str, place: str = "--state", **env: str
    ) -> Callable[[float], subprocess.CompletedProcess[str]]:
        command = [sys.executable, "-m", "checks", "watch", *words, place, str(state)]
        command += ["--smtp-port", str(self.port), "--pause", "0.1"]
        given = {**os.environ, **self.sandbox.env(), "PYTHONPATH": str(ROOT), **env}
        run = subprocess.Popen(
            command, cwd=ROOT, env=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

        def end(seconds: float) -> subprocess.CompletedProcess[str]:
            out, errors = run.communicate(timeout=seconds)
            return subprocess.CompletedProcess(command, run.returncode, out, errors)

        return end

    def mail_server_is(self, name: str, kind: str) -> None:
        """The domain's mail server becomes another one."""
        id_ = f"{ZONE}/{name}/A/mx1"
        record = self.sandbox.state.get(id_)
        assert record
        self.sandbox.state.put(
            {**record, "properties": {"TTL": 300, "ARecords": [{"ipv4Address": SERVERS[kind]}]}}
        )


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    with Sandbox(tmp_path_factory.mktemp("watch")) as sandbox, mail_servers(sandbox) as port:
        for name in ("life.test", "twice.test"):
            stage(sandbox, name, Case(mode="enforce"))
        stage(sandbox, "wrong.test", Case(mx={"mx1": "no STARTTLS"}))
        yield Local(sandbox, port)


@pytest.fixture
def hook() -> Iterator[Webhook]:
    with webhook() as made:
        yield made


def url(hook: Webhook) -> str:
    return f"json://somebody:the-secret-41@127.0.0.1:{hook.port}/hook"


def test_a_life_is_told_once_each_time_that_something_changes(local: Local, hook: Webhook, tmp_path: Path) -> None:
    state = tmp_path / "state.json"

    def run() -> tuple[int, str, list[str]]:
        made = local.watch(state, "life.test", MTA_STS_NOTIFY=url(hook))
        assert made.stderr == ""
        return made.returncode, made.stdout, [f"{post['type']} {post['title']}" for post in hook.taken()]

    code, out, told = run()
    assert (code, told) == (0, ["info MTA-STS: watching 1 domain, all well"])
    assert "watching 1 domain" in out
    assert run() == (0, "", [])

    local.mail_server_is("life.test", "no STARTTLS")
    code, out, told = run()
    assert (code, told) == (2, ["failure MTA-STS: 1 new failure: life.test"])
    assert "new failure: server mx1.life.test: mx1.life.test offers no STARTTLS (RFC 8461 4.2)" in out
    assert "-> Mend the server first" in out
    assert run() == (0, "", [])

    local.mail_server_is("life.test", "closed")  # can't be reached: neither worse nor mended
    assert run() == (0, "", [])

    stage_mx(local, "life.test", "mx1", "mx2")
    code, out, told = run()
    assert (code, told) == (2, ["failure MTA-STS: 2 new failures: life.test"])
    assert "mx: no mx of its policy allows its mail server mx2.life.test" in out
    assert "so nobody can deliver there (RFC 8461 4.2)" in out
    assert "no STARTTLS" not in out

    stage_mx(local, "life.test", "mx1")
    local.mail_server_is("life.test", "good")
    code, out, told = run()
    assert (code, told) == (0, ["success MTA-STS: 3 mended: life.test"])
    assert run() == (0, "", [])
    assert state.stat().st_mode & 0o777 == 0o600
    assert "the-secret" not in state.read_text()


def stage_mx(local: Local, name: str, *labels: str) -> None:
    """The MX records of a domain."""
    record = local.sandbox.state.get(f"{ZONE}/{name}/MX/@")
    assert record
    hosts = [{"preference": 10, "exchange": f"{label}.{name}"} for label in labels]
    local.sandbox.state.put({**record, "properties": {"TTL": 300, "MXRecords": hosts}})


def test_who_can_be_reached_is_told_and_the_others_with_the_next_run(
    local: Local, hook: Webhook, tmp_path: Path
) -> None:
    state, urls = tmp_path / "state.json", tmp_path / "urls"
    with mailbox() as box:
        mail = f"mailto://127.0.0.1:{box.port}?from=watch@example.org&to=postmaster@example.org&mode=insecure"
        urls.write_text(f"# who is told\n{url(hook)}\nnonsense://the-secret-41/x\n{mail}\n")
        urls.chmod(0o600)
        hook.answer = 503
        run = local.watch(state, "wrong.test", "--json", MTA_STS_NOTIFY_FILE=str(urls))
        assert run.returncode == 2
        assert run.stderr.splitlines() == [
            "checks: notification 2: apprise knows no such URL; its documentation has the form for each service",
            "checks: notification 1 (json): it answers 503; it is told with the next run",
        ]
        assert json.loads(run.stdout)["sent"] == [
            {"channel": "notification 1 (json)", "problem": "it answers 503"},
            {"channel": "notification 3 (mailto)", "problem": ""},
        ]
        (mail,) = box.mails
        assert mail["subject"] == "MTA-STS: 1 new failure: wrong.test"
        assert "mx1.wrong.test offers no STARTTLS" in mail.get_body(("plain",)).get_content()
        hook.answer = 200
        again = local.watch(state, "wrong.test", MTA_STS_NOTIFY_FILE=str(urls))
        assert again.returncode == 74  # the URL that can't be used
        assert [post["title"] for post in hook.taken()] == ["MTA-STS: 1 new failure: wrong.test"]
        assert len(box.mails) == 1
    for text in (run.stdout, run.stderr, again.stdout, again.stderr, state.read_text()):
        assert "the-secret-41" not in text


def test_two_runs_at_once_tell_once_and_lose_nothing(local: Local, hook: Webhook, tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    local.watch(state, "twice.test", "wrong.test", MTA_STS_NOTIFY=url(hook))
    hook.taken()
    local.mail_server_is("twice.test", "expired")
    runs = [local.begun(state, "twice.test", "wrong.test", MTA_STS_NOTIFY=url(hook)) for _ in range(3)]
    codes = [end(120).returncode for end in runs]
    assert [post["title"] for post in hook.taken()] == ["MTA-STS: 1 new failure: twice.test"]
    assert sorted(codes) == [0, 0, 2]
    assert "certificate" in json.loads(state.read_text())["watch"]["domains"]["twice.test"]["troubles"][0]["text"]


def test_reports_and_what_was_seen_are_kept_in_one_history(local: Local, tmp_path: Path) -> None:
    history, reports = tmp_path / "history.db", tmp_path / "reports"
    reports.mkdir()
    yesterday = (datetime.now(UTC).date() - DAY).days - 1
    (reports / "1.json.gz").write_bytes(gzipped(report(day=yesterday, domain="wrong.test")))
    told = [
        local.watch(history, "wrong.test", "--reports", str(reports), place="--history", MTA_STS_NOTIFY="")
        for _ in range(2)
    ]
    assert [(run.returncode, run.stderr) for run in told] == [(2, ""), (0, "")]
    assert "100 sessions reported in a week, 0 failed" in told[0].stdout
    assert told[1].stdout == ""


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--state", "/nowhere/s"], "there is no folder /nowhere"),
        (["--quiet", "22"], "argument --quiet: '22' is no pair of hours such as 22-7"),
        (["--digest", "someday"], "argument --digest: invalid choice: 'someday'"),
        (["--notify-file", "/nowhere"], "/nowhere: No such file or directory"),
    ],
)
def test_a_mistake_is_one_line(local: Local, tmp_path: Path, words: list[str], told: str) -> None:
    run = local.watch(tmp_path / "s", "life.test", *words) if "--state" not in words else local.watch(Path(words[1]), "life.test")  # fmt: skip
    assert run.returncode == 64
    assert told in run.stderr
    assert len(run.stderr.splitlines()) == 1
