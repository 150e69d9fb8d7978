"""The pipelines' files: what Azure Pipelines would make of them, held against its published schema."""

import json
import re
import subprocess
import sys
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator, TypeChecker
from jsonschema.validators import extend

from .expand import NotModelledError, load, pipeline

ROOT = Path(__file__).parents[2]
MAIN = {"Build.Reason": "IndividualCI", "Build.SourceBranch": "refs/heads/main"}
RUNS = {
    "main": MAIN,
    "manual": {**MAIN, "Build.Reason": "Manual"},
    "branch": {"Build.Reason": "Manual", "Build.SourceBranch": "refs/heads/try"},
    "pull request": {"Build.Reason": "PullRequest", "Build.SourceBranch": "refs/pull/7/merge"},
    "nightly": {**MAIN, "Build.Reason": "Schedule"},
}


# Scalars are texts here (expand.py), as they are to Azure; a task's inputs are typed all the same.
TYPES: TypeChecker = Draft7Validator.TYPE_CHECKER.redefine_many(
    {"boolean": lambda _, value: value in ("true", "false"), "integer": lambda _, value: str(value).isdigit()}
)


@pytest.fixture(scope="module")
def schema() -> Draft7Validator:
    """microsoft/azure-pipelines-vscode's service-schema.json, as check-jsonschema carries it."""
    text = (resources.files("check_jsonschema") / "builtin_schemas/vendor/azure-pipelines.json").read_text()
    return extend(Draft7Validator, type_checker=TYPES)(json.loads(text))


def expanded(run: str, name: str = "azure-pipelines.yml") -> dict[str, Any]:
    return pipeline(ROOT / name, RUNS[run])


def jobs(run: str) -> list[dict[str, Any]]:
    return [job for stage in expanded(run)["stages"] for job in stage["jobs"]]


def steps(job: dict[str, Any]) -> list[dict[str, Any]]:
    return job["steps"] if "steps" in job else job["strategy"]["runOnce"]["deploy"]["steps"]


@pytest.mark.parametrize("run", RUNS)
def test_every_run_is_as_the_published_schema_wants_it(schema: Draft7Validator, run: str) -> None:
    assert [error.message for error in schema.iter_errors(expanded(run))] == []


def test_the_content_pipeline_is_as_the_published_schema_wants_it(schema: Draft7Validator) -> None:
    assert [error.message for error in schema.iter_errors(expanded("main", "pipeline/steps/content.yml"))] == []


@pytest.mark.parametrize(
    "change",
    [
        {"lockBehavior": "whenever"},
        {"trigger": {"branch": ["main"]}},
        {"stages": [{"stage": "a", "jobs": [{"job": "a", "steps": [{"task": "AzureCLI@2", "input": {}}]}]}]},
        {"stages": [{"stage": "a", "jobs": [{"job": "a b", "steps": [{"bash": "true"}]}]}]},
        {"stages": [{"stage": "a", "jobs": [{"job": "a", "environment": "b", "steps": [{"bash": "true"}]}]}]},
    ],
)
def test_the_schema_finds_what_is_wrong(schema: Draft7Validator, change: dict[str, Any]) -> None:
    assert list(schema.iter_errors({**expanded("main"), **change}))


def test_each_run_has_the_stages_that_it_should() -> None:
    found = {run: [each["stage"] for each in expanded(run)["stages"]] for run in RUNS}
    assert found == {
        "main": ["up_dev", "up_prod"],
        "manual": ["up_dev", "up_prod"],
        "branch": ["check"],
        "pull request": ["check", "preview"],
        "nightly": ["nightly"],
    }


def test_an_up_waits_for_the_one_before_it_and_for_its_environment() -> None:
    stages = expanded("main")["stages"]
    assert not any("dependsOn" in stage or "condition" in stage for stage in stages)  # each after the one before
    assert [stage["jobs"][0]["environment"] for stage in stages] == ["mta-sts-dev", "mta-sts-prod"]
    assert expanded("main")["lockBehavior"] == "sequential"


def test_nothing_but_an_up_waits_for_an_approval() -> None:
    assert not [job for run in ("pull request", "nightly", "branch") for job in jobs(run) if "environment" in job]


def test_secrets_are_handed_on_by_name_and_never_written_into_a_script() -> None:
    for run in RUNS:
        for step in [step for job in jobs(run) for step in steps(job)]:
            script = step.get("bash") or step.get("inputs", {}).get("inlineScript", "")
            assert "PASSPHRASE" not in script, step
            assert "TOKEN" not in script.upper(), step
            for name, value in step.get("env", {}).items():
                assert name == "PULUMI_STACK" or value in ("", f"$({name})", "$(System.AccessToken)"), step
                assert name != "MTA_STS_NOTIFY" or not value, step


