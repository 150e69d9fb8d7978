"""Azure Static Web Apps: an app a policy. A domain is bound once its CNAME leads there."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import pulumi

import azure_native
from components.mail_domain import MailDomain, merge
from provider import azure, tries
from provider.resources import Content
from settings.policies import PolicySettings

# Azure writes it with and without the blank (pulumi/pulumi-azure 1595).
NOT_YET = ("CNAME Record is invalid", "CNAMERecord is invalid")


async def _retry_binding(failure: pulumi.ErrorHookArgs) -> bool:
    """Azure can take minutes to see a CNAME that everyone else sees, and may want bindings one after the other."""
    newest = failure.errors[0]
    unseen = "400" in newest and any(text in newest for text in NOT_YET)
    return await tries.again(failure, unseen or tries.busy(newest))


async def _detach(change: pulumi.ResourceHookArgs) -> None:
    """Azure refuses every change of a site that a pipeline has linked to its repository (Azure/static-web-apps 516, 771).

    Detaching is what `az staticwebapp disconnect` does; what the site serves stays.
    """
    site = await asyncio.to_thread(azure.request, "GET", change.id, azure.WEB) or {}
    properties: dict[str, object] = site.get("properties") or {}
    if properties.get("repositoryUrl") or properties.get("provider") not in (None, "None", "SwaCli"):
        await asyncio.to_thread(azure.request, "POST", f"{change.id}/detach", azure.WEB)


@cache
def binding_hook() -> pulumi.ErrorHook:
    """The one hook for all domains; an engine knows a hook by its name."""
    return pulumi.ErrorHook("retry-until-azure-takes-the-binding", _retry_binding)


@cache
def detach_hook() -> pulumi.ResourceHook:
    """The one hook for all sites; an engine knows a hook by its name."""
    return pulumi.ResourceHook("detach-from-the-repository", _detach)


@dataclass(frozen=True)
class StaticWebApp:
    """A Static Web App and its content; a `Host`.

    :param resource_group: the name of its group.
    :param content: the upload that the policy is part of.
    :param protect: whether senders rely on it.
    """

    site: azure_native.StaticSite
    content: Content
    resource_group: str
    protect: bool

    @property
    def target(self) -> pulumi.Output[str]:
        return self.site.default_hostname

    @property
    def key(self) -> pulumi.Output[str]:
        return self.site.name

    @property
    def id(self) -> pulumi.Output[str]:
        return self.site.id

    def prepare(self, mail: MailDomain) -> Sequence[pulumi.Resource]:
        return ()

    def bind(self, mail: MailDomain, *after: pulumi.Resource) -> azure_native.StaticSiteCustomDomain:
        options = pulumi.ResourceOptions(
            # Two apps can't hold one host name, so a domain that moves leaves the old app first.
            delete_before_replace=True,
            # Azure doesn't tell how a domain was validated; one that was bound by hand stays as it is.
            ignore_changes=["validationMethod"],
            hooks=pulumi.ResourceHookBinding(on_error=[binding_hook()]),
        )
        return azure_native.StaticSiteCustomDomain(
            f"{mail.domain.name}-custom-domain",
            name=self.site.name,
            resource_group_name=self.resource_group,
            domain_name=mail.domain.policy_host,
            validation_method="cname-delegation",
            opts=merge(mail.after(*after), pulumi.ResourceOptions(protect=self.protect), options),
        )


def declare(
    policy: PolicySettings,
    *,
    group: pulumi.Resource,
    resource_group: str,
    location: str,
    files: Mapping[str, str],
    tags: Mapping[str, str] | None,
    client_sha256: str | None,
    protect: bool,
    parent: pulumi.Resource,
) -> StaticWebApp:
    """A policy's own Static Web App, with its content.

    :param group: the resource group.
    :param resource_group: its name, as text: while the group's tags change, a preview doesn't know `group.name` and
        would show everything in it as replaced.
    :param location: of the site; one of `settings.stack.REGIONS`.
    :param files: what is published beside the policy, path to text (`website.read`).
    :param tags: of the site.
    :param client_sha256: what Microsoft's deploy client must hash to; by default what Microsoft publishes.
    :param protect: whether senders rely on it.
    :param parent: the component that it belongs to.
    """
    protected = pulumi.ResourceOptions(parent=parent, protect=protect)
    site = azure_native.StaticSite(
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
        opts=merge(
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
        site=site.id,
        default_hostname=site.default_hostname,
        policy=policy.policy.render().decode(),
        web=files,
        client_sha256=client_sha256,
        opts=protected,
    )
    return StaticWebApp(site, content, resource_group, protect)
