"""Azure DevOps (dev.azure.com and its kin): `handle` takes a request and gives the answer.

Shapes and calls are those of the official clients (github.com/microsoft/azure-devops-go-api) and of the Terraform
provider's source; none was compared with a real organisation.
"""

import base64
import json
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.state import State

HOSTS = {"dev.azure.com", "vssps.dev.azure.com"}
ORGANIZATION = "contoso"
# Who is who. The organisation's owner signs in with the personal access token, the others with tokens of `sign_in`.
IDS = {
    "owner": "5a4f3c1e-0000-4000-8000-00000000b000",
    "ann": "5a4f3c1e-0000-4000-8000-00000000b001",
    "bob": "5a4f3c1e-0000-4000-8000-00000000b002",
    "build": "5a4f3c1e-0000-4000-8000-00000000c001",  # the project's Build Service: a run's own token
}
ADMINS, CONTRIBUTORS = "5a4f3c1e-0000-4000-8000-00000000a001", "5a4f3c1e-0000-4000-8000-00000000a002"
GROUPS = {ADMINS: {IDS["ann"]}, CONTRIBUTORS: {IDS["owner"], IDS["ann"], IDS["bob"]}}
SIGN_IN = "<html><head><title>Azure DevOps Services | Sign In</title></head></html>"


@dataclass
class Ask:
    """One request: the path after the organisation, the path's groups, the query."""

    state: State
    method: str
    path: str
    query: dict[str, str]
    body: Any
    authorization: str = ""
    groups: tuple[str, ...] = ()

    def project(self) -> str:
        """The project before `_apis`, as it was written; "" for none."""
        first = self.path.strip("/").partition("/")[0]
        return "" if first == "_apis" else first

    def things(self, kind: str) -> list[dict[str, Any]]:
        return [each["body"] for each in self.state.of(f"devops/{kind}")]

    def get(self, kind: str, id_: object) -> dict[str, Any]:
        """:raises DevOpsError: there is none."""
        found = self.state.get(f"/devops/{kind}/{id_}")
        if found is None:
            raise DevOpsError(404, f"TF401019: the {kind} {id_} does not exist", "NotFoundException")
        return found["body"]

    def put(self, kind: str, body: dict[str, Any]) -> dict[str, Any]:
        self.state.put({"id": f"/devops/{kind}/{body['id']}", "type": f"devops/{kind}", "body": body})
        return body

    def delete(self, kind: str, id_: object) -> "Reply":
        self.get(kind, id_)
        self.state.delete(f"/devops/{kind}/{id_}")
        return 204, None

    def number(self, kind: str) -> int:
        """The next id of a kind."""
        last = int(self.state.optional(f"devops-{kind}") or 0) + 1
        self.state.set(f"devops-{kind}", last)
        return last


Reply = tuple[int, Any]
ROUTES: list[tuple[str, re.Pattern[str], Callable[[Ask], Reply]]] = []


class DevOpsError(Exception):
    """An error answer, in Azure DevOps' form."""

    def __init__(self, status: int, message: str, key: str = "Exception") -> None:
        super().__init__(message)
        self.reply: Reply = (status, {"$id": "1", "message": message, "typeKey": key, "errorCode": 0})


def route(methods: str, pattern: str) -> Callable[[Callable[[Ask], Reply]], Callable[[Ask], Reply]]:
    """Register a handler; a project before `_apis` is taken or left out, as the clients do."""

    def register(handler: Callable[[Ask], Reply]) -> Callable[[Ask], Reply]:
        for method in methods.split():
            ROUTES.append((method, re.compile(rf"(?:/[^/]+)?/_apis{pattern}/?\Z", re.IGNORECASE), handler))
        return handler

    return register


def many(values: list[Any]) -> Reply:
    """A list, as Azure DevOps wraps it."""
    return 200, {"count": len(values), "value": values}


def token(state: State) -> str:
    """The personal access token that is good here."""
    if not state.optional("devops-pat"):
        state.set("devops-pat", uuid.uuid4().hex + uuid.uuid4().hex[:20])
    return state.setting("devops-pat")


def handle(state: State, method: str, path: str, query: dict[str, str], authorization: str, body: bytes) -> Reply:
    """The answer; a text as its body is a web page."""
    from sandbox.devops import core, permissions, pipelines, pull_requests  # noqa: F401  (they register their routes)

    if user(state, authorization) is None:
        return (203, SIGN_IN) if authorization else (401, SIGN_IN)
    first, _, rest = path.lstrip("/").partition("/")
    if first.lower() != ORGANIZATION:
        return 404, SIGN_IN
    if any(each in f"/{rest}" for each in (state.optional("devops-withheld") or "").split()):
        return 401, SIGN_IN  # what a token without the scope gets
    for wanted, pattern, handler in ROUTES:
        match = pattern.match(f"/{rest}")
        if match and wanted == method:
            try:
                parsed = json.loads(body) if body else None
                return handler(Ask(state, method, f"/{rest}", query, parsed, authorization, match.groups()))
            except DevOpsError as error:
                return error.reply
    return DevOpsError(501, f"the local Azure does not model {method} /{rest}", "SandboxNotModelled").reply


def sign_in(state: State, who: str) -> str:
    """A token of a person, or of the project's Build Service (`build`)."""
    made = uuid.uuid4().hex
    state.set(f"devops-token {made}", who)
    return made


def user(state: State, authorization: str) -> str | None:
    """Whose request it is; None for nobody's.

    :param authorization: Basic with the token as the password, or Bearer.
    """
    kind, _, given = authorization.partition(" ")
    try:
        secret = given if kind == "Bearer" else base64.b64decode(given).decode().partition(":")[2]
    except ValueError:
        return None
    if secret == token(state):
        return "owner"
    return state.optional(f"devops-token {secret}") or None
