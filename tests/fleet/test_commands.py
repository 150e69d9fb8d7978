"""The commands that keep a fleet's files: what they write, what they leave as it is, and what they refuse."""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from domains.staged import mail_servers
from setup.local_internet import address, microsoft, mx, zone

from fleet.test_settings import HEAD, row
from provider.azure import signed_in
from sandbox.control import Sandbox
from sandbox.graph import domains as tenant
from tools.fleet.__main__ import main
from tools.setup.ask import Ask

Fleet = Callable[..., tuple[int, str, str]]
FRONT_DOOR = {"mta-sts:hosting": "frontDoor"}


def stack(shard: int = 1, fleet: dict[str, object] | None = None, **config: object) -> None:
    """A stack's file in the folder that the test is in."""
    given = {"azure-native:location": "westeurope", "mta-sts:dns": {"provider": "manual"}, **config}
    given["mta-sts:fleet"] = {"file": "fleet.csv", "shard": shard, **(fleet or {})}
    Path(f"Pulumi.fleet-{shard}.yaml").write_text(yaml.safe_dump({"config": given}))


def write(*rows: str, name: str = "fleet.csv", eol: str = "\n") -> bytes:
    Path(name).write_bytes(eol.join([HEAD, *rows, ""]).encode())
    return Path(name).read_bytes()


def commit() -> None:
    for words in (
        ["init", "-q"],
        ["add", "-A"],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x"],
    ):
        subprocess.run(["git", *words], check=True, capture_output=True)


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Fleet:
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(list(arguments))
        return (code, *capsys.readouterr())

    return run


def lines() -> list[str]:
    return Path("fleet.csv").read_text().splitlines()


def test_a_new_row_leaves_all_others_byte_for_byte(fleet: Fleet) -> None:
    stack(**FRONT_DOOR)
    Path("fleet.csv").write_bytes(
        b'\xef\xbb\xbf domain ,"mode",mx,customer,shard\r\n"a.example", testing,"m.test  ","O""Neil, Ltd",1\r\n\r\nb.example,none,,,1'
    )
    before = Path("fleet.csv").read_bytes()
    code, out, told = fleet(
        "add", "c.example", "--mx", "m.test n.test", "--dns", "", "--customer", "x, y", "--yes"
    )
    assert code == 0, told
    assert Path("fleet.csv").read_bytes() == before + b'\r\nc.example,testing,m.test n.test,"x, y",1\r\n'
    assert '+c.example,testing,m.test n.test,"x, y",1' in out
    assert fleet("set", "c.example", "--max-age", "86400", "--yes")[0] == 0
    changed = before.replace(b"customer,shard", b"customer,shard,maxAge")
    assert Path("fleet.csv").read_bytes() == changed + b'\r\nc.example,testing,m.test n.test,"x, y",1,86400\r\n'
    assert fleet("remove", "b.example", "--yes")[0] == 0
    assert b"b.example" not in Path("fleet.csv").read_bytes()
    assert b'"a.example", testing,"m.test  ","O""Neil, Ltd",1\r\n\r\nc.example' in Path("fleet.csv").read_bytes()


@pytest.mark.parametrize("eol", ["\n", "\r\n"])
def test_a_cell_is_changed_as_it_is_quoted_and_no_other(fleet: Fleet, eol: str) -> None:
    stack(**FRONT_DOOR)
    rows = """\
domain,"customer",mx,mode,maxAge,shard
"a.example","x ""y"", z",m.test," testing ",604800,"1"
b.example,,"m.test
n.test", testing ,,1
c.example,,m.test,testing,,1""".replace("\n", eol)
    Path("fleet.csv").write_bytes(rows.encode())
    for domain, options in (
        ("a.example", ["--mode", "enforce"]),
        ("b.example", ["--mode", "enforce", "--max-age", "86400"]),
        ("c.example", ["--mx", "n.test", "--max-age", "86400"]),
    ):
        assert fleet("set", domain, *options, "--yes")[0] == 0
    wanted = rows.replace('" testing ",', '"enforce",').replace(" testing ,,1", " enforce ,86400,1")
    assert Path("fleet.csv").read_bytes().decode() == wanted.replace("m.test,testing,,1", "n.test,testing,86400,1")


