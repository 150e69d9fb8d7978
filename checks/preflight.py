"""What DNS says about a domain before anything is made: read only, side by side, under one deadline.

Nothing that is found here goes into a resource, so that previews stay the same for the same configuration.
"""

import secrets
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any, Literal, cast

import dns.exception
import dns.resolver

from internet import dns_view
from internet.dns_view import plain
from internet.view import View
from policy import Mode, MxPattern, Policy, TlsRptRecord
from policy.places import policy_host, sts_record, tlsrpt_record

DEADLINE = 8.0  # seconds for everything
SITES = ".azurestaticapps.net"
ISSUER = "digicert.com"  # learn.microsoft.com/azure/static-web-apps/custom-domain; Azure/static-web-apps 1447


@dataclass(frozen=True)
class Domain:
    """A mail domain as it is configured.

    :param zone: where its records go; "" where a person enters them.
    :param delegated_to: the domain that its `_mta-sts` record leads to (RFC 8461 8.2).
    :param name_servers: the zone's, without trailing dots; empty where they aren't known.
    """

    name: str
    policy: Policy
    zone: str
    name_servers: tuple[str, ...] = ()
    tls_reports: TlsRptRecord | None = None
    adopts_tls_reports: bool = False
    delegated_to: str | None = None


@dataclass(frozen=True)
class Finding:
    """What would go wrong, and the way out. An error stops the run."""

    level: Literal["error", "warning"]
    text: str


def check(domains: Sequence[Domain], view: View, deadline: float = DEADLINE) -> list[Finding]:
    """Look at every domain.

    :param deadline: seconds, for all together.
    :returns: what was found, in the order of `domains`; one line that it was skipped where DNS can't be asked.
    """
    view = view.within(deadline)
    pool = ThreadPoolExecutor(min(64, max(1, len(domains) * 5)), "preflight")
    looks = [(domain, pool.submit(look, domain, view)) for domain in domains for look in LOOKS]
    wait([future for _, future in looks], deadline)
    pool.shutdown(wait=False, cancel_futures=True)
    findings: list[Finding] = []
    silent: dict[str, str] = {}
    for domain, future in looks:
        error = future.exception() if future.done() and not future.cancelled() else TimeoutError()
        if error is None:
            findings += future.result()
        elif isinstance(error, dns.exception.DNSException | OSError):
            silent.setdefault(domain.name, dns_view.reason(error, view))
        else:
            raise error
    if domains and len(silent) == len(domains) and not findings:
        return [Finding("warning", f"preflight skipped: DNS gives no answer ({next(iter(silent.values()))})")]
    return findings + [Finding("warning", f"{name}: not wholly checked ({why})") for name, why in silent.items()]


def lookup(name: str, rdtype: str, view: View) -> list[Any]:
    """The records of a name; empty where there are none.

    :raises dns.exception.DNSException, OSError: no answer.
    """
    found = dns_view.answer(view, name, rdtype)
    return list(cast(Iterable[Any], (found and found.rrset) or ()))


def mail_servers(domain: Domain, view: View) -> list[Finding]:
    """Each MX host is allowed by the policy (RFC 8461 4.1)."""
    if domain.policy.mode == Mode.NONE:
        return []
    hosts = sorted(plain(each.exchange) for each in lookup(domain.name, "MX", view))
    if hosts == [""]:
        return [Finding("warning", f"{domain.name}: its MX record says that it takes no mail (RFC 7505)")]
    if not hosts:
        if not lookup(domain.name, "A", view) and not lookup(domain.name, "AAAA", view):
            return [
                Finding("warning", f"{domain.name}: has no MX record, so no mail server that a policy could name")
            ]
        hosts = [domain.name]  # the implicit MX (RFC 5321 5.1)
    enforced = domain.policy.mode == Mode.ENFORCE
    return [
        Finding(
            "error" if enforced else "warning",
            f"{domain.name}: no mx of its policy allows its mail server {host}"
            f"{'; senders would refuse to deliver there' if enforced else ''}. {hint(host, domain.policy.mx)}",
        )
        for host in hosts
        if not domain.policy.allows(host)
    ]


def hint(host: str, patterns: Iterable[MxPattern]) -> str:
    """How to allow a host; a wildcard that covers one label less is named as that."""
    for pattern in patterns:
        rest = pattern.text.removeprefix("*.")
        if pattern.text.startswith("*.") and host.endswith(f".{rest}"):
            nearer = f"*.{host.partition('.')[2]}"
            return f"{pattern} covers exactly one label before {rest}, and {host} has more; add {nearer}"
    return f"Add {host} to mx, or take it out of the MX records"


