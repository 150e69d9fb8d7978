"""A fleet file becomes the same settings as policies do, and each mistake is told by file, line and column."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from checks.edit import Edit
from checks.stack_text import StackText
from policy import UserError
from settings import cost, fleet
from settings import stack as settings
from zones.azure import AzureDns
from zones.manual import ManualDns

DNS = {"provider": "azure", "resourceGroup": "dns"}
HEAD = "domain,customer,mx,preset,mode,maxAge,dns,tlsReports,delegateTo,adoptTlsReports,shard,site"
Load = Callable[..., settings.Settings]


def row(domain: str, **cells: object) -> str:
    named = {"domain": domain, "mx": "mail.example.org", "mode": "testing", "shard": 1, **cells}
    return ",".join(str(named.get(column, "")) for column in HEAD.split(","))


class Config:
    def __init__(self, values: dict[str, Any]) -> None:
        self.values = values

    def get(self, key: str) -> str | None:
        value = self.values.get(key)
        return value if value is None or isinstance(value, str) else json.dumps(value)


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def run(*rows: str, of: dict[str, Any] | None = None, head: str = HEAD, **top: Any) -> settings.Settings:
        (tmp_path / "fleet.csv").write_bytes("\n".join([head, *rows, ""]).encode("utf-8", "surrogateescape"))
        values = {
            "fleet": {"file": "fleet.csv", "shard": 1, **(of or {})},
            "hosting": "frontDoor",
            "dns": DNS,
            **top,
        }
        values = {name: value for name, value in values.items() if value is not None}
        return settings.load(Config(values), values, "westeurope", "fleet-1", folder=tmp_path)

    return run


@pytest.fixture
def problems(load: Load) -> Callable[..., list[str]]:
    def run(*rows: str, **more: Any) -> list[str]:
        with pytest.raises(UserError) as caught:
            load(*rows, **more)
        return str(caught.value).splitlines()

    return run


def test_equal_rows_share_a_policy_whose_name_no_order_changes(load: Load) -> None:
    rows = [
        row("a.example", preset="microsoft365", mx="", tlsReports="mailto:tls@msp.example"),
        row("b.example", mx="*.MAIL.protection.outlook.com", tlsReports="mailto:tls@msp.example"),
        row("c.example", maxAge="86400"),
        row("other.example", shard=2),
    ]
    first, second = load(*rows).policies, load(*reversed(rows)).policies
    assert {policy.name: {domain.name for domain in policy.domains} for policy in first} == {
        policy.name: {domain.name for domain in policy.domains} for policy in second
    }
    assert sorted(len(policy.domains) for policy in first) == [1, 2]
    (both,) = (policy for policy in first if len(policy.domains) == 2)
    assert both.domains[0].key == "fleet.csv line 2"
    assert [str(mx) for mx in both.policy.mx] == ["*.mail.protection.outlook.com"]
    assert both.tls_reports
    assert both.tls_reports.rua == ("mailto:tls@msp.example",)
    assert (both.policy.max_age, both.domains[0].dns) == (604800, AzureDns("dns"))


def test_a_byte_order_mark_quotes_blank_lines_and_short_rows_are_read(load: Load) -> None:
    found = load(
        '"a.example","Acme, Inc.","mx1.example.org;\n mx2.example.org",testing,1,1', "", "bücher.example,,m.example,testing,1,2",
        head="\ufeffdomain,customer,mx,mode,shard,site", hosting=None,
    )  # fmt: skip
    domains = {domain.name: domain.key for policy in found.policies for domain in policy.domains}
    assert domains == {"a.example": "fleet.csv line 2", "xn--bcher-kva.example": "fleet.csv line 5"}
    assert any(len(policy.policy.mx) == 2 for policy in found.policies)
    assert any("bücher.example stands in DNS as xn--bcher-kva.example" in note for note in found.notes)


def test_a_row_names_where_its_records_go(load: Load) -> None:
    of = {"dns": {"customers": {"resourceGroup": "theirs"}, "by-hand": {"provider": "manual"}}}
    rows = (row("a.example"), row("b.example", dns="customers"), row("c.example", dns="by-hand"))
    (policy,) = load(*rows, of=of).policies
    assert (
        load(row("a.example", adoptTlsReports="TRUE")).policies[0].domains[0].adopt_tls_reports
    )  # as Excel writes it
    assert [domain.dns for domain in policy.domains] == [AzureDns("dns"), AzureDns("theirs"), ManualDns()]


def test_the_secret_of_a_named_place_is_looked_for_where_it_stands(tmp_path: Path) -> None:
    dns = {"provider": "lexicon", "host": "cloudflare", "options": {"auth_token": "t"}}
    (tmp_path / "fleet.csv").write_text(f"{HEAD}\n{row('a.example', dns='cf')}\n")
    values = {"fleet": {"file": "fleet.csv", "shard": 1, "dns": {"cf": dns}}, "hosting": "frontDoor"}
    with pytest.raises(
        UserError, match=r"pulumi config set --secret --path 'mta-sts:fleet.dns.cf.options.auth_token'"
    ):
        settings.load(Config(values), values, "westeurope", "x", folder=tmp_path)
    found = settings.load(Config(values), values, "westeurope", "x", encrypted=("fleet",), folder=tmp_path)
    assert getattr(found.policies[0].domains[0].dns, "secrets_in", None) == "mta-sts:fleet.dns.cf"


BAD: dict[str, tuple[str, str]] = {
    "no mode": (row("a.example", mode=""), "fleet.csv line 2: mode: '' must be testing, enforce or none"),
    "a bad mode": (row("a.example", mode="strict"), "fleet.csv line 2: mode: 'strict' must be testing"),
    "an address": (row("https://a.example"), "fleet.csv line 2: domain: 'https://a.example'"),
    "no domain": (row(""), "fleet.csv line 2: domain: "),
    "no mx": (row("a.example", mx=""), "fleet.csv line 2: mx: is empty; mode testing needs the mail servers"),
    "a bad mx": (row("a.example", mx="10;mail.example.org"), "fleet.csv line 2: mx: domain '10'"),
    "a bad preset": (row("a.example", preset="office"), "fleet.csv line 2: preset: 'office' is none; there are microsoft365, google"),
    "a bad age": (row("a.example", maxAge="week"), "fleet.csv line 2: maxAge: 'week' must be a whole number"),
    "too long an age": (row("a.example", maxAge="31557601"), "fleet.csv line 2: maxAge: "),
    "bad reports": (row("a.example", tlsReports="tls@a.example"), "fleet.csv line 2: tlsReports: "),
    "an unknown place": (row("a.example", dns="nowhere"), "fleet.csv line 2: dns: 'nowhere' is no entry of mta-sts:fleet.dns"),
    "a bad flag": (row("a.example", adoptTlsReports="yes"), "fleet.csv line 2: adoptTlsReports: 'yes' must be true or false"),
    "a stray delegation": (row("a.example", delegateTo="b.example"), "fleet.csv line 2: delegateTo: 'b.example' is no other domain"),
    "no shard": (row("a.example", shard=""), "fleet.csv line 2: shard: is missing; python -m tools.fleet pack"),
    "shard 0": (row("a.example", shard="0"), "fleet.csv line 2: shard: 0 must be a whole number from 1"),
    "a formula": (row("a.example", customer="=1+1"), "fleet.csv line 2: customer: '=1+1' must be"),
    "too many cells": (row("a.example") + ",x", "fleet.csv line 2: has 13 cells, but the first line 12"),
    "an open quote": ('"a.example', "fleet.csv line 2: a quote that is opened is never closed"),
    "a stray quote": ('"a".example', "fleet.csv line 2: "),
    "a zero byte": ("a\0.example", "fleet.csv line 2: "),
    "Latin-1": ("b\udcfccher.example", "fleet.csv: is no text in UTF-8; save it as `CSV UTF-8`"),
    "another shard alone": (row("a.example", shard=3), "mta-sts:fleet.shard: no row has shard 1, but 3"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_row_that_can_not_work_is_told_by_line_and_column(name: str, problems: Callable[..., list[str]]) -> None:
    text, words = BAD[name]
    assert any(line.startswith(words) for line in problems(text)), problems(text)


@pytest.mark.parametrize(
    ("head", "words"),
    [
        ("domain;mode;shard", "fleet.csv line 1: the columns must be divided by commas"),
        ("domain,mode,shard,colour", "fleet.csv line 1: 'colour' is no column; the columns are domain, customer"),
        ("domain,mx,shard", "fleet.csv line 1: the column mode is missing"),
        ("domain,mode,mode,shard", "fleet.csv line 1: the column mode stands there twice"),
        ("", "fleet.csv: is empty; its first line is domain,customer"),
    ],
)
def test_a_first_line_that_can_not_work_is_told_alone(
    head: str, words: str, problems: Callable[..., list[str]]
) -> None:
    (line,) = problems(head=head)
    assert words in line


@pytest.mark.parametrize(
    ("of", "words"),
    [
        ({"file": "none.csv"}, "mta-sts:fleet.file: 'none.csv' is no file in "),
        ({"file": None}, "mta-sts:fleet.file: None must be a file such as fleet.csv"),
        ({"file": 7}, "mta-sts:fleet.file: 7 must be a file such as fleet.csv"),
        ({"shard": "one"}, "mta-sts:fleet.shard: 'one' must be a whole number from 1 to 9999"),
        ({"sku": "Free"}, "mta-sts:fleet.sku: means nothing on Front Door"),
        ({"dns": "azure"}, "mta-sts:fleet.dns: 'azure' must be a map of names to maps"),
        ({"dns": {"a.b": {}}}, "mta-sts:fleet.dns: 'a.b' must be letters, digits, - and _"),
        ({"dns": {"a": {"provider": "bind"}}}, "mta-sts:fleet.dns.a.provider: 'bind' is not known"),
        (
            {"customers": {"other.csv": "acme"}},
            "mta-sts:fleet.customers: 'other.csv' is none of the fleet's files",
        ),
        ({"customers": ["acme"]}, "mta-sts:fleet.customers: ['acme'] must be a map of files to customers"),
        ({"shards": 1}, "mta-sts:fleet.shards: there is no such key; the keys are file, shard"),
    ],
)
def test_a_mistake_in_the_stack_is_told_by_its_key(
    of: dict[str, Any], words: str, problems: Callable[..., list[str]]
) -> None:
    assert any(words in line for line in problems(row("a.example"), of=of))


def test_all_mistakes_are_told_at_once_but_not_those_of_other_shards(
    load: Load, problems: Callable[..., list[str]]
) -> None:
    bad = [row("a.example", mode="x"), row("b.example", mx="!"), row("c.example", shard=2, mode="y")]
    assert [line.partition(": ")[0] for line in problems(*bad)] == ["fleet.csv line 2", "fleet.csv line 3"]
    assert load(row("a.example"), bad[2]).policies


def test_a_domain_that_stands_twice_is_told_with_both_places(
    load: Load, problems: Callable[..., list[str]]
) -> None:
    twice = [row("a.example"), row("A.example", shard=2), row("b.example")]
    assert problems(*twice) == [
        "fleet.csv line 2: domain: a.example stands in fleet.csv line 3, too; once is enough"
    ]
    policies = [{"name": "main", "mode": "testing", "mx": ["m.test"], "domains": ["b.example", "d.example"]}]
    (line,) = problems(row("b.example"), policies=policies)
    assert (
        line == "fleet.csv line 2: domain: b.example stands at mta-sts:policies[0].domains[0], too; once is enough"
    )
    found = load(row("c.example", delegateTo="d.example", mx="m.test"), policies=policies)
    assert [policy.name[:2] for policy in found.policies] == ["ma", "p-"]


def test_a_hundred_and_first_domain_is_told(problems: Callable[..., list[str]]) -> None:
    found = problems(*(row(f"d{number}.example") for number in range(101)))
    assert found[0].startswith("fleet.csv line 102: shard: shard 1 has 101 domains, and holds 100; leave it blank")


SITES: dict[str, Any] = {"hosting": None}


def test_on_static_web_apps_a_site_is_a_policy(load: Load) -> None:
    rows = [
        row("a.example", site=1),
        row("b.example", site=3),
        row("c.example", site=1),
        row("d.example", site=2, maxAge=5),
    ]
    found = load(*rows, **SITES).policies
    assert [(policy.name, len(policy.domains), policy.sku) for policy in found] == [
        ("site-1", 2, "Free"), ("site-2", 1, "Free"), ("site-3", 1, "Free"),
    ]  # fmt: skip
    assert load(*rows, of={"sku": "Standard"}, **SITES).policies[0].sku == "Standard"
    moving = load(*rows, movingFrom="staticWebApp")
    assert [policy.name for policy in moving.policies] == ["site-1", "site-2", "site-3"]


def test_a_site_has_room_and_one_policy(problems: Callable[..., list[str]]) -> None:
    found = problems(
        row("a.example", site=1), row("b.example"), row("c.example", site=1, mode="none"), row("d.example", site=1), **SITES
    )  # fmt: skip
    assert found == [
        "fleet.csv line 3: site: is missing; python -m tools.fleet pack writes it",
        "fleet.csv line 5: site: site 1 has 3 domains (lines 2, 4, 5), but a Free app holds 2; leave it blank in the new one, then: python -m tools.fleet pack",
        "fleet.csv line 4: site: site 1 has another policy in fleet.csv line 2, and an app serves one: give both the same mode, maxAge, mx and tlsReports, or leave site blank in the new one, then: python -m tools.fleet pack",
    ]  # fmt: skip


def policies(*domains: object, **more: Any) -> dict[str, Any]:
    return {"fleet": None, "hosting": None, "policies": [{"name": "main", "mode": "testing", "mx": ["m.test"], "domains": domains, **more}]}  # fmt: skip


def test_a_policys_domains_take_several_apps_once_their_sites_are_written_down(load: Load) -> None:
    two, three = {"name": "b.test", "site": 2}, {"name": "c.test", "site": 3}
    found = load(**policies("a.test", two, {"name": "d.test", "site": 2}, three)).policies
    assert [(each.name, [domain.name for domain in each.domains]) for each in found] == [
        ("main", ["a.test"]), ("main-2", ["b.test", "d.test"]), ("main-3", ["c.test"]),
    ]  # fmt: skip
    assert len({each.policy.id for each in found}) == 1
    assert [each.name for each in load(**policies(two)).policies] == ["main-2"]
    (whole,) = load(**{**policies("a.test", two, three), "hosting": "frontDoor"}).policies
    assert (whole.name, len(whole.domains)) == ("main", 3)


@pytest.mark.parametrize(
    ("domains", "words"),
    [
        (["a.test", "b.test", "c.test"], "3 domains, but a Free app holds 2; to write down which app has which: python -m tools.fleet pack, or set sku: Standard (5)"),
        ([{"name": f"{name}.test", "site": 2} for name in "abc"], "domains: site 2 has 3, but a Free app holds 2; give a new one another site"),
        ([{"name": "a.test", "site": 0}], "domains[0].site: 0 must be a whole number from 1 to 999"),
        ([{"name": "a.test", "site": True}], "domains[0].site: True must be a whole number"),
        ([{"name": f"d{at}.test", "site": at} for at in range(1, 12)], "11 policies with sku Free, but a subscription holds 10"),
    ],
)  # fmt: skip
def test_a_site_that_can_not_be_is_told(
    domains: list[Any], words: str, problems: Callable[..., list[str]]
) -> None:
    assert any(words in line for line in problems(**policies(*domains)))


def test_no_site_is_named_as_another_policy(problems: Callable[..., list[str]]) -> None:
    given = policies("a.test", {"name": "b.test", "site": 2})
    given["policies"].append({**given["policies"][0], "name": "main-2", "domains": ["c.test"]})
    (line,) = problems(**given)
    assert (
        line
        == "mta-sts:policies: a policy and a site of another are both named main-2; give the newer one another name or number"
    )


def test_a_customer_has_a_file_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "fleet").mkdir()
    (tmp_path / "fleet" / "acme.csv").write_text("domain,mx,mode,shard,customer\na.example,m.test,testing,1,\n")
    (tmp_path / "fleet" / "own.csv").write_text("domain,mx,mode,shard,customer\nb.example,m.test,testing,2,us\n")
    found = fleet.read_files(tmp_path, "fleet/*.csv", {"fleet/acme.csv": "acme"})
    assert [(each.domain, each.customer, each.key) for each in found.rows] == [
        ("a.example", "acme", "fleet/acme.csv line 2"),
        ("b.example", "us", "fleet/own.csv line 2"),
    ]
    assert list(found.shards) == [1, 2]
    found = fleet.read_files(tmp_path, "fleet/*.csv", {"fleet/own.csv": "acme"})
    assert "fleet/own.csv line 2: customer: 'us' in the file of acme; leave it blank" in found.rows[1].problems


def test_what_a_stack_costs_is_one_line(load: Load) -> None:
    assert cost.line(load(row("a.example")).policies) == "hosting: 1 Front Door profile, about $35 a month"
    sites = [row("a.example", site=1), row("b.example", site=2)]
    assert cost.line(load(*sites, **SITES).policies) == "hosting: 2 Static Web Apps (Free), $0 a month"
    standard = load(*sites, of={"sku": "Standard"}, **SITES).policies
    assert cost.line(standard) == "hosting: 2 Static Web Apps (Standard), $18 a month"


@pytest.mark.parametrize(
    ("domains", "best"), [(1, "Free"), (20, "Free"), (21, "Front Door"), (1000, "Front Door")]
)
def test_free_apps_are_recommended_to_twenty_domains_and_front_door_beyond(domains: int, best: str) -> None:
    assert best in cost.recommended(cost.engines(domains)).name


def test_a_file_of_the_stack_is_read_for_its_policies_alone_where_it_has_a_fleet() -> None:
    text = "config:\n  mta-sts:fleet: {file: fleet.csv, shard: 1}\n"
    assert StackText("Pulumi.fleet-1.yaml", text).policies == ()
    two = f"{text}  mta-sts:policies: [{{name: main, mode: testing, mx: [m.test], domains: [a.test, {{name: b.test, site: 2}}]}}]\n"
    file = StackText("Pulumi.fleet-1.yaml", two)
    (policy,) = file.policies
    assert policy.name == "main"  # as it is written, whatever its sites: a change is of all of them
    assert "mode: enforce" in file.changed([Edit("main", "mode", "testing", "enforce", "")])
