"""The classes of pulumi-azure-native that this program uses, without those that it doesn't.

`from pulumi_azure_native import web` imports everything that Azure has for the web: that takes longer than Pulumi's SDK. So
each module that is used is imported by its name, while its package stands there without its contents.
"""

from provider.imports import without_contents

with without_contents(*(f"pulumi_azure_native.{service}" for service in ("dns", "resources", "web"))):
    from pulumi_azure_native.dns._inputs import CnameRecordArgs, TxtRecordArgs
    from pulumi_azure_native.dns.record_set import RecordSet
    from pulumi_azure_native.provider import Provider
    from pulumi_azure_native.resources.get_resource_group import get_resource_group
    from pulumi_azure_native.resources.resource_group import ResourceGroup
    from pulumi_azure_native.web._enums import StagingEnvironmentPolicy
    from pulumi_azure_native.web._inputs import SkuDescriptionArgs, StaticSiteBuildPropertiesArgs
    from pulumi_azure_native.web.static_site import StaticSite
    from pulumi_azure_native.web.static_site_custom_domain import StaticSiteCustomDomain

__all__ = [
    "CnameRecordArgs",
    "Provider",
    "RecordSet",
    "ResourceGroup",
    "SkuDescriptionArgs",
    "StagingEnvironmentPolicy",
    "StaticSite",
    "StaticSiteBuildPropertiesArgs",
    "StaticSiteCustomDomain",
    "TxtRecordArgs",
    "get_resource_group",
]