def test_only_what_deploys_names_the_connection_and_the_group_of_main() -> None:
    for run in RUNS:
        stages = expanded(run)["stages"]
        groups = {each["group"] for stage in stages for each in stage.get("variables", ())}
        used = {
            step["inputs"]["azureSubscription"]
            for job in jobs(run)
            for step in steps(job)
            if step.get("task") == "AzureCLI@2"
        }
        assert groups == used, run
        assert groups <= ({"mta-sts"} if run in ("main", "manual") else {"mta-sts-preview"}), run
        assert not [each for each in expanded(run)["variables"] if "group" in each]


def test_each_night_proposes_where_reports_are_named_and_by_a_connection_of_its_own(
    schema: Draft7Validator,
) -> None:
    given = {"propose": "--history azblob://reports/history.db --reports graph://tls@example.org"}
    found = pipeline(ROOT / "azure-pipelines.yml", RUNS["nightly"], given)
    assert [error.message for error in schema.iter_errors(found)] == []
    made = {job["job"]: job for job in found["stages"][0]["jobs"]}
    assert set(made) == {"nightly_dev", "nightly_prod", "propose_dev", "propose_prod"}
    step = steps(made["propose_prod"])[-1]
    assert step["inputs"]["inlineScript"] == f"python -m tools.ci propose -- {given['propose']}"
    assert step["inputs"]["azureSubscription"] == "mta-sts-reports"
    assert step["env"]["SYSTEM_ACCESSTOKEN"] == "$(System.AccessToken)"
    assert made["propose_prod"]["workspace"] == {"clean": "all"}
    for run in RUNS:
        there = str(pipeline(ROOT / "azure-pipelines.yml", RUNS[run], given))
        assert ("tools.ci propose" in there) == (run == "nightly"), run
        assert "tools.ci propose" not in str(expanded(run))


def test_a_nightly_watch_is_a_choice_and_has_its_secret_from_what_main_alone_may_use(
    schema: Draft7Validator,
) -> None:
    place = "azblob://state/watch/$PULUMI_STACK.db?storage_account=contoso"
    found = pipeline(ROOT / "azure-pipelines.yml", RUNS["nightly"], {"watch": place})
    assert [error.message for error in schema.iter_errors(found)] == []
    nightly, watch = found["stages"]
    assert nightly == expanded("nightly")["stages"][0]
    assert [each["group"] for each in watch["variables"]] == ["mta-sts"]
    assert [job["job"] for job in watch["jobs"]] == ["watch_dev", "watch_prod"]
    step = watch["jobs"][1]["steps"][-1]
    assert step["inputs"]["azureSubscription"] == "mta-sts"
    assert (step["env"]["PULUMI_STACK"], step["env"]["MTA_STS_NOTIFY"]) == ("prod", "$(MTA_STS_NOTIFY)")
    assert f'python -m checks watch --stack --history "{place}"' in step["inputs"]["inlineScript"]


def test_every_job_begins_with_an_empty_folder() -> None:
    """A self-hosted agent keeps what an earlier run has left, such as a .venv."""
    assert all(job["workspace"] == {"clean": "all"} for run in RUNS for job in jobs(run))
    assert expanded("main", "pipeline/steps/content.yml")["workspace"] == {"clean": "all"}


def test_lint_and_tests_see_no_secret() -> None:
    (job,) = jobs("branch")
    assert {"make check", "make test"} <= {step.get("bash") for step in steps(job)}
    assert not [step for step in steps(job) if "env" in step or step.get("task") == "AzureCLI@2"]


def test_caches_are_keyed_by_what_is_locked() -> None:
    caches = [step["inputs"] for step in steps(jobs("main")[0]) if step.get("task") == "Cache@2"]
    assert ["requirements*.txt" in each["key"] for each in caches] == [True, False]
    assert ["tools/get_engine.py" in each["key"] for each in caches] == [False, True]  # it names version and build


def test_content_alone_goes_up_with_its_policy_by_this_projects_own_client() -> None:
    """It leaves the site's provider as `pulumi up` does, so that nothing has to be detached later."""
    upload = expanded("main", "pipeline/steps/content.yml")["steps"][-1]
    assert upload["bash"] == "python -m tools.upload_content --stack prod --policy main"
    assert upload["env"] == {"DEPLOYMENT_TOKEN": "$(deployment_token)"}


