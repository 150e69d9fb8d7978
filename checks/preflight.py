"""What DNS says about a domain before anything is made: read only, side by side, under one deadline.

Nothing that is found here goes into a resource, so that previews stay the same for the same configuration. Names
that are about to be made are asked at the zone's own servers (`Look.published`): a resolver would remember that
there are none. To add a check, write a function that takes the look and the plan, and name it in `CHECKS`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import dns.resolver

from checks import mail
from checks.finding import Finding, Level
from checks.look import LATE, Check, Look, Shared, run
from internet import dns_view
from internet.view import View
from policy import Mode, Policy
from policy.places import policy_host, sts_record, tlsrpt_record
from settings.policies import Domain, PolicySettings

DEADLINE = 8.0  # seconds for everything
DOMAINS = 32  # at once
THREADS = 64  # for all domains together: most of what they do is this program's own work
SITES = (".azurestaticapps.net", ".azurefd.net")  # where hosts of ours lead: Static Web Apps, Front Door
ISSUER = "digicert.com"  # of Static Web Apps and of Front Door alike; Azure/static-web-apps 1447
ADOPT = "docs/adopt.md"


class Place(Protocol):
    """Where a domain's records go.

    `zone` is "" where a person enters them. `name_servers` serve it: without final dots, empty where they aren't
    known.
    """

    @property
    def zone(self) -> str: ...

    @property
    def name_servers(self) -> tuple[str, ...]: ...


@dataclass(frozen=True)
class Plan:
    """What a stack is about to make of a domain."""

    domain: Domain
    settings: PolicySettings

    @property
    def policy(self) -> Policy:
        """The policy that the domain will have."""
        return self.settings.policy


def mail_is_allowed(look: Look, plan: Plan) -> Iterator[Finding]:
    """Each MX host is allowed by the policy to come (RFC 8461 4.1)."""
    return mail.against(look, plan.policy) if plan.policy.mode != Mode.NONE else iter(())


def host_is_free(look: Look, plan: Plan) -> Iterator[Finding]:
    """mta-sts.<domain> isn't something else already."""
    host = policy_host(look.name)
    if alias := look.published(host, "A").alias:
        if not alias.endswith(SITES):
            way_out = (
                "If this stack made the record, it is put right after `pulumi refresh`; if not, Azure refuses to "
            )
            way_out += f"overwrite it: {ADOPT}"
            yield Finding("policy-host", Level.WARN, f"{host} leads to {alias} now", "", way_out)
        return
    addresses = _addresses(look, host)
    if addresses and not addresses & _addresses(look, _stray(look)):  # a wildcard would give way to the CNAME
        text = f"{host} is a host of its own ({', '.join(sorted(addresses))})"
        way_out = "A CNAME can't stand beside its address records, so remove them first"
        yield Finding("policy-host", Level.WARN, text, "RFC 1034 3.6.2", way_out)


def zone_is_delegated(look: Look, place: Place) -> Iterator[Finding]:
    """The zone is served where the records will go; wherever that is, when a person enters them."""
    planned = place.zone
    if not planned:
        return
    zone, actual = look.name, sorted(look.values(look.name, "NS"))
    if not actual:  # then the domain lies in a zone further up
        try:
            zone = dns_view.zone_of(look.view, look.name)
            actual = sorted(look.values(zone, "NS"))
        except dns.resolver.NoRootSOA:
            zone = ""
    waits = "its records are made all the same, and it waits by name until the delegation is there"
    servers = ", ".join(place.name_servers) or "those of the zone"
    if not zone or not f".{zone}".endswith(f".{planned}"):
        way_out = f"At its registrar, set the name servers {servers}. Until then {waits}"
        yield Finding("delegation", Level.WARN, f"the zone {planned} is not delegated", "RFC 1034 4.2.1", way_out)
    elif zone != planned:
        text = f"it is served from a zone of its own, {zone} ({', '.join(actual)}), not from {planned} where the "
        yield Finding("delegation", Level.WARN, f"{text}records would go", "", "Correct mta-sts:dns")
    elif place.name_servers and not set(actual) & set(place.name_servers):
        text = f"the zone {zone} is served by {', '.join(actual)}, but the records go to {servers}"
        yield Finding("delegation", Level.WARN, text, "", waits[0].upper() + waits[1:])


def record_is_free(look: Look, plan: Plan) -> Iterator[Finding]:
    """The record with the id can be made, and will be the only one (RFC 8461 3.1)."""
    owner, delegate_to = sts_record(look.name), plan.domain.delegate_to
    published = look.published(owner, "TXT")
    alias, texts = published.alias, published.values
    if alias and not delegate_to:
        text = f"{owner} is a CNAME to {alias}, so the TXT record can't be made"
        way_out = "Remove the CNAME first, set delegateTo where it leads to a domain of this stack, or leave this "
        way_out += "domain to whoever it leads to"
        yield Finding("record", Level.FAIL, text, "RFC 8461 8.2", way_out)
        return
    if delegate_to and texts and not alias:
        text = f"{owner} has TXT records ({' | '.join(sorted(texts))}), so the CNAME to {sts_record(delegate_to)} "
        text += "can't be made"
        way_out = "Remove them first, for which mode none isn't needed: senders keep their policy, and the CNAME "
        way_out += "tells them the same"
        yield Finding("record", Level.FAIL, text, "RFC 1034 3.6.2", way_out)
    elif sum(text.startswith("v=STSv1;") for text in texts) > 1:
        text = f"{owner} has several v=STSv1 records, which senders take for none: {' | '.join(sorted(texts))}"
        yield Finding("record", Level.WARN, text, "RFC 8461 3.1", "`pulumi refresh`, then `pulumi up` leaves one")


