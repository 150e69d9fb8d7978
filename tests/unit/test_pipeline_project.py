"""What the project `mta-sts-pipeline` declares, and what its settings refuse."""

import json
import shutil
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from mocks import Monitor, declare

from pipeline.settings import Settings, load
from pipeline.stated import disagreements
from policy import UserError

ROOT = Path(__file__).parents[2]
SECRET = ("passphrase", "variables")

DEVOPS: dict[str, Any] = {
    "organization": "https://dev.azure.com/contoso",
    "project": "mail",
    "reviewers": 2,
    "approvers": ["mail-admins"],
    "stacks": ["dev", "prod"],
    "backend": "azblob://state?storage_account=contosostate",
    "stateResourceGroup": "state",
    "dnsResourceGroup": "dns",
    "passphrase": "correct horse battery staple",
    "variables": {"DNS_KEY": "hush hush hush"},
    "contentPipeline": {"stack": "prod", "policy": "main"},
}


def read(encrypted: tuple[str, ...] = SECRET, **changes: Any) -> Settings:
    given = {name: value for name, value in {**DEVOPS, **changes}.items() if value is not None}
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in given.items()}
    return load(texts, keys=texts, encrypted=encrypted)  # pyright: ignore[reportArgumentType]


def declared(**changes: Any) -> Monitor:
    given = {name: value for name, value in {**DEVOPS, **changes}.items() if value is not None}
    with patch("provider.azure_devops.check", return_value=[]):
        return declare(given, program="pipeline/__main__.py", project="mta-sts-pipeline", secret=SECRET)


@pytest.fixture(scope="module")
def graph() -> Monitor:
    return declared()


def test_the_pipeline_owns_no_site_and_makes_its_project(graph: Monitor) -> None:
    assert not graph.of("azure-native:web:StaticSite")
    assert graph.of("azuredevops:index/project:Project") == {"pipeline-project"}


def test_an_existing_project_is_not_the_stacks_own() -> None:
    graph = declared(existingProject=True)
    assert not graph.of("azuredevops:index/project:Project")
    assert graph.inputs("pipeline-repository")["projectId"] == "project that was there"


def test_main_takes_reviewed_and_built_pull_requests_alone(graph: Monitor) -> None:
    reviewers, build = graph.inputs("pipeline-reviewers")["settings"], graph.inputs("pipeline-preview")["settings"]
    assert reviewers["reviewerCount"] == 2
    assert not reviewers["submitterCanVote"]
    assert {each["scopes"][0]["repositoryRef"] for each in (reviewers, build)} == {"refs/heads/main"}
    assert "pipeline-mta-sts" in graph.before("pipeline-preview")
    assert graph.inputs("pipeline-mta-sts")["repository"]["ymlPath"] == "azure-pipelines.yml"
    assert graph.inputs("pipeline-mta-sts")["repository"]["branchName"] == "refs/heads/main"


def test_the_repository_is_empty_so_that_a_push_works(graph: Monitor) -> None:
    assert graph.inputs("pipeline-repository")["initialization"]["initType"] == "Uninitialized"


def test_every_stack_but_the_first_waits_for_approval_and_each_runs_alone(graph: Monitor) -> None:
    assert graph.of("azuredevops:index/checkApproval:CheckApproval") == {"pipeline-prod-approval"}
    assert graph.inputs("pipeline-prod-approval")["approvers"] == ["identity of mail-admins"]
    assert not graph.inputs("pipeline-prod-approval")["requesterCanApprove"]
    locks = graph.of("azuredevops:index/checkExclusiveLock:CheckExclusiveLock")
    assert locks == {"pipeline-dev-lock", "pipeline-prod-lock"}


def test_the_service_connection_holds_no_secret(graph: Monitor) -> None:
    inputs = graph.inputs("pipeline-connection")
    assert inputs["serviceEndpointAuthenticationScheme"] == "WorkloadIdentityFederation"
    assert set(inputs["credentials"]) == {"serviceprincipalid"}
    trust = graph.inputs("pipeline-deployer-trust")
    assert (trust["issuer"], trust["subject"]) == ("issuer", "sc")
    assert trust["audiences"] == ["api://AzureADTokenExchange"]


