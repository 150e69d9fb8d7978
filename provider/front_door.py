"""A custom domain of Azure Front Door, as Azure Resource Manager reports it.

learn.microsoft.com/azure/frontdoor/domain: a TXT record with a token proves the domain, before any CNAME leads there. The
token lasts seven days. Where the CNAME doesn't lead straight to the endpoint, the certificate isn't renewed: 45 days
before it ends the domain is `PendingRevalidation`, and needs a new token.
"""

import time
from datetime import datetime
from threading import Lock
from typing import Any

from policy import UserError
from provider import azure

APPROVED, AGAIN = "Approved", "PendingRevalidation"
OVER = frozenset({"TimedOut", "Rejected", "InternalError"})  # nothing but another token leads on from these
KNOWN_FOR = 2.0  # seconds that a list of a profile's domains is believed, so that a hundred waits are one question

_lists: dict[str, tuple[float, dict[str, dict[str, Any]]]] = {}
_lock = Lock()


def properties(id_: str) -> dict[str, Any]:
    """A custom domain's properties.

    :param id_: its resource id.
    :raises UserError: there is none, or Azure can't be asked.
    """
    found = azure.request("GET", id_, azure.CDN)
    if found is None:
        raise UserError(f"Azure has no custom domain {id_}; run `pulumi refresh`, then `pulumi up`")
    return found.get("properties") or {}


def listed(id_: str) -> dict[str, Any]:
    """A custom domain's properties from the list of its profile's, which is asked for once; {} where it isn't there.

    :raises UserError: Azure can't be asked.
    """
    profile = id_.rsplit("/", 2)[0]  # ids know no case
    with _lock:
        since, found = _lists.get(profile) or (-KNOWN_FOR, dict[str, dict[str, Any]]())
        if time.monotonic() - since >= KNOWN_FOR:
            every = azure.listing(f"{profile}/customDomains", azure.CDN)
            found = {str(each["id"]).lower(): dict[str, Any](each.get("properties") or {}) for each in every}
            _lists[profile] = time.monotonic(), found
    return found.get(id_.lower(), {})


def state(found: dict[str, Any]) -> str:
    """Where the proof of a domain stands, such as `Pending` or `Approved`."""
    return str(found.get("domainValidationState") or "Unknown")


def token(found: dict[str, Any]) -> str:
    """What the TXT record has to say; "" while Azure hasn't said."""
    return _proof(found, "validationToken")


def _proof(found: dict[str, Any], name: str) -> str:
    proof: dict[str, Any] = found.get("validationProperties") or {}
    return str(proof.get(name) or "")


def spent(found: dict[str, Any], now: datetime) -> bool:
    """Whether only another token leads on from here; a domain that has to be proved again has an old one."""
    if state(found) in (*OVER, APPROVED):
        return state(found) in OVER
    try:
        return datetime.fromisoformat(_proof(found, "expirationDate")) <= now
    except (ValueError, TypeError):  # no time, or one without a zone
        return state(found) == AGAIN


def renew(id_: str) -> None:
    """Have Azure make another token.

    :raises UserError: it doesn't.
    """
    azure.request("POST", f"{id_}/refreshValidationToken", azure.CDN)
