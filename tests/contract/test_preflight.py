"""The preflight, asking a real name server about zones that are right, and wrong in every way it knows."""

import socket
import time
from typing import Any

import pytest
from contract_tools import records

from checks import preflight
from checks.preflight import Finding
from internet.view import View
from policy import Policy, TlsRptRecord
from sandbox.control import Sandbox

AZURE = ("ns1-01.azure-dns.com", "ns2-01.azure-dns.net")
MX = {"MX/@": [{"preference": 10, "exchange": "mail.example.org."}]}
CAA = "CAA/@"


def caa(value: str, tag: str = "issue") -> list[dict[str, Any]]:
    return [{"flags": 0, "tag": tag, "value": value}]


def txt(*texts: str) -> list[dict[str, Any]]:
    return [{"value": [text]} for text in texts]


def look(
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    sets: dict[str, Any],
    mode: str = "testing",
    mx: tuple[str, ...] = ("mail.example.org",),
    **domain: Any,
) -> list[Finding]:
    """What is found for example.org with these record sets."""
    env = sandbox.env()
    monkeypatch.setenv("MTA_STS_RESOLVER", env["MTA_STS_RESOLVER"])
    records(sandbox, "example.org", {**MX, **sets})
    policy = Policy.of(mode, 604800, mx)
    return preflight.check([preflight.Domain(**{"name": "example.org", "policy": policy, "zone": "example.org", "name_servers": AZURE, **domain})], View.from_environment())  # fmt: skip


GOOD: dict[str, dict[str, Any]] = {
    "a new domain": {},
    "a domain that stands": {
        "CNAME/mta-sts": {"cname": "brave-sand-01.7.azurestaticapps.net"},
        "TXT/_mta-sts": txt("v=STSv1; id=1;"),
        "TXT/_smtp._tls": txt("v=TLSRPTv1; rua=mailto:tls@example.org"),
    },
    "a wildcard below": {"A/*": [{"ipv4Address": "127.0.0.9"}]},
    "CAA that allows the issuer": {CAA: [*caa("letsencrypt.org"), *caa("DigiCert.com; policy=ev")]},
    "CAA that says nothing of issue": {CAA: caa("mailto:x@example.org", "iodef")},
}


