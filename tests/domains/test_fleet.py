"""`python -m checks fleet`: the whole fleet file on one page, in one metrics file and on the terminal."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from browser import NEEDS_CHROMIUM, PHONE, fits, lowest_contrast, watched
from reports.samples import DAY, gzipped, report

from checks import fleet
from checks.finding import Domain, Finding, Level
from checks.show import console
from domains.staged import Case, mail_servers, run_checks, stage
from sandbox.control import Sandbox
from settings.fleet import Row, read_files
from settings.project import Project
from tools.fleet.__main__ import main as fleet_command

HEAD = "domain,customer,mx,mode,shard"
FILE = [
    HEAD,
    "good.test,acme,mx1.good.test,testing,1",
    "bad.test,zenith,mx1.bad.test,testing,2",
    " ,acme,mx1.x.test,testing,2",
    "later.test,zenith,mx1.later.test,enforce,2",
]


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Sandbox, str]]:
    with Sandbox(tmp_path_factory.mktemp("fleet")) as sandbox, mail_servers(sandbox) as port:
        stage(sandbox, "good.test", Case())
        stage(sandbox, "bad.test", Case(mx={"mx1": "no STARTTLS"}))
        stage(sandbox, "later.test", Case())
        yield sandbox, f"--smtp-port={port}"


def test_one_run_gives_page_metrics_and_verdict_and_a_bad_row_holds_up_nobody(
    local: tuple[Sandbox, str], tmp_path: Path
) -> None:
    (tmp_path / "fleet.csv").write_text("\n".join(FILE) + "\n")
    page, metrics = tmp_path / "fleet.html", tmp_path / "fleet.prom"
    options = ("--html", str(page), "--prometheus", str(metrics), local[1])
    run = run_checks(local[0], "fleet", *options, cwd=tmp_path)
    assert run.returncode == 2, run.stderr
    assert "4 domains of 2 customers: 2 fail, 1 warn, 1 " in run.stdout
    assert "fail bad.test (zenith, shard 2): mx1.bad.test offers no STARTTLS" in run.stdout
    assert (
        "the fleet file says enforce, and senders see testing -> python -m tools.fleet up --shards 2" in run.stdout
    )
    assert "fleet.csv line 4: domain: " in run.stdout
    assert "fleet.csv line 4: domain: " in page.read_text()
    lines = metrics.read_text().splitlines()
    of_bad = 'domain="bad.test",customer="zenith",shard="2"'
    assert f'mta_sts_level{{{of_bad},check="server",server="mx1.bad.test"}} 3' in lines
    assert any(line.startswith(f"mta_sts_certificate_expires_seconds{{{of_bad}}} ") for line in lines)
    assert 'mta_sts_level{domain="line 4",customer="acme",shard="2",check="fleet-file"} 3' in lines


def test_a_customers_part_is_judged_alone(local: tuple[Sandbox, str], tmp_path: Path) -> None:
    (tmp_path / "fleet.csv").write_text("\n".join(FILE[:3]) + "\n")
    run = run_checks(local[0], "fleet", "--customer", "acme", "--json", local[1], cwd=tmp_path)
    assert [
        (each["name"], each["shard"], each["level"] in ("pass", "not checked")) for each in json.loads(run.stdout)
    ] == [("good.test", 1, True)]
    assert run.returncode == 0
    assert run_checks(local[0], "fleet", "--customer", "nobody", cwd=tmp_path).returncode == 64
    assert run_checks(local[0], "fleet", "other.csv", cwd=tmp_path).returncode == 64


def test_it_names_the_mistakes_of_a_row_that_tools_fleet_check_names(
    local: tuple[Sandbox, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        "good.test,acme,mx1.good.test,testing,1",
        "b.test,acme,m.test,enforced,1",
        "c.test,acme,-.test,testing,1",
    ]
    (tmp_path / "fleet.csv").write_text("\n".join([HEAD, *rows]) + "\n")
    for stacks in (False, True):
        if stacks:
            (tmp_path / "Pulumi.fleet-1.yaml").write_text(CONFIG)
        run = run_checks(local[0], "fleet", "--json", local[1], cwd=tmp_path)
        found = {
            each["name"]: [line["text"] for line in each["lines"] if line["check"] == "fleet-file"]
            for each in json.loads(run.stdout)
        }
        assert run.returncode == 2
        assert found["good.test"] == []
        monkeypatch.chdir(tmp_path)
        fleet_command(["check", "--no-dns", "--json"])
        named = [line for line in json.loads(capsys.readouterr().out)["errors"] if " line " in line]
        assert named == [*found["b.test"], *found["c.test"]]
        assert (
            named[0]
            == "fleet.csv line 3: mode: 'enforced' must be testing, enforce or none; begin with testing (RFC 8461 5)"
        )


CONFIG = "config: {mta-sts:hosting: frontDoor, mta-sts:dns: {provider: manual}, mta-sts:fleet: {file: fleet.csv, shard: 1}}\n"


def test_enforce_knows_the_rows_of_a_fleet(local: tuple[Sandbox, str], tmp_path: Path) -> None:
    file, rows = tmp_path / "fleet.csv", ["domain,customer,mx,mode,maxAge,shard", "good.test,acme,mx1.good.test,testing,1209600,1", "bad.test,zenith,mx1.bad.test,testing,1209600,1"]  # fmt: skip
    (tmp_path / "Pulumi.fleet-1.yaml").write_text(CONFIG)
    for domain in ("good.test", "bad.test"):
        for at in range(7):
            day = (date.today() - DAY).days - 8 + at
            (tmp_path / f"{domain}-{at}.json.gz").write_bytes(gzipped(report(day=day, domain=domain)))
    args = ("--reports", *(str(each) for each in tmp_path.glob("*.gz")), local[1])

    def enforce(*options: str) -> tuple[int, str]:
        run = run_checks(local[0], "enforce", *options, *args, cwd=tmp_path)
        return run.returncode, run.stdout + run.stderr

    file.write_text("\n".join([*rows, "x.test,acme,m.test,enforced,,1", ""]))
    code, told = enforce("good.test", "--write")
    assert (code, told.splitlines()[-1]) == (64, "checks: fleet.csv line 4: mode: 'enforced' must be testing, enforce or none; begin with testing (RFC 8461 5); nothing is written while the fleet has a mistake")  # fmt: skip
    code, told = enforce("x.test")
    assert "fleet.csv line 4: mode: 'enforced' must be testing, enforce or none" in told
    file.write_text("\n".join([*rows, ""]))
    code, told = enforce("--fleet")
    assert code == 0, told
    assert "fleet.csv line 2, good.test: `mode: testing` -> `mode: enforce`: safe" in told
    assert (
        "not yet: bad.test: testing 1209600 -> enforce 86400: bad.test: server mx1.bad.test: mx1.bad.test offers no STARTTLS"
        in told
    )
    assert "2 domains: 1 to change, 1 not yet" in told
    code, told = enforce("good.test", "--write")
    assert code == 0, told
    assert "Changed. Then: commit, python -m tools.fleet preview, python -m tools.fleet up." in told
    assert file.read_text().splitlines() == [rows[0], rows[1].replace("testing,1209600", "enforce,86400"), rows[2]]
    code, told = enforce("good.test", "--stack-file", "Pulumi.fleet-1.yaml")
    assert "what is served is not yet what the file says: pulumi up" in told
    assert enforce("--fleet", "good.test")[0] == enforce()[0] == 64


def test_rows_of_a_file_without_its_stacks_may_name_any_place_for_their_records(tmp_path: Path) -> None:
    (tmp_path / "fleet.csv").write_text("domain,mx,mode,dns,shard\na.test,m.test,testing,customers,1\n")
    (row,) = fleet.checked(Project(tmp_path), read_files(tmp_path, "fleet.csv"))[0]
    assert row.problems == ()
    (tmp_path / "Pulumi.a.yaml").write_text("no: [yaml")
    (row,), others = fleet.checked(Project(tmp_path), read_files(tmp_path, "fleet.csv"))
    assert (row.problems, others) == ((), ["Pulumi.a.yaml line 1: is no stack's file"])


def test_the_files_that_the_stacks_name_are_looked_at_all_of_them(
    local: tuple[Sandbox, str], tmp_path: Path
) -> None:
    (tmp_path / "fleet").mkdir()
    (tmp_path / "fleet" / "own.csv").write_text(f"{HEAD}\ngood.test,,mx1.good.test,testing,1\n")
    (tmp_path / "fleet" / "acme.csv").write_text(f"{HEAD}\nbad.test,,mx1.bad.test,testing,1\n")
    (tmp_path / "Pulumi.fleet-1.yaml").write_text(
        "config:\n  mta-sts:hosting: frontDoor\n  mta-sts:dns: {provider: manual}\n"
        '  mta-sts:fleet: {file: "fleet/*.csv", shard: 1, customers: {fleet/acme.csv: acme}}\n'
    )
    run = run_checks(local[0], "fleet", "--json", local[1], cwd=tmp_path)
    assert {each["name"]: each["customer"] for each in json.loads(run.stdout)} == {
        "bad.test": "acme",
        "good.test": "",
    }
    run = run_checks(local[0], "fleet", "--json", local[1], "fleet/own.csv", cwd=tmp_path)
    assert [each["name"] for each in json.loads(run.stdout)] == ["good.test"]
    (tmp_path / "fleet" / "acme.csv").unlink()
    (tmp_path / "fleet" / "own.csv").unlink()
    run = run_checks(local[0], "fleet", cwd=tmp_path)
    assert run.stderr.startswith("checks: 'fleet/*.csv' is no file in "), run.stderr


def test_one_customer_is_not_several(capsys: pytest.CaptureFixture[str]) -> None:
    row = Row("fleet.csv", 2, {"mode": "testing"}, "a.test", "acme", 1, None)
    fleet.show([fleet.Member(row, Domain("a.test", [Finding("record", Level.PASS, "it is there")]))], console())
    assert "\n1 domain of 1 customer: 1 pass\n" in capsys.readouterr().out


def thousand() -> list[fleet.Member]:
    """A thousand domains of fifty customers; one in forty fails, and its text is hostile."""
    made: list[fleet.Member] = []
    for at in range(1000):
        row = Row(
            "fleet.csv", at + 2, {"mode": "testing"}, f"d{at}.test", f"customer {at % 50}", at // 100 + 1, None
        )
        level = Level.FAIL if at % 40 == 7 else Level.WARN if at % 40 == 8 else Level.PASS
        lines = [
            Finding("record", Level.PASS, "it is there"),
            Finding("mx", level, "<b>bold</b> " + "long" * 40, "", "Mend it"),
        ]
        made.append(fleet.Member(row, Domain(row.domain, lines, mode="testing")))
    return made


def test_the_worst_comes_first_by_customer() -> None:
    grouped = fleet.customers(thousand())
    assert len(grouped) == 50
    fails = [customer.counts.get(Level.FAIL, 0) for customer in grouped]
    assert fails == sorted(fails, reverse=True)
    assert grouped[0].members[0].seen.level == Level.FAIL


@NEEDS_CHROMIUM
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_thousand_rows_fit_a_phone(browser: Any, tmp_path: Path, scheme: str) -> None:
    path = tmp_path / "fleet.html"
    path.write_text(fleet.render(thousand()))
    assert path.stat().st_size < 700_000
    context = browser.new_context(viewport=PHONE, color_scheme=scheme)
    shown = context.new_page()
    wrong = watched(shown, "file:")
    shown.goto(path.as_uri())
    assert fits(shown)
    assert shown.locator("script, b b").count() == 0
    assert shown.locator("main > details").count() == 50
    assert 0 < shown.locator("main > details[open]").count() < 50
    assert lowest_contrast(shown, ".level, h1, p") >= 4.5  # WCAG 2.2, 1.4.3
    assert wrong == []
    context.close()
