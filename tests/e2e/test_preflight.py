"""What is looked at before anything is made, and records that stood there before."""

import signal
import time

from harness import TESTING, Stack, assert_policy_before_id

REPORTS = {"tlsReports": ["mailto:tls-reports@example.org"]}
TLSRPT = "/resourceGroups/dns/providers/Microsoft.Network/dnsZones/example.org/TXT/_smtp._tls"


def test_enforcing_against_ones_own_mx_is_refused_before_anything_is_touched(stack: Stack) -> None:
    stack.zones("example.org", "--mx", "other.example.net")
    run = stack.pulumi("preview")
    assert run.code == 0
    assert "no mx of its policy allows its mail server other.example.net. Add other.example.net to mx" in run.text
    stack.configure({**TESTING, "mode": "enforce"})
    before = stack.last()
    for command in (("preview",), ("up", "--yes", "--skip-preview")):
        run = stack.pulumi(*command)
        assert run.code != 0
        assert "senders would refuse to deliver there" in run.text
        assert "Nothing was touched" in run.text
        assert "Traceback" not in run.text
    assert not stack.writes(before)
    stack.configure({**TESTING, "mode": "enforce"}, **{"mta-sts:preflight": "off"})
    assert "preflight skipped: mta-sts:preflight is off" in stack.pulumi("preview").text


def test_a_preview_does_not_depend_on_what_dns_says(stack: Stack) -> None:
    before = stack.changes()
    stack.zones("example.org", "--mx", "other.example.net")
    assert stack.changes() == before
    run = stack.pulumi("preview", MTA_STS_RESOLVER="127.0.0.1:9")
    assert run.code == 0
    assert "DNS gives no answer (" in run.text, run.text


def test_a_domain_that_is_not_delegated_yet_waits_alone_and_the_next_up_goes_on(stack: Stack) -> None:
    stack.zones("example.net", "--undelegated")
    stack.configure({**TESTING, "domains": ["example.org", "example.net"]})
    up = stack.begin("up", "--yes", "--skip-preview")
    deadline = time.monotonic() + 90
    while "PUT TXT/_mta-sts" not in stack.writes() and time.monotonic() < deadline:
        time.sleep(0.2)
    up.send_signal(signal.SIGINT)
    text = up.communicate(timeout=60)[0]
    assert (
        "example.net: the zone example.net is not delegated. At its registrar, set the name servers ns1-01" in text
    )
    assert "CNAME mta-sts.example.net" in text or "example.net-cname-seen" in text
    assert stack.senders("example.org")["example.org"]["postfix"] == "VALID"
    stack.zones("example.net")
    stack.up(settled=True)
    assert stack.senders("example.net")["example.net"]["postfix"] == "VALID"
    assert assert_policy_before_id(stack.sandbox.log()) == 2


def test_a_report_record_of_somebody_else_is_never_overwritten_but_taken_over_on_request(stack: Stack) -> None:
    theirs = {"properties": {"TTL": 60, "TXTRecords": [{"value": ["v=TLSRPTv1; rua=mailto:theirs@example.net"]}]}}
    stack.arm("PUT", TLSRPT, theirs)
    stack.configure({**TESTING, **REPORTS})
    before = stack.last()
    assert (
        "_smtp._tls.example.org is v=TLSRPTv1; rua=mailto:theirs@example.net now" in stack.pulumi("preview").text
    )
    run = stack.pulumi("up", "--yes", "--skip-preview")
    assert run.code != 0
    assert any("cannot create already existing resource" in line for line in run.errors), run.text
    assert "PUT TXT/_smtp._tls" not in stack.writes(before)

    stack.configure({**TESTING, **REPORTS, "domains": [{"name": "example.org", "adoptTlsReports": True}]})
    stack.up(settled=True)
    assert stack.arm("GET", TLSRPT)["properties"]["TXTRecords"] == [
        {"value": ["v=TLSRPTv1; rua=mailto:tls-reports@example.org"]}
    ]
    assert stack.pulumi("destroy", "--yes", "--skip-preview").code == 0
    assert stack.arm("GET", TLSRPT)["properties"]["TXTRecords"]
