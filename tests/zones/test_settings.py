"""`dns` maps: what is wrong is said once, by its key, and never twice for those who inherit it."""

import json
from typing import Any

import pytest

import zones
from policy import UserError
from settings import stack
from settings.reader import Reader
from zones import Dns
from zones.azure import AzureDns
from zones.lexicon import LexiconDns
from zones.manual import ManualDns
from zones.rfc2136 import Rfc2136Dns

GANDI = {"provider": "lexicon", "host": "gandi"}
UPDATE = {"provider": "rfc2136", "servers": ["192.0.2.1"], "keyName": "k", "keySecret": "c2VjcmV0"}
POLICY = {"name": "main", "mode": "testing", "mx": ["mail.example.org"], "sku": "Standard"}
BROKEN: dict[str, dict[str, Any]] = {
    "no map": [],  # type: ignore[dict-item]
    "unknown provider": {"provider": "bind"},
    "provider is a list": {"provider": []},
    "a key too many": {"provider": "azure", "resourceGroup": "dns", "servers": []},
    "something missing": {"provider": "azure"},
    "a value that is none": {**UPDATE, "servers": ["ns1"]},
}


def read(value: Any, inherited: Dns | None = None, encrypted: tuple[str, ...] = ("dns",)) -> tuple[Any, list[str]]:
    """The settings, and the problems."""
    reader = Reader(encrypted)
    return zones.read(reader, value, "mta-sts:dns", inherited), reader.problems


def problems(outer: Any, *domains: Any, **policy: Any) -> list[str]:
    """What a whole configuration is refused for."""
    values = {"dns": outer, "policies": [{**POLICY, "domains": list(domains), **policy}]}
    given = {key: json.dumps(value) for key, value in values.items() if value is not None}
    with pytest.raises(UserError) as caught:
        stack.load(given, given, "westeurope", "dev", encrypted=["dns", "policies"])
    return str(caught.value).splitlines()


@pytest.mark.parametrize(
    ("given", "settings"),
    [
        ({"resourceGroup": "dns"}, AzureDns("dns")),
        ({"provider": "azure", "resourceGroup": "dns", "zone": "A.example"}, AzureDns("dns", zone="a.example")),
        ({"provider": "manual"}, ManualDns()),
        (UPDATE, Rfc2136Dns(("192.0.2.1",), "k", "c2VjcmV0", secrets_in="mta-sts:dns")),
        (
            {"provider": "lexicon", "host": "gandi", "options": {"auth_token": "t"}},
            LexiconDns("gandi", {"auth_token": "t"}, secrets_in="mta-sts:dns"),
        ),
    ],
)
def test_a_map_becomes_the_settings_of_its_provider(given: dict[str, Any], settings: Dns) -> None:
    assert read(given) == (settings, [])


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_wrong_with_the_stacks_dns_is_told_once_whoever_inherits_it(name: str) -> None:
    alone = problems(BROKEN[name], "a.test")
    assert len(alone) == 1
    assert problems(BROKEN[name], "a.test", "b.test", dns={}) == alone
    assert problems(BROKEN[name], "a.test", {"name": "b.test", "dns": {"zone": "b.test"}}) == alone


def test_what_an_inner_map_says_itself_is_judged_whatever_is_wrong_around_it() -> None:
    outer = {**UPDATE, "servers": ["ns1"]}
    found = problems(outer, {"name": "a.test", "dns": {"servers": ["ns2"]}})
    assert [line.partition(": ")[0] for line in found] == [
        "mta-sts:dns.servers[0]",
        "mta-sts:policies[0].domains[0].dns.servers[0]",
    ]
    other = problems(outer, {"name": "a.test", "dns": {"provider": "azure"}})
    assert "mta-sts:policies[0].domains[0].dns.resourceGroup: is missing" in "\n".join(other)


