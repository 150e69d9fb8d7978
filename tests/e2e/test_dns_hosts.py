"""Zones outside Azure DNS: real name servers, the same order, and nobody else's record is touched."""

import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness import TESTING, Stack
from name_servers import KEY, Bind, Knot, NameServer, PowerDns

REPORTS = {**TESTING, "tlsReports": ["mailto:tls@example.org"]}
CHANGED = {**REPORTS, "maxAge": 1000}
PLACES = {PowerDns: "mta-sts:dns.options.auth_token", Bind: "mta-sts:dns.keySecret", Knot: "mta-sts:dns.keySecret"}
OURS = ("CNAME mta-sts", "TXT _mta-sts", "TXT _smtp._tls")


def use(stack: Stack, server: NameServer, *others: NameServer, **more: Any) -> None:
    """The zone is served by these, and public DNS says so."""
    stack.sandbox.state.set("served-elsewhere example.org", server.address)
    stack.more["MTA_STS_NAMESERVERS"] = ",".join(each.address for each in (server, *others))
    if isinstance(server, PowerDns):
        options = {"pdns_server": f"http://127.0.0.1:{server.http}"}
        stack.configure(REPORTS, **{"mta-sts:dns": {"provider": "lexicon", "host": "powerdns", "options": options, **more}})  # fmt: skip
        stack.secret("mta-sts:dns.options.auth_token", server.secret)
    else:
        stack.configure(REPORTS, **{"mta-sts:dns": server.config(**more)})
        stack.secret("mta-sts:dns.keySecret", server.secret)


def again(stack: Stack, *policies: dict[str, Any]) -> None:
    """Other policies, the same DNS."""
    stack.reconfigure(**{"mta-sts:policies": list(policies)})


def change(server: NameServer, name: str, kind: str, text: str | None) -> None:
    """What somebody else does there."""
    server.put(name, kind, *([text] if text else []))


@pytest.fixture(params=[Bind, *(pytest.param(each, marks=pytest.mark.heavy) for each in (Knot, PowerDns))])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[NameServer]:
    with request.param(tmp_path / "server", "example.org") as running:
        yield running


@pytest.fixture
def bind(tmp_path: Path) -> Iterator[Bind]:
    with Bind(tmp_path / "server", "example.org") as running:
        assert isinstance(running, Bind)
        yield running


def test_a_life_on_another_host(stack: Stack, server: NameServer) -> None:
    use(stack, server)
    stack.up()
    assert stack.senders("example.org")["example.org"]["postfix"] == "VALID"
    assert server.ask("_smtp._tls.example.org", "TXT") == ['"v=TLSRPTv1; rua=mailto:tls@example.org"']
    before = server.ask("_mta-sts.example.org", "TXT")

    again(stack, CHANGED)
    stack.up()
    after = server.ask("_mta-sts.example.org", "TXT")
    assert len(after) == 1
    assert after != before
    if isinstance(server, Bind):
        assert_policy_before_id(stack, server)

    change(server, "_mta-sts.example.org", "TXT", '"v=STSv1; id=somebodyelse;"')
    change(server, "mta-sts.example.org", "CNAME", None)
    refused = stack.pulumi("refresh", "--preview-only", "--expect-no-changes")
    assert refused.code != 0
    assert stack.pulumi("refresh", "--yes", "--skip-preview").code == 0
    stack.up(settled=True)
    assert server.ask("_mta-sts.example.org", "TXT") == after
    assert stack.senders("example.org")["example.org"]["postfix"] == "VALID"

    gone = stack.pulumi("destroy", "--yes", "--skip-preview")
    assert gone.code == 0, gone.text
    for record in OURS:
        kind, name = record.split()
        assert server.ask(f"{name}.example.org", kind) == []
    assert server.ask("mail.example.org", "A") == ["127.0.0.1"]


