"""Pull requests: opened, voted on, and completed when the branch's policies allow it.

Policies: learn.microsoft.com/azure/devops/repos/git/branch-policies, types as in microsoft/terraform-provider-azuredevops
(internal/service/policy/branch/common.go). A build validation counts as passed: nothing is built here.
"""

import fnmatch
import subprocess
from typing import Any

from sandbox.devops import GROUPS, IDS, Ask, DevOpsError, Reply, git, many, route, user

MIN_REVIEWERS = "fa4e907d-c16b-4a4c-9dfa-4906e5d171dd"
REQUIRED_REVIEWERS = "fd2167ab-b0be-447a-8ec8-39368250530e"
APPROVED = (5, 10)  # with suggestions, and without


@route("POST", "/git/repositories/([^/]+)/pullRequests")
def open_one(ask: Ask) -> Reply:
    number = ask.number("pullrequests")
    names = {name: ask.body[name] for name in ("sourceRefName", "targetRefName", "title")}
    return 201, ask.put(
        "pullrequests",
        {**names, "id": number, "pullRequestId": number, "status": "active", "createdBy": {"id": _who(ask)},
         "repository": {"id": ask.groups[0]}, "reviewers": []},
    )  # fmt: skip


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
def complete(ask: Ask) -> Reply:
    found = ask.get("pullrequests", ask.groups[1])
    if ask.body.get("status") != "completed":
        raise DevOpsError(501, "the local Azure only models completing a pull request", "SandboxNotModelled")
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


def _who(ask: Ask) -> str:
    return IDS[user(ask.state, ask.authorization) or "owner"]
