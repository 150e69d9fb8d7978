"""One comment on the pull request that the run is for: made once, then kept current.

learn.microsoft.com/rest/api/azure/devops/git/pull-request-threads and …/pull-request-thread-comments
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from tools.ci.comment import MARKER
from tools.ci.errors import CiError
from tools.ci.web import ask

NEEDED = (
    "SYSTEM_COLLECTIONURI",
    "SYSTEM_TEAMPROJECT",
    "BUILD_REPOSITORY_ID",
    "SYSTEM_PULLREQUEST_PULLREQUESTID",
    "SYSTEM_ACCESSTOKEN",
)
HINT = "the project's Build Service needs Contribute to pull requests on the repository (docs/ci.md)"
VERSION = "api-version=7.1"


def publish(text: str, environment: Mapping[str, str], marker: str = MARKER) -> str:
    """Update the thread that has the marker and that this identity began, or begin one.

    Anybody may write the marker; a comment of somebody else's is neither this one nor to be changed.

    :param marker: what this pipeline's comments begin with.
    :returns: "updated" or "made".
    :raises CiError: not a run for a pull request, or refused.
    """
    missing = [name for name in NEEDED if environment.get(name, "$(").startswith("$(")]
    if missing:
        raise CiError(
            f"{', '.join(missing)} not set: not a run for a pull request, or not mapped by the step's env"
        )
    base, project, repository, number, token = (environment[name] for name in NEEDED)
    threads = (
        f"{base.rstrip('/')}/{quote(project)}/_apis/git/repositories/{repository}/pullRequests/{number}/threads"
    )
    own = ask("GET", f"{base.rstrip('/')}/_apis/connectionData?{VERSION}-preview", token, hint=HINT)
    me = own.get("authenticatedUser", {}).get("id")
    for thread in ask("GET", f"{threads}?{VERSION}", token, hint=HINT).get("value", []):
        first = _first(thread)
        if (
            first
            and me
            and first.get("author", {}).get("id") == me
            and str(first.get("content", "")).startswith(marker)
        ):
            where = f"{threads}/{thread['id']}/comments/{first['id']}?{VERSION}"
            ask("PATCH", where, token, {"content": text}, HINT)
            return "updated"
    comment = {"parentCommentId": 0, "content": text, "commentType": "text"}
    ask("POST", f"{threads}?{VERSION}", token, {"comments": [comment], "status": "active"}, HINT)
    return "made"


def run_link(environment: Mapping[str, str]) -> str:
    """Where the run is looked at; "" outside of one."""
    names = ("SYSTEM_COLLECTIONURI", "SYSTEM_TEAMPROJECT", "BUILD_BUILDID")
    if not all(environment.get(name) for name in names):
        return ""
    base, project, build = (environment[name] for name in names)
    return f"{base.rstrip('/')}/{quote(project)}/_build/results?buildId={build}"


def _first(thread: dict[str, Any]) -> dict[str, Any] | None:
    """The comment that a thread began with, while it stands."""
    comments = thread.get("comments") or []
    gone = thread.get("isDeleted") or not comments or comments[0].get("isDeleted")
    return None if gone else comments[0]
