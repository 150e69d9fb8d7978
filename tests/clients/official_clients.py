"""Microsoft's own command lines, unmodified, on the local Azure: azure-cli and @azure/static-web-apps-cli.

They are large, so they are installed once, into ~/.cache/mta-sts/clients, and this file runs by itself only:
`python -m pytest tests/clients/official_clients.py`. Without PyPI or npm it is skipped and says why.
"""

import fcntl
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from contract_tools import fetch
from harness import TESTING, Stack

from sandbox.control import Sandbox

ROOT = Path(__file__).parents[2]
AZURE_CLI, SWA_CLI = "azure-cli==2.91.0", "@azure/static-web-apps-cli@2.0.10"
OUTSIDE = dict(os.environ)  # before anything leads to the local Azure
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mta-sts" / "clients"


def installed(name: str, *commands: list[str]) -> Path:
    """A folder that these commands have filled, once; `{}` in them stands for it."""
    folder = CACHE / name.removeprefix("@").replace("/", "-").replace("==", "-").replace("@", "-")
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ready = folder / ".ready"
        if not ready.exists():
            shutil.rmtree(folder, ignore_errors=True)
            for command in commands:
                words = [word.replace("{}", str(folder)) for word in command]
                try:
                    run = subprocess.run(words, env=OUTSIDE, capture_output=True, text=True)
                except FileNotFoundError:
                    pytest.skip(f"{words[0]} isn't installed, so {name} can't be")
                if run.returncode:
                    pytest.skip(f"{name} can't be installed: {(run.stderr.strip().splitlines() or ['?'])[-1]}")
            ready.touch()
    return folder


class Clients:
    """The command lines, in the environment that `python -m sandbox env` gives and a home of their own."""

    def __init__(self, sandbox: Sandbox, home: Path) -> None:
        self.sandbox = sandbox
        self.environment = {
            **os.environ,
            **sandbox.env(),
            "HOME": str(home),
            "AZURE_CONFIG_DIR": str(home / "azure"),
            "AZURE_CORE_COLLECT_TELEMETRY": "false",
            "AZURE_CORE_NO_COLOR": "true",
        }
        self.azure_cli = installed(
            AZURE_CLI, [sys.executable, "-m", "venv", "{}"], ["{}/bin/pip", "install", "--quiet", AZURE_CLI]
        )

    def run(self, *command: str, **more: str) -> subprocess.CompletedProcess[str]:
        environment = {**self.environment, **more}
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)

    def az(self, *arguments: str) -> Any:
        """What an `az` command says, as JSON where it is; it must succeed, and warn of nothing that it can't do."""
        run = self.run(str(self.azure_cli / "bin" / "az"), *arguments)
        assert run.returncode == 0, f"az {shlex.join(arguments)}: {run.stderr}"
        try:
            return json.loads(run.stdout)
        except ValueError:
            return run.stdout.strip()

    def sign_in(self) -> Any:
        """The secret comes from a file, as az allows for any argument."""
        who, secret = self.environment, Path(self.environment["HOME"]) / "secret"
        secret.touch(mode=0o600)
        secret.write_text(who["ARM_CLIENT_SECRET"])
        return self.az("login", "--service-principal", "--username", who["ARM_CLIENT_ID"], "--password", f"@{secret}",
                       "--tenant", who["ARM_TENANT_ID"])  # fmt: skip


@pytest.fixture
def clients(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Clients]:
    """Signed in, with a site, a zone and a second group."""
    home = tmp_path / "home"
    home.mkdir()
    with Sandbox(tmp_path / "sandbox") as sandbox:
        made = Clients(sandbox, home)
        for name in ("HTTPS_PROXY", "SSL_CERT_FILE", "MTA_STS_RESOLVER"):
            monkeypatch.setenv(name, made.environment[name])
        made.sign_in()
        for group in ("rg", "other"):
            made.az("group", "create", "-n", group, "-l", "westeurope")
        made.az("staticwebapp", "create", "-n", "site", "-g", "rg", "-l", "westeurope")
        made.az("network", "dns", "zone", "create", "-g", "rg", "-n", "example.org")
        yield made


