"""Where DNS records go: `mta-sts:dns`, for the stack, a policy or one domain (docs/dns.md)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from settings.reader import Reader

TSIG_ALGORITHMS = ("hmac-sha256", "hmac-sha384", "hmac-sha512")  # RFC 8945 6; older ones are not for new use
SECRET_WORDS = ("token", "secret", "password", "key", "consumer")  # in the names of Lexicon's options


@dataclass(frozen=True)
class AzureDns:
    """Records go to an Azure DNS zone.

    :param resource_group: of the zone.
    :param zone: its name; None for the longest suffix of the domain that is a zone there.
    :param subscription: of the zone, an id; None for the one that the program works in.
    """

    resource_group: str
    zone: str | None = None
    subscription: str | None = None


@dataclass(frozen=True)
class Rfc2136Dns:
    """Records go to a name server by dynamic update (RFC 2136), signed with TSIG (RFC 8945).

    :param servers: `ADDRESS[:PORT]`, tried in order.
    :param key_secret: base64.
    :param secrets_in: the configuration key of the map that `key_secret` stands in.
    :param zone: its name; None for the one that the server says the domain lies in.
    """

    servers: tuple[str, ...]
    key_name: str
    key_secret: str = field(repr=False)
    secrets_in: str
    key_algorithm: str = "hmac-sha256"
    zone: str | None = None


@dataclass(frozen=True)
class LexiconDns:
    """Records go to a DNS host's API, through the library dns-lexicon.

    :param host: Lexicon's name of it, such as `cloudflare`.
    :param options: Lexicon's options for it, such as `auth_token`; all are kept secret.
    :param secrets_in: the configuration key of the map that `options` stands in.
    :param zone: its name; None for the one that public DNS says the domain lies in.
    """

    host: str
    options: Mapping[str, str] = field(repr=False)
    secrets_in: str
    zone: str | None = None


@dataclass(frozen=True)
class ManualDns:
    """A person enters the records."""


Dns = AzureDns | Rfc2136Dns | LexiconDns | ManualDns


def read(reader: Reader, value: Any, key: str, inherited: Dns | None) -> Dns | None:
    """One `dns` map; what it leaves out is as in the one around it, where that has the same provider."""
    if value is None:
        return inherited
    given = reader.mapping(value, key, tuple(dict.fromkeys(each for keys in KEYS.values() for each in keys)))
    provider = given.get("provider") or _name_of(inherited)
    if provider not in READERS:
        reader.problem(f"{key}.provider", f"{provider!r} is not known; the providers are {', '.join(READERS)}")
        return None
    for name in given:
        if name not in KEYS[provider] and any(name in keys for keys in KEYS.values()):
            reader.problem(f"{key}.{name}", f"means nothing with provider: {provider}; remove it")
    return READERS[provider](reader, given, key, inherited)


def _name_of(dns: Dns | None) -> str:
    return next((name for name, kind in KINDS.items() if isinstance(dns, kind)), "azure")


def _zone(reader: Reader, given: Mapping[str, Any], key: str) -> str | None:
    return reader.domain_name(given["zone"], f"{key}.zone") if given.get("zone") else None


def _azure(reader: Reader, given: dict[str, Any], key: str, inherited: Dns | None) -> Dns | None:
    above = inherited if isinstance(inherited, AzureDns) else None
    group = reader.text(given.get("resourceGroup"), f"{key}.resourceGroup") or (above and above.resource_group)
    subscription = reader.text(given.get("subscription"), f"{key}.subscription") or (above and above.subscription)
    zone = _zone(reader, given, key)
    if group is None:
        reader.problem(f"{key}.resourceGroup", "is missing; give the resource group of the DNS zone")
        return None
    return AzureDns(group, zone, subscription)


def _rfc2136(reader: Reader, given: dict[str, Any], key: str, inherited: Dns | None) -> Dns | None:
    above = inherited if isinstance(inherited, Rfc2136Dns) else None
    listed = reader.items(given.get("servers"), f"{key}.servers", "addresses")
    servers = tuple(
        text for at, each in enumerate(listed) if (text := _address(reader, each, f"{key}.servers[{at}]"))
    )
    name = reader.text(given.get("keyName"), f"{key}.keyName") or (above and above.key_name)
    secret = reader.secret(given.get("keySecret"), f"{key}.keySecret") or (above and above.key_secret)
    algorithm = given.get("keyAlgorithm") or (above and above.key_algorithm) or TSIG_ALGORITHMS[0]
    if algorithm not in TSIG_ALGORITHMS:
        reader.problem(f"{key}.keyAlgorithm", f"{algorithm!r} must be one of {', '.join(TSIG_ALGORITHMS)}")
    if not listed and above:
        servers = above.servers
    if not servers and not listed:
        reader.problem(f"{key}.servers", "is missing; give the addresses that take updates, such as [192.0.2.1]")
    if not name:
        reader.problem(f"{key}.keyName", "is missing; give the TSIG key's name, as the server has it")
    if not secret:
        reader.problem(f"{key}.keySecret", f"is missing; pulumi config set --secret --path '{key}.keySecret'")
    elif not _base64(secret):
        reader.problem(
            f"{key}.keySecret", "is no base64; enter the key's secret as the server's configuration has it"
        )
    if not servers or not name or not secret:
        return None
    secrets_in = key if given.get("keySecret") or not above else above.secrets_in
    return Rfc2136Dns(servers, name.rstrip(".").lower(), secret, secrets_in, algorithm, _zone(reader, given, key))


def _address(reader: Reader, value: Any, key: str) -> str | None:
    import ipaddress

    text = reader.text(value, key)
    host, port = text or "", "53"
    if host.startswith("["):
        host, _, port = host[1:].partition("]")
        port = port.lstrip(":") or "53"
    elif host.count(":") == 1:
        host, _, port = host.partition(":")
    try:
        ipaddress.ip_address(host)
        if 0 < int(port) < 65536:
            return text
    except ValueError:
        pass
    if text:
        reader.problem(key, f"{text!r} must be an address such as 192.0.2.1, 192.0.2.1:5353 or [2001:db8::1]:53")
    return None


def _base64(text: str) -> bool:
    import base64
    import binascii

    try:
        return bool(base64.b64decode(text, validate=True))
    except binascii.Error:
        return False


def _lexicon(reader: Reader, given: dict[str, Any], key: str, inherited: Dns | None) -> Dns | None:
    above = inherited if isinstance(inherited, LexiconDns) else None
    host = reader.text(given.get("host"), f"{key}.host") or (above and above.host)
    if not host:
        reader.problem(
            f"{key}.host", "is missing; give Lexicon's name of the DNS host, such as cloudflare (docs/dns.md)"
        )
        return None
    options, secrets_in = given.get("options"), key
    if options is None:
        found: Mapping[str, str] = above.options if above and above.host == host else {}
        secrets_in = above.secrets_in if above and above.host == host else key
    elif not isinstance(options, dict):
        reader.problem(f"{key}.options", f"must be a map of Lexicon's options for {host} (docs/dns.md)")
        return None
    else:
        found = {name: str(value) for name, value in cast(dict[str, Any], options).items()}
        for name, value in found.items():
            if any(word in name for word in SECRET_WORDS):
                reader.secret(value, f"{key}.options.{name}")
    return LexiconDns(host, found, secrets_in, _zone(reader, given, key))


def _manual(reader: Reader, given: dict[str, Any], key: str, inherited: Dns | None) -> Dns | None:
    return ManualDns()


KINDS: dict[str, type] = {"azure": AzureDns, "rfc2136": Rfc2136Dns, "lexicon": LexiconDns, "manual": ManualDns}
KEYS = {
    "azure": ("provider", "resourceGroup", "zone", "subscription"),
    "rfc2136": ("provider", "servers", "keyName", "keyAlgorithm", "keySecret", "zone"),
    "lexicon": ("provider", "host", "options", "zone"),
    "manual": ("provider",),
}
READERS: dict[str, Callable[[Reader, dict[str, Any], str, Dns | None], Dns | None]] = {
    "azure": _azure,
    "rfc2136": _rfc2136,
    "lexicon": _lexicon,
    "manual": _manual,
}
