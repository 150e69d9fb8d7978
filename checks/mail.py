"""Whether a policy lets senders deliver to the domain's mail servers."""

from collections.abc import Iterable, Iterator

from checks.finding import Finding, Level
from checks.look import Look
from policy import Mode, MxPattern, Policy

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
