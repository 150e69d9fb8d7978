"""Moves under way while a sender never stops looking: to Microsoft 365's new names, and in from another policy host."""

import time
from typing import Any

import dns.message
import dns.query
import pytest
import watcher as watcher_module
from harness import TESTING, Stack
from watcher import Watcher

from policy import Policy
from setup.local_internet import MICROSOFT, address, microsoft, zone
from setup.web import hosts

BEFORE, AFTER = [f"*.{MICROSOFT}"], ["*.h-v1.mx.microsoft"]
HOSTER = "mta-sts.hoster.example"
OLD, NEW = f"example-org.{MICROSOFT}", "example-org.h-v1.mx.microsoft"
ZONE = "/resourceGroups/dns/providers/Microsoft.Network/dnsZones/example.org"
ENFORCE = {**TESTING, "mode": "enforce", "maxAge": 2}
THEIRS = b"version: STSv1\r\nmode: enforce\r\nmx: mail.example.org\r\nmax_age: 604800\r\n"


@pytest.fixture(autouse=True)
def _calmly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks cost time that the engine wants, too."""
    monkeypatch.setattr(watcher_module, "PAUSE", 0.2)


class Remembering(Watcher):
    """A sender that also delivers: each MX host must be allowed by every policy that some sender may still remember."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.remembered: dict[bytes, float] = {}

    def _judge(self, id_: str, served: bytes | str) -> None:
        super()._judge(id_, served)
        now = time.monotonic()
        if isinstance(served, bytes):
            self.remembered[served] = now
        query = dns.message.make_query(self.domain, "MX")
        answer = dns.query.udp(query, self.address, timeout=1, port=self.port)
        for rdata in (rdata for rrset in answer.answer for rdata in rrset):
            host = rdata.exchange.to_text(omit_final_dot=True)
            for policy in (
                Policy.parse(body)
                for body, seen in self.remembered.items()
                if now - seen < Policy.parse(body).max_age
            ):
                if not policy.allows(host):
                    self.violations.append(f"{host} is an MX host that a remembered policy doesn't allow")


@pytest.fixture
def local(stack: Stack) -> Stack:
    microsoft(stack.sandbox, "example-org")
    zone(stack.sandbox, "h-v1.mx.microsoft", {"A/example-org": address()})
    return stack


def records(stack: Stack, *hosts: str) -> None:
    """The domain's MX records, the most preferred first."""
    given = [{"preference": 10 * at, "exchange": host} for at, host in enumerate(hosts)]
    stack.arm("PUT", f"{ZONE}/MX/@", {"properties": {"TTL": 1, "MXRecords": given}})


def up(stack: Stack, *mx: str) -> None:
    stack.configure({**ENFORCE, "mx": list(mx)})
    run = stack.pulumi("up", "--yes", "--skip-preview")
    assert run.code == 0, run.text


def test_the_move_to_the_new_names_of_microsoft_365_with_enforce_on(local: Stack) -> None:
    records(local, OLD)
    up(local, *BEFORE)
    policies = [Policy.of("enforce", 2, mx).render() for mx in (BEFORE, [*BEFORE, *AFTER])]
    with Remembering(local.environment, "example.org", policies) as watcher:
        up(local, *BEFORE, *AFTER)
        time.sleep(2.5)  # max_age
        for hosts_ in ((OLD, NEW), (NEW, OLD), (NEW,)):
            records(local, *hosts_)
            time.sleep(0.7)
        assert watcher.violations == []
        assert watcher.valid > 10
        records(local, NEW, "example-org.j-v1.mx.microsoft")  # a label that nobody added: the sender would see it
        time.sleep(1)
    assert any("example-org.j-v1.mx.microsoft is an MX host that" in text for text in watcher.violations)


def test_a_policy_moves_in_from_another_host_and_senders_keep_one(stack: Stack) -> None:
    zone(stack.sandbox, "hoster.example", {"A/mta-sts": [{"ipv4Address": "127.0.0.1"}]})
    records(stack, "mail.example.org")
    stack.arm("PUT", f"{ZONE}/CNAME/mta-sts", {"properties": {"TTL": 300, "CNAMERecord": {"cname": HOSTER}}})
    stack.arm("PUT", f"{ZONE}/TXT/_mta-sts", {"properties": {"TTL": 300, "TXTRecords": [{"value": ["v=STSv1; id=theirs;"]}]}})  # fmt: skip
    stack.configure({**TESTING, "mode": "enforce", "mx": ["mail.example.org"]})
    ours = Policy.parse(THEIRS).render()
    address, _, port = stack.environment["MTA_STS_RESOLVER"].rpartition(":")

    def leads(host: str) -> str:
        """Where senders get to: to the old host, as long as the CNAME says so."""
        if host != "mta-sts.example.org":
            return host
        answer = dns.query.udp(dns.message.make_query(host, "CNAME"), address, 2, int(port))
        return HOSTER if any(HOSTER in rrset.to_text() for rrset in answer.answer) else "azure"

    with hosts(stack.sandbox, {HOSTER: lambda *_: THEIRS}, leads) as proxy:
        stack.more.update(HTTPS_PROXY=proxy, https_proxy=proxy)
        with Watcher(stack.environment, "example.org", [ours, THEIRS], {"theirs": 0}) as watcher:
            time.sleep(0.5)
            run = stack.tool("recover", "--yes")
            assert run.returncode == 0, run.stdout + run.stderr
            time.sleep(0.5)
        verdict = stack.senders("example.org")["example.org"]
    assert (verdict["postfix"], verdict["id"]) == ("VALID", Policy.parse(THEIRS).id)
    # While Azure has no certificate yet, the old id stands there, which senders know: they keep what they remember.
    assert [text for text in watcher.violations if "id theirs is announced, but: " not in text] == []
    assert watcher.valid > 10
    assert not [write for write in stack.writes() if write.startswith("DELETE")]
