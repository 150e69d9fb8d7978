"""The two TXT records: `_mta-sts.<domain>` (RFC 8461 3.1) and `_smtp._tls.<domain>` (RFC 8460 3)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from policy.errors import PolicyError
from policy.names import check_host

STS, TLSRPT = "RFC 8461 3.1", "RFC 8460 3"
ID = re.compile(r"[A-Za-z0-9]{1,32}\Z")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}\Z")
VALUE = re.compile(r"[\x21-\x3a\x3c\x3e-\x7e]+\Z")  # no "=", ";", blank or control character
URI = re.compile(r"(?:[A-Za-z0-9:/?#@$&'()*+=._~-]|%[0-9A-Fa-f]{2})+")  # RFC 3986 without , ! ; [ ]


@dataclass(frozen=True)
class StsRecord:
    """The record that tells senders which policy is the current one.

    :param id: 1 to 32 letters or digits.
    :param extensions: further fields, name and value.
    """

    id: str
    extensions: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if not ID.match(self.id):
            raise PolicyError("id", self.id, "must be 1 to 32 letters or digits", STS)
        _check_extensions(self.extensions, STS, ("v", "id"))

    @classmethod
    def parse(cls, text: str | bytes) -> "StsRecord":
        """Read one record, its strings already joined.

        :raises PolicyError: not a valid record.
        """
        found = _fields(text, "v=STSv1", STS)
        if "id" not in found:
            raise PolicyError("id", None, "is required", STS)
        return cls(found.pop("id"), tuple(found.items()))

    @classmethod
    def find(cls, texts: Iterable[str | bytes]) -> "StsRecord":
        """The one record among all TXT records of the name.

        :raises PolicyError: none, several, or an invalid one.
        """
        return cls.parse(_only(texts, "v=STSv1;", STS))

    def render(self) -> str:
        """`v=STSv1; id=…;`, without a blank before a semicolon, which some senders refuse (erratum 6285)."""
        return " ".join(f"{name}={value};" for name, value in [("v", "STSv1"), ("id", self.id), *self.extensions])


@dataclass(frozen=True)
class TlsRptRecord:
    """The record that tells senders where reports go.

    :param rua: `mailto:` or `https:` URIs, at least one.
    :param extensions: further fields, name and value.
    """

    rua: tuple[str, ...]
    extensions: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if not self.rua:
            raise PolicyError("rua", "", "needs at least one URI", TLSRPT)
        for uri in self.rua:
            _check_uri(uri)
        _check_extensions(self.extensions, TLSRPT, ("v", "rua"))

    @classmethod
    def parse(cls, text: str | bytes) -> "TlsRptRecord":
        """Read one record, its strings already joined.

        :raises PolicyError: not a valid record.
        """
        found = _fields(text, "v=TLSRPTv1", TLSRPT)
        if "rua" not in found:
            raise PolicyError("rua", None, "is required", TLSRPT)
        uris = tuple(re.split(r"[ \t]*,[ \t]*", found.pop("rua")))
        return cls(uris, tuple(found.items()))

    @classmethod
    def find(cls, texts: Iterable[str | bytes]) -> "TlsRptRecord":
        """The one record among all TXT records of the name.

        :raises PolicyError: none, several, or an invalid one.
        """
        return cls.parse(_only(texts, "v=TLSRPTv1;", TLSRPT))

    def render(self) -> str:
        """`v=TLSRPTv1; rua=mailto:…,https://…`."""
        fields = [("v", "TLSRPTv1"), ("rua", ",".join(self.rua)), *self.extensions]
        return "; ".join(f"{name}={value}" for name, value in fields)


def _only(texts: Iterable[str | bytes], start: str, section: str) -> str:
    """Records of other kinds are discarded; unless exactly one is left, there is none (3.1)."""
    decoded = [_ascii(text, start, section) for text in texts if _begins(text, start)]
    if len(decoded) != 1:
        raise PolicyError("record", decoded, f"exactly one must begin with {start}, not {len(decoded)}", section)
    return decoded[0]


def _begins(text: str | bytes, start: str) -> bool:
    return text.startswith(start) if isinstance(text, str) else text.startswith(start.encode())


def _ascii(text: str | bytes, start: str, section: str) -> str:
    try:
        return (text if isinstance(text, bytes) else text.encode("ascii")).decode("ascii")
    except UnicodeError:
        raise PolicyError(start.rstrip(";"), text, "must be US-ASCII", section) from None


def _fields(text: str | bytes, version: str, section: str) -> dict[str, str]:
    """`v=…; name=value; …`: of a repeated field all but the first are ignored."""
    parts = re.split(r"[ \t]*;[ \t]*", _ascii(text, version, section))
    if parts[0] != version:
        raise PolicyError("v", parts[0], f"must begin with {version}", section)
    if parts[-1] == "":  # one trailing delimiter
        parts.pop()
    found = {"v": version}
    for part in parts[1:]:
        name, equals, value = part.partition("=")
        if not equals or not NAME.match(name):
            raise PolicyError(
                "field", part, "must be name=value, the name of 1 to 32 letters, digits, _, - or .", section
            )
        if name == "rua" and section == TLSRPT:
            found[name] = f"{found[name]},{value}" if name in found else value  # there may be more than one (3)
        elif name != "id" or name in found:
            _check_extensions(((name, value),), section)
        found.setdefault(name, value)
    del found["v"]
    return found


def _check_extensions(
    extensions: tuple[tuple[str, str], ...], section: str, reserved: tuple[str, ...] = ()
) -> None:
    names = [name for name, _ in extensions]
    for name, value in extensions:
        if not NAME.match(name) or not VALUE.match(value):
            raise PolicyError(name, value, "must be non-empty ASCII without blanks, = or ;", section)
        if name in reserved or names.count(name) > 1:
            raise PolicyError(name, value, "is no extension, or stands there twice", section)


def _check_uri(uri: object) -> None:
    """RFC 3986, with `,`, `!` and `;` percent-encoded (RFC 8460 3)."""
    if not isinstance(uri, str):
        raise PolicyError("rua", uri, "must be a text", TLSRPT)
    if "@" in uri and ":" not in uri:
        raise PolicyError("rua", uri, f"is an address, not a URI; write mailto:{uri}", TLSRPT)
    if not URI.fullmatch(uri):
        raise PolicyError("rua", uri, "must be a URI with blanks and , ! ; percent-encoded", TLSRPT)
    scheme, _, rest = uri.partition(":")
    if scheme.lower() == "mailto":
        local, at, domain = rest.partition("?")[0].partition("@")
        good = local and at and "/" not in domain
    else:
        authority = rest[2:].partition("/")[0].partition("?")[0] if rest.startswith("//") else ""
        domain, _, port = authority.partition(":")
        good = scheme.lower() == "https" and domain and (not port or port.isdigit())
    if not good:
        raise PolicyError("rua", uri, "must be mailto:name@domain or https://host/…", TLSRPT)
    check_host(domain, "rua")
