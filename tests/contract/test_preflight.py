"""The preflight, asking a real name server about zones that are right, and wrong in every way it knows."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from contract_tools import records

from checks import preflight
from checks.finding import Finding
from checks.look import Look
from checks.preflight import Place, Plan, Preflight
from internet.address import server_at
from internet.view import View, resolver_at
from policy import Policy, TlsRptRecord
from sandbox.control import Sandbox
from settings.policies import Domain, PolicySettings
from zones.manual import ManualDns

AZURE = ("ns1-01.azure-dns.com", "ns2-01.azure-dns.net", "ns3-01.azure-dns.org", "ns4-01.azure-dns.info")
MX = {"MX/@": [{"preference": 10, "exchange": "mail.example.org."}]}
CAA = "CAA/@"


def caa(value: str, tag: str = "issue") -> list[dict[str, Any]]:
    return [{"flags": 0, "tag": tag, "value": value}]


def txt(*texts: str) -> list[dict[str, Any]]:
    return [{"value": [text]} for text in texts]


@dataclass(frozen=True)
class Zone:
    """Where records go."""

    zone: str = "example.org"
    name_servers: tuple[str, ...] = AZURE


def plan(
    name: str = "example.org",
    mode: str = "testing",
    mx: tuple[str, ...] = ("mail.example.org",),
    place: Zone = Zone(),
    reports: tuple[str, ...] = (),
    **domain: Any,
) -> Plan:
    """What a stack is about to make."""
    policy = Policy.of(mode, 604800, mx)
    settings = PolicySettings("main", policy, "Free", tls_reports=TlsRptRecord(reports) if reports else None)
    return Plan(Domain(name, ManualDns(), **domain), settings)


def told(plans: list[Plan], view: View, place: Place = Zone(), deadline: float = 8) -> tuple[list[str], list[str]]:
    """Warnings and errors."""
    return Preflight(plans, view, deadline).finish({plan.domain.name: place for plan in plans})


def look(
    sandbox: Sandbox,
    sets: dict[str, Any],
    place: Zone = Zone(),
    **planned: Any,
) -> tuple[list[str], list[str]]:
    """Warnings and errors for example.org with these record sets."""
    records(sandbox, "example.org", {**MX, **sets})
    return told([plan(**planned)], seen_from(sandbox), place)


def seen_from(sandbox: Sandbox) -> View:
    """What a preview in the sandbox's environment sees."""
    server = server_at(sandbox.env()["MTA_STS_RESOLVER"], "MTA_STS_RESOLVER")
    return View(resolver_at(server), name_servers=(server,))


