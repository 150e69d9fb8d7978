"""Microsoft.Storage: accounts in ARM (`accounts`), their blob service (`service`, which asks for rights and finds who answers:
`properties`, `containers`, `lists`, `blobs`), and their static websites (`website`). `wire` is what all of them speak.
"""

import re
import time
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


def is_new(account: dict[str, Any]) -> bool:
    """Whether an account's endpoints don't know it yet: 404 for up to a minute (terraform-provider-azurerm 22992, 27310)."""
    return time.time() < account.get("_answers", 0)


def content(state: State, name: str, container: str = CONTAINER, account: str = ACCOUNT) -> bytes | None:
    """A blob's content."""
    row = state.db.execute(
        "SELECT content FROM block_blobs WHERE account = ? AND container = ? AND name = ?",
        (account, container, name),
    ).fetchone()
    return row[0] if row else None
