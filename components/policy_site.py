"""A policy, what serves it, and its domains."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pulumi

from components import static_web_app
from components.hosting import Host
from components.mail_domain import MailDomain
from policy import Mode
from settings.policies import Hosting, PolicySettings
from zones import Backend

if TYPE_CHECKING:
    from components.front_door import FrontDoor

EACH_DOMAIN = frozenset(
    (
        "azure-native:cdn:AFDCustomDomain",
        "azure-native:cdn:Route",
        "azure-native:dns:RecordSet",
        "azure-native:web:StaticSiteCustomDomain",
    )
)


def without_version_aliases(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
    """A transformation: azure-native resources without the aliases of other API versions."""
    if not args.type_.startswith("azure-native:") or not args.opts.aliases:
        return None
    args.opts.aliases = None
    return pulumi.ResourceTransformationResult(args.props, args.opts)


def without_unread_outputs(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
    """A transformation: what each domain has of azure-native's, with its id, its URN and its inputs as outputs, no more.

    A record set has two dozen outputs, most of them for records of other types; the SDK makes five objects for each.
    """
    if args.type_ not in EACH_DOMAIN:
        return None
    given = {name: value for name, value in args.props.items() if value is not None}
    return pulumi.ResourceTransformationResult(given, args.opts)


class PolicySite(pulumi.ComponentResource):
    """One policy: what serves it, and a MailDomain for each domain.

    Whoever makes one calls `announce` with the domains of all of them afterwards: that publishes the ids.

    :param policy: the policy and its domains.
    :param group: the resource group.
    :param resource_group: its name, as text: while the group's tags change, a preview doesn't know `group.name` and
        would show everything in it as replaced.
    :param location: of a site; one of `settings.stack.REGIONS`.
    :param files: what is published beside the policy, path to text (`website.read`).
    :param backends: where each domain's records go, by domain name (`zones.backends`).
    :param tags: of a site.
    :param client_sha256: what Microsoft's deploy client must hash to; by default what Microsoft publishes.
    :param front_door: the stack's Front Door, where a policy of its is served there.
    """

    def __init__(
        self,
        policy: PolicySettings,
        *,
        group: pulumi.Resource,
        resource_group: str,
        location: str,
        files: Mapping[str, str],
        backends: Mapping[str, Backend],
        tags: Mapping[str, str] | None = None,
        client_sha256: str | None = None,
        front_door: "FrontDoor | None" = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("mtasts:index:PolicySite", policy.name, None, opts)

        def host(hosting: Hosting, protect: bool) -> Host:
            if hosting == Hosting.FRONT_DOOR:
                assert front_door is not None
                return front_door.folder(policy, protect=protect, parent=self)
            return static_web_app.declare(
                policy,
                group=group,
                resource_group=resource_group,
                location=location,
                files=files,
                tags=tags,
                client_sha256=client_sha256,
                protect=protect,
                parent=self,
            )

        moving_from = policy.hosted.moving_from
        before = host(moving_from, False) if moving_from else None  # it goes once `movingFrom` is removed
        self.host = host(policy.hosted.by, policy.policy.mode == Mode.ENFORCE)
        self.domains = {
            domain.name: MailDomain(
                domain,
                policy=policy,
                backend=backends[domain.name],
                host=self.host,
                before=before,
                opts=pulumi.ResourceOptions(parent=self),
            )
            for domain in policy.domains
        }
        self.register_outputs({"defaultHostname": self.host.target, "policyId": policy.policy.id})
