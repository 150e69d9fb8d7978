"""A pipeline's agent, as far as our steps need one; raises at everything else."""

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .expand import NotModelledError

PROVIDED = {"Cache@2", "UsePythonVersion@0"}  # tasks that this machine needs not do
STEP = {"bash", "task", "displayName", "condition", "inputs", "env", "checkout"}
MACRO = re.compile(r"\$\(([\w.]+)\)")
PREPEND = re.compile(r"^##vso\[task\.prependpath\](.*)$", re.MULTILINE)


@dataclass
class Agent:
    """One job on one machine.

    :param folder: the clone that steps run in.
    :param variables: of the run; secret ones become environment variables only through a step's `env`.
    :param secrets: their names.
    :param machine: the machine's own environment.
    :param connection: what AzureCLI@2 adds.
    :param connections: the service connections that the run may use.
    """

    folder: Path
    variables: Mapping[str, str]
    secrets: tuple[str, ...]
    machine: Mapping[str, str]
    connection: Mapping[str, str]
    connections: tuple[str, ...]
    outputs: dict[str, str] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    issues: list[str] = field(default_factory=list)

    def run(self, job: Mapping[str, Any]) -> None:
        """The job's steps in order; what each printed is in `outputs`."""
        steps = job["steps"] if "steps" in job else job["strategy"]["runOnce"]["deploy"]["steps"]
        path = str(self.machine["PATH"])
        for step in steps:
            if set(step) - STEP:
                raise NotModelledError(str(step))
            script = self._script(step)
            condition = step.get("condition", "succeeded()")
            if condition not in ("succeeded()", "succeededOrFailed()"):
                raise NotModelledError(condition)
            if script is None or (self.failed and condition == "succeeded()"):
                continue
            name = step["displayName"]
            run = subprocess.run(
                ["bash", "--noprofile", "--norc", "-c", self._macros(script)],
                cwd=self.folder,
                env={**self._environment(step), "PATH": path},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=300,
            )
            self.outputs[name] = run.stdout
            for folder in PREPEND.findall(run.stdout):
                path = os.pathsep.join((folder, path))
            if "##vso[task.complete result=SucceededWithIssues;]" in run.stdout:
                self.issues.append(name)
            if run.returncode:
                self.failed.append(name)

    def _script(self, step: Mapping[str, Any]) -> str | None:
        if "bash" in step:
            return step["bash"]
        if "checkout" in step or step.get("task") in PROVIDED:
            return None
        inputs = step.get("inputs", {})
        if step["task"] != "AzureCLI@2" or (inputs["scriptType"], inputs["scriptLocation"]) != (
            "bash",
            "inlineScript",
        ):
            raise NotModelledError(str(step))
        assert inputs["azureSubscription"] in self.connections
        return inputs["inlineScript"]

    def _environment(self, step: Mapping[str, Any]) -> dict[str, str]:
        public = {name: value for name, value in self.variables.items() if name not in self.secrets}
        made = {name.upper().replace(".", "_"): self._macros(value) for name, value in public.items()}
        given = {name: self._macros(value) for name, value in step.get("env", {}).items()}
        return {**self.machine, **made, **(self.connection if step.get("task") == "AzureCLI@2" else {}), **given}

    def _macros(self, text: str) -> str:
        """`$(Name)`; one that no variable has stays as it stands there."""
        return MACRO.sub(lambda match: self.variables.get(match[1], match[0]), text)
