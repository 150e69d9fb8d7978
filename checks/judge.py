"""From what was found to a finding: each function takes facts and judges them, without asking anybody."""

import time
from collections.abc import Mapping

from checks.finding import ORDER, Finding, Level
from internet import https, smtp
from policy import Mode, Policy, PolicyError
from policy.places import POLICY_PATH

DAY = 86_400  # seconds
SOON = 14  # days left of a certificate that is still fine
AZURE_RENEWS = "Azure renews by itself; see whether CAA records or the CNAME hinder it"
RENEW = "Renew the certificate; once it has expired, senders refuse to deliver"
SLOW = 5.0  # seconds
BLOCKED = "Outgoing port 25 is often blocked; check from where mail is sent"
NO_IPV6 = "Check from a machine that has IPv6"


def no_record(texts: list[str], error: PolicyError) -> str:
    """Why there is no usable record among the texts of `_mta-sts`; a near miss is named as that."""
    if any(text.startswith("v=STSv1;") for text in texts):
        return str(error)
    near = [text for text in texts if "stsv1" in text.lower()]
    if near:
        return f"{near[0]!r} doesn't begin with exactly `v=STSv1;`, so senders pass over it"
    return f"no record for MTA-STS; there is {' | '.join(texts)}" if texts else "there is no such record"


def answer(page: https.Page) -> Finding | None:
    """What is wrong with the answer itself (RFC 8461 3.3)."""
    section = "RFC 8461 3.3"
    if page.status in range(300, 400):
        text = f"answers {page.status}, a redirect to {page.location}, which senders must not follow"
        way_out = "Serve the policy itself there"
    elif page.status != 200:
        text = f"answers {page.status}; only 200 counts"
        way_out = f"Serve the policy at {POLICY_PATH}"
    elif page.media_type != "text/plain":
        text, section = f"the media type is {page.media_type or 'missing'}, not text/plain", "RFC 8461 3.2"
        way_out = "Serve .txt as text/plain"
    elif len(page.body) > https.LARGEST:
        text = f"the policy is larger than {https.LARGEST} bytes"
        way_out = "Make it smaller: wildcards in mx"
    else:
        return None
    return Finding("policy-host", Level.FAIL, text, section, way_out)


def host_answers(host: str, page: https.Page, expires: float | None, seconds: float) -> Finding:
    """The policy host answers as it should: how long its certificate lasts, and how long it took.

    :param expires: epoch seconds.
    """
    days = (expires - time.time()) / DAY if expires else None
    text = f"{host} answers 200, {page.media_type}, {len(page.body)} bytes in {seconds:.2f} s"
    text += f"; its certificate is valid for {days:.0f} more days" if days is not None else ""
    level, way_out = Level.PASS, ""
    if days is not None and days < SOON:
        level, way_out = Level.WARN, AZURE_RENEWS
    elif seconds > SLOW:
        level, way_out = Level.WARN, "Find out why it is slow; senders give up after a minute"
    return Finding("policy-host", level, text, "RFC 8461 3.3", way_out, expires=expires)


def advice(policy: Policy, body: bytes) -> list[Finding]:
    """The policy is valid; is it wise?"""
    text = f"mode {policy.mode}, max_age {policy.max_age} s, mx {', '.join(map(str, policy.mx)) or 'none'}"
    findings = [Finding("policy", Level.PASS, text, "RFC 8461 3.2")]

    def warn(text: str, section: str, way_out: str) -> None:
        findings.append(Finding("policy", Level.WARN, text, section, way_out))

    if policy.mode == Mode.ENFORCE and policy.max_age < DAY:
        text = f"max_age {policy.max_age} s protects for less than a day"
        warn(text, "RFC 8461 3.2", "Weeks are usual: max_age 1209600")
    if policy.mode == Mode.NONE and policy.max_age > 7 * DAY:
        text = f"max_age {policy.max_age} s is long for a policy that is leaving"
        warn(text, "RFC 8461 8.3", "Make it a day: max_age 86400")
    if body.replace(b"\r\n", b"").count(b"\n"):
        text = "lines end in LF, not CRLF; the RFC allows both, some senders don't"
        warn(text, "RFC 8461 3.2", "End every line in CRLF")
    elif not body.endswith(b"\n"):
        text = "the last line has no line end; the RFC allows that, some senders don't"
        warn(text, "RFC 8461 3.2", "End the last line in CRLF")
    return findings


