"""`LivePolicy`: the policy is served before its id is published (RFC 8461 8.1)."""

from typing import Any

from provider.https import LARGEST, FetchError, fetch
from provider.wait import Wait

POLICY_PATH = "/.well-known/mta-sts.txt"  # RFC 8461 3.2
AGREEING = 3  # fetches in a row, so that one up-to-date edge doesn't speak for all
WAY_OUT = (
    "The TXT record was not touched, so senders still follow what they followed before. "
    "The next `pulumi up` goes on from here."
)


def served(host: str) -> str | None:
    """The policy text that a sender gets from a host, "" where another status than 200 comes back.

    :returns: None where no answer can be had from here, which says nothing about others.
    """
    try:
        pages = fetch(host, POLICY_PATH)
    except FetchError:
        return None
    first = pages[0]
    return first.body.decode("utf-8", "replace") if first.status == 200 else ""


def not_live(host: str, policy: bytes) -> str | None:
    """Why a sender would not get exactly `policy` from `host`, or None (RFC 8461 3.2, 3.3)."""
    try:
        pages = fetch(host, POLICY_PATH)
    except FetchError as error:
        return str(error)
    for page in pages:
        if page.status != 200:
            return f"the answer is {page.status}, only 200 counts"
        if page.media_type != "text/plain":
            return f"the media type is {page.media_type or 'missing'}, not text/plain"
        if len(page.body) > LARGEST:
            return f"the answer is larger than {LARGEST} bytes"
        if page.body != policy:
            return "another policy is still served there"
    return None


async def apply(inputs: dict[str, Any], wait: Wait) -> None:
    """Wait until the host serves exactly this policy.

    :raises WaitError: deadline passed, or cancelled.
    """
    host, policy = inputs["host"], inputs["policy"].encode()
    await wait.until(f"the policy on {host}", lambda: not_live(host, policy), WAY_OUT, AGREEING)


def observe(state: dict[str, Any]) -> dict[str, Any]:
    """The state, with the policy that is served now; "" where none is."""
    if not_live(state["host"], state["policy"].encode()) is None:
        return state
    found = served(state["host"]) or ""
    return {**state, "policy": "" if found == state["policy"] else found}
