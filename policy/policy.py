"""The policy itself, `.well-known/mta-sts.txt` (RFC 8461 3.2)."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from policy.errors import PolicyError
from policy.mx import MxPattern

MAX_AGE_LIMIT = 31_557_600  # seconds: a year (RFC 8461 3.2)
LARGEST = 64 * 1024  # bytes a sender need accept (RFC 8461 3.3)
SECTION = "RFC 8461 3.2"

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}\Z")
VALUE = re.compile(
    r"[^\x00-\x20\x7f\ud800-\udfff](?:[^\x00-\x1f\x7f\ud800-\udfff]*[^\x00-\x20\x7f\ud800-\udfff])?\Z"
)
KNOWN = ("version", "mode", "max_age", "mx")


class Mode(StrEnum):
    """What a sender does when a mail server fails the policy (RFC 8461 5)."""

    ENFORCE = "enforce"  # doesn't deliver there
    TESTING = "testing"  # delivers, and reports
    NONE = "none"  # forgets the policy


@dataclass(frozen=True)
class Policy:
    """A valid policy.

    :param mode: see Mode.
    :param max_age: seconds a sender may remember it, 0 to 31557600.
    :param mx: the allowed MX hosts, at least one unless mode is none; kept sorted and without repetition,
        since neither order nor repetition means anything.
    :param extensions: further fields, name and value; senders ignore them.
    :raises PolicyError: anything else.
    """

    mode: Mode
    max_age: int
    mx: tuple[MxPattern, ...] = ()
    extensions: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "mx", tuple(sorted(set(self.mx))))
        if isinstance(self.max_age, bool) or not 0 <= self.max_age <= MAX_AGE_LIMIT:
            raise PolicyError("max_age", self.max_age, f"must be 0 to {MAX_AGE_LIMIT} seconds", SECTION)
        if not self.mx and self.mode != Mode.NONE:
            raise PolicyError("mx", "", f"at least one is needed in mode {self.mode}", SECTION)
        for name, value in self.extensions:
            _check_extension(name, value)
            if name in KNOWN or sum(name == other for other, _ in self.extensions) > 1:
                raise PolicyError(name, value, "is no extension, or stands there twice", SECTION)
        if len(self.render()) > LARGEST:
            raise PolicyError("policy", f"{len(self.mx)} mx", f"is larger than {LARGEST} bytes", "RFC 8461 3.3")

    @classmethod
    def of(cls, mode: Mode | str, max_age: int, mx: Iterable[str] = ()) -> "Policy":
        """A policy from plain values.

        :raises PolicyError: a value that the RFC forbids.
        """
        if isinstance(mx, str):
            raise PolicyError("mx", mx, "must be a list of patterns", SECTION)
        return cls(_mode(mode), max_age, tuple(MxPattern.parse(each) for each in mx))

    @classmethod
    def parse(cls, document: str | bytes) -> "Policy":
        """Read a policy as a sender must: LF or CRLF, trailing blanks, unknown fields and repetitions are fine;
        blank lines, comments and leading blanks aren't in the grammar.

        :raises PolicyError: not a valid policy.
        """
        fields = _fields(_text(document))
        first: dict[str, str] = {}
        for name, value in fields:
            first.setdefault(name, value)  # of a repeated field all but the first are ignored (3.2)
        for name in KNOWN[:3]:
            if name not in first:
                raise PolicyError(name, None, "is required", SECTION)
        if first["version"] != "STSv1":
            raise PolicyError("version", first["version"], "must be STSv1", SECTION)
        if not re.fullmatch("[0-9]{1,10}", first["max_age"]):
            raise PolicyError("max_age", first["max_age"], "must be 1 to 10 digits", SECTION)
        extensions = tuple((name, value) for name, value in first.items() if name not in KNOWN)
        patterns = tuple(MxPattern.parse(value) for name, value in fields if name == "mx")
        return cls(_mode(first["mode"]), int(first["max_age"]), patterns, extensions)

    def render(self) -> bytes:
        """The bytes to serve: CRLF after every line, version first; the same policy, the same bytes."""
        fields = [
            ("version", "STSv1"),
            ("mode", self.mode.value),
            *(("mx", str(pattern)) for pattern in self.mx),
            ("max_age", str(self.max_age)),
            *self.extensions,
        ]
        return "".join(f"{name}: {value}\r\n" for name, value in fields).encode()

    @property
    def id(self) -> str:
        """The id for the TXT record (RFC 8461 3.1): 32 hexadecimal digits of the SHA-256 of what is served.

        The same policy has the same id on every machine; two policies share one with odds of 1 in 2^128.
        """
        return hashlib.sha256(self.render()).hexdigest()[:32]

    def allows(self, host: str) -> bool:
        """Whether some mx pattern matches an MX host (RFC 8461 4.1)."""
        return any(pattern.matches(host) for pattern in self.mx)


def _mode(text: str) -> Mode:
    try:
        return Mode(text)
    except ValueError:
        raise PolicyError("mode", text, "must be enforce, testing or none", SECTION) from None


def _text(document: str | bytes) -> str:
    try:
        data = document.encode() if isinstance(document, str) else document
        if len(data) > LARGEST:
            raise PolicyError("policy", f"{len(data)} bytes", f"is larger than {LARGEST} bytes", "RFC 8461 3.3")
        return data.decode()
    except UnicodeError:
        raise PolicyError("policy", document[:40], "is not UTF-8", SECTION) from None


def _fields(text: str) -> list[tuple[str, str]]:
    lines = text.removesuffix("\n").split("\n")
    fields: list[tuple[str, str]] = []
    for number, line in enumerate(lines, 1):
        # sts-policy-term is LF or CRLF, after *WSP
        name, colon, value = line.removesuffix("\r").rstrip(" \t").partition(":")
        if not colon:
            rule = "a blank line is not allowed" if not name else "must be `name: value`"
            raise PolicyError(f"line {number}", line, rule, SECTION)
        value = value.lstrip(" \t")
        _check_extension(name, value)  # the known fields have these shapes too
        fields.append((name, value))
    return fields


def _check_extension(name: str, value: str) -> None:
    if not NAME.match(name):
        raise PolicyError(
            "field name", name, "must be 1 to 32 letters, digits, _, - or ., the first no sign", SECTION
        )
    if not VALUE.match(value):
        raise PolicyError(name, value, "must be non-empty, without control characters or outer blanks", SECTION)