def test_a_domain_without_any_dns_is_always_told() -> None:
    found = problems(None, "a.test", {"name": "b.test", "dns": {"provider": "bind"}}, "https://c.test")
    assert [line.partition(":")[2].partition(":")[0] for line in found if "has no DNS" in line] == [
        "policies[0].domains[0]",
        "policies[0].domains[2]",
    ]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ([], "mta-sts:dns: [] must be a map such as {provider: azure, resourceGroup: dns}"),
        ({"provider": []}, "mta-sts:dns.provider: [] is not known; the providers are azure, lexicon, manual, rfc2136"),
        ({"provider": {}}, "mta-sts:dns.provider: {} is not known"),
        ({"provider": "_hosted"}, "mta-sts:dns.provider: '_hosted' is not known"),
        ({"provider": "azure", "resourceGroup": 1}, "mta-sts:dns.resourceGroup: 1 must be a text"),
        ({**UPDATE, "keySecret": "sécret"}, "mta-sts:dns.keySecret: is no base64"),
        ({**UPDATE, "keySecret": "\ud800"}, "mta-sts:dns.keySecret: must be a text"),
        ({**UPDATE, "keySecret": ["c2VjcmV0"]}, "mta-sts:dns.keySecret: must be a text"),
        ({**UPDATE, "keyName": "a..b"}, "mta-sts:dns.keyName: 'a..b' is no name of a key"),
        ({**UPDATE, "keyName": "x" * 64}, "is no name of a key"),
        ({**UPDATE, "keyName": "clé…" * 20}, "is no name of a key"),
        ({**UPDATE, "keyAlgorithm": []}, "mta-sts:dns.keyAlgorithm: [] must be one of hmac-sha256"),
        ({**UPDATE, "servers": "192.0.2.1"}, "mta-sts:dns.servers: '192.0.2.1' must be a list of addresses"),
        ({**UPDATE, "servers": []}, "mta-sts:dns.servers: is missing"),
        ({**UPDATE, "servers": [1]}, "mta-sts:dns.servers[0]: 1 must be a text"),
        ({"provider": "lexicon", "host": []}, "mta-sts:dns.host: [] must be a text"),
        ({"provider": "lexicon", "host": "x"}, "mta-sts:dns.host: host 'x' is not known to Lexicon"),
        ({**GANDI, "options": {"auth_token": None}}, "mta-sts:dns.options.auth_token: None must be a text or"),
        ({**GANDI, "options": {"auth_token": ["b"]}}, "mta-sts:dns.options.auth_token: ['b'] must be a text or"),
        ({**GANDI, "options": {"auth_tokn": "t"}}, "auth_tokn: is no option of this host; Lexicon's are api_protocol, auth_token"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line(given: Any, says: str) -> None:
    _, (line,) = read(given)
    assert says in line
    assert len(line.splitlines()) == 1


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("googleclouddns", "auth_service_account_info"), ("dreamhost", "auth_token"), ("easyname", "auth_password"),
        ("plesk", "auth_username"), ("godaddy", "auth_key"), ("linode4", "auth_token"),
    ],
)  # fmt: skip
def test_an_option_that_is_not_known_to_be_harmless_must_be_encrypted(host: str, name: str) -> None:
    given = {"provider": "lexicon", "host": host, "options": {name: "base64::eyJhbGciOyJ"}}
    _, (line,) = read(given, encrypted=())
    assert line.startswith(f"mta-sts:dns.options.{name}: stands in the stack's file for all to read")
    assert "eyJhbGciOyJ" not in line
    assert read(given)[1] == []


@pytest.mark.parametrize(
    ("host", "name", "value"),
    [
        ("cloudflare", "zone_id", "0123"), ("powerdns", "pdns_server", "http://127.0.0.1:8081"),
        ("rackspace", "sleep_time", 1), ("powerdns", "pdns_disable_notify", True),
    ],
)  # fmt: skip
def test_a_harmless_option_may_stand_readable(host: str, name: str, value: Any) -> None:
    assert read({"provider": "lexicon", "host": host, "options": {name: value}}, encrypted=())[1] == []


def test_an_address_with_credentials_in_it_is_not_harmless() -> None:
    given = {"provider": "lexicon", "host": "powerdns", "options": {"pdns_server": "http://me:secret@127.0.0.1"}}
    _, (line,) = read(given, encrypted=())
    assert "for all to read" in line
    assert "me:secret" not in line


def test_only_the_backends_that_are_configured_are_imported() -> None:
    import subprocess
    import sys

    code = (
        "import sys, zones; from settings.reader import Reader\n"
        "zones.read(Reader(), {'provider': 'manual'}, 'mta-sts:dns', None)\n"
        "print([name for name in sys.modules if name in ('zones.azure', 'zones.lexicon', 'pulumi_azure_native', 'dns', 'lexicon')])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
