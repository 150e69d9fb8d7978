"""A policy that is served elsewhere moves in: who serves it, and the order that leaves senders with a policy.

A sender that knows the domain goes on following the policy it remembers, whatever it meets on the way, until its max_age
is over (RFC 8461 3.3). So what must not happen is a shorter or another policy: what is served now is written down first.
"""

from collections.abc import Iterator

from policy.places import policy_host, sts_record
from tools.setup.account import Site
from tools.setup.look import Seen

ADOPT = "docs/adopt.md"


def steps(seen: Seen, provider: str, site: Site | None) -> Iterator[str]:
    """What to do, in order, in place of a plain `pulumi up`.

    :param provider: where the domain's records go.
    :param site: the Static Web App of this subscription that serves the policy.
    """
    host, record = policy_host(seen.name), sts_record(seen.name)
    yield f"{seen.name} has a policy, served by {seen.policy_at or seen.record_at}. To move it in ({ADOPT}):"
    if site:
        yield f"`python -m tools.recover` in place of `pulumi up`: the app in the resource group {site.group} becomes this stack's"
        return
    if seen.ttl > 300:
        yield f"a day before: lower the TTL of {host} from {seen.ttl} to 300 s; the old host stays as it is"
    if seen.record_at:
        yield f"replace the CNAME {record} by the TXT record it leads to: {' | '.join(seen.record) or 'none found'}"
    if provider == "azure":
        first = "" if seen.alias or not seen.policy_at else f"remove the address records of {host}, then at once "
        yield f"{first}`python -m tools.recover` in place of `pulumi up`: it changes what stands there, the id last"
    elif provider == "manual":
        yield f"`pulumi up`; change {host} when it asks for that, and {record} when it asks for that"
    else:
        yield f"remove {host} and the TXT record {record}, then `pulumi up` at once"
    yield "keep the old host a week longer: resolvers may remember it"
