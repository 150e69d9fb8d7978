"""Where DNS records go: one file here for each kind of DNS host, with its settings, credentials, API and declaration.

The file's name is the `provider` in a `dns` map of the configuration, and a file is imported only where the
configuration names it. To add a DNS host, write one file, `zones/<provider>.py`:

1. Its settings: a frozen dataclass derived from `HostedDns`, and the names of its keys.

        KEYS = ("apiUrl", "token", "zone")

        @dataclass(frozen=True)
        class ExampleDns(HostedDns):
            api_url: str
            token: str = field(repr=False)

2. `read(reader, given, key, inherited)`: the settings from a `dns` map, all but `zone`. What the map leaves out is as in
   `inherited`, the settings around it where they are of the same kind: `needed` reads a text so. Other problems go to the
   reader, each with its key and the way out. None where something is wrong.

3. What the plugin needs to know, as two properties of the settings. `place` is in clear text and kept in the state:
   `provider`, `zone` and what else leads there. `secrets` is the part of the `dns` map that holds the credentials; the
   plugin decrypts the same map by itself, so no secret passes through the engine.

        @property
        def place(self) -> dict[str, Any]:
            return {"provider": "example", "apiUrl": self.api_url, "zone": self.zone or ""}

        @property
        def secrets(self) -> dict[str, Any]:
            return {"token": self.token}

4. The API: a class that has a `Host`'s methods, and `host(place, secrets, domain)`, which makes one.

5. `begin = hosted`: the records are `mtasts:index:RecordSet`, which the plugin makes at the `Host`. (azure.py and
   manual.py declare resources of their own here.)

6. `offer(served, wanted)`, for `python -m tools.setup`: how a `dns` map begins for a zone that this host's name servers
   serve, and what a person has to add to it.

        def offer(served: Served, wanted: str) -> Offer | None:
            if wanted == "example" or (not wanted and served.by("ns.example.net")):
                return Offer("Example", {"provider": "example"}, (Asked("token", "an API token"),))
            return None

Then describe the keys in docs/dns.md, and let `tests/host_contract.py` run on it. Everything else, from the
preview of somebody else's record to the deletion of only ours, is there already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, cast

from policy import UserError

if TYPE_CHECKING:
    import pulumi

    from settings.reader import Reader


@dataclass(frozen=True, kw_only=True)
class Dns:
    """Where records go, as a `dns` map says it.

    :param zone: its name; None for the one that the domain lies in.
    """

    provider: ClassVar[str] = ""
    zone: str | None = None


@dataclass(frozen=True, kw_only=True)
class Unreadable(Dns):
    """A `dns` map with a mistake, which was told where it stands.

    :param of: its provider; "" where that is the mistake.
    """

    of: str = ""


@dataclass(frozen=True, kw_only=True)
class HostedDns(Dns):
    """Records go to a host that the plugin speaks to.

    :param secrets_in: the configuration key of the map that the secrets stand in.
    """

    secrets_in: str

    @property
    def place(self) -> dict[str, Any]:
        """What leads to the host; kept in the state, so without secrets."""
        raise NotImplementedError

    @property
    def secrets(self) -> dict[str, Any]:
        """The part of the `dns` map that the host needs beside `place`."""
        raise NotImplementedError


class Backend(Protocol):
    """Declares record sets in one zone. `name_servers` serve it, without final dots; empty where they aren't known."""

    @property
    def zone(self) -> str: ...

    @property
    def name_servers(self) -> tuple[str, ...]: ...

    def record_set(
        self,
        name: str,
        owner: str,
        type: Literal["CNAME", "TXT"],
        values: Sequence[pulumi.Input[str]],
        ttl: int,
        opts: pulumi.ResourceOptions,
        adopt: bool = False,
    ) -> pulumi.Resource:
        """Declare one record set.

        :param name: the resource's name.
        :param owner: the owner name, without the final dot.
        :param values: a host name for CNAME; for TXT one text a record, of any length.
        :param ttl: seconds.
        :param adopt: take over the record set that stands there, and leave it there when the stack goes.
        """
        ...


class HostError(UserError):
    """The host said no, or nothing."""


class ChangedMeanwhile(HostError):
    """The record set isn't what it was when it was read."""


