"""The pipeline's own steps, taken from its files and run: a push, a preview as a comment, an up, drift."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from harness import ROOT, TESTING, change_by_hand

from sandbox.control import Sandbox
from tools.ci.comment import MARKER

from .agent import Agent
from .expand import pipeline
from .service import Service

SECRET = {"PULUMI_CONFIG_PASSPHRASE": "passphrase-of-the-state-c41f", "System.AccessToken": "run-token-9a7e41d0"}
TOKEN = {"System.AccessToken": SECRET["System.AccessToken"]}
FEDERATED = "eyJhbGciOiJSUzI1NiJ9.federated-token-77b0e1"
DOMAINS = {"dev": "example.net", "prod": "example.org"}


def git(folder: Path, *words: str) -> str:
    run = subprocess.run(["git", "-C", folder, *words], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return run.stdout


class Azure:
    """A repository, its runs, and a local Azure to which they sign in by federated token alone."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.sandbox = folder, Sandbox(folder / "sandbox")
        self.runs = 0
        self.agents: list[Agent] = []

    def begin(self, service: Service) -> None:
        self.service = service
        self.sandbox.state.set("federated-token", FEDERATED)
        env = self.sandbox.env()
        self.connection = {
            "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID": "connection",
            "AZURESUBSCRIPTION_CLIENT_ID": env["ARM_CLIENT_ID"],
            "AZURESUBSCRIPTION_TENANT_ID": env["ARM_TENANT_ID"],
        }
        # No client secret, no virtual environment: what the steps need they have to bring about themselves.
        own = {
            name: value for name, value in env.items() if not name.startswith(("ARM_CLIENT", "AZURE_", "PULUMI_C"))
        }
        keep = {name: os.environ[name] for name in ("HOME", "LANG", "XDG_CACHE_HOME") if name in os.environ}
        path = [each for each in env["PATH"].split(os.pathsep) if not each.startswith(sys.prefix)]
        self.machine = {"SANDBOX_AZURE_NATIVE_PACE": "0.05", **keep, **own, "PATH": os.pathsep.join(path)}
        self.machine.pop("PULUMI_STACK")
        subprocess.run(
            [sys.executable, "-m", "sandbox", "--dir", self.sandbox.folder, "zone", *DOMAINS.values(), "--mx", "mail.example.org"],
            cwd=ROOT, check=True, capture_output=True,
        )  # fmt: skip

    def repository(self) -> None:
        """Azure Repos' part is a bare repository; the project is pushed there, with a stack for each environment."""
        self.remote, self.work = self.folder / "remote.git", self.folder / "work"
        git(self.folder, "init", "-q", "--bare", "-b", "main", str(self.remote))
        for name in git(ROOT, "ls-files", "-co", "--exclude-standard").splitlines():
            if (ROOT / name).is_file() and not name.startswith("tests/"):
                (self.work / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, self.work / name)
        env = {**self.machine, **{"PULUMI_CONFIG_PASSPHRASE": SECRET["PULUMI_CONFIG_PASSPHRASE"]}}
        (self.work / "Pulumi.dev.yaml").unlink()
        for stack in DOMAINS:
            self.configure(stack)
            subprocess.run(
                ["pulumi", "stack", "init", stack], cwd=self.work, env=env, check=True, capture_output=True
            )
        git(self.work, "init", "-q", "-b", "main")
        git(self.work, "remote", "add", "origin", str(self.remote))
        self.push("main")

    def configure(self, stack: str, **policy: Any) -> None:
        path = self.work / f"Pulumi.{stack}.yaml"
        before = yaml.safe_load(path.read_text()) if path.exists() else {}
        policies = [{**TESTING, "domains": [DOMAINS[stack]], **policy}]
        config = {
            "azure-native:location": "westeurope",
            "mta-sts:dns": {"provider": "azure", "resourceGroup": "dns"},
            "mta-sts:policies": policies,
        }
        path.write_text(yaml.safe_dump({**before, "config": config}))

    def push(self, branch: str) -> None:
        git(self.work, "add", "-A")
        git(self.work, "-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "-q", "-m", branch)
        git(self.work, "push", "-q", "origin", f"HEAD:{branch}")

    def run(self, reason: str, branch: str) -> list[Agent]:
        """A run of the pipeline on a branch: its jobs, each on a new agent with a clone of its own."""
        self.runs += 1
        variables = {
            "Build.Reason": reason,
            "Build.SourceBranch": "refs/heads/main" if branch == "main" else "refs/pull/7/merge",
            "Build.Repository.ID": "6f1c-repo",
            "Build.BuildId": str(self.runs),
            "System.CollectionUri": self.service.url,
            "System.TeamProject": "mail",
            "System.OidcRequestUri": f"{self.service.url}oidctoken",
            **({"System.PullRequest.PullRequestId": "7"} if reason == "PullRequest" else {}),
        }
        machine = {name: value for name, value in self.machine.items() if name != "PULUMI_BACKEND_URL"}
        found, made = pipeline(ROOT / "azure-pipelines.yml", variables), list[Agent]()
        for chosen in found["stages"]:
            if chosen["stage"] == "check":
                continue  # lint and tests: these are they
            for number, job in enumerate(chosen["jobs"]):
                clone = self.folder / f"agent-{self.runs}-{chosen['stage']}-{number}"
                git(self.folder, "clone", "-q", "-b", branch, str(self.remote), str(clone))
                (clone / ".venv").symlink_to(sys.prefix)  # what pip would install takes a minute; `make` did it
                own = {
                    "Agent.OS": "Linux",
                    "Agent.TempDirectory": f"{clone}.tmp",
                    "Pipeline.Workspace": str(clone),
                }
                groups = [each["group"] for each in chosen.get("variables", ())]
                given = {name: value for group in groups for name, value in self.groups(group, branch).items()}
                connections = ("mta-sts", "mta-sts-preview") if branch == "main" else ("mta-sts-preview",)
                agent = Agent(
                    clone,
                    {**variables, **own, **TOKEN, **given},
                    tuple(SECRET),
                    machine,
                    self.connection,
                    connections,
                )
                agent.run(job)
                self.agents.append(agent)
                made.append(agent)
            if any(agent.failed for agent in made):
                break
        return made

    def groups(self, name: str, branch: str) -> dict[str, str]:
        """A variable group's variables; those for deployments are for runs of main alone."""
        backend = {"PULUMI_BACKEND_URL": self.machine["PULUMI_BACKEND_URL"]}
        if name == "mta-sts-preview":
            return backend
        assert (name, branch) == ("mta-sts", "main")
        return {**backend, "PULUMI_CONFIG_PASSPHRASE": SECRET["PULUMI_CONFIG_PASSPHRASE"]}

    def stored(self) -> dict[str, bytes]:
        """The state's files."""
        folder = Path(self.machine["PULUMI_BACKEND_URL"].removeprefix("file://"))
        return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    def own_secrets(self) -> dict[str, str]:
        state = self.sandbox.state
        tokens = {each["name"]: each["_api_key"] for each in state.of("Microsoft.Web/staticSites")}
        return {"access token": state.setting("access-token"), **tokens}

    def log(self, agents: list[Agent]) -> str:
        return "\n".join(text for agent in agents for text in agent.outputs.values())

    def served(self, host: str) -> bytes:
        """The policy that the site of a policy host has."""
        state = self.sandbox.state
        site = next(each for each in state.of("Microsoft.Web/staticSites/customDomains") if each["name"] == host)[
            "id"
        ]
        row = state.db.execute(
            "SELECT content FROM files WHERE site = ? AND path LIKE '%mta-sts.txt'",
            (site.lower().partition("/customdomains/")[0],),
        )
        return row.fetchone()[0]


@pytest.fixture
def azure(tmp_path: Path) -> Iterator[Azure]:
    made = Azure(tmp_path)
    with made.sandbox, Service(SECRET["System.AccessToken"], lambda: FEDERATED) as service:
        made.begin(service)
        made.repository()
        yield made


def test_a_policy_goes_from_a_push_to_a_comment_to_an_up_and_drift_is_told(azure: Azure) -> None:
    first = azure.run("IndividualCI", "main")
    assert [agent.failed for agent in first] == [[], []], azure.log(first)
    assert azure.served("mta-sts.example.net")

    azure.configure("dev", maxAge=86400)
    azure.push("shorter")
    stored = azure.stored()
    for _ in range(2):
        (preview,) = azure.run("PullRequest", "shorter")
        assert not preview.failed, azure.log([preview])
    assert azure.stored() == stored  # who looks writes nothing
    (thread,) = azure.service.threads  # one comment, updated
    (comment,) = thread["comments"]
    text = comment["content"]
    assert text.startswith(MARKER)
    assert "#### dev: 5 update" in text
    assert "#### prod: no changes" in text
    assert "| **update** | `example.net-mta-sts` |" in text
    assert "~ max_age: 604800 => 86400" in text  # the policy's own line, in the full diff
    assert "**warning**" in text  # maxAge from 7 days to 86400 s: …
    assert [line.split()[0] for line in azure.service.log if "/threads" in line] == ["GET", "POST", "GET", "PATCH"]

    azure.configure("dev", mode="enfroce")
    azure.push("broken")
    (broken,) = azure.run("PullRequest", "broken")
    assert broken.failed == ["comment on the pull request"]
    assert broken.issues == ["preview dev"]
    (comment,) = azure.service.threads[0]["comments"]
    assert "#### dev: the preview failed" in comment["content"]
    assert "mta-sts:policies[0].mode: 'enfroce' must be testing, enforce or none" in comment["content"]

    git(azure.work, "push", "-q", "origin", "origin/shorter:main")
    git(azure.work, "reset", "-q", "--hard", "origin/shorter")
    second = azure.run("IndividualCI", "main")
    assert [agent.failed for agent in second] == [[], []], azure.log(second)
    rendered = azure.folder / "rendered.txt"
    subprocess.run(
        [sys.executable, "-m", "tools.render_policy", "--stack", "dev", "--to", rendered],
        cwd=azure.work,
        check=True,
    )
    assert rendered.read_bytes() == azure.served("mta-sts.example.net")
    assert b"max_age: 86400" in rendered.read_bytes()

    nightly = azure.run("Schedule", "main")
    assert [agent.failed for agent in nightly] == [[], []], azure.log(nightly)
    change_by_hand(azure.sandbox, "example.net", "v=STSv1; id=bad;")
    drifted, settled = azure.run("Schedule", "main")
    assert not settled.failed
    assert drifted.failed == ["drift", "what a sender sees"]
    assert "example.net-mta-sts" in drifted.outputs["drift"]
    assert "no changes were expected for preview but changes were proposed" in drifted.outputs["drift"]

    everything = azure.log(azure.agents) + "".join(str(thread) for thread in azure.service.threads)
    for name, secret in {**SECRET, "federated": FEDERATED, **azure.own_secrets()}.items():
        assert secret not in everything, name
    assert any(line.endswith("oidctoken 200") for line in azure.service.log)
    assert any(line["service"] == "login" and line["status"] == 200 for line in azure.sandbox.log())
