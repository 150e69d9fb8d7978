"""A DNS host's API, through dns-lexicon (dns-lexicon.github.io), which speaks to more than sixty of them.

Their APIs have no prerequisites as RFC 2136 has: between reading a record set and changing it, somebody else's change
can get lost.

    mta-sts:dns:
      provider: lexicon
      host: cloudflare
      options:
        auth_token: {secure: …}
"""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, cast

import dns.exception
import requests
from lexicon._private.discovery import find_providers, load_provider_module
from lexicon.config import ConfigResolver
from lexicon.exceptions import AuthenticationError
from lexicon.interfaces import Provider

from internet import dns_view
from internet.view import View
from policy import UserError
from policy.names import canonical
from settings.reader import shown
from zones import Asked, Dns, HostedDns, HostError, Offer, RecordsThere, Served, needed
from zones._hosted import hosted

if TYPE_CHECKING:
    from settings.reader import Reader

KEYS = ("host", "options", "zone")
# Lexicon's options that give nobody access. All others are secrets: its hosts name theirs as they like (auth_pass,
# auth_psw, auth_service_account_info, and even an auth_username that is an API key).
HARMLESS = frozenset({
    "api_protocol", "auth_client_ip", "auth_entrypoint", "auth_key_is_global", "auth_region", "auth_sandbox",
    "auth_server", "auth_subscription_id", "auth_tenant_id", "auth_type", "cloud_id", "ddns_server", "dns_zone_id",
    "endpoint", "filename", "folder_id", "ib_host", "ib_view", "pdns_disable_notify", "pdns_server", "pdns_server_id",
    "plesk_server", "private_zone", "resource_group", "sleep_time", "zone_id",
})  # fmt: skip
# What to ask for, by host, where Lexicon has more options than one needs or says too little (docs/dns.md).
NEEDED: dict[str, dict[str, str]] = {
    "cloudflare": {"auth_token": "API token (Zone:Read, DNS:Edit)"},
    "desec": {"auth_token": "an API token"},
    "dnsimple": {"auth_token": "an API token"},
    "gandi": {"auth_token": "an access token that may manage domains"},
    "namecheap": {
        "auth_username": "the user's name",
        "auth_token": "the API key",
        "auth_client_ip": "this machine's address, as Namecheap has it on its list",
    },
    "ovh": {
        "auth_entrypoint": "the API's entry point, such as ovh-eu",
        "auth_application_key": "the application key",
        "auth_application_secret": "the application secret",
        "auth_consumer_key": "the consumer key",
    },
    "powerdns": {"pdns_server": "the API's address, http://…", "auth_token": "the API key"},
    "route53": {"auth_access_key": "the access key's id", "auth_access_secret": "the secret access key"},
    "transip": {"auth_username": "the user's name", "auth_api_key": "the private key"},
}
FIXED = {"gandi": {"api_protocol": "rest"}}
OLD = ("azure", "linode", "zeit")  # zones/azure.py; linode4 and vercel have taken their place
TITLES = {"route53": "Amazon Route 53", "ovh": "OVH", "godaddy": "GoDaddy", "ionos": "IONOS", "linode4": "Linode",
          "digitalocean": "DigitalOcean", "googleclouddns": "Google Cloud DNS", "powerdns": "PowerDNS"}  # fmt: skip
BUSY = frozenset({429, 500, 502, 503, 504})  # answers that may be others a moment later
PAUSES = (1.0, 2.0, 4.0)  # seconds
T = TypeVar("T")


@dataclass(frozen=True)
class LexiconDns(HostedDns):
    """Records go to a DNS host's API.

    :param host: Lexicon's name of it, such as `cloudflare`.
    :param options: Lexicon's options for it, such as `auth_token`; all are kept secret.
    """

    provider = "lexicon"
    host: str
    options: Mapping[str, str] = field(repr=False)

    @property
    def place(self) -> dict[str, Any]:
        """See `zones.HostedDns`."""
        return {"provider": self.provider, "host": self.host, "zone": self.zone or ""}

    @property
    def secrets(self) -> dict[str, Any]:
        """See `zones.HostedDns`."""
        return {"options": dict(self.options)}


