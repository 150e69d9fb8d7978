"""What is told from names: who runs a mail server, which DNS host has a zone, what a domain was meant to be."""

from pathlib import Path

import pytest

import zones
from policy import UserError
from tools.setup import names, plan, providers
from tools.setup.plan import Wish
from zones import Served

AZURE = {"provider": "azure", "resourceGroup": "dns"}


@pytest.mark.parametrize(
    ("host", "who", "pattern"),
    [
        ("example-org.mail.protection.outlook.com", "Microsoft 365", "*.mail.protection.outlook.com"),
        ("example-org.h-v1.mx.microsoft", "Microsoft 365", "*.h-v1.mx.microsoft"),
        ("example-org.o-v1.mx.microsoft", "Microsoft 365", "*.o-v1.mx.microsoft"),
        ("alt1.aspmx.l.google.com", "Google Workspace", "alt1.aspmx.l.google.com"),
        ("smtp.google.com", "Google Workspace", "smtp.google.com"),
        ("mx0a-00000000.pphosted.com", "Proofpoint", "mx0a-00000000.pphosted.com"),
        ("eu-smtp-inbound-1.mimecast.com", "Mimecast", "eu-smtp-inbound-1.mimecast.com"),
        ("in1-smtp.messagingengine.com", "Fastmail", "in1-smtp.messagingengine.com"),
        ("mx.zoho.eu", "Zoho Mail", "mx.zoho.eu"),
        ("mail.example.org", "your own server", "mail.example.org"),
        ("example.org", "your own server", "example.org"),
        ("mx1.hoster.example", "a server of hoster.example", "mx1.hoster.example"),
        ("notmail.protection.outlook.com", "a server of protection.outlook.com", "notmail.protection.outlook.com"),
        ("evil-mimecast.com", "a server of evil-mimecast.com", "evil-mimecast.com"),
    ],
)
def test_an_mx_host_has_an_operator_and_a_pattern(host: str, who: str, pattern: str) -> None:
    assert providers.mail_operator(host, "example.org") == who
    assert providers.pattern(host) == pattern


@pytest.mark.parametrize(
    ("alias", "addresses", "who"),
    [
        ("brave-sand-01.7.azurestaticapps.net", (), "Azure Static Web Apps"),
        ("x.pages.dev", (), "Cloudflare Pages"),
        ("mta-sts.powerdmarc.com", (), "PowerDMARC"),
        ("policy.hoster.example", (), "policy.hoster.example"),
        ("", ("104.16.1.1",), "Cloudflare (a Worker, or a web server behind it)"),
        ("", ("192.0.2.1",), "a web server of its own"),
    ],
)
def test_a_policy_host_has_an_operator(alias: str, addresses: tuple[str, ...], who: str) -> None:
    assert providers.policy_operator(alias, addresses) == who


@pytest.mark.parametrize(
    ("server", "host", "provider"),
    [
        ("ns1-01.azure-dns.com", "Azure DNS", "azure"),
        ("amy.ns.cloudflare.com", "Cloudflare", "lexicon"),
        ("ns-1.awsdns-12.com", "Amazon Route 53", "lexicon"),
        ("oxygen.ns.hetzner.com", "Hetzner", "lexicon"),
        ("ns45.domaincontrol.com", "GoDaddy", "lexicon"),
        ("ns-cloud-a1.googledomains.com", "Google Cloud DNS", "lexicon"),
        ("ns1.digitalocean.com", "DigitalOcean", "lexicon"),
        ("ns1.linode.com", "Linode", "lexicon"),
        ("dns1.registrar-servers.com", "Namecheap", "lexicon"),
    ],
)
def test_a_dns_host_is_known_by_its_name_servers(server: str, host: str, provider: str) -> None:
    found = zones.offer(Served("example.org", ("ns1.other.example", server)))
    assert found
    assert (found.host, found.dns["provider"]) == (host, provider)
    assert found.asked
    assert all(asked.secret for asked in found.asked) == (provider != "azure") or host == "Namecheap"


def test_a_name_server_that_nobody_knows_belongs_to_no_host() -> None:
    for server in ("ns1.example.org", "ns.evil-cloudflare.com", "cloudflare.com.example"):
        assert zones.offer(Served("example.org", (server,))) is None