# What the docs leave out of a command, by its words; and what their placeholders stand for.
REST = {
    "staticwebapp show": ["-n", "site"],
    "staticwebapp disconnect": ["-n", "site"],
    "resource move": ["--destination-group", "other", "--ids", "{zone}"],
    "network dns zone create": ["-g", "other", "-n", "example.net"],
    "provider register": ["-n", "Microsoft.Web"],
    "role assignment create": ["--role", "Storage Blob Data Contributor", "--scope", "/subscriptions/{subscription}",
                               "--assignee-object-id", "{who}", "--assignee-principal-type", "ServicePrincipal"],
    "logout": [],
}  # fmt: skip
PLACEHOLDERS = {"SITE": "site", "GROUP": "rg", "rg-mta-sts": "rg", "HOST": "mta-sts.example.org"}


def named() -> dict[str, list[str]]:
    """Every az command in code in the docs: as it stands there, and its arguments."""
    found: dict[str, list[str]] = {}
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        for line in path.read_text().splitlines():
            for code in [*re.findall(r"`([^`]+)`", line), *([line] if line.startswith("    ") else [])]:
                for text in re.findall(r"(?:^|\$\(|# |; )\s*az ([a-z][^)#`…;]*)", code):
                    words = shlex.split(text)
                    found[f"{path.name}: az {text.strip()}"] = [PLACEHOLDERS.get(word, word) for word in words]
    return found


def completed(arguments: list[str], **values: str) -> list[str]:
    """Arguments with what the docs leave out where they name a command alone."""
    if any(word.startswith("-") for word in arguments):
        return arguments
    rest = REST.get(" ".join(arguments))
    assert rest is not None, f"the docs name `az {' '.join(arguments)}`: say in REST what it takes"
    return [*arguments, *(word.format(**values) for word in rest)]


def test_every_az_command_that_the_docs_name_runs(clients: Clients) -> None:
    commands = named()
    assert len(commands) > 8, commands
    zone = clients.az("network", "dns", "zone", "show", "-g", "rg", "-n", "example.org")["id"]
    values = {"zone": zone, "who": clients.sandbox.state.setting("object"), "subscription": clients.environment["ARM_SUBSCRIPTION_ID"]}  # fmt: skip
    for arguments in commands.values():
        if arguments[0] == "login":
            clients.sign_in()
        elif arguments[:2] == ["account", "set"]:
            clients.az(*arguments, clients.environment["ARM_SUBSCRIPTION_ID"])
        elif arguments[:2] == ["group", "delete"]:  # which asks a person whether it shall
            clients.az("group", "create", "-n", arguments[-1], "-l", "westeurope")
            clients.az(*arguments, "--yes")
        else:
            clients.az(*completed(arguments, **values))


def test_az_manages_sites_domains_and_groups(clients: Clients) -> None:
    az = clients.az
    host = az("staticwebapp", "show", "-n", "site")["defaultHostname"]
    az(
        "network",
        "dns",
        "record-set",
        "cname",
        "set-record",
        "-g",
        "rg",
        "-z",
        "example.org",
        "-n",
        "www",
        "-c",
        host,
    )
    az("staticwebapp", "hostname", "set", "-n", "site", "--hostname", "www.example.org")
    assert [each["status"] for each in az("staticwebapp", "hostname", "list", "-n", "site")] == ["Ready"]
    updated = az("staticwebapp", "update", "-n", "site", "--sku", "Standard", "--tags", "a=b")
    assert (updated["sku"]["name"], updated["tags"]) == ("Standard", {"a": "b"})
    shown = az("staticwebapp", "show", "-n", "site", "-g", "RG")
    assert (shown["sku"]["name"], shown["tags"], shown["customDomains"]) == (
        "Standard",
        {"a": "b"},
        ["www.example.org"],
    )
    assert az("staticwebapp", "appsettings", "list", "-n", "site")["properties"] == {}
    assert [each["buildId"] for each in az("staticwebapp", "environment", "list", "-n", "site")] == ["default"]
    assert az("staticwebapp", "users", "list", "-n", "site") == []
    assert {each["type"] for each in az("resource", "list", "-g", "rg")} == {"Microsoft.Web/staticSites", "Microsoft.Network/dnszones"}  # fmt: skip
    assert az("resource", "show", "-g", "rg", "-n", "site", "--resource-type", "Microsoft.Web/staticSites")["id"] == shown["id"]  # fmt: skip
    az("staticwebapp", "hostname", "delete", "-n", "site", "--hostname", "www.example.org", "-y")
    az("staticwebapp", "delete", "-n", "site", "-y")
    assert az("staticwebapp", "list") == []
    assert az("group", "exists", "-n", "rg") is True
    az("group", "delete", "-n", "rg", "-y")
    assert az("group", "exists", "-n", "rg") is False