def read(reader: Reader, given: dict[str, Any], key: str, inherited: Dns | None) -> LexiconDns | None:
    """See `zones`."""
    above = inherited if isinstance(inherited, LexiconDns) else None
    says = "give Lexicon's name of the DNS host, such as cloudflare (docs/dns.md)"
    host = needed(reader, given, key, "host", above and above.host, says)
    if host and given.get("options") is None and above and above.host == host:
        return LexiconDns(host, above.options, secrets_in=above.secrets_in)
    known = reader.attempt(f"{key}.host", lambda: _known_options(host)) if host else None
    options = _options(reader, given.get("options"), f"{key}.options", known)
    return LexiconDns(host, options, secrets_in=key) if host else None


def _options(reader: Reader, value: Any, key: str, known: Sequence[str] | None) -> dict[str, str]:
    """Lexicon's options. Those that aren't known to be harmless must be encrypted.

    :param known: those of the host; None where that isn't known.
    """
    if value is not None and not isinstance(value, dict):
        reader.problem(key, "must be a map of Lexicon's options for the host (docs/dns.md)")
        return {}
    options: dict[str, str] = {}
    for name, option in cast(dict[str, Any], value or {}).items():
        if isinstance(option, bool | int | float):
            option = str(option)
        if not isinstance(option, str):
            reader.problem(f"{key}.{name}", f"{shown(option)} must be a text or a number")
        elif known is not None and name not in known:
            reader.problem(f"{key}.{name}", f"is no option of this host; Lexicon's are {', '.join(known)}")
        elif name in HARMLESS and "@" not in option:  # an address may hold credentials: http://user:password@host
            options[name] = option
        else:
            options[name] = reader.secret(option, f"{key}.{name}") or ""
    return options


def offer(served: Served, wanted: str) -> Offer | None:
    """See `zones`. Which name servers belong to a host, and what it wants, is for Lexicon to know."""
    if wanted == "lexicon":
        raise UserError("name the host itself, such as cloudflare; docs/dns.md has a table")
    available = _available()
    for host in (wanted,) if wanted else sorted(set(available) - set(OLD)):
        if host in available and (wanted or _serves(host, served)):
            dns = {"provider": "lexicon", "host": host, **({"options": FIXED[host]} if host in FIXED else {})}
            lacks = "" if available[host] else f"pip install 'dns-lexicon[{host}]'"
            return Offer(TITLES.get(host, host.title()), dns, tuple(_asked(host)), lacks)
    return None


def _serves(host: str, served: Served) -> bool:
    """Whether a zone's name servers are this host's."""
    names = cast(Sequence[str | re.Pattern[str]], load_provider_module(host).Provider.get_nameservers())
    plain = [name for name in names if isinstance(name, str)]
    patterns = [name for name in names if not isinstance(name, str)]
    domains = [server.partition(".")[2] for server in served.name_servers]
    return served.by(*plain) or any(pattern.match(domain) for pattern in patterns for domain in domains)


def _asked(host: str) -> Iterator[Asked]:
    help_ = _described(load_provider_module(host).Provider)
    title = TITLES.get(host, host.title())
    for name, says in (NEEDED.get(host) or dict.fromkeys(help_, "")).items():
        if host in NEEDED or name not in HARMLESS:
            says = says or help_[name].removeprefix("specify ") or name
            optional = host not in NEEDED and len(help_) > 2
            yield Asked(f"options.{name}", f"{title}: {says}", secret=name not in HARMLESS, optional=optional)


begin = hosted


