"""What DNSSEC and DANE make of a domain: both decide over its mail whatever its policy says (RFC 8461 2).

A sender that validates finds nothing where DNSSEC is broken. A sender with DANE defers mail for a server whose
certificate fits none of its TLSA records.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

import dns.exception
import dns.resolver

from checks.finding import ORDER, Finding, Level
from checks.look import Look, side_by_side, unchecked
from internet import dane as tlsa
from internet import dns_view, smtp, validated
from internet.signatures import State
from internet.smtp import Host
from internet.validated import Answer, Validator
from policy.places import policy_host, sts_record

MAIL_SERVERS = 20  # of one domain, that are tried; the large hosts have fewer
DEFER = "Correct the TLSA records first: senders with DANE defer mail, whatever the policy says (RFC 8461 2)"
BROKEN = (
    "Correct the DS record at the registrar, or the signatures; senders that validate get no answer (SERVFAIL)"
)


def probed(look: Look, host: str, port: int) -> Host:
    """What a mail server's addresses answer; each is tried once, whichever checks want to know.

    :raises dns.exception.DNSException, OSError: DNS gives no answer.
    """
    return look.shared(("smtp", host), partial(smtp.probe, look.shared.view, host, port))


def addresses(look: Look) -> list[dict[str, Any]]:
    """What is known by now of the addresses of its mail servers; see `Domain.servers`."""
    found: list[dict[str, Any]] = []
    if records := look.shared.known((look.name, "MX")):
        for host in sorted({dns_view.plain(mx.exchange) for mx in records.rdatas} or {look.name}):
            known: Host = look.shared.known(("smtp", host)) or Host()
            for server in known.servers:
                seen = {key: getattr(server, key) for key in ("address", "version", "cipher", "expires", "fault")}
                found.append({"host": host, **seen})
    return found


def _validator(look: Look) -> Validator:
    return Validator(look.shared.view, look.shared)


def _hosts(look: Look) -> list[str]:
    return [host for host in look.mail_hosts() if host and smtp.HOST.fullmatch(host)][:MAIL_SERVERS]


def dnssec(look: Look) -> Iterator[Finding]:
    """The names that senders ask for, validated from the root's keys (RFC 4035 5)."""
    validator, check, section = _validator(look), "dnssec", "RFC 4035 5"
    asked = [(look.name, "MX"), (sts_record(look.name), "TXT"), (policy_host(look.name), "A")]
    try:
        asked += [(host, kind) for host in _hosts(look) for kind in ("A", "AAAA")]
    except (dns.exception.DNSException, OSError):
        pass  # then the domain's own names tell why

    def ask(what: tuple[str, str]) -> Answer:
        try:
            return validator.records(*what)
        except (dns.exception.DNSException, OSError) as error:
            return Answer(State.UNKNOWN, f"DNS gives no answer ({dns_view.reason(error, look.view)})")

    told: dict[State, dict[str, list[str]]] = {}
    for (name, kind), answer in zip(asked, side_by_side(ask, asked), strict=True):
        names = told.setdefault(answer.state, {}).setdefault(answer.why, [])
        names.append(f"{name} {kind}")
    text = "; ".join(
        f"{state}: {', '.join(names) if len(names) < len(asked) else 'all names'}{f' ({why})' if why else ''}"
        for state in reversed(State)
        for why, names in told.get(state, {}).items()
    )
    if State.BOGUS in told:
        yield Finding(check, Level.FAIL, text, section, BROKEN)
    elif State.UNKNOWN in told:
        why = "; ".join(told[State.UNKNOWN]) if len(told) == 1 else text
        yield Finding(check, Level.UNCHECKED, why, section, "Try another --resolver")
    else:
        yield Finding(check, Level.PASS, f"{text}{_word(look, told)} (for information)", section)


def _word(look: Look, told: dict[State, dict[str, list[str]]]) -> str:
    """Whether the resolver says the same of the MX records; that alone is not believed."""
    if f"{look.name} MX" not in told.get(State.SECURE, {}).get("", []):
        return ""
    try:
        said = validated.says_so(look.view, look.name, "MX")
    except (dns.exception.DNSException, OSError):
        said = None
    return "; the resolver says so too (AD)" if said else "; the resolver doesn't say so (no AD)"


def dane(look: Look, port: int | None) -> Iterator[Finding]:
    """TLSA records against the certificates that the mail servers present (RFC 7672 2.2, 3).

    :param port: of the mail servers; None where they are left out.
    """
    validator = _validator(look)
    signed = validator.records(look.name, "MX").state == State.SECURE

    def one(host: str) -> Finding:
        try:
            return _dane(look, validator, host, port, signed)
        except (dns.exception.DNSException, OSError) as error:
            return unchecked(f"dane {host}", f"DNS gives no answer ({dns_view.reason(error, look.view)})")

    yield from side_by_side(one, _hosts(look))


