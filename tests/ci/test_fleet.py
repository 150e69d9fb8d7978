"""A fleet over several agents: the pipeline's files, and one comment for all shards."""

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from checks.__main__ import parser as checks_parser
from tools.ci import __main__ as tools_ci
from tools.ci import comment
from tools.ci.__main__ import main
from tools.ci.preview import Preview
from tools.fleet import stacks

from .expand import pipeline
from .service import Service
from .test_ci import TOKEN
from .test_ci import run as variables
from .test_files import ROOT, RUNS, schema, steps

__all__ = ["schema"]  # a fixture
FILE = ROOT / "azure-pipelines-fleet.yml"


def jobs(run: str, **given: str) -> dict[str, Any]:
    return {
        job.get("job", job.get("deployment")): job
        for stage in pipeline(FILE, RUNS[run], given)["stages"]
        for job in stage["jobs"]
    }


@pytest.mark.parametrize("run", ["main", "manual", "pull request", "nightly"])
def test_every_run_is_as_the_published_schema_wants_it(schema: Draft7Validator, run: str) -> None:
    assert [error.message for error in schema.iter_errors(pipeline(FILE, RUNS[run]))] == []


def test_agents_divide_the_shards_and_no_list_of_them_is_kept() -> None:
    for run, job in (("main", "up"), ("pull request", "preview"), ("nightly", "drift")):
        found = jobs(run, agents="7")[job]
        assert found["strategy"] == {"parallel": "7"}
        script = next(step["inputs"]["inlineScript"] for step in steps(found) if step.get("task") == "AzureCLI@2")
        assert "--part $(System.JobPositionInPhase)/$(System.TotalJobsInPhase)" in script
    assert [step["environment"] for step in jobs("main").values() if "environment" in step] == ["mta-sts-fleet"]
    assert jobs("main")["up"]["dependsOn"] == "approved"


def test_a_pull_request_and_a_night_have_no_secret() -> None:
    stages = pipeline(FILE, RUNS["pull request"])["stages"]
    assert [each["group"] for stage in stages for each in stage["variables"]] == ["mta-sts-preview"]
    assert "'mta-sts'" not in str(stages)
    drift, senders = pipeline(FILE, RUNS["nightly"])["stages"]
    assert drift["variables"] == [{"group": "mta-sts-preview"}]
    (step,) = [step for step in drift["jobs"][0]["steps"] if step.get("task") == "AzureCLI@2"]
    assert step["inputs"]["azureSubscription"] == "mta-sts-preview"
    assert "tools.ci run -- python -m tools.fleet preview --drift" in step["inputs"]["inlineScript"]
    assert "variables" not in senders
    assert not [step for step in senders["jobs"][0]["steps"] if step.get("task") == "AzureCLI@2"]
    assert drift["dependsOn"] == senders["dependsOn"] == []  # neither waits for the other, or for an approval
    assert "environment" not in str(drift) + str(senders)
    assert all(
        job["workspace"] == {"clean": "all"} for run in RUNS if run != "branch" for job in jobs(run).values()
    )


def test_each_night_proposes_for_the_fleet_where_reports_are_named_and_by_a_connection_of_its_own(
    schema: Draft7Validator,
) -> None:
    given = {"propose": "--history azblob://reports/history.db --reports graph://tls@example.org"}
    made = pipeline(FILE, RUNS["nightly"], given)
    assert [error.message for error in schema.iter_errors(made)] == []
    (job,) = [each for stage in made["stages"] for each in stage["jobs"] if each["job"] == "propose"]
    (step,) = [step for step in job["steps"] if step.get("task") == "AzureCLI@2"]
    assert step["inputs"]["azureSubscription"] == "mta-sts-reports"
    assert "SYSTEM_ACCESSTOKEN" in step["env"]
    words = step["inputs"]["inlineScript"].split()
    options = tools_ci.parser().parse_args(words[3:])
    assert (words[:3], options.command, options.fleet) == (["python", "-m", "tools.ci"], "propose", True)
    assert (
        checks_parser().parse_args(["enforce", "--fleet", *options.rest]).history == "azblob://reports/history.db"
    )
    for run in RUNS:
        assert ("tools.ci propose" in str(pipeline(FILE, RUNS[run], given))) == (run == "nightly"), run
        assert "tools.ci propose" not in str(pipeline(FILE, RUNS[run])), run