def test_az_manages_zones_and_records(clients: Clients) -> None:
    az, zone = clients.az, ("-g", "rg", "-z", "example.org")
    records = ("network", "dns", "record-set")
    az(*records, "txt", "add-record", *zone, "-n", "_mta-sts", "-v", "v=STSv1; id=1;")
    az(*records, "mx", "add-record", *zone, "-n", "@", "-e", "mail.example.org", "-p", "10")
    az(*records, "soa", "update", *zone, "--minimum-ttl", "60")
    assert [each["name"] for each in az(*records, "txt", "list", *zone)] == ["_mta-sts"]
    (listed,) = az("network", "dns", "zone", "list")
    assert listed["numberOfRecordSets"] == 4 == len(az(*records, "list", *zone))
    exported = az("network", "dns", "zone", "export", "-g", "rg", "-n", "example.org")
    assert re.search(r'_mta-sts 3600 IN TXT "v=STSv1; id=1;"', exported)
    assert re.search(r"60 ; minimum", exported)
    az(*records, "txt", "remove-record", *zone, "-n", "_mta-sts", "-v", "v=STSv1; id=1;")
    az("network", "dns", "zone", "delete", "-g", "rg", "-n", "example.org", "-y")


def test_az_knows_subscriptions_providers_regions_and_roles(clients: Clients) -> None:
    az = clients.az
    assert az("account", "show")["id"] == clients.environment["ARM_SUBSCRIPTION_ID"]
    assert "westeurope" in {each["name"] for each in az("account", "list-locations")}
    clients.sandbox.unregister("Microsoft.Web")
    assert az("provider", "show", "-n", "Microsoft.Web")["registrationState"] == "NotRegistered"
    az("provider", "register", "-n", "Microsoft.Web", "--wait")
    assert az("provider", "show", "-n", "Microsoft.Web")["registrationState"] == "Registered"
    assert az("role", "assignment", "list", "--all") == []
    assert "Contributor" in {each["roleName"] for each in az("role", "definition", "list")}


def test_az_makes_a_website_of_an_account_and_grants_the_role_that_its_blobs_take(
    clients: Clients, tmp_path: Path
) -> None:
    az, page = clients.az, tmp_path / "page"
    page.write_text("hello")
    assert az("storage", "account", "check-name", "-n", "contosomtasts")["nameAvailable"]
    account = az("storage", "account", "create", "-n", "contosomtasts", "-g", "rg", "-l", "westeurope", "--sku", "Standard_LRS",
                 "--allow-shared-key-access", "false", "--allow-blob-public-access", "false", "--min-tls-version", "TLS1_2")  # fmt: skip
    signed_in = ("--account-name", "contosomtasts", "--auth-mode", "login")
    az(
        "storage",
        "blob",
        "service-properties",
        "update",
        *signed_in,
        "--static-website",
        "--index-document",
        "index.html",
    )
    upload = ("storage", "blob", "upload", *signed_in, "-c", "$web", "-n", "a/page", "-f", str(page), "--content-type", "text/plain")  # fmt: skip
    refused = clients.run(str(clients.azure_cli / "bin" / "az"), *upload)
    assert "You do not have the required permissions needed to perform this operation." in refused.stderr
    who = clients.sandbox.state.setting("object")
    role = ("--role", "Storage Blob Data Contributor", "--scope", account["id"])
    az("role", "assignment", "create", *role, "--assignee-object-id", who, "--assignee-principal-type", "ServicePrincipal")  # fmt: skip
    az(*upload)
    host = account["primaryEndpoints"]["web"].removeprefix("https://").rstrip("/")
    assert fetch(host, "/a/page") == (200, "hello", "text/plain")
    assert [each["name"] for each in az("storage", "blob", "list", *signed_in, "-c", "$web")] == ["a/page"]
    assert [each["roleDefinitionName"] for each in az("role", "assignment", "list", "--scope", account["id"])] == ["Storage Blob Data Contributor"]  # fmt: skip
    assert len(az("storage", "account", "keys", "list", "-n", "contosomtasts", "-g", "rg")) == 2
    az("role", "assignment", "delete", "--assignee-object-id", who, *role)
    az("storage", "account", "delete", "-n", "contosomtasts", "-g", "rg", "-y")
    assert az("storage", "account", "list") == []


