"""The configuration: what is wrong is said at once, with key, value and way out."""

import json
from typing import Any

import pytest

from policy import UserError
from settings import stack as settings
from settings.policies import Hosted, Hosting
from zones.azure import AzureDns
from zones.manual import ManualDns
from zones.rfc2136 import Rfc2136Dns

GOOD: dict[str, Any] = {
    "dns": {"provider": "azure", "resourceGroup": "dns"},
    "policies": [{"name": "main", "mode": "testing", "mx": ["mail.example.org"], "domains": ["example.org"]}],
}


class Config:
    def __init__(self, values: dict[str, Any]) -> None:
        self.values = values

    def get(self, key: str) -> str | None:
        value = self.values.get(key)
        return value if value is None or isinstance(value, str) else json.dumps(value)


def load(
    location: str | None = "westeurope",
    policy: dict[str, Any] | None = None,
    encrypted: tuple[str, ...] = (),
    **top: Any,
) -> settings.Settings:
    values = {**GOOD, **top}
    if policy is not None:
        values["policies"] = [{**GOOD["policies"][0], **policy}]
    return settings.load(Config(values), values, location, "dev", encrypted=encrypted)


def problems(**changes: Any) -> list[str]:
    with pytest.raises(UserError) as caught:
        load(**changes)
    return str(caught.value).splitlines()


def test_the_smallest_configuration() -> None:
    found = load()
    assert found.resource_group == "mta-sts-dev"
    assert found.policies[0].policy.max_age == 604800
    assert found.policies[0].sku == "Free"
    assert found.policies[0].domains[0].policy_host == "mta-sts.example.org"
    assert not found.notes


@pytest.mark.parametrize(
    ("changes", "key", "words"),
    [
        ({"location": "northeurope"}, "azure-native:location", "westeurope"),
        ({"location": None}, "azure-native:location", "is missing"),
        ({"polices": []}, "mta-sts:polices", "there is no such key"),
        ({"policies": None}, "mta-sts:policies", "is missing"),
        ({"policies": "x"}, "mta-sts:policies", "must be a list"),
        ({"policies": ["x"]}, "mta-sts:policies[0]", "must be a map"),
        ({"dns": None}, "mta-sts:policies[0].domains[0]", "has no DNS"),
        ({"dns": {"provider": "bind", "resourceGroup": "dns"}}, "mta-sts:dns.provider", "'bind'"),
        ({"dns": {"provider": "azure"}}, "mta-sts:dns.resourceGroup", "is missing"),
        (
            {"dns": {"provider": "manual", "zone": "example.org"}},
            "mta-sts:dns.zone",
            "means nothing with provider: manual",
        ),
        ({"tags": "owner"}, "mta-sts:tags", "'owner' must be a map"),
        ({"preflight": "maybe"}, "mta-sts:preflight", "'maybe' must be on or off"),
        (
            {"policy": {"removeEarlyAndRiskMail": "yes"}},
            "mta-sts:policies[0].removeEarlyAndRiskMail",
            "true or false",
        ),
        (
            {"policy": {"mode": "enforce", "removeEarlyAndRiskMail": True}},
            "mta-sts:policies[0].removeEarlyAndRiskMail",
            "set mode: none first",
        ),
        (
            {"policy": {"domains": [{"name": "example.org", "adoptTlsReports": 1}]}},
            "mta-sts:policies[0].domains[0].adoptTlsReports",
            "true or false",
        ),
        ({"tags": {"a": 1}}, "mta-sts:tags", "must be a map"),
        ({"policy": {"mode": "strict"}}, "mta-sts:policies[0].mode", "'strict' must be testing, enforce or none"),
        ({"policy": {"maxage": 1}}, "mta-sts:policies[0].maxage", "there is no such key"),
        ({"policy": {"maxAge": 31557601}}, "mta-sts:policies[0].maxAge", "31557600"),
        ({"policy": {"maxAge": -1}}, "mta-sts:policies[0].maxAge", "-1"),
        ({"policy": {"maxAge": "week"}}, "mta-sts:policies[0].maxAge", "'week' must be a whole number"),
        ({"policy": {"mode": "enforce", "mx": []}}, "mta-sts:policies[0].mx", "is empty; mode enforce needs"),
        ({"policy": {"mx": ["mail server"]}}, "mta-sts:policies[0].mx[0]", "mail server"),
        ({"policy": {"mx": ["10 mail.example.org"]}}, "mta-sts:policies[0].mx[0]", "10 mail"),
        ({"policy": {"mx": ["mail.*.example.org"]}}, "mta-sts:policies[0].mx[0]", "*"),
        (
            {"policy": {"domains": ["https://example.org"]}},
            "mta-sts:policies[0].domains[0]",
            "https://example.org",
        ),
        ({"policy": {"domains": ["example.org/"]}}, "mta-sts:policies[0].domains[0]", "example.org/"),
        ({"policy": {"domains": ["user@example.org"]}}, "mta-sts:policies[0].domains[0]", "user@example.org"),
        ({"policy": {"domains": []}}, "mta-sts:policies[0].domains", "is empty"),
        (
            {"policy": {"domains": ["a.test", "b.test", "c.test"]}},
            "mta-sts:policies[0].domains",
            "a Free app holds 2",
        ),
        (
            {"policy": {"domains": ["example.org", "EXAMPLE.org"]}},
            "mta-sts:policies",
            "example.org stands there 2",
        ),
        ({"policy": {"sku": "Basic"}}, "mta-sts:policies[0].sku", "Free or Standard"),
        ({"hosting": "cdn"}, "mta-sts:hosting", "staticWebApp or frontDoor"),
        ({"hosting": ["frontDoor"]}, "mta-sts:hosting", "staticWebApp or frontDoor"),
        ({"policy": {"hosting": "cdn"}}, "mta-sts:policies[0].hosting", "staticWebApp or frontDoor"),
        ({"movingFrom": "staticWebApp"}, "mta-sts:movingFrom", "leave it out"),
        ({"hosting": "frontDoor", "policy": {"sku": "Free"}}, "mta-sts:policies[0].sku", "Front Door"),
        ({"policy": {"name": "a b"}}, "mta-sts:policies[0].name", "'a b'"),
        ({"policy": {"tlsReports": ["tls@example.org"]}}, "mta-sts:policies[0].tlsReports", "mailto:"),
        ({"policy": {"dns": {"zone": "example.net"}}}, "mta-sts:policies[0].domains[0]", "does not lie in"),
    ],
)
def test_a_mistake_is_one_line_with_its_key(changes: dict[str, Any], key: str, words: str) -> None:
    found = problems(**changes)
    assert any(line.startswith(f"{key}: ") and words in line for line in found), found


