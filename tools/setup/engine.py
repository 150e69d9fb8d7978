"""The Pulumi CLI, as this tool uses it. Secrets go in by standard input or the environment, never as arguments."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from policy import UserError
from tools import get_engine

LOCAL = "file://~"
PASSPHRASE = ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE")


@dataclass(frozen=True)
class Preview:
    """What a preview says.

    :param create: how many resources it would make.
    :param change: how many it would change or remove.
    """

    create: int
    change: int
    warnings: tuple[str, ...]
    errors: tuple[str, ...]


class Engine:
    """Pulumi, for one stack.

    :param folder: the project's.
    :raises UserError: there is no Pulumi, and it can't be had.
    """

    def __init__(self, folder: Path, stack: str) -> None:
        self._folder, self._stack = folder, stack
        self._environment = dict(os.environ)
        self._prefix = ""
        first = [str(Path(sys.executable).parent)]
        if not get_engine.on_path():
            try:
                fetched = str(get_engine.cached())
            except get_engine.EngineError as error:
                raise UserError(f"there is no Pulumi: {error}") from None
            first.append(fetched)
            self._prefix = f'export PATH="{fetched}:$PATH"; '
        self._environment["PATH"] = os.pathsep.join([*first, self._environment.get("PATH", "")])
        self._environment["PULUMI_SKIP_UPDATE_CHECK"] = "true"
        self._environment.pop("PULUMI_STACK", None)

    def _run(self, *arguments: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["pulumi", *arguments, "--non-interactive"],
            cwd=self._folder,
            env=self._environment,
            input=given,
            stdin=subprocess.DEVNULL if given is None else None,
            capture_output=True,
            text=True,
            check=False,
        )

    def _must(self, what: str, *arguments: str, given: str | None = None) -> str:
        run = self._run(*arguments, given=given)
        if run.returncode:
            raise UserError(f"{what}: {_error(run.stderr) or _error(run.stdout)}")
        return run.stdout

    def backend(self) -> str:
        """Where the state is kept; "" where that isn't chosen yet."""
        run = self._run("whoami", "--json")
        try:
            return str(json.loads(run.stdout).get("url", "")) if run.returncode == 0 else ""
        except ValueError:
            return ""

    def sign_in(self, backend: str) -> None:
        """Choose where the state is kept.

        :raises UserError: Pulumi says no.
        """
        self._must(f"pulumi login {backend}", "login", backend)

    def needs_passphrase(self, backend: str, stack_file: str) -> bool:
        """Whether this stack's secrets are encrypted with a passphrase that isn't known yet.

        :param stack_file: its text; one that names a key vault needs none (docs/state.md).
        """
        elsewhere = any(
            line.startswith("secretsprovider:") and "passphrase" not in line for line in stack_file.splitlines()
        )
        return (
            not backend.startswith("http") and not elsewhere and not any(name in os.environ for name in PASSPHRASE)
        )

    def use_passphrase(self, passphrase: str) -> None:
        """For the commands of this run."""
        self._environment[PASSPHRASE[0]] = passphrase
        self._prefix += f"read -rs {PASSPHRASE[0]}; export {PASSPHRASE[0]}; "

    def typed(self, *arguments: str) -> str:
        """A command of Pulumi's as a person in this shell types it, with what it needs before."""
        return f"{self._prefix}pulumi {' '.join(arguments)} --stack {self._stack}"

    def select(self) -> None:
        """Make the stack, or choose the one that is there.

        :raises UserError: neither can be.
        """
        if self._run("stack", "select", self._stack).returncode:
            self._must(f"pulumi stack init {self._stack}", "stack", "init", self._stack)

    def encrypt(self, key: str, value: str) -> None:
        """Put a secret into the stack's file.

        :raises UserError: Pulumi says no.
        """
        self._must(f"pulumi config set --secret --path '{key}'", "config", "set", "--secret", "--path", key,
                   "--stack", self._stack, given=value)  # fmt: skip

    def preview(self) -> Preview:
        """What an `up` would do.

        :raises UserError: Pulumi says nothing that can be read.
        """
        run = self._run("preview", "--json", "--stack", self._stack)
        try:
            told: dict[str, Any] = json.loads(run.stdout)
        except ValueError:
            raise UserError(f"pulumi preview: {_error(run.stderr) or _error(run.stdout)}") from None
        counts: dict[str, int] = told.get("changeSummary") or {}
        lines: list[dict[str, str]] = told.get("diagnostics") or []

        def of(severity: str) -> tuple[str, ...]:
            texts = [line["message"].strip() for line in lines if line["severity"] == severity]
            return tuple(dict.fromkeys(line for text in texts for line in text.splitlines() if line))

        errors = of("error") or (("it failed, without a reason",) if run.returncode else ())
        change = sum(count for kind, count in counts.items() if kind not in ("create", "same", "read"))
        return Preview(counts.get("create", 0), change, of("warning"), errors)


def _error(text: str) -> str:
    """The first error of Pulumi's, in a line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return next(
        (line.removeprefix("error: ") for line in lines if line.startswith("error: ")), " ".join(lines)[:300]
    )
