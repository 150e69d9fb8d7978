"""The tenant's domains, as Microsoft Graph lists them (learn.microsoft.com/graph/api/domain-list, resources/domain).

The application may list them only once an administrator has consented to Domain.Read.All.
"""

import json
from collections.abc import Sequence
from typing import Any

from sandbox.state import State

PERMISSION = "Domain.Read.All"
INITIAL = "contoso.onmicrosoft.com"
SERVICES = ("Email", "OfficeCommunicationsOnline")
FOREVER = 2**31 - 1  # days of a password


def consent(state: State) -> None:
    """An administrator lets the application list them."""
    state.set("graph-domains-allowed", PERMISSION)


def allowed(state: State) -> bool:
    """Whether one has."""
    return state.optional("graph-domains-allowed") == PERMISSION


def make(state: State, name: str, verified: bool = True, services: Sequence[str] = SERVICES) -> None:
    """A domain of the tenant; one that isn't verified has no services."""
    there = {each["id"]: each for each in _stored(state)}
    there[name] = _domain(name, verified, list(services) if verified else [])
    state.set("graph-domains", json.dumps(list(there.values())))


def all_of(state: State) -> list[dict[str, Any]]:
    """Them all, the initial one first."""
    return [{**_domain(INITIAL, True, list(SERVICES)), "isInitial": True, "isDefault": True}, *_stored(state)]


def _stored(state: State) -> list[dict[str, Any]]:
    return json.loads(state.optional("graph-domains") or "[]")


def _domain(name: str, verified: bool, services: list[str]) -> dict[str, Any]:
    return {
        "authenticationType": "Managed", "availabilityStatus": None, "id": name, "isAdminManaged": True,
        "isDefault": False, "isInitial": False, "isRoot": True, "isVerified": verified, "supportedServices": services,
        "passwordValidityPeriodInDays": FOREVER, "passwordNotificationWindowInDays": 14, "state": None,
    }  # fmt: skip