def test_dns_is_chosen_for_the_stack_a_policy_or_one_domain() -> None:
    mixed = [{"name": "a.test", "dns": {"provider": "manual"}}, "b.test"]
    found = load(policy={"domains": mixed}).policies[0].domains
    assert [each.dns for each in found] == [ManualDns(), AzureDns("dns")]
    nearer = {"provider": "azure", "resourceGroup": "other"}
    found = load(dns={"provider": "manual"}, policy={"domains": ["a.test", {"name": "b.test", "dns": nearer}]})
    assert [each.dns for each in found.policies[0].domains] == [
        ManualDns(),
        AzureDns("other"),
    ]


def test_texts_and_switches_are_taken_as_they_stand() -> None:
    assert load(resourceGroup="123").resource_group == "123"
    assert load().preflight
    assert not load(preflight="off").preflight
    assert not load(preflight=False).preflight


def test_signing_in_by_configuration_is_refused_since_only_azure_native_would_see_it() -> None:
    with pytest.raises(UserError, match="azure-native:clientSecret: sign in by .* ARM_CLIENT_SECRET"):
        settings.load(Config(GOOD), GOOD, "westeurope", "dev", ["location", "clientSecret"])


def test_all_mistakes_are_told_at_once() -> None:
    found = problems(location="mars", policy={"mode": "x", "sku": "y", "domains": ["a/b"]})
    assert len(found) == 4


def test_a_u_label_is_converted_and_said_so() -> None:
    found = load(policy={"domains": ["bücher.example"], "mx": ["*.bücher.example"]})
    assert found.policies[0].domains[0].name == "xn--bcher-kva.example"
    assert [str(each) for each in found.policies[0].policy.mx] == ["*.xn--bcher-kva.example"]
    assert any("bücher.example" in note and "xn--bcher-kva.example" in note for note in found.notes)


def test_eleven_free_apps_are_too_many() -> None:
    many = [
        {"name": f"p{at}", "mode": "testing", "mx": ["m.test"], "domains": [f"d{at}.test"]} for at in range(11)
    ]
    assert any("11 policies with sku Free" in line for line in problems(policies=many))


