"""`BranchSeen`: a branch that is there, pushed by a person."""

from typing import Any

from provider import azure_devops
from provider.azure_devops import segment
from provider.wait import Wait

WAY_OUT = "Push it, and run the same command again: it goes on from here."


async def create(inputs: dict[str, Any], wait: Wait) -> dict[str, Any]:
    """Wait until somebody has pushed the branch.

    :raises UserError: deadline passed, cancelled, or a refusal.
    """
    branch = inputs["branch"].removeprefix("refs/heads/")
    command = f"git push {inputs['url']} HEAD:{branch}"
    url = f"{inputs['organization']}/_apis/git/repositories/{segment(inputs['repository'])}/refs?filter=heads/{branch}"

    def reason() -> str | None:
        refs = (azure_devops.request("GET", url) or {}).get("value", [])
        return None if any(ref["name"] == inputs["branch"] for ref in refs) else "it isn't there"

    await wait.until(f"you to push {branch} (`{command}`)", reason, WAY_OUT)
    return {}


def read(state: dict[str, Any]) -> dict[str, Any]:
    """Nothing drifts: once its policies are made, nobody may delete the branch."""
    return state
