"""Azure Front Door Standard: one profile a stack, before the static website of a storage account.

A folder of the website is a policy, a route is a domain. So a domain that changes its policy is one update in place, and one
that goes takes its route with it, after its DNS records. A domain is proved by a TXT record, before its CNAME leads there:
site and certificate are ready when it does.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from urllib.parse import urlsplit

import pulumi

from azure_native import front_door as cdn
from components import website
from components.mail_domain import MailDomain, merge
from policy.places import validation_record
from provider import tries
from provider.resources import DomainReady, Folder, ValidationToken
from settings.policies import PolicySettings

# Names are given, not read from the resources: a preview knows them all, and `tools.recover` where everything would be.
ORIGINS, ORIGIN, RULES = "mta-sts", "website", "headers"
GLOBAL = "Global"  # where profiles and endpoints are
LONGEST_NAME, LONGEST_LABEL = 260, 30  # characters of a custom domain's name; of a stack's in others
ACTIONS = 5  # of a rule


async def _retry_write(failure: pulumi.ErrorHookArgs) -> bool:
    """Front Door refuses writes while it works on what was written before (hashicorp/terraform-provider-azurerm 30997)."""
    return await tries.again(failure, tries.busy(failure.errors[0]))


@cache
def write_hook() -> pulumi.ErrorHook:
    """The one hook for all of Front Door; an engine knows a hook by its name."""
    return pulumi.ErrorHook("retry-until-front-door-takes-the-write", _retry_write)


def headers(files: Mapping[str, str]) -> dict[str, str]:
    """The headers of every answer: `globalHeaders` of web/staticwebapp.config.json."""
    config: dict[str, dict[str, str]] = json.loads(files.get(website.CONFIG, "{}"))
    return dict(config.get("globalHeaders", {}))


def domain_name(host: str) -> str:
    """A custom domain's name in its profile: letters, digits and hyphens; no two hosts have the same."""
    name = host.replace("-", "--").replace(".", "-")
    return name if len(name) <= LONGEST_NAME else hashlib.sha256(host.encode()).hexdigest()


def label(stack: str) -> str:
    """The name of a stack's profile and endpoint: endpoints of one name in a tenant would share their host name."""
    fits = len(stack) <= LONGEST_LABEL and stack.isascii() and stack.replace("-", "a").isalnum()
    return f"mta-sts-{stack if fits else hashlib.sha256(stack.encode()).hexdigest()[:16]}".rstrip("-").lower()


