"""The policy as the program publishes it, for a pipeline that uploads content alone:

    python -m tools.render_policy --stack prod --policy main --to web/.well-known/mta-sts.txt

An upload replaces the whole site, and `web/` holds no policy: without this the upload would take it away.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import yaml

from policy import UserError
from settings.engine import FileConfig
from settings.policies import PolicySettings
from settings.stack import load

PROJECT = "Pulumi.yaml"


def policy_of(folder: Path, stack: str, policy: str | None) -> PolicySettings:
    """A policy of a stack's file, with its domains.

    :param policy: its name; None for the first.
    :raises UserError: the configuration is wrong, or has no such policy.
    """
    path = folder / f"Pulumi.{stack}.yaml"
    try:
        given = FileConfig("mta-sts", yaml.safe_load(path.read_text()).get("config") or {})
        project = yaml.safe_load((folder / PROJECT).read_text()).get("config") or {}
    except OSError as error:
        raise UserError(f"{error.filename}: {error.strerror}; is the stack's file in the repository?") from None
    except (yaml.YAMLError, AttributeError):
        raise UserError(f"{path.name} is no stack file") from None
    location = given.values.get("azure-native:location") or (project.get("azure-native:location") or {}).get(
        "value"
    )
    settings = load(given, given.keys, location, stack, encrypted=given.encrypted, folder=folder)
    policies = {each.name: each for each in settings.policies}
    if policy is None:
        return settings.policies[0]
    if policy not in policies:
        raise UserError(f"{path.name} has no policy {policy!r}; it has {', '.join(policies)}")
    return policies[policy]


def render(folder: Path, stack: str, policy: str | None) -> bytes:
    """The bytes of `.well-known/mta-sts.txt`.

    :raises UserError: as `policy_of`.
    """
    return policy_of(folder, stack, policy).policy.render()


def main(arguments: Sequence[str] | None = None) -> int:
    """Write it; mistakes are one line each on stderr."""
    parser = argparse.ArgumentParser(prog="python -m tools.render_policy", description="Writes a stack's policy.")
    parser.add_argument("--stack", required=True)
    parser.add_argument("--policy", metavar="NAME", help="default: the file's first")
    parser.add_argument("--to", type=Path, required=True, metavar="FILE")
    options = parser.parse_args(arguments)
    try:
        text = render(Path.cwd(), options.stack, options.policy)
    except UserError as error:
        print(*(f"render_policy: {line}" for line in str(error).splitlines()), sep="\n", file=sys.stderr)
        return 1
    options.to.parent.mkdir(parents=True, exist_ok=True)
    options.to.write_bytes(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