@dataclass(frozen=True)
class RecordsThere:
    """A record set as it stands at a host.

    :param values: TXT strings joined; host names in lower case without the final dot.
    :param records: the host's own form of each record.
    """

    values: frozenset[str]
    records: tuple[Any, ...] = ()


class Host(Protocol):
    """One zone at one host. Every method may raise HostError."""

    zone: str

    def read(self, record: str, rdtype: str) -> RecordsThere:
        """The record set; no values where there is none."""
        ...

    def beside(self, record: str, rdtype: str) -> str:
        """What of other types stands at the same name and can't stand beside it (RFC 1034 3.6.2); "" for nothing."""
        ...

    def replace(self, record: str, rdtype: str, there: RecordsThere, values: Sequence[str], ttl: int) -> None:
        """Put `values` in place of what was read; none of them deletes.

        :param ttl: seconds.
        :raises ChangedMeanwhile: something else stands there by now; nothing was changed.
        """
        ...


@dataclass(frozen=True)
class Served:
    """A zone, and who serves it, as DNS says.

    :param name_servers: without final dots, in lower case.
    :param primary: the address, and the port where it isn't 53, of the server that its SOA record names; "" where that
        isn't known.
    """

    zone: str
    name_servers: tuple[str, ...] = ()
    primary: str = ""

    def by(self, *names: str) -> bool:
        """Whether one of its name servers has one of these names, or a name below it."""
        return any(f".{server}".endswith(f".{name}") for server in self.name_servers for name in names)


@dataclass(frozen=True)
class Asked:
    """A value of a `dns` map that a person has to give.

    :param name: its key, with a dot between a map and the key in it: `options.auth_token`.
    :param says: what it is, for a prompt.
    :param secret: whether it gives anybody access.
    :param optional: whether it may be left out.
    :param into: the values that one answer holds, by their keys; the one under `name` is the secret.
    """

    name: str
    says: str
    secret: bool = True
    optional: bool = False
    into: Callable[[str], Mapping[str, str]] | None = None

    def read(self, answer: str) -> Mapping[str, str]:
        """The values that an answer holds, by their keys.

        :raises UserError: it isn't what was asked for.
        """
        return self.into(answer) if self.into else {self.name: answer}


@dataclass(frozen=True)
class Offer:
    """How records get into a zone.

    :param host: the DNS host's name, as people know it.
    :param dns: the `dns` map, as far as it is known.
    :param asked: what a person has to add.
    :param lacks: what has to be installed first; "" for nothing.
    """

    host: str
    dns: Mapping[str, Any]
    asked: tuple[Asked, ...] = ()
    lacks: str = ""


class Module(Protocol):
    """What a file of this folder holds; `host` only where the plugin makes the records."""

    KEYS: tuple[str, ...]

    def read(self, reader: Reader, given: dict[str, Any], key: str, inherited: Dns | None) -> Dns | None: ...

    def begin(self, domains: Sequence[tuple[str, Any]]) -> Callable[[], Mapping[str, Backend]]:
        """Begin to ask for each domain's zone, before anything is made.

        :param domains: their names, and their settings.
        :returns: what waits for the answers: each domain's backend, by its name; or it raises UserError, a line for each
            thing that is wrong, with the domains that it concerns.
        """
        ...

    def host(self, place: Mapping[str, Any], secrets: Mapping[str, Any], domain: str) -> Host: ...

    def offer(self, served: Served, wanted: str) -> Offer | None:
        """What this file can do for a zone; None where it isn't its own.

        :param wanted: what a person asked for: a `provider`, or a DNS host's name; "" to go by the name servers.
        """
        ...


def providers() -> list[str]:
    """The names that `provider` can have: the files here, but those with a leading underscore."""
    return sorted(module.name for module in iter_modules(__path__) if not module.name.startswith("_"))


