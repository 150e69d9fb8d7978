"""TLS reports (RFC 8460 4) out of whatever they came in: JSON, gzip, zip, mails, mbox, Maildir.

What a file is, is told by its content, never by its name. Reports come from strangers: nothing is unpacked beyond a
bound, and what can't be read is counted and named, never fatal.
"""

import email
import email.message
import gzip
import io
import json
import mailbox
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, cast

LARGEST = 10 * 1024 * 1024  # bytes of one report, unpacked
MEMBERS = 100  # of one zip file
DEPTH = 3  # archives within mails within archives
BROKEN = (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError, EOFError,
          zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError, OverflowError)  # fmt: skip


class UnreadableError(ValueError):
    """Why something is no report."""


@dataclass(frozen=True)
class Failure:
    """One `failure-details` entry."""

    result: str
    mx: str
    sessions: int


@dataclass(frozen=True)
class PolicyPart:
    """One entry of `policies`.

    :param type: sts, tlsa or no-policy-found.
    """

    type: str
    domain: str
    good: int
    bad: int
    failures: tuple[Failure, ...]


@dataclass(frozen=True)
class Report:
    """One report.

    :param day: of the beginning of its range, in UTC.
    """

    sender: str
    id: str
    day: date
    policies: tuple[PolicyPart, ...]


@dataclass(frozen=True)
class Broken:
    """Something that is no readable report, and why."""

    where: str
    why: str


def read(paths: Iterable[Path]) -> Iterator[Report | Broken]:
    """Every report in files and folders, one at a time.

    :raises FileNotFoundError: a path that isn't there.
    """
    for path in paths:
        if not path.exists():
            raise FileNotFoundError(str(path))
        for file in _files(path):
            yield from _file(file)


def _files(path: Path) -> Iterator[Path]:
    """A folder's files, deep; a Maildir's tmp/ holds mails that haven't arrived."""
    if not path.is_dir():
        yield path
        return
    maildir = (path / "cur").is_dir() and (path / "new").is_dir()
    for each in sorted(path.iterdir()):
        if not (maildir and each.name == "tmp") and not each.is_symlink():
            yield from _files(each)


def _file(path: Path) -> Iterator[Report | Broken]:
    try:
        with path.open("rb") as file:
            start = file.read(5)
            if start == b"From ":
                yield from _mbox(path)
                return
            data = start + file.read(4 * LARGEST)
    except BROKEN as error:
        yield Broken(str(path), _why(error))
        return
    yield from _bytes(data, str(path), 0)


def _mbox(path: Path) -> Iterator[Report | Broken]:
    box = mailbox.mbox(path, create=False)
    try:
        for number, key in enumerate(box.iterkeys(), 1):
            where = f"{path}, mail {number}"
            try:
                data = box.get_bytes(key)
            except BROKEN as error:
                yield Broken(where, _why(error))
                continue
            yield from _bytes(data, where, 0)
    finally:
        box.close()


def _bytes(data: bytes, where: str, depth: int) -> Iterator[Report | Broken]:
    """What some bytes hold."""
    try:
        if depth > DEPTH:
            raise UnreadableError("is packed too deep")
        if data[:2] == b"\x1f\x8b":
            inner = [("", _gunzip(data))]
        elif data[:4] == b"PK\x03\x04":
            inner = list(_members(data))
        elif data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
            yield report(data)
            return
        else:
            inner = list(_parts(data))
    except BROKEN as error:
        yield Broken(where, _why(error))
        return
    for name, each in inner:
        yield from _bytes(each, f"{where}: {name}" if name else where, depth + 1)


def _gunzip(data: bytes) -> bytes:
    with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
        found = file.read(LARGEST + 1)
    if len(found) > LARGEST:
        raise UnreadableError(f"unpacks to more than {LARGEST} bytes")
    return found


