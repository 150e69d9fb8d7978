"""`LivePolicy`: the policy is served before its id is published (RFC 8461 8.1)."""

import asyncio
import time
from typing import Any

import dns.exception

from internet import dns_view
from internet.https import LARGEST, FetchError, Page, fetch
from internet.view import View
from policy import UserError
from policy.places import POLICY_PATH
from provider import custom_domain
from provider.custom_domain import BindingFailed
from provider.wait import Wait

AGREEING = 16  # fetches in a row, so that one up-to-date edge doesn't speak for all
ASK_AZURE = 5.0  # seconds between two questions about the binding
RECORD_GONE = 60.0  # seconds that a deletion waits at most for the record to leave DNS
WAY_OUT = (
    "The TXT record was not touched, so senders still follow what they followed before. "
    "The next `pulumi up` goes on from here."
)
PLATFORM = b"Azure Static Web Apps - 404"  # in the title of the page of a host that no site has
NO_SITE = "Azure's own page for hosts without a site (404)"
BOUND_BEFORE = (
    "a host that was bound to another site before can stay so for good "
    "(github.com/Azure/static-web-apps/issues/1785; docs/azure.md: hosts that were bound before)"
)


def served(host: str, path: str = POLICY_PATH) -> str | None:
    """The policy text that a sender gets from a host, "" where another status than 200 comes back.

    :returns: None where no answer can be had from here, which says nothing about others.
    """
    try:
        pages = _fetch(host, path)
    except FetchError:
        return None
    first = pages[0]
    return first.body.decode("utf-8", "replace") if first.status == 200 else ""


def _fetch(host: str, path: str = POLICY_PATH, at: str = "") -> list[Page]:
    # This machine's resolver may remember that there was no such host before it was made; other people's don't.
    return fetch(View.from_environment(), host, path, find=dns_view.addresses_now, at=at).pages


def not_live(host: str, policy: bytes, path: str = POLICY_PATH, at: str = "") -> str | None:
    """Why a sender would not get exactly `policy` from `host`, or None (RFC 8461 3.2, 3.3).

    :param at: the host that `host` doesn't lead to yet, asked as if it did.
    """
    try:
        pages = _fetch(host, path, at)
    except FetchError as error:
        return str(error)
    for page in pages:
        if page.status == 404 and PLATFORM in page.body:
            return NO_SITE
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

    A binding that Azure gave up meanwhile is made anew, once, where the host serves no policy that anybody relies on.

    :raises UserError: deadline passed, cancelled, or the binding failed for good.
    """
    host, domain = inputs["host"], inputs["customDomain"]
    for last in (False, True):
        try:
            await wait.until(f"the policy on {host}", _Look(inputs).reason, WAY_OUT, AGREEING)
            return {}
        except BindingFailed as error:
            if last or await asyncio.to_thread(served, host):
                raise UserError(f"{error}. {_by_hand(domain)}") from None
            wait.say(f"{error}; it is deleted, and bound again")
            await custom_domain.bind_anew(domain, wait)
    return {}


class _Look:
    """Looks at a policy host, and behind it, until the policy is there."""

    def __init__(self, inputs: dict[str, Any]) -> None:
        self._host, self._policy = inputs["host"], inputs["policy"].encode()
        self._domain = inputs["customDomain"]
        self._asked = -ASK_AZURE
        self._good = self._lost = 0

    def reason(self) -> str | None:
        """Why the policy isn't live, or None.

        :raises BindingFailed: it won't be.
        """
        why = not_live(self._host, self._policy)
        self._good += why is None
        self._lost += why == NO_SITE
        if why and time.monotonic() - self._asked >= ASK_AZURE:
            self._asked = time.monotonic()
            custom_domain.check(self._domain)
        if why == NO_SITE and self._good:
            return f"{self._lost} of {self._good + self._lost} answers are {NO_SITE}; {BOUND_BEFORE}"
        return why


def _by_hand(domain: str) -> str:
    site, _, host = domain.partition("/customDomains/")
    group = site.partition("/resourceGroups/")[2].partition("/")[0]
    return (
        f"When it has recovered: az staticwebapp hostname delete -g {group} -n {site.rpartition('/')[2]} "
        f"--hostname {host}, then `pulumi refresh` and `pulumi up`. {WAY_OUT}"
    )


def read(state: dict[str, Any]) -> dict[str, Any]:
    """The state, with the policy that is served now; "" where none is."""
    if not_live(state["host"], state["policy"].encode()) is None:
        return state
    found = served(state["host"]) or ""
    return {**state, "policy": "" if found == state["policy"] else found}


def announced(host: str) -> str | None:
    """Which name server still answers an `_mta-sts` record for a policy host's domain, or None."""
    record, view = f"_{host}", View.from_environment()
    try:
        servers = dns_view.name_servers(view, record)
    except dns.exception.DNSException:
        return None
    for server in servers:
        try:
            if dns_view.values_at(view, server, record, "TXT"):
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
