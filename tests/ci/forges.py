"""Two places for a repository and its pull requests: the local Azure DevOps, and GitHub as its documents have it.

Both have real Git underneath. A request of another shape than the one that is documented is refused.
"""

import base64
import json
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

from sandbox import devops
from sandbox.control import Sandbox
from sandbox.devops import git as azure_git
from sandbox.devops import permissions

BRANCH = "mta-sts/prod"
NOT_PERMITTED = "GitHub Actions is not permitted to create or approve pull requests."


class Forge(Protocol):
    """Where the repository is.

    :param bare: its folder, which people push to.
    :param token: of the run.
    """

    bare: Path
    token: str

    def env(self) -> dict[str, str]:
        """Of a nightly run."""
        ...

    def pulls(self) -> list[dict[str, Any]]:
        """number, open, title, text; the oldest first."""
        ...

    def closed_by_a_person(self, number: int) -> None: ...

    def opened_by_a_person(self) -> None: ...

    def written(self) -> int:
        """How many requests have changed something."""
        ...


class AzureDevOps:
    """The project `mail` with the repository `mta-sts`, on a local Azure."""

    def __init__(
        self, sandbox: Sandbox, grants: int = permissions.CREATE_BRANCH | permissions.PULL_REQUESTS
    ) -> None:
        self.sandbox = sandbox
        if not any(each["body"]["name"] == "mail" for each in sandbox.state.of("devops/projects")):
            self.ask("POST", "/projects", {"name": "mail"})
        for each in [*sandbox.state.of("devops/acl"), *sandbox.state.of("devops/pullrequests")]:
            sandbox.state.delete(each["id"])
        name = f"mta-sts-{len(list(sandbox.state.of('devops/repositories')))}"
        (project,) = [each["body"] for each in sandbox.state.of("devops/projects")]
        made = self.ask("POST", "/git/repositories", {"name": name, "project": {"id": project["id"]}})
        self.id, self.name, self.bare = made["id"], name, azure_git.folder(sandbox.state, made["id"])
        self.token = devops.sign_in(sandbox.state, "build")
        self.path = f"/mail/_apis/git/repositories/{self.id}/pullRequests"
        if grants:
            who = f"Microsoft.TeamFoundation.ServiceIdentity;{devops.IDS['build']}:Build:{project['id']}"
            entry = {"descriptor": who, "allow": grants, "deny": 0}
            acl = {
                "token": permissions.token(project["id"], self.id),
                "merge": True,
                "accessControlEntries": [entry],
            }
            self.ask("POST", f"/accesscontrolentries/{permissions.NAMESPACE}", acl)

    def ask(self, method: str, path: str, body: dict[str, Any], query: dict[str, str] | None = None) -> Any:
        """As the organisation's owner."""
        path = path if path.startswith("/mail") else f"/_apis{path}"
        owner = f"Bearer {devops.token(self.sandbox.state)}"
        status, answer = devops.handle(self.sandbox.state, method, f"/contoso{path}", query or {}, owner, json.dumps(body).encode())  # fmt: skip
        assert status < 300, answer
        return answer

    def env(self) -> dict[str, str]:
        return {
            "SYSTEM_COLLECTIONURI": "https://dev.azure.com/contoso/",
            "SYSTEM_TEAMPROJECT": "mail",
            "BUILD_REPOSITORY_ID": self.id,
            "BUILD_REPOSITORY_NAME": self.name,
            "BUILD_REPOSITORY_URI": f"https://contoso@dev.azure.com/contoso/mail/_git/{self.name}",
            "BUILD_SOURCEBRANCH": "refs/heads/main",
            "BUILD_REASON": "Schedule",
            "SYSTEM_ACCESSTOKEN": self.token,
        }

    def pulls(self) -> list[dict[str, Any]]:
        listed = self.ask("GET", self.path, {}, {"searchCriteria.status": "all"})["value"]
        whole = [self.ask("GET", f"{self.path}/{each['pullRequestId']}", {}) for each in reversed(listed)]
        return [
            {"number": each["pullRequestId"], "open": each["status"] == "active", "title": each["title"], "text": each["description"]}
            for each in whole
        ]  # fmt: skip

    def closed_by_a_person(self, number: int) -> None:
        self.ask("PATCH", f"{self.path}/{number}", {"status": "abandoned"})

    def opened_by_a_person(self) -> None:
        names = {"sourceRefName": f"refs/heads/{BRANCH}", "targetRefName": "refs/heads/main", "title": "mine"}
        self.ask("POST", self.path, names)

    def written(self) -> int:
        return sum(
            line["service"] == "devops" and (line["method"] == "PATCH" or ("pullrequests" in line["path"].lower() and line["method"] == "POST") or "git-receive-pack" in line["path"])
            for line in self.sandbox.log()
        )  # fmt: skip


