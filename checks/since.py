"""Since when a policy stands as it does: the day its mode and maxAge came to the branch, by the file's git history.

No state of this program's own: whoever has the repository comes to the same day. Along first parents a change counts
from the day it was merged, not from when it was written. What moves, comments or renames elsewhere in the file counts
for nothing; a policy or file that is renamed begins anew.
"""

import os
import subprocess
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, cast

import yaml

from settings.policies import DAY, WEEK

VERSIONS = 1_000  # of the file that are looked through, the latest first
Standing = Mapping[str, tuple[str, object]]  # a policy's mode and maxAge, by its name


def since(folder: Path, name: str, commit: str = "HEAD") -> dict[str, date]:
    """By policy, the day (UTC) since which mode and maxAge are what they are at a commit.

    :param name: of the stack's file, in the folder.
    :returns: without the policies of which it can't be told: no repository, or a shallow one that begins later.
    """
    log = _git(folder, "log", "--first-parent", f"-{VERSIONS}", "--format=%H %ct", commit, "--", name)
    versions = [line.split() for line in (log or "").splitlines()]
    if not versions:
        return {}
    now, found = _standing(folder, name, versions[0][0]), dict[str, date]()
    left = set(now)
    for at, (version, _) in enumerate(versions[1:], 1):
        if not left:
            break
        then = _standing(folder, name, version)
        for policy in [policy for policy in left if then.get(policy) != now[policy]]:
            found[policy] = _day(versions[at - 1][1])
            left.remove(policy)
    begins = len(versions) < VERSIONS and (_git(folder, "rev-parse", "--is-shallow-repository") or "").strip() == "false"  # fmt: skip
    return {**found, **(dict.fromkeys(left, _day(versions[-1][1])) if begins else {})}


def standing(text: str) -> Standing:
    """Mode and maxAge of each policy in a stack file's text; nothing of a text that is none."""
    try:
        file: Any = yaml.safe_load(text)
        config = file["config"]
        listed = config.get("mta-sts:policies", config.get("policies"))
        policies = [cast(dict[str, Any], each) for each in listed if isinstance(each, dict)]
    except (yaml.YAMLError, TypeError, KeyError, AttributeError):
        return {}
    return {
        str(each.get("name")): (
            str(each.get("mode")),
            each.get("maxAge", DAY if each.get("mode") == "none" else WEEK),
        )
        for each in policies
    }


def at_commit(folder: Path, name: str, commit: str = "HEAD") -> str | None:
    """A file's text at a commit, with its line ends; None where there is none."""
    return _git(folder, "cat-file", "blob", f"{commit}:./{name}")


def _standing(folder: Path, name: str, commit: str) -> Standing:
    return standing(at_commit(folder, name, commit) or "")


def _day(seconds: str) -> date:
    return datetime.fromtimestamp(int(seconds), UTC).date()


def _git(folder: Path, *words: str) -> str | None:
    """What git says; None where it says no, or isn't there."""
    env = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    try:
        run = subprocess.run(["git", "-C", str(folder), *words], env=env, capture_output=True, check=False)
        return run.stdout.decode() if run.returncode == 0 else None
    except (OSError, UnicodeDecodeError):
        return None
