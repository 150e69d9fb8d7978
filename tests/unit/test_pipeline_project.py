"""What the project `mta-sts-pipeline` declares, and what its settings refuse."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pulumi
import pytest
import yaml
from mocks import Monitor, declare

from pipeline import backends
from pipeline.settings import Settings, load
from pipeline.stated import disagreements, shards
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
    "dnsResourceGroups": ["dns"],
    "passphrase": "correct horse battery staple",
    "variables": {"DNS_KEY": "hush hush hush"},
    "contentPipeline": {
        "stack": "prod",
        "policy": "main",
        "site": "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/mta-sts-prod/providers/Microsoft.Web/staticSites/mta-sts-main",
    },
}
OWN = "azblob://pipeline-state?storage_account=contosostate"


SHARDS = ("fleet-1", "fleet-2")


def read(encrypted: tuple[str, ...] = SECRET, shards: tuple[str, ...] = SHARDS, **changes: Any) -> Settings:
    given = {name: value for name, value in {**DEVOPS, **changes}.items() if value is not None}
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in given.items()}
    return load(texts, keys=texts, encrypted=encrypted, shards=shards)  # pyright: ignore[reportArgumentType]


def declared(**changes: Any) -> Monitor:
    given = {name: value for name, value in {**DEVOPS, **changes}.items() if value is not None}
    with patch("provider.azure_devops.check", return_value=[]), patch.dict(os.environ, PULUMI_BACKEND_URL=OWN):
        return declare(given, program="pipeline/__main__.py", project="mta-sts-pipeline", secret=SECRET)


def write_shards(folder: Path, names: tuple[str, ...] = SHARDS, **config: Any) -> None:
    """Write the stacks' files of a fleet."""
    for number, name in enumerate(names, 1):
        given = {"fleet": {"file": "fleet.csv", "shard": number}, "existingResourceGroup": True, **config}
        text = yaml.safe_dump({"config": {f"mta-sts:{key}": value for key, value in given.items()}})
        (folder / f"Pulumi.{name}.yaml").write_text(text)


def with_fleet(folder: Path, **changes: Any) -> Monitor:
    """What is declared for a repository with the two shards."""
    write_shards(folder)
    glob = Path.glob
    with patch.object(Path, "glob", lambda at, pattern: glob(folder if at == ROOT else at, pattern)):
        return declared(fleet=True, **changes)


@contextmanager
def files_that_propose() -> Iterator[None]:
    """The pipelines' files say meanwhile where reports come from."""
    read_file = yaml.safe_load

    def switched_on(text: str) -> Any:
        found = read_file(text)
        if "parameters" not in found:  # a stack's
            return found
        return {**found, "parameters": [{**each, "default": "--reports x"} if each["name"] == "propose" else each for each in found["parameters"]]}  # fmt: skip

    with patch("yaml.safe_load", switched_on):
        yield


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
    trust = graph.inputs("pipeline-azure-deployer-trust")
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
    for secret in (DEVOPS["passphrase"], DEVOPS["variables"]["DNS_KEY"]):
        assert not [name for name, request in graph.requests.items() if secret in str(request.object)]


def test_content_alone_has_its_own_pipeline_and_the_sites_token(graph: Monitor) -> None:
    assert graph.inputs("pipeline-mta-sts-content")["repository"]["ymlPath"] == "pipeline/steps/content.yml"
    without = declared(contentPipeline=None)
    assert not [name for name in without.requests if "content" in name]


def test_nothing_is_made_before_the_project_was_looked_for(graph: Monitor) -> None:
    for name in ("pipeline-organization", "pipeline-azure-deployer", "pipeline"):
        assert "project-seen" in graph.before(name)


def test_the_pipelines_files_say_the_same(tmp_path: Path) -> None:
    given = read()
    assert disagreements(given, ROOT) == []
    shutil.copytree(ROOT / "pipeline/steps", tmp_path / "pipeline/steps")
    (tmp_path / "azure-pipelines.yml").write_text("parameters: [{name: stacks, default: [dev]}]")
    (line,) = disagreements(given, tmp_path)
    assert "azure-pipelines.yml: stacks is ['dev']" in line


def actions(graph: Monitor, role: str) -> list[str]:
    return graph.inputs(f"pipeline-azure-{role}-role")["permissions"][0]["actions"]


