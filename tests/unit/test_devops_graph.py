"""What `mta-sts:azureDevOps` declares."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from mocks import Monitor, declare

import settings_devops
from policy import UserError
from settings.reader import Reader
from settings.stack import load

ROOT = Path(__file__).parents[2]

DEVOPS: dict[str, Any] = {
    "organization": "https://dev.azure.com/contoso",
    "project": "mail",
    "reviewers": 2,
    "approvers": ["mail-admins"],
    "stacks": ["dev", "prod"],
    "backend": "azblob://state?storage_account=contosostate",
    "stateResourceGroup": "state",
    "passphrase": "correct horse battery staple",
    "variables": {"DNS_KEY": "hush hush hush"},
    "contentPipeline": {"stack": "prod", "policy": "main"},
}


@pytest.fixture(scope="module")
def graph() -> Monitor:
    return declare(
        {"preflight": "off", "azureDevOps": DEVOPS, "dns": {"provider": "azure", "resourceGroup": "dns"}}
    )


def test_a_stack_may_have_azure_devops_and_no_policy(graph: Monitor) -> None:
    assert not graph.of("azure-native:web:StaticSite")
    assert graph.of("azuredevops:index/project:Project") == {"devops-project"}


def test_an_existing_project_is_not_the_stacks_own() -> None:
    graph = declare({"preflight": "off", "azureDevOps": {**DEVOPS, "existingProject": True}})
    assert not graph.of("azuredevops:index/project:Project")
    assert graph.inputs("devops-repository")["projectId"] == "project that was there"


def test_main_takes_reviewed_and_built_pull_requests_alone(graph: Monitor) -> None:
    reviewers, build = graph.inputs("devops-reviewers")["settings"], graph.inputs("devops-preview")["settings"]
    assert reviewers["reviewerCount"] == 2
    assert not reviewers["submitterCanVote"]
    assert {each["scopes"][0]["repositoryRef"] for each in (reviewers, build)} == {"refs/heads/main"}
    assert "devops-mta-sts" in graph.before("devops-preview")
    assert graph.inputs("devops-mta-sts")["repository"]["ymlPath"] == "azure-pipelines.yml"
    assert graph.inputs("devops-mta-sts")["repository"]["branchName"] == "refs/heads/main"


def test_the_repository_is_empty_so_that_a_push_works(graph: Monitor) -> None:
    assert graph.inputs("devops-repository")["initialization"]["initType"] == "Uninitialized"


def test_every_stack_but_the_first_waits_for_approval_and_each_runs_alone(graph: Monitor) -> None:
    assert graph.of("azuredevops:index/checkApproval:CheckApproval") == {"devops-prod-approval"}
    assert graph.inputs("devops-prod-approval")["approvers"] == ["identity of mail-admins"]
    assert not graph.inputs("devops-prod-approval")["requesterCanApprove"]
    locks = graph.of("azuredevops:index/checkExclusiveLock:CheckExclusiveLock")
    assert locks == {"devops-dev-lock", "devops-prod-lock"}


def test_the_service_connection_holds_no_secret(graph: Monitor) -> None:
    inputs = graph.inputs("devops-connection")
    assert inputs["serviceEndpointAuthenticationScheme"] == "WorkloadIdentityFederation"
    assert set(inputs["credentials"]) == {"serviceprincipalid"}
    trust = graph.inputs("devops-deployer-trust")
    assert (trust["issuer"], trust["subject"]) == ("issuer", "sc")
    assert trust["audiences"] == ["api://AzureADTokenExchange"]


def test_no_secret_reaches_the_engine(graph: Monitor) -> None:
    """It would log them: the plugin reads them where they stand."""
    inputs = graph.inputs("devops-variables")
    assert inputs["values"] == {"PULUMI_BACKEND_URL": DEVOPS["backend"]}
    assert inputs["secrets"] == {"PULUMI_CONFIG_PASSPHRASE": "passphrase", "DNS_KEY": "variables.DNS_KEY"}
    assert set(inputs["fingerprints"]) == set(inputs["secrets"])
    for secret in (DEVOPS["passphrase"], DEVOPS["variables"]["DNS_KEY"]):
        assert not [name for name, request in graph.requests.items() if secret in str(request.object)]


def test_a_changed_secret_is_a_change(graph: Monitor) -> None:
    again = declare(
        {"preflight": "off", "azureDevOps": {**DEVOPS, "passphrase": "another"}, "dns": {"provider": "manual"}}
    )
    old, new = (each.inputs("devops-variables")["fingerprints"] for each in (graph, again))
    assert old["PULUMI_CONFIG_PASSPHRASE"] != new["PULUMI_CONFIG_PASSPHRASE"]
    assert old["DNS_KEY"] == new["DNS_KEY"]


def test_content_alone_has_its_own_pipeline_and_the_sites_token(graph: Monitor) -> None:
    assert graph.inputs("devops-mta-sts-content")["repository"]["ymlPath"] == "pipelines/content.yml"
    assert graph.inputs("devops-content-variables")["site"] == "site of main in organization/mta-sts/prod"
    without = declare(
        {
            "preflight": "off",
            "azureDevOps": {name: each for name, each in DEVOPS.items() if name != "contentPipeline"},
        }
    )
    assert not [name for name in without.requests if "content" in name]


def test_nothing_is_made_before_the_project_was_looked_for(graph: Monitor) -> None:
    for name in ("devops-organization", "devops-deployer", "mta-sts"):
        assert "devops-seen" in graph.before(name)


def test_the_pipelines_files_say_the_same(tmp_path: Path) -> None:
    devops = settings_devops.read(Reader(encrypted=["azureDevOps"]), DEVOPS, None)
    assert devops is not None
    assert settings_devops.disagreements(devops, ROOT) == []
    shutil.copytree(ROOT / "pipelines", tmp_path / "pipelines")
    (tmp_path / "azure-pipelines.yml").write_text("parameters: [{name: stacks, default: [dev]}]")
    (line,) = settings_devops.disagreements(devops, tmp_path)
    assert "azure-pipelines.yml: stacks is ['dev']" in line


def test_the_deployer_has_the_least_roles(graph: Monitor) -> None:
    actions = graph.inputs("devops-deployer-role")["permissions"][0]["actions"]
    assert not [each for each in actions if "Authorization" in each or each == "*"]
    scopes = {name: graph.inputs(name)["scope"] for name in graph.of("azure-native:authorization:RoleAssignment")}
    assert scopes == {
        "devops-deployer-sites": "/subscriptions/sub",
        "devops-deployer-dns": "/subscriptions/sub/resourceGroups/dns",
        "devops-deployer-state": "/subscriptions/sub/resourceGroups/state/providers/Microsoft.Storage/storageAccounts/"
        "contosostate/blobServices/default/containers/state",
    }


def test_the_first_run_is_asked_for_no_permission(graph: Monitor) -> None:
    type_ = "azuredevops:index/pipelineAuthorization:PipelineAuthorization"
    found = {graph.inputs(name)["type"] for name in graph.of(type_)}
    assert found == {"endpoint", "variablegroup", "environment"}


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (
            {"organization": "dev.azure.com/contoso"},
            "azureDevOps.organization: 'dev.azure.com/contoso' must be the org",
        ),
        ({"project": None}, "azureDevOps.project: is missing"),
        ({"backend": None, "stateResourceGroup": None}, "azureDevOps.backend: is missing"),
        ({"reviewers": 0}, "azureDevOps.reviewers: 0 must be a number of people, 1 to 10"),
        ({"approvers": []}, "azureDevOps.approvers: is missing; name the group that approves prod"),
        ({"stacks": ["dev", "prod", "dev"]}, "azureDevOps.stacks: dev stands there 2 times"),
        ({"variables": {"PULUMI_BACKEND_URL": "x"}}, "PULUMI_BACKEND_URL: is set from backend"),
        ({"pat": "x"}, "azureDevOps.pat: there is no such key"),
        ({"project": "MTA-STS"}, "azureDevOps.repository: mta-sts is what a new project's own first"),
        (
            {"contentPipeline": {"stack": "x", "policy": "main"}},
            "contentPipeline.stack: x is none of the stacks dev",
        ),
        ({"contentPipeline": True}, "contentPipeline: must be a map of stack and policy"),
        ({"variables": {"a b": "x"}}, "azureDevOps.variables.a b: must be a name of letters"),
    ],
)
def test_a_mistake_is_one_line_with_the_key(change: dict[str, Any], line: str) -> None:
    values = {"azureDevOps": json.dumps({**DEVOPS, **change})}
    with pytest.raises(UserError) as error:
        load(values, keys=values, location="westeurope", stack="ci", encrypted=["azureDevOps"])  # pyright: ignore[reportArgumentType]
    assert line in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_a_secret_for_all_to_read_is_refused() -> None:
    values = {"azureDevOps": json.dumps(DEVOPS)}
    with pytest.raises(UserError) as error:
        load(values, keys=values, location="westeurope", stack="ci")  # pyright: ignore[reportArgumentType]
    assert [line.partition(": ")[0] for line in str(error.value).splitlines()] == [
        "mta-sts:azureDevOps.passphrase",
        "mta-sts:azureDevOps.variables.DNS_KEY",
    ]
    assert "hush" not in str(error.value)