REPORTS = ("mailto:tls@example.org",)
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
def test_what_is_right_is_passed_over_in_silence(sandbox: Sandbox, name: str) -> None:
    assert look(sandbox, GOOD[name], mode="enforce", reports=REPORTS) == ([], [])


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
    "no mail": ({"MX/@": [{"preference": 0, "exchange": "."}]}, {}, "warning", "its MX record says that it takes no mail"),
    "no MX record": ({"MX/@": None}, {}, "warning", "there is no MX record"),
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
        {"reports": REPORTS},
        "warning",
        "_smtp._tls.example.org is v=TLSRPTv1; rua=mailto:other@example.net now",
    ),
    "an issuer shut out": ({CAA: caa("letsencrypt.org")}, {}, "error", "allow letsencrypt.org, and not digicert.com"),
    "every issuer shut out": ({CAA: caa(";")}, {}, "error", "allow nobody, and not digicert.com"),
    "an issuer shut out afterwards": (
        {CAA: caa("letsencrypt.org"), "CNAME/mta-sts": {"cname": "brave-sand-01.7.azurestaticapps.net"}},
        {},
        "warning",
        'Add the record 0 issue "digicert.com"',
    ),
    "other name servers": (
        {},
        {"place": Zone(name_servers=("ns1-02.azure-dns.com",))},
        "warning",
        f"the zone example.org is served by {', '.join(AZURE)}, but the records go to ns1-02.azure-dns.com",
    ),
    "a zone that isn't delegated": (
        {},
        {"name": "undelegated.test", "place": Zone("undelegated.test")},
        "warning",
        "undelegated.test: the zone undelegated.test is not delegated. At its registrar, set the name servers ns1-01",
    ),
    "a zone further down": (
        {},
        {"place": Zone("org")},
        "warning",
        f"it is served from a zone of its own, example.org ({', '.join(AZURE)}), not from org",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_named_with_the_way_out(sandbox: Sandbox, name: str) -> None:
    sets, changes, level, words = BAD[name]
    warnings, errors = look(sandbox, sets, **changes)
    told = errors if level == "error" else warnings
    assert any(words in text for text in told), (warnings, errors)
    assert all(text.startswith(f"{changes.get('name', 'example.org')}: ") for text in told)


def test_reports_of_somebody_else_are_fine_where_they_are_taken_over(sandbox: Sandbox) -> None:
    sets = {"TXT/_smtp._tls": txt("v=TLSRPTv1; rua=mailto:other@example.net")}
    assert look(sandbox, sets, reports=REPORTS, adopt_tls_reports=True) == ([], [])


def test_a_stack_that_leaves_is_not_asked_about_its_mail_servers(sandbox: Sandbox) -> None:
    assert look(sandbox, {"MX/@": None}, mode="none") == ([], [])


def test_without_dns_it_says_that_it_was_skipped_and_keeps_its_deadline() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        resolver = f"127.0.0.1:{silent.getsockname()[1]}"
        plans = [plan(f"d{at}.example") for at in range(30)]
        warnings, errors = told(plans, View(resolver_at(server_at(resolver, ""))), deadline=1)
    assert (warnings, errors) == (
        [f"preflight skipped: DNS gives no answer (no answer in time by {resolver})"], []
    )  # fmt: skip


def test_a_domain_that_gives_no_answer_is_told_beside_the_others(sandbox: Sandbox) -> None:
    records(sandbox, "example.org", MX)
    warnings, _ = told([plan(mx=("x.example",)), plan("a..b")], seen_from(sandbox))
    assert any("no mx of its policy allows its mail server mail.example.org" in text for text in warnings), (
        warnings
    )
    assert any(text.startswith("a..b: not wholly checked: DNS gives no answer") for text in warnings), warnings


def test_a_check_that_breaks_stops_nothing(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(look: Look, plan: Plan) -> Iterator[Finding]:
        raise MemoryError

    monkeypatch.setitem(preflight.CHECKS, "broken", broken)
    warnings, errors = look(
        sandbox, {"MX/@": [{"preference": 10, "exchange": "other.example.net."}]}, mode="enforce"
    )
    assert any("this check broke (MemoryError" in text for text in warnings), warnings
    assert any("no mx of its policy allows its mail server other.example.net" in text for text in errors), errors


def test_a_policy_host_that_leads_to_what_is_gone_is_told_as_what_it_leads_to(sandbox: Sandbox) -> None:
    sets = {
        "CNAME/mta-sts": {"cname": "gone.example.org"},
        "CNAME/_mta-sts": {"cname": "_mta-sts.gone.example.org"},
    }
    warnings, errors = look(sandbox, sets)
    assert any("mta-sts.example.org leads to gone.example.org now" in text for text in warnings), warnings
    assert any("_mta-sts.example.org is a CNAME to _mta-sts.gone.example.org" in text for text in errors), errors


def test_it_is_finished_while_the_zones_are_asked_for(sandbox: Sandbox) -> None:
    records(sandbox, "example.org", {"MX/@": [{"preference": 10, "exchange": "other.example.net."}]})
    begun = Preflight([plan(mode="enforce")], seen_from(sandbox))
    begun._begun[0].result(30)
    records(sandbox, "example.org", MX)
    _, errors = begun.finish({"example.org": Zone()})
    assert any("no mx of its policy allows its mail server other.example.net" in text for text in errors), errors


def test_a_hundred_domains_are_all_looked_at(sandbox: Sandbox) -> None:
    records(sandbox, "example.org", MX)
    plans = [plan(f"d{at}.example.org") for at in range(100)]
    warnings, errors = told(plans, seen_from(sandbox), deadline=60)
    assert len(warnings) == 100
    assert all("it takes no mail: there is no MX record" in text for text in warnings), warnings
    assert not errors