def scopes(graph: Monitor, identity: str) -> dict[str, str]:
    """Where an identity has which role: the assignment's name to its scope."""
    assignments = graph.of("azure-native:authorization:RoleAssignment")
    return {
        name.removeprefix(f"pipeline-azure-{identity}-"): graph.inputs(name)["scope"].removeprefix(
            "/subscriptions/sub"
        )
        for name in assignments
        if name.startswith(f"pipeline-azure-{identity}-")
    }


STATE = "/resourceGroups/state/providers/Microsoft.Storage/storageAccounts/contosostate/blobServices/default/containers/state"


def test_the_deployer_may_change_sites_in_its_stacks_groups_and_records_in_its_zones_alone(graph: Monitor) -> None:
    assert scopes(graph, "deployer") == {
        "sites-dev": "/resourceGroups/mta-sts-dev",
        "sites-prod": "/resourceGroups/mta-sts-prod",
        "records-dns": "/resourceGroups/dns",
        "state": STATE,
        "subscription": "",
    }
    assert actions(graph, "sites") == [
        "Microsoft.Resources/subscriptions/resourceGroups/read",
        "Microsoft.Web/staticSites/*",
    ]
    assert not [
        action
        for action in actions(graph, "records")
        if action.endswith(("dnsZones/write", "dnsZones/delete", "/*"))
    ]


def test_what_the_deployer_may_in_the_whole_subscription_touches_nothing(graph: Monitor) -> None:
    """azcore registers a resource provider that isn't; a fresh subscription lacks Microsoft.Web."""
    assert {"Microsoft.Web/register/action", "Microsoft.Resources/subscriptions/providers/read"} <= set(
        actions(graph, "subscription")
    )
    assert not [
        action
        for action in actions(graph, "subscription")
        if not action.endswith("/read") and action != "Microsoft.Web/register/action"
    ]


def test_nobody_may_delete_a_group_or_grant_a_role(graph: Monitor) -> None:
    for role in ("sites", "records", "subscription", "reader"):
        assert not [
            action
            for action in actions(graph, role)
            if "Authorization" in action
            or action.endswith(("resourceGroups/delete", "resourceGroups/write"))
            or action == "*"
        ]


def test_front_door_takes_rights_only_where_it_is_wanted() -> None:
    found = declared(frontDoor=True)
    assert {"front-door-dev", "front-door-prod", "blobs-dev", "blobs-prod"} <= set(scopes(found, "deployer"))
    assert scopes(found, "preview")["front-door-reader-prod"] == "/resourceGroups/mta-sts-prod"
    assert all(action.endswith("/read") for action in actions(found, "front-door-reader"))
    assert not [
        action for action in actions(found, "front-door") if "Keys" in action or action.endswith("Accounts/*")
    ]


def test_previews_run_under_an_identity_that_can_only_read(graph: Monitor) -> None:
    assert all(action.endswith("/read") for action in actions(graph, "reader"))
    assert scopes(graph, "preview") == {
        "reader-dev": "/resourceGroups/mta-sts-dev",
        "reader-prod": "/resourceGroups/mta-sts-prod",
        "reader-dns": "/resourceGroups/dns",
        "state": STATE,
    }
    role = graph.inputs("pipeline-azure-preview-state")["roleDefinitionId"]
    assert role.endswith("2a2b9908-6ea1-4ae2-8e65-a410df84e7d1")  # Storage Blob Data Reader
    assert graph.inputs("pipeline-preview-connection")["serviceEndpointName"] == "mta-sts-preview"


def test_the_stacks_groups_are_this_projects(graph: Monitor) -> None:
    """A stack's own `up` may not make or delete its group."""
    names = {graph.inputs(name)["resourceGroupName"] for name in graph.of("azure-native:resources:ResourceGroup")}
    assert names == {"mta-sts-pipeline", "mta-sts-dev", "mta-sts-prod"}
    for name in ("pipeline-dev-group", "pipeline-prod-group"):
        assert name in graph.before(f"pipeline-azure-deployer-sites-{name.split('-')[1]}")


def test_a_group_that_stands_already_is_used_and_not_owned() -> None:
    graph = declared(resourceGroups={"prod": {"name": "contoso-mail", "existing": True}})
    assert "pipeline-prod-group" not in graph.requests
    assert scopes(graph, "deployer")["sites-prod"] == "/resourceGroups/contoso-mail"


