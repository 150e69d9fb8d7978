"""The classes of pulumi-azure-native that this program uses, without those that it doesn't.

`from pulumi_azure_native import web` imports everything that Azure has for the web: that takes longer than Pulumi's SDK. So
a service's package stands here without its contents while the modules that are used are imported by their names. After that
it is as it was: a program of somebody else's, which declares our components, may use all of it (docs/component.md).
"""

import importlib.util
import sys

import pulumi_azure_native

services = [f"{pulumi_azure_native.__name__}.{service}" for service in ("dns", "resources", "web")]
whole = {name: sys.modules[name] for name in services if name in sys.modules}
for name in services:
    if spec := importlib.util.find_spec(name):
        sys.modules[name] = importlib.util.module_from_spec(spec)

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

for name in services:
    del sys.modules[name]
sys.modules.update(whole)

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