def _members(data: bytes) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [each for each in archive.infolist() if not each.is_dir()]
        if len(members) > MEMBERS:
            raise UnreadableError(f"holds {len(members)} files")
        left = LARGEST
        for member in members:
            with archive.open(member) as file:
                found = file.read(left + 1)
            left -= len(found)
            if left < 0:
                raise UnreadableError(f"unpacks to more than {LARGEST} bytes")
            yield member.filename, found


def _parts(data: bytes) -> Iterator[tuple[str, bytes]]:
    """The attachments of a mail that may be reports (RFC 8460 5.3)."""
    mail = email.message_from_bytes(data)
    found = False
    for part in mail.walk():
        if part.is_multipart() or not _may_be_report(part):
            continue
        payload = part.get_payload(decode=True)
        if isinstance(payload, bytes) and payload:
            found = True
            yield str(part.get_filename() or part.get_content_type()), payload
    if not found:
        raise UnreadableError("holds no report")


def _may_be_report(part: email.message.Message) -> bool:
    kind, name = part.get_content_type(), str(part.get_filename() or "").lower()
    return (
        kind.startswith("application/tlsrpt")
        or kind in ("application/gzip", "application/x-gzip", "application/zip", "application/json")
        or name.endswith((".json", ".gz", ".zip", ".json.gz"))
    )


def report(data: bytes) -> Report:
    """A report from its JSON, as senders write it: numbers as texts, lists as single values, parts left out.

    :raises UnreadableError, ValueError, TypeError, KeyError, AttributeError, RecursionError: it is none.
    """
    found: Any = json.loads(data.decode("utf-8-sig", "replace") if data[:3] == b"\xef\xbb\xbf" else data)
    if not isinstance(found, dict) or "policies" not in found:
        raise UnreadableError("is JSON, but no TLS report: it has no policies")
    given = cast(dict[str, Any], found)
    begin = _map(given["date-range"])["start-datetime"]
    return Report(
        sender=_text(given.get("organization-name")) or _text(given.get("contact-info")) or "unknown",
        id=_text(given.get("report-id")),
        day=date.fromisoformat(str(begin)[:10]),
        policies=tuple(_policy(_map(each)) for each in _list(given["policies"])),
    )


def _policy(given: dict[str, Any]) -> PolicyPart:
    policy, summary = _map(given["policy"]), _map(given.get("summary") or {})
    return PolicyPart(
        type=_text(policy.get("policy-type")).lower(),
        domain=_text(policy.get("policy-domain")).lower().rstrip("."),
        good=_count(summary.get("total-successful-session-count")),
        bad=_count(summary.get("total-failure-session-count")),
        failures=tuple(_failure(_map(each)) for each in _list(given.get("failure-details"))),
    )


def _failure(given: dict[str, Any]) -> Failure:
    mx = _text(given.get("receiving-mx-hostname")) or _text(given.get("receiving-mx-helo"))
    return Failure(_text(given.get("result-type")).lower(), mx.lower().rstrip("."), _count(given.get("failed-session-count")))  # fmt: skip


def _map(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UnreadableError(f"has {type(value).__name__} where an object belongs")
    return cast(dict[str, Any], value)


def _list(value: object) -> list[Any]:
    if value is None:
        return []
    return cast(list[Any], value) if isinstance(value, list) else [value]


def _text(value: object) -> str:
    return value[:253] if isinstance(value, str) else ""


def _count(value: object) -> int:
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int | str | float):
        raise UnreadableError(f"has {type(value).__name__} where a number belongs")
    found = int(value)
    if not 0 <= found < 2**53:
        raise UnreadableError(f"has the number {str(value)[:20]}")
    return found


def _why(error: Exception) -> str:
    if isinstance(error, UnreadableError):
        return str(error)
    if isinstance(error, KeyError):
        return f"has no {error}"
    if isinstance(error, json.JSONDecodeError):
        return f"is no valid JSON ({error.msg}, line {error.lineno})"
    if isinstance(error, RecursionError):
        return "is nested too deep"
    return f"can't be read ({type(error).__name__}: {str(error)[:80]})"
