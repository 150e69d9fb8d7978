"""A fleet on the real engine: a row more or less touches no other domain."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from harness import Stack, assert_policy_before_id

from fleet.test_settings import HEAD, row


@pytest.fixture
def stack(tmp_path: Path, engine: str) -> Iterator[Stack]:
    made = Stack(tmp_path, engine)
    with made.sandbox:
        made.zones("example.org", "example.net", "example.com", "example.edu")
        yield made


def begin(stack: Stack, *rows: str, **config: object) -> None:
    write(stack, *rows)
    configure(stack, **config)
    stack.pulumi("stack", "init", "test")


def configure(stack: Stack, **config: object) -> None:
    fleet = {"file": "fleet.csv", "shard": 1}
    stack.configure(**{"mta-sts:policies": None, "mta-sts:fleet": fleet, **config})


def write(stack: Stack, *rows: str) -> None:
    (stack.project / "fleet.csv").write_text("\n".join([HEAD, *rows, ""]))


def test_a_domain_more_and_a_domain_less_touch_no_other(stack: Stack) -> None:
    rows = [row(f"example.{end}", site=site) for end, site in (("org", 1), ("net", 1), ("com", 2))]
    begin(stack, *rows, row("other.test", shard=2, mode="a mistake"))
    stack.up()
    assert assert_policy_before_id(stack.sandbox.log()) == 3
    assert {one["postfix"] for one in stack.senders("example.org", "example.net", "example.com").values()} == {
        "VALID"
    }
    run = stack.tool("fleet", "add", "example.edu", "--mx", "mail.example.org", "--yes")
    assert run.returncode == 0, run.stderr
    changed = stack.changes()
    assert changed
    assert {name.partition("-")[0] for name in changed} == {"example.edu"}
    assert set(changed.values()) == {"create"}
    write(stack, *rows[1:], row("example.edu", site=2))  # and one goes that was first in the file
    changed = stack.changes()
    assert {(name.partition("-")[0], how) for name, how in changed.items()} == {
        ("example.edu", "create"),
        ("example.org", "delete"),
    }


@pytest.mark.heavy
def test_on_front_door_a_row_that_is_enforced_leaves_the_policy_of_the_others_in_order(stack: Stack) -> None:
    rows = [row(f"example.{end}") for end in ("org", "net")]
    begin(stack, *rows, **{"mta-sts:hosting": "frontDoor"})
    stack.python("-m", "sandbox", "--dir", str(stack.sandbox.folder), "grant")
    stack.up()
    run = stack.tool("fleet", "set", "example.net", "--mode", "enforce", "--yes")
    assert run.returncode == 0, run.stderr
    changed = stack.changes()
    assert not any(how in ("delete", "replace") for how in changed.values()), changed
    stack.up()
    for mode, age in (("enforce", "1209600"), ("none", "")):  # the last row of an enforced policy leaves it, too
        run = stack.tool("fleet", "set", "example.net", "--mode", mode, "--max-age", age, "--yes")
        assert run.returncode == 0, run.stderr
        assert {name.partition("-")[0] for name in stack.changes()} == {"example.net", "p"}
        stack.up()
        seen = stack.senders("example.org", "example.net")
        assert {name: one["mode"] for name, one in seen.items()} == {"example.org": "testing", "example.net": mode}
    assert assert_policy_before_id(stack.sandbox.log()) == 5
    until = datetime.fromisoformat(stack.outputs()["domains"]["example.net"]["heldUntil"])
    assert until - datetime.now(UTC) > timedelta(days=13)  # by the greatest max_age, whichever policy had it


@pytest.mark.heavy
def test_an_enforced_fleet_moves_from_static_web_apps_to_front_door(stack: Stack) -> None:
    rows = [row(f"example.{end}", site=site, mode="enforce") for end, site in (("org", 1), ("net", 1), ("com", 2))]
    domains = ("example.org", "example.net", "example.com")
    begin(stack, *rows)
    stack.python("-m", "sandbox", "--dir", str(stack.sandbox.folder), "grant")
    stack.up()
    for before in ("staticWebApp", None):  # then two sites with one policy become one folder
        configure(stack, **{"mta-sts:hosting": "frontDoor", "mta-sts:movingFrom": before})
        stack.up()
        assert {one["postfix"] for one in stack.senders(*domains).values()} == {"VALID"}
    assert not list(stack.sandbox.state.of("Microsoft.Web/staticSites"))
    assert not stack.changes()
