"""What files, archives and mails hold, within bounds: strangers made them.

| bound | of | what it stops |
|---|---|---|
| FILE | one file, or one mail of a mailbox | an endless file |
| UNPACKED | all that one file unpacks to, whatever is nested in it | bombs, and bombs in bombs |
| PARTS | all parts of one file | a thousand nothings |
| MEMBERS | one archive, one mail | the same, before it is unpacked |
| LINES, DEEP, FIELDS, HEADER, STRUCTURED | one mail | what the parser takes quadratic time for |
"""

import email
import io
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import Message
from email.policy import Compat32
from typing import BinaryIO

MIB = 1024 * 1024
FILE = 16 * MIB  # bytes
UNPACKED = 10 * MIB  # bytes
PARTS = 400
MEMBERS = 100
LINES = 300_000
DEEP = 3_000_000  # lines times parts: the parser asks every part above for the end of every line
FIELDS = 500  # of one header
HEADER = 64 * 1024  # bytes of one field of a mail's header
STRUCTURED = 2_000  # bytes of Content-Type and its kind
PLAIN = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # zipfile reads the other methods without a bound


class UnreadableError(ValueError):
    """Why something is no report."""


class SpentError(UnreadableError):
    """A file's budget is spent: nothing more is read of it."""


@dataclass
class Budget:
    """What one file may still unpack to."""

    left: int = UNPACKED  # bytes
    parts: int = PARTS

    def part(self) -> None:
        """One more part.

        :raises SpentError: that is too many.
        """
        self.parts -= 1
        if self.parts < 0:
            raise SpentError(f"holds more than {PARTS} parts")

    def take(self, data: bytes) -> bytes:
        """Unpacked data.

        :raises SpentError: that is too much.
        """
        self.left -= len(data)
        if self.left < 0:
            raise SpentError(f"unpacks to more than {UNPACKED} bytes")
        return data


def gunzip(data: bytes, budget: Budget) -> bytes:
    """The content of a gzip file (RFC 1952), which may have several members.

    :raises UnreadableError, zlib.error: it is none, or a bomb.
    """
    found = bytearray()
    for _ in range(MEMBERS):
        member = zlib.decompressobj(wbits=31)
        found += member.decompress(data, budget.left - len(found) + 1)
        if len(found) > budget.left:
            break
        if not member.eof:
            raise UnreadableError("can't be read: the gzip file ends in the middle")
        data = member.unused_data.lstrip(b"\0")
        if not data:
            return budget.take(bytes(found))
    else:
        raise UnreadableError(f"is a gzip file of more than {MEMBERS} members")
    return budget.take(bytes(found))


def members(data: bytes, budget: Budget) -> Iterator[tuple[str, bytes]]:
    """The files of a zip file: name and content, one at a time.

    :raises UnreadableError, zipfile.BadZipFile, RuntimeError, zlib.error, …: it is none, or a bomb.
    """
    count = data.count(b"PK\x01\x02")  # entries of its directory, before zipfile makes an object of each
    if count > MEMBERS:
        raise UnreadableError(f"holds {count} files")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for member in archive.infolist():
            if member.is_dir():
                continue
            if member.compress_type not in PLAIN:
                raise UnreadableError(f"is packed by method {member.compress_type}; only deflate is read")
            with archive.open(member) as file:
                yield member.filename[:200], budget.take(file.read(budget.left + 1))


class _Bounded(Compat32):
    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        """One field of a header.

        :raises UnreadableError: it is too long.
        """
        structured = sourcelines[0][:8].lower() == "content-"
        if sum(map(len, sourcelines)) > (STRUCTURED if structured else HEADER):
            raise UnreadableError(f"has a header field {sourcelines[0].partition(':')[0][:30]} that is too long")
        return super().header_source_parse(sourcelines)


BOUNDED = _Bounded()


def mail_parts(data: bytes) -> Iterator[tuple[str, bytes]]:
    """The attachments of a mail that may be reports (RFC 8460 5.3): name and content.

    :raises UnreadableError: there are none, or it is made to keep the parser busy.
    """
    lines = data.count(b"\n") + data.count(b"\r") - data.count(b"\r\n")
    if lines > LINES:
        raise UnreadableError(f"is no report: {lines} lines")
    found = False
    parts = min(MEMBERS, DEEP // max(lines, 1))
    for part in email.message_from_bytes(data, _counted(parts), policy=BOUNDED).walk():
        if part.is_multipart() or not _may_be_report(part):
            continue
        payload = part.get_payload(decode=True)
        if isinstance(payload, bytes) and payload:
            found = True
            yield str(part.get_filename() or part.get_content_type())[:200], payload
    if not found:
        raise UnreadableError("holds no report")


class _Part(Message):
    def set_raw(self, name: str, value: str) -> None:
        """One more header field.

        :raises UnreadableError: that is too many.
        """
        if len(self) >= FIELDS:
            raise UnreadableError(f"has more than {FIELDS} header fields")
        super().set_raw(name, value)


def _counted(most: int) -> Callable[..., _Part]:
    """What makes a mail's parts, so many at most."""
    left = most

    def make(policy: Compat32) -> _Part:
        nonlocal left
        left -= 1
        if left < 0:
            raise UnreadableError(f"is a mail of more than {most} parts")
        return _Part(policy=policy)

    return make


def _may_be_report(part: "Message[str, str]") -> bool:
    kind, name = part.get_content_type(), str(part.get_filename() or "").lower()
    return (
        kind.startswith("application/tlsrpt")
        or kind in ("application/gzip", "application/x-gzip", "application/zip", "application/json")
        or name.endswith((".json", ".gz", ".zip", ".json.gz"))
    )


def mails(file: BinaryIO) -> Iterator[bytes]:
    """The mails of an mbox file, one at a time.

    :returns: of a mail that is longer than FILE, so much that it can be seen to be.
    """
    mail, started, at_start = bytearray(), False, True
    for line in iter(lambda: file.readline(64 * 1024), b""):
        if at_start and line.startswith(b"From "):
            if started:
                yield bytes(mail)
            mail, started = bytearray(), True
        elif len(mail) <= FILE:
            mail += line
        at_start = line.endswith(b"\n")
    if started:
        yield bytes(mail)
