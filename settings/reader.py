"""Reads configuration values of any kind, and collects everything that is wrong with them."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar, cast

from policy import UserError
from policy.names import check_domain, to_a_label

LONGEST = 60  # characters of a wrong value that a message shows
T = TypeVar("T")


class Reader:
    """One run over the configuration.

    A method that reads takes the value and its key, such as `mta-sts:policies[0].mode`; where the value is wrong it
    notes a problem and returns something harmless, so that the rest is read too.

    :param encrypted: the names of the top keys that hold secrets.
    """

    def __init__(self, encrypted: Iterable[str] = ()) -> None:
        self.encrypted = frozenset(encrypted)
        self.problems: list[str] = []
        self.notes: list[str] = []

    def problem(self, key: str, message: str) -> None:
        """Note what is wrong; the same is told once."""
        line = f"{key}: {message}"
        if line not in self.problems:
            self.problems.append(line)

    def attempt(self, key: str, make: Callable[[], T]) -> T | None:
        """What `make` returns, or None and a problem where it raises a UserError."""
        try:
            return make()
        except UserError as error:
            self.problem(key, str(error).removeprefix(f"{key}: "))
            return None

    def mapping(self, value: Any, key: str, known: Sequence[str]) -> dict[str, Any]:
        """A map with no other keys than the known ones."""
        if not isinstance(value, dict):
            self.problem(key, f"{shown(value)} must be a map with the keys {', '.join(known)}")
            return {}
        given = cast(dict[str, Any], value)
        for name in given:
            if name not in known:
                self.problem(f"{key}.{name}", f"there is no such key; the keys are {', '.join(known)}")
        return given

    def items(self, value: Any, key: str, of: str) -> list[Any]:
        """A list; empty where nothing is given.

        :param of: what it should hold, for the message.
        """
        if value is None:
            return []
        if not isinstance(value, list):
            self.problem(key, f"{shown(value)} must be a list of {of}")
            return []
        return cast(list[Any], value)

    def text(self, value: Any, key: str) -> str | None:
        """A text that isn't empty; None where nothing is given."""
        if value is None or _is_text(value):
            return value
        self.problem(key, f"{shown(value)} must be a text")
        return None

    def choice(self, value: Any, key: str, options: Sequence[str], says: str) -> str | None:
        """One of a few words.

        :param says: the rest of the message after the wrong value.
        """
        if isinstance(value, str) and value in options:
            return value
        self.problem(key, f"{shown(value)} {says}")
        return None

    def flag(self, value: Any, key: str) -> bool:
        """true or false; false where nothing is given."""
        if value is not None and not isinstance(value, bool):
            self.problem(key, f"{shown(value)} must be true or false")
        return value is True

    def switch(self, value: Any, key: str) -> bool:
        """`on` or `off`, on where nothing is given; the engine hands `false` over as a text too."""
        if value is not None:
            self.choice(value, key, ("on", "off", "true", "false"), "must be on or off")
        return value not in ("off", "false")

    def secret(self, value: Any, key: str) -> str | None:
        """A text that stands encrypted in the stack's file; no message shows it."""
        if value is None:
            return None
        if not _is_text(value):
            self.problem(key, "must be a text")
            return None
        if key.partition(":")[2].replace("[", ".").partition(".")[0] not in self.encrypted:
            self.problem(
                key,
                "stands in the stack's file for all to read; have the other side replace it, then: "
                f"pulumi config set --secret --path '{key}'",
            )
        return value

    def domain_name(self, value: Any, key: str) -> str:
        """A domain in A-labels, "" where it is none; a conversion is noted (RFC 8461 3.2 wants A-labels)."""
        if not isinstance(value, str):
            self.problem(key, f"{shown(value)} must be a domain such as example.org")
            return ""
        name = (self.attempt(key, lambda: check_domain(to_a_label(value))) or "").lower()
        if name and name != value.lower():
            self.notes.append(f"{key}: {value} stands in DNS as {name}")
        return name


def shown(value: Any) -> str:
    """A wrong value for a message, on one line and short."""
    text = ascii(value) if not _is_text(value) and isinstance(value, str) else repr(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _is_text(value: Any) -> bool:
    """Whether a value is a text that isn't empty and that can be written down: no half of a surrogate pair."""
    return isinstance(value, str) and value != "" and not any("\ud800" <= letter <= "\udfff" for letter in value)
