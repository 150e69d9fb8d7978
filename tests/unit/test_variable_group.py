"""A variable group's secrets: seals that show a change and nothing else, and tokens that go to Azure DevOps alone."""

from typing import Any

import pytest

from policy import UserError
from provider import azure, azure_devops, branch_seen, configured, project_seen, variable_group
from provider.variable_group import same, seal

SITE = "/subscriptions/0b1f/resourceGroups/mta-sts-prod/providers/Microsoft.Web/staticSites/main"
STATE: dict[str, Any] = {
    "organization": "https://dev.azure.com/contoso",
    "project": "0c2f6c4e-0000-4000-8000-000000000001",
    "name": "mta-sts",
    "stack": "organization/mta-sts-pipeline/ci",
    "values": {},
    "secrets": {"DNS_KEY": "mta-sts-pipeline:variables.DNS_KEY"},
    "groupId": "7",
}


def test_a_seal_shows_a_change_and_confirms_no_guess() -> None:
    """Two states that hold the same passphrase don't show that they do."""
    one, two = seal("correct horse"), seal("correct horse")
    assert one != two
    assert "horse" not in one
    assert same(one, "correct horse")
    assert not same(one, "correct horses")
    assert not same("", "")
    assert len(one.partition(":")[0]) == 64  # hex: a key of 256 bits


def test_a_changed_secret_is_an_update_and_nothing_else_is(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"mta-sts-pipeline:variables.DNS_KEY": "hush"}
    monkeypatch.setattr(configured, "text", lambda stack, path: values[path])  # pyright: ignore[reportUnknownLambdaType]
    state = {**STATE, "seals": {"DNS_KEY": seal("hush")}}
    assert variable_group.stale(state) == []
    values["mta-sts-pipeline:variables.DNS_KEY"] = "louder"
    assert variable_group.stale(state) == ['seals["DNS_KEY"]']


def test_a_secret_that_left_the_configuration_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(stack: str, path: str) -> str:
        raise UserError("configuration key not found")

    monkeypatch.setattr(configured, "text", gone)
    assert variable_group.stale({**STATE, "seals": {"DNS_KEY": seal("hush")}}) == ['seals["DNS_KEY"]']


def test_a_token_that_was_reset_is_written_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(azure, "deployment_token", lambda site: "new")  # pyright: ignore[reportUnknownLambdaType]
    state = {**STATE, "secrets": {}, "site": SITE, "seals": {"deployment_token": seal("old")}}
    assert variable_group.stale(state) == ['seals["deployment_token"]']

    def silent(site: str) -> str:
        raise UserError("can't reach Azure")

    monkeypatch.setattr(azure, "deployment_token", silent)
    assert variable_group.stale(state) == []  # no answer is no proof


@pytest.mark.parametrize(
    "url",
    [
        "https://dev.azure.com.evil.example/contoso/_apis/projects",
        "https://evil.example/contoso/_apis/projects",
        "http://dev.azure.com/contoso/_apis/projects",
        "https://x@dev.azure.com/contoso/_apis/projects",
        "https://dev.azure.com@evil.example/contoso",
        "https://dev.azure.com:444/contoso/_apis/projects",
        "https://dev.azure.com/contoso/../fabrikam/_apis/projects",
        "https://dev.azure.com/contoso/_apis/projects#@evil.example",
        "https://dev.azure.com/contoso\\evil.example",
        "https://dev.azure.com/contoso/a b",
        "file:///etc/passwd",
        "",
    ],
)
def test_the_token_goes_to_azure_devops_alone(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever else is on the machine may call the plugin: its port is open to them by Pulumi's design."""
    monkeypatch.setenv("AZDO_PERSONAL_ACCESS_TOKEN", "secret")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    with pytest.raises(UserError, match="is no address of Azure DevOps"):
        azure_devops.request("GET", url)


def test_every_kind_refuses_another_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZDO_PERSONAL_ACCESS_TOKEN", "secret")
    elsewhere = {**STATE, "organization": "https://evil.example/contoso", "repository": "r", "existing": True}
    for work in (
        lambda: project_seen.look(elsewhere),
        lambda: variable_group.update_now({**elsewhere, "secrets": {}}, {}),
    ):
        with pytest.raises(UserError, match="is no address of Azure DevOps"):
            work()
    assert branch_seen.segment("a/../b?c#d") == "a%2F..%2Fb%3Fc%23d"
    with pytest.raises(UserError, match="is no name"):
        branch_seen.segment("..")


@pytest.mark.parametrize(
    "site",
    [
        "",
        "https://evil.example",
        "/subscriptions/x",
        f"{SITE}/../other",
        f"{SITE}?x=",
        f"{SITE}/listSecrets#",
        "//evil.example",
    ],
)
def test_a_token_is_asked_of_a_sites_resource_id_alone(site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(azure, "deployment_token", lambda site: pytest.fail(f"asked {site}"))  # pyright: ignore[reportUnknownLambdaType]
    with pytest.raises(UserError, match="is no resource id of a Static Web App"):
        variable_group.update_now({**STATE, "secrets": {}, "site": site}, {})
