"""`LivePolicy`: the policy is served before its id is published (RFC 8461 8.1)."""

from typing import Any

import dns.exception

from internet import dns_view
from internet.https import LARGEST, FetchError, fetch
from policy import UserError
from policy.places import POLICY_PATH
from provider.wait import Wait

AGREEING = 16  # fetches in a row, so that one up-to-date edge doesn't speak for all
RECORD_GONE = 60.0  # seconds that a deletion waits at most for the record to leave DNS
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


async def create(inputs: dict[str, Any], wait: Wait) -> dict[str, Any]:
    """Wait until the host serves exactly this policy.

    :raises UserError: deadline passed, or cancelled.
    """
    host, policy = inputs["host"], inputs["policy"].encode()
    await wait.until(f"the policy on {host}", lambda: not_live(host, policy), WAY_OUT, AGREEING)
    return {}


def read(state: dict[str, Any]) -> dict[str, Any]:
    """The state, with the policy that is served now; "" where none is."""
    if not_live(state["host"], state["policy"].encode()) is None:
        return state
    found = served(state["host"]) or ""
    return {**state, "policy": "" if found == state["policy"] else found}


def announced(host: str) -> str | None:
    """Which name server still answers an `_mta-sts` record for a policy host's domain, or None."""
    record = f"_{host}"
    try:
        servers = dns_view.name_servers(record)
    except dns.exception.DNSException:
        return None
    for server in servers:
        try:
            if dns_view.values_at(server, record, "TXT"):
                return f"{server} still answers it"
        except (dns.exception.DNSException, OSError):
            pass
    return None


async def delete(state: dict[str, Any], wait: Wait) -> None:
    """The host goes next: first let the record that announces it, deleted just now, leave every name server."""
    record = f"TXT _{state['host']}"
    brief = Wait(min(RECORD_GONE, wait.timeout), wait.tell, wait.say, wait.cancelled)
    try:
        await brief.until(f"{record} to go", lambda: announced(state["host"]), "Going on without.")
    except UserError as error:
        if wait.cancelled.is_set():
            raise
        wait.say(str(error))