def test_a_leaving_policy_needs_no_mx_and_has_a_small_max_age() -> None:
    found = load(policy={"mode": "none", "mx": []}).policies[0].policy
    assert found.max_age == 86400


UPDATE = {"provider": "rfc2136", "servers": ["192.0.2.1"], "keyName": "k", "keySecret": "c2VjcmV0"}


@pytest.mark.parametrize(
    ("dns", "says"),
    [
        ({"provider": "nosuch"}, "dns.provider: 'nosuch' is not known; the providers are azure, lexicon, manual, rfc2136"),
        ({**UPDATE, "servers": None}, "dns.servers: is missing"),
        ({**UPDATE, "servers": ["ns1.example.org"]}, "dns.servers[0]: 'ns1.example.org' must be an address"),
        ({**UPDATE, "servers": ["192.0.2.1:99999"]}, "dns.servers[0]: '192.0.2.1:99999' must be an address"),
        ({**UPDATE, "keyName": None}, "dns.keyName: is missing"),
        ({**UPDATE, "keySecret": None}, "dns.keySecret: is missing; pulumi config set --secret --path"),
        ({**UPDATE, "keySecret": "no base64!"}, "dns.keySecret: is no base64"),
        ({**UPDATE, "keyAlgorithm": "hmac-sha1"}, "dns.keyAlgorithm: 'hmac-sha1' must be one of"),
        ({**UPDATE, "resourceGroup": "dns"}, "dns.resourceGroup: means nothing with provider: rfc2136"),
        ({"provider": "lexicon"}, "dns.host: is missing"),
        ({"provider": "lexicon", "host": "x", "options": []}, "dns.options: must be a map of Lexicon's options"),
        ({"provider": "manual", "zone": "a.test"}, "dns.zone: means nothing with provider: manual"),
    ],
)  # fmt: skip
def test_a_mistake_in_dns_is_named_by_its_key(dns: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError) as told:
        load(dns={name: value for name, value in dns.items() if value is not None}, encrypted=("dns",))
    assert f"mta-sts:{says}" in str(told.value)


@pytest.mark.parametrize(
    "dns", [UPDATE, {"provider": "lexicon", "host": "cloudflare", "options": {"auth_token": "t"}}]
)
def test_a_secret_that_stands_readable_is_refused_and_not_shown(dns: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="stands in the stack's file for all to read") as told:
        load(dns=dns)
    assert "c2VjcmV0" not in str(told.value)
    assert load(dns=dns, encrypted=("dns",))


def test_an_inner_dns_map_keeps_what_it_leaves_out() -> None:
    domains = ["a.test", {"name": "b.test", "dns": {"servers": ["192.0.2.9"]}}]
    found = load(dns=UPDATE, policy={"domains": domains}, encrypted=("dns",)).policies[0].domains
    first, second = (each.dns for each in found)
    assert isinstance(first, Rfc2136Dns)
    assert isinstance(second, Rfc2136Dns)
    assert (second.servers, second.key_secret, second.secrets_in) == (("192.0.2.9",), "c2VjcmV0", "mta-sts:dns")


@pytest.mark.parametrize(
    ("domains", "says"),
    [
        (["a.test", {"name": "b.test", "delegateTo": "c.test"}], "'c.test' is no other domain of this stack"),
        (["a.test", {"name": "b.test", "delegateTo": "b.test"}], "'b.test' is no other domain of this stack"),
        (
            [{"name": "a.test", "delegateTo": "b.test"}, {"name": "b.test", "delegateTo": "a.test"}],
            "b.test is itself delegated",
        ),
    ],
)
def test_a_delegation_that_leads_nowhere_is_refused(domains: list[Any], says: str) -> None:
    with pytest.raises(UserError) as told:
        load(policy={"domains": domains})
    assert says in str(told.value)


def test_every_domain_without_dns_is_told_beside_all_other_problems() -> None:
    found = problems(dns=None, location="mars", policy={"sku": "Standard", "domains": ["a.test", "b.test"]})
    assert sum("has no DNS" in line for line in found) == 2
    assert len(found) == 3


def test_a_mistaken_mx_is_told_once_and_under_mx() -> None:
    (line,) = problems(policy={"mx": ["mail_1.example.org", "mail.example.org"]})
    assert line.startswith("mta-sts:policies[0].mx[0]: ")


