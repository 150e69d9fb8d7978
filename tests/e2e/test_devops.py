"""Azure DevOps as code: the real engine and the real azuredevops provider on a local Azure DevOps."""

import base64
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from copy import copy
from pathlib import Path
from typing import Any

import pytest
import urllib3
import yaml
from harness import ROOT, TESTING, Stack

from sandbox import devops

NAMESPACE = "mta-sts-pipeline"
PASSPHRASE = "a-passphrase-that-stands-nowhere-else"
DEVOPS: dict[str, Any] = {
    "organization": "https://dev.azure.com/contoso",
    "project": "mail",
    "approvers": ["mail-admins", "ann@example.com"],
    "stacks": ["dev", "prod"],
    "backend": "azblob://state?storage_account=contosostate",
    "stateResourceGroup": "state",
    "dnsResourceGroups": ["dns"],
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


CHECKS = {  # azuredevops/internal/service/approvalsandchecks/common_check.go in the provider
    "8c6f20a7-a545-4486-9777-f762fafe0d4d": "approval",
    "2ef31ad6-baa0-403a-8b45-2cbc9b4e5563": "exclusive lock",
    "fe1de3ee-a436-41b4-bb20-f6eb4cb879a7": "branch control",
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


def fleet(ci: Stack) -> None:
    """A fleet of one shard in the repository, and a pipeline for it."""
    folder = ci.project.parent
    shutil.copy(ROOT / "azure-pipelines-fleet.yml", folder)
    config = {"mta-sts:fleet": {"file": "fleet.csv", "shard": 1}, "mta-sts:existingResourceGroup": True}
    (folder / "Pulumi.fleet-1.yaml").write_text(yaml.safe_dump({"config": config}))
    configure(ci, fleet=True)


def checks(stack: Stack, type_: str, id_: object) -> set[str]:
    """The kinds of checks that a resource has."""
    found = [each for each in things(stack, "checks") if each["resource"]["type"] == type_]
    return {CHECKS[each["type"]["id"]] for each in found if each["resource"]["id"] == str(id_)}


def up(stack: Stack, *options: str, **environment: str) -> str:
    run = stack.pulumi("up", "--yes", "--skip-preview", *options, **environment)
    assert run.code == 0, "\n".join(run.errors) or run.text[-3000:]
    return run.text


class Clone:
    """A person's clone of the pipeline's repository on the local Azure DevOps."""

    def __init__(self, stack: Stack, folder: Path, who: str, name: str = "mta-sts") -> None:
        self.stack, self.folder, self.who = stack, folder, who
        state = stack.sandbox.state
        self.token = devops.token(state) if who == "owner" else devops.sign_in(state, who)
        self.url = f"{DEVOPS['organization']}/mail/_git/{name}"

    def git(self, *words: str) -> subprocess.CompletedProcess[str]:
        basic = base64.b64encode(f":{self.token}".encode()).decode()
        more = {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "http.extraHeader",
            "GIT_CONFIG_VALUE_0": f"Authorization: Basic {basic}",
            "GIT_TERMINAL_PROMPT": "0",
        }
        people = {
            f"GIT_{role}_{part}": f"{self.who}@example.com"
            for role in ("AUTHOR", "COMMITTER")
            for part in ("NAME", "EMAIL")
        }
        return subprocess.run(
            ["git", "-C", self.folder, *words],
            env={**self.stack.environment, **people, **more},
            capture_output=True,
            text=True,
        )

    def commit(self, branch: str, *files: str) -> None:
        if not (self.folder / ".git").exists():
            self.folder.mkdir(exist_ok=True)
            self.git("init", "-q", "-b", "main")
        if self.git("fetch", "-q", self.url, "main").returncode == 0:
            self.git("switch", "-q", "-C", branch, "FETCH_HEAD")
        for name in files:
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(f"{self.who} {branch} {time.monotonic()}")
        self.git("add", "-A")
        self.git("commit", "-q", "-m", branch)

    def push(self, branch: str) -> str:
        """ "" where it was taken, else what the server said."""
        run = self.git("push", self.url, f"HEAD:{branch}")
        return run.stderr if run.returncode else ""

    def ask(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        (repository,) = [each["id"] for each in things(self.stack, "repositories") if each["name"] == "mta-sts"]
        url = f"{DEVOPS['organization']}/mail/_apis/git/repositories/{repository}/pullRequests{path}"
        env = self.stack.environment
        with urllib3.ProxyManager(env["HTTPS_PROXY"], ca_certs=env["SSL_CERT_FILE"]) as web:
            answer = web.request(method, url, json=body, headers={"Authorization": f"Bearer {self.token}"})
            return answer.status, answer.json()

    def open(self, branch: str) -> int:
        body = {"sourceRefName": f"refs/heads/{branch}", "targetRefName": "refs/heads/main", "title": branch}
        return self.ask("POST", "", body)[1]["pullRequestId"]

    def approve(self, number: int) -> None:
        assert self.ask("PUT", f"/{number}/reviewers/{devops.IDS[self.who]}", {"vote": 10})[0] == 200

    def complete(self, number: int) -> str:
        """ "" where it was merged, else what the policies still ask for."""
        status, answer = self.ask("PATCH", f"/{number}", {"status": "completed"})
        return "" if status == 200 else answer["message"]


def first_up(stack: Stack, folder: Path, *options: str, repository: str = "mta-sts") -> str:
    """An `up`, with the push that it waits for."""
    process = stack.begin("up", "--yes", "--skip-preview", *options)
    said: list[str] = []
    assert process.stdout
    pushed = False
    for line in process.stdout:
        said.append(line)
        if not pushed and "waiting for you to push main" in line:
            pushed = True
            owner = Clone(stack, folder, "owner", repository)
            owner.commit("main", "azure-pipelines.yml", "Pulumi.prod.yaml", "web/index.html", "docs/ci.md")
            assert owner.push("main") == ""
    assert process.wait() == 0, "".join(said)[-3000:]
    assert pushed, "it didn't ask for the push"
    return "".join(said)


def test_one_up_makes_the_whole_of_it_and_destroy_leaves_nothing(ci: Stack, tmp_path: Path) -> None:
    # A new role is unknown to a part of Azure for a while.
    ci.sandbox.fault("role-unseen", times=2)
    ci.sandbox.fault("principal-unseen", times=1)
    fleet(ci)
    said = first_up(ci, tmp_path / "clone", "--logtostderr", "--logflow", "-v=9")
    assert "Pipeline" in said
    pat = ci.sandbox.env()["AZDO_PERSONAL_ACCESS_TOKEN"]
    assert PASSPHRASE not in said  # not even where the engine logs every value
    # The azuredevops provider itself writes its token, where plugins' logs are asked for (SECURITY.md); nothing else does.
    assert [line for line in said.splitlines() if pat in line and "erraform input" not in line] == []
    shown = ci.pulumi("stack", "export").stdout + ci.pulumi("stack", "output", "--json", "--show-secrets").stdout
    assert [secret for secret in (PASSPHRASE, pat) if secret in shown] == []
    assert '"personalAccessToken":' not in shown  # it stands in the environment alone, not even encrypted here
    assert '"seals"' in shown
    assert '"PULUMI_CONFIG_PASSPHRASE": "' not in shown.replace(
        '"mta-sts-pipeline:passphrase"', ""
    )  # its seal is encrypted
    ci.assert_settled()

    variables = group(ci, "mta-sts")
    assert variables["PULUMI_CONFIG_PASSPHRASE"] == {"value": PASSPHRASE, "isSecret": True}
    assert variables["PULUMI_BACKEND_URL"]["value"] == DEVOPS["backend"]
    definitions = {each["name"]: each for each in things(ci, "definitions")}
    assert set(definitions) == {"mta-sts", "mta-sts-fleet"}
    files = {name: each["process"]["yamlFilename"] for name, each in definitions.items()}
    assert files == {"mta-sts": "azure-pipelines.yml", "mta-sts-fleet": "azure-pipelines-fleet.yml"}
    assert {each["repository"]["defaultBranch"] for each in definitions.values()} == {"refs/heads/main"}
    builds = [each for each in things(ci, "policies") if "buildDefinitionId" in each["settings"]]
    assert {each["settings"]["buildDefinitionId"] for each in builds} == {
        each["id"] for each in definitions.values()
    }
    environments = {each["id"]: each["name"] for each in things(ci, "environments")}
    assert set(environments.values()) == {"mta-sts-dev", "mta-sts-prod", "mta-sts-fleet"}
    guards = {name: checks(ci, "environment", id_) for id_, name in environments.items()}
    assert guards["mta-sts-fleet"] == guards["mta-sts-prod"] == {"approval", "exclusive lock"}
    # The fleet's runs may use what it needs, by the same connections, for which main alone is good.
    used = {each["id"]: {one["id"] for one in each["pipelines"]} for each in things(ci, "permissions")}
    both, own = {each["id"] for each in definitions.values()}, definitions["mta-sts-fleet"]["id"]
    assert all(used[f"endpoint-{each['id']}"] == both for each in things(ci, "endpoints"))
    assert all(used[f"variablegroup-{each['id']}"] == both for each in things(ci, "variablegroups"))
    assert {environments[id_] for id_ in environments if own in used[f"environment-{id_}"]} == {"mta-sts-fleet"}
    for each in things(ci, "endpoints"):
        wanted = {"branch control"} if each["name"] == "mta-sts" else set[str]()
        assert checks(ci, "endpoint", each["id"]) == wanted
    assert all(each["isBlocking"] and each["isEnabled"] for each in things(ci, "policies"))
    assert "serviceprincipalkey" not in str(things(ci, "endpoints"))
    trusts = ci.sandbox.state.of("Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials")
    subjects = {
        trust["id"].split("/")[8].rstrip("0123456789abcdef"): trust["properties"]["subject"] for trust in trusts
    }
    assert subjects == {
        "pipeline-azure-deployer": "sc://contoso/mail/mta-sts",
        "pipeline-azure-preview": "sc://contoso/mail/mta-sts-preview",
    }
    assert set(group(ci, "mta-sts-preview")) == {"PULUMI_BACKEND_URL"}

    # An update: a reviewer more, another passphrase.
    configure(ci, reviewers=2, fleet=True)
    ci.secret(f"{NAMESPACE}:passphrase", "changed")
    assert ci.changes() == dict.fromkeys(("pipeline-reviewers", "pipeline-people", "pipeline-variables"), "update")
    up(ci)
    assert 2 in [each["settings"].get("minimumApproverCount") for each in things(ci, "policies")]
    assert group(ci, "mta-sts")["PULUMI_CONFIG_PASSPHRASE"]["value"] == "changed"

    # Somebody takes a variable away in the portal: drift, which the next up repairs.
    stored = next(
        each for each in ci.sandbox.state.of("devops/variablegroups") if each["body"]["name"] == "mta-sts"
    )
    del stored["body"]["variables"]["PULUMI_CONFIG_PASSPHRASE"]
    ci.sandbox.state.put(stored)
    assert ci.pulumi("refresh", "--yes").code == 0
    up(ci)
    assert group(ci, "mta-sts")["PULUMI_CONFIG_PASSPHRASE"]["value"] == "changed"

    # The token of the first day has expired long since.
    ci.sandbox.state.set("devops-pat", "a-new-personal-access-token")
    run = ci.pulumi("destroy", "--yes", "--skip-preview")
    assert run.code == 0, run.text
    assert {kind: things(ci, kind) for kind in KINDS} == {kind: [] for kind in KINDS}
    # The stacks' groups hold what this project knows nothing of; they are not its to delete.
    left = {each["name"] for each in ci.sandbox.state.of("Microsoft.Resources/resourceGroups")}
    assert left == {"mta-sts-dev", "mta-sts-prod", "mta-sts-fleet-1"}


def test_nothing_reaches_main_but_what_people_have_approved(ci: Stack, tmp_path: Path) -> None:
    first_up(ci, tmp_path / "clone")
    owner, bob, ann = (Clone(ci, tmp_path / who, who) for who in ("owner", "bob", "ann"))
    build = Clone(ci, tmp_path / "build", "build")  # a run's own token

    owner.commit("main", "a-new-file")
    refusal = owner.push("main")
    assert "TF402455" in refusal
    assert "[remote rejected]" in refusal

    # What runs, and what it applies, takes an approver beside the number of reviewers.
    bob.commit("change", "Pulumi.prod.yaml")
    assert bob.push("change") == ""
    number = bob.open("change")
    for who in (bob, build, owner):
        who.approve(number)
    assert devops.ADMINS in bob.complete(number)
    ann.approve(number)
    assert bob.complete(number) == ""

    # A page takes one of the people, whom a run's token isn't; nor is the author.
    bob.commit("page", "web/index.html")
    assert bob.push("page") == ""
    number = bob.open("page")
    for who in (bob, build):
        who.approve(number)
    assert devops.CONTRIBUTORS in bob.complete(number)
    owner.approve(number)
    assert bob.complete(number) == ""

    # Who pushed last can't approve, and a push takes back what was approved before it.
    bob.commit("shared", "Pulumi.prod.yaml")
    assert bob.push("shared") == ""
    number = bob.open("shared")
    owner.approve(number)
    ann.commit("shared", "docs/ci.md")
    assert ann.git("push", ann.url, "+HEAD:shared").returncode == 0
    ann.approve(number)
    assert "1 reviewers" in bob.complete(number)


@pytest.mark.heavy
def test_the_content_pipeline_has_the_sites_token_also_after_a_reset(ci: Stack, tmp_path: Path) -> None:
    mail = beside(ci)
    mail.zones("example.org", "--mx", "mail.example.org")
    mail.pulumi("stack", "init", "prod")
    mail.configure(TESTING)
    up(mail)
    site = mail.outputs()["sites"]["main"]
    configure(
        ci,
        contentPipeline={"stack": "prod", "policy": "main", "site": site},
        resourceGroups={"prod": {"existing": True}},
    )
    said = first_up(ci, tmp_path / "clone", "--logtostderr", "--logflow", "-v=9")
    token = group(ci, "mta-sts-content")["deployment_token"]
    assert token["isSecret"]
    assert token["value"]
    assert token["value"] not in said
    ci.assert_settled()
    assert {each["name"] for each in things(ci, "definitions")} == {"mta-sts", "mta-sts-content"}

    ci.arm("POST", "/resourceGroups/" + site.split("/resourceGroups/")[1] + "/resetapikey")
    assert ci.changes() == {"pipeline-content-variables": "update"}
    up(ci)
    renewed = group(ci, "mta-sts-content")["deployment_token"]["value"]
    assert renewed != token["value"]
    ci.assert_settled()

    # Content alone, as the pipeline sends it: the page and the policy, and nothing about the site is another afterwards.
    page = mail.project / "web" / "404.html"
    before = page.read_text()
    page.write_text("<p>changed without Pulumi</p>")
    mail.more["DEPLOYMENT_TOKEN"] = renewed
    run = mail.tool("upload_content", "--stack", "prod", "--policy", "main")
    assert run.returncode == 0, run.stderr
    assert "mta-sts.example.org serves it" in run.stdout
    assert renewed not in run.stdout + run.stderr
    files = dict(mail.sandbox.state.db.execute("SELECT path, content FROM files"))
    assert b"changed without Pulumi" in next(
        content for path, content in files.items() if path.endswith("404.html")
    )
    assert next(mail.sandbox.state.of("Microsoft.Web/staticSites"))["properties"]["provider"] == "SwaCli"
    page.write_text(before)
    mail.more["DEPLOYMENT_TOKEN"] = "expired"
    refused_upload = mail.tool("upload_content", "--stack", "prod")
    assert refused_upload.returncode == 1
    assert "the deployment token was refused" in refused_upload.stderr

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


def test_what_cannot_work_is_one_line_and_nothing_is_made(ci: Stack, tmp_path: Path) -> None:
    state = ci.sandbox.state
    refused(ci, "AZDO_PERSONAL_ACCESS_TOKEN is not set; make one under", AZDO_PERSONAL_ACCESS_TOKEN="")
    refused(ci, "refuses the token (203)", AZDO_PERSONAL_ACCESS_TOKEN="expired")
    state.set("devops-withheld", "/distributedtask/variablegroups /distributedtask/environments")
    refused(ci, "the token lacks the scopes Variable Groups, Environment; make one")
    state.set("devops-withheld", "")
    own = ci.sandbox.env()["PULUMI_BACKEND_URL"]
    configure(ci, backend=f"{own}/state", stateResourceGroup=None)
    refused(ci, f"backend: the state of this project lies in {own}, which the pipeline could write")
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
    first_up(ci, tmp_path / "clone", repository="policies")
    run = ci.pulumi("destroy", "--yes", "--skip-preview")
    assert run.code == 0, run.text
    assert things(ci, "projects") == [owner]
    assert things(ci, "repositories") == [theirs]
