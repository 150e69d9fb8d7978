"""A fleet's rows climb the ladder, and not a byte beside their cells changes."""

import subprocess
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from fleet.test_settings import HEAD, row

from checks.edit import Edit, diff
from checks.fleet_text import FleetText
from checks.ladder import Evidence, Proposal, groups, propose, unneeded
from checks.verdict import Verdict
from policy import UserError
from settings.project import Project

TODAY = date(2026, 3, 20)
MX = "mail.example.org"
FRONT_DOOR = {"mta-sts:hosting": "frontDoor"}
UP = ["mode: testing -> enforce", "maxAge: 604800 -> 86400"]


def stack(folder: Path, shard: int = 1, file: object = "fleet.csv", **config: object) -> None:
    given = {"mta-sts:dns": {"provider": "manual"}, "mta-sts:fleet": {"file": file, "shard": shard}, **config}
    (folder / f"Pulumi.fleet-{shard}.yaml").write_text(yaml.safe_dump({"config": given}))


def fleet(folder: Path, *rows: str, eol: str = "\n") -> FleetText:
    (folder / "fleet.csv").write_bytes(eol.join([HEAD, *rows, ""]).encode())
    return FleetText(Project(folder))


def known(file: FleetText, **changes: Any) -> dict[str, Evidence]:
    """All is well with every domain."""
    return {
        each.name: replace(Evidence(Verdict(each.name, True, ["fine"]), frozenset({MX}), True, id=each.policy.id), **changes)
        for each in file.policies
    }  # fmt: skip


def proposed(file: FleetText, evidence: dict[str, Evidence] | None = None, **unused: date) -> Proposal:
    since = dict.fromkeys(file.rows, TODAY - timedelta(400))
    told = {key.replace("_", " "): day for key, day in unused.items()}
    return propose(file, evidence or known(file), since, told, TODAY)


def lines(found: Proposal) -> dict[str, list[str]]:
    told: dict[str, list[str]] = {}
    for edit in found.edits:
        told.setdefault(edit.policy, []).append(f"{edit.key}: {edit.old} -> {edit.new}")
    return told


def test_on_front_door_a_row_steps_by_itself_though_others_are_equal(tmp_path: Path) -> None:
    stack(tmp_path, **FRONT_DOOR)
    file = fleet(tmp_path, row("a.example"), row("b.example"), row("c.example", mode="none"))
    evidence = known(file)
    evidence["b.example"] = replace(evidence["b.example"], verdict=Verdict("b.example", False, ["not so"]))
    found = proposed(file, evidence)
    assert lines(found) == {"a.example": UP}
    assert found.waits == ("b.example: testing 604800 -> enforce 86400: b.example: not so",)


def test_the_rows_of_one_app_step_together_or_not_at_all(tmp_path: Path) -> None:
    stack(tmp_path)
    stack(tmp_path, 2)
    rows = [row("a.example", site=1), row("b.example", site=1), row("c.example", site=2), row("d.example", shard=2, site=1)]  # fmt: skip
    file = fleet(tmp_path, *rows)
    evidence = known(file)
    evidence["b.example"] = replace(evidence["b.example"], verdict=Verdict("b.example", False, ["not so"]))
    assert list(lines(proposed(file, evidence))) == ["c.example", "d.example"]
    del evidence["b.example"]  # it wasn't looked at
    assert list(lines(proposed(file, evidence))) == ["c.example", "d.example"]
    found = proposed(file)
    assert list(lines(found)) == ["a.example", "b.example", "c.example", "d.example"]
    texts = file.texts(found.edits)
    assert texts["fleet.csv"].count(",enforce,86400,") == 4
    with pytest.raises(UserError, match=r"by hand: fleet.csv line 2: mode: enforce"):
        file.texts([edit for edit in found.edits if edit.policy == "a.example" and edit.key == "mode"])


