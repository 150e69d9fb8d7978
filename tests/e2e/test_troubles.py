"""What Azure, DNS and people do to an `up`: one clear line, nothing half done, the next up goes on."""

import subprocess
from typing import Any

import pytest
from harness import TESTING, Stack, assert_policy_before_id

BAD: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "unknown key": ({}, {"mta-sts:polices": "x"}, "mta-sts:polices: there is no such key"),
    "scheme": (
        {"domains": ["https://example.org"]},
        {},
        "mta-sts:policies[0].domains[0]: domain 'https://example.org'",
    ),
    "mx": ({"mx": ["10 mail"]}, {}, "mta-sts:policies[0].mx[0]: "),
    "max_age": ({"maxAge": 31557601}, {}, "mta-sts:policies[0].maxAge: max_age 31557601"),
    "no mx": ({"mode": "enforce", "mx": []}, {}, "mta-sts:policies[0].mx: is empty"),
    "twice": ({"domains": ["example.org", "example.org"]}, {}, "example.org stands there 2 times"),
    "too many": ({"domains": ["example.org", "example.net", "example.com"]}, {}, "a Free app holds 2"),
    "region": (
        {},
        {"azure-native:location": "northpole"},
        "azure-native:location: 'northpole' has no Static Web Apps",
    ),
    "no zone": (
        {"domains": ["nozone.test"]},
        {},
        "nozone.test: the resource group dns has no DNS zone nozone.test",
    ),
    "no policies": ({}, {"mta-sts:policies": None}, "mta-sts:policies: is missing"),
}


@pytest.mark.parametrize("command", ["preview", "up"])
def test_bad_input_is_one_line_and_nothing_is_touched(stack: Stack, command: str) -> None:
    tried = BAD if command == "preview" else {name: BAD[name] for name in ("unknown key", "no zone")}
    for name, (policy, config, message) in tried.items():
        stack.configure({**TESTING, **policy}, **config)
        before = stack.last()
        run = stack.pulumi(command, *(["--yes", "--skip-preview"] if command == "up" else []))
        assert run.code != 0, name
        assert message in run.text, (name, run.text)
        assert "Traceback" not in run.text, (name, run.text)
        assert not stack.writes(before), name


def test_azure_out_of_reach_is_one_line(stack: Stack) -> None:
    environment = stack.environment
    stack.sandbox.down()
    run = subprocess.run(
        ["pulumi", "preview", "--non-interactive"],
        cwd=stack.project,
        env=environment,
        capture_output=True,
        text=True,
    )
    text = run.stdout + run.stderr
    assert run.returncode != 0
    assert "can't reach login.microsoftonline.com" in text
    assert "Traceback" not in text, text


def test_wrong_credentials_are_one_line(stack: Stack) -> None:
    run = stack.pulumi("preview", ARM_CLIENT_SECRET="wrong")
    assert run.code != 0
    assert "AADSTS7000215" in run.text
    assert "Traceback" not in run.text, run.text


def test_azure_that_is_slow_to_see_the_cname_is_asked_again(stack: Stack) -> None:
    stack.sandbox.fault("status", 400, method="PUT", path="customDomains/mta-sts", times=2)
    stack.up(settled=True)
    assert assert_policy_before_id(stack.sandbox.log()) == 1


@pytest.mark.heavy  # contract/test_azure_native.py: a busy Azure; faults/: one in each draw
def test_throttling_is_waited_out(stack: Stack) -> None:
    stack.sandbox.fault("status", 429, host="management", method="PUT", times=3)
    stack.up(settled=True)


def test_slow_dns_validation_certificate_and_edges_hold_the_id_back(stack: Stack) -> None:
    for name, seconds in (("dns-lag", 2), ("validation", 2), ("certificate", 2)):
        stack.sandbox.delay(name, seconds)
    stack.up()
    assert assert_policy_before_id(stack.sandbox.log()) == 1
    stack.sandbox.delay("edge-lag", 4)
    stack.configure({**TESTING, "maxAge": 1000})
    stack.up(settled=True)
    assert assert_policy_before_id(stack.sandbox.log()) == 2


def test_a_failing_upload_keeps_the_old_id_and_the_next_up_goes_on(stack: Stack) -> None:
    stack.up()
    old = stack.senders("example.org")["example.org"]["id"]
    stack.configure({**TESTING, "maxAge": 1000})
    stack.sandbox.fault("status", 500, host="content-", times=3)
    run = stack.pulumi("up", "--yes", "--skip-preview")
    assert run.code != 0
    assert any("upload failed three times" in line for line in run.errors), run.text
    verdict = stack.senders("example.org")["example.org"]
    assert (verdict["postfix"], verdict["id"]) == ("VALID", old)
    stack.up(settled=True)
    assert stack.senders("example.org")["example.org"]["id"] != old


def test_a_host_held_by_another_site_is_azures_own_error_in_one_line(stack: Stack) -> None:
    stack.sandbox.state.set("orphan:mta-sts.example.org", "x")
    run = stack.pulumi("up", "--yes", "--skip-preview")
    assert run.code != 0
    assert any("not linked to another site" in line for line in run.errors), run.text
    assert "Traceback" not in run.text
    stack.sandbox.state.db.execute("DELETE FROM settings WHERE name LIKE 'orphan:%'")
    stack.up(settled=True)


def test_a_binding_that_azure_gives_up_is_made_anew_by_the_next_up(stack: Stack) -> None:
    stack.sandbox.fault("domain-failed", host="mta-sts.example.org", times=1)
    run = stack.pulumi("up", "--yes", "--skip-preview")
    assert run.code != 0
    assert '"status": "Failed"' in run.text  # azure-native tells no more
    assert "TXT/_mta-sts" not in "".join(stack.writes())
    stack.up(settled=True)
    assert assert_policy_before_id(stack.sandbox.log()) == 1
    assert stack.senders("example.org")["example.org"]["postfix"] == "VALID"
