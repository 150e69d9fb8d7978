"""Addresses as they are written into options, variables and the configuration."""

import ipaddress
from dataclasses import dataclass

from policy import UserError


@dataclass(frozen=True)
class Server:
    """A name server: the name to show, and where it listens."""

    name: str
    address: str
    port: int = 53

    def __str__(self) -> str:
        return self.name if self.name == self.address else f"{self.name} ({self.address})"


def server_at(text: str, key: str) -> Server:
    """`192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1` or `[2001:db8::1]:5353`.

    :param key: where the text stands, for the error: an option, a variable, a key of the configuration.
    :raises UserError: it is no address.
    """
    host, port = text.strip(), "53"
    if host.startswith("["):
        host, bracket, rest = host[1:].partition("]")
        port = rest[1:] if rest.startswith(":") else "" if rest or not bracket else "53"
    elif host.count(":") == 1:
        host, _, port = host.partition(":")
    try:
        address = str(ipaddress.ip_address(host))
        number = int(port) if port.isascii() and port.isdigit() else 0
    except ValueError:
        address, number = "", 0
    if not address or not 0 < number < 65536:
        raise UserError(
            f"{key}: {text!r} must be an address such as 192.0.2.1, 192.0.2.1:5353 or [2001:db8::1]:5353"
        )
    return Server(address, address, number)