def test_a_wrong_secret_is_microsofts_own_error(clients: Clients) -> None:
    who = clients.environment
    arguments = (
        "login",
        "--service-principal",
        "-u",
        who["ARM_CLIENT_ID"],
        "-p",
        "wrong",
        "-t",
        who["ARM_TENANT_ID"],
    )
    # Where somebody is signed in, az has a token and asks nobody.
    run = clients.run(str(clients.azure_cli / "bin" / "az"), *arguments, AZURE_CONFIG_DIR=f"{who['HOME']}/another")
    assert run.returncode != 0
    assert "AADSTS7000215" in run.stderr


def test_az_login_is_all_that_pulumi_up_needs(tmp_path: Path) -> None:
    """The way that docs/azure.md begins with."""
    engine = subprocess.run([sys.executable, "-m", "tools.get_engine"], cwd=ROOT, capture_output=True, text=True)
    assert engine.returncode == 0, engine.stderr
    stack = Stack(tmp_path, engine.stdout.strip())
    with stack.sandbox:
        stack.zones("example.org")
        stack.configure(TESTING)
        home = tmp_path / "home"
        home.mkdir()
        clients = Clients(stack.sandbox, home)
        clients.sign_in()
        environment = stack.environment
        for name in ("CLIENT_ID", "CLIENT_SECRET", "TENANT_ID"):
            del environment[f"ARM_{name}"], environment[f"AZURE_{name}"]
        environment |= {"AZURE_CONFIG_DIR": clients.environment["AZURE_CONFIG_DIR"], "PATH": f"{environment['PATH']}{os.pathsep}{clients.azure_cli / 'bin'}"}  # fmt: skip
        for command in (("stack", "init", "test"), ("up", "--yes", "--skip-preview")):
            run = subprocess.run(["pulumi", *command, "--non-interactive"], cwd=stack.project, env=environment, capture_output=True, text=True, timeout=600)  # fmt: skip
            assert run.returncode == 0, run.stdout + run.stderr
        assert stack.senders("example.org")["example.org"]["postfix"] == "VALID"


@pytest.fixture
def swa(clients: Clients, tmp_path: Path) -> Any:
    """`swa deploy` of a page, with a deployment token."""
    # Without its install scripts: keytar's wants libsecret's headers, and only `swa login` uses it.
    folder = installed(SWA_CLI, ["npm", "install", "--ignore-scripts", "--no-fund", "--no-audit", "--prefix", "{}", SWA_CLI])  # fmt: skip
    page = tmp_path / "page"
    page.mkdir()
    (page / "index.html").write_text("hello")

    def deploy(token: str, *options: str) -> str:
        command = [
            str(folder / "node_modules" / ".bin" / "swa"),
            "deploy",
            str(page),
            "--no-use-keychain",
            *options,
        ]
        run = clients.run(*command, SWA_CLI_DEPLOYMENT_TOKEN=token)
        return run.stdout + run.stderr

    return deploy


def test_swa_deploys_to_production(clients: Clients, swa: Any) -> None:
    token = clients.az("staticwebapp", "secrets", "list", "-n", "site")["properties"]["apiKey"]
    shown = swa(token, "--env", "production")
    site = clients.az("staticwebapp", "show", "-n", "site")
    assert f"Project deployed to https://{site['defaultHostname']}" in shown
    assert (site["provider"], site["repositoryUrl"]) == ("SwaCli", None)
    assert fetch(site["defaultHostname"], "/")[:2] == (200, "hello")


def test_swa_says_why_it_was_refused(clients: Clients, swa: Any) -> None:
    assert "No matching Static Web App was found or the api key was invalid." in swa(
        "wrong", "--env", "production"
    )
    token = clients.az("staticwebapp", "secrets", "list", "-n", "site")["properties"]["apiKey"]
    assert "no preview environments" in swa(token)
