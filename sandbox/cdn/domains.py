"""A custom domain's way from Submitting to its certificate.

learn.microsoft.com/azure/frontdoor/domain and …/standard-premium/how-to-add-custom-domain, "Domain validation state". A
domain goes on when somebody looks at it, so that a restart loses nothing and a hundred that wait cost nothing.
"""

import secrets
import string
import time
import uuid
from datetime import UTC, datetime
from typing import Any

from sandbox.cdn.kinds import DOMAIN, ROUTE
from sandbox.dns.view import View
from sandbox.state import State

TOKEN_LIVES = 7 * 24 * 3600.0  # seconds
AUTHORITY = "digicert.com"  # who issues managed certificates, and must be allowed where there are CAA records
WITHOUT_TOKEN = ("Submitting", "RefreshingValidationToken")
FAULTS = {  # what `python -m sandbox fault` can make of a domain that is in one of these states
    "domain-revalidation": ("PendingRevalidation", "Approved"),
    "domain-rejected": ("Rejected", "Pending"),
    "domain-timed-out": ("TimedOut", "Pending"),
    "domain-internal-error": ("InternalError", "Pending"),
}


def begin(body: dict[str, Any]) -> None:
    """A domain that was created just now."""
    body["properties"] |= {
        "domainValidationState": "Submitting",
        "deploymentStatus": "NotStarted",
        "validationProperties": None,
    }


def submitted(state: State, body: dict[str, Any]) -> None:
    """The token is on its way."""
    body["_token_at"] = time.time() + state.delay("cdn-token")


def refreshed(state: State, body: dict[str, Any]) -> None:
    """A new token is on its way; the old one is worth nothing any more."""
    body["properties"] |= {"domainValidationState": "RefreshingValidationToken", "validationProperties": None}
    submitted(state, body)


def look(state: State, view: View, body: dict[str, Any]) -> dict[str, Any]:
    """A custom domain as it is by now.

    :returns: its body, stored where it has changed.
    """
    before = {**body, "properties": {**body["properties"]}}
    shown = body["properties"]
    if shown["domainValidationState"] in WITHOUT_TOKEN and time.time() >= body.get("_token_at", float("inf")):
        _give_token(body)
    if shown["domainValidationState"] == "Pending":
        _validate(state, view, body)
    _fault(state, body)
    if body.get("_approved"):
        _certify(state, body)
    if body != before:
        state.put(body)
    return body


def is_validating(state: State, body: dict[str, Any]) -> bool:
    """Whether Front Door is at work on a domain, and refuses to have it written."""
    return body["properties"]["domainValidationState"] in WITHOUT_TOKEN or bool(body.get("_seen"))


def named(state: State, host: str) -> list[dict[str, Any]]:
    """The custom domains of all profiles with a host name."""
    found = state.mentioning(DOMAIN.type, f'"{host}"')
    return [body for body in found if body["properties"]["hostName"].lower() == host]


def routes(state: State, id_: str) -> list[dict[str, Any]]:
    """The routes that a custom domain, an origin group or a rule set belongs to."""
    found = state.mentioning(ROUTE.type, f'"{id_}"')
    return [body for body in found if id_ in references(body["properties"])]


def references(properties: dict[str, Any]) -> list[str]:
    """The ids that a route refers to."""
    named = [properties["originGroup"], *properties["customDomains"], *properties["ruleSets"]]
    return [each["id"] for each in named]


def _give_token(body: dict[str, Any]) -> None:
    now = time.time()
    token = "_" + "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(31))
    body["_expires"] = now + TOKEN_LIVES
    body["_token"] = token
    expires = datetime.fromtimestamp(body["_expires"], UTC).isoformat(timespec="seconds")
    body["properties"] |= {
        "domainValidationState": "Pending",
        "validationProperties": {"validationToken": token, "expirationDate": expires},
    }


def _validate(state: State, view: View, body: dict[str, Any]) -> None:
    now, host = time.time(), body["properties"]["hostName"].lower()
    if now >= body["_expires"]:
        body["properties"]["domainValidationState"] = "TimedOut"
        body.pop("_seen", None)
        return
    found = [
        text for _, kind, _, texts in view.answer(f"_dnsauth.{host}", "TXT") if kind == "TXT" for text in texts
    ]
    if f'"{body["_token"]}"' not in found:
        body.pop("_seen", None)
        return
    body.setdefault("_seen", now)
    if now < body["_seen"] + state.delay("cdn-validation"):
        return
    del body["_seen"]
    if not _may_issue(view, host):
        body["properties"]["domainValidationState"] = "Rejected"
        return
    # What the token was isn't shown any more (terraform-provider-azurerm 27472).
    body["properties"] |= {"domainValidationState": "Approved", "validationProperties": None}
    body.setdefault("_approved", now)


def _may_issue(view: View, host: str) -> bool:
    """RFC 8659 3: the CAA records of the nearest name that has some."""
    labels = host.split(".")
    for at in range(len(labels)):
        found = [text for _, kind, _, texts in view.answer(".".join(labels[at:]), "CAA") if kind == "CAA" for text in texts]  # fmt: skip
        if found:
            issuers = [text.split(" ", 2)[2].strip('"').partition(";")[0].strip() for text in found if text.split(" ")[1] == "issue"]  # fmt: skip
            return not issuers or AUTHORITY in issuers
    return True


def _fault(state: State, body: dict[str, Any]) -> None:
    shown = body["properties"]
    for kind, (becomes, was) in FAULTS.items():
        if shown["domainValidationState"] == was and state.resource_fault(kind, shown["hostName"]) is not None:
            shown["domainValidationState"] = becomes
            body.pop("_seen", None)


def _certify(state: State, body: dict[str, Any]) -> None:
    """A certificate is deployed to what a validated domain's routes lead to: before it has one, to nothing."""
    if "_certificate" not in body:
        if not routes(state, body["id"]):
            return
        body["_certificate"] = time.time() + state.delay("cdn-certificate")
    if time.time() < body["_certificate"]:
        body["properties"]["deploymentStatus"] = "InProgress"
    elif body["properties"]["deploymentStatus"] != "Succeeded":
        profile = body["id"].rsplit("/", 2)[0].replace("/resourcegroups/", "/resourceGroups/")
        name = f"{uuid.uuid4()}--{body['properties']['hostName'].replace('.', '-')}"
        body["properties"]["deploymentStatus"] = "Succeeded"
        body["properties"]["tlsSettings"] |= {"secret": {"id": f"{profile}/secrets/{name}"}}  # azure-cli 31052
