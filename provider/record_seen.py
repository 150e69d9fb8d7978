"""`RecordSeen`: a record is there for everyone before what depends on it goes on.

A custom domain that is bound before its CNAME has reached every server of the zone can stick to the
service for good (github.com/Azure/static-web-apps issues 1795 and 1798), and Azure validates with
resolvers of its own.
"""

import secrets
from typing import Any

import dns.exception

from internet import dns_view
from internet.view import View
from provider.wait import Wait

WAY_OUT = (
    "Check the record and its zone's delegation; where this machine may not ask name servers directly, set "
    "MTA_STS_NAMESERVERS to one it may ask. The next `pulumi up` goes on from here."
)


def missing(record: str, rdtype: str, values: frozenset[str]) -> str | None:
    """Why the record set isn't seen everywhere yet, or None."""
    view = View.from_environment()
    try:
        servers = dns_view.name_servers(view, record)
    except dns.exception.DNSException as error:
        return f"the zone's name servers can't be found ({error})"
    for server in servers:
        try:
            found = dns_view.values_at(view, server, record, rdtype)
        except (dns.exception.DNSException, OSError) as error:
            return f"{server} gives no answer ({error})"
        if found != values:
            return f"{server} answers {shown(found)}"
    if rdtype != "CNAME":  # Azure reads that one through resolvers; senders' own have a TTL each to forget a TXT
        return None
    try:  # only now: a resolver asked too early remembers the "no" (RFC 2308)
        found = dns_view.values_by_resolver(view, record, rdtype)
    except dns.exception.DNSException as error:
        return f"the resolver gives no answer ({error})"
    return None if found == values else f"the resolver answers {shown(found)}"


def warn(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """What stands in a new record's way; asked before it is made, in a preview."""
    record, rdtype = new["record"], new["type"]
    if old or not isinstance(record, str):
        return []
    try:
        return conflicts(record, rdtype, frozenset(each for each in new["values"] if isinstance(each, str)))
    except (dns.exception.DNSException, OSError):
        return []  # the preflight tells of silent name servers


def conflicts(record: str, rdtype: str, values: frozenset[str]) -> list[str]:
    """Lines about what the zone's servers answer for a record that isn't made yet (RFC 1034 3.6.2, RFC 4592)."""
    view = View.from_environment()
    kinds = ("CNAME", "A", "AAAA", "TXT") if rdtype == "CNAME" else ("CNAME", "TXT")
    found = {kind: there for kind in kinds if (there := dns_view.values_by_servers(view, record, kind))}
    if not found or (values and found.get(rdtype) == values):
        return []
    says = "; ".join(f"{kind} {shown(there)}" for kind, there in found.items())
    domain = record.split(".", 1)[1]
    stray = f"mta-sts-{secrets.token_hex(6)}.{domain}"
    if all(dns_view.values_by_servers(view, stray, kind) == there for kind, there in found.items()):
        return [f"a wildcard answers for everything under {domain}, so for {record} too ({says}); the record made here "
                "goes before it, but where it was asked already, it is remembered for its TTL"]  # fmt: skip
    return [f"{record} has other records already, which this stack didn't make: {says}; a {rdtype} is refused beside "
            "them: remove them first, or take them over (docs/adopt.md)"]  # fmt: skip


def shown(values: frozenset[str]) -> str:
    """Values for a message."""
    return ", ".join(sorted(values)) or "nothing"


async def create(inputs: dict[str, Any], wait: Wait) -> dict[str, Any]:
    """Wait until the record set is seen everywhere.

    :raises UserError: deadline passed, or cancelled.
    """
    record, rdtype = inputs["record"], inputs["type"]
    values = frozenset(value.rstrip(".").lower() if rdtype == "CNAME" else value for value in inputs["values"])
    await wait.until(f"{rdtype} {record}", lambda: missing(record, rdtype, values), WAY_OUT)
    return {}


def read(state: dict[str, Any]) -> dict[str, Any]:
    """The state, with the values that the zone's servers answer now."""
    view = View.from_environment()
    try:
        server = dns_view.name_servers(view, state["record"])[0]
        found = dns_view.values_at(view, server, state["record"], state["type"])
    except (dns.exception.DNSException, OSError, IndexError):
        return state  # no answer is no proof of drift
    same = {value.rstrip(".").lower() for value in state["values"]} == {value.lower() for value in found}
    return state if same else {**state, "values": sorted(found)}
