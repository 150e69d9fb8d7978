"""A zone that this program can't change: a person is told what to enter, and everything waits for it in order."""

import re
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from harness import TESTING, Run, Stack

Twist = Callable[[str, str, str], tuple[str, str] | None]
MANUAL = {"provider": "manual"}
ZONE = "/resourceGroups/elsewhere/providers/Microsoft.Network/dnsZones/example.org"
VALUES = {"CNAME": "CNAMERecord", "TXT": "TXTRecords"}


class Person:
    """Reads what the program says, and enters and removes records at another host.

    :param twist: how it enters a record (name, value) at first; None for not at all.
    :param hint: having read this, it enters everything as it was told.
    """

    def __init__(self, stack: Stack, twist: Twist | None = None, hint: str = "") -> None:
        self.stack = stack
        self.twist = twist
        self.hint = hint
        self.told: dict[str, tuple[str, str, str]] = {}
        self.did: list[str] = []

    def run(self, *command: str, timeout: float = 120) -> tuple[int, str]:
        """A pulumi command, obeyed."""
        process = self.stack.begin(*command, "--yes", "--skip-preview")
        lines: list[str] = []
        killer = threading.Timer(timeout, process.kill)
        killer.start()
        assert process.stdout
        for line in process.stdout:
            lines.append(line)
            self.obey(line)
        killer.cancel()
        return process.wait(), "".join(lines)

    def obey(self, line: str) -> None:
        found = re.search(r"waiting for you to enter `(\S+)\. (\d+) IN (CNAME|TXT) (.*?)`,", line)
        if found and found[0] not in self.told:
            value = found[4].rstrip(".") if found[3] == "CNAME" else "".join(re.findall(r'"([^"]*)"', found[4]))
            self.told[found[0]] = (found[1], found[3], value)
            self.did.append(f"enter {found[3]} {found[1]}")
            self.enter(found[1], found[3], value)
        if self.twist and self.hint in line:
            self.twist = None
            for record, rdtype, value in self.told.values():
                self.enter(record, rdtype, value)
        gone = re.search(r"waiting for you to remove `(\S+)\. IN (CNAME|TXT)`", line)
        if gone and f"remove {gone[2]} {gone[1]}" not in self.did:
            self.did.append(f"remove {gone[2]} {gone[1]}")
            self.stack.arm("DELETE", f"{ZONE}/{gone[2]}/{gone[1].removesuffix('.example.org')}")

    def enter(self, record: str, rdtype: str, value: str) -> None:
        twisted = self.twist(record, rdtype, value) if self.twist else (record, value)
        if twisted is None:
            return
        record, value = twisted
        data: Any = {"cname": value} if rdtype == "CNAME" else [{"value": [value]}]
        body = {"properties": {"TTL": 300, VALUES[rdtype]: data}}
        self.stack.arm("PUT", f"{ZONE}/{rdtype}/{record.removesuffix('.example.org')}", body)


@pytest.fixture
def elsewhere(stack: Stack) -> Stack:
    """The zone is at another host, which happens to be this sandbox too; the program isn't told."""
    stack.python("-m", "sandbox", "--dir", str(stack.sandbox.folder), "zone", "example.org", "--resource-group", "elsewhere")  # fmt: skip
    state = stack.sandbox.state
    dns = next(each["id"] for each in state.of("Microsoft.Network/dnsZones") if "/resourceGroups/dns/" in each["id"] and each["name"] == "example.org")  # fmt: skip
    state.delete(dns)
    stack.configure({**TESTING, "tlsReports": ["mailto:tls@example.org"]}, **{"mta-sts:dns": MANUAL})
    return stack


def settled(stack: Stack) -> None:
    for command in (("preview",), ("refresh", "--preview-only")):
        run: Run = stack.pulumi(*command, "--expect-no-changes")
        assert run.code == 0, run.text


