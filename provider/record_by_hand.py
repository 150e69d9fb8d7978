"""`RecordByHand`: a DNS record that a person enters where this program can't.

It says exactly what to enter, waits until every name server of the zone answers it, and where something near it stands
there instead, says what is wrong with that.
"""

from typing import Any

import dns.exception
import dns.resolver

from internet import dns_view
from internet.view import View
from provider import record_seen
from provider.record_seen import compared, shown, unpublished
from provider.wait import Wait

WAY_OUT = "Enter the record, and run the same command again: it goes on from here."
GONE_WAY_OUT = "Remove the record, and run the same command again: it goes on from here."


def line(record: str, rdtype: str, value: str, ttl: int) -> str:
    """A record as a line of a zone file (RFC 1035 5.1)."""
    data = " ".join(f'"{part}"' for part in dns_view.strings(value)) if rdtype == "TXT" else f"{value}."
    return f"{record}. {ttl} IN {rdtype} {data}"


def entry(record: str, rdtype: str, values: list[str], ttl: int) -> str:
    """What to enter, as a form asks for it and as lines of a zone file."""
    form = "".join(
        f"\n    name   {record}\n    type   {rdtype}\n    value  {value}\n    TTL    {ttl} (seconds)"
        for value in values
    )
    lines = "".join(f"\n    {line(record, rdtype, value, ttl)}" for value in values)
    return f"Enter this record where the zone is kept:{form}\n  the same for a zone file:{lines}"


def near_miss(record: str, rdtype: str, values: list[str]) -> str:
    """What stands there instead, "" where nothing near does."""
    wanted, view = values[0], View.from_environment()
    try:
        there = dns_view.values_by_servers(view, record, rdtype)
        domain = record.split(".", 1)[1]
        zone = dns_view.zone_of(view, domain)  # the one that a form appends, most likely
        twice = dns_view.values_by_servers(view, f"{record}.{zone}", rdtype)
    except (dns.exception.DNSException, OSError):
        return ""
    if twice:
        return f"the domain stands there twice: {record}.{zone}; enter the name without it"
    if rdtype == "TXT":
        return _near_text(wanted, there)
    if any(value.startswith(f"{wanted}.") for value in there):
        return f"the zone's name is appended to the value ({shown(there)}); end the value with a dot: {wanted}."
    if not there and (addresses := dns_view.values_by_servers(view, record, "A")):
        return f"addresses stand there ({shown(addresses)}), no CNAME; where the host has a proxy, switch it off for this record"
    return ""


def _near_text(wanted: str, there: frozenset[str]) -> str:
    if wanted in there:
        return f"other records stand beside it: {shown(there - {wanted})}; remove those of the same kind"
    for value in there:
        if value.strip('"') == wanted:
            return "the value stands in quotes within the quotes; enter it without any"
        if value.replace(" ", "").strip(";") == wanted.replace(" ", "").strip(";"):
            return f"blanks or semicolons differ: there stands {value!r}"
    return ""


async def create(inputs: dict[str, Any], wait: Wait) -> dict[str, Any]:
    """Say what to enter, and wait until it is there.

    :raises UserError: deadline passed, or cancelled.
    """
    record, rdtype, given = inputs["record"], inputs["type"], [str(value) for value in inputs["values"]]
    values = frozenset(compared(rdtype, given))
    plain = [value.rstrip(".") if rdtype == "CNAME" else value for value in given]
    ttl, told = int(inputs["ttl"]), False

    def reason() -> str | None:
        nonlocal told
        why = unpublished(record, rdtype, values)
        if why and not told:
            told = True
            wait.say(entry(record, rdtype, plain, ttl))
        return f"{why}. {near_miss(record, rdtype, given)}".rstrip(". ") if why else None

    # The status is all that is seen while it waits; the whole of `entry` stands among the diagnostics at the end.
    lines = "; ".join(line(record, rdtype, value, ttl) for value in plain)
    await wait.until(f"you to enter `{lines}`", reason, WAY_OUT)
    return {}


def read(state: dict[str, Any]) -> dict[str, Any]:
    """The state, with the values that the zone's servers answer now."""
    return record_seen.read(state)


async def delete(state: dict[str, Any], wait: Wait) -> None:
    """Wait until a person has removed it: what it leads to goes next.

    :raises UserError: deadline passed, or cancelled.
    """
    record, rdtype = state["record"], state["type"]
    ours = {*compared(rdtype, state["values"])}

    def reason() -> str | None:
        try:
            there = dns_view.values_by_servers(View.from_environment(), record, rdtype)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoRootSOA):
            return None  # the zone is gone, and the record with it
        except (dns.exception.DNSException, OSError) as error:
            return dns_view.reason(error)  # it may stand there still, and must not be left dangling
        left = there & ours
        return f"it is still answered: {shown(left)}" if left else None

    await wait.until(f"you to remove `{record}. IN {rdtype}`", reason, GONE_WAY_OUT)
