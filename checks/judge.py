"""From what was found to a finding: each function takes facts and judges them, without asking anybody."""

import time

from checks.finding import Finding, Level
from internet import https, smtp
from policy import Mode, Policy, PolicyError
from policy.places import POLICY_PATH

DAY = 86_400  # seconds
SOON = 14  # days left of a certificate that is still fine
SLOW = 5.0  # seconds
BLOCKED = "Outgoing port 25 is often blocked; check from where mail is sent"


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
        level, way_out = Level.WARN, "Azure renews by itself; see whether CAA records or the CNAME hinder it"
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


def mail_server(host: str, server: smtp.Server) -> Finding:
    """Whether a sender that enforces would deliver to a mail server."""
    check, section = f"server {host}", "RFC 8461 4.2"
    if not server.connected:
        return Finding(check, Level.UNCHECKED, server.fault, section, BLOCKED)
    if not server.decided:
        text = f"{host} {server.fault}, so whether senders can deliver there is unknown"
        return Finding(check, Level.UNCHECKED, text, section, "Ask it again, and from elsewhere")
    if server.fault:
        way_out = "Mend the server first: in enforce, senders refuse to deliver there"
        return Finding(check, Level.FAIL, f"{host} {server.fault}", section, way_out)
    days = (server.expires - time.time()) / DAY if server.expires else 0
    text = f"{host} offers STARTTLS with {server.version}; its certificate is valid for {days:.0f} more days"
    if days < SOON:
        way_out = "Renew the certificate; once it has expired, senders refuse to deliver"
        return Finding(check, Level.WARN, text, section, way_out, expires=server.expires)
    return Finding(check, Level.PASS, text, section, expires=server.expires)
