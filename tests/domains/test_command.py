"""`python -m checks` as a user has it: exit codes, JSON, many domains, a cron job's files, clear mistakes."""

import json
import os
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from reports.samples import gzipped, report

from domains.staged import Case, mail_servers, run_checks, stage
from sandbox.control import Sandbox

Local = tuple[Sandbox, str]


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    with Sandbox(tmp_path_factory.mktemp("command")) as sandbox, mail_servers(sandbox) as port:
        stage(sandbox, "good.test", Case())
        stage(sandbox, "warned.test", Case(mode="enforce", max_age=3600))
        stage(sandbox, "bad.test", Case(mx={"mx1": "no STARTTLS"}))
        for at in range(100):
            stage(sandbox, f"many-{at}.test", Case())
        yield sandbox, f"--smtp-port={port}"


def test_exit_codes_say_how_bad_it_is(local: Local) -> None:
    sandbox, port = local
    codes = {name: run_checks(sandbox, "domain", *name.split(), port).returncode for name in ("good.test", "warned.test", "bad.test", "good.test bad.test")}  # fmt: skip
    assert codes == {"good.test": 0, "warned.test": 1, "bad.test": 2, "good.test bad.test": 2}


def test_a_table_names_check_evidence_section_and_way_out(local: Local) -> None:
    text = run_checks(local[0], "domain", "bad.test", local[1]).stdout
    assert "mx1.bad.test offers no STARTTLS (RFC 8461 4.2)" in text
    assert "-> Mend the server first" in text
    assert "1 domain: 1 fail" in text


def test_a_blocked_port_is_told_as_that(local: Local) -> None:
    run = run_checks(local[0], "domain", "good.test", "--smtp-port=1", "--json")
    assert run.returncode == 0
    line = next(each for each in json.loads(run.stdout)[0]["lines"] if each["check"].startswith("server"))
    assert line["level"] == "not checked"
    assert "Outgoing port 25 is often blocked" in line["way_out"]
    run = run_checks(local[0], "domain", "bad.test", "--no-servers", "--json")
    assert not [each for each in json.loads(run.stdout)[0]["lines"] if each["check"].startswith("server")]


def test_a_hundred_domains_are_looked_at_in_one_run(local: Local) -> None:
    names = [f"many-{at}.test" for at in range(100)]
    run = run_checks(local[0], "domain", *names, local[1], "--json")
    assert run.returncode in (0, 1), run.stdout[:2000]  # on a busy machine, policy hosts are slow: a warning
    assert [domain["name"] for domain in json.loads(run.stdout)] == names


def test_a_mail_server_named_like_markup_silences_nothing(local: Local) -> None:
    sandbox, port = local
    servers = [{"preference": 10, "exchange": name} for name in ("[/x]", "##vso[task.complete]", "mx1.odd.test")]
    stage(sandbox, "odd.test", Case(sets={"MX/@": servers}, mode="enforce", mx={"mx1": "no STARTTLS"}))
    run = run_checks(sandbox, "domain", "odd.test", port)
    assert run.returncode == 2, run.stderr
    assert "[/x]" in run.stdout
    assert "##vso[" not in run.stdout
    assert "1 domain: 1 fail" in run.stdout


