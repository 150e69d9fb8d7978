"""A lost state, a killed engine, a killed local Azure: one command, or the next up, and everything stands again."""

import json
import os
import shutil
import signal
import socket
import time

import pytest
from harness import TESTING, Stack
from watcher import Watcher

from policy import Policy

ENFORCE = {**TESTING, "mode": "enforce", "tlsReports": ["mailto:tls@example.org"]}


def forget(stack: Stack) -> None:
    """Lose the state, as a deleted bucket does."""
    shutil.rmtree(stack.sandbox.folder / "pulumi" / ".pulumi" / "stacks")
    assert stack.pulumi("stack", "init", "test").code == 0


def test_a_lost_state_is_made_anew_from_what_stands(stack: Stack) -> None:
    stack.configure(ENFORCE)
    stack.up()
    policy = Policy.of("enforce", 604800, ["mail.example.org"])
    with Watcher(stack.environment, "example.org", [policy.render()]) as watcher:
        forget(stack)
        run = stack.pulumi("up", "--yes", "--skip-preview")
        assert run.code != 0
        before = stack.last()
        run = stack.tool("recover", "--yes")
        assert run.returncode == 0, run.stdout + run.stderr
        stack.assert_settled()
    assert watcher.violations == []
    assert watcher.valid > 30
    assert not [line for line in stack.writes(before) if "TXT" in line or "CNAME" in line]
    assert len(list(stack.sandbox.state.of("Microsoft.Web/staticSites"))) == 1
    assert stack.pulumi("destroy", "--yes").code != 0  # protected again


def test_a_lost_state_of_a_leaving_domain_counts_from_the_recovery(stack: Stack) -> None:
    stack.configure({**TESTING, "mode": "none", "maxAge": 86400})
    stack.up()
    forget(stack)
    assert stack.tool("recover", "--yes").returncode == 0
    stack.assert_settled()
    assert stack.outputs()["domains"]["example.org"]["heldUntil"]


def test_with_nothing_lost_it_changes_nothing(stack: Stack) -> None:
    stack.up(settled=True)
    before = stack.last()
    run = stack.tool("recover", "--yes")
    assert run.returncode == 0
    assert "0 of 0 resources" in run.stdout
    assert not stack.writes(before)


@pytest.mark.parametrize(
    "step",
    [
        pytest.param("PUT staticSites/mta-sts-main", marks=pytest.mark.heavy),
        pytest.param("PUT CNAME/mta-sts", marks=pytest.mark.heavy),
        pytest.param("PUT customDomains/mta-sts.", marks=pytest.mark.heavy),
        "PUT TXT/_mta-sts",
    ],
)
def test_a_killed_engine_leaves_a_lock_and_orphans_and_recover_goes_on(stack: Stack, step: str) -> None:
    stack.configure(ENFORCE)
    for name in ("site-create", "validation"):
        stack.sandbox.delay(name, 2)
    up = stack.begin("up", "--yes", "--skip-preview")
    deadline = time.monotonic() + 60
    while not any(line.startswith(step) for line in stack.writes()) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(up.pid, signal.SIGKILL)
    up.communicate()
    run = stack.pulumi("up", "--yes", "--skip-preview")
    assert run.code != 0
    assert "locked" in run.text
    again = stack.tool("recover", "--yes")
    assert again.returncode == 0, again.stdout + again.stderr
    stack.assert_settled()
    assert len(list(stack.sandbox.state.of("Microsoft.Web/staticSites"))) == 1
    assert stack.senders("example.org")["example.org"]["postfix"] == "VALID"


def test_of_two_people_at_once_the_second_is_refused_and_the_first_undisturbed(stack: Stack) -> None:
    stack.sandbox.delay("validation", 4)
    first = stack.begin("up", "--yes", "--skip-preview")
    deadline = time.monotonic() + 60
    while not stack.writes() and time.monotonic() < deadline:
        time.sleep(0.05)
    second = stack.pulumi("up", "--yes", "--skip-preview")
    assert second.code != 0
    assert "the stack is currently locked by 1 lock(s)" in second.text
    assert stack.tool("unlock").returncode == 0
    text = first.communicate(timeout=120)[0]
    assert first.returncode == 0, text
    stack.assert_settled()


def test_a_lock_of_a_living_process_is_left_alone(stack: Stack) -> None:
    stack.up(settled=True)
    folder = stack.sandbox.folder / "pulumi" / ".pulumi" / "locks" / "organization" / "mta-sts" / "test"
    folder.mkdir(parents=True, exist_ok=True)
    living = stack.begin("about")
    living.send_signal(signal.SIGSTOP)
    mine = {
        "pid": living.pid,
        "username": "x",
        "hostname": socket.gethostname(),
        "timestamp": "2026-01-01T00:00:00Z",
    }
    for name, lock in (("a", {**mine, "hostname": "elsewhere", "pid": 999999}), ("b", mine)):
        (folder / f"{name}.json").write_text(json.dumps(lock))
    (folder / "gone.json").write_text(json.dumps({**mine, "pid": 4194303}))
    assert stack.tool("unlock").returncode == 0
    living.kill()
    living.communicate()
    assert {each.name for each in folder.iterdir()} == {"a.json", "b.json"}


@pytest.mark.parametrize("kill", [True, pytest.param(False, marks=pytest.mark.heavy)])
def test_the_local_azure_stops_in_the_middle_and_the_next_up_goes_on(stack: Stack, kill: bool) -> None:
    stack.sandbox.delay("validation", 3)
    up = stack.begin("up", "--yes", "--skip-preview")
    deadline = time.monotonic() + 60
    while not any("customDomains" in line for line in stack.writes()) and time.monotonic() < deadline:
        time.sleep(0.05)
    stack.sandbox.down(kill=kill)
    up.communicate(timeout=120)
    assert up.returncode != 0
    stack.sandbox.up()
    if stack.pulumi("up", "--yes", "--skip-preview").code:
        run = stack.tool("recover", "--yes")
        assert run.returncode == 0, run.stdout + run.stderr
    stack.assert_settled()
    assert stack.senders("example.org")["example.org"]["postfix"] == "VALID"


def test_a_kill_while_the_state_is_written_leaves_attributes_that_nobody_misses(stack: Stack) -> None:
    (state,) = stack.sandbox.folder.glob("pulumi/.pulumi/stacks/*/test.json")
    attributes = state.with_name("test.json.attrs")
    attributes.write_bytes(b"")
    assert "failed to load checkpoint" in stack.pulumi("stack", "export").text
    before = state.read_bytes()
    told = stack.tool("unlock")
    assert "the state is whole" in told.stderr
    assert stack.pulumi("stack", "export").code == 0
    assert state.read_bytes() == before
    assert stack.tool("unlock").stderr == ""
