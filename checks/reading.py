"""TLS reports (RFC 8460 4) out of whatever they came in: JSON, gzip, zip, mails, mbox, Maildir.

What a file is, is told by its content, never by its name. Reports come from strangers: nothing is unpacked or parsed
beyond a bound (unpacking.py), and what can't be read is counted and named, never fatal.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import accumulate
from pathlib import Path
from typing import Any, cast

from checks.unpacking import FILE, Budget, SpentError, UnreadableError, gunzip, mail_parts, mails, members

DEPTH = 3  # archives within mails within archives
JSON_DEPTH = 32  # objects and lists within each other; a report has 5
JSON_VALUES = 500_000
JSON = re.compile(rb"[\xef\xbb\xbf \t\r\n]*+[{\[]")
STRING = re.compile(r'"(?:[^"\\]++|\\.?)*+"?', re.DOTALL)
BRACKET = re.compile(r"[\[\]{}]")
Signer = Callable[[bytes], str]  # the domain that a mail was verifiably signed by and is from; "" for none


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

    :param sender: what it calls itself; anybody can write any name there.
    :param day: of the beginning of its range, in UTC.
    :param verified: the domain that signed the mail it came in; "" where nobody is known to have.
    """

    sender: str
    id: str
    day: date
    policies: tuple[PolicyPart, ...]
    verified: str = ""


@dataclass(frozen=True)
class Broken:
    """Something that is no readable report, and why."""

    where: str
    why: str


def nobody(_: bytes) -> str:
    """No mail is verified."""
    return ""


def read(paths: Iterable[Path], signer: Signer = nobody) -> Iterator[Report | Broken]:
    """Every report in files and folders, one at a time.

    :param signer: who signed a mail.
    :raises FileNotFoundError: a path that isn't there.
    """
    for path in paths:
        if not path.exists():
            raise FileNotFoundError(str(path))
        for file in _files(path):
            yield from _file(file, signer)


def _files(path: Path) -> Iterator[Path]:
    """A folder's files, deep; a Maildir's tmp/ holds mails that haven't arrived."""
    if not path.is_dir():
        yield path
        return
    maildir = (path / "cur").is_dir() and (path / "new").is_dir()
    for inner in sorted(path.iterdir()):
        if inner.is_symlink() or (maildir and inner.name == "tmp"):
            continue
        if inner.is_file() or inner.is_dir():  # a pipe or a device would never end
            yield from _files(inner)


def _file(path: Path, signer: Signer) -> Iterator[Report | Broken]:
    try:
        with path.open("rb") as file:
            start = file.read(5)
            if start != b"From ":
                data = start + file.read(FILE + 1)
                yield from read_bytes(data, str(path), signer)
                return
            file.seek(0)
            for number, mail in enumerate(mails(file), 1):
                yield from read_bytes(mail, f"{path}, mail {number}", signer)
    except (OSError, MemoryError) as error:
        yield Broken(str(path), _why(error))


def read_bytes(data: bytes, where: str, signer: Signer) -> Iterator[Report | Broken]:
    """Every report in one file's or mail's bytes; all of it shares one budget."""
    if len(data) > FILE:
        yield Broken(where, f"is larger than {FILE} bytes")
        return
    try:
        yield from _bytes(data, where, 0, Budget(), signer)
    except SpentError as error:
        yield Broken(where, str(error))


def _bytes(
    data: bytes, where: str, depth: int, budget: Budget, signer: Signer, verified: str = ""
) -> Iterator[Report | Broken]:
    """What some bytes hold.

    :param verified: who signed the mail around them; that vouches for all it holds.
    """
    try:
        if depth > DEPTH:
            raise UnreadableError("is packed too deep")
        if data[:2] == b"\x1f\x8b":
            inner = iter([("", gunzip(data, budget))])
        elif data[:4] == b"PK\x03\x04":
            inner = iter(list(members(data, budget)))  # all of it, or nothing of a bomb
        elif JSON.match(data):
            yield report(data, verified)
            return
        else:
            verified = verified or signer(data)
            inner = mail_parts(data)
        for name, content in inner:
            budget.part()
            yield from _bytes(content, f"{where}: {name}" if name else where, depth + 1, budget, signer, verified)
    except SpentError:
        raise
    except Exception as error:  # whatever strangers wrote, and whatever a parser says to it
        yield Broken(where, _why(error))


def report(data: bytes, verified: str = "") -> Report:
    """A report from its JSON, as senders write it: numbers as texts, lists as single values, parts left out.

    :raises UnreadableError, ValueError, TypeError, LookupError, OverflowError: it is none.
    """
    text = data.decode("utf-8-sig")  # RFC 8460 4 by RFC 7493 2.1
    _bounded(text)
    parsed: Any = json.loads(text)
    if not isinstance(parsed, dict) or "policies" not in parsed:
        raise UnreadableError("is JSON, but no TLS report: it has no policies")
    given = cast(dict[str, Any], parsed)
    begin = _map(given["date-range"])["start-datetime"]
    return Report(
        sender=_text(given.get("organization-name")) or _text(given.get("contact-info")) or "unknown",
        id=_text(given.get("report-id")),
        day=date.fromisoformat(str(begin)[:10]),
        policies=tuple(_policy(_map(policy)) for policy in _list(given["policies"])),
        verified=verified,
    )


def _bounded(text: str) -> None:
    """Depth and size, before the parser makes objects of it.

    :raises UnreadableError: it is too large.
    """
    if text.count("{") + text.count("[") <= JSON_DEPTH and text.count(",") <= JSON_VALUES:
        return  # as most are, and quickly seen
    bare = STRING.sub("", text)
    if sum(map(bare.count, "[{,}]")) > JSON_VALUES:
        raise UnreadableError(f"is JSON of more than {JSON_VALUES} values")
    brackets = BRACKET.findall(bare)
    if max(accumulate(1 if bracket in "[{" else -1 for bracket in brackets), default=0) > JSON_DEPTH:
        raise UnreadableError("is nested too deep")


def _policy(given: dict[str, Any]) -> PolicyPart:
    policy, summary = _map(given["policy"]), _map(given.get("summary") or {})
    return PolicyPart(
        type=_text(policy.get("policy-type")).lower(),
        domain=_text(policy.get("policy-domain")).lower().rstrip("."),
        good=_count(summary.get("total-successful-session-count")),
        bad=_count(summary.get("total-failure-session-count")),
        failures=tuple(_failure(_map(failure)) for failure in _list(given.get("failure-details"))),
    )


def _failure(given: dict[str, Any]) -> Failure:
    mx = _text(given.get("receiving-mx-hostname")) or _text(given.get("receiving-mx-helo"))
    return Failure(
        _text(given.get("result-type")).strip().lower(),
        mx.lower().rstrip("."),
        _count(given.get("failed-session-count")),
    )


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
    count = int(value)
    if not 0 <= count < 2**53:
        raise UnreadableError(f"has the number {str(value)[:20]}")
    return count


def _why(error: Exception) -> str:
    if isinstance(error, UnreadableError):
        return str(error)
    if isinstance(error, KeyError):
        return f"has no {error}"
    if isinstance(error, json.JSONDecodeError):
        return f"is no valid JSON ({error.msg}, line {error.lineno})"
    return f"can't be read ({type(error).__name__}: {str(error)[:80]})"
