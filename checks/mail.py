"""Whether a policy lets senders deliver to the domain's mail servers."""

from collections.abc import Iterable, Iterator

import dns.exception

from checks.finding import Finding, Level
from checks.look import Look, side_by_side
from internet import dns_view
from internet.address import Server
from policy import Mode, MxPattern, Policy

NAME_SERVERS = 26  # of one zone, that are asked
NULL_MX = "its MX record says that it takes no mail"
NO_MX = "it takes no mail: there is no MX record, so no mail server that a policy could name"


def against(look: Look, policy: Policy | None) -> Iterator[Finding]:
    """There are MX hosts, and each is allowed by the policy, where there is one (RFC 8461 4.1)."""
    hosts = look.mail_hosts()
    if not hosts or hosts == [""]:
        text, section = (NULL_MX, "RFC 7505") if hosts else (NO_MX, "RFC 5321 5.1")
        yield Finding("mx", Level.WARN, text, section, "Nothing, if that is so")
        return
    if policy is None:
        return
    for host in hosts:
        if policy.mode == Mode.NONE or policy.allows(host):
            yield Finding("mx", Level.PASS, f"the policy allows {host}", "RFC 8461 4.1")
        elif policy.mode == Mode.ENFORCE:
            text = f"no mx of its policy allows its mail server {host}; senders would refuse to deliver there"
            yield Finding("mx", Level.FAIL, text, "RFC 8461 4.1", hint(host, policy.mx))
        else:
            text = f"no mx of its policy allows its mail server {host}"
            yield Finding("mx", Level.WARN, text, "RFC 8461 4.1", hint(host, policy.mx))


def hint(host: str, patterns: Iterable[MxPattern]) -> str:
    """How to allow a host; a wildcard that covers one label less is named as that."""
    for pattern in patterns:
        rest = pattern.text.removeprefix("*.")
        if pattern.text.startswith("*.") and host.endswith(f".{rest}"):
            nearer = f"*.{host.partition('.')[2]}"
            return f"{pattern} covers exactly one label before {rest}, and {host} has more; add {nearer}"
    return f"Add {host} to mx, or take it out of the MX records"


def hosts_at_servers(look: Look) -> tuple[frozenset[str] | None, bool]:
    """The MX hosts as the zone's own name servers tell them, without a resolver's memory.

    :returns: all that some server tells, `""` for the null MX (RFC 7505), and whether every server tells the same.
        None where no server answers: that is never "no MX".
    """

    def ask(server: Server) -> frozenset[str] | None:
        try:
            records = dns_view.records_at(look.view, server, look.name, "MX")
        except (dns.exception.DNSException, OSError):
            return None
        return frozenset(dns_view.plain(record.exchange) for record in records.rdatas)

    try:
        servers = look.name_servers()
    except (dns.exception.DNSException, OSError):
        return None, False
    answers = side_by_side(ask, servers[:NAME_SERVERS])
    told = [answer for answer in answers if answer is not None]
    if not told:
        return None, False
    return frozenset[str]().union(*told), len(set(answers)) == 1 and len(servers) <= NAME_SERVERS