class GitHub:
    """github.com/contoso/mail on loopback, for as long as the `with` lasts.

    :param permitted: "Allow GitHub Actions to create and approve pull requests" is on.
    """

    def __init__(self, folder: Path, permitted: bool = True) -> None:
        self.bare, self.token, self.permitted = folder / "contoso" / "mail", "ghs_run-token-5b1e", permitted
        self.bare.mkdir(parents=True)
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", self.bare], check=True)
        subprocess.run(["git", "-C", self.bare, "config", "http.receivepack", "true"], check=True)
        self.made: list[dict[str, Any]] = []
        self.log: list[str] = []
        forge = self

        class Handler(BaseHTTPRequestHandler):
            def _any(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length) if "chunked" not in self.headers.get("Transfer-Encoding", "") else self._chunks()  # fmt: skip
                status, headers, answer = forge.answer(self.command, self.path, dict(self.headers), body)
                forge.log.append(f"{self.command} {urlsplit(self.path).path} {status}")
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(answer))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer)

            def _chunks(self) -> bytes:
                found = b""
                while size := int(self.rfile.readline(), 16):
                    found += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return found

            do_GET = do_POST = do_PATCH = _any

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "GitHub":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def env(self) -> dict[str, str]:
        return {
            "GITHUB_ACTIONS": "true",
            "GITHUB_API_URL": f"{self.url}/api",
            "GITHUB_GRAPHQL_URL": f"{self.url}/api/graphql",
            "GITHUB_SERVER_URL": self.url,
            "GITHUB_REPOSITORY": "contoso/mail",
            "GITHUB_REF": "refs/heads/main",
            "GITHUB_EVENT_NAME": "schedule",
            "GITHUB_TOKEN": self.token,
        }

    def pulls(self) -> list[dict[str, Any]]:
        return [{"number": each["number"], "open": each["state"] == "open", "title": each["title"], "text": each["body"]} for each in self.made]  # fmt: skip

    def closed_by_a_person(self, number: int) -> None:
        self.made[number - 1]["state"] = "closed"

    def opened_by_a_person(self) -> None:
        mine = {
            "number": len(self.made) + 1,
            "state": "open",
            "title": "mine",
            "body": None,
            "user": {"login": "ann"},
        }
        self.made.append({**self.made[-1], **mine})

    def written(self) -> int:
        return sum("PATCH" in line or "git-receive-pack" in line or line.startswith("POST /api/repos") for line in self.log)  # fmt: skip

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:  # fmt: skip
        at = urlsplit(path)
        if at.path.startswith("/contoso/mail/"):
            return self._git(method, path, headers, body)
        found: Any
        if headers.get("Authorization") != f"Bearer {self.token}":
            status, found = 401, {"message": "Bad credentials"}
        elif headers.get("X-GitHub-Api-Version") != "2022-11-28" or not headers.get("User-Agent"):
            status, found = 403, {"message": "Request forbidden by administrative rules."}
        else:
            status, found = self._api(method, at.path, parse_qs(at.query), json.loads(body or b"{}"))
        return status, {"Content-Type": "application/json"}, json.dumps(found).encode()

    def _api(self, method: str, path: str, query: dict[str, list[str]], body: dict[str, Any]) -> tuple[int, Any]:
        pulls = "/api/repos/contoso/mail/pulls"
        if (method, path) == ("POST", "/api/graphql"):
            return 200, {"data": {"viewer": {"login": "github-actions[bot]"}}}
        if (method, path) == ("GET", "/api/repos/contoso/mail"):
            return 200, {"full_name": "contoso/mail", "default_branch": "main"}
        if (method, path) == ("GET", pulls):
            assert set(query) == {"head", "base", "state", "sort", "direction", "per_page"}
            head = query["head"][0].partition(":")
            assert head[:2] == ("contoso", ":")  # without the owner, the filter is passed over
            return 200, [each for each in reversed(self.made) if each["head"]["ref"] == head[2]]
        if (method, path) == ("POST", pulls):
            if not self.permitted:
                return 403, {"message": NOT_PERMITTED, "documentation_url": "https://docs.github.com/rest", "status": "403"}  # fmt: skip
            assert set(body) == {"title", "head", "base", "body"}
            number = len(self.made) + 1
            self.made.append({
                "number": number, "state": "open", "title": body["title"], "body": body["body"], "merged_at": None,
                "html_url": f"{self.url}/contoso/mail/pull/{number}", "user": {"login": "github-actions[bot]"},
                "head": {"ref": body["head"]}, "base": {"ref": body["base"]},
            })  # fmt: skip
            return 201, self.made[-1]
        if method == "PATCH" and path.startswith(f"{pulls}/"):
            assert set(body) <= {"title", "body", "state"}
            self.made[int(path.rpartition("/")[2]) - 1].update(body)
            return 200, self.made[int(path.rpartition("/")[2]) - 1]
        return 404, {"message": "Not Found"}

    def _git(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:  # fmt: skip
        basic = base64.b64encode(f"x-access-token:{self.token}".encode()).decode()
        if headers.get("Authorization") != f"Basic {basic}":
            return 401, {"WWW-Authenticate": 'Basic realm="GitHub"'}, b""
        at = urlsplit(path)
        lower = {name.lower(): value for name, value in headers.items()}
        who = "github-actions[bot]"
        return azure_git.backend(self.bare.parents[1], method, at.path, at.query, lower, body, who)