def _dane(look: Look, validator: Validator, host: str, port: int | None, signed: bool) -> Finding:
    """One mail server.

    :param signed: whether it is named by MX records that are secure.
    :raises dns.exception.DNSException, OSError: DNS gives no answer.
    """
    check, section = f"dane {host}", "RFC 7672 2.2"
    addresses = [validator.records(host, kind) for kind in ("A", "AAAA")]
    worst = max(
        [answer for answer in addresses if answer.rdatas] or addresses,
        key=lambda answer: list(State).index(answer.state),
    )
    alias = next((answer.alias for answer in addresses if answer.alias), "")
    try:
        base, found = _records(validator, [alias, host] if alias and worst.state == State.SECURE else [host])
    except dns.resolver.NoNameservers:
        return _unanswered(host, worst.state)
    has = f"{host} has {len(found.rdatas)} TLSA record{'s' if len(found.rdatas) > 1 else ''}"
    if found.state == State.BOGUS and worst.state == State.SECURE:
        return Finding(check, Level.FAIL, f"{host}: its TLSA answer is bogus ({found.why})", section, BROKEN)
    if not found.rdatas:
        return Finding(check, Level.PASS, f"{host} has no TLSA record (for information)", section)
    for answer in (worst, found):
        if answer.state == State.INSECURE:
            text = f"{has}, of no effect without DNSSEC ({answer.why})"
            return Finding(check, Level.WARN, text, section, "Sign the zone, or take the TLSA records out")
    for answer in (worst, found):
        if answer.state != State.SECURE:
            return unchecked(
                check, f"{has}; whether senders can use them is not known ({answer.state}: {answer.why})"
            )
    if port is None:
        return unchecked(check, f"{has}, which were not compared: the mail servers are left out")
    names = list(dict.fromkeys([base, host, look.name]))
    level, text = _compared(probed(look, host, port), found, names)
    if level == Level.PASS and not signed:
        text += f"; the MX records of {look.name} are not secure, so DANE protects only from there on"
    way_out = {
        Level.FAIL: DEFER,
        Level.WARN: "Publish 3 1 1 records",
        Level.UNCHECKED: "Check from where mail is sent",
    }
    return Finding(check, level, f"{has}; {text}", section, way_out.get(level, ""))


def _unanswered(host: str, state: State) -> Finding:
    """The name servers answer, but not for TLSA records.

    :param state: of the mail server's addresses.
    """
    check, section = f"dane {host}", "RFC 7672 2.1.2"
    if state == State.INSECURE:
        text = (
            f"whether {host} has TLSA records is not known; without DNSSEC nobody goes by them (for information)"
        )
        return Finding(check, Level.PASS, text, section)
    if state == State.SECURE:
        text = f"the name servers of {host} don't answer for TLSA records; senders with DANE defer mail then"
        return Finding(check, Level.WARN, text, section, "Have them answer, be it that there is none")
    return unchecked(check, f"DNS gives no answer for TLSA records of {host}")


def _records(validator: Validator, bases: list[str]) -> tuple[str, Answer]:
    """The first of the names that has TLSA records, and these; the last where none has.

    :raises dns.exception.DNSException, OSError: DNS gives no answer.
    """
    for base in bases[:-1]:
        if (found := validator.records(f"_25._tcp.{base}", "TLSA")).rdatas:
            return base, found
    return bases[-1], validator.records(f"_25._tcp.{bases[-1]}", "TLSA")


def _compared(probed: Host, found: Answer, names: list[str]) -> tuple[Level, str]:
    """What a sender with DANE makes of all addresses that answered."""
    told: dict[tuple[Level, str], list[str]] = {}
    for server in probed.servers:
        if not server.connected or not server.decided:
            outcome = Level.UNCHECKED, server.fault
        elif not server.chain or server.version in smtp.OLD:
            outcome = Level.FAIL, f"there is no TLS that senders speak ({server.fault})"
        else:
            outcome = _fit(tlsa.compare(found.rdatas, server.chain, names))
        told.setdefault(outcome, []).append(server.address)
    if not told:
        return Level.UNCHECKED, probed.fault or "none of its addresses could be tried"
    answered = {outcome: addresses for outcome, addresses in told.items() if outcome[0] != Level.UNCHECKED}
    told = answered or told  # what can't be reached is told by `server`
    level = max((level for level, _ in told), key=ORDER.index)
    text = "; ".join(
        f"[{', '.join(addresses)}] {text}" if len(told) > 1 else text for (_, text), addresses in told.items()
    )
    return level, text


def _fit(fit: tlsa.Fit) -> tuple[Level, str]:
    idle = f"; passed over: {', '.join(fit.idle)}" if fit.idle else ""
    if fit.holds:
        beside = f"; these don't: {', '.join(fit.failing)}" if fit.failing else ""
        return Level.PASS, f"its certificate fits {', '.join(fit.fitting)}{beside}{idle}"
    if fit.counts:
        return Level.FAIL, f"its certificate fits none: {', '.join(fit.failing)}{idle}"
    return Level.WARN, f"no sender can use them: {', '.join(fit.idle)}"