def test_what_deploys_is_for_runs_of_main_alone(graph: Monitor) -> None:
    checks = [graph.inputs(name) for name in graph.of("azuredevops:index/checkBranchControl:CheckBranchControl")]
    guarded = {(check["targetResourceType"], check["targetResourceId"]) for check in checks}
    ids = {name: str(sum(map(ord, name))) for name in ("pipeline-connection",)}
    assert guarded == {("endpoint", ids["pipeline-connection"]), ("variablegroup", "7")}
    assert len(checks) == 3  # the connection, its variables, and those of the content pipeline
    assert {check["allowedBranches"] for check in checks} == {"refs/heads/main"}
    assert all(check["verifyBranchProtection"] for check in checks)


def test_a_preview_is_given_no_secret(graph: Monitor) -> None:
    inputs = graph.inputs("pipeline-preview-variables")
    assert inputs["name"] == "mta-sts-preview"
    assert inputs["secrets"] == {}
    assert inputs["values"] == {"PULUMI_BACKEND_URL": DEVOPS["backend"]}
    given = declared(previewsWithSecrets=True).inputs("pipeline-preview-variables")
    assert given["secrets"] == graph.inputs("pipeline-variables")["secrets"]


def test_a_runs_token_reaches_its_own_project_alone(graph: Monitor) -> None:
    assert graph.inputs("pipeline-tokens")["enforceJobScope"]
    assert "pipeline-tokens" not in declared(existingProject=True).requests  # whose settings are its owner's


def test_four_eyes_are_peoples_and_not_the_last_pushers(graph: Monitor) -> None:
    assert graph.inputs("pipeline-reviewers")["settings"]["lastPusherCannotApprove"]
    people = graph.inputs("pipeline-people")["settings"]  # a build's own token is none of these people
    assert people["autoReviewerIds"] == ["identity of Contributors"]
    assert people["minimumNumberOfReviewers"] == 2
    assert "pathFilters" not in people


def test_proposals_take_an_identity_for_main_alone_and_one_approval_more() -> None:
    """Who starts a run can push as the run, and is then neither author nor last pusher."""
    with files_that_propose():
        graph = declared(proposals=True)
    assert graph.inputs("pipeline-reports-connection")["serviceEndpointName"] == "mta-sts-reports"
    assert scopes(graph, "reports") == {}
    assert graph.inputs("pipeline-azure-reports-trust")
    assert graph.inputs("pipeline-reports-connection-main-only")["allowedBranches"] == "refs/heads/main"
    assert "pipeline-mta-sts-may-use-reports-connection" in graph.requests
    assert "pipeline-mta-sts-content-may-use-reports-connection" not in graph.requests
    assert graph.inputs("pipeline-reviewers")["settings"]["reviewerCount"] == 3
    assert graph.inputs("pipeline-people")["settings"]["minimumNumberOfReviewers"] == 3
    assert "pipeline-reports-connection" not in declared().requests


def test_the_pipelines_file_and_the_settings_agree_about_proposals(tmp_path: Path) -> None:
    shutil.copy(ROOT / "azure-pipelines.yml", tmp_path)
    shutil.copytree(ROOT / "pipeline/steps", tmp_path / "pipeline/steps")
    assert disagreements(read(), tmp_path) == []
    assert (
        "propose is empty, but mta-sts-pipeline:proposals true" in disagreements(read(proposals=True), tmp_path)[0]
    )
    file = tmp_path / "azure-pipelines.yml"
    file.write_text(file.read_text().replace('default: ""', "default: --reports graph://tls@example.org"))
    assert disagreements(read(proposals=True), tmp_path) == []
    assert "propose is set, but mta-sts-pipeline:proposals false" in disagreements(read(), tmp_path)[0]


def test_one_of_the_pipelines_files_that_proposes_is_enough(tmp_path: Path) -> None:
    for name in ("azure-pipelines.yml", "azure-pipelines-fleet.yml"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "pipeline/steps", tmp_path / "pipeline/steps")
    write_shards(tmp_path)
    given = read(proposals=True, fleet=True)
    (problem,) = disagreements(given, tmp_path)
    assert problem.startswith("azure-pipelines.yml and azure-pipelines-fleet.yml: propose is empty, but ")
    file = tmp_path / "azure-pipelines-fleet.yml"
    file.write_text(file.read_text().replace('default: ""', "default: --reports graph://tls@example.org"))
    assert disagreements(given, tmp_path) == []
    (problem,) = disagreements(read(fleet=True), tmp_path)
    assert problem.startswith("azure-pipelines-fleet.yml: propose is set, but mta-sts-pipeline:proposals false")


