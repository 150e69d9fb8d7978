"""`ValidationToken`: what proves to Azure Front Door that a domain is its owner's."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import dns.exception

from internet import dns_view
from internet.view import View
from policy import UserError
from policy.places import validation_record
from provider import front_door
from provider.wait import Wait

WAY_OUT = "Nothing changed in DNS; run `pulumi up` again"


async def update(inputs: dict[str, Any], old: dict[str, Any], wait: Wait) -> dict[str, Any]:
    """Wait for the token, which can come late (hashicorp/terraform-provider-azurerm 30997); a spent one is renewed.

    :returns: `token`; that of before where the domain is approved.
    :raises UserError: none comes.
    """
    domain, known, found = inputs["customDomain"], str(old.get("token") or ""), dict[str, Any]()
    if front_door.spent(await asyncio.to_thread(front_door.properties, domain), datetime.now(UTC)):
        wait.say("the validation token is spent; Azure is asked for another")
        await asyncio.to_thread(front_door.renew, domain)

    def missing() -> str | None:
        found.clear()
        found.update(front_door.properties(domain))
        if front_door.spent(found, datetime.now(UTC)):
            return f"the one before is spent (state {front_door.state(found)})"
        if front_door.token(found) or front_door.state(found) == front_door.APPROVED:
            return None
        return f"Azure has made none yet (state {front_door.state(found)})"

    await wait.until(f"the validation token of {inputs['host']}", missing, WAY_OUT)
    # Azure tells no token of a domain that it has approved: then what stands in DNS stays, also where the state was lost.
    return {"token": front_door.token(found) or known or await asyncio.to_thread(_published, inputs["host"])}


def _published(host: str) -> str:
    """What the TXT record says; of an approved domain without one, a text that says so."""
    try:
        values = dns_view.values_by_servers(View.from_environment(), validation_record(host), "TXT")
    except (dns.exception.DNSException, OSError):
        values = frozenset[str]()
    return next(iter(sorted(values)), front_door.APPROVED)


def stale(state: dict[str, Any]) -> list[str]:
    """The token, once Azure wants another one: a spent one, or one that was renewed by hand."""
    try:
        found = front_door.listed(state["customDomain"])
    except UserError:
        return []  # whoever may not ask now is told by `pulumi up`
    renewed = front_door.state(found) != front_door.APPROVED and front_door.token(found) not in (
        "",
        state["token"],
    )
    return ["token"] if renewed or front_door.spent(found, datetime.now(UTC)) else []


def read(state: dict[str, Any]) -> dict[str, Any]:
    """The state; `stale` asks in each preview."""
    return state
