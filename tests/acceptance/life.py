"""The steps of a life, and what must be so after each."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from harness import PROGRAM, ROOT

from acceptance.report import Report

STACK = "acceptance"
GROUP = "mta-sts-acceptance"
WEEK, DAY = 604_800, 86_400  # seconds
HOUR = 3600.0  # seconds that one command may take


class LifeError(Exception):
    """A step didn't end as it must."""


@dataclass
class Life:
    """A stack of its own, with a state of its own in a folder.

    :param folder: for program and state; kept until everything is taken down.
    :param environment: with what signs in to Azure.
    :param domains: two mail domains, whose zone is in Azure DNS.
    :param zone_group: the zone's resource group.
    :param mx: the mx of the policy.
    """

    folder: Path
    environment: dict[str, str]
    domains: tuple[str, str]
    zone_group: str
    mx: list[str]
    report: Report
    location: str = "westeurope"

    def steps(self) -> Iterator[tuple[str, Callable[[], str]]]:
        """Every step's name, and what does it: returns the output, raises LifeError."""
        first = {"domains": [self.domains[0]]}
        both = {"domains": list(self.domains)}
        yield "preview", lambda: self._configured(first) + self._pulumi("preview")
        yield "up", lambda: self._up(first)
        yield "no change", self._settled
        yield "policy change", lambda: self._changed({**first, "maxAge": WEEK - DAY})
        yield "refresh", lambda: self._pulumi("refresh", "--yes", "--skip-preview") + self._settled()
        yield "tags", lambda: self._up({**first, "maxAge": WEEK - DAY}, tags={"purpose": "acceptance"})
        yield "plan", lambda: self._up({**first, "maxAge": WEEK - DAY, "sku": "Standard"})
        yield "second domain", lambda: self._up({**both, "sku": "Standard"})
        yield "take over a lost state", lambda: self._forgotten() + self._recovered()
        leaving = {**both, "sku": "Standard", "mode": "none", "maxAge": DAY, "removeEarlyAndRiskMail": True}
        yield "mode none", lambda: self._up(leaving)
        yield "destroy", self.destroy

    def run(self) -> None:
        """All steps; each is in the report, also the one that fails.

        :raises LifeError: with the step's name.
        """
        self._prepare()
        for name, do in self.steps():
            started = time.monotonic()
            try:
                output, outcome = do(), "ok"
            except LifeError as error:
                output, outcome = str(error), "FAILED"
            self.report.step(name, time.monotonic() - started, outcome, output, self._answers())
            if outcome != "ok":
                raise LifeError(f"{name}: {output.strip().splitlines()[-1]}")

    def clean_up(self) -> None:
        """Take down whatever stands, after a step failed or somebody pressed Ctrl-C.

        :raises LifeError: something is left.
        """
        if not (self.folder / "project").exists():
            return
        started = time.monotonic()
        self._command("pulumi", "cancel", "--yes", "--non-interactive", check=False)
        try:
            output, outcome = self._recovered() if not self._resources() else "", "ok"
            output += self.destroy()
        except LifeError as error:
            output, outcome = str(error), "FAILED"
        self.report.step("clean up", time.monotonic() - started, outcome, output, {})
        if outcome != "ok":
            raise LifeError(f"not everything could be taken down: look at the resource group {GROUP} and the records "
                            f"mta-sts, _mta-sts and _smtp._tls of {' and '.join(self.domains)}; {self.folder} has the state")  # fmt: skip
        shutil.rmtree(self.folder)

    def destroy(self) -> str:
        """Take everything down, and see that it is gone."""
        ids = self._resources()
        output = self._pulumi("destroy", "--yes", "--skip-preview")
        left = [id_ for id_, body in self._ask(ids).items() if body is not None]
        if left:
            raise LifeError(f"{output}\nstill there after destroy: {', '.join(left)}")
        return output

    def _prepare(self) -> None:
        project = self.folder / "project"
        if project.exists():
            return
        project.mkdir(parents=True)
        for name in PROGRAM:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, project / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copyfile(source, project / name)
        self._init()

    def _init(self) -> None:
        (self.folder / "state").mkdir(exist_ok=True)
        self._pulumi("stack", "init", STACK)

    def _configured(self, policy: Mapping[str, Any], tags: Mapping[str, str] | None = None) -> str:
        settings = {"name": "acceptance", "mode": "testing", "maxAge": WEEK, "mx": self.mx, **policy}
        config = {
            "azure-native:location": self.location,
            "mta-sts:resourceGroup": GROUP,
            "mta-sts:dns": {"provider": "azure", "resourceGroup": self.zone_group},
            "mta-sts:tags": {"owner": "acceptance", **(tags or {})},
            "mta-sts:policies": [settings],
        }
        path = self.folder / "project" / f"Pulumi.{STACK}.yaml"
        kept = yaml.safe_load(path.read_text()) if path.exists() else {}
        path.write_text(yaml.safe_dump({**kept, "config": config}))
        return ""

    def _up(self, policy: Mapping[str, Any], tags: Mapping[str, str] | None = None) -> str:
        self._configured(policy, tags)
        return self._pulumi("up", "--yes", "--skip-preview") + self._seen()

    def _changed(self, policy: Mapping[str, Any]) -> str:
        before = self._ids()
        output = self._up(policy)
        if before == self._ids():
            raise LifeError(f"{output}\nthe policy changed, and its id is still {before}")
        return output

    def _settled(self) -> str:
        preview = self._pulumi("preview", "--expect-no-changes")
        return preview + self._pulumi("refresh", "--preview-only", "--expect-no-changes")

    def _forgotten(self) -> str:
        shutil.rmtree(self.folder / "state")
        self._init()
        return ""

    def _recovered(self) -> str:
        return self._command(sys.executable, "-m", "tools.recover", "--yes") + self._settled()

    def _seen(self) -> str:
        """What a sender sees now; a failure counts, a mail server that can't be reached from here doesn't."""
        return self._command(sys.executable, "-m", "checks", "domain", "--no-servers", *self._ids(), most=1)

    def _ids(self) -> dict[str, str]:
        found = json.loads(self._pulumi("stack", "output", "--json"))
        return {name: domain["policyId"] for name, domain in found.get("domains", {}).items()}

    def _resources(self) -> list[str]:
        """The ids of everything in Azure that the state knows."""
        run = self._command("pulumi", "stack", "export", "--non-interactive", check=False, merged=False)
        try:
            resources = json.loads(run)["deployment"].get("resources") or []
        except (ValueError, KeyError):
            return []
        return [one["id"] for one in resources if one["type"].startswith("azure-native:") and one.get("id")]

    def _answers(self) -> dict[str, object]:
        return self._ask(self._resources())

    def _ask(self, ids: list[str]) -> dict[str, object]:
        return (
            json.loads(self._command(sys.executable, "-m", "acceptance.answers", *ids, merged=False))
            if ids
            else {}
        )

    def _pulumi(self, *arguments: str) -> str:
        merged = "--json" not in arguments
        return self._command("pulumi", *arguments, "--non-interactive", merged=merged)

    def _command(self, *command: str, check: bool = True, merged: bool = True, most: int = 0) -> str:
        """Run a command in the project's folder.

        :param most: the greatest exit code that is no failure.
        :raises LifeError: it failed; with everything it printed.
        """
        env = {**self.environment, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", "PULUMI_STACK": STACK,
               "PULUMI_BACKEND_URL": (self.folder / "state").resolve().as_uri()}  # fmt: skip
        run = subprocess.run(
            command,
            cwd=self.folder / "project",
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if merged else subprocess.PIPE,
            text=True,
            timeout=HOUR,
            stdin=subprocess.DEVNULL,
        )
        if check and run.returncode > most:
            raise LifeError(f"{run.stdout}{run.stderr or ''}\n{' '.join(command[:4])} ended with {run.returncode}")
        return run.stdout