def test_what_runs_and_what_it_applies_takes_an_approver(graph: Monitor) -> None:
    settings = graph.inputs("pipeline-owners")["settings"]
    assert settings["autoReviewerIds"] == ["identity of mail-admins"]
    assert settings["pathFilters"] == ["/*", "!/web/*", "!/docs/*"]
    assert not settings["submitterCanVote"]
    assert all(
        graph.inputs(name)["blocking"] for name in ("pipeline-owners", "pipeline-people", "pipeline-reviewers")
    )


def test_main_is_guarded_once_it_is_there(graph: Monitor) -> None:
    """The first push makes it, and nobody may push past a policy by default."""
    for name in ("pipeline-reviewers", "pipeline-preview", "pipeline-people", "pipeline-owners"):
        assert "pipeline-main-seen" in graph.before(name)
    assert {"pipeline-mta-sts-may-use-connection", "pipeline-connection-main-only"} <= graph.before(
        "pipeline-main-seen"
    )


def test_the_sites_id_comes_from_the_configuration(graph: Monitor) -> None:
    """Not from the state of a stack, which the pipeline writes."""
    assert graph.inputs("pipeline-content-variables")["site"] == DEVOPS["contentPipeline"]["site"]
    assert not graph.of("pulumi:pulumi:StackReference")


def test_the_first_run_is_asked_for_no_permission(graph: Monitor) -> None:
    type_ = "azuredevops:index/pipelineAuthorization:PipelineAuthorization"
    found = {graph.inputs(name)["type"] for name in graph.of(type_)}
    assert found == {"endpoint", "variablegroup", "environment"}


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Monitor:
    return with_fleet(tmp_path_factory.mktemp("fleet"), frontDoor=True)


def test_a_fleet_has_its_own_pipeline_that_waits_for_approval_and_runs_alone(
    fleet: Monitor, graph: Monitor
) -> None:
    assert fleet.inputs("pipeline-mta-sts-fleet")["repository"]["ymlPath"] == "azure-pipelines-fleet.yml"
    assert fleet.inputs("pipeline-mta-sts-fleet")["repository"]["branchName"] == "refs/heads/main"
    assert fleet.inputs("pipeline-fleet")["name"] == "mta-sts-fleet"
    approval, lock = fleet.inputs("pipeline-fleet-approval"), fleet.inputs("pipeline-fleet-lock")
    assert approval["approvers"] == ["identity of mail-admins"]
    assert not approval["requesterCanApprove"]
    environment = str(sum(map(ord, "pipeline-fleet")))
    assert {approval["targetResourceId"], lock["targetResourceId"]} == {environment}
    assert {approval["targetResourceType"], lock["targetResourceType"]} == {"environment"}
    assert not [name for name in graph.requests if "fleet" in name]  # none without the key


def test_no_run_may_use_what_is_not_guarded_yet(fleet: Monitor) -> None:
    """Where main is there already, the next push to it starts a run."""
    for pipeline, environment in (("mta-sts", "prod"), ("mta-sts-fleet", "fleet")):
        guards = {"connection-main-only", "variables-main-only", f"{environment}-lock", f"{environment}-approval"}
        for what in ("connection", "variables", environment):
            assert {f"pipeline-{guard}" for guard in guards} <= fleet.before(f"pipeline-{pipeline}-may-use-{what}")


def test_a_pull_request_is_previewed_for_the_fleet_too(fleet: Monitor) -> None:
    build, single = fleet.inputs("pipeline-fleet-preview"), fleet.inputs("pipeline-preview")
    assert build["blocking"]
    numbers = {each["settings"]["buildDefinitionId"] for each in (build, single)}
    assert numbers == {sum(map(ord, name)) for name in ("pipeline-mta-sts", "pipeline-mta-sts-fleet")}
    assert {**build["settings"], "buildDefinitionId": 0, "displayName": ""} == {
        **single["settings"],
        "buildDefinitionId": 0,
        "displayName": "",
    }
    assert "pipeline-main-seen" in fleet.before("pipeline-fleet-preview")


