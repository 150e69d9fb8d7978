"""Azure DevOps as code: the real engine and the real azuredevops provider on a local Azure DevOps."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from copy import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from harness import ROOT, TESTING, Stack

NAMESPACE = "mta-sts-pipeline"
PASSPHRASE = "a-passphrase-that-stands-nowhere-else"
DEVOPS: dict[str, Any] = {
    "organization": "https://dev.azure.com/contoso",
    "project": "mail",
    "approvers": ["mail-admins", "ann@example.com"],
    "stacks": ["dev", "prod"],
    "backend": "azblob://state?storage_account=contosostate",
    "stateResourceGroup": "state",
}
KINDS = (
    "projects",
    "repositories",
    "definitions",
    "policies",
    "environments",
    "checks",
    "endpoints",
    "variablegroups",
)


@pytest.fixture(scope="session")
def provider() -> str:
    run = subprocess.run(
        [sys.executable, "-m", "tools.get_azuredevops", "--build"], cwd=ROOT, capture_output=True, text=True
    )
    if run.returncode:
        pytest.skip(run.stderr.strip())
    return run.stdout.strip()


@pytest.fixture
def ci(tmp_path: Path, engine: str, provider: str) -> Iterator[Stack]:
    made = Stack(tmp_path, os.pathsep.join(filter(None, (engine, provider))))
    made.project /= "pipeline"  # a Pulumi project of its own, in a folder of this one
    with made.sandbox:
        made.pulumi("stack", "init", "test")
        configure(made)
        made.secret(f"{NAMESPACE}:passphrase", PASSPHRASE)
        yield made


def configure(stack: Stack, **changes: Any) -> None:
    """The stack's configuration with some keys changed; the encrypted passphrase stays."""
    path = stack.project / "Pulumi.test.yaml"
    before = yaml.safe_load(path.read_text()) or {}
    secret = {name: value for name, value in before.get("config", {}).items() if name.endswith(":passphrase")}
    given = {f"{NAMESPACE}:{name}": value for name, value in {**DEVOPS, **changes}.items() if value is not None}
    path.write_text(yaml.safe_dump({**before, "config": {**given, **secret}}))


def beside(ci: Stack) -> Stack:
    """The stack `prod` of the mail program, on the same local Azure."""
    mail = copy(ci)
    mail.project, mail.more = ci.project.parent, {"PULUMI_STACK": "prod"}
    return mail


def things(stack: Stack, kind: str) -> list[dict[str, Any]]:
    return [each["body"] for each in stack.sandbox.state.of(f"devops/{kind}")]


def group(stack: Stack, name: str) -> dict[str, Any]:
    (found,) = [each for each in things(stack, "variablegroups") if each["name"] == name]
    return found["variables"]


def up(stack: Stack, *options: str, **environment: str) -> str:
    run = stack.pulumi("up", "--yes", "--skip-preview", *options, **environment)
    assert run.code == 0, "\n".join(run.errors) or run.text[-3000:]
    return run.text


def test_one_up_makes_the_whole_of_it_and_destroy_leaves_nothing(ci: Stack) -> None:
    said = up(ci, "--logtostderr", "--logflow", "-v=9")
    assert "Pipeline" in said
    assert PASSPHRASE not in said  # not even where the engine logs every value
    shown = ci.pulumi("stack", "export").stdout + ci.pulumi("stack", "output", "--json", "--show-secrets").stdout
    assert [each for each in (PASSPHRASE, ci.sandbox.env()["AZDO_PERSONAL_ACCESS_TOKEN"]) if each in shown] == []
    ci.assert_settled()

    variables = group(ci, "mta-sts")
    assert variables["PULUMI_CONFIG_PASSPHRASE"] == {"value": PASSPHRASE, "isSecret": True}
    assert variables["PULUMI_BACKEND_URL"]["value"] == DEVOPS["backend"]
    definitions = {each["name"]: each for each in things(ci, "definitions")}
    assert set(definitions) == {"mta-sts"}
    assert {each["repository"]["defaultBranch"] for each in definitions.values()} == {"refs/heads/main"}
    builds = [each for each in things(ci, "policies") if "buildDefinitionId" in each["settings"]]
    assert [each["settings"]["buildDefinitionId"] for each in builds] == [definitions["mta-sts"]["id"]]
    assert all(each["isBlocking"] and each["isEnabled"] for each in things(ci, "policies"))
    (connection,) = things(ci, "endpoints")
    assert "serviceprincipalkey" not in str(connection)
    trust = next(
        ci.sandbox.state.of("Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials")
    )
    assert trust["properties"]["subject"] == "sc://contoso/mail/mta-sts"

    # An update: a reviewer more, another passphrase.
    configure(ci, reviewers=2)
    ci.secret(f"{NAMESPACE}:passphrase", "changed")
    assert ci.changes() == {"pipeline-reviewers": "update", "pipeline-variables": "update"}
    up(ci)
    assert 2 in [each["settings"].get("minimumApproverCount") for each in things(ci, "policies")]
    assert group(ci, "mta-sts")["PULUMI_CONFIG_PASSPHRASE"]["value"] == "changed"

    # Somebody takes a variable away in the portal: drift, which the next up repairs.
    stored = next(each for each in ci.sandbox.state.of("devops/variablegroups"))
    del stored["body"]["variables"]["PULUMI_CONFIG_PASSPHRASE"]
    ci.sandbox.state.put(stored)
    assert ci.pulumi("refresh", "--yes").code == 0
    up(ci)
    assert group(ci, "mta-sts")["PULUMI_CONFIG_PASSPHRASE"]["value"] == "changed"

    # The token of the first day has expired long since.
    ci.sandbox.state.set("devops-pat", "a-new-personal-access-token")
    run = ci.pulumi("destroy", "--yes", "--skip-preview", "--run-program")
    assert run.code == 0, run.text
    assert {kind: things(ci, kind) for kind in KINDS} == {kind: [] for kind in KINDS}


