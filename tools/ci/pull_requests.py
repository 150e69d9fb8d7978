"""The pull request of a branch, in Azure Repos or on GitHub: found, opened, updated, closed. It is never merged here.

learn.microsoft.com/rest/api/azure/devops/git/pull-requests; docs.github.com/rest/pulls/pulls
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote, urlencode

from tools.ci.comment import GITHUB_LIMIT
from tools.ci.errors import CiError
from tools.ci.web import GITHUB, ask

AZURE_LIMIT = 4_000  # characters; "A description for a pull request must not be longer than 4000 characters."
LATEST = 20  # pull requests of a branch that are looked at, the newest first
VERSION = "7.1"
AZURE_HINT = "the project's Build Service needs Create branch and Contribute to pull requests on the repository (docs/ladder.md)"  # fmt: skip
GITHUB_HINT = "the job needs `permissions: {contents: write, pull-requests: write}`; and a run's own token may open pull requests only where Settings, Actions, General allows it. Another token is better: docs/ladder.md"  # fmt: skip


@dataclass(frozen=True)
class PullRequest:
    """One pull request from a branch to main.

    :param own: opened by whom the token is.
    :param merged: of one that isn't open.
    :param text: the whole description.
    """

    number: int
    url: str
    open: bool
    own: bool
    merged: bool
    title: str
    text: str


class Host(Protocol):
    """Where the repository is.

    :param url: of the repository, for git.
    :param authorization: for git.
    :param main: the default branch.
    :param limit: characters of a description.
    """

    url: str
    authorization: str
    main: str
    limit: int
    hint: str

    def of(self, branch: str) -> list[PullRequest]:
        """Those of a branch, the newest first."""
        ...

    def open(self, branch: str, title: str, text: str) -> PullRequest:
        """A new one."""
        ...

    def update(self, number: int, title: str, text: str) -> None:
        """New words."""
        ...

    def close(self, number: int) -> None:
        """Not merged."""
        ...


def host(env: Mapping[str, str]) -> Host:
    """Where this run is.

    :raises CiError: not a run of the default branch, or something isn't set.
    """
    found: Host
    if env.get("GITHUB_ACTIONS") == "true":
        found, ref, reason = GitHub(env), env.get("GITHUB_REF", ""), env.get("GITHUB_EVENT_NAME", "")
    else:
        found, ref, reason = AzureRepos(env), env.get("BUILD_SOURCEBRANCH", ""), env.get("BUILD_REASON", "")
    if ref != f"refs/heads/{found.main}" or reason.lower().startswith(("pullrequest", "pull_request")):
        raise CiError(f"proposals are made by runs of {found.main} alone, and this is one of {ref or 'nothing'} ({reason or 'no reason'})")  # fmt: skip
    return found


def _needed(env: Mapping[str, str], *names: str) -> list[str]:
    missing = [name for name in names if env.get(name, "$(").startswith("$(") or not env[name]]
    if missing:
        raise CiError(f"{', '.join(missing)} not set: not a run of a pipeline, or not mapped by the step's env")
    return [env[name] for name in names]


class AzureRepos:
    """Azure Repos, as the run's identity."""

    limit, hint = AZURE_LIMIT, AZURE_HINT

    def __init__(self, env: Mapping[str, str]) -> None:
        base, project, repository, self.url, self._token = _needed(
            env, "SYSTEM_COLLECTIONURI", "SYSTEM_TEAMPROJECT", "BUILD_REPOSITORY_ID", "BUILD_REPOSITORY_URI", "SYSTEM_ACCESSTOKEN"
        )  # fmt: skip
        self._base = base.rstrip("/")
        self._repository = f"{self._base}/{quote(project)}/_apis/git/repositories/{repository}"
        self._web = f"{self._base}/{quote(project)}/_git/{quote(env.get('BUILD_REPOSITORY_NAME') or repository)}"
        self.authorization = f"Bearer {self._token}"
        self.main = str(self._ask("GET", "").get("defaultBranch", "")).removeprefix("refs/heads/") or "main"

    def of(self, branch: str) -> list[PullRequest]:
        """See `Host`. A list has only the first 400 characters of a description, so each that counts is asked for."""
        own = ask("GET", f"{self._base}/_apis/connectionData?api-version={VERSION}-preview", self._token)
        me = own.get("authenticatedUser", {}).get("id")
        wanted = {
            "sourceRefName": f"refs/heads/{branch}",
            "targetRefName": f"refs/heads/{self.main}",
            "status": "all",
        }
        criteria = {f"searchCriteria.{name}": value for name, value in wanted.items()}
        listed = self._ask("GET", "/pullrequests", query={**criteria, "$top": str(LATEST)})["value"]
        return [
            self._read(self._ask("GET", f"/pullrequests/{each['pullRequestId']}"), me)
            for each in sorted(listed, key=lambda each: -int(each["pullRequestId"]))
        ]

    def open(self, branch: str, title: str, text: str) -> PullRequest:
        """See `Host`."""
        body = {"sourceRefName": f"refs/heads/{branch}", "targetRefName": f"refs/heads/{self.main}", "title": title, "description": text}  # fmt: skip
        made = self._ask("POST", "/pullrequests", body)
        return self._read(made, made.get("createdBy", {}).get("id"))

    def update(self, number: int, title: str, text: str) -> None:
        """See `Host`."""
        self._ask("PATCH", f"/pullrequests/{number}", {"title": title, "description": text})

    def close(self, number: int) -> None:
        """See `Host`."""
        self._ask("PATCH", f"/pullrequests/{number}", {"status": "abandoned"})

    def _read(self, found: Mapping[str, Any], me: object) -> PullRequest:
        number, creator = int(found["pullRequestId"]), found.get("createdBy", {}).get("id")
        return PullRequest(
            number,
            f"{self._web}/pullrequest/{number}",
            found["status"] == "active",
            bool(me) and creator == me,
            found["status"] == "completed",
            str(found.get("title", "")),
            str(found.get("description", "")),
        )

    def _ask(
        self, method: str, path: str, body: dict[str, Any] | None = None, query: Mapping[str, str] | None = None
    ) -> Any:
        url = f"{self._repository}{path}?{urlencode({**(query or {}), 'api-version': VERSION})}"
        return ask(method, url, self._token, body, AZURE_HINT)