def test_a_policy_that_is_too_large_for_senders_is_told_under_mx() -> None:
    (line,) = problems(policy={"mx": [f"mail-{number}.example.org" for number in range(5000)]})
    assert line.startswith("mta-sts:policies[0].mx: ")
    assert "larger than 65536 bytes" in line


def test_a_domain_that_stands_twice_is_told_beside_other_problems() -> None:
    found = problems(policy={"mode": "strict", "domains": ["example.org", "example.org"]})
    assert any("the domain example.org stands there 2 times" in line for line in found)
    assert any(line.startswith("mta-sts:policies[0].mode") for line in found)


@pytest.mark.parametrize("value", [[], {}, 1, None])
def test_a_list_or_a_number_where_a_word_belongs_is_a_mistake_like_any_other(value: Any) -> None:
    assert any(line.startswith("mta-sts:policies[0].mode: ") for line in problems(policy={"mode": value}))
    assert any(line.startswith("mta-sts:policies[0].sku: ") for line in problems(policy={"sku": value}))


def test_half_a_surrogate_pair_is_no_text() -> None:
    (line,) = problems(resourceGroup="\ud800")
    assert line == r"mta-sts:resourceGroup: '\ud800' must be a text"


@pytest.mark.parametrize(
    ("ladder", "words"),
    [
        ("up", "mta-sts:ladder: 'up' must be a list of steps"),
        ([{"mode": "none", "maxAge": 1}], "mta-sts:ladder[0].mode: 'none' must be testing or enforce"),
        ([{"mode": "enforce"}], "mta-sts:ladder[0].maxAge: None must be 1 to 31557600 seconds"),
        ([{"mode": "enforce", "maxAge": 31557601}], "must be 1 to 31557600 seconds"),
        ([{"mode": "enforce", "maxAge": 1, "after": True}], "mta-sts:ladder[0].after: True must be 0 to"),
        ([{"mode": "enforce", "maxAge": 2}, {"mode": "enforce", "maxAge": 2}], "mta-sts:ladder[1]: enforce 2 is no step up"),
        ([{"mode": "enforce", "maxAge": 2}, {"mode": "testing", "maxAge": 3}], "testing comes first, and maxAge grows"),
        ([{"mode": "enforce", "maxAge": 2, "wait": 3}], "mta-sts:ladder[0].wait: there is no such key"),
    ],
)  # fmt: skip
def test_a_ladder_only_leads_up(ladder: Any, words: str) -> None:
    assert words in "\n".join(problems(ladder=ladder))


def test_the_ladder_may_be_another_or_none() -> None:
    assert [(step.mode, step.max_age) for step in load().ladder] == [
        ("testing", 86400),
        ("enforce", 86400),
        ("enforce", 604800),
        ("enforce", 2419200),
    ]
    assert load(ladder=False).ladder == load(ladder=[]).ladder == ()
    (step,) = load(ladder=[{"mode": "enforce", "maxAge": 5, "after": 6}]).ladder
    assert step.waits(step.mode, 1) == 6


def test_hosting_is_the_stack_s_unless_a_policy_says_otherwise() -> None:
    front_door = load(hosting="frontDoor", movingFrom="staticWebApp").policies[0].hosted
    assert front_door == Hosted(Hosting.FRONT_DOOR, Hosting.STATIC_WEB_APP)
    stays = load(hosting="frontDoor", movingFrom="staticWebApp", policy={"hosting": "staticWebApp"}).policies[0]
    assert stays.hosted == Hosted()  # where it moves from is where it is


def test_front_door_holds_a_hundred_domains_a_stack() -> None:
    def domains(count: int) -> list[str]:
        return [f"d{number}.example.org" for number in range(count)]

    assert len(load(hosting="frontDoor", policy={"domains": domains(100)}).policies[0].domains) == 100
    found = problems(hosting="frontDoor", policy={"domains": domains(101)})
    assert any("101 domains on Front Door" in line and "100" in line for line in found)
    moving = problems(hosting="frontDoor", movingFrom="staticWebApp", policy={"domains": domains(3)})
    assert any("a Free app holds 2" in line for line in moving)  # it still serves them


@pytest.mark.parametrize(("name", "words"), [("a" * 63 + ".example.org", "64"), ("bücher.example", "xn--")])
def test_front_door_takes_no_long_and_no_internationalized_names(name: str, words: str) -> None:
    (line,) = problems(hosting="frontDoor", policy={"domains": [name]})
    assert line.startswith("mta-sts:policies[0].domains[0]: ")
    assert words in line
    assert "hosting: staticWebApp" in line
