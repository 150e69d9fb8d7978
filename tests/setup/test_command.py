"""The command line: one line for what can't be, the order of what must be mended, and nobody's text or secret let through."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import pytest
from domains.staged import mail_servers
from harness import ROOT
from internet_servers import answered, name_server
from security.test_shown import assert_harmless
from security.texts import TEXTS

from checks.finding import Finding, Level
from sandbox.control import Sandbox
from setup.local_internet import address, microsoft, mx, person, zone
from setup.web import graph, hosts
from tools import get_engine
from tools.setup import moving, tell
from tools.setup.__main__ import Setup as Setup_
from tools.setup.__main__ import main, parser
from tools.setup.engine import Engine
from tools.setup.look import Seen
from zones import Served

Setup = Callable[..., tuple[int, str, str]]
TOKEN = "token-0123456789"
PULUMI = f"""#!{sys.executable}
import json, os, sys
given = sys.stdin.read() if "--secret" in sys.argv else ""
open(os.environ["CALLS"], "a").write(json.dumps([sys.argv[1:], given, dict(os.environ)]) + "\\n")
if sys.argv[1] == "version": print("v{get_engine.VERSION}")
elif sys.argv[1] == "whoami": print(json.dumps({{"url": "file://~"}}))
elif sys.argv[1] == "preview": print(json.dumps({{"changeSummary": {{"create": 3}}, "diagnostics": []}}))
elif sys.argv[1:3] == ["stack", "select"]: sys.exit(1)
"""


@dataclass
class Local:
    """The local internet, and a project's folder."""

    sandbox: Sandbox
    folder: Path
    port: int
    calls: Path

    def pulumi(self) -> list[Any]:
        """What was asked of Pulumi: arguments, standard input, environment."""
        return [json.loads(line) for line in self.calls.read_text().splitlines()] if self.calls.exists() else []

    @property
    def files(self) -> set[str]:
        return {path.name for path in self.folder.iterdir()}


@pytest.fixture(scope="module")
def internet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Sandbox, int]]:
    with Sandbox(tmp_path_factory.mktemp("internet")) as sandbox, mail_servers(sandbox) as port:
        microsoft(sandbox, "good-example")
        zone(sandbox, "good.example", mx("good-example.mail.protection.outlook.com"), group="dns")
        zone(sandbox, "www.example", {"A/@": address(), "A/a": address()})
        yield sandbox, port


