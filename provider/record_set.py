"""`RecordSet`: a DNS record set at a host that azure-native doesn't know (`zones.HostedDns`).

What stands there already and isn't this stack's is never overwritten; what somebody else has put in its place meanwhile
is left there when the stack goes.
"""

import asyncio
from typing import Any

import zones
from policy import UserError
from provider import configured
from provider.record_seen import compared, shown
from provider.values import UNKNOWN
from provider.wait import Wait
from zones import Host, HostError, RecordsThere

SITES = ".azurestaticapps.net"


def _host(place: dict[str, Any]) -> Host:
    return zones.host(place, configured.read(str(place["stack"]), str(place["secretsIn"])))


def update_now(inputs: dict[str, Any], old: dict[str, Any]) -> dict[str, Any]:
    """Make the record set what it should be.

    :raises HostError: no answer, or something else stands there.
    """
    record, rdtype, values = inputs["record"], inputs["type"], wanted(inputs)
    host = _host(inputs["at"])
    there = host.read(record, rdtype)
    if there.values != frozenset(values) or _renewed(inputs, old):
        _mine(host, inputs, old, there)
        host.replace(record, rdtype, there, values, int(inputs["ttl"]))
    return {"made": values}


def _renewed(inputs: dict[str, Any], old: dict[str, Any]) -> bool:
    return bool(old) and old.get("ttl") != inputs["ttl"]


def _mine(host: Host, inputs: dict[str, Any], old: dict[str, Any], there: RecordsThere) -> None:
    """What stands there may be replaced.

    :raises HostError: it may not.
    """
    record, rdtype = inputs["record"], inputs["type"]
    if not there.values:
        if other := host.beside(record, rdtype):
            raise HostError(
                f"{record} can't have a {rdtype} record beside what stands there: {other}; remove that, or leave the "
                "domain out"
            )
        return
    known = [frozenset(compared(old.get("type", rdtype), old.get(name) or [])) for name in ("values", "made")]
    if there.values in (*known, frozenset(wanted(inputs))) or inputs["adopt"]:
        return
    if old:
        raise HostError(
            f"{rdtype} {record} is now {shown(there.values)}, which isn't from this stack; `pulumi refresh`, then "
            "`pulumi up` puts it right, or correct what changes it"
        )
    taken = "set adoptTlsReports: true at the domain (it then stays when the stack goes)"
    way = taken if record.startswith("_smtp._tls.") else "remove it there first (docs/adopt.md)"
    raise HostError(f"{rdtype} {record} is {shown(there.values)} already, and not from this stack; {way}")


def wanted(inputs: dict[str, Any]) -> list[str]:
    """The values as they are compared."""
    return compared(inputs["type"], inputs["values"])


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
    there = host.read(inputs["record"], inputs["type"])
    if not there.values or not _same(there, inputs):
        _mine(host, {**inputs, "values": []}, {}, there)
    return {}


def _same(there: RecordsThere, inputs: dict[str, Any]) -> bool:
    """What stands there is what is wanted, or may well be.

    A site's own host name isn't known before it is made; a CNAME to one may be left from a state that was lost.
    """
    if UNKNOWN in (inputs["values"], *inputs["values"]):
        return all(value.endswith(SITES) for value in there.values)
    return there.values == frozenset(wanted(inputs))


def read(state: dict[str, Any]) -> dict[str, Any]:
    """The state, with the values that stand at the host now."""
    try:
        there = _host(state["at"]).read(state["record"], state["type"])
    except UserError:
        return state  # no answer is no proof of drift
    return state if there.values == frozenset(wanted(state)) else {**state, "values": sorted(there.values)}


def delete_now(state: dict[str, Any]) -> str:
    """Delete what this stack made.

    :returns: why it was left, "" where it wasn't.
    :raises HostError: no answer.
    """
    host = _host(state["at"])
    there = host.read(state["record"], state["type"])
    if not there.values:
        return ""
    if there.values != frozenset(state["made"]):
        return f"{state['type']} {state['record']} is {shown(there.values)} now, which isn't from this stack; left there"
    host.replace(state["record"], state["type"], there, [], 0)
    return ""


async def delete(state: dict[str, Any], wait: Wait) -> None:
    """See `delete_now`.

    :raises UserError: no answer in time.
    """
    left = await _within(wait, delete_now, state)
    if left:
        wait.say(left)
