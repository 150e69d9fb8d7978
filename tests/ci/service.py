"""What a run asks Azure DevOps for: pull request threads, and federated tokens. It records and stores."""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

THREADS = re.compile(r"^/org/mail/_apis/git/repositories/[\w-]+/pullRequests/7/threads(?:/(\d+)/comments/(\d+))?$")
BUILD = "the project's Build Service"
TOO_LONG = "A discussion comment cannot be longer than 150000 characters.\r\nParameter name: comment.Content"


class Service:
    """Azure DevOps on loopback, for as long as the `with` lasts.

    :param token: the run's access token, without which nothing is answered.
    :param federated: gives the next federated token, None to refuse.
    """

    def __init__(self, token: str, federated: Any = lambda: "federated") -> None:
        self.token, self.federated = token, federated
        self.threads: list[dict[str, Any]] = []
        self.log: list[str] = []
        self.faults: list[int] = []  # statuses for the next requests
        self.forbidden = False
        service = self

        class Handler(BaseHTTPRequestHandler):
            def _any(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length) or "{}")
                status, found = service.answer(self.command, self.path, self.headers.get("Authorization"), body)
                service.log.append(f"{self.command} {urlsplit(self.path).path} {status}")
                text = json.dumps(found).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_PATCH = _any

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/org/"

    def __enter__(self) -> "Service":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, method: str, path: str, who: str | None, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if self.faults:
            return self.faults.pop(0), {"message": "busy"}
        at, query = urlsplit(path), parse_qs(urlsplit(path).query)
        if who != f"Bearer {self.token}" or query.get("api-version") not in (["7.1"], ["7.1-preview"]):
            return 401, {"message": "Access denied"}
        if at.path == "/org/_apis/connectionData":
            return 200, {"authenticatedUser": {"id": BUILD}}
        if at.path == "/org/oidctoken":
            token = (
                self.federated()
                if method == "POST" and query.get("serviceConnectionId") == ["connection"]
                else None
            )
            return (200, {"oidcToken": token}) if token else (403, {"message": "not authorised"})
        found = THREADS.match(at.path)
        if not found:
            return 404, {"message": f"no {method} {path}"}
        if self.forbidden:
            return 403, {"message": "TF401027: You need the Git 'PullRequestContribute' permission"}
        text = str(body.get("content") or (body.get("comments") or [{}])[0].get("content"))
        if len(text) > 150_000:
            return 400, {"message": TOO_LONG}
        if method == "GET" and not found[1]:
            return 200, {"value": self.threads, "count": len(self.threads)}
        if method == "POST" and not found[1]:
            comments = [
                {**each, "id": 1, "isDeleted": False, "author": {"id": BUILD}} for each in body["comments"]
            ]
            self.threads.append({"id": len(self.threads) + 1, "comments": comments, "status": body["status"]})
            return 200, self.threads[-1]
        if method == "PATCH" and found[1]:
            comment = self.threads[int(found[1]) - 1]["comments"][int(found[2]) - 1]
            comment["content"] = body["content"]
            return 200, comment
        return 405, {"message": f"no {method} {path}"}