def test_options_lead_as_the_environment_does(
    local: Local, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox, _ = local
    env = sandbox.env()
    bare = {name: value for name, value in env.items() if not name.startswith(("MTA_STS", "SSL_CERT"))}
    monkeypatch.setattr(Sandbox, "env", lambda _: {**bare, "MTA_STS_RESOLVER": "127.0.0.1:9"})
    run = run_checks(
        sandbox, "domain", "good.test", "--no-servers", "--json",
        "--resolver", env["MTA_STS_RESOLVER"], "--ca", env["SSL_CERT_FILE"],
    )  # fmt: skip
    lines = {each["check"]: each["level"] for each in json.loads(run.stdout)[0]["lines"]}
    assert lines["record"] == lines["policy-host"] == lines["policy"] == "pass"
    run = run_checks(sandbox, "domain", "good.test", "--no-servers", "--json")
    assert {each["level"] for each in json.loads(run.stdout)[0]["lines"]} == {"not checked"}


def test_a_text_file_for_prometheus_is_whole_and_replaced(local: Local, tmp_path: Path) -> None:
    path = tmp_path / "mta_sts.prom"
    for name, level in (("good.test", 0), ("bad.test", 3)):
        run_checks(local[0], "domain", name, local[1], "--prometheus", str(path))
        lines = path.read_text().splitlines()
        assert f'mta_sts_level{{domain="{name}",check="server",server="mx1.{name}"}} {level}' in lines
        assert any(line.startswith(f'mta_sts_certificate_expires_seconds{{domain="{name}"}} ') for line in lines)
        assert all(line.startswith(("#", "mta_sts_")) for line in lines)
    assert [each.name for each in tmp_path.iterdir()] == ["mta_sts.prom"]


STACK = """\
config:
  mta-sts:policies:
    - name: main
      mode: testing   # begin here
      maxAge: 1209600
      mx: [mx1.good.test]
      domains: [good.test]
"""


def test_enforce_puts_both_together_and_changes_the_lines_that_it_names(local: Local, tmp_path: Path) -> None:
    for day in range(7):
        (tmp_path / f"{day}.json.gz").write_bytes(gzipped(report(day=day, domain="good.test")))
    file = tmp_path / "Pulumi.prod.yaml"
    file.write_text(STACK)
    args = ("--reports", *(str(each) for each in tmp_path.glob("*.gz")), local[1])
    run = run_checks(local[0], "enforce", "good.test", *args, cwd=tmp_path)
    assert run.returncode == 0, run.stdout
    assert "good.test: safe to enforce" in run.stdout
    assert "Pulumi.prod.yaml, line 4: `mode: testing` -> `mode: enforce`" in run.stdout
    assert file.read_text() == STACK
    run = run_checks(local[0], "enforce", "good.test", "--write", *args, cwd=tmp_path)
    assert run.returncode == 0, run.stdout
    assert "+      mode: enforce   # begin here" in run.stdout
    assert "Then: pulumi preview, pulumi up." in run.stdout
    assert file.read_text() == STACK.replace("testing", "enforce").replace("1209600", "86400")
    run = run_checks(local[0], "enforce", "good.test", "--write", *args, cwd=tmp_path)
    assert "what is served is not yet what the file says: pulumi up" in run.stdout
    run = run_checks(local[0], "enforce", "bad.test", *args, cwd=tmp_path)
    assert run.returncode == 2
    assert "bad.test: not yet safe to enforce" in run.stdout
    assert "offers no STARTTLS" in run.stdout
    assert "no sender has reported yet" in run.stdout


def test_a_step_goes_by_the_reports_since_the_step_before(local: Local, tmp_path: Path) -> None:
    (tmp_path / "Pulumi.prod.yaml").write_text(STACK)
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    eight_days_ago = (datetime.now(UTC) - timedelta(days=8)).isoformat()
    for words in (("init", "-q"), ("add", "-A"), (*who, "commit", "-qm", "begin", "--date", eight_days_ago)):
        days = {"GIT_COMMITTER_DATE": eight_days_ago}
        subprocess.run(["git", *words], cwd=tmp_path, check=True, capture_output=True, env={**os.environ, **days})
    for day in range(7):
        (tmp_path / f"{day}.json.gz").write_bytes(gzipped(report(day=day, domain="good.test")))
    args = ("--reports", *(str(each) for each in tmp_path.glob("*.gz")), local[1])
    run = run_checks(local[0], "enforce", "good.test", "--write", *args, cwd=tmp_path)
    told = " ".join(run.stdout.split())
    assert "good.test: safe to enforce" in told
    assert "not yet: main: testing 1209600 -> enforce 86400: good.test: no sender has reported yet" in told
    assert (tmp_path / "Pulumi.prod.yaml").read_text() == STACK


def test_enforce_writes_nothing_over_what_isnt_committed(local: Local, tmp_path: Path) -> None:
    def git(*words: str) -> None:
        who = ("-c", "user.name=A", "-c", "user.email=a@example.org")
        subprocess.run(["git", *who, *words], cwd=tmp_path, check=True, capture_output=True)

    git("init", "-q")
    file = tmp_path / "Pulumi.prod.yaml"
    file.write_text(STACK.replace("maxAge: 1209600", "maxAge: 86400"))
    git("add", "-A")
    git("commit", "-qm", "begin")
    file.write_text(STACK.replace("mx1.good.test", "mx2.good.test"))
    args = ("enforce", "good.test", "--write", local[1])
    run = run_checks(local[0], *args, cwd=tmp_path)
    assert run.returncode == 64
    assert "the policy main has changes that aren't committed" in run.stderr
    git("commit", "-qam", "another server")
    run = run_checks(local[0], *args, cwd=tmp_path)  # no report, but an MX host that the policy lacks
    assert run.returncode == 2
    assert file.read_text() == STACK.replace("[mx1.good.test]", "[mx2.good.test]").replace("mx2.good.test]", "mx2.good.test, mx1.good.test]")  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["domain"], "name a domain, or use --stack"),
        (["domain", "https://example.org"], "write the name alone, without the scheme"),
        (["domain", "user@example.org"], "write what stands after the @"),
        (["domain", "good.test", "--resolver", "x"], "--resolver: 'x' must be an address such as 192.0.2.1"),
        (["domain", "good.test", "--ca", "/nowhere.pem"], "there is no file /nowhere.pem"),
        (["domain", "good.test", "--no-servers", "--html", "/nowhere/x.html"], "No such file or directory"),
        (["reports", "/nowhere"], "there is no file or folder /nowhere"),
    ],
)
def test_a_mistake_is_one_line(local: Local, arguments: list[str], words: str) -> None:
    run = run_checks(local[0], *arguments)
    assert run.returncode == 64
    assert words in run.stderr
    assert len(run.stderr.strip().splitlines()) == 1


def test_help_says_what_there_is(local: Local) -> None:
    for arguments in (["--help"], ["domain", "--help"], ["reports", "--help"], ["enforce", "--help"]):
        assert run_checks(local[0], *arguments).returncode == 0
    assert run_checks(local[0], "reports", "x", "--since", "soon").returncode == 64
