"""The same for Azure Front Door and its origin: imported only where a stack has policies there."""

from provider.imports import without_contents

with without_contents("pulumi_azure_native.cdn", "pulumi_azure_native.storage"):
    from pulumi_azure_native.cdn._enums import AfdMinimumTlsVersion
    from pulumi_azure_native.cdn._inputs import (
        ActivatedResourceReferenceArgs,
        AFDDomainHttpsParametersArgs,
        DeliveryRuleResponseHeaderActionArgs,
        HeaderActionParametersArgs,
        LoadBalancingSettingsParametersArgs,
        ResourceReferenceArgs,
        SkuArgs,
    )
    from pulumi_azure_native.cdn.afd_custom_domain import AFDCustomDomain
    from pulumi_azure_native.cdn.afd_endpoint import AFDEndpoint
    from pulumi_azure_native.cdn.afd_origin import AFDOrigin
    from pulumi_azure_native.cdn.afd_origin_group import AFDOriginGroup
    from pulumi_azure_native.cdn.profile import Profile
    from pulumi_azure_native.cdn.route import Route
    from pulumi_azure_native.cdn.rule import Rule
    from pulumi_azure_native.cdn.rule_set import RuleSet
    from pulumi_azure_native.storage._enums import AccessTier
    from pulumi_azure_native.storage._inputs import SkuArgs as StorageSkuArgs
    from pulumi_azure_native.storage.storage_account import StorageAccount

__all__ = [
    "AFDCustomDomain",
    "AFDDomainHttpsParametersArgs",
    "AFDEndpoint",
    "AFDOrigin",
    "AFDOriginGroup",
    "AccessTier",
    "ActivatedResourceReferenceArgs",
    "AfdMinimumTlsVersion",
    "DeliveryRuleResponseHeaderActionArgs",
    "HeaderActionParametersArgs",
    "LoadBalancingSettingsParametersArgs",
    "Profile",
    "ResourceReferenceArgs",
    "Route",
    "Rule",
    "RuleSet",
    "SkuArgs",
    "StorageAccount",
    "StorageSkuArgs",
]
