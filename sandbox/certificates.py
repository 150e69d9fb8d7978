"""A certificate authority of the sandbox's own, and a certificate by host name (SNI)."""

import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme


class Certificates:
    """Issues on demand.

    :param folder: keeps `ca.pem` and, for its owner alone, `ca.key`.
    :param broken: what is wrong with a host's certificate: `expired`, `stranger` (of another authority), or "".
    """

    def __init__(self, folder: Path, broken: Callable[[str], str]) -> None:
        self.ca_file, key = folder / "ca.pem", folder / "ca.key"
        if key.exists():
            self.ca = trustme.CA.from_pem(self.ca_file.read_bytes(), key.read_bytes())
        else:
            self.ca = trustme.CA(organization_name="local Azure")
            self.ca_file.write_bytes(self.ca.cert_pem.bytes())
            key.touch(mode=0o600)
            key.write_bytes(self.ca.private_key_pem.bytes())
        self.broken = broken
        self.contexts: dict[tuple[str, str], ssl.SSLContext] = {}

    def server_context(self, allowed: Callable[[str], bool], default: str) -> ssl.SSLContext:
        """The context to listen with.

        :param allowed: whether a host has a certificate of its own by now.
        :param default: the name in the certificate that all others get, as on Azure.
        """
        base = self._context(default)

        def choose(socket: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
            if name and allowed(name.lower()):
                socket.context = self._context(name.lower())

        base.sni_callback = choose
        return base

    def _context(self, name: str) -> ssl.SSLContext:
        broken = self.broken(name)
        if (name, broken) not in self.contexts:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            ca = trustme.CA(organization_name="somebody else") if broken == "stranger" else self.ca
            until = datetime.now(UTC) + timedelta(days=-1 if broken == "expired" else 180)
            since = until - timedelta(days=200)
            ca.issue_cert(name, not_before=since, not_after=until).configure_cert(context)
            self.contexts[name, broken] = context
        return self.contexts[name, broken]
