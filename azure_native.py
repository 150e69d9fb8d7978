"""The classes of pulumi-azure-native that this program uses, without those that it doesn't.

`from pulumi_azure_native import web` imports everything that Azure has for the web: that takes longer than Pulumi's SDK. So
a service's package stands here without its contents, and the modules that are used are imported by their names.
"""

import importlib.util
import sys

import pulumi_azure_native

for service in ("dns", "resources", "web"):
    if spec := importlib.util.find_spec(f"{pulumi_azure_native.__name__}.{service}"):
        sys.modules[spec.name] = importlib.util.module_from_spec(spec)

# The classes' own names, since that is what their documentation has.
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
