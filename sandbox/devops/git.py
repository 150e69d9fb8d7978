"""Azure Repos' Git over HTTPS, by Git's own server (git-http-backend, as CGI).

A push that a branch policy forbids is refused, whoever pushes: nobody has "Bypass policies when pushing" by default
(learn.microsoft.com/azure/devops/repos/git/branch-policies).
"""

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sandbox.devops import user
from sandbox.state import State

PATH = re.compile(r"/[^/]+/(?P<project>[^/]+)/_git/(?P<name>[^/]+)(?P<rest>/.*)")
COMMAND = re.compile(rb"[0-9a-f]{4}([0-9a-f]{40}) ([0-9a-f]{40}) (refs/[^\0\n]+)")
NONE = "0" * 40
HOOK = """#!/bin/sh
case " $FORBIDDEN " in *" $1 "*)
    echo "TF402455: Pushes to this branch are not permitted; you must use a pull request to update this branch." >&2
    exit 1
esac
"""
Answer = tuple[int, dict[str, str], bytes]


def run(repository: Path, *words: str, **environment: str) -> str:
    """A git command in a repository.

    :raises CalledProcessError: it failed.
    """
    env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, **environment}
    done = subprocess.run(["git", *words], cwd=repository, env=env, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def folder(state: State, id_: str) -> Path:
    """A repository's place on the disk."""
    path = state.folder / "git" / f"{id_}.git"
    if not path.exists():
        path.mkdir(parents=True)
        run(path, "init", "--quiet", "--bare", "--initial-branch=main", ".")
        run(path, "config", "http.receivepack", "true")
        hook = path / "hooks" / "update"
        hook.write_text(HOOK)
        hook.chmod(0o755)
    return path


def refs(state: State, id_: str, prefix: str = "") -> dict[str, str]:
    """Branches and their commits, by full name."""
    lines = run(
        folder(state, id_), "for-each-ref", "--format=%(refname) %(objectname)", f"refs/{prefix}"
    ).splitlines()
    return dict(line.split(" ") for line in lines)


def policies(state: State, id_: str, branch: str) -> list[dict[str, Any]]:
    """The settings of the policies that hold at a branch, each with its type's id as `type`."""
    found: list[dict[str, Any]] = []
    for policy in (each["body"] for each in state.of("devops/policies")):
        scopes = policy["settings"].get("scope", [])
        if (
            policy["isEnabled"]
            and policy["isBlocking"]
            and any(scope.get("repositoryId") == id_ and scope.get("refName") == branch for scope in scopes)
        ):
            found.append({**policy["settings"], "type": policy["type"]["id"]})
    return found


def serve(state: State, method: str, path: str, query: str, headers: dict[str, str], body: bytes) -> Answer:
    """One request of a Git client."""
    who = user(state, headers.get("authorization", ""))
    if who is None:
        return 401, {"WWW-Authenticate": 'Basic realm="https://dev.azure.com/"'}, b""
    match = PATH.fullmatch(path)
    id_ = match and _repository(state, match["project"], match["name"])
    if not match or not id_:
        return 404, {}, b"TF401019: The Git repository does not exist or you do not have permissions for it."
    repository = folder(state, id_)
    forbidden = [branch for branch in refs(state, id_, "heads/") if policies(state, id_, branch)]
    forbidden += [f"refs/heads/{name}" for name in ("main",) if policies(state, id_, f"refs/heads/{name}")]
    before = refs(state, id_)
    if refused := _refusal(state, who, id_, match["rest"], query, body):
        return 403, {"Content-Type": "text/plain"}, refused.encode()  # which git shows
    path = f"/{repository.name}{match['rest']}"
    answer = backend(repository.parent, method, path, query, headers, body, who, FORBIDDEN=" ".join(forbidden))
    for ref, commit in refs(state, id_).items():
        if before.get(ref) != commit:
            state.set(f"pusher {id_} {ref}", who)
        if ref not in before:
            state.set(f"creator {id_} {ref}", who)
    return answer


def backend(
    root: Path, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes, who: str, **more: str
) -> Answer:
    """What Git's own server answers (git-http-backend(1)).

    :param root: the folder that `path` begins at.
    :param headers: by names in lower case.
    :param more: variables for its hooks.
    """
    done = subprocess.run(
        ["git", "http-backend"],
        input=body,
        capture_output=True,
        env={
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "PATH_INFO": path,
            "REQUEST_METHOD": method,
            "QUERY_STRING": query,
            "CONTENT_TYPE": headers.get("content-type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": headers.get("content-encoding", ""),
            "HTTP_GIT_PROTOCOL": headers.get("git-protocol", ""),
            "REMOTE_USER": who,
            **more,
        },
    )
    return _answer(done.stdout)


def _refusal(state: State, who: str, id_: str, rest: str, query: str, body: bytes) -> str:
    """Why somebody may not push; "" where he may."""
    from sandbox.devops import permissions as are

    if "git-receive-pack" not in f"{rest}?{query}":
        return ""
    if not are.somewhere(state, who, are.CONTRIBUTE | are.CREATE_BRANCH):
        return are.refusal(are.CONTRIBUTE, who, "repository")
    for old, new, name in COMMAND.findall(body.partition(b"PACK")[0]):
        ref = name.decode().strip()
        own = state.optional(f"creator {id_} {ref}") == who
        if old.decode() == NONE:
            needed = are.CREATE_BRANCH
        elif new.decode() == NONE or not _forward(state, id_, old.decode(), new.decode()):
            needed = are.FORCE_PUSH
        else:
            needed = are.CONTRIBUTE
        if not (own and needed != are.CREATE_BRANCH) and not are.may(state, who, id_, needed, ref):
            return are.refusal(needed, who, "branch")
    return ""


def _forward(state: State, id_: str, old: str, new: str) -> bool:
    """Whether a push only adds; of a commit that isn't here yet, that isn't known, and counts as rewriting."""
    try:
        run(folder(state, id_), "merge-base", "--is-ancestor", old, new)
    except subprocess.CalledProcessError:
        return False
    return True


def _repository(state: State, project: str, name: str) -> str | None:
    for body in (each["body"] for each in state.of("devops/repositories")):
        owner = body["project"]
        if body["name"].lower() == name.lower() and project.lower() in (owner["id"], owner["name"].lower()):
            return body["id"]
    return None


def _answer(output: bytes) -> Answer:
    """A CGI answer (RFC 3875 6)."""
    head, _, body = output.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().splitlines() if ": " in line)
    return int(headers.pop("Status", "200").split()[0]), headers, body