def test_a_row_and_the_one_it_is_delegated_to_step_together(tmp_path: Path) -> None:
    stack(tmp_path, **FRONT_DOOR)
    rows = [row("z.example"), row("b.example", delegateTo="a.example"), row("a.example"), row("c.example", delegateTo="a.example")]  # fmt: skip
    file = fleet(tmp_path, *rows)
    assert [[each.name for each in group] for group in groups(file)] == [
        ["z.example"],
        ["b.example", "a.example", "c.example"],
    ]
    evidence = known(file)
    evidence["c.example"] = replace(evidence["c.example"], verdict=Verdict("c.example", False, ["not so"]))
    assert list(lines(proposed(file, evidence))) == ["z.example"]


def test_what_is_urgent_comes_first(tmp_path: Path) -> None:
    stack(tmp_path, **FRONT_DOOR)
    file = fleet(tmp_path, row("a.example"), row("b.example", mode="enforce"))
    evidence = known(file)
    evidence["b.example"] = replace(evidence["b.example"], hosts=frozenset({MX, "mx2.example.org"}))
    found = proposed(file, evidence)
    assert found.urgent
    assert list(lines(found)) == ["b.example", "a.example"]


def test_each_shard_climbs_the_ladder_of_its_stack(tmp_path: Path) -> None:
    stack(tmp_path, **FRONT_DOOR)
    stack(tmp_path, 2, **FRONT_DOOR, **{"mta-sts:ladder": [{"mode": "enforce", "maxAge": 1000}]})
    stack(tmp_path, 3, **FRONT_DOOR, **{"mta-sts:ladder": False})
    file = fleet(tmp_path, *(row(f"{name}.example", shard=at) for at, name in enumerate("abc", 1)))
    assert lines(proposed(file)) == {
        "a.example": UP,
        "b.example": ["mode: testing -> enforce", "maxAge: 604800 -> 1000"],
    }


NASTY = """\
domain ,customer,mx,preset,mode,maxAge,tlsReports,shard
"a.example","x ""y"", z",mail.example.org,,testing,,,1
b.example,,mail.example.org;  mx2.example.org,, testing ,"604800",mailto:t@b.example,1

"c.example",,"mail.example.org
mx2.example.org",google,"testing",604800,,1
d.example,,,microsoft365,testing,,,1"""


@pytest.mark.parametrize("eol", ["\n", "\r\n"])
@pytest.mark.parametrize("begins", ["", "\ufeff"])
def test_nothing_but_these_cells_changes(tmp_path: Path, eol: str, begins: str) -> None:
    stack(tmp_path, **FRONT_DOOR)
    text = (begins + NASTY).replace("\n", eol)
    (tmp_path / "fleet.csv").write_bytes(text.encode())
    file = FleetText(Project(tmp_path))
    assert file.problems == []

    def after(*edits: tuple[str, str, str, str]) -> str:
        return file.texts([Edit(*edit, "because") for edit in edits])["fleet.csv"]

    assert after(
        ("a.example", "mode", "testing", "enforce"), ("a.example", "maxAge", "604800", "86400")
    ) == text.replace('z",mail.example.org,,testing,,', 'z",mail.example.org,,enforce,86400,')
    assert after(
        ("b.example", "mode", "testing", "enforce"), ("b.example", "maxAge", "604800", "1")
    ) == text.replace(' testing ,"604800"', ' enforce ,"1"')
    assert after(("b.example", "mx", "", "mx3.example.org")) == text.replace(
        ";  mx2.example.org,", ";  mx2.example.org;  mx3.example.org,"
    )
    assert after(("b.example", "mx", "mail.example.org", "")) == text.replace("mail.example.org;  mx2", "mx2")
    assert after(
        ("c.example", "mx", "mx2.example.org", ""), ("c.example", "mx", "", "mx3.example.org")
    ) == text.replace(f'"mail.example.org{eol}mx2.example.org"', '"mail.example.org mx3.example.org"')
    assert after(("c.example", "preset", "google", "")) == text.replace(",google,", ",,")
    assert after(("d.example", "mx", "", "mx.d.example")) == text.replace(
        "d.example,,,micro", "d.example,,mx.d.example,micro"
    )