def report_record_is_free(look: Look, plan: Plan) -> Iterator[Finding]:
    """The record that says where reports go isn't somebody else's (RFC 8460 3)."""
    reports = plan.settings.tls_reports
    if not reports or plan.domain.adopt_tls_reports:
        return
    owner = tlsrpt_record(look.name)
    texts = look.published(owner, "TXT").values
    if texts and texts != [reports.render()] and texts != look.published(_stray(look), "TXT").values:
        way_out = "If this stack made it, it is updated; if not, it is never overwritten: take it over with "
        way_out += "adoptTlsReports: true at the domain (it then stays when the stack goes)"
        yield Finding("tls-reports", Level.WARN, f"{owner} is {' | '.join(texts)} now", "", way_out)


def issuer_is_allowed(look: Look, _: object = None) -> Iterator[Finding]:
    """The CAA records that count let the certificate's issuer in (RFC 8659 3)."""
    host = policy_host(look.name)
    labels = host.split(".")
    first = 0 if look.published(host, "A").exists else 1
    for name in (".".join(labels[at:]) for at in range(first, len(labels) - 1)):
        records = (look.published if name == host else look.records)(name, "CAA").rdatas
        if not records:
            continue
        issuers = [_issuer(caa.value) for caa in records if caa.tag.lower() == b"issue"]
        if issuers and ISSUER not in issuers:
            allowed = ", ".join(filter(None, issuers)) or "nobody"
            text = f"the CAA records of {name} allow {allowed}, and not {ISSUER}, which Azure's certificates "
            text += f"are of, to issue for {host}"
            level = Level.WARN if look.published(host, "A").alias else Level.FAIL
            yield Finding("caa", level, text, "RFC 8659 3", f'Add the record 0 issue "{ISSUER}"')
        return


CHECKS: dict[str, Callable[[Look, Plan], Iterator[Finding]]] = {
    "mx": mail_is_allowed,
    "policy-host": host_is_free,
    "record": record_is_free,
    "tls-reports": report_record_is_free,
    "caa": issuer_is_allowed,
}


class Preflight:
    """All domains' checks, begun at once: they run while it is asked elsewhere where the records go.

    :param deadline: seconds, for all together; as many for `finish`.
    """

    def __init__(self, plans: Sequence[Plan], view: View, deadline: float = DEADLINE) -> None:
        self._plans, self._view, self._deadline = plans, view, deadline
        self._shared = Shared(view.within(deadline))
        self._pool = ThreadPoolExecutor(min(DOMAINS, len(plans)) or 1, "preflight")
        self._begun = [self._pool.submit(self._look, plan) for plan in plans]

    def _look(self, plan: Plan) -> list[Finding]:
        def bound(check: Callable[[Look, Plan], Iterator[Finding]]) -> Check:
            return lambda look: check(look, plan)

        threads = max(1, THREADS // len(self._plans))
        return run(
            Look(plan.domain.name, self._shared), {name: bound(check) for name, check in CHECKS.items()}, threads
        )

    def finish(self, places: Mapping[str, Place]) -> tuple[list[str], list[str]]:
        """What was found, once it is known where the records go.

        :param places: by the domain's name.
        :returns: warnings, and errors that must stop the run, in the order of the plans.
        """
        shared = Shared(self._view.within(self._deadline))

        def delegated(plan: Plan) -> list[Finding]:
            place = places[plan.domain.name]

            def check(look: Look) -> Iterator[Finding]:
                return zone_is_delegated(look, place)

            return run(Look(plan.domain.name, shared), {"delegation": check}, threads=1)

        with self._pool:
            delegations = self._pool.map(delegated, self._plans)
            results = [future.result() + last for future, last in zip(self._begun, delegations, strict=True)]
        return _told({plan.domain.name: findings for plan, findings in zip(self._plans, results, strict=True)})


def _told(results: Mapping[str, list[Finding]]) -> tuple[list[str], list[str]]:
    """Warnings and errors; what wasn't checked is one line a domain, or one line in all."""
    warnings, errors, silent = list[str](), list[str](), dict[str, str]()
    for name, findings in results.items():
        for finding in findings:
            text = f"{name}: {finding.text}. {finding.way_out}"
            if finding.level == Level.UNCHECKED:
                if silent.get(name, LATE) == LATE:  # what kept it says more
                    silent[name] = finding.text
            elif finding.level != Level.PASS:
                (errors if finding.level == Level.FAIL else warnings).append(text)
    if results and len(silent) == len(results) and not warnings and not errors:
        return [f"preflight skipped: {next(iter(silent.values()))}"], []
    return warnings + [f"{name}: not wholly checked: {why}" for name, why in silent.items()], errors


def _addresses(look: Look, name: str) -> set[str]:
    ipv4 = look.published(name, "A")
    return {*ipv4.values, *(look.published(name, "AAAA").values if ipv4.exists else ())}


def _stray(look: Look) -> str:
    """A name that nobody has: what it answers comes from a wildcard (RFC 4592)."""
    return look.own("stray", lambda: dns_view.stray(look.name))


def _issuer(value: bytes) -> str:
    """`DigiCert.com; policy=ev` -> `digicert.com` (RFC 8659 4.2)."""
    return value.decode("ascii", "replace").partition(";")[0].strip().lower()
