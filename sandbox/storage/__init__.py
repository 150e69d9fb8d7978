"""Microsoft.Storage: accounts (`accounts`), their blob service (`service`, `blobs`) and their static websites (`website`)."""

import re
from typing import Any

from sandbox.state import State

TYPE = "Microsoft.Storage/storageAccounts"
ENDPOINT = ".blob.core.windows.net"
ACCOUNT = "localazure"  # somebody else's account, where the sign-in may use a container
CONTAINER = "state"
ELSEWHERE = "/subscriptions/5f3c0000-0000-4000-8000-000000000000/resourceGroups/shared"  # that account's place
HOST = re.compile(r"([a-z0-9]{3,24})(\.blob|\.z\d+\.web)\.core\.windows\.net")


def account_at(state: State, host: str) -> tuple[dict[str, Any], str] | None:
    """The account that a host is an endpoint of, and which: `blob` or `web`. None while it is being made, too."""
    match = HOST.fullmatch(host)
    for account in state.named(TYPE, [match[1]]) if match else ():
        for service in ("blob", "web"):
            if account["properties"].get("primaryEndpoints", {}).get(service) == f"https://{host}/":
                return account, service
    return None


def content(state: State, name: str, container: str = CONTAINER, account: str = ACCOUNT) -> bytes | None:
    """A blob's content."""
    row = state.db.execute(
        "SELECT content FROM block_blobs WHERE account = ? AND container = ? AND name = ?",
        (account, container, name),
    ).fetchone()
    return row[0] if row else None
