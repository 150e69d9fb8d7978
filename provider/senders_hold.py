"""`SendersHold`: what senders may still remember of a domain, and so when it may go (RFC 8461 8.3).

A sender that has fetched a policy follows it for max_age seconds, whatever happens meanwhile; of an enforced one
that means refusing to deliver where it can't be met. A domain leaves by publishing mode none, and is safe to remove
once every older policy has expired: the time of that change, plus the greatest max_age ever served.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from policy import Mode, Policy, UserError
from provider.wait import Wait


def held(inputs: dict[str, Any], old: dict[str, Any], now: datetime) -> dict[str, Any]:
    """What is remembered after the policy in `inputs` has become the published one.

    :param inputs: `policy` (text), `greatestMaxAge` (seconds) and `foundMode`, what the site served before it was
        taken over ("" for nothing).
    :param old: the state so far; empty for a domain that is new here.
    :returns: `greatestMaxAgeServed` (seconds) and `heldUntil` (ISO 8601 in UTC; "" where no sender has to be waited for).
    """
    mode = Policy.parse(inputs["policy"]).mode
    before = Policy.parse(old["policy"]).mode if old.get("policy") else inputs["foundMode"]
    greatest = max(int(old.get("greatestMaxAgeServed") or 0), int(inputs["greatestMaxAge"]))
    until = str(old.get("heldUntil") or "")
    taken_over = not old and before == Mode.NONE  # when it changed to none is unknown, so count from now
    if (before == Mode.ENFORCE != mode) or (mode == Mode.NONE and (before == Mode.TESTING or taken_over)):
        until = max(until, (now + timedelta(seconds=greatest)).strftime("%Y-%m-%dT%H:%M:%SZ"))
    return {"greatestMaxAgeServed": greatest, "heldUntil": until}


async def update(inputs: dict[str, Any], old: dict[str, Any], wait: Wait) -> dict[str, Any]:
    """Remember; the policy is live and its id published by now."""
    return held(inputs, old, datetime.now(UTC))


def read(state: dict[str, Any]) -> dict[str, Any]:
    """What senders remember can't be looked up."""
    return state


async def delete(state: dict[str, Any], wait: Wait) -> None:
    """Refuse while senders would lose mail over it; everything else of the domain is deleted after this.

    :raises UserError: enforced, or still remembered.
    """
    domain, until = state["domain"], state.get("heldUntil") or ""
    if Policy.parse(state["policy"]).mode == Mode.ENFORCE:
        raise UserError(f"{domain} is enforced: set mode: none, run `pulumi up`, and wait until its heldUntil")
    if until > datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") and not state.get("removeEarly"):
        raise UserError(
            f"{domain} can't go before {until}: until then senders may follow the policy they remember and refuse "
            "to deliver (RFC 8461 8.3). Put it back and wait; or risk that mail: set removeEarlyAndRiskMail: true in "
            "its policy, run `pulumi up`, then remove it"
        )
