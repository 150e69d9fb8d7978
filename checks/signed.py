"""Who sent a report: the domain whose DKIM signature (RFC 6376) the mail carries.

RFC 8460 3 wants reports by mail to be signed by the reporting domain, without `l=`. A signature says which domain the
mail is from, not that the domain is honest or large. It counts where

1. it is valid, made with SHA-256 and a key of 1024 bits or more, covers From, and has no `l=`;
2. From is of the same domain, or one above or below it: who forwards mail signs it too.

Keys are asked from DNS; those of old mails may be gone. So the user's own server can be believed in their place: its
Authentication-Results (RFC 8601), known by the authserv-id it writes there.
"""

import email
import email.utils
import logging
import re
import time
from collections.abc import Callable
from email.message import Message
from importlib import import_module
from typing import Any, cast

import dns.exception

from checks.unpacking import BOUNDED
from internet import dns_view
from internet.view import View

SIGNED = 4 * 1024 * 1024  # bytes of a mail whose signature is looked at
HEADERS = 200_000  # bytes, and
FIELDS = 2_000  # lines of all its header fields
SIGNATURE = 4_000  # bytes of one signature
KEY = 1_500  # bytes of a key's record: RSA of 8192 bits; a larger one takes minutes
BLANKS = 200  # of a line's end: canonicalizing takes quadratic time
TRIES = 4  # signatures of one mail
ANSWER = 5.0  # seconds for one question
PATIENCE = 30.0  # seconds for all questions about keys that aren't answered
SILENT = logging.getLogger("checks.signed")
SILENT.addHandler(logging.NullHandler())
SILENT.propagate = False

Keys = Callable[[str], bytes | None]
PASSED = re.compile(r"\s*dkim\s*=\s*pass(?![^\s])(.*)", re.DOTALL)  # RFC 8601 2.2
DOMAIN = re.compile(r"\sheader\.(?:d\s*=\s*|i\s*=\s*[^\s@]*@)([a-z0-9._-]+)(?!\S)")


class Signatures:
    """Tells who signed mails.

    :param keys: a key's record; None where there is none.
    :param authserv_id: of the user's own server, whose Authentication-Results are believed; DNS isn't asked then.
    """

    def __init__(self, keys: Keys, authserv_id: str = "") -> None:
        self.authserv_id = authserv_id.lower()
        self.unanswered = 0
        self._ask = keys
        self._keys: dict[str, bytes | None] = {}
        self._left = PATIENCE

    def of(self, mail: bytes) -> str:
        """The domain that a mail is signed by and from; "" where that can't be verified."""
        head = mail[:HEADERS]
        named = b"authentication-results" if self.authserv_id else b"dkim-signature"
        if named not in head.lower():
            return ""
        end = re.search(rb"\n\r?\n", head)
        if not end or head.count(b"\n", 0, end.start()) > FIELDS:
            return ""
        header = email.message_from_bytes(head[: end.start() + 1], policy=BOUNDED)
        sender = _from(header)
        if not sender:
            return ""
        domains = self._told(header) if self.authserv_id else self._signed(mail, end.end())
        return next((domain for domain in domains if _aligned(domain, sender)), "")

    def _told(self, header: "Message[str, str]") -> list[str]:
        """What the user's server said: the topmost field of its name, since others may be the stranger's."""
        for value in header.get_all("Authentication-Results", []):
            first, *results = _results(str(value))
            if first.split()[:1] == [self.authserv_id]:
                passed = [match[1] for match in map(PASSED.fullmatch, results) if match]
                return [match[1] for match in map(DOMAIN.search, passed) if match]
        return []

    def _signed(self, mail: bytes, body: int) -> list[str]:
        if len(mail) > SIGNED or b" " * BLANKS in mail[body:].replace(b"\t", b" "):
            return []
        dkim: Any = import_module("dkim")
        domains: list[str] = []
        try:
            signed = dkim.DKIM(mail, logger=SILENT, minkey=1024, tlsrpt=True)
            fields = cast(list[tuple[bytes, bytes]], signed.headers)
            signatures = [value for name, value in fields if name.lower() == b"dkim-signature"]
            for index, value in enumerate(signatures[:TRIES]):
                tags: dict[bytes, bytes] = dkim.util.parse_tag_value(value[:SIGNATURE])
                covered = [name.strip().lower() for name in tags.get(b"h", b"").split(b":")]
                if (
                    len(value) > SIGNATURE
                    or b"l" in tags
                    or tags.get(b"a") == b"rsa-sha1"
                    or b"from" not in covered
                ):
                    continue
                if signed.verify(index, dnsfunc=self._key):
                    domains.append(tags[b"d"].decode("ascii").lower())
        except Exception:  # noqa: S110, RUF100 - whatever strangers wrote, and whatever dkimpy says to it
            pass
        return domains

    def _key(self, name: bytes, timeout: float = ANSWER) -> bytes | None:
        """For dkimpy."""
        asked = name.decode("ascii").lower()
        if asked not in self._keys:
            if self._left <= 0:
                self.unanswered += 1
                return None
            started = time.monotonic()
            try:
                self._keys[asked] = self._ask(asked)
            except dns.exception.DNSException:
                self._keys[asked] = None
                self.unanswered += 1
            self._left -= time.monotonic() - started
        record = self._keys[asked]
        return record if record and len(record) <= KEY else None


def key_record(view: View, name: str) -> bytes | None:
    """A key's record (RFC 6376 3.6.2.2): the only one of its name.

    :raises dns.exception.DNSException: no usable answer.
    """
    records = [b"".join(rdata.strings) for rdata in dns_view.lookup(view.within(ANSWER), name, "TXT").rdatas]
    return records[0] if len(records) == 1 else None


def _from(header: "Message[str, str]") -> str:
    """The domain of the one address in From; "" where there is another number of them."""
    fields = [str(field) for field in header.get_all("From", [])]
    addresses = email.utils.getaddresses(fields)
    if len(fields) != 1 or len(addresses) != 1:
        return ""
    return addresses[0][1].rpartition("@")[2].lower().rstrip(".")


def _aligned(domain: str, sender: str) -> bool:
    return domain == sender or sender.endswith(f".{domain}") or domain.endswith(f".{sender}")


def _results(text: str) -> list[str]:
    """A field's parts between semicolons, without comments and quoted strings: strangers' words stand in these."""
    parts, depth, quoted, escaped = [""], 0, False, False
    for sign in text.lower():
        if escaped:
            escaped = False
        elif sign == "\\" and (quoted or depth):
            escaped = True
        elif quoted:
            quoted = sign != '"'
        elif sign in "()":
            depth = max(0, depth + (1 if sign == "(" else -1))
        elif depth:
            continue
        elif sign == '"':
            quoted = True
        elif sign == ";":
            parts.append("")
        else:
            parts[-1] += sign
    return parts