def test_the_fleets_pipeline_may_use_what_it_needs_and_no_more(fleet: Monitor) -> None:
    """No other connection and no other group: those are for runs of main alone, whichever pipeline's run it is."""
    type_ = "azuredevops:index/pipelineAuthorization:PipelineAuthorization"
    own = str(sum(map(ord, "pipeline-mta-sts-fleet")))
    found = [fleet.inputs(name) for name in fleet.of(type_)]
    assert {(each["type"], each["resourceId"]) for each in found if str(int(each["pipelineId"])) == own} == {
        ("endpoint", str(sum(map(ord, "pipeline-connection")))),
        ("endpoint", str(sum(map(ord, "pipeline-preview-connection")))),
        ("variablegroup", "7"),
        ("environment", str(sum(map(ord, "pipeline-fleet")))),
    }
    names = {name.partition("-fleet-may-use-")[2] for name in fleet.of(type_)} - {""}
    assert names == {"connection", "preview-connection", "variables", "preview-variables", "fleet"}
    assert len(fleet.of("azuredevops:index/serviceEndpointAzureRM:ServiceEndpointAzureRM")) == 2
    assert {fleet.inputs(name)["name"] for name in fleet.of("mtasts:index:VariableGroup")} == {
        "mta-sts",
        "mta-sts-preview",
        "mta-sts-content",
    }
    assert fleet.inputs("pipeline-preview-variables")["secrets"] == {}
    checks = [fleet.inputs(name) for name in fleet.of("azuredevops:index/checkBranchControl:CheckBranchControl")]
    assert {check["allowedBranches"] for check in checks} == {"refs/heads/main"}
    before = fleet.before("pipeline-main-seen")
    assert {"pipeline-mta-sts-fleet-may-use-connection", "pipeline-connection-main-only"} <= before


def test_the_fleets_proposals_have_the_connection_too(tmp_path: Path) -> None:
    with files_that_propose():
        graph = with_fleet(tmp_path, proposals=True)
    assert "pipeline-mta-sts-fleet-may-use-reports-connection" in graph.requests
    assert "pipeline-reports-connection-main-only" in graph.before(
        "pipeline-mta-sts-fleet-may-use-reports-connection"
    )


def test_each_shard_has_a_group_and_the_identities_no_right_beyond_it(fleet: Monitor) -> None:
    wanted = {"sites", "front-door", "blobs"}
    given = scopes(fleet, "deployer")
    for shard in SHARDS:
        assert fleet.inputs(f"pipeline-{shard}-group")["resourceGroupName"] == f"mta-sts-{shard}"
        assert {given[f"{role}-{shard}"] for role in wanted} == {f"/resourceGroups/mta-sts-{shard}"}
        assert scopes(fleet, "preview")[f"reader-{shard}"] == f"/resourceGroups/mta-sts-{shard}"


def test_a_fleet_may_be_all_there_is(tmp_path: Path) -> None:
    graph = with_fleet(tmp_path, stacks=[], contentPipeline=None)
    assert graph.of("azuredevops:index/buildDefinition:BuildDefinition") == {"pipeline-mta-sts-fleet"}
    assert graph.of("azuredevops:index/environment:Environment") == {"pipeline-fleet"}
    assert "pipeline-preview" not in graph.requests
    assert "pipeline-fleet-preview" in graph.requests