class Lexicon:
    """One zone at one host."""

    def __init__(self, place: Mapping[str, Any], secrets: Mapping[str, Any], zone: str) -> None:
        self.zone = zone
        self.host = str(place["host"])
        self.options = {name: str(value) for name, value in secrets.get("options", {}).items()}

    def read(self, record: str, rdtype: str) -> RecordsThere:
        """See `zones.Host`."""
        return self._do(lambda api: self._read(api, record, rdtype))

    def beside(self, record: str, rdtype: str) -> str:
        """See `zones.Host`."""
        others = ("A", "AAAA", "TXT") if rdtype == "CNAME" else ("CNAME",)
        there = self._do(lambda api: {kind: self._read(api, record, kind).values for kind in others})
        return "; ".join(f"{kind} {value}" for kind, values in there.items() for value in sorted(values))

    def replace(self, record: str, rdtype: str, there: RecordsThere, values: Sequence[str], ttl: int) -> None:
        """See `zones.Host`; read again afterwards, since some APIs say yes to what they don't do."""

        first = [True]

        def change(api: Provider) -> RecordsThere:
            # A second try may find some of the first one's work done.
            left = list(there.records if first else self._read(api, record, rdtype).records)
            first.clear()
            for value in values:
                same = [entry for entry in left if _value(rdtype, str(entry["content"])) == value]
                if same and same[0].get("ttl") == ttl:
                    left.remove(same[0])
                elif left:
                    api.update_record(left.pop(0).get("id"), rdtype, record, value)
                else:
                    api.create_record(rdtype, record, value)
            for entry in left:
                api.delete_record(entry.get("id"), rdtype, record, entry["content"])
            return self._read(api, record, rdtype)

        now = self._do(change, ttl, frozenset(values) if rdtype == "CNAME" else frozenset())
        if now.values != frozenset(values):
            shown = ", ".join(sorted(now.values)) or "nothing"
            raise HostError(f"{self.host} took the change of {rdtype} {record}, but holds {shown}; look there")

    def sign_in(self) -> None:
        """Ask the host for the zone.

        :raises HostError: it hasn't this zone, or refuses the credentials.
        """
        self._do(lambda _: None)

    def _read(self, api: Provider, record: str, rdtype: str) -> RecordsThere:
        records = tuple(
            entry
            for entry in api.list_records(rdtype, record)
            if entry["type"] == rdtype and canonical(str(entry["name"])) == canonical(record)
        )
        return RecordsThere(frozenset(_value(rdtype, str(entry["content"])) for entry in records), records)

    def _do(self, work: Callable[[Provider], T], ttl: int = 300, targets: frozenset[str] = frozenset()) -> T:
        """Work with the zone, and try again where its host is busy; `work` may be done several times."""
        for pause in (*PAUSES, None):
            try:
                api = self.api(ttl, targets)
                api.authenticate()
                try:
                    return work(api)
                finally:
                    api.cleanup()
            except HostError:
                raise
            except Exception as error:  # each host's module raises what it likes
                answer = error.response if isinstance(error, requests.HTTPError) else None
                busy = answer is not None and answer.status_code in BUSY
                if pause is None or not busy:
                    raise HostError(self._why(error)) from None
                time.sleep(pause)
        raise AssertionError("the last try returns or raises")

    def api(self, ttl: int = 300, targets: frozenset[str] = frozenset()) -> Provider:
        """Lexicon's module for the host, not signed in yet.

        Not by `lexicon.client.Client`: to find the zone, which is known here, that would ask a resolver that can be chosen
        only for the whole process, or fetch the list of public suffixes.

        :param targets: see `_with_absolute_names`.
        """
        given = {"provider_name": self.host, "domain": self.zone, "ttl": ttl, self.host: self.options}
        return _with_absolute_names(_module(self.host), targets)(ConfigResolver().with_dict(given))

    def _why(self, error: Exception) -> str:
        """What went wrong, without what the request held: some hosts take their credentials in the address."""
        where = f"{self.host}, zone {self.zone}"
        if isinstance(error, requests.HTTPError) and (response := error.response) is not None:
            hint = "may the credentials in mta-sts:dns options edit this zone?"
            hint = hint if response.status_code in (400, 401, 403, 404) else "try again later"
            return f"{where}: the API answers {response.status_code} {response.reason}; {hint}"
        if isinstance(error, requests.RequestException):
            return (
                f"{where}: the API can't be reached ({type(error).__name__}); check the network (HTTPS_PROXY too)"
            )
        if isinstance(error, AuthenticationError):
            return f"{where}: {self._clean(error)}; do the credentials in mta-sts:dns options have this zone?"
        return f"{where}: {self._clean(error)}"

    def _clean(self, error: Exception) -> str:
        text = " ".join(str(error).split()) or type(error).__name__
        for value in self.options.values():
            text = text.replace(value, "[secret]") if len(value) > 2 else text
        return text


