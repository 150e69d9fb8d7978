"""What the command lines of `checks` and of `tools.setup` have in common: exit codes, and how mistakes and defects are told."""

import argparse
import io
import json
import os
import subprocess
import sys
import traceback
from typing import Any, NoReturn

from checks.shown import shown
from policy import UserError

USAGE, SOFTWARE, IO, INTERRUPTED = 64, 70, 74, 130  # sysexits.h, and as a shell counts


class Parser(argparse.ArgumentParser):
    """Argparse, whose own exit code for a mistake, 2, is a verdict here."""

    def error(self, message: str) -> NoReturn:
        """:raises UserError: always."""
        raise UserError(f"{message} (--help says what there is)")


def write_anything() -> None:
    """Whatever the locale, no text is one that can't be written."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def defect(
    error: BaseException, command: str = "checks", aside: str = ", and says nothing about the domain"
) -> int:
    """An error that nobody has foreseen, in one line on stderr; with `--debug` where it came from.

    :param aside: what it doesn't mean.
    :returns: the exit code.
    """
    if "--debug" in sys.argv:
        print(shown("".join(traceback.format_exception(error)), newlines=True, longest=100_000), file=sys.stderr)
    what = f"{type(error).__name__}: {error}".rstrip(": ")
    print(f"{command}: {shown(what, longest=300)}; this is a defect of {command}{aside}: please run it again with --debug and report what it prints as an issue", file=sys.stderr)  # fmt: skip
    return SOFTWARE


def pulumi(*words: str) -> subprocess.CompletedProcess[str]:
    """A finished command of Pulumi's, whatever its exit code.

    :raises UserError: there is no Pulumi.
    """
    environment = {name: value for name, value in os.environ.items() if name != "MTA_STS_IMAP_PASSWORD"}
    try:
        return subprocess.run(["pulumi", *words], capture_output=True, text=True, check=False, env=environment)
    except OSError:
        raise UserError("pulumi is not on PATH") from None


def stack_domains() -> dict[str, dict[str, Any]]:
    """The selected stack's domains, as it tells them (`MailDomain.outputs`).

    :raises UserError: there is no Pulumi, or it says no.
    """
    run = pulumi("stack", "output", "--json")
    if run.returncode:
        raise UserError(" ".join(run.stderr.split()))
    return json.loads(run.stdout).get("domains", {})