def test_every_provider_can_be_asked_for_and_every_host_of_the_docs() -> None:
    served = Served("example.org", (), "192.0.2.1")
    for name in ("azure", "manual", "rfc2136"):
        found = zones.offer(served, name)
        assert found
        assert found.dns["provider"] == name
    table = Path("docs/dns.md").read_text().partition("| host | `host` |")[2].partition("\n\n")[0]
    for line in table.splitlines()[2:]:
        host = line.split("|")[2].strip(" `")
        found = zones.offer(served, host)
        assert found, host
        asked = {each.name.removeprefix("options.") for each in found.asked}
        assert asked, host
        for option in asked:
            assert f"`{option}`" in line, (host, option)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("mta-sts:c2VjcmV0", {"keyName": "mta-sts", "keySecret": "c2VjcmV0"}),
        (
            "hmac-sha512:mta-sts:c2VjcmV0",
            {"keyName": "mta-sts", "keyAlgorithm": "hmac-sha512", "keySecret": "c2VjcmV0"},
        ),
        ("c2VjcmV0", None),
        ("mta-sts:not base64", None),
        (":c2VjcmV0", None),
        ("a:b:c:c2VjcmV0", None),
    ],
)
def test_a_tsig_key_is_taken_as_nsupdate_takes_it(text: str, key: dict[str, str] | None) -> None:
    found = zones.offer(Served("example.org", (), "192.0.2.1"), "rfc2136")
    assert found
    if key:
        assert found.asked[0].read(text) == key
    else:
        with pytest.raises(UserError, match="NAME:SECRET") as caught:
            found.asked[0].read(text)
        assert text not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("https://example.org", "without the scheme"),
        ("me@example.org", "what stands after the @: example.org"),
        ("example.org/x", "without a slash"),
        ("example", "two labels"),
        ("", "empty label"),
        ("192.0.2.1", "not its address"),
        ("exa mple.org", "without spaces"),
        ("*.example.org", "a \\*"),
        ("\x1b[2Jexample.org", "labels are letters"),
    ],
)
def test_what_is_no_domain_is_told_with_what_was_meant(text: str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        names.parsed([text])


def test_capitals_final_dots_and_other_scripts_are_fine() -> None:
    assert names.parsed(["EXAMPLE.org.", "example.org", " bücher.example "]) == [
        "example.org",
        "xn--bcher-kva.example",
    ]


def test_a_csv_file_has_its_domains_in_a_column_or_in_the_first(tmp_path: Path) -> None:
    path = tmp_path / "domains.csv"
    path.write_text("﻿Name;x\n".replace(";", ",") + "example.org,1\n\nexample.net,2\n")
    assert names.from_csv(path) == ["example.org", "example.net"]
    path.write_text("id,Domain name\n7,example.org\n")
    assert names.from_csv(path) == ["example.org"]
    path.write_text("example.org\nexample.net\n")
    assert names.from_csv(path) == ["example.org", "example.net"]
    for text in ("", "domain\n"):
        path.write_text(text)
        with pytest.raises(UserError, match="no domain"):
            names.from_csv(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="--csv"):
        names.from_csv(path)
    with pytest.raises(UserError, match="No such file"):
        names.from_csv(tmp_path / "none.csv")


def wishes(count: int, mx: str = "mail.example.org", **more: object) -> list[Wish]:
    return [Wish(f"d{at}.example", {mx: "your own server"}, AZURE, **more) for at in range(count)]  # type: ignore[arg-type]


def test_equal_domains_share_policies_of_as_many_as_a_plan_holds() -> None:
    assert [len(each.wishes) for each in plan.group(wishes(5), "Free", 0)] == [2, 2, 1]
    assert [each.name for each in plan.group(wishes(5), "Free", 0)] == ["main", "main-2", "main-3"]
    assert [len(each.wishes) for each in plan.group(wishes(7), "Standard", 0)] == [5, 2]
    assert [each.name for each in plan.group(wishes(1), "Free", 0, ["main"])] == ["main-2"]


def test_free_apps_are_taken_while_the_subscription_has_room() -> None:
    assert plan.cost(plan.group(wishes(20), "", 0)) == "10 Static Web Apps, Free: $0 a month"
    assert plan.cost(plan.group(wishes(21), "", 0)) == "5 Static Web Apps, Standard: $45 a month"
    assert plan.cost(plan.group(wishes(2), "", 10)) == "1 Static Web App, Standard: $9 a month"


def test_other_mail_servers_or_another_dns_host_are_another_policy() -> None:
    other = Wish("e.example", {"smtp.google.com": "Google Workspace"}, AZURE)
    elsewhere = Wish("f.example", {"mail.example.org": "your own server"}, {"provider": "manual"})
    groups = plan.group([*wishes(1), other, elsewhere], "Free", 0)
    assert [[wish.name for wish in group.wishes] for group in groups] == [
        ["d0.example"],
        ["e.example"],
        ["f.example"],
    ]
    assert [group.name for group in groups] == ["your-own-server", "google-workspace", "your-own-server-2"]


def test_both_names_of_microsofts_are_allowed_during_the_move() -> None:
    hosts = ["example-org.mail.protection.outlook.com", "example-org.h-v1.mx.microsoft"]
    assert list(plan.mx_of(hosts, "example.org")) == ["*.mail.protection.outlook.com", "*.h-v1.mx.microsoft"]
