"""A stack of its own on a local Azure of its own, driven by the real engine."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from sandbox.control import Sandbox

ROOT = Path(__file__).parents[1]
PROGRAM = (
    "__main__.py",
    "azure_native",
    "settings",
    "internet",
    "zones",
    "checks",
    "azure-pipelines.yml",
    "pipeline",
    "Pulumi.yaml",
    "components",
    "policy",
    "provider",
    "web",
)
TESTING = {
    "name": "main",
    "mode": "testing",
    "maxAge": 604800,
    "mx": ["mail.example.org"],
    "domains": ["example.org"],
}


class Run:
    """A finished pulumi command."""

    def __init__(self, process: subprocess.CompletedProcess[str]) -> None:
        self.code = process.returncode
        self.text = re.sub(r"\x1b\[[0-9;]*m", "", process.stdout + process.stderr)
        self.stdout = process.stdout

    @property
    def errors(self) -> list[str]:
        """The error lines, once each."""
        found = [line.strip() for line in self.text.splitlines() if "error:" in line]
        return sorted({line.partition("error: ")[2] for line in found} - {"update failed", "preview failed"})


class Stack:
    """A copy of the program with a stack of its own, on a sandbox of its own."""

    def __init__(self, folder: Path, engine: str) -> None:
        self.project = folder / "project"
        self.sandbox = Sandbox(folder / "sandbox")
        self.engine = engine
        # Python keeps its bytecode, as it does unless told otherwise.
        self.more: dict[str, str] = {"PYTHONDONTWRITEBYTECODE": ""}
        self.project.mkdir()
        for name in PROGRAM:
            source = ROOT / name
            copy = shutil.copytree if source.is_dir() else shutil.copyfile
            copy(
                source,
                self.project / name,
                # With the bytecode that is there, but for what another test's process is about to write.
                **({"ignore": shutil.ignore_patterns("*.pyc.*")} if source.is_dir() else {}),
            )

    @property
    def environment(self) -> dict[str, str]:
        paced = {"SANDBOX_AZURE_NATIVE_PACE": "0.05"}  # azure-native's own waits between tries
        env = {**os.environ, **self.sandbox.env(), "PULUMI_STACK": "test", **paced, **self.more}
        env.pop("VIRTUAL_ENV", None)
        env["PATH"] = os.pathsep.join(filter(None, (self.engine, env["PATH"])))
        return env

    def zones(self, *options: str) -> None:
        """`python -m sandbox zone …`."""
        self.python("-m", "sandbox", "--dir", str(self.sandbox.folder), "zone", *options)

    def grant(self) -> None:
        """`python -m sandbox grant`: the right to write blobs."""
        self.python("-m", "sandbox", "--dir", str(self.sandbox.folder), "grant")

    def python(self, *arguments: str) -> str:
        run = subprocess.run(
            [sys.executable, *arguments], cwd=ROOT, env=self.environment, capture_output=True, text=True
        )
        assert run.returncode == 0, run.stderr
        return run.stdout

    def tool(self, name: str, *options: str) -> subprocess.CompletedProcess[str]:
        """`python -m tools.…`, as a user in the project runs it."""
        command = [sys.executable, "-m", f"tools.{name}", *options]
        env = {**self.environment, "PYTHONPATH": str(ROOT)}
        return subprocess.run(command, cwd=self.project, env=env, capture_output=True, text=True, timeout=300)

    def configure(self, *policies: dict[str, Any], **config: Any) -> None:
        """Write the stack's configuration; a value of None leaves a key out."""
        path = self.project / f"Pulumi.{self.environment['PULUMI_STACK']}.yaml"
        before = yaml.safe_load(path.read_text()) if path.exists() else {}
        values = {
            "azure-native:location": "westeurope",
            "mta-sts:dns": {"provider": "azure", "resourceGroup": "dns"},
            "mta-sts:policies": list(policies),
            **config,
        }
        given = {name: value for name, value in values.items() if value is not None}
        path.write_text(yaml.safe_dump({**before, "config": given}))

    def reconfigure(self, **config: Any) -> None:
        """Set these keys, and leave the others, as they are."""
        path = self.project / f"Pulumi.{self.environment['PULUMI_STACK']}.yaml"
        found = yaml.safe_load(path.read_text())
        path.write_text(yaml.safe_dump({**found, "config": {**found["config"], **config}}))

    def secret(self, key: str, value: str) -> None:
        """`pulumi config set --secret --path`, the value on standard input."""
        subprocess.run(
            ["pulumi", "config", "set", "--secret", "--path", key, "--non-interactive"],
            cwd=self.project,
            env=self.environment,
            input=value,
            text=True,
            check=True,
            capture_output=True,
        )

    def pulumi(self, *arguments: str, timeout: float = 180, **environment: str) -> Run:
        process = subprocess.run(
            ["pulumi", *arguments, "--non-interactive"],
            cwd=self.project,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        return Run(process)

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a pulumi command and go on."""
        return subprocess.Popen(
            ["pulumi", *arguments, "--non-interactive"],
            cwd=self.project,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def up(self, *arguments: str, settled: bool = False) -> Run:
        """Apply, successfully; `settled` where nothing may be left to change afterwards."""
        run = self.pulumi("up", "--yes", "--skip-preview", *arguments)
        assert run.code == 0, run.text
        if settled:
            self.assert_settled()
        return run

    def assert_settled(self) -> None:
        """Nothing is left to change, and refreshing shows no drift."""
        for command in (("preview",), ("refresh", "--preview-only")):
            run = self.pulumi(*command, "--expect-no-changes")
            assert run.code == 0, run.text

    def changes(self) -> dict[str, str]:
        """What an up would do: resource name -> operation, for all that don't stay the same."""
        run = self.pulumi("preview", "--json")
        assert run.code == 0, run.text
        steps = json.loads(run.stdout)["steps"]
        return {step["urn"].split("::")[-1]: step["op"] for step in steps if step["op"] not in ("same", "read")}

    def outputs(self) -> dict[str, Any]:
        return json.loads(self.pulumi("stack", "output", "--json").stdout)

    def senders(self, *domains: str) -> dict[str, Any]:
        return json.loads(self.python("tests/senders.py", *domains))

    def writes(self, after: int = 0) -> list[str]:
        """What changed in Azure: `PUT …/TXT/_mta-sts` and so on, shortened, with successful answers only."""
        return [
            f"{line['method']} {'/'.join(line['path'].split('/')[-2:])}"
            for line in self.sandbox.log(after)
            if line["service"] == "arm" and line["method"] in ("PUT", "PATCH", "DELETE") and line["status"] < 400
        ]

    def last(self) -> int:
        """The number of the log's last line."""
        return max((line["id"] for line in self.sandbox.log()), default=0)

    def arm(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Act in Azure behind the program's back, through the official client."""
        code = (
            "import json,sys,os\n"
            "from azure.identity import ClientSecretCredential as C\n"
            "from azure.mgmt.resource.resources import ResourceManagementClient as R\n"
            "from azure.core.rest import HttpRequest\n"
            "e=os.environ; c=R(C(e['ARM_TENANT_ID'],e['ARM_CLIENT_ID'],e['ARM_CLIENT_SECRET']),e['ARM_SUBSCRIPTION_ID'])\n"
            "m,p,b=sys.argv[1:]; b=json.loads(b)\n"
            "u='https://management.azure.com/subscriptions/'+e['ARM_SUBSCRIPTION_ID']+p+'?api-version=2023-07-01-preview'\n"
            "a=c.send_request(HttpRequest(m,u,json=b)); a.raise_for_status(); print(a.text() or '{}')\n"
        )
        return json.loads(self.python("-c", code, method, path, json.dumps(body)))


def assert_policy_before_id(log: list[dict[str, Any]]) -> int:
    """Whenever an id was published, the last thing its host had served was the policy that the id names.

    :returns: how many ids were published.
    """
    served: dict[str, str] = {}
    published = 0
    for line in log:
        if line["service"] == "site" and line["path"] == "/.well-known/mta-sts.txt":
            served[line["host"]] = line["detail"].removeprefix("sha256=") if line["status"] == 200 else ""
        if line["service"] == "arm" and line["method"] == "PUT" and line["path"].endswith("/TXT/_mta-sts"):
            zone = line["path"].split("/")[-3]
            found = re.search(r"id=(\w+)", line["detail"])
            assert found, line
            assert served.get(f"mta-sts.{zone}", "").startswith(found[1]), (
                f"{found[1]} was published before its policy"
            )
            published += 1
    return published


def change_by_hand(sandbox: Sandbox, domain: str, text: str) -> None:
    """Somebody edits the TXT record `_mta-sts` in the portal."""
    state = sandbox.state
    record = next(
        each for each in state.of("Microsoft.Network/dnszones/TXT")
        if each["name"] == "_mta-sts" and f"/{domain}/" in each["id"]
    )  # fmt: skip
    state.put({**record, "properties": {**record["properties"], "TXTRecords": [{"value": [text]}]}})
