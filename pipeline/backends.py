"""Where states lie. What the pipeline can write, it must not be able to make its owner run: a state can hold code
(pickled dynamic providers), which runs at the next `up`.
"""

import json
import os
import subprocess
from urllib.parse import parse_qs, urlsplit

from pipeline.parts import NAMESPACE
from policy import UserError

TIMEOUT = 60  # seconds
Place = tuple[str, str, str]  # scheme, account, then container, bucket, host or folder


def own() -> str:
    """The backend of this project's own state, as the Pulumi CLI names it.

    :raises UserError: the CLI doesn't say.
    """
    if url := os.environ.get("PULUMI_BACKEND_URL"):
        return url
    command = ["pulumi", "whoami", "--json", "--non-interactive"]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, stdin=subprocess.DEVNULL)
        return str(json.loads(run.stdout)["url"])
    except (OSError, subprocess.TimeoutExpired, ValueError, KeyError, TypeError):
        raise UserError("`pulumi whoami` doesn't say where this state lies; set PULUMI_BACKEND_URL") from None


def disagreements(own: str, backend: str) -> list[str]:
    """Why this project's own state may not lie where it does; empty where it may.

    :param own: backend of this project.
    :param backend: of the stacks that the pipeline deploys, which it can write.
    """
    if not _meet(_place(own), _place(backend)):
        return []
    return [
        f"{NAMESPACE}:backend: the state of this project lies in {own}, which the pipeline could write; keep it "
        "elsewhere: in another container, or on your machine with `pulumi login --local`, then `pulumi stack init` again"
    ]


def _place(url: str) -> Place:
    """What somebody reaches who may write there: a whole container, bucket or service, not a folder within it."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        folder = os.path.expanduser(parts.netloc + parts.path)
        return "file", "", os.path.realpath(folder)
    account = parse_qs(parts.query).get("storage_account", [""])[0] or os.environ.get("AZURE_STORAGE_ACCOUNT", "")
    return parts.scheme, account, parts.netloc.lower()


def _meet(one: Place, other: Place) -> bool:
    if one[0] != other[0]:
        return False
    if one[0] == "file":
        return os.path.commonpath([one[2], other[2]]) in (one[2], other[2])
    # An account that isn't named may be the same.
    return one[2] == other[2] and (not one[1] or not other[1] or one[1] == other[1])