def same_id(announced: str, served: str, wanted: str | None) -> Finding:
    """Whether the record names the policy that is served (RFC 8461 3.1, 8.1).

    :param announced: the record's id.
    :param served: the id that the served policy has where it is made by this program.
    :param wanted: the stack's, where that is known.
    """
    mend = "`pulumi refresh`, then `pulumi up`"
    if announced == served:
        return Finding("id", Level.PASS, "the id is the hash of the policy that is served", "RFC 8461 8.1")
    if wanted == announced or (wanted is None and len(announced) == len(served)):
        text = f"the id {announced} names another policy than the one that is served ({served})"
        return Finding("id", Level.FAIL if wanted else Level.WARN, text, "RFC 8461 8.1", mend)
    if wanted:
        return Finding("id", Level.FAIL, f"the id is {announced}, the stack's {wanted}", "RFC 8461 3.1", mend)
    text = f"the id {announced} is not made from the policy, so it says nothing about it"
    return Finding("id", Level.PASS, text, "RFC 8461 3.1")


def mail_server(host: str, found: smtp.Host) -> Finding:
    """Whether a sender that enforces would deliver to a mail server, whichever of its addresses it takes."""
    check, section = f"server {host}", "RFC 8461 4.2"
    mend = "Mend the server first: in enforce, senders refuse to deliver there"
    if found.fault:
        return Finding(check, Level.FAIL, f"{host} {found.fault}", section, mend)
    if not found.servers:
        text = f"{host} has IPv6 addresses alone, and this machine has no IPv6"
        return Finding(check, Level.UNCHECKED, text, section, NO_IPV6)
    reached = [server for server in found.servers if server.connected]
    if not reached:
        text = "; ".join(dict.fromkeys(server.fault for server in found.servers))
        return Finding(check, Level.UNCHECKED, text, section, BLOCKED)
    told: dict[tuple[Level, str, str], list[str]] = {}
    for server in found.servers:
        told.setdefault(_address(server), []).append(server.address)
    if found.silent:
        told[Level.UNCHECKED, found.silent, "Try again, or another --resolver"] = []
    worst = sorted(told, key=lambda outcome: -ORDER.index(outcome[0]))
    many = len({text for _, text, _ in told}) > 1
    text = "; ".join(f"{host}{_at(told[outcome]) if many else ''} {outcome[1]}" for outcome in worst)
    text += f"; {found.unasked} more addresses were not tried" if found.unasked else ""
    level, _, way_out = worst[0]
    ends = [server.expires for server in reached if server.expires]
    return Finding(check, level, text, section, way_out, expires=min(ends, default=None))


def _address(server: smtp.Server) -> tuple[Level, str, str]:
    """One address, where others of the same host answer: level, what to say, what to do."""
    if not server.connected:
        return Level.WARN, f"can't be reached there: {server.fault}", "Is it down? Senders may try this one first"
    if not server.decided:
        text = f"{server.fault}, so whether senders can deliver there is unknown"
        return Level.UNCHECKED, text, "Ask it again, and from elsewhere"
    if server.fault:
        return Level.FAIL, server.fault, "Mend the server first: in enforce, senders refuse to deliver there"
    days = (server.expires - time.time()) / DAY if server.expires else 0
    text = f"offers STARTTLS with {server.version}, {server.cipher}; its certificate is valid for {days:.0f} more days"
    if days < SOON:
        return Level.WARN, text, RENEW
    return Level.PASS, text, ""


def _at(addresses: list[str]) -> str:
    return f" [{', '.join(addresses)}]" if addresses else ""


def without_ipv6(hosts: Mapping[str, smtp.Host]) -> Finding | None:
    """What this machine can't try, said once; None where it can try everything."""
    beyond = {host: found.beyond for host, found in hosts.items() if found.beyond}
    if not beyond:
        return None
    told = ", ".join(f"{host}{_at(list(addresses))}" for host, addresses in beyond.items())
    return Finding(
        "ipv6", Level.UNCHECKED, f"this machine has no IPv6, so these were not tried: {told}", "", NO_IPV6
    )
