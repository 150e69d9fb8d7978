"""Sample TLS reports (RFC 8460 4.4) in a mailbox, as a domain in testing gets them: a fortnight of three senders.

Two of them sign with DKIM, by a key in the local DNS, so that their reports are verified; the third doesn't.
"""

import base64
import gzip
import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from typing import Any

import dkim
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from sandbox import graph
from sandbox.state import State

DAYS = 14
SELECTOR = "tlsrpt"
SIGNERS = "example.net"  # the zone of those who sign
SENDERS = (("Example Mail", f"mail.{SIGNERS}", 1800), ("Example Post", f"post.{SIGNERS}", 240), ("A small sender", "sender.example", 6))  # fmt: skip
PutRecord = Callable[[str, list[str]], None]  # a TXT record's name within SIGNERS, and its strings


def deliver(state: State, mailbox: str, domain: str, put: PutRecord) -> int:
    """The reports of the last fortnight, up to yesterday; those that came already don't come again.

    :param put: makes a record in the zone SIGNERS.
    :returns: how many came.
    """
    graph.make_mailbox(state, mailbox)
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    name = f"samples {mailbox.lower()} {domain}"
    came = state.optional(name)
    first = max(
        yesterday - timedelta(days=DAYS - 1), date.fromisoformat(came) + timedelta(days=1) if came else date.min
    )
    key = _key(state)
    public = (
        load_pem_private_key(key, None).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    )
    record = f"v=DKIM1; k=rsa; s=tlsrpt; p={base64.b64encode(public).decode()}"
    for _, sender, _ in SENDERS[:2]:
        label = sender.removesuffix(f".{SIGNERS}")
        put(f"{SELECTOR}._domainkey.{label}", [record[at : at + 255] for at in range(0, len(record), 255)])
    days = [first + timedelta(days=at) for at in range((yesterday - first).days + 1)]
    mails = [mail for day in days for mail in _mails(day, domain, mailbox, key)]
    graph.deliver(state, mailbox, *mails)
    state.set(name, yesterday)
    return len(mails)


def _mails(day: date, domain: str, mailbox: str, key: bytes) -> Iterator[bytes]:
    for at, (name, sender, sessions) in enumerate(SENDERS):
        stray = 1 if at == 0 and day.day == 13 else 0  # a stray failure, as there always is one
        report = _report(day, domain, name, sender, sessions + day.day, stray)
        mail = _mail(report, domain, sender, mailbox)
        if sender.endswith(SIGNERS):
            fields = [
                b"from",
                b"to",
                b"subject",
                b"date",
                b"message-id",
                b"tls-report-domain",
                b"tls-report-submitter",
            ]
            signature: bytes = dkim.sign(mail, SELECTOR.encode(), sender.encode(), key, canonicalize=(b"relaxed", b"relaxed"), include_headers=fields)  # fmt: skip
            mail = signature + mail
        yield mail


def _report(day: date, domain: str, name: str, sender: str, sessions: int, failed: int) -> dict[str, Any]:
    details = [{"result-type": "starttls-not-supported", "sending-mta-ip": "192.0.2.1", "receiving-mx-hostname": f"mail.{domain}",
                "receiving-ip": "192.0.2.2", "failed-session-count": failed}] if failed else []  # fmt: skip
    return {
        "organization-name": name,
        "date-range": {"start-datetime": f"{day}T00:00:00Z", "end-datetime": f"{day}T23:59:59Z"},
        "contact-info": f"tls-reports@{sender}",
        "report-id": f"{day}@{sender}",
        "policies": [
            {
                "policy": {
                    "policy-type": "sts",
                    "policy-string": ["version: STSv1", "mode: testing", f"mx: mail.{domain}", "max_age: 86400"],
                    "policy-domain": domain,
                    "mx-host": [f"mail.{domain}"],
                },
                "summary": {"total-successful-session-count": sessions, "total-failure-session-count": failed},
                "failure-details": details,
            }
        ],
    }


def _mail(report: dict[str, Any], domain: str, sender: str, mailbox: str) -> bytes:
    """RFC 8460 5.3."""
    id_, day = report["report-id"], report["report-id"].partition("@")[0]
    mail = EmailMessage()
    mail["From"], mail["To"] = f"tls-reports@{sender}", mailbox
    mail["Date"] = datetime.fromisoformat(f"{day}T00:30:00+00:00") + timedelta(days=1)
    mail["Message-ID"] = f"<{id_}>"
    mail["Subject"] = f"Report Domain: {domain} Submitter: {sender} Report-ID: <{id_}>"
    mail["TLS-Report-Domain"], mail["TLS-Report-Submitter"] = domain, sender
    mail["TLS-Required"] = "No"  # RFC 8689 4.2.1
    mail.set_content(f"This is an aggregate TLS report from {sender}.\n")
    data = gzip.compress(json.dumps(report).encode(), mtime=0)
    mail.add_attachment(data, "application", "tlsrpt+gzip", filename=f"{sender}!{domain}!{day}.json.gz")
    return mail.as_bytes().replace(b"\n", b"\r\n")


def _key(state: State) -> bytes:
    """The signers' key, as PEM; made once."""
    if not state.optional("report-key"):
        made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        state.set("report-key", made.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode())  # fmt: skip
    return state.setting("report-key").encode()
