"""The stack's file: new lines say why, what stands there stays, and nothing is written that a preview would refuse."""

from pathlib import Path
from typing import Any

import pytest

from policy import Mode, UserError
from tools.setup import plan
from tools.setup.plan import Wish
from tools.setup.stack_file import StackFile

AZURE = {"provider": "azure", "resourceGroup": "dns"}
THEIRS = """# ours since 2020
config:
  azure-native:location: westeurope   # near us
  mta-sts:tags: {owner: 'mail team'}
  mta-sts:policies:
  # the first one
  - name: main
    mode: enforce
    maxAge: 1209600
    mx:
    - "*.mail.protection.outlook.com"  # Microsoft
    domains: [example.org, {name: Example.NET, adoptTlsReports: true}]
  mta-sts:dns:
    provider: azure
    resourceGroup: dns
encryptionsalt: v1:x
"""


def wish(name: str, *mx: str, dns: dict[str, Any] = AZURE, **more: Any) -> Wish:
    return Wish(name, dict.fromkeys(mx, "your own server"), dns, **more)


def extended(path: Path, *wishes: Wish) -> StackFile:
    file = StackFile(path)
    file.begin("westeurope", wishes[0].dns, "example.org is at Azure DNS")
    left = [each for each in wishes if not file.join(each)]
    file.add(plan.group(left, "Free", 0, file.names), {})
    file.check("prod", {})
    return file


def test_a_new_file_says_in_each_line_why(tmp_path: Path) -> None:
    file = extended(
        tmp_path / "Pulumi.prod.yaml", wish("example.org", "mail.example.org", reports=("mailto:a@b.example",))
    )
    assert file.after == (
        "config:\n"
        "  azure-native:location: westeurope # its content is served worldwide\n"
        "  mta-sts:dns: # example.org is at Azure DNS\n"
        "    provider: azure\n"
        "    resourceGroup: dns\n"
        "  mta-sts:policies:\n"
        "    - name: main # resources are named after it: it stays\n"
        "      mode: testing # begin here: senders report, and deliver all the same\n"
        "      mx: [mail.example.org] # your own server\n"
        "      domains: [example.org]\n"
        '      tlsReports: ["mailto:a@b.example"] # told what failed\n'
    )
    file.write()
    again = StackFile(file.path)
    assert again.after == again.before
    assert not again.diff()


def test_what_stands_there_stays_in_its_order_with_its_comments(tmp_path: Path) -> None:
    path = tmp_path / "Pulumi.prod.yaml"
    path.write_text(THEIRS)
    path.chmod(0o600)
    file = extended(path, wish("example.com", "mail.example.com"))
    file.allow("example.org", {"*.h-v1.mx.microsoft": "Microsoft 365"})
    kept = [line for line in file.after.splitlines() if line in THEIRS.splitlines()]
    assert kept == THEIRS.splitlines()
    assert '    - "*.mail.protection.outlook.com"  # Microsoft\n    - \'*.h-v1.mx.microsoft\' # Microsoft 365\n' in file.after.replace('"*.h', "'*.h").replace('soft" # M', "soft' # M")  # fmt: skip
    assert "  - name: main-2" in file.after
    assert all(line[0] in "+ " for line in file.diff())
    assert not any(path.parent.glob("tmp*"))
    file.write()
    assert path.read_text() == file.after
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_domain_that_stands_there_is_found_however_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "Pulumi.prod.yaml"
    path.write_text(THEIRS)
    file = StackFile(path)
    assert file.policy_of("example.org")
    assert file.policy_of("example.net")
    assert not file.policy_of("example.com")
    file.allow(
        "example.org", {"*.mail.protection.outlook.com": "Microsoft 365", "a.mail.protection.outlook.com": "x"}
    )
    assert file.after == THEIRS


def test_a_domain_joins_a_policy_in_testing_with_the_same_mail_servers_and_room(tmp_path: Path) -> None:
    path = tmp_path / "Pulumi.prod.yaml"
    extended(path, wish("a.example", "mail.a.example")).write()
    file = StackFile(path)
    assert not file.join(wish("b.example", "other.example"))
    assert not file.join(wish("b.example", "mail.a.example", dns={"provider": "manual"}))
    assert not file.join(wish("b.example", "mail.a.example", mode=Mode.ENFORCE))
    assert file.join(wish("b.example", "mail.a.example"))
    assert "domains: [a.example, b.example]" in file.after
    assert not file.join(wish("c.example", "mail.a.example"))  # a Free app holds two


def test_another_dns_host_and_a_record_to_take_over_stand_with_their_policy(tmp_path: Path) -> None:
    path = tmp_path / "Pulumi.prod.yaml"
    extended(path, wish("a.example", "mail.a.example")).write()
    more = wish(
        "b.example", "mail.b.example", dns={"provider": "manual"}, reports=("mailto:a@b.example",), adopt=True
    )
    file = extended(path, more)
    assert "- {name: b.example, adoptTlsReports: true}" in file.after
    assert file.path_of_dns("main") == "mta-sts:dns"
    assert file.path_of_dns("main-2") == "mta-sts:policies[1].dns"
    assert file.stands("mta-sts:policies[1].dns.provider")
    assert not file.stands("mta-sts:policies[1].dns.keySecret")


def test_secrets_are_checked_before_they_are_encrypted_and_never_stand_in_the_text(tmp_path: Path) -> None:
    dns = {"provider": "rfc2136", "servers": ["192.0.2.1"], "keyName": "k"}
    file = StackFile(tmp_path / "Pulumi.prod.yaml")
    file.begin("westeurope", dns, "why")
    file.add(plan.group([wish("a.example", "mail.a.example", dns=dns)], "Free", 0), {})
    file.check("prod", {"mta-sts:dns.keySecret": "c2VjcmV0c2VjcmV0"})
    assert "c2VjcmV0" not in file.after
    with pytest.raises(UserError, match="is no base64") as caught:
        file.check("prod", {"mta-sts:dns.keySecret": "hunter2!"})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "config:\n  a: b: c\n",
            "line 2: mapping values are not allowed here; correct it, or name another --stack",
        ),
        ("- x\n", "is no stack's file"),
        ("config: [x]\n", "is no stack's file"),
        ("config: {a: 1, a: 2}\n", "line 1: found duplicate key"),
        ("x: \x01\n", "can't be read"),
        ("a: &a [*a]\nconfig: {}\n", ""),
    ],
)
def test_a_file_that_is_none_is_named_with_its_line(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "Pulumi.prod.yaml"
    path.write_text(text)
    if not says:
        StackFile(path)
        return
    with pytest.raises(UserError, match=says) as caught:
        StackFile(path)
    assert "\n" not in str(caught.value)
    assert path.read_text() == text


def test_mistakes_that_stand_there_are_told_and_nothing_is_written(tmp_path: Path) -> None:
    path = tmp_path / "Pulumi.prod.yaml"
    path.write_text(THEIRS.replace("westeurope ", "northpole "))
    with pytest.raises(UserError, match="'northpole' has no Static Web Apps"):
        extended(path, wish("example.com", "mail.example.com"))


def test_a_file_that_is_empty_or_has_only_comments_is_filled(tmp_path: Path) -> None:
    for text in ("", "\n", "# a comment\n", "encryptionsalt: v1:x\n", "config: {}\n"):
        path = tmp_path / "Pulumi.prod.yaml"
        path.write_text(text)
        file = extended(path, wish("example.com", "mail.example.com"))
        assert text.strip().replace("config: {}", "") in file.after
        assert "domains: [example.com]" in file.after
