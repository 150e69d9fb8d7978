"""Pulumi's Automation API for many stacks at once: engines that end in order, and nobody's selected stack changed."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from pulumi import automation
from pulumi.automation import CommandResult, OnOutput, PulumiCommand, Stack
from pulumi.automation.errors import create_command_error

from policy import UserError
from tools import get_engine

NOT_FOR_CHILDREN = ("MTA_STS_IMAP_PASSWORD", "MTA_STS_NOTIFY")


class CancelledError(Exception):
    """A command wasn't begun any more."""


class Engine(PulumiCommand):
    """The `pulumi` command. Each run of it has a session of its own, so that a Ctrl-C reaches it once, from `cancel`.

    In the terminal's own process group it would come twice, from the terminal and from whoever hands on what it was
    sent; and at a second one Pulumi ends at once and leaves its lock behind.

    :raises UserError: there is no engine, or it is too old for the SDK.
    """

    def __init__(self) -> None:
        self.cancelled = 0
        self._running: set[subprocess.Popen[str]] = set()
        self._lock = threading.RLock()
        try:
            if not get_engine.on_path():
                os.environ["PATH"] = os.pathsep.join((str(get_engine.cached()), os.environ.get("PATH", "")))
            super().__init__()
        except (get_engine.EngineError, automation.InvalidVersionError, OSError) as error:
            raise UserError(f"no Pulumi engine: {error}") from None

    def cancel(self) -> None:
        """Have every engine end in order: its resources under way finish, its state is saved, its lock goes. A second
        call has them end at once."""
        with self._lock:
            self.cancelled += 1
            for process in self._running:
                process.send_signal(signal.SIGINT)

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: OnOutput | None = None,
        on_error: OnOutput | None = None,
    ) -> CommandResult:
        """See PulumiCommand.run.

        :raises CancelledError: after `cancel`.
        :raises CommandError: the command fails.
        """
        environment = {name: value for name, value in os.environ.items() if name not in NOT_FOR_CHILDREN}
        environment["PATH"] = os.pathsep.join((str(Path(sys.executable).parent), environment.get("PATH", "")))
        with self._lock:
            if self.cancelled:
                raise CancelledError
            process = subprocess.Popen(
                [self.command, "--non-interactive", *args],
                cwd=cwd,
                env={**environment, **additional_env, "PULUMI_AUTOMATION_API": "true"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,
            )
            self._running.add(process)
        try:
            out, err = process.communicate()
        finally:
            with self._lock:
                self._running.discard(process)
        for text, told in ((out, on_output), (err, on_error)):
            if told:
                for line in text.splitlines():
                    told(line)
        result = CommandResult(stdout=out, stderr=err, code=process.returncode)
        if result.code:
            raise create_command_error(result)
        return result


class Workspace(automation.LocalWorkspace):
    """A project folder whose stacks are always named, never selected: which one is selected is the user's."""

    def select_stack(self, stack_name: str) -> None:
        """Nothing: each command has `--stack`."""

    def stack_outputs(self, stack_name: str) -> automation.OutputMap:
        """None: after each `up` the SDK would have them decrypted, and nobody asks for them."""
        return {}

    def export_stack(self, stack_name: str) -> automation.Deployment:
        """The state with its secrets encrypted as they are; the SDK's own shows them."""
        answer = self.pulumi_command.run(["stack", "export", "--stack", stack_name], self.work_dir, {})
        found = json.loads(answer.stdout)
        return automation.Deployment(found.get("version"), found.get("deployment"))


def stack(name: str, project: Path, engine: Engine, more: Mapping[str, str] | None = None) -> Stack:
    """A stack of the project; whether it exists, its first command tells.

    :param more: variables of its commands' environment.
    """
    return Stack.select(name, Workspace(work_dir=str(project), pulumi_command=engine, env_vars=dict(more or {})))
