"""Who the pipeline is in Azure: an identity without a secret, and the least roles that `up` needs."""

from uuid import NAMESPACE_URL, uuid5

import pulumi
from pulumi_azure_native import authorization, managedidentity

from pipeline.settings import Settings, storage

# Built-in roles: learn.microsoft.com/azure/role-based-access-control/built-in-roles
DNS_ZONE_CONTRIBUTOR = "befefa01-2a29-4197-83a8-272ff33ce314"
STORAGE_BLOB_DATA_CONTRIBUTOR = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"
AUDIENCE = "api://AzureADTokenExchange"  # learn.microsoft.com/entra/workload-id/workload-identity-federation
# A stack makes its resource group, so that this role stands on the subscription and not on a group.
ACTIONS = [
    "Microsoft.Resources/subscriptions/read",
    "Microsoft.Resources/subscriptions/operationresults/read",
    "Microsoft.Resources/subscriptions/resourceGroups/read",
    "Microsoft.Resources/subscriptions/resourceGroups/write",
    "Microsoft.Resources/subscriptions/resourceGroups/delete",
    "Microsoft.Resources/subscriptions/resourceGroups/resources/read",
    "Microsoft.Web/staticSites/*",
    "Microsoft.Web/locations/*/read",
]


class Deployer(pulumi.ComponentResource):
    """The identity and its roles; `trust` then says whose tokens it takes."""

    def __init__(
        self,
        name: str,
        settings: Settings,
        resource_group: pulumi.Input[str],
        subscription: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("mtasts:index:Deployer", name, None, opts)
        self._name = name
        self._group = resource_group
        self._scope = pulumi.Output.concat("/subscriptions/", subscription)
        self._opts = pulumi.ResourceOptions(parent=self)
        self.identity = managedidentity.UserAssignedIdentity(
            name, resource_group_name=resource_group, tags=settings.tags, opts=self._opts
        )
        role = authorization.RoleDefinition(
            f"{name}-role",
            scope=self._scope,
            role_definition_id=self._guid("role"),
            role_name=f"MTA-STS deployer ({pulumi.get_stack()})",
            description="Resource groups and Static Web Apps, as `pulumi up` of mta-sts makes them",
            role_type="CustomRole",
            permissions=[authorization.PermissionArgs(actions=ACTIONS)],
            assignable_scopes=[self._scope],
            opts=self._opts,
        )
        self._assign("sites", self._scope, role.id)
        if settings.dns_resource_group:
            scope = pulumi.Output.concat(self._scope, "/resourceGroups/", settings.dns_resource_group)
            self._assign("dns", scope, self._built_in(DNS_ZONE_CONTRIBUTOR))
        account = storage(settings.backend)
        if settings.state_resource_group and account:
            scope = pulumi.Output.concat(
                self._scope,
                f"/resourceGroups/{settings.state_resource_group}/providers/Microsoft.Storage/storageAccounts/",
                f"{account[0]}/blobServices/default/containers/{account[1]}",
            )
            self._assign("state", scope, self._built_in(STORAGE_BLOB_DATA_CONTRIBUTOR))
        self.register_outputs({})

    def trust(self, issuer: pulumi.Input[str], subject: pulumi.Input[str]) -> None:
        """Take the tokens that a service connection issues."""
        managedidentity.FederatedIdentityCredential(
            f"{self._name}-trust",
            resource_group_name=self._group,
            resource_name_=self.identity.name,
            federated_identity_credential_resource_name="azure-devops",
            issuer=issuer,
            subject=subject,
            audiences=[AUDIENCE],
            opts=self._opts,
        )

    def _assign(self, what: str, scope: pulumi.Output[str], role: pulumi.Output[str]) -> None:
        authorization.RoleAssignment(
            f"{self._name}-{what}",
            role_assignment_name=self._guid(what),
            scope=scope,
            role_definition_id=role,
            principal_id=self.identity.principal_id,
            principal_type="ServicePrincipal",  # else Azure looks up an identity that it may not have replicated yet
            opts=self._opts,
        )

    def _built_in(self, role: str) -> pulumi.Output[str]:
        return pulumi.Output.concat(self._scope, f"/providers/Microsoft.Authorization/roleDefinitions/{role}")

    def _guid(self, what: str) -> pulumi.Output[str]:
        """A name, which Azure wants to be a GUID: the same in each run, another in each subscription and stack."""
        return self._scope.apply(
            lambda scope: str(uuid5(NAMESPACE_URL, f"{scope}/{pulumi.get_stack()}/{self._name}/{what}"))
        )