def _with_absolute_names(host: type[Provider], targets: frozenset[str]) -> type[Provider]:
    """A host's module that takes names outside of the zone for what they are.

    Lexicon wants CNAME targets without a final dot, and six of its modules (PowerDNS and deSEC among them) then append
    the zone to one that lies elsewhere.

    :param targets: of the CNAMEs that are about to be made.
    """

    class AbsoluteNames(host):
        def _fqdn_name(self, record_name: str) -> str:
            outside = record_name.rstrip(".") in targets or self._is_outside(record_name)
            return f"{record_name.rstrip('.')}." if outside else super()._fqdn_name(record_name)

        def _full_name(self, record_name: str) -> str:
            return record_name.rstrip(".") if self._is_outside(record_name) else super()._full_name(record_name)

        def _is_outside(self, name: str) -> bool:
            return name.endswith(".") and not f".{name}".endswith(f".{self.domain}.")

    return AbsoluteNames


def _value(rdtype: str, content: str) -> str:
    """A record's content as everyone else writes it: some hosts keep TXT in quotes, and split."""
    if rdtype == "TXT":
        parts = re.findall(r'"((?:[^"\\]|\\.)*)"', content) if content.startswith('"') else [content]
        return "".join(parts).replace('\\"', '"')
    return canonical(content)


def host(place: Mapping[str, Any], secrets: Mapping[str, Any], domain: str) -> Lexicon:
    """See `zones.host`. The zone is the one that public DNS says; with `domain`, the host is asked for it too."""
    zone = str(place.get("zone") or "")
    if not zone:
        try:
            zone = dns_view.zone_of(View.from_environment(), domain)
        except (dns.exception.DNSException, OSError) as error:
            raise HostError(f"{domain}: its zone can't be found ({dns_view.reason(error)}); set zone") from None
    opened = Lexicon(place, secrets, zone)
    if domain:
        opened.sign_in()
    return opened


def _module(host: str) -> type[Provider]:
    """Lexicon's class for a host.

    :raises HostError: Lexicon doesn't know the host, or needs another package for it.
    """
    available = _available()
    if host not in available:
        raise HostError(f"host {host!r} is not known to Lexicon; docs/dns.md has a table")
    if not available[host]:
        raise HostError(f"Lexicon needs another package for {host}: pip install 'dns-lexicon[{host}]'")
    return load_provider_module(host).Provider


@cache
def _available() -> dict[str, bool]:
    """Lexicon's hosts, and whether what they need is installed. Lexicon asks all installed packages each time."""
    return {name: there for name, there in find_providers().items() if name != "auto"}


def _known_options(host: str) -> list[str]:
    """The names of the options that Lexicon has for a host.

    :raises HostError: see `_module`.
    """
    return sorted(_described(_module(host)))


def _described(provider: type[Provider]) -> dict[str, str]:
    """A host's options, and what Lexicon says of each."""
    parser = argparse.ArgumentParser(add_help=False)
    provider.configure_parser(parser)
    return {action.dest: action.help or "" for action in parser._actions}  # pyright: ignore[reportPrivateUsage]