class GitHub:
    """GitHub, as the token's identity."""

    limit, hint = GITHUB_LIMIT, GITHUB_HINT

    def __init__(self, env: Mapping[str, str]) -> None:
        api, self._graphql, server, name, self._token = _needed(
            env, "GITHUB_API_URL", "GITHUB_GRAPHQL_URL", "GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_TOKEN"
        )
        self._owner = name.partition("/")[0]
        self._repository = f"{api}/repos/{name}"
        self.url = f"{server}/{name}"
        basic = base64.b64encode(f"x-access-token:{self._token}".encode()).decode()
        self.authorization = f"Basic {basic}"
        self.main = str(self._ask("GET", "").get("default_branch", "main"))

    def of(self, branch: str) -> list[PullRequest]:
        """See `Host`. `GET /user` refuses a run's token and an app's; the same question by GraphQL takes both."""
        asked = {"query": "{viewer{login}}"}
        told = ask("POST", self._graphql, self._token, asked, GITHUB_HINT, GITHUB)
        me = _login(((told.get("data") or {}).get("viewer") or {}).get("login"))
        wanted = {"head": f"{self._owner}:{branch}", "base": self.main, "state": "all", "sort": "created", "direction": "desc", "per_page": str(LATEST)}  # fmt: skip
        return [self._read(each, me) for each in self._ask("GET", f"/pulls?{urlencode(wanted)}")]

    def open(self, branch: str, title: str, text: str) -> PullRequest:
        """See `Host`."""
        made = self._ask("POST", "/pulls", {"title": title, "head": branch, "base": self.main, "body": text})
        return self._read(made, _login((made.get("user") or {}).get("login")))

    def update(self, number: int, title: str, text: str) -> None:
        """See `Host`."""
        self._ask("PATCH", f"/pulls/{number}", {"title": title, "body": text})

    def close(self, number: int) -> None:
        """See `Host`."""
        self._ask("PATCH", f"/pulls/{number}", {"state": "closed"})

    def _read(self, found: Mapping[str, Any], me: str) -> PullRequest:
        return PullRequest(
            int(found["number"]),
            str(found["html_url"]),
            found["state"] == "open",
            bool(me) and _login((found.get("user") or {}).get("login")) == me,
            bool(found.get("merged_at")),
            str(found.get("title") or ""),
            str(found.get("body") or ""),
        )

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        return ask(method, f"{self._repository}{path}", self._token, body, "", GITHUB, refusal=GITHUB_HINT)


def _login(name: object) -> str:
    return str(name or "").lower()
