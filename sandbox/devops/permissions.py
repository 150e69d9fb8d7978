"""Who may do what in a Git repository: access control lists of the security namespace "Git Repositories".

learn.microsoft.com/azure/devops/organizations/security/namespace-reference (the bits), …/previous-apis/security/tokens
(the tokens; a branch is written in UTF-16). Members of Contributors may push and open pull requests by default. The
project's Build Service may only read until somebody lets it: users report TF401027 for all else. Who makes a branch may
push to it, force and delete (…/repos/git/branch-permissions).
"""

from typing import Any

from sandbox.devops import IDS, Ask, DevOpsError, Reply, many, route
from sandbox.state import State

NAMESPACE = "2e9eb7ed-3c0a-47d4-87c1-0ffdd275fd87"
CONTRIBUTE, FORCE_PUSH, CREATE_BRANCH, PULL_REQUESTS = 4, 8, 16, 16384
NAMES = {
    CONTRIBUTE: "GenericContribute",
    FORCE_PUSH: "ForcePush",
    CREATE_BRANCH: "CreateBranch",
    PULL_REQUESTS: "PullRequestContribute",
}


@route("POST", f"/accesscontrolentries/{NAMESPACE}")
def set_entries(ask: Ask) -> Reply:
    """Entries of one token; with `merge`, bits are added to those that stand there."""
    if set(ask.body) != {"token", "merge", "accessControlEntries"}:
        raise DevOpsError(400, "the local Azure wants token, merge and accessControlEntries", "SandboxNotModelled")
    token, made = ask.body["token"].strip("/"), list[dict[str, Any]]()
    for entry in ask.body["accessControlEntries"]:
        id_ = f"{token} {entry['descriptor']}"
        old = [each for each in ask.things("acl") if each["id"] == id_ and ask.body["merge"]]
        allow = entry.get("allow", 0) | (old[0]["allow"] if old else 0)
        deny = entry.get("deny", 0) | (old[0]["deny"] if old else 0)
        made.append(ask.put("acl", {"id": id_, "token": token, "descriptor": entry["descriptor"], "allow": allow & ~deny, "deny": deny}))  # fmt: skip
    return many([{name: each[name] for name in ("descriptor", "allow", "deny")} for each in made])


def token(project: str, repository: str, ref: str = "") -> str:
    """What a list is of: a repository, or one of its branches or folders of branches."""
    names = [part.encode("utf-16-le").hex() for part in ref.removeprefix("refs/heads/").split("/")] if ref else []
    return "/".join(["repoV2", project, repository, *(["refs", "heads", *names] if names else [])])


def may(state: State, who: str, repository: str, bit: int, ref: str = "") -> bool:
    """The entry nearest to the branch decides."""
    if who != "build":
        return True
    found = next(each["body"] for each in state.of("devops/repositories") if each["body"]["id"] == repository)
    here = token(found["project"]["id"], repository, ref)
    entries = [
        each["body"] for each in state.of("devops/acl") if f";{IDS[who]}:Build:" in each["body"]["descriptor"]
    ]
    while here:
        for entry in entries:
            if entry["token"].lower() == here.lower() and (entry["allow"] | entry["deny"]) & bit:
                return bool(entry["allow"] & bit)
        here = here.rpartition("/")[0]
    return False


def somewhere(state: State, who: str, bits: int) -> bool:
    """Whether somebody may do one of these things in some branch."""
    return who != "build" or any(each["body"]["allow"] & bits for each in state.of("devops/acl"))


def refusal(bit: int, who: str, scope: str) -> str:
    """The words for it."""
    return f"TF401027: You need the Git '{NAMES[bit]}' permission to perform this action. Details: identity 'Build\\{IDS[who]}', scope '{scope}'."
