"""What DNS, mail servers and the web say about a domain, before anything is decided: read only.

Names that are about to be made are asked at the zone's own servers alone, as the preflight does: a resolver would
remember that there are none.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import dns.exception
import dns.resolver

import zones
from checks import domain as validator
from checks import preflight
from checks.finding import Finding, Level
from checks.look import Look, Shared
from internet import dns_view, dnssec
from internet.dns_view import Records
from internet.view import View
from policy import Policy, PolicyError, TlsRptRecord
from policy.places import policy_host, sts_record, tlsrpt_record
from tools.setup import providers
from zones import Served

SECONDS = 30.0  # for all that is asked of one domain
AT_ONCE = 16  # domains
NOTHING = Records()


@dataclass
class Seen:
    """One domain.

    :param wrong: why this is no domain to set up; then nothing else is known.
    :param mx: the MX hosts.
    :param servers: a finding for each of them.
    :param signed: the state of its zone's DNSSEC.
    :param record: the TXT records of `_mta-sts`; `record_at` is where a CNAME of that name leads.
    :param policy: what is served now, and `policy_at` where.
    :param report_to: where TLS reports go now.
    :param mend: what must be mended first, in this order.
    :param notes: what else to know.
    """

    name: str
    wrong: str = ""
    mx: tuple[str, ...] = ()
    servers: tuple[Finding, ...] = ()
    served: Served = field(default_factory=lambda: Served(""))
    signed: str = dnssec.Signed.UNKNOWN
    record: tuple[str, ...] = ()
    record_at: str = ""
    policy: Policy | None = None
    policy_at: str = ""
    alias: str = ""
    ttl: int = 0
    report_to: tuple[str, ...] = ()
    mend: list[str] = field(default_factory=list[str])
    notes: list[str] = field(default_factory=list[str])

    @property
    def mail(self) -> tuple[str, ...]:
        """Who runs the mail servers."""
        return tuple(dict.fromkeys(providers.mail_operator(host, self.name) for host in self.mx))

    @property
    def moves_in(self) -> bool:
        """Whether something is served or announced already."""
        return bool(self.policy_at or self.record_at)

    def json(self) -> dict[str, Any]:
        """For `--json`."""
        offer = zones.offer(self.served) if self.served.name_servers else None
        return {
            "name": self.name, "wrong": self.wrong, "mx": list(self.mx), "mail": list(self.mail),
            "servers": [{"level": each.level, "text": each.text} for each in self.servers],
            "zone": self.served.zone, "nameServers": list(self.served.name_servers),
            "dnsHost": offer.host if offer else "", "dns": dict(offer.dns) if offer else None, "dnssec": self.signed,
            "record": list(self.record), "recordAt": self.record_at, "policyAt": self.policy_at, "alias": self.alias,
            "policy": self.policy.render().decode() if self.policy else None, "reportsTo": list(self.report_to),
            "mend": self.mend, "notes": self.notes,
        }  # fmt: skip


def look_at(names: Sequence[str], view: View, smtp_port: int, done: Callable[[], object]) -> list[Seen]:
    """Look at domains side by side.

    :param done: called after each.
    """
    shared = Shared(view)

    def one(name: str) -> Seen:
        look = Look(name, shared)
        look.begin(SECONDS)
        try:
            return _domain(look, smtp_port)
        except (dns.exception.DNSException, OSError) as error:
            why = dns_view.reason(error, look.view)
            return Seen(name, f"DNS gives no answer for {name} ({why}); is the network there? MTA_STS_RESOLVER names another resolver")  # fmt: skip
        finally:
            done()

    with ThreadPoolExecutor(min(AT_ONCE, len(names)) or 1) as pool:
        return list(pool.map(one, names))


def _domain(look: Look, smtp_port: int) -> Seen:
    seen = Seen(look.name)
    look, broken = _answering(look)
    if not look.records(look.name, "MX").exists:
        seen.wrong = f"{look.name} does not exist in DNS; is it spelled so, and registered?"
        return seen
    seen.served = _served(look)
    hosts = look.mail_hosts()
    if hosts != [""] and not look.records(look.name, "MX").rdatas:
        zone = seen.served.zone
        above = f"; it lies in {zone}: did you mean that?" if zone not in ("", look.name) else ""
        seen.wrong = (
            f"{look.name} has no MX record, so no mail server that a policy could name{above or '; add one first'}"
        )
        return seen
    seen.mx = tuple(hosts)
    if hosts == [""]:
        seen.mx, seen.mend = (), ["its MX record is `.`, which says that it takes no mail (RFC 7505): MTA-STS is for domains that do"]  # fmt: skip
        return seen
    with ThreadPoolExecutor() as pool:
        signed = pool.submit(_dnssec, look, seen.served.zone, broken)
        servers = pool.submit(lambda: tuple(validator.mail_servers(look, smtp_port)))
        _what_stands(look, seen)
        caa = _caa(look)
        state, why = signed.result()
        seen.servers, seen.signed = servers.result(), state
    _to_mend(seen, why, caa)
    return seen


def _answering(look: Look) -> tuple[Look, str]:
    """A look that gets answers, and why the first one gets none though there are some: DNSSEC is broken."""
    try:
        look.records(look.name, "MX")
    except dns.resolver.NoNameservers as error:
        lax = Look(look.name, Shared(dnssec.without_validation(look.shared.view)))
        lax.begin(SECONDS)
        try:
            lax.records(look.name, "MX")
        except dns.exception.DNSException:
            raise error from None
        return lax, "the resolver refuses its answers, which don't validate"
    return look, ""


def _served(look: Look) -> Served:
    """The domain's zone, and who serves it."""
    zone = dns_view.zone_of(look.view, look.name)
    names = tuple(sorted(look.values(zone, "NS")))
    primary = ""
    if look.view.name_servers:
        first = look.view.name_servers[0]
        primary = first.address if first.port == 53 else f"{first.address}:{first.port}"
    else:
        with suppress(dns.exception.DNSException, IndexError):
            soa = look.records(zone, "SOA").rdatas
            primary = dns_view.addresses(look.view, dns_view.plain(soa[0].mname))[0]
    return Served(zone, names, primary)