def test_a_host_that_a_preset_lacks_stands_beside_it(tmp_path: Path) -> None:
    stack(tmp_path, **FRONT_DOOR)
    file = fleet(tmp_path, row("a.example", mx="", preset="microsoft365"))
    hosts = frozenset({"a-example.mail.protection.outlook.com", "a-example.h-v1.mx.microsoft"})
    found = proposed(file, known(file, hosts=hosts))
    assert lines(found) == {"a.example": ["mx:  -> a-example.h-v1.mx.microsoft"]}
    after = file.texts(found.edits)
    assert (
        diff(file.before, after)
        .splitlines()[-1]
        .startswith("+a.example,,a-example.h-v1.mx.microsoft,microsoft365,testing,")
    )
    (tmp_path / "fleet.csv").write_text(after["fleet.csv"])
    (policy,) = FleetText(Project(tmp_path)).policies
    assert all(policy.policy.allows(host) for host in hosts)


def test_a_preset_goes_as_a_whole_once_no_host_needs_it_and_not_before(tmp_path: Path) -> None:
    stack(tmp_path, **FRONT_DOOR)
    file = fleet(tmp_path, row("a.example", mode="enforce", maxAge="2419200", preset="google"))
    long_ago = TODAY - timedelta(60)
    moved = known(file)
    assert unneeded(file, moved) == {"a.example mail.example.org": False, "a.example google": True}
    assert "the preset google matches no MX host any more" in proposed(file, moved).waits[0]
    found = proposed(file, moved, **{"a.example_google": long_ago})
    assert lines(found) == {"a.example": ["preset: google -> "]}
    assert file.describe(found.edits[0]) == "fleet.csv line 2, a.example: preset: remove `google`"
    assert file.texts(found.edits)["fleet.csv"] == file.before["fleet.csv"].replace(",google,", ",,")
    one = known(file, hosts=frozenset({MX, "smtp.google.com"}))  # and none of the preset's other servers
    assert unneeded(file, one)["a.example google"] is False
    assert proposed(file, one, **{"a.example_google": long_ago}) == Proposal()
    # Written twice, it goes with the preset or not at all.
    twice = fleet(tmp_path, row("a.example", mode="enforce", maxAge="2419200", preset="google", mx="aspmx.l.google.com"))  # fmt: skip
    assert unneeded(twice, known(twice, hosts=frozenset({"smtp.google.com"}))) == {"a.example google": False}


def test_what_goes_from_one_row_of_an_app_goes_from_all(tmp_path: Path) -> None:
    stack(tmp_path)
    two = f"{MX} gone.example"
    file = fleet(
        tmp_path, *(row(f"{name}.example", mode="enforce", maxAge="2419200", mx=two, site=1) for name in "ab")
    )
    days = {f"{name}.example_gone.example": TODAY - timedelta(60) for name in "ab"}
    found = proposed(file, **days)
    assert lines(found) == {name: ["mx: gone.example -> "] for name in ("a.example", "b.example")}
    file.texts(found.edits)
    # One of them says tonight that it takes no mail: that tells nothing of where it took it yesterday.
    evidence = known(file)
    evidence["b.example"] = replace(evidence["b.example"], hosts=frozenset({""}))
    assert not proposed(file, evidence, **days).edits
    # The same policy, written otherwise: it would become another for one of them.
    google = "*.aspmx.l.google.com aspmx.l.google.com smtp.google.com"
    cells = {"mode": "enforce", "maxAge": "2419200", "site": 1}
    file = fleet(tmp_path, row("a.example", preset="google", **cells), row("b.example", **{**cells, "mx": f"{MX} {google}"}))  # fmt: skip
    assert file.problems == []
    days = dict.fromkeys(["a.example_google", *(f"b.example_{each}" for each in google.split())], TODAY - timedelta(60))  # fmt: skip
    assert not proposed(file, **days).edits


def test_a_bad_row_holds_up_no_other_but_nothing_is_written(tmp_path: Path) -> None:
    stack(tmp_path, **FRONT_DOOR)
    file = fleet(tmp_path, row("a.example", mode="enforced"), row("b.example"), row("c.example", shard="x"))
    found = proposed(file)
    assert lines(found) == {"b.example": UP}
    with pytest.raises(UserError) as caught:
        file.texts(found.edits)
    assert str(caught.value) == (
        "fleet.csv line 2: mode: 'enforced' must be testing, enforce or none; begin with testing (RFC 8461 5) "
        "(and 1 more: python -m tools.fleet check); nothing is written while the fleet has a mistake"
    )