@pytest.fixture
def local(internet: tuple[Sandbox, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Local:
    sandbox, port = internet
    folder, programs = tmp_path / "project", tmp_path / "bin"
    folder.mkdir()
    programs.mkdir()
    (folder / "Pulumi.yaml").write_text("name: mta-sts\nruntime: python\n")
    for name in ("pulumi", "pulumi-language-python"):
        (programs / name).write_text(PULUMI)
        (programs / name).chmod(stat.S_IRWXU)
    for name, value in sandbox.env().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    monkeypatch.chdir(folder)
    return Local(sandbox, folder, port, tmp_path / "calls")


@pytest.fixture
def setup(local: Local, capsys: pytest.CaptureFixture[str]) -> Setup:
    def run(*arguments: str) -> tuple[int, str, str]:
        code = main([*arguments, "--smtp-port", str(local.port)])
        return (code, *capsys.readouterr())

    return run


BAD: dict[str, tuple[tuple[str, ...], str]] = {
    "no domain": ((), "name a domain: python -m tools.setup example.org"),
    "a scheme": (("https://good.example",), "write the name alone, without the scheme"),
    "an unknown option": (("good.example", "--fast"), "unrecognized arguments: --fast (--help says what there is)"),
    "one that doesn't exist": (("nothing.test", "--yes"), "nothing.test does not exist in DNS; is it spelled so"),
    "one without MX": (("www.example", "--yes"), "www.example has no MX record, so no mail server that a policy could"),
    "a host in a domain": (("a.www.example", "--yes"), "it lies in www.example: did you mean that?"),
    "a bad stack": (("good.example", "--stack", "a b"), "--stack 'a b': a stack's name has letters"),
    "a bad region": (("good.example", "--yes", "--location", "mars"), "'mars' has no Static Web Apps; choose one of"),
    "an unknown DNS host": (("good.example", "--yes", "--dns", "nowhere"), "--dns 'nowhere' is not known; docs/dns.md"),
    "a host that needs more": (("good.example", "--yes", "--dns", "route53"), "first pip install 'dns-lexicon[route53]'"),
    "a secret that isn't given": (("good.example", "--yes", "--dns", "cloudflare"), "give it by --credentials FILE"),
    "bad reports": (("good.example", "--yes", "--reports", "ftp://x"), "must be mailto:name@domain or https://"),
    "a bad resolver": (("good.example", "--resolver", "x"), "--resolver: 'x' must be an address"),
    "no CSV file": (("--csv", "none.csv"), "--csv none.csv: No such file or directory"),
    "no terminal": (("good.example",), "there is no terminal to ask at"),
    "a bad key": (("good.example", "--dns-set", "x"), "--dns-set 'x' must be NAME=VALUE"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_can_not_be_is_one_line_with_the_way_out_and_nothing_is_written(
    name: str, local: Local, setup: Setup
) -> None:
    arguments, words = BAD[name]
    code, _, told = setup(*arguments)
    assert code == 64
    assert words in told
    assert told.startswith("setup: ")
    assert told.count("\n") == 1
    assert local.files == {"Pulumi.yaml"}
    assert all(call[0][0] in ("version", "whoami") for call in local.pulumi())


def test_without_a_network_it_says_so(local: Local, setup: Setup) -> None:
    code, _, told = setup("good.example", "--yes", "--resolver", "127.0.0.1:9")
    assert code == 64
    assert told.count("\n") == 1
    assert "DNS gives no answer for good.example" in told
    assert "is the network there?" in told
    assert local.files == {"Pulumi.yaml"}


def test_without_a_sign_in_it_says_so(local: Local, setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ARM_CLIENT_ID", "ARM_CLIENT_SECRET", "ARM_TENANT_ID", "ARM_SUBSCRIPTION_ID"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("PATH", str(local.folder))
    code, _, told = setup("good.example", "--yes")
    assert code == 64
    assert told.count("\n") == 1
    assert "sign in with `az login`" in told
    assert local.files == {"Pulumi.yaml"}


def test_elsewhere_than_in_the_project_it_says_so(
    setup: Setup, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "run this in the project's folder" in setup("good.example", "--yes")[2]


def test_a_file_that_is_there_is_extended_only_when_somebody_says_so(local: Local, setup: Setup) -> None:
    file = local.folder / "Pulumi.prod.yaml"
    file.write_text("# ours\n")
    code, out, told = setup("good.example", "--reports", "none")
    assert (code, file.read_text()) == (64, "# ours\n")
    assert "+ " in out
    assert "Answer by --yes" in told
    code, out, _ = setup("good.example", "--reports", "none", "--yes")
    assert code == 0
    assert file.read_text().startswith("# ours\nconfig:\n")
    once = file.read_text()
    code, out, _ = setup("good.example", "--yes")
    assert (code, file.read_text()) == (0, once)
    assert "Pulumi.prod.yaml is right as it is" in out


def test_capitals_and_other_scripts_are_converted(local: Local, setup: Setup) -> None:
    zone(local.sandbox, "xn--bcher-kva.example", mx("good-example.mail.protection.outlook.com"))
    code, out, _ = setup("BÜCHER.example", "--yes", "--dns", "manual")
    assert code == 0
    assert "BÜCHER.example stands in DNS as xn--bcher-kva.example" in out
    assert "domains: [xn--bcher-kva.example]" in (local.folder / "Pulumi.prod.yaml").read_text()


MEND: dict[str, tuple[dict[str, Any], list[str]]] = {
    "a domain that takes no mail": ({"MX/@": [{"preference": 0, "exchange": "."}]}, ["says that it takes no mail (RFC 7505)"]),
    "a server without TLS": ({**mx("a.bad.example"), "A/a": address("no STARTTLS")}, ["offers no STARTTLS: switch TLS on"]),
    "an expired certificate": ({**mx("a.bad.example"), "A/a": address("expired")}, ["its certificate is not valid: certificate has expired: give it a certificate"]),
    "old TLS": ({**mx("a.bad.example"), "A/a": address("TLS 1.1")}, ["speaks TLSv1.1 at most"]),
    "several things": (
        {**mx("a.bad.example", "b.bad.example"), "A/a": address("wrong name"), "A/b": address("no STARTTLS"),
         "CAA/@": [{"flags": 0, "tag": "issue", "value": "letsencrypt.org"}]},
        ["a.bad.example its certificate", "b.bad.example offers no STARTTLS", 'Add the record 0 issue "digicert.com"'],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MEND)
def test_a_domain_that_is_not_ready_is_told_what_to_mend_in_which_order(
    name: str, local: Local, setup: Setup
) -> None:
    sets, wanted = MEND[name]
    local.sandbox.state.delete("/subscriptions/somebody-else/resourceGroups/elsewhere/providers/Microsoft.Network/dnszones/bad.example")  # fmt: skip
    zone(local.sandbox, "bad.example", {"CAA/@": [], **sets})
    code, out, _ = setup("bad.example", "--yes")
    assert code == 2
    told = " ".join(out.split()).partition("in this order, then run this again:")[2]
    places = [told.find(f"{number}. ") for number in range(1, len(wanted) + 1)]
    assert -1 not in places
    for number, words in enumerate(wanted):
        assert words in told[places[number] :].split(f" {number + 2}. ")[0], told
    assert local.files == {"Pulumi.yaml"}


def test_a_mail_server_that_can_not_be_reached_is_not_taken_for_broken(local: Local, setup: Setup) -> None:
    zone(local.sandbox, "closed.example", {**mx("a.closed.example"), "A/a": address("closed")})
    code, out, _ = setup("closed.example", "--yes", "--dns", "manual")
    assert code == 0
    assert "1 not checked" in out
    assert "Outgoing port 25 is often blocked" in " ".join(out.split())


def test_a_policy_that_is_served_elsewhere_is_written_down_as_it_is_with_the_order_to_move_it(local: Local, setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    policy = b"version: STSv1\r\nmode: enforce\r\nmx: mail.moves.example\r\nmax_age: 86400\r\n"
    sets = {**mx("mail.moves.example"), "A/mail": address(), "TXT/_mta-sts": [{"value": ["v=STSv1; id=1;"]}], "CNAME/mta-sts": {"cname": "moves.pages.dev"}}  # fmt: skip
    zone(local.sandbox, "pages.dev", {"A/moves": [{"ipv4Address": "127.0.0.1"}]})
    zone(local.sandbox, "moves.example", sets, group="dns", ttl=3600)
    with hosts(local.sandbox, {"mta-sts.moves.example": lambda *_: policy}) as proxy:
        for name in ("HTTPS_PROXY", "https_proxy"):
            monkeypatch.setenv(name, proxy)
        code, out, told = setup("moves.example", "--yes")
        by_hand = " ".join(setup("moves.example", "--yes", "--dns", "manual", "--stack", "hand")[1].split())
    assert code == 0, told
    steps = " ".join(out.split())
    assert "now MTA-STS by Cloudflare Pages, mode enforce" in steps
    places = [steps.index(words) for words in ("lower the TTL of mta-sts.moves.example from 3600", "`python -m tools.recover` in place of `pulumi up`", "keep the old host a week longer")]  # fmt: skip
    assert places == sorted(places)
    assert "`pulumi up`; change mta-sts.moves.example when it asks for that" in by_hand
    text = (local.folder / "Pulumi.prod.yaml").read_text()
    for line in (
        "mode: enforce # as it is served now",
        "maxAge: 86400 #",
        "mx: [mail.moves.example] # as it is served",
    ):
        assert line in text


def test_a_site_that_was_made_by_hand_is_taken_over_in_its_own_group_and_region(
    local: Local, setup: Setup
) -> None:
    site = {"id": f"/subscriptions/{local.sandbox.state.setting('subscription')}/resourceGroups/rg-by-hand/providers/Microsoft.Web/staticSites/s",
            "name": "s", "type": "Microsoft.Web/staticSites", "location": "East US 2", "sku": {"name": "Free"},
            "properties": {"defaultHostname": "by-hand.7.azurestaticapps.net", "provider": "SwaCli"}}  # fmt: skip
    local.sandbox.state.put(site)
    sets = {
        **mx("good-example.mail.protection.outlook.com"),
        "CNAME/mta-sts": {"cname": "by-hand.7.azurestaticapps.net"},
    }
    zone(local.sandbox, "byhand.example", sets, group="dns")
    try:
        code, out, told = setup("byhand.example", "--yes")
    finally:
        local.sandbox.state.delete(site["id"])
    assert code == 0, told
    text = (local.folder / "Pulumi.prod.yaml").read_text()
    assert "mta-sts:resourceGroup: rg-by-hand # of the site that serves the policy now" in text
    assert "azure-native:location: eastus2" in text
    assert "`python -m tools.recover` in place of `pulumi up`: the app in the resource group rg-by-hand" in out


def test_another_look_at_a_domain_that_stands_there_adds_the_new_name_of_microsofts(
    local: Local, setup: Setup
) -> None:
    zone(local.sandbox, "h-v1.mx.microsoft", {"A/both-example": address()})
    zone(
        local.sandbox,
        "both.example",
        mx("good-example.mail.protection.outlook.com", "both-example.h-v1.mx.microsoft"),
    )
    file = local.folder / "Pulumi.prod.yaml"
    file.write_text(
        "config:\n  azure-native:location: westeurope\n  mta-sts:dns: {provider: manual}\n  mta-sts:policies:\n"
        "    - name: main\n      mode: enforce # since March\n      mx:\n        - '*.mail.protection.outlook.com'\n"
        "      domains: [both.example]\n"
    )
    before = file.read_text().splitlines()
    assert setup("both.example", "--yes")[0] == 0
    after = file.read_text().splitlines()
    assert [line for line in after if line not in before] == ["        - '*.h-v1.mx.microsoft' # Microsoft 365"]
    assert [line for line in after if line in before] == before


def test_json_says_what_was_found_and_writes_nothing(local: Local, setup: Setup) -> None:
    code, out, _ = setup("good.example", "nothing.test", "--json")
    assert code == 2
    found = json.loads(out)
    good, nothing = found["domains"]
    assert (good["mail"], good["dnsHost"], good["dnssec"]) == (["Microsoft 365"], "Azure DNS", "not signed")
    assert nothing["wrong"].startswith("nothing.test does not exist")
    assert found["azure"]["zones"] == {"good.example": {"group": "dns", "subscription": ""}}
    assert local.files == {"Pulumi.yaml"}


def test_names_about_to_be_made_are_asked_at_the_zones_own_servers_alone(local: Local, setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    from checks import look

    resolved: list[str] = []
    lookup = look.dns_view.lookup
    monkeypatch.setattr(look.dns_view, "lookup", lambda view, name, kind: resolved.append(name) or lookup(view, name, kind))  # fmt: skip
    setup("good.example", "--json")
    assert "good.example" in resolved
    assert not [name for name in resolved if "mta-sts" in name or "_tls" in name]


def test_secrets_go_to_pulumi_on_standard_input_and_nowhere_else(local: Local, setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE")
    given = local.folder.parent / "given"
    given.write_text(f"# from the vault\nauth_token = {TOKEN}\npassphrase=correct horse\n")
    code, out, told = setup("good.example", "--yes", "--dns", "cloudflare", "--credentials", str(given))
    assert code == 0, told
    calls = [(arguments, stdin) for arguments, stdin, _ in local.pulumi()]
    assert (["config", "set", "--secret", "--path", "mta-sts:dns.options.auth_token", "--stack", "prod", "--non-interactive"], TOKEN) in calls  # fmt: skip
    assert not any(TOKEN in text or "horse" in text for arguments, _ in calls for text in arguments)
    everywhere = out + told + "".join(path.read_text() for path in local.folder.iterdir())
    assert TOKEN not in everywhere
    assert "horse" not in everywhere
    assert "export PULUMI_CONFIG_PASSPHRASE; pulumi up --stack prod" in " ".join(out.split())


def test_a_credential_that_stands_there_is_not_asked_for_again(local: Local, setup: Setup) -> None:
    file = local.folder / "Pulumi.prod.yaml"
    file.write_text(
        "config:\n  azure-native:location: westeurope\n  mta-sts:dns:\n    provider: lexicon\n    host: cloudflare\n"
        "    options:\n      auth_token:\n        secure: v1:x\n  mta-sts:policies:\n    - name: main\n      mode: testing\n"
        "      mx: ['*.mail.protection.outlook.com']\n      domains: [other.example]\n"
    )
    code, _, told = setup("good.example", "--yes", "--dns", "cloudflare", "--reports", "none")
    assert code == 0, told
    assert "domains: [other.example, good.example]" in file.read_text()
    assert not [call for call in local.pulumi() if "--secret" in call[0]]


def test_a_run_that_was_stopped_before_it_encrypted_is_gone_on_with(local: Local, setup: Setup) -> None:
    given = local.folder.parent / "given"
    given.write_text(f"auth_token={TOKEN}\n")
    options = ("good.example", "--yes", "--dns", "cloudflare", "--reports", "none", "--credentials", str(given))
    assert setup(*options)[0] == 0
    local.calls.unlink()  # the stand-in encrypts nothing: it is as if the first run had got no further
    assert setup(*options)[0] == 0
    secrets = [call for call in local.pulumi() if "--secret" in call[0]]
    assert [(call[0][4], call[1]) for call in secrets] == [("mta-sts:dns.options.auth_token", TOKEN)]


def test_without_a_passphrase_and_a_terminal_it_says_which_is_needed(local: Local, setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE")
    code, _, told = setup("good.example", "--yes")
    assert code == 64
    assert "or set PULUMI_CONFIG_PASSPHRASE" in told
    assert local.files == {"Pulumi.yaml"}


DNSSEC = {
    ("signed.example", "MX"): ("10 mx.signed.example.",), ("signed.example", "NS"): ("ns.signed.example.",),
    ("signed.example", "SOA"): ("ns.signed.example. a.signed.example. 1 3600 300 86400 300",),
    ("mx.signed.example", "A"): ("127.0.0.2",), ("ns.signed.example", "A"): ("127.0.0.1",),
}  # fmt: skip


def test_a_zone_that_a_resolver_refuses_is_told_as_broken_dnssec(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(data: bytes, _: bool) -> bytes:
        query = dns.message.from_wire(data)
        assert isinstance(query, dns.message.QueryMessage)
        response = answered(query, DNSSEC)
        if not query.flags & dns.flags.CD:
            response = dns.message.make_response(query)
            response.set_rcode(dns.rcode.SERVFAIL)
        return response.to_wire()

    with name_server(answer) as port:
        for name in ("MTA_STS_RESOLVER", "MTA_STS_NAMESERVERS"):
            monkeypatch.setenv(name, f"127.0.0.1:{port}")
        code, out, told = setup("signed.example", "--yes")
    assert (code, told) == (2, "")
    assert "1. DNSSEC of signed.example is broken (the resolver refuses its answers" in " ".join(out.split())


def test_an_answer_that_pulumi_refuses_is_one_line(local: Local) -> None:
    script = Path(os.environ["PATH"].partition(os.pathsep)[0], "pulumi")
    script.write_text(
        PULUMI + "elif sys.argv[1] == 'config': print('error: no\\nmore', file=sys.stderr); sys.exit(1)\n"
    )
    engine = Engine(local.folder, "prod")
    with pytest.raises(Exception, match="pulumi config set --secret --path 'k': no$"):
        engine.encrypt("k", TOKEN)


def test_interrupted_at_a_question_it_stops_with_nothing_written(local: Local) -> None:
    command = (sys.executable, "-m", "tools.setup", "good.example", "--smtp-port", str(local.port))
    session = person(command, {"Failure reports": "\x03"}, local.folder, {**os.environ, "PYTHONPATH": str(ROOT)})
    assert session.code == 130
    assert session.text.strip().endswith("setup: stopped")
    assert local.files == {"Pulumi.yaml"}


def test_help_needs_nothing() -> None:
    run = subprocess.run([sys.executable, "-m", "tools.setup", "--help"], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0
    assert "at most five questions" in " ".join(run.stdout.split())


@pytest.mark.parametrize("name", TEXTS)
def test_what_strangers_wrote_is_shown_as_nothing_but_text(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = TEXTS[name]
    seen = Seen(
        text, mx=(text,), served=Served(text, (text,)), record=(text,), record_at=text, policy_at=text, alias=text,
        report_to=(text,), mend=[text], notes=[text], servers=(Finding(text, Level.FAIL, text),),
    )  # fmt: skip
    run = Setup_(parser().parse_args(["good.example"]))
    for line in (*tell.found([seen]), *tell.to_mend([seen]), *moving.steps(seen, "azure", None)):
        run.say(line)
    assert_harmless(capsys.readouterr().out)


def test_records_of_strangers_pass_through_the_whole_command(local: Local, setup: Setup) -> None:
    text = TEXTS["clears the screen"] + TEXTS["sets a variable"]
    sets = {"TXT/_mta-sts": [{"value": [f"v=STSv1; id={text}"]}], "TXT/_smtp._tls": [{"value": [f"v=TLSRPTv1; rua=mailto:{text}"]}],
            **mx("good-example.mail.protection.outlook.com"), "CNAME/mta-sts": {"cname": "\\027[2J##vso[x]y.evil.example."}}  # fmt: skip
    zone(local.sandbox, "evil.example", sets)
    code, out, told = setup("evil.example", "--yes", "--dns", "manual")
    assert code == 0, told
    assert_harmless(out + told)
    assert_harmless((local.folder / "Pulumi.prod.yaml").read_text())


def test_mail_servers_with_names_that_are_none_are_refused(local: Local, setup: Setup) -> None:
    for host in ("\\010\\027[2Jx.evil.example", "#.evil.example", 'a\\"b.evil.example', "x: y.evil.example"):
        zone(local.sandbox, "evil2.example", mx(host.replace(" ", "\\032")))
        code, out, told = setup("evil2.example", "--yes", "--dns", "manual")
        assert code in (2, 64), out
        assert_harmless(out + told)
        assert local.files == {"Pulumi.yaml"}


def test_all_domains_of_microsoft_365_in_several_pages(local: Local, setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    from tools.setup import names

    class Signed:
        def get_token(self, *_: str, **__: Any) -> Any:
            from azure.core.credentials import AccessToken

            return AccessToken("graph", 2**31)

    def domain(name: str, verified: bool = True, *services: str) -> dict[str, Any]:
        return {"id": name, "isVerified": verified, "supportedServices": list(services or ("Email",))}

    pages = (
        [domain("good.example"), domain("contoso.onmicrosoft.com"), domain("late.example", False)],
        [
            domain("chat.example", True, "OfficeCommunicationsOnline"),
            domain("two.example"),
            domain("three.example"),
        ],
    )
    for name in ("two.example", "three.example"):
        zone(local.sandbox, name, mx("good-example.mail.protection.outlook.com"), group="dns")
    monkeypatch.setattr(
        names.azure, "signed_in", names.azure.credential
    )  # Azure itself keeps its own, and no other
    monkeypatch.setattr(names.azure, "credential", Signed)
    with hosts(local.sandbox, {"graph.microsoft.com": graph(*pages)}) as proxy:
        for name in ("HTTPS_PROXY", "https_proxy"):
            monkeypatch.setenv(name, proxy)
        code, out, told = setup("--microsoft365", "--yes")
    assert code == 0, told
    text = (local.folder / "Pulumi.prod.yaml").read_text()
    assert "domains: [good.example, two.example]" in text
    assert "domains: [three.example]" in text
    assert "2 Static Web Apps, Free: $0 a month" in out
