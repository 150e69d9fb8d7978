"""A policy and the Static Web App that publishes it."""

import asyncio
from collections.abc import Mapping

import pulumi

import azure_native
from components.mail_domain import MailDomain
from policy import Mode
from provider import azure
from provider.resources import Content
from settings.policies import PolicySettings
from zones import Backend


def without_version_aliases(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
    """A transformation: azure-native resources without the aliases of other API versions."""
    if not args.type_.startswith("azure-native:") or not args.opts.aliases:
        return None
    args.opts.aliases = None
    return pulumi.ResourceTransformationResult(args.props, args.opts)


async def _detach(change: pulumi.ResourceHookArgs) -> None:
    """Azure refuses every change of a site that a pipeline has linked to its repository (Azure/static-web-apps 516, 771).

    Detaching is what `az staticwebapp disconnect` does; what the site serves stays.
    """
    site = await asyncio.to_thread(azure.request, "GET", change.id, azure.WEB) or {}
    properties: dict[str, object] = site.get("properties") or {}
    if properties.get("repositoryUrl") or properties.get("provider") not in (None, "None", "SwaCli"):
        await asyncio.to_thread(azure.request, "POST", f"{change.id}/detach", azure.WEB)


_hooks: list[pulumi.ResourceHook] = []


def detach_hook() -> pulumi.ResourceHook:
    """The one hook for all sites; an engine knows a hook by its name."""
    if not _hooks:
        _hooks.append(pulumi.ResourceHook("detach-from-the-repository", _detach))
    return _hooks[0]


class PolicySite(pulumi.ComponentResource):
    """One policy: its Static Web App, the uploaded content, and a MailDomain for each domain.

    Whoever makes one calls `announce` with the domains of all of them afterwards: that publishes the ids.

    :param policy: the policy and its domains.
    :param group: the resource group.
    :param resource_group: its name, as text: while the group's tags change, a preview doesn't know `group.name` and
        would show everything in it as replaced.
    :param location: of the site; one of `settings.stack.REGIONS`.
    :param files: what is published beside the policy, path to text (`website.read`).
    :param backends: where each domain's records go, by domain name (`zones.backends`).
    :param tags: of the site.
    :param client_sha256: what Microsoft's deploy client must hash to; by default what Microsoft publishes.
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
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("mtasts:index:PolicySite", policy.name, None, opts)
        protected = pulumi.ResourceOptions(parent=self, protect=policy.policy.mode == Mode.ENFORCE)
        self.site = azure_native.StaticSite(
            f"mta-sts-{policy.name}",
            resource_group_name=resource_group,
            location=location,
            sku=azure_native.SkuDescriptionArgs(name=policy.sku, tier=policy.sku),
            # The upload leaves this provider behind, and a later PUT that says otherwise is refused
            # (Azure/static-web-apps 495, 575). buildProperties are mandatory, says @azure/static-web-apps-cli.
            provider="SwaCli",
            build_properties=azure_native.StaticSiteBuildPropertiesArgs(
                app_location="", output_location="", api_location=""
            ),
            staging_environment_policy=azure_native.StagingEnvironmentPolicy.DISABLED,
            allow_config_file_updates=True,
            tags=tags or {},
            opts=pulumi.ResourceOptions.merge(
                protected,
                pulumi.ResourceOptions(
                    depends_on=[group],
                    # What another upload has left, such as AzureStaticWebApp@0 in a pipeline, is no drift.
                    ignore_changes=["provider", "repositoryUrl", "branch"],
                    hooks=pulumi.ResourceHookBinding(before_update=[detach_hook()]),
                ),
            ),
        )
        content = Content(
            f"{policy.name}-content",
            site=self.site.id,
            default_hostname=self.site.default_hostname,
            policy=policy.policy.render().decode(),
            web=files,
            client_sha256=client_sha256,
            opts=protected,
        )
        self.domains = {
            domain.name: MailDomain(
                domain,
                policy=policy,
                backend=backends[domain.name],
                resource_group=resource_group,
                site=self.site,
                content=content,
                opts=pulumi.ResourceOptions(parent=self),
            )
            for domain in policy.domains
        }
        self.register_outputs({"defaultHostname": self.site.default_hostname, "policyId": policy.policy.id})
