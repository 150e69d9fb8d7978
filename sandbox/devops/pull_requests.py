"""Pull requests: opened, voted on, and completed when the branch's policies allow it.

Policies: learn.microsoft.com/azure/devops/repos/git/branch-policies, types as in microsoft/terraform-provider-azuredevops
(internal/service/policy/branch/common.go). A build validation counts as passed: nothing is built here.
"""

import fnmatch
import subprocess
from typing import Any

from sandbox.devops import GROUPS, IDS, Ask, DevOpsError, Reply, git, many, permissions, route, user

MIN_REVIEWERS = "fa4e907d-c16b-4a4c-9dfa-4906e5d171dd"
REQUIRED_REVIEWERS = "fd2167ab-b0be-447a-8ec8-39368250530e"
APPROVED = (5, 10)  # with suggestions, and without


@route("POST", "/git/repositories/([^/]+)/pullRequests")
def open_one(ask: Ask) -> Reply:
    _allowed(ask)
    unknown = set(ask.body) - {"sourceRefName", "targetRefName", "title", "description"}
    if unknown:
        raise DevOpsError(501, f"the local Azure does not model {', '.join(unknown)} of a pull request", "SandboxNotModelled")  # fmt: skip
    _words(ask.body)
    names = {name: ask.body[name] for name in ("sourceRefName", "targetRefName", "title")}
    branches = git.refs(ask.state, ask.groups[0], "heads/")
    if names["sourceRefName"] not in branches or names["targetRefName"] not in branches:
        message = "TF401398: The pull request cannot be activated because the source and/or the target branch no longer exists, or the requested refs are not branches"
        raise DevOpsError(400, message, "GitPullRequestCannotBeActivated")
    if any(each["status"] == "active" and all(each[name] == names[name] for name in ("sourceRefName", "targetRefName")) for each in _of(ask)):  # fmt: skip
        message = "TF401179: An active pull request for the source and target branch already exists."
        raise DevOpsError(409, message, "GitPullRequestExistsException")
    number = ask.number("pullrequests")
    return 201, ask.put(
        "pullrequests",
        {**names, "description": ask.body.get("description", ""), "id": number, "pullRequestId": number,
         "status": "active", "createdBy": {"id": _who(ask)}, "repository": {"id": ask.groups[0]}, "reviewers": []},
    )  # fmt: skip


@route("GET", "/git/repositories/([^/]+)/pullRequests")
def list_all(ask: Ask) -> Reply:
    """The newest first; of a description no more than its first 400 characters (microsoft/azure-devops-python-api 197)."""
    wanted = {name.removeprefix("searchCriteria."): value for name, value in ask.query.items() if name.startswith("searchCriteria.")}  # fmt: skip
    unknown = (set(wanted) - {"sourceRefName", "targetRefName", "status"}) | (
        set(ask.query) - {f"searchCriteria.{name}" for name in wanted} - {"api-version", "$top"}
    )
    if unknown:
        raise DevOpsError(501, f"the local Azure does not model {', '.join(unknown)}", "SandboxNotModelled")
    status = wanted.pop("status", "active")
    found = [
        each
        for each in sorted(_of(ask), key=lambda each: -each["id"])
        if status in ("all", each["status"]) and all(each[name] == value for name, value in wanted.items())
    ]
    return many([{**each, "description": each["description"][:400]} for each in found[: int(ask.query.get("$top", 100))]])  # fmt: skip


@route("GET", "/git/repositories/([^/]+)/pullRequests/([0-9]+)")
def get_one(ask: Ask) -> Reply:
    return 200, ask.get("pullrequests", ask.groups[1])


@route("PUT", "/git/repositories/([^/]+)/pullRequests/([0-9]+)/reviewers/([^/]+)")
def vote(ask: Ask) -> Reply:
    """Who may comment may vote (both are "Contribute to pull requests"), for himself alone."""
    found, who = ask.get("pullrequests", ask.groups[1]), _who(ask)
    if ask.groups[2] != who:
        raise DevOpsError(
            403, "TF401186: You cannot record a vote for someone else.", "GitPullRequestVoteException"
        )
    commit = git.refs(ask.state, ask.groups[0]).get(found["sourceRefName"])
    others = [reviewer for reviewer in found["reviewers"] if reviewer["id"] != who]
    ask.put(
        "pullrequests", {**found, "reviewers": [*others, {"id": who, "vote": ask.body["vote"], "_at": commit}]}
    )
    return 200, {"id": who, "vote": ask.body["vote"]}


