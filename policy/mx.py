"""mx patterns: which MX hosts a policy allows."""

from dataclasses import dataclass

from policy.errors import PolicyError
from policy.names import check_host, to_a_label


@dataclass(frozen=True, order=True)
class MxPattern:
    """A host name, or `*.` and a host name (RFC 8461 3.2), in lower case.

    >>> MxPattern.parse("*.example.net").matches("mx1.example.net")
    True
    >>> MxPattern.parse("*.example.net").matches("a.mx1.example.net")
    False
    """

    text: str

    def __post_init__(self) -> None:
        host = self.text.removeprefix("*.")
        if "*" in host:
            raise PolicyError(
                "mx", self.text, "* must be the whole leftmost label, as in *.example.net", "RFC 8461 3.2"
            )
        check_host(host, "mx")
        object.__setattr__(self, "text", self.text.lower())  # host names know no case (RFC 4343)

    @classmethod
    def parse(cls, text: str) -> "MxPattern":
        """Read one pattern.

        :raises PolicyError: no host name in A-labels, or a * elsewhere than as the leftmost label.
        """
        return cls(text)

    def matches(self, host: str) -> bool:
        """Whether a policy with this pattern allows an MX host; `*` stands for exactly one label (4.1)."""
        try:
            name = to_a_label(host).removesuffix(".").lower()  # names are compared as A-labels (RFC 6125 6.4.2)
        except PolicyError:
            return False
        if not self.text.startswith("*."):
            return name == self.text
        first, dot, rest = name.partition(".")
        return bool(first and dot) and rest == self.text[2:]

    def __str__(self) -> str:
        return self.text