def test_the_tutorials_task_is_a_choice_and_takes_the_policy_along() -> None:
    steps = pipeline(ROOT / "pipeline/steps/content.yml", MAIN, {"with": "AzureStaticWebApp"})["steps"]
    render, upload = steps[-2:]
    assert "tools.render_policy" in render["bash"]
    assert "--to web/.well-known/mta-sts.txt" in render["bash"]
    assert upload["task"] == "AzureStaticWebApp@0"
    assert upload["inputs"]["app_location"] == "/web"
    assert upload["inputs"]["azure_static_web_apps_api_token"] == "$(deployment_token)"
    assert "tools.upload_content" not in str(steps)


@pytest.mark.parametrize("text", ["a: {'${{ insert }}': x}", "- '${{ else }}': [x]", "- ${{ coalesce('a') }}"])
def test_the_expander_refuses_what_it_does_not_know(tmp_path: Path, text: str) -> None:
    file = tmp_path / "x.yml"
    file.write_text(f"steps:\n  {text}\n" if text.startswith("-") else text)
    load(file)
    with pytest.raises((NotModelledError, IndexError)):
        pipeline(file, MAIN)


def test_githubs_workflow_is_as_its_published_schema_wants_it(tmp_path: Path) -> None:
    text = (ROOT / "docs/ci.md").read_text().partition("```yaml\nname: mta-sts\n")[2].partition("```")[0]
    file = tmp_path / "workflow.yml"
    file.write_text(text)
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", str(file)]
    run = subprocess.run(command, capture_output=True, text=True)
    assert "environment: mta-sts-prod" in text
    assert run.returncode == 0, run.stdout + run.stderr
    file.write_text(text.replace("runs-on", "run-on"))
    assert subprocess.run(command, capture_output=True).returncode != 0


def workflow() -> dict[str, Any]:
    text = (ROOT / "docs/ci.md").read_text().partition("```yaml\nname: mta-sts\n")[2].partition("```")[0]
    return yaml.load(text, yaml.BaseLoader)


def proposals() -> str:
    """The job of docs/ladder.md, as it stands there."""
    text = (ROOT / "docs/ladder.md").read_text().partition("```yaml\n  propose:\n")
    return f"  propose:\n{text[2].partition('```')[0]}"


def test_githubs_job_for_proposals_fits_into_the_workflow_and_runs_on_main_alone(tmp_path: Path) -> None:
    text = (ROOT / "docs/ci.md").read_text().partition("```yaml\nname: mta-sts\n")[2].partition("```")[0]
    file = tmp_path / "workflow.yml"
    file.write_text(f"{text}\n{proposals()}")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", str(file)]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    job = yaml.load(file.read_text(), yaml.BaseLoader)["jobs"]["propose"]
    assert job["if"] == "github.event_name == 'schedule'"  # of the default branch, always
    assert job["permissions"] == {"contents": "read", "id-token": "write"}  # its token for proposals is another
    assert job["environment"] == "mta-sts-propose"
    assert job["steps"][-1]["env"]["GITHUB_TOKEN"] == "${{ secrets.PROPOSE_TOKEN }}"
    checkout = next(step for step in job["steps"] if "checkout@" in step.get("uses", ""))
    assert checkout["with"]["persist-credentials"] == "false"


def test_githubs_actions_are_pinned_by_commit() -> None:
    jobs = [*workflow()["jobs"].values(), yaml.load(proposals(), yaml.BaseLoader)["propose"]]
    used = [step["uses"] for job in jobs for step in job["steps"] if "uses" in step]
    assert used
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", action) for action in used), used


def test_githubs_jobs_have_the_least_rights_each() -> None:
    jobs = workflow()["jobs"]
    assert workflow()["permissions"] == {}
    written = {
        name: {what for what, right in job["permissions"].items() if right == "write"}
        for name, job in jobs.items()
    }
    assert written == {
        "check": set(),
        "preview": {"id-token", "pull-requests"},
        "dev": {"id-token"},
        "prod": {"id-token"},
        "nightly": {"id-token"},
    }
    secret = {name for name, job in jobs.items() if "secrets." in str(job)}
    deploying = {name for name, job in jobs.items() if "vars.AZURE_CLIENT_ID" in str(job)}
    assert secret == deploying == {name for name, job in jobs.items() if "environment" in job} == {"dev", "prod"}
    assert all(
        step["with"]["persist-credentials"] == "false"
        for job in jobs.values()
        for step in job["steps"]
        if "checkout@" in step.get("uses", "")
    )


def test_the_documentations_stack_file_and_the_pipeline_name_the_same_things() -> None:
    text = (ROOT / "docs/ci.md").read_text()
    group = expanded("main")["stages"][0]["variables"][0]["group"]
    assert f"the connection `{group}`" in text.lower()
    assert "stacks: [dev, prod]" in text
    assert load(ROOT / "azure-pipelines.yml")["parameters"][0]["default"] == ["dev", "prod"]