def assert_policy_before_id(stack: Stack, server: Bind) -> None:
    """From both servers' own logs: each id came after its policy, and after the CNAME."""
    adds = [line for line in server.updates if line.startswith("adding")]
    assert adds.index("adding CNAME mta-sts.example.org") < adds.index("adding TXT _mta-sts.example.org")
    stamps = [
        re.match(r"(\S+?)Z? ", line) for line in server.log.read_text().splitlines()
        if "adding an RR at '_mta-sts.example.org' TXT" in line
    ]  # fmt: skip
    assert len(stamps) == 2
    served = [
        line for line in stack.sandbox.log()
        if line["service"] == "site" and line["host"] == "mta-sts.example.org" and line["status"] == 200
    ]  # fmt: skip
    policies = list(dict.fromkeys(line["detail"] for line in served))
    assert len(policies) == 2
    for stamp, policy in zip(stamps, policies, strict=True):
        first = min(line["time"] for line in served if line["detail"] == policy)
        assert stamp
        assert time.mktime(time.strptime(stamp[1][:19], "%Y-%m-%dT%H:%M:%S")) + 1 >= first


@pytest.mark.parametrize(
    ("record", "says"),
    [
        (("mta-sts.example.org", "A", "192.0.2.1"), "can't have a CNAME record beside what stands there: A 192.0.2.1"),
        pytest.param(("mta-sts.example.org", "CNAME", "elsewhere.example.net."), "is elsewhere.example.net already, and not from", marks=pytest.mark.heavy),
        (("_smtp._tls.example.org", "TXT", '"theirs"'), "is theirs already, and not from this stack; set adoptTlsReports"),
        pytest.param(("_mta-sts.example.org", "TXT", '"v=STSv1; id=theirs;"'), "is v=STSv1; id=theirs; already, and not from", marks=pytest.mark.heavy),
    ],
)  # fmt: skip
def test_what_somebody_else_holds_is_named_in_the_preview_and_never_overwritten(
    stack: Stack, bind: Bind, record: tuple[str, str, str], says: str
) -> None:
    change(bind, *record)
    use(stack, bind)
    preview = stack.pulumi("preview")
    assert preview.code != 0
    assert says in preview.text
    assert stack.pulumi("up", "--yes", "--skip-preview").code != 0
    assert bind.ask(record[0], record[1]) == [record[2]]


@pytest.mark.parametrize("server", [Bind, *(pytest.param(each, marks=pytest.mark.heavy) for each in (Knot, PowerDns))], indirect=True)  # fmt: skip
def test_what_somebody_else_has_put_there_is_neither_overwritten_nor_deleted(
    stack: Stack, server: NameServer
) -> None:
    use(stack, server)
    stack.up(settled=True)
    change(server, "_mta-sts.example.org", "TXT", '"v=STSv1; id=theirs;"')
    again(stack, CHANGED)
    up = stack.pulumi("up", "--yes", "--skip-preview")
    assert up.code != 0
    assert "TXT _mta-sts.example.org is now v=STSv1; id=theirs;, which isn't from this stack" in up.text
    assert server.ask("_mta-sts.example.org", "TXT") == ['"v=STSv1; id=theirs;"']

    change(server, "_smtp._tls.example.org", "TXT", '"v=TLSRPTv1; rua=mailto:other@example.net"')
    assert stack.pulumi("refresh", "--yes", "--skip-preview").code == 0
    gone = stack.pulumi("destroy", "--yes", "--skip-preview")
    assert gone.code == 0, gone.text
    assert "which isn't from this stack; left there" in gone.text
    assert server.ask("_smtp._tls.example.org", "TXT") == ['"v=TLSRPTv1; rua=mailto:other@example.net"']
    assert server.ask("mta-sts.example.org", "CNAME") == []