@pytest.mark.parametrize("name", GOOD)
def test_what_is_right_is_passed_over_in_silence(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    assert look(sandbox, monkeypatch, GOOD[name], "enforce", tls_reports=TlsRptRecord(("mailto:tls@example.org",))) == []  # fmt: skip


BAD: dict[str, tuple[dict[str, Any], dict[str, Any], str, str]] = {
    "an MX that isn't allowed, testing": (
        {"MX/@": [{"preference": 10, "exchange": "mail.example.org."}, {"preference": 20, "exchange": "Backup.example.net."}]},
        {},
        "warning",
        "no mx of its policy allows its mail server backup.example.net. Add backup.example.net to mx",
    ),
    "an MX that isn't allowed, enforce": (
        {"MX/@": [{"preference": 10, "exchange": "other.example.net."}]},
        {"mode": "enforce"},
        "error",
        "other.example.net; senders would refuse to deliver there",
    ),
    "a wildcard that covers a label less": (
        {"MX/@": [{"preference": 10, "exchange": "contoso-com.h-v1.mx.microsoft."}]},
        {"mode": "enforce", "mx": ("*.mx.microsoft",)},
        "error",
        "*.mx.microsoft covers exactly one label before mx.microsoft, and contoso-com.h-v1.mx.microsoft has more; "
        "add *.h-v1.mx.microsoft",
    ),
    "no mail": ({"MX/@": [{"preference": 0, "exchange": "."}]}, {}, "warning", "takes no mail (RFC 7505)"),
    "no MX record": ({"MX/@": None}, {}, "warning", "has no MX record"),
    "the implicit MX": (
        {"MX/@": None, "A/@": [{"ipv4Address": "127.0.0.9"}]},
        {"mode": "enforce"},
        "error",
        "no mx of its policy allows its mail server example.org;",
    ),
    "a policy host elsewhere": (
        {"CNAME/mta-sts": {"cname": "mta-sts.provider.example"}},
        {},
        "warning",
        "mta-sts.example.org leads to mta-sts.provider.example now",
    ),
    "a policy host with addresses": (
        {"A/mta-sts": [{"ipv4Address": "127.0.0.9"}]},
        {},
        "warning",
        "mta-sts.example.org is a host of its own (127.0.0.9)",
    ),
    "a delegated record": (
        {"CNAME/_mta-sts": {"cname": "_mta-sts.provider.example"}},
        {},
        "error",
        "_mta-sts.example.org is a CNAME to _mta-sts.provider.example",
    ),
    "two ids": (
        {"TXT/_mta-sts": txt("v=STSv1; id=1;", "v=STSv1; id=2;")},
        {},
        "warning",
        "_mta-sts.example.org has several v=STSv1 records",
    ),
    "reports that go to somebody else": (
        {"TXT/_smtp._tls": txt("v=TLSRPTv1; rua=mailto:other@example.net")},
        {"tls_reports": TlsRptRecord(("mailto:tls@example.org",))},
        "warning",
        "_smtp._tls.example.org is v=TLSRPTv1; rua=mailto:other@example.net now",
    ),
    "an issuer shut out": ({CAA: caa("letsencrypt.org")}, {}, "error", "allow letsencrypt.org, and not digicert.com"),
    "every issuer shut out": ({CAA: caa(";")}, {}, "error", "allow nobody, and not digicert.com"),
    "an issuer shut out afterwards": (
        {CAA: caa("letsencrypt.org"), "CNAME/mta-sts": {"cname": "brave-sand-01.7.azurestaticapps.net"}},
        {},
        "warning",
        'add the record 0 issue "digicert.com"',
    ),
    "other name servers": (
        {},
        {"name_servers": ("ns1-02.azure-dns.com",)},
        "warning",
        "the zone example.org is served by ns1-01.azure-dns.com, ns2-01.azure-dns.net, but the records go to "
        "ns1-02.azure-dns.com",
    ),
    "a zone that isn't delegated": (
        {},
        {"name": "undelegated.test", "zone": "undelegated.test"},
        "warning",
        "undelegated.test: the zone undelegated.test is not delegated; at its registrar, set the name servers ns1-01",
    ),
    "a zone further down": (
        {},
        {"zone": "org"},
        "warning",
        "example.org is served from a zone of its own, example.org (ns1-01.azure-dns.com, ns2-01.azure-dns.net), not "
        "from org",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_named_with_the_way_out(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    sets, changes, level, words = BAD[name]
    found = look(sandbox, monkeypatch, sets, **changes)
    assert any(each.level == level and words in each.text for each in found), found


def test_reports_of_somebody_else_are_fine_where_they_are_taken_over(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    sets = {"TXT/_smtp._tls": txt("v=TLSRPTv1; rua=mailto:other@example.net")}
    reports = TlsRptRecord(("mailto:tls@example.org",))
    assert look(sandbox, monkeypatch, sets, tls_reports=reports, adopts_tls_reports=True) == []


def test_without_dns_it_says_that_it_was_skipped_and_keeps_its_deadline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        monkeypatch.setenv("MTA_STS_RESOLVER", f"127.0.0.1:{silent.getsockname()[1]}")
        policy = Policy.of("enforce", 604800, ["mail.example.org"])
        domains = [preflight.Domain(f"d{at}.example", policy, f"d{at}.example") for at in range(30)]
        started = time.monotonic()
        found = preflight.check(domains, View.from_environment(), deadline=1)
        assert time.monotonic() - started < 3
        port = silent.getsockname()[1]
    assert [each.text for each in found] == [
        f"preflight skipped: DNS gives no answer (no answer in time by 127.0.0.1:{port})"
    ]


def test_a_hundred_domains_take_a_second_or_two(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MTA_STS_RESOLVER", sandbox.env()["MTA_STS_RESOLVER"])
    records(sandbox, "example.org", MX)
    policy = Policy.of("testing", 604800, ["mail.example.org"])
    names = [f"d{at}.example.org" for at in range(100)]
    found = preflight.check(
        [preflight.Domain(name, policy, "example.org", AZURE) for name in names], View.from_environment()
    )
    assert len(found) == 100
    assert all("has no MX record" in each.text for each in found), found