def test_a_life_by_hand(elsewhere: Stack) -> None:
    person = Person(elsewhere)
    code, text = person.run("up")
    assert code == 0, text
    assert set(person.did) == {
        "enter CNAME mta-sts.example.org",
        "enter TXT _mta-sts.example.org",
        "enter TXT _smtp._tls.example.org",
    }
    assert person.did.index("enter CNAME mta-sts.example.org") < person.did.index("enter TXT _mta-sts.example.org")
    assert "Enter this record where the zone is kept:\n        name   mta-sts.example.org" in text
    settled(elsewhere)
    assert elsewhere.senders("example.org")["example.org"]["postfix"] == "VALID"

    person.did.clear()
    elsewhere.configure(
        {**TESTING, "maxAge": 1000, "tlsReports": ["mailto:tls@example.org"]}, **{"mta-sts:dns": MANUAL}
    )
    person.told.clear()
    assert person.run("up")[0] == 0
    assert person.did == ["enter TXT _mta-sts.example.org"]
    assert elsewhere.senders("example.org")["example.org"]["postfix"] == "VALID"

    elsewhere.arm("DELETE", f"{ZONE}/TXT/_mta-sts")
    assert elsewhere.pulumi("refresh", "--yes", "--skip-preview").code == 0
    person.did.clear()
    person.told.clear()
    assert person.run("up")[0] == 0
    assert person.did == ["enter TXT _mta-sts.example.org"]

    person.did.clear()
    code, text = person.run("destroy")
    assert code == 0, text
    gone = [each for each in person.did if "_smtp" not in each]
    assert gone == ["remove TXT _mta-sts.example.org", "remove CNAME mta-sts.example.org"]
    assert not list(elsewhere.sandbox.state.of("Microsoft.Web/staticSites"))


def test_ctrl_c_while_waiting_loses_nothing(elsewhere: Stack) -> None:
    up = elsewhere.begin("up", "--yes", "--skip-preview")
    deadline = time.monotonic() + 60
    while not elsewhere.writes() and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(3)
    up.send_signal(signal.SIGINT)
    text = up.communicate(timeout=60)[0]
    assert "Enter this record where the zone is kept" in text
    assert "the next `pulumi up` goes on from here" in text
    assert Person(elsewhere).run("up")[0] == 0
    settled(elsewhere)


def quoted(record: str, rdtype: str, value: str) -> tuple[str, str]:
    return record, f'"{value}"' if rdtype == "TXT" else value


def twice(record: str, rdtype: str, value: str) -> tuple[str, str]:
    return f"{record}.example.org", value


def appended(record: str, rdtype: str, value: str) -> tuple[str, str]:
    return record, f"{value}.example.org" if rdtype == "CNAME" else value


def squeezed(record: str, rdtype: str, value: str) -> tuple[str, str]:
    return record, value.replace("; ", ";") if rdtype == "TXT" else value


@pytest.mark.parametrize(
    ("twist", "hint"),
    [
        (quoted, "stands in quotes within the quotes"),
        (twice, "the domain stands there twice: "),
        pytest.param(appended, "the zone's name is appended to the value", marks=pytest.mark.heavy),
        pytest.param(squeezed, "blanks or semicolons differ", marks=pytest.mark.heavy),
    ],
)
def test_a_near_miss_is_told_and_mended_within_the_same_up(elsewhere: Stack, twist: Twist, hint: str) -> None:
    person = Person(elsewhere, twist, hint)
    code, text = person.run("up")
    assert code == 0, text
    assert person.twist is None, text  # the hint was read


def test_a_proxied_record_is_told_as_that(elsewhere: Stack) -> None:
    elsewhere.arm(
        "PUT", f"{ZONE}/A/mta-sts", {"properties": {"TTL": 300, "ARecords": [{"ipv4Address": "192.0.2.1"}]}}
    )
    person = Person(
        elsewhere, lambda record, rdtype, value: None if rdtype == "CNAME" else (record, value), "switch it off"
    )
    enter = person.enter

    def off(record: str, rdtype: str, value: str) -> None:
        if rdtype == "CNAME" and not person.twist:
            elsewhere.arm("DELETE", f"{ZONE}/A/mta-sts")
        enter(record, rdtype, value)

    person.enter = off  # type: ignore[method-assign]
    code, text = person.run("up")
    assert code == 0, text
    assert person.twist is None, text
