"""The stack's configuration, typed and checked as a whole before anything is touched.

Every problem is found at once, a line each, with the key, the value and the way out:

    mta-sts:policies[0].domains[1]: 'https://example.org': write the mail domain alone, without the scheme
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, cast

from pulumi.runtime.config import get_config_env, get_config_secret_keys_env

import settings_devops
import settings_dns
from policy import Mode, Policy, PolicyError, TlsRptRecord
from policy.names import check_domain, to_a_label
from settings_dns import AzureDns, Dns, ManualDns

KEYS = ("policies", "dns", "tags", "resourceGroup", "preflight", "staticSitesClient", "azureDevOps")
POLICY_KEYS = ("name", "mode", "maxAge", "mx", "sku", "domains", "tlsReports", "dns", "removeEarlyAndRiskMail")
DOMAIN_KEYS = ("name", "dns", "adoptTlsReports", "delegateTo")

# Where Static Web Apps can live, and what its plans hold:
# learn.microsoft.com/azure/static-web-apps/overview and learn.microsoft.com/azure/static-web-apps/quotas
REGIONS = ("westus2", "centralus", "eastus2", "westeurope", "eastasia")
CUSTOM_DOMAINS = {"Free": 2, "Standard": 5}  # an app
FREE_APPS = 10  # a subscription

# Ways of azure-native to sign in that this program's own provider wouldn't see; as ARM_* variables both see them.
SIGN_IN = {
    "auxiliaryTenantIds": "ARM_AUXILIARY_TENANT_IDS",
    "clientCertificatePassword": "ARM_CLIENT_CERTIFICATE_PASSWORD",
    "clientCertificatePath": "ARM_CLIENT_CERTIFICATE_PATH",
    "clientId": "ARM_CLIENT_ID",
    "clientSecret": "ARM_CLIENT_SECRET",
    "oidcRequestToken": "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "oidcRequestUrl": "ACTIONS_ID_TOKEN_REQUEST_URL",
    "oidcToken": "ARM_OIDC_TOKEN",
    "oidcTokenFilePath": "ARM_OIDC_TOKEN_FILE_PATH",
    "tenantId": "ARM_TENANT_ID",
    "useDefaultAzureCredential": "ARM_USE_DEFAULT_AZURE_CREDENTIAL",
    "useMsi": "ARM_USE_MSI",
    "useOidc": "ARM_USE_OIDC",
}

WEEK, DAY = 604_800, 86_400  # seconds
T = TypeVar("T")


class SettingsError(ValueError):
    """Everything that is wrong with the configuration, a line each."""


class StackConfig(Protocol):
    """What this module needs of `pulumi.Config`."""

    def get(self, key: str) -> str | None: ...


@dataclass(frozen=True)
class Domain:
    """A policy domain (RFC 8461 1.1): what stands after the @, in A-labels.

    :param adopt_tls_reports: the record `_smtp._tls.<domain>` stands there already; it is taken over, and left there
        when the stack goes.
    :param delegate_to: the domain whose `_mta-sts` record says the policy's id for this one too (RFC 8461 8.2).
    """

    name: str
    dns: Dns
    adopt_tls_reports: bool = False
    delegate_to: str | None = None

    @property
    def policy_host(self) -> str:
        """Where senders fetch the policy (RFC 8461 3.2)."""
        return f"mta-sts.{self.name}"


@dataclass(frozen=True)
class PolicySettings:
    """One policy and the domains that have it: one Static Web App."""

    name: str
    policy: Policy
    sku: str
    domains: tuple[Domain, ...]
    tls_reports: TlsRptRecord | None
    remove_early: bool = False


@dataclass(frozen=True)
class Settings:
    """A stack. `notes` are lines that the user should see, such as a converted name."""

    location: str
    resource_group: str
    tags: Mapping[str, str]
    policies: tuple[PolicySettings, ...]
    preflight: bool
    static_sites_client: str | None
    notes: tuple[str, ...]
    devops: settings_devops.DevOps | None = None


def load(
    config: StackConfig,
    keys: Iterable[str],
    location: str | None,
    stack: str,
    azure_keys: Iterable[str] = (),
    encrypted: Iterable[str] = (),
) -> Settings:
    """Read the stack's configuration.

    :param keys: the names of all `mta-sts:` keys that are set.
    :param location: `azure-native:location`.
    :param encrypted: the names of the `mta-sts:` keys that hold secrets.
    :param azure_keys: the names of all `azure-native:` keys that are set.
    :param stack: the stack's name; the resource group is `mta-sts-<stack>` where none is named.
    :raises SettingsError: a line for each problem.
    """
    read = Reader(encrypted)
    for key in keys:
        if key not in KEYS:
            read.problem(f"mta-sts:{key}", f"there is no such key; the keys are {', '.join(KEYS)}")
    for key in azure_keys:
        if key in SIGN_IN:
            read.problem(
                f"azure-native:{key}", f"sign in by the variable {SIGN_IN[key]} instead, and remove the key"
            )
    place = read.location(location)
    dns = read.dns(_value(config, "dns"), "mta-sts:dns", None)
    devops = settings_devops.read(
        read, _value(config, "azureDevOps"), dns.resource_group if isinstance(dns, AzureDns) else None
    )
    given = _value(config, "policies")
    policies = read.policies(given, dns) if given or devops is None else ()
    settings = Settings(
        location=place,
        resource_group=read.text(config.get("resourceGroup"), "mta-sts:resourceGroup") or f"mta-sts-{stack}",
        tags=read.tags(_value(config, "tags")),
        policies=policies,
        preflight=read.switch(config.get("preflight"), "mta-sts:preflight"),
        static_sites_client=read.text(config.get("staticSitesClient"), "mta-sts:staticSitesClient"),
        notes=tuple(read.notes),
        devops=devops,
    )
    read.across(policies)
    if read.problems:
        raise SettingsError("\n".join(read.problems))
    return settings


def _value(config: StackConfig, key: str) -> Any:
    """A list or a map, which the engine hands over as JSON; anything else as the text it is."""
    text = config.get(key)
    try:
        return None if text is None else json.loads(text)
    except ValueError:
        return text


def encrypted_keys() -> list[str]:
    """The names of the `mta-sts:` keys with an encrypted value somewhere in them, as the engine hands them over."""
    return [key.removeprefix("mta-sts:") for key in get_config_secret_keys_env() if key.startswith("mta-sts:")]


def keys_of(namespace: str) -> list[str]:
    """The names of all keys that the stack sets in a namespace, as the engine hands them over."""
    prefix = f"{namespace}:"
    return [key.removeprefix(prefix) for key in get_config_env() if key.startswith(prefix)]


class Reader:
    """Reads configuration values and collects everything that is wrong with them."""

    def __init__(self, encrypted: Iterable[str] = ()) -> None:
        self.encrypted = frozenset(encrypted)
        self.problems: list[str] = []
        self.notes: list[str] = []

    def problem(self, key: str, message: str) -> None:
        self.problems.append(f"{key}: {message}")

    def attempt(self, key: str, make: Callable[[], T]) -> T | None:
        """What `make` returns, or None and a problem where the RFCs forbid it."""
        try:
            return make()
        except PolicyError as error:
            self.problem(key, str(error))
            return None

    def mapping(self, value: Any, key: str, known: tuple[str, ...]) -> dict[str, Any]:
        if not isinstance(value, dict):
            self.problem(key, f"{value!r} must be a map with the keys {', '.join(known)}")
            return {}
        found = cast(dict[str, Any], value)
        for name in found:
            if name not in known:
                self.problem(f"{key}.{name}", f"there is no such key; the keys are {', '.join(known)}")
        return found

    def items(self, value: Any, key: str, of: str) -> list[Any]:
        if value is None:
            return []
        if not isinstance(value, list):
            self.problem(key, f"{value!r} must be a list of {of}")
            return []
        return cast(list[Any], value)

    def text(self, value: Any, key: str) -> str | None:
        if value is None or (isinstance(value, str) and value):
            return value
        self.problem(key, f"{value!r} must be a text")
        return None

    def flag(self, value: Any, key: str) -> bool:
        if value is not None and not isinstance(value, bool):
            self.problem(key, f"{value!r} must be true or false")
        return value is True

    def switch(self, value: Any, key: str) -> bool:
        """`on` or `off`; the engine hands `false` over as a text too."""
        if value not in (None, "on", "off", "true", "false"):
            self.problem(key, f"{value!r} must be on or off")
        return value not in ("off", "false")

    def location(self, value: str | None) -> str:
        given = (value or "").replace(" ", "").lower()
        if given not in REGIONS:
            found = f"{value!r} has no Static Web Apps" if value else "is missing"
            self.problem(
                "azure-native:location",
                f"{found}; choose one of {', '.join(REGIONS)}: pulumi config set azure-native:location westeurope",
            )
        return given

    def tags(self, value: Any) -> dict[str, str]:
        if value is None:
            return {}
        if not isinstance(value, dict) or not all(
            isinstance(v, str) for v in cast(dict[Any, Any], value).values()
        ):
            self.problem("mta-sts:tags", f"{value!r} must be a map of names to texts")
            return {}
        return cast(dict[str, str], value)

    def secret(self, value: Any, key: str) -> str | None:
        """A text that stands encrypted in the stack's file."""
        text = self.text(value, key)
        if text and key.removeprefix("mta-sts:").replace("[", ".").partition(".")[0] not in self.encrypted:
            self.problem(
                key,
                "stands in the stack's file for all to read; have the other side replace it, then: "
                f"pulumi config set --secret --path '{key}'",
            )
        return text

    def dns(self, value: Any, key: str, inherited: Dns | None) -> Dns | None:
        return settings_dns.read(self, value, key, inherited)

    def domain_name(self, value: Any, key: str) -> str:
        """A domain in A-labels; a U-label is converted, and that is noted (RFC 8461 3.2 wants A-labels)."""
        if not isinstance(value, str):
            self.problem(key, f"{value!r} must be a domain such as example.org")
            return ""
        name = self.attempt(key, lambda: to_a_label(value)) or ""
        if name and name.lower() != value.lower():
            self.notes.append(f"{key}: {value} stands in DNS as {name}")
        if name:
            self.attempt(key, lambda: check_domain(name, "domain"))
        return name.lower()

    def policies(self, value: Any, dns: Dns | None) -> tuple[PolicySettings, ...]:
        if not value:
            self.problem("mta-sts:policies", "is missing; see Pulumi.dev.yaml for an example with one policy")
            return ()
        found = [
            self.policy(each, f"mta-sts:policies[{index}]", dns)
            for index, each in enumerate(self.items(value, "mta-sts:policies", "policies"))
        ]
        return tuple(each for each in found if each)

    def policy(self, value: Any, key: str, dns: Dns | None) -> PolicySettings | None:
        given = self.mapping(value, key, POLICY_KEYS)
        if not given:
            return None
        name = self.text(given.get("name"), f"{key}.name")
        if name is None or not name.replace("-", "").isalnum() or not name.isascii() or len(name) > 30:
            self.problem(
                f"{key}.name", f"{name!r} must be 1 to 30 letters, digits and -; resources are named after it"
            )
        sku = given.get("sku", "Free")
        if sku not in CUSTOM_DOMAINS:
            self.problem(f"{key}.sku", f"{sku!r} is no plan; choose {' or '.join(CUSTOM_DOMAINS)}")
        dns = self.dns(given.get("dns"), f"{key}.dns", dns)
        domains = tuple(
            self.domain(each, f"{key}.domains[{index}]", dns)
            for index, each in enumerate(self.items(given.get("domains"), f"{key}.domains", "domains"))
        )
        if not domains:
            self.problem(f"{key}.domains", "is empty; name at least one mail domain")
        limit = CUSTOM_DOMAINS.get(sku)
        if limit and len(domains) > limit:
            self.problem(
                f"{key}.domains",
                f"{len(domains)} domains, but a {sku} app holds {limit}; set sku: Standard (5) or give the others a "
                "policy of another name with the same mx",
            )
        policy = self.document(given, key)
        reports = self.items(given.get("tlsReports"), f"{key}.tlsReports", "mailto: or https: URIs")
        record = self.attempt(f"{key}.tlsReports", lambda: TlsRptRecord(tuple(reports))) if reports else None
        early = self.flag(given.get("removeEarlyAndRiskMail"), f"{key}.removeEarlyAndRiskMail")
        if early and policy and policy.mode == Mode.ENFORCE:
            self.problem(f"{key}.removeEarlyAndRiskMail", "means nothing in mode enforce; set mode: none first")
        return PolicySettings(name or "", policy, sku, domains, record, early) if policy else None

    def document(self, given: dict[str, Any], key: str) -> Policy | None:
        """The RFC 8461 policy itself."""
        mode = given.get("mode")
        if mode not in tuple(Mode):
            self.problem(
                f"{key}.mode", f"{mode!r} must be testing, enforce or none; begin with testing (RFC 8461 5)"
            )
            return None
        age = given.get("maxAge", DAY if mode == Mode.NONE else WEEK)
        if isinstance(age, bool) or not isinstance(age, int):
            self.problem(f"{key}.maxAge", f"{age!r} must be a whole number of seconds, such as {WEEK} for a week")
            return None
        hosts = [
            self.mx(each, f"{key}.mx[{index}]")
            for index, each in enumerate(self.items(given.get("mx"), f"{key}.mx", "host names"))
        ]
        if "" in hosts:
            return None
        if not hosts and mode != Mode.NONE:
            self.problem(f"{key}.mx", f"is empty; mode {mode} needs the mail servers' names (RFC 8461 3.2)")
            return None
        return self.attempt(f"{key}.maxAge", lambda: Policy.of(mode=Mode(mode), max_age=age, mx=hosts))

    def mx(self, value: Any, key: str) -> str:
        star, rest = ("*.", value[2:]) if isinstance(value, str) and value.startswith("*.") else ("", value)
        name = self.domain_name(rest, key)
        return star + name if name else ""

    def domain(self, value: Any, key: str, dns: Dns | None) -> Domain:
        given = self.mapping(value, key, DOMAIN_KEYS) if isinstance(value, dict) else {"name": value}
        name = self.domain_name(given.get("name"), key)
        found = self.dns(given.get("dns"), f"{key}.dns", dns)
        if found is None and not given.get("dns") and not self.problems:
            self.problem(
                key,
                f"has no DNS; set mta-sts:dns to {{provider: azure, resourceGroup: …}} or {{provider: manual}} for {name}",
            )
        zone = getattr(found, "zone", None)
        if zone and not f".{name}".endswith(f".{zone}"):
            self.problem(key, f"{name!r} does not lie in the zone {zone}")
        adopt = self.flag(given.get("adoptTlsReports"), f"{key}.adoptTlsReports")
        target = given.get("delegateTo")
        delegate_to = self.domain_name(target, f"{key}.delegateTo") if target is not None else None
        return Domain(name, found or ManualDns(), adopt, delegate_to or None)

    def across(self, policies: tuple[PolicySettings, ...]) -> None:
        """What no single policy shows: duplicates, and the subscription's limit."""
        for what, names in (
            ("policy", [each.name for each in policies]),
            ("domain", [domain.name for each in policies for domain in each.domains]),
        ):
            for name in sorted({name for name in names if name and names.count(name) > 1}):
                self.problem(
                    "mta-sts:policies", f"the {what} {name} stands there {names.count(name)} times; once is enough"
                )
        self.delegations(policies)
        free = sum(each.sku == "Free" for each in policies)
        if free > FREE_APPS:
            self.problem(
                "mta-sts:policies",
                f"{free} policies with sku Free, but a subscription holds {FREE_APPS} Free apps; use sku: Standard",
            )

    def delegations(self, policies: tuple[PolicySettings, ...]) -> None:
        """A domain is delegated to one of this stack with the same policy, so that one id is right for both."""
        of = {domain.name: (policy, domain) for policy in policies for domain in policy.domains}
        for policy, domain in of.values():
            target = domain.delegate_to
            if target is None:
                continue
            key = f"mta-sts:policies[{policies.index(policy)}].domains[{policy.domains.index(domain)}].delegateTo"
            if target not in of or target == domain.name:
                self.problem(
                    key, f"{target!r} is no other domain of this stack; name one, or leave delegateTo out"
                )
            elif of[target][1].delegate_to:
                self.problem(key, f"{target} is itself delegated; name the domain it is delegated to")
            elif of[target][0].policy.render() != policy.policy.render():
                self.problem(
                    key,
                    f"{target} has another policy ({of[target][0].name}), but shares its id; give both the same mode, "
                    "maxAge and mx",
                )
