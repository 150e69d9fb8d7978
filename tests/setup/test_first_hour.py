"""From a clone to a stack file that `pulumi preview` accepts, by somebody with a domain at each of five DNS hosts."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from domains.staged import mail_servers
from harness import ROOT, Stack
from name_servers import Bind, NameServer, PowerDns

from setup.local_internet import AZURE, Session, address, microsoft, mx, person, zone
from setup.web import cloudflare, hosts

COMMANDS = ("git clone …/mta-sts", "cd mta-sts", "make setup DOMAIN=example.org")
REPORTS, WRITE = "Failure reports", "Passphrase"
PHRASE = "correct horse"
TOKEN = "cloudflare-token-0123456789"


class FirstHour:
    """The local internet, and the folder that was cloned."""

    def __init__(self, stack: Stack, port: int, proxy: str) -> None:
        self.stack, self.port, self.proxy = stack, port, proxy

    def run(self, domain: str, answers: Mapping[str, str], server: NameServer | None = None) -> Session:
        env = {
            **self.stack.environment,
            "PYTHONPATH": str(ROOT),
            "HTTPS_PROXY": self.proxy,
            "https_proxy": self.proxy,
        }
        del env["PULUMI_CONFIG_PASSPHRASE"]  # nobody has set one before the first hour
        if server:
            env["MTA_STS_NAMESERVERS"] = server.address
        name = domain.replace(".", "-")
        options = ("--stack", name, "--smtp-port", str(self.port))
        command = (sys.executable, "-m", "tools.setup", domain, *options)
        session = person(command, answers, self.stack.project, env)
        assert session.code == 0, session.text
        assert "preview: " in session.text
        assert PHRASE not in session.text
        assert f"pulumi up --stack {name}" in " ".join(session.text.split())
        assert session.questions == list(answers)
        assert len(COMMANDS) <= 3
        assert len(session.questions) <= 5
        assert session.lines <= 24, session.text
        print(f"{domain}: {len(COMMANDS)} commands, {len(session.questions)} questions, {session.lines} lines")
        return session

    def file(self, domain: str) -> str:
        return (self.stack.project / f"Pulumi.{domain.replace('.', '-')}.yaml").read_text()


@pytest.fixture(scope="module")
def hour(tmp_path_factory: pytest.TempPathFactory, engine: str) -> Iterator[FirstHour]:
    stack = Stack(tmp_path_factory.mktemp("hour"), engine)
    answers = {"api.cloudflare.com": cloudflare("cloudflare.example", TOKEN)}
    with stack.sandbox as sandbox, mail_servers(sandbox) as port, hosts(sandbox, answers) as proxy:
        microsoft(sandbox, "azure-example")
        zone(sandbox, "google.com", {"A/smtp": address()})
        yield FirstHour(stack, port, proxy)


def own(hour: FirstHour, server: NameServer, name: str) -> None:
    """A zone on a server of one's own, with a mail server that works."""
    hour.stack.sandbox.state.set(f"served-elsewhere {name}", server.address)
    server.put(f"mail.{name}", "A", address()[0]["ipv4Address"])


def test_the_command_is_the_one_that_make_runs() -> None:
    assert "\t$(PY) -m tools.setup $(DOMAIN) $(ARGS)\n" in (ROOT / "Makefile").read_text()


def test_at_azure_dns(hour: FirstHour) -> None:
    zone(hour.stack.sandbox, "azure.example", mx("azure-example.mail.protection.outlook.com"), AZURE, "dns")
    session = hour.run("azure.example", {REPORTS: "", WRITE: PHRASE})
    assert "Microsoft 365; 1 server, TLS and certificate in order" in session.text
    assert 'mx: ["*.mail.protection.outlook.com"] # Microsoft 365' in hour.file("azure.example")


def test_at_cloudflare(hour: FirstHour) -> None:
    servers = ("amy.ns.cloudflare.com", "bob.ns.cloudflare.com")
    zone(hour.stack.sandbox, "cloudflare.example", mx("smtp.google.com"), servers)
    session = hour.run("cloudflare.example", {"Cloudflare: API token": TOKEN, REPORTS: "none", WRITE: PHRASE})
    assert TOKEN not in session.text
    text = hour.file("cloudflare.example")
    assert TOKEN not in text
    assert "auth_token:\n        secure: v1:" in text


def test_on_a_bind_of_ones_own(hour: FirstHour, tmp_path: Path) -> None:
    with Bind(tmp_path / "bind", "bind.example") as server:
        own(hour, server, "bind.example")
        key = f"updates:{server.secret}"
        answers = {"DNS of": "rfc2136", "TSIG key": key, REPORTS: "tls@bind.example", WRITE: PHRASE}
        session = hour.run("bind.example", answers, server)
        assert server.secret not in session.text
        assert server.secret not in hour.file("bind.example")


def test_on_powerdns_by_its_api(hour: FirstHour, tmp_path: Path) -> None:
    with PowerDns(tmp_path / "powerdns", "power.example") as server:
        assert isinstance(server, PowerDns)
        own(hour, server, "power.example")
        api = f"http://127.0.0.1:{server.http}"
        answers = {
            "DNS of": "powerdns",
            "API's address": api,
            "API key": server.secret,
            REPORTS: "",
            WRITE: PHRASE,
        }
        session = hour.run("power.example", answers, server)
        assert server.secret not in session.text


def test_at_a_host_that_nobody_knows(hour: FirstHour) -> None:
    sets = {**mx("mail.manual.example"), "A/mail": address()}
    zone(hour.stack.sandbox, "manual.example", sets, ("ns1.registrar.example", "ns2.registrar.example"))
    hour.run("manual.example", {"DNS of": "", REPORTS: "", WRITE: PHRASE})
    assert "provider: manual" in hour.file("manual.example")