def read(reader: Reader, value: Any, key: str, inherited: Dns | None) -> Dns | None:
    """One `dns` map; what it leaves out, but `zone`, is as in the one around it, where that has the same provider.

    :param inherited: what the map around it says.
    :returns: None where there is no such map, neither here nor around.
    """
    if value is None:
        return inherited
    if not isinstance(value, dict):
        reader.problem(key, f"{value!r} must be a map such as {{provider: azure, resourceGroup: dns}}")
        return Unreadable()
    given = cast(dict[str, Any], value)
    broken = inherited if isinstance(inherited, Unreadable) else None
    provider = given.get("provider")
    if provider is None:
        provider = broken.of if broken else inherited.provider if inherited else "azure"
    if broken and provider == "":
        return broken
    if provider not in providers():
        names = ", ".join(providers())
        reader.problem(f"{key}.provider", f"{provider!r} is not known; the providers are {names}")
        return Unreadable()
    own = type(reader)(reader.encrypted)
    settings = _read(
        own, given, key, inherited if inherited and inherited.provider == provider else None, provider
    )
    reader.notes += own.notes
    # What a map leaves out may be what is wrong around it, and was told there.
    told_around = broken is not None and broken.of in ("", provider)
    here = tuple(f"{key}.{name}{end}" for name in given for end in ":.[")
    for problem in own.problems:
        if not told_around or problem.startswith(here):
            reader.problem(*problem.split(": ", 1))
    return settings if settings and not own.problems else Unreadable(of=provider)


def _read(reader: Reader, given: dict[str, Any], key: str, inherited: Dns | None, provider: str) -> Dns | None:
    module = _module(provider)
    known = ("provider", *module.KEYS)
    for name in given:
        if name not in known:
            keys = ", ".join(known)
            reader.problem(f"{key}.{name}", f"means nothing with provider: {provider}; its keys are {keys}")
    settings = module.read(reader, given, key, inherited)
    if settings is None or "zone" not in known or given.get("zone") is None:
        return settings
    return replace(settings, zone=reader.domain_name(given["zone"], f"{key}.zone"))


def needed(
    reader: Reader,
    given: Mapping[str, Any],
    key: str,
    name: str,
    inherited: str | None,
    says: str,
    secret: bool = False,
) -> str | None:
    """A text that must stand in a map, or around it.

    :param says: the way out where it doesn't, after "is missing; ".
    :param secret: it must be encrypted, and no message shows it.
    """
    if given.get(name) is not None:
        return (reader.secret if secret else reader.text)(given[name], f"{key}.{name}")
    if inherited is None:
        reader.problem(f"{key}.{name}", f"is missing; {says}")
    return inherited


def begin(domains: Iterable[tuple[str, Dns]]) -> Callable[[], dict[str, Backend]]:
    """Begin to ask for each domain's zone.

    :param domains: their names, and where their records go.
    :returns: what waits for the answers: each domain's backend, by its name; or it raises UserError, everything that is
        wrong with the zones, a line each.
    """
    by_provider: dict[str, list[tuple[str, Dns]]] = {}
    for name, dns in domains:
        by_provider.setdefault(dns.provider, []).append((name, dns))
    begun = [_module(provider).begin(of_provider) for provider, of_provider in by_provider.items()]

    def finish() -> dict[str, Backend]:
        opened: dict[str, Backend] = {}
        problems: list[str] = []
        for finish_one in begun:
            try:
                opened.update(finish_one())
            except UserError as error:
                problems.append(str(error))
        if problems:
            raise UserError("\n".join(problems))
        return opened

    return finish


def backends(domains: Iterable[tuple[str, Dns]]) -> dict[str, Backend]:
    """Each domain's backend, by its name: `begin`, and the end of it.

    :raises UserError: everything that is wrong with the zones, a line each.
    """
    return begin(domains)()


def host(place: Mapping[str, Any], secrets: Mapping[str, Any], domain: str = "") -> Host:
    """The host that `HostedDns.place` and `.secrets` describe.

    :param domain: any name in the zone; needed where `place` has no zone.
    :raises HostError: there is no such zone, or the host can't be asked.
    """
    return _module(str(place["provider"])).host(place, secrets, domain)


def offer(served: Served, wanted: str = "") -> Offer | None:
    """How records get into a zone: at the host that its name servers belong to, or that somebody asked for.

    :returns: None where no file here knows them.
    """
    offers = (_module(provider).offer(served, wanted) for provider in providers())
    return next((found for found in offers if found), None)


def _module(provider: str) -> Module:
    return cast(Module, import_module(f"zones.{provider}"))
