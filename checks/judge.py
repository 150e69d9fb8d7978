"""From what was found to a line: each function takes facts and judges them, without asking anybody."""

import time

from checks.finding import Level, Line
from checks.preflight import hint
from internet import https, smtp
from policy import Mode, Policy, PolicyError
from policy.places import POLICY_PATH

DAY = 86_400  # seconds
SOON = 14  # days left of a certificate that is still fine
SLOW = 5.0  # seconds


def no_record(texts: list[str], error: PolicyError) -> str:
    """Why there is no usable record among the texts of `_mta-sts`; a near miss is named as that."""
    if any(text.startswith("v=STSv1;") for text in texts):
        return str(error)
    near = [text for text in texts if "stsv1" in text.lower()]
    if near:
        return f"{near[0]!r} doesn't begin with exactly `v=STSv1;`, so senders pass over it"
    return f"no record for MTA-STS; there is {' | '.join(texts)}" if texts else "there is no such record"


def answer(page: https.Page) -> Line | None:
    """What is wrong with the answer itself (RFC 8461 3.3)."""
    if page.status in range(300, 400):
        return Line("policy-host", Level.FAIL, f"answers {page.status}, a redirect to {page.location}, which senders must not follow", "RFC 8461 3.3", "Serve the policy itself there")  # fmt: skip
    if page.status != 200:
        return Line("policy-host", Level.FAIL, f"answers {page.status}; only 200 counts", "RFC 8461 3.3", f"Serve the policy at {POLICY_PATH}")  # fmt: skip
    if page.media_type != "text/plain":
        return Line("policy-host", Level.FAIL, f"the media type is {page.media_type or 'missing'}, not text/plain", "RFC 8461 3.2", "Serve .txt as text/plain")  # fmt: skip
    if len(page.body) > https.LARGEST:
        return Line("policy-host", Level.FAIL, f"the policy is larger than {https.LARGEST} bytes", "RFC 8461 3.3", "Make it smaller: wildcards in mx")  # fmt: skip
    return None


def host_line(host: str, page: https.Page, expires: float | None, seconds: float) -> Line:
    """The policy host answers as it should: how long its certificate lasts, and how long it took.

    :param expires: epoch seconds.
    """
    days = (expires - time.time()) / DAY if expires else None
    text = f"{host} answers 200, {page.media_type}, {len(page.body)} bytes in {seconds:.2f} s"
    text += f"; its certificate is valid for {days:.0f} more days" if days is not None else ""
    if days is not None and days < SOON:
        return Line("policy-host", Level.WARN, text, "RFC 8461 3.3", "Azure renews by itself; see whether CAA records or the CNAME hinder it")  # fmt: skip
    if seconds > SLOW:
        return Line("policy-host", Level.WARN, text, "RFC 8461 3.3", "Find out why it is slow; senders give up after a minute")  # fmt: skip
    return Line("policy-host", Level.PASS, text, "RFC 8461 3.3")


def advice(policy: Policy, body: bytes) -> list[Line]:
    """The policy is valid; is it wise?"""
    text = f"mode {policy.mode}, max_age {policy.max_age} s, mx {', '.join(map(str, policy.mx)) or 'none'}"
    lines = [Line("policy", Level.PASS, text, "RFC 8461 3.2")]
    if policy.mode == Mode.ENFORCE and policy.max_age < DAY:
        lines.append(Line("policy", Level.WARN, f"max_age {policy.max_age} s protects for less than a day", "RFC 8461 3.2", "Weeks are usual: max_age 1209600"))  # fmt: skip
    if policy.mode == Mode.NONE and policy.max_age > 7 * DAY:
        lines.append(Line("policy", Level.WARN, f"max_age {policy.max_age} s is long for a policy that is leaving", "RFC 8461 8.3", "Make it a day: max_age 86400"))  # fmt: skip
    if body.replace(b"\r\n", b"").count(b"\n"):
        lines.append(Line("policy", Level.WARN, "lines end in LF, not CRLF; the RFC allows both, some senders don't", "RFC 8461 3.2", "End every line in CRLF"))  # fmt: skip
    elif not body.endswith(b"\n"):
        lines.append(Line("policy", Level.WARN, "the last line has no line end; the RFC allows that, some senders don't", "RFC 8461 3.2", "End the last line in CRLF"))  # fmt: skip
    return lines


def allowed(policy: Policy, host: str) -> Line:
    """Whether the policy lets a sender deliver to an MX host."""
    if policy.mode == Mode.NONE or policy.allows(host):
        return Line("mx", Level.PASS, f"{host} is allowed by the policy", "RFC 8461 4.1")
    level = Level.FAIL if policy.mode == Mode.ENFORCE else Level.WARN
    return Line("mx", level, f"{host} is allowed by no mx of the policy", "RFC 8461 4.1", hint(host, policy.mx))


def server_line(host: str, server: smtp.Server) -> Line:
    """Whether a sender that enforces would deliver to a mail server."""
    check = f"server {host}"
    if not server.connected:
        return Line(check, Level.UNCHECKED, server.fault, "RFC 8461 4.2", "Outgoing port 25 is often blocked; check from where mail is sent")  # fmt: skip
    if server.fault:
        return Line(check, Level.FAIL, f"{host} {server.fault}", "RFC 8461 4.2", "Mend the server first: in enforce, senders refuse to deliver there")  # fmt: skip
    days = (server.expires - time.time()) / DAY if server.expires else 0
    text = f"{host} offers STARTTLS with {server.version}; its certificate is valid for {days:.0f} more days"
    if days < SOON:
        return Line(check, Level.WARN, text, "RFC 8461 4.2", "Renew the certificate; once it has expired, senders refuse to deliver")  # fmt: skip
    return Line(check, Level.PASS, text, "RFC 8461 4.2")