def test_the_content_pipeline_has_the_sites_token_also_after_a_reset(ci: Stack) -> None:
    configure(ci, contentPipeline={"stack": "prod", "policy": "main"})
    run = ci.pulumi("preview")
    assert run.code != 0
    assert run.errors == ['Preview failed: unknown stack "organization/mta-sts/prod"']

    mail = beside(ci)
    mail.zones("example.org", "--mx", "mail.example.org")
    mail.pulumi("stack", "init", "prod")
    mail.configure(TESTING)
    run = ci.pulumi("preview")
    assert "no site of that policy yet" in run.text
    assert run.code != 0
    up(mail)

    said = up(ci, "--logtostderr", "--logflow", "-v=9")
    token = group(ci, "mta-sts-content")["deployment_token"]
    assert token["isSecret"]
    assert token["value"]
    assert token["value"] not in said
    ci.assert_settled()
    assert {each["name"] for each in things(ci, "definitions")} == {"mta-sts", "mta-sts-content"}

    site = mail.pulumi("stack", "output", "sites", "--json").stdout
    ci.arm("POST", "/resourceGroups/" + yaml.safe_load(site)["main"].split("/resourceGroups/")[1] + "/resetapikey")
    assert ci.changes() == {"pipeline-content-variables": "update"}
    up(ci)
    renewed = group(ci, "mta-sts-content")["deployment_token"]["value"]
    assert renewed != token["value"]
    ci.assert_settled()

    # The task AzureStaticWebApp@0 leaves another provider on the site, which Azure doesn't let anyone change back.
    site = next(ci.sandbox.state.of("Microsoft.Web/staticSites"))
    site["properties"]["provider"] = "DevOps"
    ci.sandbox.state.put(site)
    assert mail.pulumi("refresh", "--yes").code == 0
    assert mail.pulumi("preview", "--expect-no-changes").code == 0
    assert mail.pulumi("config", "set", "--path", "mta-sts:tags.owner", "mail").code == 0
    up(mail)


def refused(stack: Stack, line: str, **environment: str) -> None:
    """One line, and nothing was made."""
    before = {kind: things(stack, kind) for kind in KINDS}
    run = stack.pulumi("up", "--yes", "--skip-preview", **environment)
    assert run.code != 0
    errors = [each for each in run.errors if not each.startswith("an unhandled error occurred: program exited")]
    assert len(errors) == 1, errors  # the engine's own end of every failed program is left out above
    assert line in errors[0], errors
    assert {kind: things(stack, kind) for kind in KINDS} == before
    assert not list(stack.sandbox.state.of("Microsoft.Resources/resourceGroups"))


def test_what_cannot_work_is_one_line_and_nothing_is_made(ci: Stack) -> None:
    state = ci.sandbox.state
    refused(ci, "AZDO_PERSONAL_ACCESS_TOKEN is not set; make one under", AZDO_PERSONAL_ACCESS_TOKEN="")
    refused(ci, "refuses the token (203)", AZDO_PERSONAL_ACCESS_TOKEN="expired")
    state.set("devops-withheld", "/distributedtask/variablegroups /distributedtask/environments")
    refused(ci, "the token lacks the scopes Variable Groups, Environment; make one")
    state.set("devops-withheld", "")
    configure(ci, organization="https://dev.azure.com/cont0so")
    refused(ci, "organization: Azure DevOps has no organisation https://dev.azure.com/cont0so")
    configure(ci, existingProject=True)
    refused(ci, "existingProject: there is no project mail in https://dev.azure.com/contoso")
    configure(ci, stacks=["dev", "production"])
    refused(ci, "azure-pipelines.yml: stacks is ['dev', 'prod']")

    owner: dict[str, Any] = {"id": "0c2f6c4e-0000-4000-8000-000000000001", "name": "mail", "state": "wellFormed"}
    process = {"templateTypeId": "adcc42ab-9882-485e-a3ed-7678f01f66bc"}
    owner["capabilities"] = {"versioncontrol": {"sourceControlType": "Git"}, "processTemplate": process}
    state.put({"id": f"/devops/projects/{owner['id']}", "type": "devops/projects", "body": owner})
    configure(ci)
    refused(ci, "project: mail is there already in https://dev.azure.com/contoso; set existingProject: true")
    theirs = {"id": "0c2f6c4e-0000-4000-8000-000000000002", "name": "mta-sts", "project": owner}
    state.put({"id": f"/devops/repositories/{theirs['id']}", "type": "devops/repositories", "body": theirs})
    configure(ci, existingProject=True)
    refused(ci, "repository: mta-sts is there already in the project mail")

    # In a project that was there, all of it but the project comes and goes.
    configure(ci, existingProject=True, repository="policies")
    began = time.monotonic()
    up(ci)
    assert time.monotonic() - began < 120
    run = ci.pulumi("destroy", "--yes", "--skip-preview")
    assert run.code == 0, run.text
    assert things(ci, "projects") == [owner]
    assert things(ci, "repositories") == [theirs]