def test_no_secret_reaches_the_engine(graph: Monitor) -> None:
    """It would log them: the plugin reads them where they stand."""
    inputs = graph.inputs("pipeline-variables")
    assert inputs["values"] == {"PULUMI_BACKEND_URL": DEVOPS["backend"]}
    assert inputs["secrets"] == {
        "PULUMI_CONFIG_PASSPHRASE": "mta-sts-pipeline:passphrase",
        "DNS_KEY": "mta-sts-pipeline:variables.DNS_KEY",
    }
    assert set(inputs["fingerprints"]) == set(inputs["secrets"])
    for secret in (DEVOPS["passphrase"], DEVOPS["variables"]["DNS_KEY"]):
        assert not [name for name, request in graph.requests.items() if secret in str(request.object)]


def test_a_changed_secret_is_a_change(graph: Monitor) -> None:
    again = declared(passphrase="another")
    old, new = (monitor.inputs("pipeline-variables")["fingerprints"] for monitor in (graph, again))
    assert old["PULUMI_CONFIG_PASSPHRASE"] != new["PULUMI_CONFIG_PASSPHRASE"]
    assert old["DNS_KEY"] == new["DNS_KEY"]


def test_content_alone_has_its_own_pipeline_and_the_sites_token(graph: Monitor) -> None:
    assert graph.inputs("pipeline-mta-sts-content")["repository"]["ymlPath"] == "pipeline/steps/content.yml"
    assert graph.inputs("pipeline-content-variables")["site"] == "site of main in organization/mta-sts/prod"
    without = declared(contentPipeline=None)
    assert not [name for name in without.requests if "content" in name]


def test_nothing_is_made_before_the_project_was_looked_for(graph: Monitor) -> None:
    for name in ("pipeline-organization", "pipeline-deployer", "pipeline"):
        assert "project-seen" in graph.before(name)


def test_the_pipelines_files_say_the_same(tmp_path: Path) -> None:
    given = read()
    assert disagreements(given, ROOT) == []
    shutil.copytree(ROOT / "pipeline/steps", tmp_path / "pipeline/steps")
    (tmp_path / "azure-pipelines.yml").write_text("parameters: [{name: stacks, default: [dev]}]")
    (line,) = disagreements(given, tmp_path)
    assert "azure-pipelines.yml: stacks is ['dev']" in line


def test_the_deployer_has_the_least_roles(graph: Monitor) -> None:
    actions = graph.inputs("pipeline-deployer-role")["permissions"][0]["actions"]
    assert not [each for each in actions if "Authorization" in each or each == "*"]
    scopes = {name: graph.inputs(name)["scope"] for name in graph.of("azure-native:authorization:RoleAssignment")}
    assert scopes == {
        "pipeline-deployer-sites": "/subscriptions/sub",
        "pipeline-deployer-dns": "/subscriptions/sub/resourceGroups/dns",
        "pipeline-deployer-state": "/subscriptions/sub/resourceGroups/state/providers/Microsoft.Storage/storageAccounts/"
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
            "mta-sts-pipeline:organization: 'dev.azure.com/contoso' must be the org",
        ),
        ({"project": None}, "mta-sts-pipeline:project: is missing"),
        ({"backend": None, "stateResourceGroup": None}, "mta-sts-pipeline:backend: is missing"),
        ({"reviewers": 0}, "mta-sts-pipeline:reviewers: 0 must be a number of people, 1 to 10"),
        ({"approvers": []}, "mta-sts-pipeline:approvers: is missing; name the group that approves prod"),
        ({"stacks": ["dev", "prod", "dev"]}, "mta-sts-pipeline:stacks: dev stands there 2 times"),
        ({"variables": {"PULUMI_BACKEND_URL": "x"}}, "PULUMI_BACKEND_URL: is set from backend"),
        ({"pat": "x"}, "mta-sts-pipeline:pat: there is no such key"),
        ({"project": "MTA-STS"}, "mta-sts-pipeline:repository: mta-sts is what a new project's own first"),
        (
            {"contentPipeline": {"stack": "x", "policy": "main"}},
            "contentPipeline.stack: x is none of the stacks dev",
        ),
        ({"contentPipeline": True}, "contentPipeline: True must be a map with the keys stack, policy"),
        ({"variables": {"a b": "x"}}, "mta-sts-pipeline:variables: 'a b' must be letters, digits and _"),
    ],
)
def test_a_mistake_is_one_line_with_the_key(change: dict[str, Any], line: str) -> None:
    with pytest.raises(UserError) as error:
        read(**change)
    assert line in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_a_secret_for_all_to_read_is_refused() -> None:
    with pytest.raises(UserError) as error:
        read(encrypted=())
    assert [line.partition(": ")[0] for line in str(error.value).splitlines()] == [
        "mta-sts-pipeline:passphrase",
        "mta-sts-pipeline:variables.DNS_KEY",
    ]
    assert "hush" not in str(error.value)
