"""`RecordSeen`: a record is there for everyone before what depends on it goes on.

A custom domain that is bound before its CNAME has reached every server of the zone can stick to the
service for good (github.com/Azure/static-web-apps issues 1795 and 1798), and Azure validates with
resolvers of its own.
"""

import time
from collections.abc import Callable
from typing import Any

import dns.exception

from internet import dns_view
from internet.view import View
from policy.names import canonical
from provider.wait import Wait

COURTESY = 60.0  # seconds that the resolver gets once the zone's own servers agree
WAY_OUT = (
    "Check the record and its zone's delegation; where this machine may not ask name servers directly, set "
    "MTA_STS_NAMESERVERS to one it may ask. The next `pulumi up` goes on from here."
)


def unpublished(record: str, rdtype: str, values: frozenset[str]) -> str | None:
    """Why not every name server of the zone answers the record set yet, or None."""
    view = View.from_environment()
    try:
        servers = dns_view.name_servers(view, record)
    except dns.exception.DNSException as error:
        return f"the zone's name servers can't be found ({error})"
    for server in servers:
        try:
            there = dns_view.values_at(view, server, record, rdtype)
        except (dns.exception.DNSException, OSError) as error:
            return f"{server} gives no answer ({error})"
        if there != values:
            return f"{server} answers {shown(there)}"
    return None


class Seen:
    """Looks whether a record set is seen everywhere.

    Azure reads a CNAME through resolvers of its own, so a resolver is asked too, once every server has the record. It may
    remember from before that there was none: others needn't, and Azure is asked again while it does
    (`components.mail_domain`). So nothing waits long for that. A TXT record is left to senders' resolvers.

    :param say: prints a lasting line.
    """

    def __init__(self, record: str, rdtype: str, values: frozenset[str], say: Callable[[str], None]) -> None:
        self._record, self._rdtype, self._values, self._say = record, rdtype, values, say
        self._published: float | None = None

    def reason(self) -> str | None:
        """Why it isn't seen yet, or None."""
        if why := unpublished(self._record, self._rdtype, self._values):
            self._published = None
            return why
        if self._rdtype != "CNAME":
            return None
        self._published = self._published or time.monotonic()
        try:
            there, seconds = dns_view.remembered(View.from_environment(), self._record, self._rdtype)
        except dns.exception.DNSException as error:
            return f"the resolver gives no answer ({error})"
        if there == self._values:
            return None
        if seconds < COURTESY - (time.monotonic() - self._published):
            return f"the resolver answers {shown(there)}"
        until = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(time.time() + seconds))
        self._say(
            f"every name server of the zone answers {self._rdtype} {self._record}; the resolver remembers until {until} "
            f"{shown(there) if there else 'that there is none'}, which isn't waited for"
        )
        return None


def warn(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """What stands in a new record's way; asked before it is made, in a preview."""
    record, rdtype = new["record"], new["type"]
    if old or not isinstance(record, str):
        return []
    try:
        return conflicts(record, rdtype, frozenset(value for value in new["values"] if isinstance(value, str)))
    except (dns.exception.DNSException, OSError):
        return []  # the preflight tells of silent name servers


def conflicts(record: str, rdtype: str, values: frozenset[str]) -> list[str]:
    """Lines about what the zone's servers answer for a record that isn't made yet (RFC 1034 3.6.2, RFC 4592)."""
    view = View.from_environment()
    kinds = ("CNAME", "A", "AAAA", "TXT") if rdtype == "CNAME" else ("CNAME", "TXT")
    there = {kind: records for kind in kinds if (records := _published(view, record, kind))}
    if not there or (values and there.get(rdtype) == values):
        return []
    says = "; ".join(f"{kind} {shown(records)}" for kind, records in there.items())
    domain = record.split(".", 1)[1]
    stray = dns_view.stray(domain)
    if all(_published(view, stray, kind) == records for kind, records in there.items()):
        return [f"a wildcard answers for everything under {domain}, so for {record} too ({says}); the record made here "
                "goes before it, but where it was asked already, it is remembered for its TTL"]  # fmt: skip
    return [f"{record} has other records already, which this stack didn't make: {says}; a {rdtype} is refused beside "
            "them: remove them first, or take them over (docs/adopt.md)"]  # fmt: skip


def _published(view: View, record: str, rdtype: str) -> frozenset[str]:
    return frozenset(dns_view.published(view, record, rdtype).values)


def shown(values: frozenset[str]) -> str:
    """Values for a message."""
    return ", ".join(sorted(values)) or "nothing"


def compared(rdtype: str, values: list[str]) -> list[str]:
    """Values as they are compared: host names in lower case, without the final dot."""
    return [canonical(value) if rdtype == "CNAME" else value for value in values]


async def create(inputs: dict[str, Any], wait: Wait) -> dict[str, Any]:
    """Wait until the record set is seen everywhere.

    :raises UserError: deadline passed, or cancelled.
    """
    record, rdtype = inputs["record"], inputs["type"]
    seen = Seen(record, rdtype, frozenset(compared(rdtype, inputs["values"])), wait.say)
    await wait.until(f"{rdtype} {record}", seen.reason, WAY_OUT)
    return {}


def read(state: dict[str, Any]) -> dict[str, Any]:
    """The state, with the values that the zone's servers answer now."""
    try:
        there = _published(View.from_environment(), state["record"], state["type"])
    except (dns.exception.DNSException, OSError):
        return state  # no answer is no proof of drift
    same = there == frozenset(compared(state["type"], state["values"]))
    return state if same else {**state, "values": sorted(there)}
