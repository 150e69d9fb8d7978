"""`mta-sts:policies`: policies, and the domains that have them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from policy import Mode, Policy, PolicyError, TlsRptRecord
from policy.places import policy_host
from settings.reader import Reader, shown
from zones import Dns
from zones import read as read_dns

KEY = "mta-sts:policies"
POLICY_KEYS = (
    "name",
    "mode",
    "maxAge",
    "mx",
    "hosting",
    "movingFrom",
    "sku",
    "domains",
    "tlsReports",
    "dns",
    "removeEarlyAndRiskMail",
)
DOMAIN_KEYS = ("name", "dns", "site", "adoptTlsReports", "delegateTo")

# What the plans of Static Web Apps hold: learn.microsoft.com/azure/static-web-apps/quotas
CUSTOM_DOMAINS = {"Free": 2, "Standard": 5}  # an app
FREE_APPS = 10  # a subscription
# A profile of Azure Front Door Standard, and of its routes, one of which each domain has:
# learn.microsoft.com/azure/frontdoor/standard-premium/tier-comparison
PROFILE_DOMAINS = 100
# characters of a host that its managed certificate can name: hashicorp/terraform-provider-azurerm 32738
MANAGED_HOST = 64

LONGEST_NAME = 30  # characters of a policy's name
LAST_SITE = 999
WEEK, DAY = 604_800, 86_400  # seconds
FIELD_KEYS = {"max_age": "maxAge", "mx": "mx", "policy": "mx"}  # a PolicyError's field to the key it came from


class Hosting(StrEnum):
    """What serves policies."""

    STATIC_WEB_APP = "staticWebApp"
    FRONT_DOOR = "frontDoor"


@dataclass(frozen=True)
class Hosted:
    """`hosting` and `movingFrom`, as the stack or a policy says them.

    :param moving_from: what served the policy until now, and goes on for senders that still come there.
    """

    by: Hosting = Hosting.STATIC_WEB_APP
    moving_from: Hosting | None = None

    def on(self, hosting: Hosting) -> bool:
        """Whether this serves the policy, or did until it moved."""
        return hosting in (self.by, self.moving_from)


@dataclass(frozen=True)
class Domain:
    """A policy domain (RFC 8461 1.1): what stands after the @, in A-labels.

    :param key: where it stands in the configuration.
    :param adopt_tls_reports: the record `_smtp._tls.<domain>` stands there already; it is taken over, and left there
        when the stack goes.
    :param delegate_to: the domain whose `_mta-sts` record says the policy's id for this one too (RFC 8461 8.2).
    :param site: which of the policy's Static Web Apps serves it, from 1; None where that isn't written down: the first.
    """

    name: str
    dns: Dns
    key: str = ""
    adopt_tls_reports: bool = False
    delegate_to: str | None = None
    site: int | None = None

    @property
    def policy_host(self) -> str:
        """Where senders fetch the policy (RFC 8461 3.2)."""
        return policy_host(self.name)


@dataclass(frozen=True)
class PolicySettings:
    """One policy and the domains that have it: one Static Web App, or one folder behind Front Door.

    :param remove_early: the owner accepts the loss of mail from senders that remember an older policy.
    :param may_be_left: its domains may go over to another policy: when they change, in a fleet on Front Door, or when a move
        to Front Door, which has no sites, is over.
    """

    name: str
    policy: Policy
    sku: str
    domains: tuple[Domain, ...] = field(default=())
    tls_reports: TlsRptRecord | None = None
    remove_early: bool = False
    hosted: Hosted = Hosted()
    may_be_left: bool = False


def read_hosting(reader: Reader, given: Mapping[str, Any], prefix: str, inherited: Hosted) -> Hosted:
    """`hosting` and `movingFrom` of a map.

    :param prefix: what stands before the keys, such as `mta-sts:`.
    """
    says = f"is no hosting; choose {' or '.join(Hosting)}"
    found = {
        name: reader.choice(given[name], f"{prefix}{name}", tuple(Hosting), says)
        for name in ("hosting", "movingFrom")
        if given.get(name) is not None
    }
    by = Hosting(found.get("hosting") or inherited.by)
    before = Hosting(found["movingFrom"]) if found.get("movingFrom") else inherited.moving_from
    if before == by and found.get("movingFrom"):
        reader.problem(f"{prefix}movingFrom", f"is {before}, as hosting is; leave it out once the move is done")
    return Hosted(by, before if before != by else None)


def read(
    reader: Reader,
    value: Any,
    dns: Dns | None,
    hosted: Hosted = Hosted(),
    beside: Sequence[PolicySettings] | None = None,
) -> tuple[PolicySettings, ...]:
    """All policies, those of a fleet after the others; on Static Web Apps one for each site.

    :param dns: where records go if neither the policy nor the domain says so.
    :param hosted: what serves a policy that doesn't say so.
    :param beside: a fleet's; None for a stack without one, which must have policies.
    """
    whole = read_whole(reader, value, dns, hosted, beside)
    return (*(site for policy in whole for site in per_site(policy)), *(beside or ()))


def read_whole(
    reader: Reader,
    value: Any,
    dns: Dns | None,
    hosted: Hosted = Hosted(),
    beside: Sequence[PolicySettings] | None = None,
) -> tuple[PolicySettings, ...]:
    """The policies as they are written, whatever sites they take; without those that have a mistake in it.

    Its parameters are those of `read`, and so are the problems.
    """
    if not value and beside is None:
        reader.problem(KEY, "is missing; see Pulumi.dev.yaml for an example with one policy")
    fleet = tuple(beside or ())
    policies: list[PolicySettings] = []
    names: list[str] = []
    domains: list[Domain] = []
    for index, item in enumerate(reader.items(value, KEY, "policies")):
        key = f"{KEY}[{index}]"
        given = reader.mapping(item, key, POLICY_KEYS)
        if not given:
            continue
        name = _name(reader, given.get("name"), f"{key}.name")
        own = _domains(reader, given, key, read_dns(reader, given.get("dns"), f"{key}.dns", dns))
        names.append(name)
        domains += own
        settings = _policy(reader, given, key, name, own, read_hosting(reader, given, f"{key}.", hosted))
        if settings:
            policies.append(settings)
    _once(reader, "policy", names)
    _once(reader, "domain", [domain.name for domain in domains])
    apart = [site for policy in policies for site in per_site(policy)]
    _limits(reader, [*apart, *fleet], KEY if policies else "mta-sts:fleet")
    _twice(reader, apart, fleet, names)
    _delegations(
        reader, [*domains, *(domain for policy in fleet for domain in policy.domains)], [*policies, *fleet]
    )
    return tuple(policies)


def by_site(domains: Sequence[Domain]) -> dict[int, tuple[Domain, ...]]:
    """Domains by their sites, in order."""
    numbers = sorted({domain.site or 1 for domain in domains})
    return {number: tuple(each for each in domains if (each.site or 1) == number) for number in numbers}


def per_site(policy: PolicySettings) -> tuple[PolicySettings, ...]:
    """A policy for each of its Static Web Apps: `main`, `main-2`, …; on Front Door it stays one."""
    if not policy.hosted.on(Hosting.STATIC_WEB_APP):
        return (policy,)
    return tuple(
        replace(policy, domains=domains)
        if number == 1
        else replace(policy, name=f"{policy.name}-{number}", domains=domains, may_be_left=True)
        for number, domains in by_site(policy.domains).items()
    )


def _limits(reader: Reader, policies: Sequence[PolicySettings], key: str) -> None:
    """What a subscription and a profile hold.

    :param key: where the policies stand.
    """
    apps = [policy for policy in policies if policy.hosted.on(Hosting.STATIC_WEB_APP)]
    free = sum(policy.sku == "Free" for policy in apps)
    if free > FREE_APPS:
        reader.problem(
            key,
            f"{free} policies with sku Free, but a subscription holds {FREE_APPS} Free apps; use sku: Standard",
        )
    behind = [domain for policy in policies if policy.hosted.on(Hosting.FRONT_DOOR) for domain in policy.domains]
    for domain in behind:
        _suits_front_door(reader, domain)
    if len(behind) > PROFILE_DOMAINS:
        reader.problem(
            key,
            f"{len(behind)} domains on Front Door, but a stack's profile holds {PROFILE_DOMAINS}; divide them among stacks",
        )


def _twice(
    reader: Reader, policies: Sequence[PolicySettings], fleet: Sequence[PolicySettings], told: Sequence[str]
) -> None:
    """A name that a site has, too, and a domain that stands in the fleet, too.

    :param told: names of policies as they are written; one that stands there twice was told.
    """
    names = [policy.name for policy in (*policies, *fleet)]
    for name in sorted({name for name in names if names.count(name) > 1 and told.count(name) < 2}):
        reader.problem(
            KEY, f"a policy and a site of another are both named {name}; give the newer one another name or number"
        )
    keys = {domain.name: domain.key for policy in policies for domain in policy.domains}
    for domain in (domain for policy in fleet for domain in policy.domains):
        if domain.name in keys:
            reader.problem(domain.key, f"domain: {domain.name} stands at {keys[domain.name]}, too; once is enough")


def _suits_front_door(reader: Reader, domain: Domain) -> None:
    host, way_out = domain.policy_host, "give it a policy with hosting: staticWebApp"
    if len(host) > MANAGED_HOST:
        reader.problem(
            domain.key,
            f"{host} has {len(host)} characters, and Front Door's own certificates name {MANAGED_HOST} at most; {way_out}",
        )
    if ".xn--" in host:  # learn.microsoft.com/azure/frontdoor/front-door-custom-domain
        reader.problem(domain.key, f"{host} is an internationalized name, which Front Door refuses; {way_out}")


def _name(reader: Reader, value: Any, key: str) -> str:
    name = value if isinstance(value, str) else ""
    if not name.replace("-", "").isalnum() or not name.isascii() or len(name) > LONGEST_NAME:
        reader.problem(
            key, f"{shown(value)} must be 1 to {LONGEST_NAME} letters, digits and -; resources are named after it"
        )
    return name


def _policy(
    reader: Reader, given: dict[str, Any], key: str, name: str, domains: tuple[Domain, ...], hosted: Hosted
) -> PolicySettings | None:
    sku = reader.choice(
        given.get("sku", "Free"),
        f"{key}.sku",
        tuple(CUSTOM_DOMAINS),
        f"is no plan; choose {' or '.join(CUSTOM_DOMAINS)}",
    )
    on_app = hosted.on(Hosting.STATIC_WEB_APP)
    if not on_app and given.get("sku") is not None:
        reader.problem(f"{key}.sku", "means nothing on Front Door; leave it out")
    if on_app and sku:
        _room(reader, key, sku, domains)
    policy = read_document(reader, given, key)
    uris = reader.items(given.get("tlsReports"), f"{key}.tlsReports", "mailto: or https: URIs")
    reports = reader.attempt(f"{key}.tlsReports", lambda: TlsRptRecord(tuple(uris))) if uris else None
    early = reader.flag(given.get("removeEarlyAndRiskMail"), f"{key}.removeEarlyAndRiskMail")
    if early and policy and policy.mode == Mode.ENFORCE:
        reader.problem(f"{key}.removeEarlyAndRiskMail", "means nothing in mode enforce; set mode: none first")
    return PolicySettings(name, policy, sku or "Free", domains, reports, early, hosted) if policy else None


def _room(reader: Reader, key: str, sku: str, domains: tuple[Domain, ...]) -> None:
    """No site has more domains than its plan holds."""
    limit = CUSTOM_DOMAINS[sku]
    for number, own in by_site(domains).items():
        if len(own) <= limit:
            continue
        if any(domain.site is None for domain in own):
            more = "" if sku == "Standard" else ", or set sku: Standard (5)"
            reader.problem(
                f"{key}.domains",
                f"{len(own)} domains, but a {sku} app holds {limit}; to write down which app has which: "
                f"python -m tools.fleet pack{more}",
            )
        else:
            reader.problem(
                f"{key}.domains",
                f"site {number} has {len(own)}, but a {sku} app holds {limit}; give a new one another site",
            )


def read_document(reader: Reader, given: dict[str, Any], key: str) -> Policy | None:
    """The RFC 8461 policy itself; None where something is wrong with it."""
    mode = reader.choice(
        given.get("mode"),
        f"{key}.mode",
        tuple(Mode),
        "must be testing, enforce or none; begin with testing (RFC 8461 5)",
    )
    age = given.get("maxAge", DAY if mode == Mode.NONE else WEEK)
    if isinstance(age, bool) or not isinstance(age, int):
        reader.problem(
            f"{key}.maxAge", f"{shown(age)} must be a whole number of seconds, such as {WEEK} for a week"
        )
        age = None
    patterns = reader.items(given.get("mx"), f"{key}.mx", "host names")
    hosts = [_mx(reader, pattern, f"{key}.mx[{index}]") for index, pattern in enumerate(patterns)]
    if not patterns and mode and mode != Mode.NONE:
        reader.problem(f"{key}.mx", f"is empty; mode {mode} needs the mail servers' names (RFC 8461 3.2)")
        return None
    if mode is None or age is None or "" in hosts:
        return None
    try:
        return Policy.of(mode=Mode(mode), max_age=age, mx=hosts)
    except PolicyError as error:
        reader.problem(f"{key}.{FIELD_KEYS.get(error.field, 'mx')}", str(error))
        return None


def _mx(reader: Reader, value: Any, key: str) -> str:
    """An mx pattern in A-labels; "" where it is none."""
    star, rest = ("*.", value[2:]) if isinstance(value, str) and value.startswith("*.") else ("", value)
    name = reader.domain_name(rest, key)
    return star + name if name else ""


def _domains(reader: Reader, given: dict[str, Any], key: str, dns: Dns | None) -> tuple[Domain, ...]:
    items = reader.items(given.get("domains"), f"{key}.domains", "domains")
    if not items:
        reader.problem(f"{key}.domains", "is empty; name at least one mail domain")
    return tuple(read_domain(reader, item, f"{key}.domains[{index}]", dns) for index, item in enumerate(items))


def read_domain(reader: Reader, value: Any, key: str, dns: Dns | None) -> Domain:
    """A domain, as a name or a map."""
    given = reader.mapping(value, key, DOMAIN_KEYS) if isinstance(value, dict) else {"name": value}
    name = reader.domain_name(given.get("name"), key)
    dns = read_dns(reader, given.get("dns"), f"{key}.dns", dns)
    if dns is None:
        reader.problem(
            key,
            "has no DNS; set mta-sts:dns to {provider: azure, resourceGroup: …} or {provider: manual}"
            + (f" for {name}" if name else ""),
        )
    zone = dns.zone if dns else None
    if zone and name and not f".{name}".endswith(f".{zone}"):
        reader.problem(key, f"{name!r} does not lie in the zone {zone}")
    adopt = reader.flag(given.get("adoptTlsReports"), f"{key}.adoptTlsReports")
    target = given.get("delegateTo")
    delegate_to = reader.domain_name(target, f"{key}.delegateTo") if target is not None else None
    site = read_number(reader, given["site"], f"{key}.site", LAST_SITE) if given.get("site") is not None else None
    return Domain(name, dns or Dns(), key, adopt, delegate_to or None, site)


def read_number(reader: Reader, value: Any, key: str, last: int) -> int | None:
    """A number that something is called by, from 1; None where it is none."""
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= last:
        reader.problem(key, f"{shown(value)} must be a whole number from 1 to {last}")
        return None
    return value


def _once(reader: Reader, what: str, names: list[str]) -> None:
    for name in sorted({name for name in names if name and names.count(name) > 1}):
        reader.problem(KEY, f"the {what} {name} stands there {names.count(name)} times; once is enough")


def _delegations(reader: Reader, domains: Sequence[Domain], policies: Sequence[PolicySettings]) -> None:
    """A domain is delegated to one of this stack with the same policy, so that one id is right for both."""
    by_name = {domain.name: domain for domain in domains}
    policy_of = {domain.name: policy for policy in policies for domain in policy.domains}
    for domain in domains:
        target = domain.delegate_to
        if target is None:
            continue
        key = f"{domain.key}.delegateTo" if domain.key.startswith(KEY) else f"{domain.key}: delegateTo"
        ours, theirs = policy_of.get(domain.name), policy_of.get(target)
        if target not in by_name or target == domain.name:
            reader.problem(key, f"{target!r} is no other domain of this stack; name one, or leave delegateTo out")
        elif by_name[target].delegate_to:
            reader.problem(key, f"{target} is itself delegated; name the domain it is delegated to")
        elif ours and theirs and ours.policy.render() != theirs.policy.render():
            reader.problem(
                key,
                f"{target} has another policy ({theirs.name}), but shares its id; give both the same mode, maxAge and mx",
            )