def host_is_free(domain: Domain, view: View) -> list[Finding]:
    """mta-sts.<domain> isn't something else already."""
    host = policy_host(domain.name)
    target = [plain(each) for each in lookup(host, "CNAME", view)]
    if target and not target[0].endswith(SITES):
        return [Finding("warning", f"{host} leads to {target[0]} now. If this stack made the record, it is put right "
                        "after `pulumi refresh`; if not, Azure refuses to overwrite it: docs/adopt.md")]  # fmt: skip
    if target:
        return []
    found = {plain(each) for kind in ("A", "AAAA") for each in lookup(host, kind, view)}
    if not found:
        return []
    other = f"mta-sts-{secrets.token_hex(6)}.{domain.name}"
    if found & {plain(each) for kind in ("A", "AAAA") for each in lookup(other, kind, view)}:
        return []  # a wildcard, which the CNAME takes precedence over
    return [Finding("warning", f"{host} is a host of its own ({', '.join(sorted(found))}); a CNAME can't stand beside "
                    "its address records, so remove them first")]  # fmt: skip


def delegation(domain: Domain, view: View) -> list[Finding]:
    """The zone is served where the records will go; wherever that is, when a person enters them."""
    if not domain.zone:
        return []
    try:
        zone = dns_view.zone_of(view, domain.name)
    except dns.resolver.NoRootSOA:
        zone = ""
    waits = "its records are made all the same, and it waits by name until the delegation is there"
    servers = ", ".join(domain.name_servers) or "those of the zone"
    if not f".{zone}".endswith(f".{domain.zone}") or not zone:
        return [Finding("warning", f"{domain.name}: the zone {domain.zone} is not delegated; at its registrar, set the "
                        f"name servers {servers}. Until then {waits}")]  # fmt: skip
    actual = sorted(plain(each) for each in lookup(zone, "NS", view))
    if zone != domain.zone:
        return [Finding("warning", f"{domain.name} is served from a zone of its own, {zone} ({', '.join(actual)}), not "
                        f"from {domain.zone} where the records would go; correct mta-sts:dns")]  # fmt: skip
    if domain.name_servers and not set(actual) & set(domain.name_servers):
        return [Finding("warning", f"{domain.name}: the zone {zone} is served by {', '.join(actual)}, but the records go "
                        f"to {servers}; {waits}")]  # fmt: skip
    return []


def records(domain: Domain, view: View) -> list[Finding]:
    """No second `v=STSv1` record (RFC 8461 3.1), and no report record of somebody else's (RFC 8460 3)."""
    owner = sts_record(domain.name)
    found: list[Finding] = []
    alias = [plain(each) for each in lookup(owner, "CNAME", view)]
    if alias and not domain.delegated_to:
        return [Finding("error", f"{owner} is a CNAME to {alias[0]}, so the TXT record can't be made; remove the CNAME "
                        "first, set delegateTo where it leads to a domain of this stack, or leave this domain to whoever "
                        "it leads to (RFC 8461 8.2)")]  # fmt: skip
    texts = [plain(each) for each in lookup(owner, "TXT", view)]
    if domain.delegated_to and texts and not alias:
        found.append(Finding("error", f"{owner} has TXT records ({' | '.join(sorted(texts))}), so the CNAME to _mta-sts."
                             f"{domain.delegated_to} can't be made; remove them first, for which mode none isn't needed: "
                             "senders keep their policy, and the CNAME tells them the same"))  # fmt: skip
    elif sum(text.startswith("v=STSv1;") for text in texts) > 1:
        found.append(Finding("warning", f"{owner} has several v=STSv1 records, which senders take for none: "
                             f"{' | '.join(sorted(texts))}. `pulumi refresh`, then `pulumi up` leaves one"))  # fmt: skip
    if domain.tls_reports and not domain.adopts_tls_reports:
        owner, wanted = tlsrpt_record(domain.name), domain.tls_reports.render()
        there = [plain(each) for each in lookup(owner, "TXT", view)]
        other = f"mta-sts-{secrets.token_hex(6)}.{domain.name}"
        if there and there != [wanted] and there != [plain(each) for each in lookup(other, "TXT", view)]:
            found.append(Finding("warning", f"{owner} is {' | '.join(there)} now. If this stack made it, it is updated; if "
                                 "not, it is refused to be overwritten: take it over with adoptTlsReports: true at the "
                                 "domain (it then stays when the stack goes)"))  # fmt: skip
    return found


def issuers(domain: Domain, view: View) -> list[Finding]:
    """The CAA records that count let the certificate's issuer in (RFC 8659 3)."""
    host = policy_host(domain.name)
    labels = host.split(".")
    for at in range(len(labels) - 1):
        name = ".".join(labels[at:])
        found = lookup(name, "CAA", view)
        if not found:
            continue
        allowed = [str(each.value.decode("ascii", "replace")).partition(";")[0].strip().lower()
                   for each in found if each.tag.lower() == b"issue"]  # fmt: skip
        if not allowed or ISSUER in allowed:
            return []
        exists = bool(lookup(host, "CNAME", view))
        return [Finding("warning" if exists else "error",
                        f"{host}: the CAA records of {name} allow {', '.join(filter(None, allowed)) or 'nobody'}, and not "
                        f'{ISSUER}, which issues for Static Web Apps; add the record 0 issue "{ISSUER}"')]  # fmt: skip
    return []


LOOKS = (mail_servers, host_is_free, delegation, records, issuers)
