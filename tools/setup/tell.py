"""What a person reads of what was found: a few lines a domain, or one where there are many."""

from collections.abc import Iterator, Sequence

from checks.finding import Level
from tools.setup.look import Seen
from tools.setup.places import known

FEW = 3  # domains that are told of in several lines each


def found(seen: Sequence[Seen]) -> Iterator[str]:
    """Mail servers, zone, and what stands there already."""
    for each in seen:
        host = known(each)
        at = f"at {host.host}" if host else f"at a host not known here ({', '.join(each.served.name_servers[:2])})"
        mail, stands = f"{', '.join(each.mail)}; {_servers(each)}", _stands(each)
        if len(seen) > FEW:
            yield f"{each.name}: {mail}; {at}; {stands}"
        else:
            yield f"{each.name}: {mail}"
            yield f"  zone  {at}, DNSSEC: {each.signed}"
            reports = f"TLS reports to {', '.join(each.report_to)}" if each.report_to else "no TLS reports"
            yield f"  now   {stands}; {reports}"


def to_mend(seen: Sequence[Seen]) -> Iterator[str]:
    """What keeps domains from having MTA-STS, in the order in which it is mended."""
    for each in seen:
        if each.mend:
            yield f"{each.name} can't have MTA-STS yet. Mend this first, in this order, then run this again:"
            yield from (f"  {number}. {text}" for number, text in enumerate(each.mend, 1))


def _stands(seen: Seen) -> str:
    if seen.policy_at or seen.record_at:
        mode = f", mode {seen.policy.mode}" if seen.policy else ", but no valid policy"
        return f"MTA-STS by {seen.policy_at or seen.record_at}{mode}"
    return "a record _mta-sts, and no policy" if seen.record else "no MTA-STS yet"


def _servers(seen: Seen) -> str:
    counts = {level: sum(each.level == level for each in seen.servers) for level in Level}
    good = counts[Level.PASS] + counts[Level.WARN]
    if good == len(seen.servers):
        return f"{good} server{'s' if good > 1 else ''}, TLS and certificate{'s' if good > 1 else ''} in order"
    told = {"with TLS in order": good, "not checked": counts[Level.UNCHECKED], "at fault": counts[Level.FAIL]}
    return ", ".join(f"{count} {what}" for what, count in told.items() if count)