def _dnssec(look: Look, zone: str, broken: str) -> tuple[dnssec.Signed, str]:
    if broken:
        return dnssec.Signed.BROKEN, broken
    try:
        return dnssec.of(look.view, zone, look.name_servers())
    except (dns.exception.DNSException, OSError) as error:
        return dnssec.Signed.UNKNOWN, dns_view.reason(error)


def _what_stands(look: Look, seen: Seen) -> None:
    """Record, policy and report record, as they are now."""

    def published(name: str, kind: str) -> Records:
        try:
            return look.published(name, kind)
        except (dns.exception.DNSException, OSError) as error:
            text = f"what stands at {name} is not known ({dns_view.reason(error)})"
            if not any(note.startswith("what stands at") for note in seen.notes):
                seen.notes.append(text)
            return NOTHING

    stray = published(dns_view.stray(look.name), "TXT").values
    record = published(sts_record(look.name), "TXT")
    seen.record_at = record.alias
    seen.record = tuple(text for text in record.values if "stsv1" in text.lower() and text not in stray)
    host = published(policy_host(look.name), "A")
    wild = published(dns_view.stray(look.name), "A")
    if (host.alias, host.values) != (wild.alias, wild.values) and (host.alias or host.rdatas):
        seen.alias = host.alias
        seen.ttl = published(policy_host(look.name), "CNAME").ttl if host.alias else host.ttl
        seen.policy_at = providers.policy_operator(host.alias, host.values)
        seen.policy = validator.served_policy(look)
    with suppress(PolicyError):
        seen.report_to = TlsRptRecord.find(published(tlsrpt_record(look.name), "TXT").values).rua


def _caa(look: Look) -> list[str]:
    """What CAA records shut out (RFC 8659)."""
    with suppress(dns.exception.DNSException, OSError):
        return [f"{finding.text}. {finding.way_out}" for finding in preflight.issuer_is_allowed(look)]
    return []


def _to_mend(seen: Seen, why: str, caa: Sequence[str]) -> None:
    """What keeps the domain from having MTA-STS, first what the rest depends on."""
    if seen.signed == dnssec.Signed.BROKEN:
        seen.mend.append(f"DNSSEC of {seen.served.zone} is broken ({why}), so many senders can't find its mail servers: correct the DS record at the registrar, or the signatures")  # fmt: skip
    for finding in seen.servers:
        if finding.level == Level.FAIL:
            seen.mend.append(f"{finding.text}: {_server_way_out(finding.text)}")
        elif finding.level != Level.PASS:
            seen.notes.append(f"{finding.text}. {finding.way_out}")
    seen.mend += caa


def _server_way_out(text: str) -> str:
    if "offers no STARTTLS" in text or "STARTTLS fails" in text:
        return "switch TLS on at that server, or take it out of the MX records"
    if "certificate" in text:
        return "give it a certificate for the name in the MX record, from a public authority"
    return "mend it, or take it out of the MX records"
