"""Azure DevOps as code: the real engine and the real azuredevops provider on a local Azure DevOps."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness import ROOT, Stack

PASSPHRASE = "a-passphrase-that-stands-nowhere-else"
DEVOPS: dict[str, Any] = {
    "organization": "https://dev.azure.com/contoso",
    "project": "mail",
    "approvers": ["mail-admins"],
    "stacks": ["dev", "prod"],
    "backend": "azblob://state?storage_account=contosostate",
    "stateResourceGroup": "state",
}


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
    with made.sandbox:
        made.configure(**{"mta-sts:policies": None, "mta-sts:azureDevOps": DEVOPS})
        made.pulumi("stack", "init", "test")
        secret = ("config", "set", "--secret", "--path", "mta-sts:azureDevOps.passphrase", PASSPHRASE)
        assert made.pulumi(*secret).code == 0
        yield made


def things(stack: Stack, kind: str) -> list[dict[str, Any]]:
    return [each["body"] for each in stack.sandbox.state.of(f"devops/{kind}")]


def test_one_up_makes_the_whole_of_it_and_destroy_leaves_nothing(ci: Stack) -> None:
    run = ci.pulumi("up", "--yes", "--skip-preview")
    assert run.code == 0, "\n".join(run.errors) or run.text[-3000:]
    secrets = (PASSPHRASE, ci.sandbox.env()["AZDO_PERSONAL_ACCESS_TOKEN"])
    shown = run.text + ci.pulumi("stack", "export").stdout + ci.pulumi("stack", "output", "--json").stdout
    assert [secret for secret in secrets if secret in shown] == []
    ci.assert_settled()

    (group,) = things(ci, "variablegroups")
    assert group["variables"]["PULUMI_CONFIG_PASSPHRASE"]["isSecret"]
    assert group["variables"]["PULUMI_CONFIG_PASSPHRASE"]["value"] == PASSPHRASE
    definitions = {each["name"]: each for each in things(ci, "definitions")}
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

    ci.configure(
        **{"mta-sts:policies": None, "mta-sts:azureDevOps": {**DEVOPS, "reviewers": 2, "passphrase": "changed"}}
    )
    assert ci.pulumi("up", "--yes", "--skip-preview").code == 0
    assert 2 in [each["settings"].get("minimumApproverCount") for each in things(ci, "policies")]

    run = ci.pulumi("destroy", "--yes", "--skip-preview")
    assert run.code == 0, run.text
    kinds = ("projects", "repositories", "definitions", "policies", "environments", "checks", "endpoints")
    assert {kind: things(ci, kind) for kind in kinds} == {kind: [] for kind in kinds}
