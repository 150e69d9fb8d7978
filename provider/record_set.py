"""`RecordSet`: a DNS record set at a host that azure-native doesn't know (`provider.hosts`).

What stands there already and isn't this stack's is never overwritten; what somebody else has put in its place meanwhile
is left there when the stack goes.
"""

import asyncio
from typing import Any

from pulumi.runtime.rpc import UNKNOWN

from policy import UserError
from provider import hosts
from provider.hosts import Found, Host, HostError, credentials
from provider.record_seen import shown
from provider.wait import Wait

SITES = ".azurestaticapps.net"


def _host(place: dict[str, Any]) -> Host:
    return hosts.at(place, credentials.of(place))


def update_now(inputs: dict[str, Any], old: dict[str, Any]) -> dict[str, Any]:
    """Make the record set what it should be.

    :raises HostError: no answer, or something else stands there.
    """
    record, rdtype, values = inputs["record"], inputs["type"], wanted(inputs)
    host = _host(inputs["at"])
    found = host.read(record, rdtype)
    if found.values != frozenset(values) or _renewed(inputs, old):
        _mine(host, inputs, old, found)
        host.replace(record, rdtype, found, values, int(inputs["ttl"]))
    return {"made": values}


def _renewed(inputs: dict[str, Any], old: dict[str, Any]) -> bool:
    return bool(old) and old.get("ttl") != inputs["ttl"]


def _mine(host: Host, inputs: dict[str, Any], old: dict[str, Any], found: Found) -> None:
    """What stands there may be replaced.

    :raises HostError: it may not.
    """
    record, rdtype = inputs["record"], inputs["type"]
    if not found.values:
        if other := host.beside(record, rdtype):
            raise HostError(
                f"{record} can't have a {rdtype} record beside what stands there: {other}; remove that, or leave the "
                "domain out"
            )
        return
    known = [frozenset(_plain(old.get("type", rdtype), old.get(name) or [])) for name in ("values", "made")]
    if found.values in (*known, frozenset(wanted(inputs))) or inputs["adopt"]:
        return
    if old:
        raise HostError(
            f"{rdtype} {record} is now {shown(found.values)}, which isn't from this stack; `pulumi refresh`, then "
            "`pulumi up` puts it right, or correct what changes it"
        )
    taken = "set adoptTlsReports: true at the domain (it then stays when the stack goes)"
    way = taken if record.startswith("_smtp._tls.") else "remove it there first (docs/adopt.md)"
    raise HostError(f"{rdtype} {record} is {shown(found.values)} already, and not from this stack; {way}")


def wanted(inputs: dict[str, Any]) -> list[str]:
    """The values in plain form."""
    return _plain(inputs["type"], inputs["values"])


def _plain(rdtype: str, values: list[str]) -> list[str]:
    return [value.rstrip(".").lower() if rdtype == "CNAME" else value for value in values]


async def update(inputs: dict[str, Any], old: dict[str, Any], wait: Wait) -> dict[str, Any]:
    """See `update_now`.

    :raises UserError: no answer in time, or something else stands there.
    """
    return await _within(wait, update_now, inputs, old)


async def _within(wait: Wait, work: Any, *arguments: Any) -> Any:
    try:
        return await asyncio.wait_for(asyncio.to_thread(work, *arguments), max(wait.left, 1.0))
    except TimeoutError:
        raise UserError("the DNS host gave no answer in time; the next `pulumi up` goes on from here") from None


def preview(inputs: dict[str, Any], old: dict[str, Any]) -> dict[str, Any]:
    """Nothing is certain but what stands in the way.

    :raises UserError: somebody else's record does.
    """
    if old:
        return {}
    host = _host(inputs["at"])
    found = host.read(inputs["record"], inputs["type"])
    if not found.values or not _same(found, inputs):
        _mine(host, {**inputs, "values": []}, {}, found)
    return {}


def _same(found: Found, inputs: dict[str, Any]) -> bool:
    """What stands there is what is wanted, or may well be.

    A site's own host name isn't known before it is made; a CNAME to one may be left from a state that was lost.
    """
    if UNKNOWN in (inputs["values"], *inputs["values"]):
        return all(each.endswith(SITES) for each in found.values)
    return found.values == frozenset(wanted(inputs))


def read(state: dict[str, Any]) -> dict[str, Any]:
    """The state, with the values that stand at the host now."""
    try:
        found = _host(state["at"]).read(state["record"], state["type"])
    except UserError:
        return state  # no answer is no proof of drift
    return state if found.values == frozenset(wanted(state)) else {**state, "values": sorted(found.values)}


def delete_now(state: dict[str, Any]) -> str:
    """Delete what this stack made.

    :returns: why it was left, "" where it wasn't.
    :raises HostError: no answer.
    """
    host = _host(state["at"])
    found = host.read(state["record"], state["type"])
    if not found.values:
        return ""
    if found.values != frozenset(state["made"]):
        return f"{state['type']} {state['record']} is {shown(found.values)} now, which isn't from this stack; left there"
    host.replace(state["record"], state["type"], found, [], 0)
    return ""


async def delete(state: dict[str, Any], wait: Wait) -> None:
    """See `delete_now`.

    :raises UserError: no answer in time.
    """
    left = await _within(wait, delete_now, state)
    if left:
        wait.say(left)
