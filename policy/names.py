"""Domain names, as policies hold them (A-labels) and as people type them (U-labels too)."""

import ipaddress
import re

import idna

from policy.errors import PolicyError

LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\Z")
LABEL_RULE = "labels are letters, digits and -, with no - at either end"
SECTION = "RFC 8461 3.2"


def canonical(name: str) -> str:
    """A name as names are compared: in lower case, without the final dot (RFC 4343)."""
    return name.removesuffix(".").lower()


def to_a_label(text: str) -> str:
    """The A-label form of a domain: `bücher.example` -> `xn--bcher-kva.example`; ASCII stays as it is.

    :raises PolicyError: no A-label form exists.
    """
    if text.isascii():
        return text
    hint = _mistake(text)
    if hint:
        raise PolicyError("domain", text, hint, SECTION)
    try:
        return idna.encode(text, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError) as error:
        raise PolicyError("domain", text, f"has no A-label form: {error}", "RFC 5891 4") from None


def typed_domain(text: str) -> str:
    """A domain as somebody types it, in A-labels and lower case; blanks around it and its final dot don't matter.

    :raises PolicyError: it is none, with the way out.
    """
    return check_domain(to_a_label(text.strip().removesuffix("."))).lower()


def check_domain(text: str, field: str = "domain") -> str:
    """Refuse what can't be a mail domain or a mail server's name, with a hint at what was meant.

    :returns: the text.
    :raises PolicyError: with the way out.
    """
    hint = _mistake(text)
    if hint:
        raise PolicyError(field, text, hint, SECTION)
    check_host(text, field)
    if "." not in text:
        raise PolicyError(field, text, "needs at least two labels, such as example.org", SECTION)
    return text


def check_host(text: str, field: str) -> None:
    """A `Domain` of RFC 5321 4.1.2 that DNS can hold (RFC 1035 2.3.4).

    :raises PolicyError: it isn't one.
    """
    if not text.isascii():
        raise PolicyError(field, text, "must be in A-labels (xn--…), not in U-labels", SECTION)
    if len(text) > 253:
        raise PolicyError(field, text, "is longer than 253 characters", "RFC 1035 2.3.4")
    for label in text.split("."):
        if len(label) > 63:
            raise PolicyError(field, text, f"has the label {label[:10]}… of over 63 characters", "RFC 1035 2.3.4")
        if not label:
            raise PolicyError(field, text, "has an empty label: a dot too many, or no name at all", SECTION)
        if "_" in label:
            raise PolicyError(field, text, f"has a _ in {label}, which no host name has", SECTION)
        if not LABEL.match(label):
            raise PolicyError(field, text, f"has the label {label}; {LABEL_RULE}", SECTION)


def _mistake(text: str) -> str | None:
    if "://" in text:
        return "write the name alone, without the scheme"
    if "/" in text:
        return "write the name alone, without a slash or path"
    if "@" in text:
        return f"write what stands after the @: {text.rpartition('@')[2]}"
    if any(each.isspace() for each in text):
        return "write the name alone, without spaces or the MX preference"
    if text.endswith("."):
        return "write it without the trailing dot"
    if "*" in text:
        return "a * may stand only as the whole leftmost label of an mx pattern"
    try:
        ipaddress.ip_address(text)
    except ValueError:
        pass
    else:
        return "write the host's name, not its address"
    if ":" in text:
        return "write the name alone, without a port"
    return None