def test_an_edit_is_told_with_its_line(tmp_path: Path) -> None:
    stack(tmp_path, **FRONT_DOOR)
    file = fleet(tmp_path, row("a.example"), row("b.example"))
    edits = [Edit("b.example", "mode", "testing", "enforce", ""), Edit("a.example", "mx", "", "x.example", "")]
    assert [file.describe(edit) for edit in edits] == [
        "fleet.csv line 3, b.example: `mode: testing` -> `mode: enforce`",
        "fleet.csv line 2, mx of a.example: add `x.example`",
    ]


@pytest.mark.parametrize("name", ["./fleet.csv", "../fleet.csv", "fleet/../fleet.csv", "/somewhere/fleet.csv"])
def test_a_file_that_git_names_otherwise_is_refused_and_never_passed_over(tmp_path: Path, name: str) -> None:
    for folder in (tmp_path, tmp_path / "mail"):
        (folder / "fleet").mkdir(parents=True)
        fleet(folder, row("a.example"))
        stack(folder, 1, name, **FRONT_DOOR)
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    subprocess.run(["git", "add", "-A"], cwd=tmp_path, check=True)
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    subprocess.run(["git", *who, "commit", "-qm", "x"], cwd=tmp_path, check=True)
    told = rf"mta-sts:fleet.file: '{name}' must stand in the project's folder"
    with pytest.raises(UserError, match=told):
        FleetText(Project(tmp_path / "mail"))
    with pytest.raises(UserError, match=told):
        FleetText.at(tmp_path / "mail")


@pytest.mark.parametrize("pattern", ["**/*.csv", "./**/*.csv"])
def test_a_pattern_finds_at_a_commit_what_it_finds_in_the_folder(tmp_path: Path, pattern: str) -> None:
    (tmp_path / "fleet" / "north").mkdir(parents=True)
    stack(tmp_path, 1, pattern, **FRONT_DOOR)
    for name, domain in (("fleet.csv", "a.example"), ("fleet/b.csv", "b.example"), ("fleet/north/c.csv", "c.example")):  # fmt: skip
        (tmp_path / name).write_text(f"{HEAD}\n{row(domain)}\n")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    subprocess.run(["git", "add", "-A"], cwd=tmp_path, check=True)
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    subprocess.run(["git", *who, "commit", "-qm", "x"], cwd=tmp_path, check=True)
    there = FleetText.at(tmp_path)
    assert there
    assert sorted(there.rows) == sorted(FleetText(Project(tmp_path)).rows) == ["a.example", "b.example", "c.example"]  # fmt: skip


def test_the_rows_of_a_commit_are_read_whatever_stands_in_the_folder(tmp_path: Path) -> None:
    (tmp_path / "mail" / "fleet").mkdir(parents=True)
    folder = tmp_path / "mail"

    def git(*words: str) -> None:
        who = ("-c", "user.name=A", "-c", "user.email=a@example.org")
        subprocess.run(["git", *who, *words], cwd=tmp_path, check=True, capture_output=True)

    git("init", "-q")
    assert FleetText.at(folder) is None
    git("commit", "-qm", "nothing", "--allow-empty")
    assert FleetText.at(folder) is None
    stack(folder, file=["fleet.csv", "fleet/*.csv"], **FRONT_DOOR)
    (folder / "fleet" / "acme.csv").write_bytes(f"{HEAD}\r\n{row('b.example')}\r\n".encode())
    fleet(folder, row("a.example"))
    git("add", "-A")
    git("commit", "-qm", "a fleet")
    fleet(folder, row("a.example", mode="enforce"))
    there = FleetText.at(folder)
    assert there
    assert there.name == "fleet.csv, fleet/acme.csv"
    assert [str(policy.policy.mode) for policy in there.policies] == ["testing", "testing"]
    texts = there.texts(proposed(there).edits)
    assert texts["fleet/acme.csv"] == f"{HEAD}\r\n{row('b.example', mode='enforce', maxAge=86400)}\r\n"
    assert len(there.since(folder)) == 2
