"""TLS reports as large senders write them (RFC 8460 4.4), and mails around them."""

import gzip
import io
import json
import zipfile
from datetime import date, timedelta
from email.message import EmailMessage
from typing import Any

DAY = date(2026, 3, 1)


def report(
    at: int = 0,
    day: int = 0,
    domain: str = "example.org",
    good: int = 100,
    failures: tuple[tuple[str, str, int], ...] = (),
    sender: str = "Sender Inc.",
    type: str = "sts",
) -> dict[str, Any]:
    """One report; failures are (result type, MX host, sessions)."""
    when = DAY + timedelta(days=day)
    return {
        "organization-name": sender,
        "date-range": {"start-datetime": f"{when}T00:00:00Z", "end-datetime": f"{when}T23:59:59Z"},
        "contact-info": "mailto:tls@sender.example",
        "report-id": f"{when}_{at}",
        "policies": [
            {
                "policy": {
                    "policy-type": type,
                    "policy-string": ["version: STSv1", "mode: testing"],
                    "policy-domain": domain,
                    "mx-host": ["mail.example.org"],
                },
                "summary": {
                    "total-successful-session-count": good,
                    "total-failure-session-count": sum(count for _, _, count in failures),
                },
                "failure-details": [
                    {
                        "result-type": result,
                        "sending-mta-ip": "192.0.2.1",
                        "receiving-mx-hostname": mx,
                        "receiving-ip": "192.0.2.2",
                        "failed-session-count": count,
                    }
                    for result, mx, count in failures
                ],
            }
        ],
    }


def text(given: dict[str, Any]) -> bytes:
    return json.dumps(given).encode()


def zipped(**files: bytes) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return data.getvalue()


def mail(payload: bytes, kind: str = "tlsrpt+gzip", name: str = "report.json.gz") -> bytes:
    """As RFC 8460 5.3 has it."""
    made = EmailMessage()
    made["From"], made["To"] = "tls@sender.example", "tls-reports@example.org"
    made["Subject"] = "Report Domain: example.org Submitter: sender.example Report-ID: <1@sender.example>"
    made["TLS-Report-Domain"], made["TLS-Report-Submitter"] = "example.org", "sender.example"
    made.set_content("This is an aggregate TLS report from sender.example")
    made.add_attachment(payload, "application", kind, filename=name)
    return made.as_bytes()


def gzipped(given: dict[str, Any]) -> bytes:
    return gzip.compress(text(given))