def test_the_secret_is_nowhere(stack: Stack, server: NameServer) -> None:
    use(stack, server)
    run = stack.pulumi("up", "--yes", "-v=9", "--logtostderr", "--logflow")
    assert run.code == 0, run.text[-3000:]
    assert "RegisterResource" in run.text
    places = {
        "output": run.text,
        "state": stack.pulumi("stack", "export", "--show-secrets").stdout,
        "outputs": stack.pulumi("stack", "output", "--json", "--show-secrets").stdout,
        "stack file": (stack.project / "Pulumi.test.yaml").read_text(),
    }
    assert [where for where, text in places.items() if server.secret in text] == []
    shown = stack.pulumi("config", "get", "--path", PLACES[type(server)])
    assert server.secret in shown.stdout  # it would have been found


def test_every_name_server_has_the_record_before_azure_is_asked(stack: Stack, bind: Bind, tmp_path: Path) -> None:
    with Knot(tmp_path / "secondary", "example.org", primary=bind.port) as secondary:
        assert isinstance(secondary, Knot)
        use(stack, bind, secondary)
        up = stack.begin("up", "--yes", "--skip-preview")
        until = time.monotonic() + 60
        while not bind.ask("mta-sts.example.org", "CNAME") and time.monotonic() < until:
            time.sleep(0.2)
        time.sleep(3)
        assert not [each for each in stack.writes() if "customDomains" in each]
        stop = threading.Event()

        def copy() -> None:
            while not stop.wait(1):
                secondary.copy("example.org")

        copying = threading.Thread(target=copy)
        copying.start()
        text = up.communicate(timeout=120)[0]
        stop.set()
        copying.join()
        assert up.returncode == 0, text
        assert secondary.ask("_mta-sts.example.org", "TXT") == bind.ask("_mta-sts.example.org", "TXT") != []


def test_a_wildcard_is_named_in_the_preview_and_stands_in_nobodys_way(stack: Stack, tmp_path: Path) -> None:
    with Bind(tmp_path / "server", "example.org", extra='* IN A 127.0.0.9\n* IN TXT "v=spf1 -all"\n') as bind:
        use(stack, bind)
        preview = stack.pulumi("preview")
        assert preview.code == 0, preview.text
        assert (
            "a wildcard answers for everything under example.org, so for mta-sts.example.org too" in preview.text
        )
        stack.up(settled=True)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"keyName": "other"}, "it doesn't know the key other"),
        pytest.param({"zone": "example.net"}, "does not lie in the zone example.net", marks=pytest.mark.heavy),
        ({"servers": ["127.0.0.1:1"]}, "Connection refused"),
        pytest.param(
            {"keyAlgorithm": "hmac-md5"}, "'hmac-md5' must be one of hmac-sha256", marks=pytest.mark.heavy
        ),
    ],
)
def test_a_mistake_is_one_line_before_anything_is_touched(
    stack: Stack, bind: Bind, more: dict[str, Any], says: str
) -> None:
    use(stack, bind, **more)
    run = stack.pulumi("up", "--yes", "--skip-preview")
    assert run.code != 0
    assert [line for line in run.errors if says in line], run.text
    assert "Traceback" not in run.text
    assert stack.writes() == []


def test_a_wrong_secret_and_a_readable_one_are_told_apart(stack: Stack, bind: Bind) -> None:
    use(stack, bind)
    stack.secret("mta-sts:dns.keySecret", "d3Jvbmc=")
    assert f"it has another secret for the key {KEY}; correct keySecret" in stack.pulumi("preview").text
    stack.reconfigure(**{"mta-sts:dns": {**bind.config(), "keySecret": bind.secret}})
    run = stack.pulumi("preview")
    assert "mta-sts:dns.keySecret: stands in the stack's file for all to read" in run.text
    assert bind.secret not in run.text


def test_the_second_server_is_asked_where_the_first_is_silent(stack: Stack, bind: Bind) -> None:
    use(stack, bind, servers=["127.0.0.1:1", bind.address])
    stack.up(settled=True)
    assert stack.senders("example.org")["example.org"]["postfix"] == "VALID"