class FrontDoor(pulumi.ComponentResource):
    """A stack's Front Door: profile, endpoint, headers, and the website that it fetches from.

    :param group: the resource group.
    :param resource_group: its name, as text (see StaticWebApp).
    :param location: of the storage account.
    :param files: what is published beside the policies; `globalHeaders` of its configuration count here too.
    :param tags: of profile and storage account.
    :param protect: whether senders rely on it.
    """

    def __init__(
        self,
        name: str,
        *,
        group: pulumi.Resource,
        resource_group: str,
        location: str,
        files: Mapping[str, str],
        tags: Mapping[str, str],
        protect: bool,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("mtasts:index:FrontDoor", name, None, opts)
        self.files, self.resource_group = files, resource_group
        self.label = label(pulumi.get_stack())
        hook = pulumi.ResourceHookBinding(on_error=[write_hook()])
        self.options = pulumi.ResourceOptions(hooks=hook)
        own = merge(pulumi.ResourceOptions(parent=self, protect=protect), self.options)
        self.account = cdn.StorageAccount(
            "mtasts",
            resource_group_name=resource_group,
            location=location,
            kind="StorageV2",
            sku=cdn.StorageSkuArgs(name="Standard_LRS"),
            access_tier=cdn.AccessTier.HOT,
            allow_blob_public_access=False,
            allow_shared_key_access=False,
            enable_https_traffic_only=True,
            minimum_tls_version="TLS1_2",
            tags=tags,
            opts=merge(own, pulumi.ResourceOptions(depends_on=[group])),
        )
        self.profile = cdn.Profile(
            "mta-sts-profile",
            profile_name=self.label,
            resource_group_name=resource_group,
            location=GLOBAL,
            sku=cdn.SkuArgs(name="Standard_AzureFrontDoor"),
            tags=tags,
            opts=merge(own, pulumi.ResourceOptions(depends_on=[group])),
        )
        below = merge(own, pulumi.ResourceOptions(depends_on=[self.profile]))
        self.endpoint = cdn.AFDEndpoint(
            "mta-sts-endpoint",
            endpoint_name=self.label,
            # Azure appends a hash to its host name, by default one for the whole tenant: then the endpoint of a second
            # stack is refused, "That resource name isn't available."
            auto_generated_domain_name_label_scope="ResourceGroupReuse",
            location=GLOBAL,
            enabled_state="Enabled",
            profile_name=self.label,
            resource_group_name=resource_group,
            opts=below,
        )
        self.origins = cdn.AFDOriginGroup(
            "mta-sts-origins",
            origin_group_name=ORIGINS,
            load_balancing_settings=cdn.LoadBalancingSettingsParametersArgs(
                sample_size=4, successful_samples_required=3, additional_latency_in_milliseconds=50
            ),
            session_affinity_state="Disabled",
            profile_name=self.label,
            resource_group_name=resource_group,
            opts=below,
        )
        self.origin = cdn.AFDOrigin(
            "mta-sts-origin",
            origin_name=ORIGIN,
            origin_group_name=ORIGINS,
            host_name=self.website,
            origin_host_header=self.website,
            http_port=80,
            https_port=443,
            priority=1,
            weight=1000,
            enabled_state="Enabled",
            enforce_certificate_name_check=True,
            profile_name=self.label,
            resource_group_name=resource_group,
            opts=merge(below, pulumi.ResourceOptions(depends_on=[self.origins])),
        )
        self.rules, self._rules = self._headers(headers(files), below)
        self.register_outputs({"hostName": self.endpoint.host_name})

    @property
    def website(self) -> pulumi.Output[str]:
        """The host name of the storage account's static website."""
        return self.account.primary_endpoints.apply(lambda found: urlsplit(found.web).hostname or "")

    def _headers(
        self, given: Mapping[str, str], options: pulumi.ResourceOptions
    ) -> tuple[cdn.RuleSet, list[pulumi.Resource]]:
        """A rule set that adds headers to every answer, a few a rule."""
        rules = cdn.RuleSet(
            "mta-sts-headers",
            rule_set_name=RULES,
            profile_name=self.label,
            resource_group_name=self.resource_group,
            opts=options,
        )
        items = list(given.items())
        made: list[pulumi.Resource] = []
        for number, at in enumerate(range(0, len(items), ACTIONS)):
            rule = cdn.Rule(
                f"mta-sts-headers-{number}",
                rule_name=f"headers{number}",
                rule_set_name=RULES,
                order=number,
                match_processing_behavior="Continue",
                actions=[
                    cdn.DeliveryRuleResponseHeaderActionArgs(
                        name="ModifyResponseHeader",
                        parameters=cdn.HeaderActionParametersArgs(
                            header_action="Overwrite",
                            header_name=name,
                            value=value,
                            type_name="DeliveryRuleHeaderActionParameters",
                        ),
                    )
                    for name, value in items[at : at + ACTIONS]
                ],
                profile_name=self.label,
                resource_group_name=self.resource_group,
                opts=merge(options, pulumi.ResourceOptions(depends_on=[rules])),
            )
            made.append(rule)
        return rules, made

    def folder(self, policy: PolicySettings, *, protect: bool, parent: pulumi.Resource) -> "PolicyFolder":
        """What serves a policy."""
        return PolicyFolder(policy, self, protect=protect, parent=parent)

    @property
    def ready(self) -> list[pulumi.Resource]:
        """What a route leads through."""
        return [self.endpoint, self.origin, *self._rules]


class PolicyFolder:
    """A policy's folder behind a stack's Front Door; a `Host`.

    :param protect: whether senders rely on it.
    :param parent: the component that it belongs to.
    """

    def __init__(
        self, policy: PolicySettings, front_door: FrontDoor, *, protect: bool, parent: pulumi.Resource
    ) -> None:
        self._front_door, self._policy = front_door, policy
        self._protected = pulumi.ResourceOptions(protect=protect)
        self._domains: dict[str, cdn.AFDCustomDomain] = {}
        self.content = Folder(
            f"{policy.name}-folder",
            account=front_door.account.id,
            blobs=front_door.account.primary_endpoints.apply(lambda found: found.blob),
            host=front_door.website,
            folder=policy.name,
            policy=policy.policy.render().decode(),
            web=front_door.files,
            # Domains leave it by their routes, which are protected. What it says stays, since some edges lead there for a
            # while still, and goes with the account.
            opts=pulumi.ResourceOptions(
                parent=parent,
                protect=protect and not policy.may_be_left,
                retain_on_delete=policy.may_be_left,
            ),
        )

    @property
    def target(self) -> pulumi.Output[str]:
        return self._front_door.endpoint.host_name

    @property
    def key(self) -> pulumi.Output[str]:
        return self._front_door.profile.name

    @property
    def id(self) -> pulumi.Output[str]:
        return self._front_door.profile.id

    def prepare(self, mail: MailDomain) -> Sequence[pulumi.Resource]:
        front_door, host = self._front_door, mail.domain.policy_host
        options = merge(mail.after(front_door.profile), self._protected, front_door.options)
        domain = cdn.AFDCustomDomain(
            f"{mail.domain.name}-front-door-domain",
            custom_domain_name=domain_name(host),
            host_name=host,
            tls_settings=cdn.AFDDomainHttpsParametersArgs(
                certificate_type="ManagedCertificate", minimum_tls_version=cdn.AfdMinimumTlsVersion.TLS12
            ),
            profile_name=front_door.label,
            resource_group_name=front_door.resource_group,
            # Azure names its certificate there, once it has issued one (Azure/azure-cli 31052).
            opts=merge(options, pulumi.ResourceOptions(ignore_changes=["tlsSettings.secret"])),
        )
        self._domains[mail.domain.name] = domain
        proof = ValidationToken(
            f"{mail.domain.name}-validation-token", custom_domain=domain.id, host=host, opts=mail.after()
        )
        record = mail.declare(
            "dnsauth",
            {"name": validation_record(host), "type": "TXT", "ttl": mail.ttl, "value": proof.token},
            mail.after(),
        )
        route = cdn.Route(
            f"{mail.domain.name}-route",
            route_name=domain_name(host),
            endpoint_name=front_door.label,
            custom_domains=[cdn.ActivatedResourceReferenceArgs(id=domain.id)],
            origin_group=cdn.ResourceReferenceArgs(id=front_door.origins.id),
            origin_path=f"/{self._policy.name}",
            patterns_to_match=["/*"],
            rule_sets=[cdn.ResourceReferenceArgs(id=front_door.rules.id)],
            supported_protocols=["Http", "Https"],
            forwarding_protocol="HttpsOnly",
            https_redirect="Enabled",
            link_to_default_domain="Disabled",
            enabled_state="Enabled",
            profile_name=front_door.label,
            resource_group_name=front_door.resource_group,
            opts=merge(options, mail.after(self.content, *front_door.ready)),
        )
        ready = DomainReady(
            f"{mail.domain.name}-front-door-ready",
            custom_domain=domain.id,
            host=host,
            endpoint=front_door.endpoint.host_name,
            policy=self._policy.policy.render().decode(),
            opts=mail.after(record, route),
        )
        return [ready]

    def bind(self, mail: MailDomain, *after: pulumi.Resource) -> cdn.AFDCustomDomain:
        return self._domains[mail.domain.name]