@route("PATCH", "/git/repositories/([^/]+)/pullRequests/([0-9]+)")
def change(ask: Ask) -> Reply:
    """New words, abandoned, or completed."""
    found = ask.get("pullrequests", ask.groups[1])
    if found["status"] != "active":
        message = "TF401181: The pull request cannot be edited due to its state."
        raise DevOpsError(403, message, "GitPullRequestNotEditableException")
    if set(ask.body) <= {"title", "description"} or ask.body == {"status": "abandoned"}:
        _allowed(ask)
        _words({"title": found["title"], **ask.body})
        return 200, ask.put("pullrequests", {**found, **ask.body})
    if ask.body != {"status": "completed"}:
        raise DevOpsError(501, f"the local Azure does not model {ask.body}", "SandboxNotModelled")
    if missing := unfulfilled(ask, found):
        raise DevOpsError(
            403, f"TF402455: policies are not fulfilled: {'; '.join(missing)}", "GitPullRequestPolicyException"
        )
    repository = git.folder(ask.state, ask.groups[0])
    source, target = found["sourceRefName"], found["targetRefName"]
    try:
        tree = git.run(repository, "merge-tree", "--write-tree", target, source)
    except subprocess.CalledProcessError:
        raise DevOpsError(409, "TF401398: the merge has conflicts", "GitPullRequestConflict") from None
    people = {
        f"GIT_{role}_{part}": "local@example.com" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")
    }
    words = ("commit-tree", tree, "-p", target, "-p", source, "-m", f"Merged PR {found['id']}: {found['title']}")
    git.run(repository, "update-ref", target, git.run(repository, *words, **people))
    return 200, ask.put("pullrequests", {**found, "status": "completed"})


@route("GET", "/git/repositories/([^/]+)/refs")
def list_refs(ask: Ask) -> Reply:
    found = git.refs(ask.state, ask.groups[0], ask.query.get("filter", ""))
    return many([{"name": name, "objectId": commit} for name, commit in found.items()])


def unfulfilled(ask: Ask, found: dict[str, Any]) -> list[str]:
    """What the policies of the target still ask for."""
    id_, source, target = ask.groups[0], found["sourceRefName"], found["targetRefName"]
    commit, pusher = git.refs(ask.state, id_).get(source), ask.state.optional(f"pusher {id_} {source}")
    changed = git.run(git.folder(ask.state, id_), "diff", "--name-only", f"{target}...{source}").splitlines()
    missing: list[str] = []
    for policy in git.policies(ask.state, id_, target):
        voters = {
            reviewer["id"]
            for reviewer in found["reviewers"]
            if reviewer["vote"] in APPROVED and (reviewer["_at"] == commit or not policy.get("resetOnSourcePush"))
        }
        voters -= set() if policy.get("creatorVoteCounts") else {found["createdBy"]["id"]}
        voters -= {IDS[pusher]} if policy.get("blockLastPusherVote") and pusher else set()
        if policy["type"] == MIN_REVIEWERS and len(voters) < policy["minimumApproverCount"]:
            missing.append(f"{policy['minimumApproverCount']} reviewers")
        if policy["type"] == REQUIRED_REVIEWERS and _concerned(policy.get("filenamePatterns"), changed):
            asked = policy["requiredReviewerIds"]
            voters &= {member for id_ in asked for member in GROUPS.get(id_, {id_})}
            if len(voters) < policy.get("minimumApproverCount", 1):
                missing.append(f"{policy.get('minimumApproverCount', 1)} of {', '.join(asked)}")
    return missing


def _concerned(patterns: list[str] | None, changed: list[str]) -> bool:
    """Whether a path filter takes one of the changed files; a later pattern overrides an earlier one, `!` excludes."""
    if not patterns:
        return True
    for file in changed:
        taken = False
        for pattern in patterns:
            if fnmatch.fnmatchcase(f"/{file}".lower(), pattern.lstrip("!").lower()):
                taken = not pattern.startswith("!")
        if taken:
            return True
    return False


def _of(ask: Ask) -> list[dict[str, Any]]:
    return [each for each in ask.things("pullrequests") if each["repository"]["id"] == ask.groups[0]]


def _allowed(ask: Ask) -> None:
    who = user(ask.state, ask.authorization) or "owner"
    if not permissions.may(ask.state, who, ask.groups[0], permissions.PULL_REQUESTS):
        message = permissions.refusal(permissions.PULL_REQUESTS, who, "repository")
        raise DevOpsError(403, message, "GitNeedsPermissionException")


def _words(body: dict[str, Any]) -> None:
    """Title and description, as long as Azure Repos takes them."""
    if not 0 < len(body.get("title", "")) <= 400:
        message = "Invalid argument value.\r\nParameter name: Invalid pull request title."
    elif len(body.get("description", "").encode("utf-16-le")) > 2 * 4000:
        message = "Invalid argument value.\r\nParameter name: A description for a pull request must not be longer than 4000 characters."
    else:
        return
    raise DevOpsError(400, message, "InvalidArgumentValueException")


def _who(ask: Ask) -> str:
    return IDS[user(ask.state, ask.authorization) or "owner"]