def test_each_shards_file_says_the_same(tmp_path: Path) -> None:
    given = read(fleet=True, resourceGroups={"fleet-2": {"name": "contoso"}})
    for name in ("azure-pipelines.yml", "azure-pipelines-fleet.yml"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "pipeline/steps", tmp_path / "pipeline/steps")
    write_shards(tmp_path)
    write_shards(tmp_path, ("fleet-2",), resourceGroup="Contoso", existingResourceGroup="true")
    (tmp_path / "Pulumi.dev.yaml").write_text("config: {'mta-sts:policies': []}\n")
    assert tuple(shards(tmp_path)) == SHARDS
    assert disagreements(given, tmp_path) == []
    write_shards(tmp_path, ("fleet-2",), existingResourceGroup=False)
    assert [line.partition("; ")[0] for line in disagreements(given, tmp_path)] == [
        "Pulumi.fleet-2.yaml: mta-sts:existingResourceGroup must be true: the pipeline may make no group",
        "Pulumi.fleet-2.yaml: mta-sts:resourceGroup is mta-sts-fleet-2, but mta-sts-pipeline:resourceGroups has contoso for it",
    ]
    assert disagreements(read(), tmp_path) == []  # without a pipeline for it they are nobody's business
    (tmp_path / "Pulumi.fleet-2.yaml").write_text("- a list")
    with pytest.raises(UserError, match=r"Pulumi\.fleet-2\.yaml: is no stack's file"):
        disagreements(given, tmp_path)


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
        ({"approvers": []}, "mta-sts-pipeline:approvers: is missing; name who lets changes"),
        ({"stacks": ["dev", "prod", "dev"]}, "mta-sts-pipeline:stacks: dev stands there 2 times"),
        ({"variables": {"PULUMI_BACKEND_URL": "x"}}, "PULUMI_BACKEND_URL: is set from backend"),
        ({"pat": "x"}, "mta-sts-pipeline:pat: there is no such key"),
        ({"project": "MTA-STS"}, "mta-sts-pipeline:repository: mta-sts is what a new project's own first"),
        (
            {"contentPipeline": {**DEVOPS["contentPipeline"], "stack": "x"}},
            "contentPipeline.stack: x is none of the stacks dev",
        ),
        (
            {"contentPipeline": {**DEVOPS["contentPipeline"], "site": "/subscriptions/x/../y"}},
            "contentPipeline.site: '/subscriptions/x/../y' must be the site's resource id",
        ),
        ({"resourceGroups": {"x": {}}}, "resourceGroups.x: x is none of the stacks dev, prod"),
        ({"resourceGroups": {"prod": {"existing": 1}}}, "resourceGroups.prod.existing: 1 must be true or false"),
        ({"resourceGroups": {"prod": {"name": "mta-sts-dev"}}}, "resourceGroups: mta-sts-dev is given to two"),
        ({"passphrase": "\ud800"}, "passphrase: must be a text"),
        ({"variables": {"\ud800": "x"}}, "variables: '\\ud800' must be letters, digits and _"),
        ({"contentPipeline": True}, "contentPipeline: True must be a map with the keys stack, policy, site"),
        ({"variables": {"a b": "x"}}, "mta-sts-pipeline:variables: 'a b' must be letters, digits and _"),
        ({"fleet": 4}, "mta-sts-pipeline:fleet: 4 must be true or false"),
        (
            {"fleet": True, "shards": ()},
            "mta-sts-pipeline:fleet: no Pulumi.<stack>.yaml has mta-sts:fleet; write one",
        ),
        (
            {"fleet": True, "stacks": ["dev", "prod", "fleet-2"]},
            "mta-sts-pipeline:stacks: fleet-2 has a shard of the fleet; take it out",
        ),
        (
            {"fleet": True, "stacks": None, "shards": ("prod",)},  # dev and prod, where none is named
            "mta-sts-pipeline:stacks: prod has a shard of the fleet; take it out",
        ),
        (
            {"fleet": True, "stacks": ["Fleet", "prod"]},
            "mta-sts-pipeline:stacks: Fleet would share the environment mta-sts-fleet",
        ),
        ({"resourceGroups": {"fleet-1": {}}}, "resourceGroups.fleet-1: fleet-1 is none of the stacks dev, prod"),
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


@pytest.mark.parametrize(
    ("own", "backend"),
    [
        ("azblob://state?storage_account=contosostate", "azblob://state?storage_account=contosostate"),
        ("azblob://state/ci?storage_account=contosostate", "azblob://state?storage_account=contosostate"),
        (
            "azblob://state?domain=blob.core.windows.net&storage_account=contosostate",
            "azblob://state?storage_account=contosostate",
        ),
        (
            "azblob://state",
            "azblob://state?storage_account=contosostate",
        ),  # the account may stand in the environment
        ("s3://state/ci", "s3://state"),
        ("file:///srv/state/ci", "file:///srv/state"),
        ("https://api.pulumi.com", "https://api.pulumi.com/"),
    ],
)
def test_the_pipelines_own_state_lies_where_the_pipeline_cannot_write(own: str, backend: str) -> None:
    (line,) = backends.disagreements(own, backend)
    assert line.startswith("mta-sts-pipeline:backend: ")
    assert "keep it elsewhere" in line


@pytest.mark.parametrize(
    ("own", "backend"),
    [
        ("azblob://pipeline-state?storage_account=contosostate", "azblob://state?storage_account=contosostate"),
        ("azblob://state?storage_account=another", "azblob://state?storage_account=contosostate"),
        ("file://~", "azblob://state?storage_account=contosostate"),
        ("file:///srv/ci", "file:///srv/ci-state"),
    ],
)
def test_another_container_or_backend_is_elsewhere(own: str, backend: str) -> None:
    assert backends.disagreements(own, backend) == []


def test_an_up_whose_state_the_pipeline_could_write_makes_nothing() -> None:
    with pytest.raises(pulumi.RunError, match="keep it elsewhere"), patch.dict(globals(), OWN=DEVOPS["backend"]):
        declared()