def test_nothing_is_written_unless_somebody_agrees(fleet: Fleet) -> None:
    stack(**FRONT_DOOR)
    before = write(row("a.example"))
    code, out, told = fleet("add", "b.example", "--mx", "m.test")
    assert (code, Path("fleet.csv").read_bytes()) == (64, before)
    assert "+b.example" in out
    assert told == "fleet: there is no terminal to ask at: Write it? Answer by --yes\n"


def test_what_somebody_else_has_written_meanwhile_is_not_lost(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack(**FRONT_DOOR)
    write(row("a.example"))

    def agree(*_: object, **__: object) -> bool:
        write(row("a.example"), row("c.example"))
        return True

    monkeypatch.setattr(Ask, "agree", agree)
    code, _, told = fleet("add", "b.example", "--mx", "m.test")
    assert (code, told) == (64, "fleet: fleet.csv has changed meanwhile; nothing was written, run it again\n")
    assert lines() == [HEAD, row("a.example"), row("c.example")]


def test_a_new_domain_goes_to_the_lowest_shard_with_room_and_none_is_ever_renumbered(fleet: Fleet) -> None:
    stack(**FRONT_DOOR)
    write(*(row(f"d{at}.example", shard=1 + at // 100, mode="none") for at in range(200)))
    assert fleet("add", "new.example", "--mx", "m.test", "--yes")[0] == 0
    assert lines()[-1].startswith("new.example,,m.test,,testing,,,,,,3,")
    assert fleet("remove", "d7.example", "d107.example", "--yes")[0] == 0
    before = lines()
    assert fleet("add", "e.example", "f.example", "g.example", "--mx", "m.test", "--yes")[0] == 0
    assert lines()[:-3] == before
    assert [line.split(",")[10] for line in lines()[-3:]] == ["1", "2", "3"]


def test_on_static_web_apps_it_goes_to_a_site_with_the_same_policy_and_room(fleet: Fleet) -> None:
    stack()
    write(row("a.example", site=1), row("b.example", site=2, mx="other.test"), row("c.example", site=1))
    assert fleet("add", "d.example", "e.example", "--mx", "mail.example.org", "--yes")[0] == 0
    assert fleet("add", "f.example", "--mx", "other.test", "--yes")[0] == 0
    assert [line.split(",")[-1] for line in lines()[1:]] == ["1", "2", "1", "3", "3", "2"]
    code, _, told = fleet("set", "d.example", "--mode", "enforce", "--yes")
    assert code == 64
    assert "site: site 3 has another policy in fleet.csv line 5, and an app serves one" in told
    assert fleet("set", "d.example", "e.example", "--mode", "enforce", "--yes")[0] == 0


def test_a_site_that_is_given_up_is_nobody_elses_in_the_same_run(fleet: Fleet) -> None:
    stack()
    write(row("a.example", site=1), row("b.example", site=2, mode="none"))
    commit()
    assert fleet("remove", "b.example", "--yes")[0] == 0
    assert fleet("add", "c.example", "--mx", "m.test", "--yes")[0] == 0
    assert lines()[-1].endswith(",1,3")


def test_free_apps_end_and_the_way_out_is_named(fleet: Fleet) -> None:
    stack()
    write(*(row(f"d{at}.example", site=1 + at // 2) for at in range(20)))
    code, _, told = fleet("add", "x.example", "--mx", "mail.example.org", "--yes")
    assert code == 64
    assert told.startswith(
        "fleet: all 10 Free apps of a subscription have their domains; set mta-sts:hosting: frontDoor or"
    )


def test_a_domain_that_senders_may_insist_on_is_not_removed(fleet: Fleet) -> None:
    stack(**FRONT_DOOR)
    before = write(row("a.example", mode="enforce"), row("b.example"), row("c.example", delegateTo="b.example"))
    commit()
    code, _, told = fleet("remove", "a.example", "b.example", "--yes")
    assert code == 64
    assert "a.example (enforce), b.example (testing): senders may remember the policy. First: python -m tools.fleet set a.example b.example --mode none;" in told  # fmt: skip
    assert Path("fleet.csv").read_bytes() == before
    assert fleet("set", "a.example", "--mode", "none", "--yes")[0] == 0
    assert "a.example: mode none isn't committed yet" in fleet("remove", "a.example", "--yes")[2]
    commit()
    assert fleet("remove", "a.example", "--yes")[0] == 0
    told = fleet("remove", "b.example", "--yes", "--though-senders-may-remember")[2]
    assert "fleet.csv line 3: delegateTo: c.example is delegated to b.example" in told
    assert fleet("remove", "b.example", "c.example", "--yes", "--though-senders-may-remember")[0] == 0
    assert lines() == [HEAD]


def test_a_change_that_makes_a_row_that_can_not_work_is_refused_and_an_old_mistake_holds_up_nothing(fleet: Fleet) -> None:  # fmt: skip
    stack(**FRONT_DOOR)
    before = write(row("a.example"), row("b.example", mode="strict"))
    code, _, told = fleet("set", "a.example", "--mode", "always", "--yes")
    assert (code, Path("fleet.csv").read_bytes()) == (64, before)
    assert told.startswith("fleet: fleet.csv line 2: mode: 'always' must be")
    assert "already; python -m tools.fleet set" in fleet("add", "A.example", "--mx", "m.test", "--yes")[2]
    assert fleet("set", "a.example", "--preset", "google", "--mx", "", "--yes")[0] == 0
    assert fleet("set", "b.example", "--mode", "testing", "--yes")[0] == 0
    assert fleet("check", "--no-dns")[0] == 0


def test_pack_writes_down_what_is_blank_and_changes_nothing_else(fleet: Fleet) -> None:
    stack()
    write(
        row("a.example", shard="", site=""),
        row("b.example", site=4),
        row("c.example"),
        row("d.example", shard="x"),
    )
    code, out, _ = fleet("pack", "--yes")
    assert code == 0
    assert [line.split(",")[-2:] for line in lines()[1:]] == [["1", "4"], ["1", "4"], ["1", "5"], ["x", ""]]
    assert "left as it is: fleet.csv line 5: shard: 'x' must be a whole number" in out


def test_pack_divides_a_policys_domains_and_moves_none_that_was_there(fleet: Fleet) -> None:
    text = """\
config:
  azure-native:location: westeurope  # near
  mta-sts:dns: {provider: manual}
  mta-sts:policies:
    - name: main
      mode: testing
      mx: [m.example]
      domains:
%s        - old1.example   # the first
        - name: old2.example
          adoptTlsReports: true
        - {name: "old3.example", site: 2}
    - {name: flow, mode: testing, mx: [m.example], domains: [f1.example, f2.example, {name: f3.example}]}
"""
    path = Path("Pulumi.prod.yaml")
    path.write_text((text % "").replace(", {name: f3.example}", ""))
    commit()
    path.write_text(text % "        - new.example\n")
    assert fleet("pack", "--yes")[0] == 0
    after = path.read_text()
    assert after == text.replace("%s", "        - {name: new.example, site: 2}\n").replace(
        "- old1.example ", "- {name: old1.example, site: 1} "
    ).replace("name: old2.example\n", "name: old2.example\n          site: 1\n").replace(
        "[f1.example, f2.example, {name: f3.example}]",
        "[{name: f1.example, site: 1}, {name: f2.example, site: 1}, {name: f3.example, site: 2}]",
    )
    assert "nothing to change" in fleet("pack", "--yes")[1]


def test_what_an_anchor_shares_is_left_to_a_person(fleet: Fleet) -> None:
    Path("Pulumi.prod.yaml").write_text(
        "config:\n  policies:\n    - {name: a, mode: testing, mx: [m.test], domains: &all [a.test, b.test, c.test]}\n"
        "  other: *all\n"
    )
    code, _, told = fleet("pack", "--yes")
    assert code == 64
    assert "Pulumi.prod.yaml can't be changed without changing more" in told
    assert "mta-sts:policies[0].domains[2]: site: 2" in told


def test_a_customers_rows_move_to_a_file_of_their_own(fleet: Fleet) -> None:
    stack(**FRONT_DOOR)
    write(row("a.example", customer="acme"), row("b.example"), row("c.example", customer="acme"))
    Path("fleet").mkdir()
    told = fleet("export", "--customer", "acme", "fleet/acme.csv", "--yes")[2]
    assert "Pulumi.fleet-1.yaml: mta-sts:fleet.file doesn't name fleet/acme.csv" in told
    assert "file: [fleet.csv, fleet/acme.csv]" in told
    files = {"file": ["fleet.csv", "fleet/acme.csv"], "customers": {"fleet/acme.csv": "acme"}}
    stack(fleet=files, **FRONT_DOOR)
    assert fleet("export", "--customer", "acme", "fleet/acme.csv", "--yes")[0] == 0
    assert lines() == [HEAD, row("b.example")]
    assert Path("fleet/acme.csv").read_text().splitlines()[1:] == [
        row("a.example", customer="acme"),
        row("c.example", customer="acme"),
    ]
    assert fleet("add", "d.example", "--mx", "m.test", "--customer", "acme", "--yes")[0] == 0
    assert Path("fleet/acme.csv").read_text().splitlines()[-1] == "d.example,,m.test,,testing,,,,,,1,"
    assert fleet("add", "e.example", "--mx", "m.test", "--customer", "other", "--yes")[0] == 0
    assert lines()[-1].startswith("e.example,other")
    assert "3 domains" in fleet("show", "--customer", "acme")[1]


def test_show_is_for_people_and_machines(fleet: Fleet) -> None:
    stack(**FRONT_DOOR)
    write(row("a.example", customer="[red]##vso[x]"), row("b.example", shard=2), row("c.example", customer="acme"))
    code, out, _ = fleet("show")
    assert code == 0
    assert "##vso[" not in out
    assert [each["domain"] for each in json.loads(fleet("show", "--shard", "2", "--json")[1])] == ["b.example"]
    assert fleet("show", "nowhere.example")[2] == "fleet: nowhere.example: in none of fleet.csv\n"


def test_check_tells_every_bad_row_and_looks_at_the_good_ones(fleet: Fleet) -> None:
    stack(**FRONT_DOOR)
    write(
        row("a.example"), row("b.example", shard=2, mx="!"), row("c.example", mode="x"), row("d.example", shard="")
    )
    code, out, _ = fleet("check", "--no-dns", "--json")
    found = json.loads(out)
    assert (code, found["good"], found["rows"]) == (2, 1, 4)
    assert [line.split(": ")[:2] for line in found["errors"]] == [
        ["fleet.csv line 3", "mx"], ["fleet.csv line 4", "mode"], ["fleet.csv line 5", "shard"],
    ]  # fmt: skip
    assert "without a stack yet: shard 2" in fleet("check", "--no-dns")[1]
    stack(**FRONT_DOOR, **{"mta-sts:tags": "x"})
    assert "Pulumi.fleet-1.yaml: mta-sts:tags: 'x' must be a map" in fleet("check", "--no-dns")[1]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("import",), "import what? A file"),
        (("import", "none.csv"), "none.csv: No such file or directory"),
        (("set", "a.example"), "set what? --mx, --preset, --mode, --max-age, --dns, --tls-reports"),
        (("set", "--mode", "none"), "name a domain, or --customer"),
        (("set", "--customer", "x", "--mode", "none"), "no row has the customer x"),
        (("set", "x.example", "--mode", "none"), "x.example is in none of fleet.csv"),
        (("export", "--customer", "x", "x.csv"), "no row has the customer x"),
        (("add", "https://x.example"), "write the name alone, without the scheme"),
        (("plan", "--domains", "0"), "must be a whole number from 1"),
        (("nothing",), "invalid choice"),
        (("add", "x.example", "--mx", "m.test", "--shard", "0"), "--shard: '0' must be a whole number from 1"),
        (
            ("add", "x.example", "--mx", "m.test", "--file", "x.csv"),
            "--file x.csv: no stack's mta-sts:fleet.file names it, but fleet.csv",
        ),
        (
            ("add", "x.example", "--mx", "m.test", "--customer", "=x", "--yes"),
            "customer: '=x' must be up to 100 letters",
        ),
    ],
)
def test_a_mistake_is_one_line(words: tuple[str, ...], says: str, fleet: Fleet) -> None:
    stack(**FRONT_DOOR)
    write(row("a.example"))
    code, _, told = fleet(*words)
    assert code == 64
    assert says in told
    assert told.count("\n") == 1


def test_the_plan_says_what_it_rests_on(fleet: Fleet) -> None:
    code, out, _ = fleet("plan", "--domains", "1000", "--json")
    found = json.loads(out)
    assert (code, found["recommended"]) == (0, "Front Door Standard")
    assert [(each["stacks"], each["apps"], each["profiles"]) for each in found["engines"]] == [
        (10, 500, 0),
        (10, 200, 0),
        (10, 0, 10),
    ]
    assert found["engines"][1]["money"] == 1800
    assert 350 <= found["engines"][2]["money"] < 400
    assert found["prices"]["asOf"]
    assert "recommended" in fleet("plan", "--domains", "20")[1]


@pytest.fixture(scope="module")
def internet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Sandbox, int]]:
    with Sandbox(tmp_path_factory.mktemp("internet")) as sandbox, mail_servers(sandbox) as port:
        microsoft(sandbox, "good-example")
        host = "good-example.mail.protection.outlook.com"
        zone(sandbox, "good.example", mx(host), group="dns")
        zone(
            sandbox,
            "reported.example",
            {**mx(host), "TXT/_smtp._tls": [{"value": ["v=TLSRPTv1; rua=mailto:a@b.example"]}]},
            group="dns",
        )
        zone(sandbox, "own.example", {**mx("mail.own.example"), "A/mail": address()}, group="dns")
        zone(sandbox, "www.example", {"A/@": address()})
        yield sandbox, port


@pytest.fixture
def online(internet: tuple[Sandbox, int], fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    sandbox, port = internet
    for name, value in sandbox.env().items():
        monkeypatch.setenv(name, value)
    stack(**FRONT_DOOR)
    return lambda *words: fleet(*words, *(("--smtp-port", str(port)) if words[0] in ("add", "import") else ()))


def test_a_csv_file_is_imported_as_dns_has_it_and_what_can_not_be_is_named(online: Fleet) -> None:
    Path("in.csv").write_text(
        "Domain,Customer,tlsReports,Notes\ngood.example,Acme,,old\nown.example,,,\nwww.example,,,\nnothing.test,,,\n"
        "a b,,,\nreported.example,,mailto:t@msp.example,\n"
    )
    code, out, told = online("import", "in.csv", "--yes")
    assert (code, told) == (1, "")
    assert lines()[1:] == [
        "good.example,Acme,,microsoft365,testing,,,,,,1,",
        "own.example,,mail.own.example,,testing,,,,,,1,",
        "reported.example,,,microsoft365,testing,,,mailto:t@msp.example,,true,1,",
    ]
    for words in ("www.example has no MX record", "nothing.test does not exist", "in.csv line 6: "):
        assert f"left out: {words}" in out
    assert "good.example: Microsoft 365;" in out
    again = online("import", "in.csv", "--yes")[1]
    assert "there already, and left as they are: good.example, own.example, reported.example" in again
    Path("excel.csv").write_text("domain;customer\ngood.example;Acme\n")
    assert "there already, and left as they are: good.example" in online("import", "excel.csv", "--yes")[1]
    code, out, _ = online("check")
    assert "3 of 3 rows in 1 shards are in order (files and DNS)" in out
    assert code == 0
    assert online("set", "own.example", "--mx", "other.own.example", "--yes", "--file", "fleet.csv")[0] == 0
    code, out, _ = online("check")
    assert code == 1
    assert "fleet.csv line 3: own.example: " in out
    assert online("set", "own.example", "--mode", "enforce", "--yes")[0] == 0
    code, out, _ = online("check", "--json")
    assert (code, json.loads(out)["good"]) == (2, 2)


def test_a_domain_without_mx_is_looked_at_and_one_that_can_not_be_adds_nothing(online: Fleet) -> None:
    assert online("add", "own.example", "--mode", "enforce", "--yes")[0] == 0
    assert lines()[1] == "own.example,,mail.own.example,,enforce,,,,,,1,"
    assert "nothing.test does not exist in DNS" in online("add", "good.example", "nothing.test", "--yes")[2]
    assert len(lines()) == 2


def test_the_domains_of_microsoft_365_that_are_verified_and_take_mail(online: Fleet, internet: tuple[Sandbox, int]) -> None:  # fmt: skip
    signed_in.cache_clear()
    code, _, told = online("import", "--microsoft365", "--yes")
    assert code == 64
    assert "Microsoft Graph answers 403 Forbidden; it takes the permission Domain.Read.All" in told
    state = internet[0].state
    tenant.consent(state)
    tenant.make(state, "good.example")
    tenant.make(state, "late.example", verified=False)
    tenant.make(state, "chat.example", services=("OfficeCommunicationsOnline",))
    code, _, told = online("import", "--microsoft365", "--customer", "contoso", "--yes")
    assert (code, told) == (0, "")
    assert lines()[1:] == ["good.example,contoso,,microsoft365,testing,,,,,,1,"]