def test_only_what_deploys_names_the_connection_and_the_group_of_main() -> None:
    for run in ("main", "manual", "pull request", "nightly"):
        stages = pipeline(FILE, RUNS[run])["stages"]
        groups = {each["group"] for stage in stages for each in stage.get("variables", ())}
        found = [step for stage in stages for job in stage["jobs"] for step in steps(job)]
        used = {step["inputs"]["azureSubscription"] for step in found if step.get("task") == "AzureCLI@2"}
        assert groups == used == ({"mta-sts"} if run in ("main", "manual") else {"mta-sts-preview"}), run
        assert not [each for each in pipeline(FILE, RUNS[run])["variables"] if "group" in each]
        for step in found:
            script = step.get("bash") or step.get("inputs", {}).get("inlineScript", "")
            assert "PASSPHRASE" not in script, step
            assert "TOKEN" not in script.upper(), step
            for name, value in step.get("env", {}).items():
                assert value in ("", f"$({name})", "$(System.AccessToken)"), step


def fleet(folder: Path, count: int) -> None:
    """A fleet of so many shards, and one more that has no stack."""
    rows = ["domain,mode,mx,shard,site", *(f"d{at}.test,testing,mx.test,{at},1" for at in range(1, count + 2))]
    (folder / "fleet.csv").write_text("\n".join(rows) + "\n")
    for at in range(1, count + 1):
        (folder / f"Pulumi.fleet-{at}.yaml").write_text(
            f"config: {{'mta-sts:fleet': {{file: fleet.csv, shard: {at}}}}}\n"
        )


def test_each_agent_has_its_own_part_and_together_they_have_all(tmp_path: Path) -> None:
    fleet(tmp_path, 10)
    shards = stacks.read(tmp_path).shards
    parts = [[shard.number for shard in stacks.part(shards, f"{at}/4")] for at in (1, 2, 3, 4)]
    assert parts[0] == [1, 5, 9]
    assert sorted(number for one in parts for number in one) == list(range(1, 11))
    for text in ("0/4", "5/4", "1", "1/0"):
        with pytest.raises(Exception, match="is no part; write 1/4"):
            stacks.part(shards, text)


def test_one_comment_tells_of_all_shards_also_of_those_that_nobody_previewed(tmp_path: Path) -> None:
    fleet(tmp_path, 6)
    for at in (1, 2, 3, 4, 5):  # the agent with 6 was lost
        found = Preview(f"fleet-{at}", counts={"same": 700})
        if at == 2:
            found.changes, found.counts = (
                [("update", "main-content", "mtasts:index:Content")],
                {"same": 699, "update": 1},
            )
            found.notes = [("warning", "", "maxAge from 7 days to 1")]
        path = tmp_path / f"previews-{at % 2}" / f"fleet-{at}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(asdict(found)))
    run = subprocess.run(
        [sys.executable, "-m", "tools.ci", "comment", "--from", ".", "--to", "comment.md", "--fleet"],
        cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
    )  # fmt: skip
    assert run.returncode == 1
    assert "the preview of fleet-6, shard 7 failed" in run.stderr
    lines = (tmp_path / "comment.md").read_text().splitlines()
    table = [line for line in lines if line.startswith("| `") and "fleet-" in line]
    assert "`fleet-6` | the preview failed" in table[0]
    assert "| `fleet-2` | 1 update, 699 same | 1 warning |" in table
    assert "| `fleet-1` | no changes (700 same) |  |" in table
    assert "#### fleet-1" not in "\n".join(lines)  # what stays as it is is told once


def test_the_fleets_comment_is_not_the_other_pipelines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet(tmp_path, 1)
    monkeypatch.chdir(tmp_path)
    with Service(TOKEN) as service:
        for name, value in variables(service).items():
            monkeypatch.setenv(name, value)
        assert main(["comment", "--from", ".", "--fleet"]) == 1  # nobody has previewed it
        assert service.threads[0]["comments"][0]["content"].startswith(comment.FLEET)


def test_a_hundred_shards_fit_into_one_comment() -> None:
    found = [
        Preview(
            f"fleet-{at}",
            changes=[("create", f"r{n}", "x") for n in range(700)],
            counts={"create": 700},
            diff="+ x\n" * 9000,
        )
        for at in range(100)
    ]
    text = comment.render(found)
    assert comment.length(text) <= comment.LIMIT
    assert text.count("| 700 create |") == 100
