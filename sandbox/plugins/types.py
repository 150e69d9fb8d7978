"""The resource types that the stand-in models, as data."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Type:
    """How a resource's properties go over the wire.

    :param path: of its id; its names are path inputs, whose change replaces the resource.
    :param name: the input that the program may leave out, to be named automatically: the path's last.
    :param top: inputs beside `properties`.
    :param inside: inputs inside `properties`; a name on the wire that differs stands as its value.
    :param outputs: read-only properties.
    :param replace: inputs whose change replaces it, beside those in the path.
    :param naming: how it is named when the program doesn't say: "random", "copy" (of the resource's name), "uuid".
    :param lengths: the least and the most characters of its name; 0 for any.
    :param pattern: what its name must match, as Azure's own definition has it.
    """

    path: str
    version: str
    name: str
    top: tuple[str, ...] = ()
    inside: dict[str, str] = field(default_factory=dict[str, str])
    outputs: tuple[str, ...] = ()
    replace: tuple[str, ...] = ()
    naming: str = "random"
    lengths: tuple[int, int] = (0, 0)
    pattern: str = ""


GROUP = "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}"
SITE = f"{GROUP}/providers/Microsoft.Web/staticSites/{{name}}"
IDENTITY = f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{{resourceName}}"
ZONE = f"{GROUP}/providers/Microsoft.Network/dnsZones/{{zoneName}}"


def same(*names: str) -> dict[str, str]:
    """Names that are the same on the wire."""
    return {name: name for name in names}


TYPES = {
    "azure-native:resources:ResourceGroup": Type(
        path=GROUP,
        version="2024-03-01",
        name="resourceGroupName",
        top=("location", "tags", "managedBy"),
        replace=("location",),
    ),
    "azure-native:web:StaticSite": Type(
        path=SITE,
        version="2025-05-01",
        name="name",
        top=("location", "tags", "sku", "kind", "identity"),
        inside=same("repositoryUrl", "branch", "repositoryToken", "buildProperties", "stagingEnvironmentPolicy",
                    "allowConfigFileUpdates", "provider", "publicNetworkAccess", "enterpriseGradeCdnStatus"),
        outputs=("defaultHostname", "customDomains", "contentDistributionEndpoint", "keyVaultReferenceIdentity",
                 "privateEndpointConnections", "linkedBackends", "databaseConnections"),
        replace=("location",),
    ),
    "azure-native:web:StaticSiteCustomDomain": Type(
        path=f"{SITE}/customDomains/{{domainName}}",
        version="2025-05-01",
        name="domainName",
        naming="copy",
        top=("kind",),
        inside=same("validationMethod"),
        outputs=("domainName", "createdOn", "status", "validationToken", "errorMessage"),
    ),
    "azure-native:dns:Zone": Type(
        path=ZONE,
        version="2023-07-01-preview",
        name="zoneName",
        top=("location", "tags"),
        outputs=("nameServers", "numberOfRecordSets", "maxNumberOfRecordSets", "zoneType"),
    ),
    "azure-native:dns:RecordSet": Type(
        path=f"{ZONE}/{{recordType}}/{{relativeRecordSetName}}",
        version="2023-07-01-preview",
        name="relativeRecordSetName",
        naming="copy",
        inside={"ttl": "TTL", "cnameRecord": "CNAMERecord", "txtRecords": "TXTRecords", "mxRecords": "MXRecords",
                "aRecords": "ARecords", "aaaaRecords": "AAAARecords", "caaRecords": "caaRecords",
                "metadata": "metadata"},
        outputs=("fqdn", "provisioningState"),
    ),
    "azure-native:managedidentity:UserAssignedIdentity": Type(
        path=IDENTITY,
        version="2024-11-30",
        name="resourceName",
        top=("location", "tags"),
        outputs=("clientId", "principalId", "tenantId"),
        replace=("location",),
    ),
    "azure-native:managedidentity:FederatedIdentityCredential": Type(
        path=f"{IDENTITY}/federatedIdentityCredentials/{{federatedIdentityCredentialResourceName}}",
        version="2024-11-30",
        name="federatedIdentityCredentialResourceName",
        naming="copy",
        inside=same("issuer", "subject", "audiences"),
    ),
    "azure-native:storage:StorageAccount": Type(  # whose random names aren't made to fit (pulumi-azure-native 3665, 4294)
        path=f"{GROUP}/providers/Microsoft.Storage/storageAccounts/{{accountName}}",
        version="2024-01-01",
        name="accountName",
        top=("location", "tags", "sku", "kind", "identity", "extendedLocation"),
        inside={**same("accessTier", "allowBlobPublicAccess", "allowCrossTenantReplication", "allowSharedKeyAccess", "allowedCopyScope",
                       "azureFilesIdentityBasedAuthentication", "customDomain", "defaultToOAuthAuthentication", "dnsEndpointType",
                       "enableExtendedGroups", "encryption", "immutableStorageWithVersioning", "isHnsEnabled", "isLocalUserEnabled",
                       "isSftpEnabled", "keyPolicy", "largeFileSharesState", "minimumTlsVersion", "publicNetworkAccess",
                       "routingPreference", "sasPolicy"),
                "enableHttpsTrafficOnly": "supportsHttpsTrafficOnly", "enableNfsV3": "isNfsV3Enabled", "networkRuleSet": "networkAcls"},
        outputs=("provisioningState", "primaryEndpoints", "primaryLocation", "statusOfPrimary", "creationTime", "keyCreationTime",
                 "privateEndpointConnections"),
        replace=("location", "isHnsEnabled"),
        lengths=(3, 24),
        pattern="^[a-z0-9]+$",
    ),
    "azure-native:authorization:RoleDefinition": Type(
        path="{scope}/providers/Microsoft.Authorization/roleDefinitions/{roleDefinitionId}",
        version="2022-05-01-preview",
        name="roleDefinitionId",
        naming="uuid",
        inside={**same("roleName", "description", "permissions", "assignableScopes"), "roleType": "type"},
    ),
    "azure-native:authorization:RoleAssignment": Type(
        path="{scope}/providers/Microsoft.Authorization/roleAssignments/{roleAssignmentName}",
        version="2022-04-01",
        name="roleAssignmentName",
        naming="uuid",
        inside=same("roleDefinitionId", "principalId", "principalType"),
        replace=("roleDefinitionId", "principalId", "principalType"),
    ),
}  # fmt: skip

# Functions: the type whose GET they are.
FUNCTIONS = {
    "azure-native:dns:getZone": "azure-native:dns:Zone",
    "azure-native:dns:getRecordSet": "azure-native:dns:RecordSet",
    "azure-native:resources:getResourceGroup": "azure-native:resources:ResourceGroup",
    "azure-native:storage:getStorageAccount": "azure-native:storage:StorageAccount",
    "azure-native:web:getStaticSite": "azure-native:web:StaticSite",
}