@pytest.mark.parametrize(
    ("dns", "says"),
    [
        ({"host": "nosuchhost", "options": {}}, "host 'nosuchhost' is not known to Lexicon"),
        pytest.param({"host": "route53", "options": {}}, "Lexicon needs another package for route53: pip install 'dns-lexicon[route53]'", marks=pytest.mark.heavy),
        pytest.param({"host": "powerdns", "options": {"pdns_sever": "x"}}, "pdns_sever: is no option of this host; Lexicon's are auth_token, pdns_disable", marks=pytest.mark.heavy),
        ({"host": "cloudflare", "options": {"auth_token": "readable"}}, "stands in the stack's file for all to read"),
    ],
)  # fmt: skip
def test_a_mistake_with_lexicon_is_one_line(stack: Stack, dns: dict[str, Any], says: str) -> None:
    stack.configure(TESTING, **{"mta-sts:dns": {"provider": "lexicon", "zone": "example.org", **dns}})
    run = stack.pulumi("preview")
    assert run.code != 0
    assert says in run.text, run.text
    assert "Traceback" not in run.text


def test_one_record_speaks_for_every_domain_that_is_delegated_to_it(stack: Stack) -> None:
    customers = ["example.org", {"name": "example.net", "delegateTo": "example.org"}]
    other = {**TESTING, "name": "more", "domains": [{"name": "example.com", "delegateTo": "example.org"}]}
    stack.configure({**TESTING, "domains": customers}, other)
    stack.up()
    found = stack.senders("example.org", "example.net", "example.com")
    assert {each["postfix"] for each in found.values()} == {"VALID"}
    first = stack.last()
    stack.configure({**TESTING, "domains": customers, "maxAge": 1000}, {**other, "maxAge": 1000})
    stack.up(settled=True)
    assert [each for each in stack.writes(first) if "/_mta-sts" in each] == ["PUT TXT/_mta-sts"]
    log = [line for line in stack.sandbox.log(first) if line["service"] in ("site", "arm")]
    published = next(
        line["id"] for line in log if line["method"] == "PUT" and line["path"].endswith("TXT/_mta-sts")
    )
    for domain in ("example.org", "example.net", "example.com"):
        served = [line for line in log if line["host"] == f"mta-sts.{domain}" and line["id"] < published]
        assert len({line["detail"] for line in served[-16:]}) == 1
        assert served[-1]["status"] == 200
    assert stack.pulumi("destroy", "--yes", "--skip-preview").code == 0


def test_a_zone_in_another_subscription(stack: Stack) -> None:
    other = "11111111-2222-3333-4444-555555555555"
    stack.zones("example.info", "--resource-group", "theirs", "--subscription", other)
    stack.configure(
        {**TESTING, "domains": ["example.info"]},
        **{"mta-sts:dns": {"provider": "azure", "resourceGroup": "theirs", "subscription": other}},
    )
    stack.up(settled=True)
    assert stack.senders("example.info")["example.info"]["postfix"] == "VALID"
    assert stack.pulumi("destroy", "--yes", "--skip-preview").code == 0


def test_a_record_of_somebody_else_in_azure_dns_is_named_in_the_preview(stack: Stack) -> None:
    zone = "/resourceGroups/dns/providers/Microsoft.Network/dnsZones/example.org"
    theirs = {"properties": {"TTL": 300, "TXTRecords": [{"value": ["v=STSv1; id=theirs;"]}]}}
    stack.arm("PUT", f"{zone}/TXT/_mta-sts", theirs)
    preview = stack.pulumi("preview")
    assert preview.code == 0, preview.text
    assert "_mta-sts.example.org has other records already, which this stack didn't make: TXT v=STSv1; id=theirs;" in preview.text  # fmt: skip
    up = stack.pulumi("up", "--yes", "--skip-preview")
    assert up.code != 0
    assert stack.sandbox.state.get(f"/subscriptions/{stack.environment['ARM_SUBSCRIPTION_ID']}{zone}/TXT/_mta-sts")["properties"]["TXTRecords"] == theirs["properties"]["TXTRecords"]  # type: ignore[index]  # fmt: skip
