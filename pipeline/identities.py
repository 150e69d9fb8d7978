"""Who the pipeline is in Azure: identities without a secret, and the least that each may.

| identity | does                            | may                                                                 |
|----------|---------------------------------|---------------------------------------------------------------------|
| deployer | `pulumi up`, on main alone      | change the sites in the stacks' groups, and CNAME and TXT records   |
| preview  | pull requests, the nightly look | read the same                                                       |
| reports  | the nightly proposals           | nothing here; its owner lets it read reports and keep their history |

The last is there with `proposals: true` alone. It reads what strangers wrote, so it is none of the others.

Neither may make or delete a resource group, or grant a role.
"""

from collections.abc import Mapping
from uuid import NAMESPACE_URL, uuid5

import pulumi
from pulumi_azure_native import authorization, managedidentity

from pipeline.settings import Settings, storage
from provider import tries

# Built-in roles: learn.microsoft.com/azure/role-based-access-control/built-in-roles
STORAGE_BLOB_DATA_CONTRIBUTOR = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"
STORAGE_BLOB_DATA_READER = "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"
AUDIENCE = "api://AzureADTokenExchange"  # learn.microsoft.com/entra/workload-id/workload-identity-federation

GROUP_READ = "Microsoft.Resources/subscriptions/resourceGroups/read"
RECORDS = [
    f"Microsoft.Network/dnsZones/{type}/{verb}"
    for type in ("CNAME", "TXT")
    for verb in ("read", "write", "delete")
]
# Actions: learn.microsoft.com/azure/role-based-access-control/permissions
ACTIONS = {
    "sites": [
        GROUP_READ,
        "Microsoft.Web/staticSites/*",
    ],  # listSecrets among them: an upload takes the site's token
    "records": ["Microsoft.Network/dnsZones/read", *RECORDS],
    # Blobs take a role of their own. No listKeys among them: the account takes no keys.
    "front-door": [
        "Microsoft.Cdn/profiles/*",
        "Microsoft.Storage/storageAccounts/read",
        "Microsoft.Storage/storageAccounts/write",
        "Microsoft.Storage/storageAccounts/delete",
        "Microsoft.Storage/storageAccounts/blobServices/read",
        "Microsoft.Storage/storageAccounts/blobServices/write",
    ],
    "front-door-reader": [
        "Microsoft.Cdn/profiles/read",
        "Microsoft.Cdn/profiles/*/read",
        "Microsoft.Storage/storageAccounts/read",
    ],
    "front-door-subscription": [
        "Microsoft.Cdn/register/action",
        "Microsoft.Cdn/operationresults/*",
        "Microsoft.Storage/register/action",
        "Microsoft.Storage/locations/*/read",
    ],
    # azcore registers a resource provider that isn't, and asks first; a long operation is looked for by location.
    "subscription": [
        "Microsoft.Resources/subscriptions/read",
        "Microsoft.Resources/subscriptions/operationresults/read",
        "Microsoft.Resources/subscriptions/providers/read",
        "Microsoft.Web/register/action",
        "Microsoft.Web/locations/*/read",
    ],
    "reader": [
        GROUP_READ,
        "Microsoft.Web/staticSites/read",
        "Microsoft.Web/staticSites/*/read",
        "Microsoft.Network/dnsZones/read",
        "Microsoft.Network/dnsZones/*/read",
    ],
}
NOT_YET = ("RoleDefinitionDoesNotExist", "PrincipalNotFound")


async def _retry_assignment(failure: pulumi.ErrorHookArgs) -> bool:
    """Entra and Azure tell their parts of new roles and identities within minutes; until then an assignment is refused.

    Azure refuses it before anything exists, so that it can be tried again.
    """
    return await tries.again(failure, any(code in failure.errors[0] for code in NOT_YET))


class Identities(pulumi.ComponentResource):
    """The identities, with their roles; `trust` then says whose tokens each takes.

    :param name: prefix of the children's names.
    :param resource_group: where the identities go.
    :param groups: the ids of the stacks' resource groups, by stack.
    """

    def __init__(
        self,
        name: str,
        settings: Settings,
        resource_group: pulumi.Input[str],
        subscription: pulumi.Input[str],
        groups: Mapping[str, pulumi.Output[str]],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("mtasts:index:Identities", name, None, opts)
        self._name = name
        self._group = resource_group
        self._subscription = pulumi.Output.concat("/subscriptions/", subscription)
        self._opts = pulumi.ResourceOptions(parent=self)
        self._retried = pulumi.ResourceOptions(
            parent=self,
            hooks=pulumi.ResourceHookBinding(
                on_error=[pulumi.ErrorHook("retry-until-roles-and-identities-are-known", _retry_assignment)]
            ),
        )
        self.deployer = self._identity("deployer", settings.tags)
        self.preview = self._identity("preview", settings.tags)
        self.reports = self._identity("reports", settings.tags) if settings.proposals else None
        zones = {group: self._in(f"/resourceGroups/{group}") for group in settings.dns_resource_groups}
        sites, reader = self._role("sites"), self._role("reader")
        self._assign("deployer", "subscription", self._subscription, self._role("subscription"))
        for stack, group in groups.items():
            self._assign("deployer", f"sites-{stack}", group, sites)
            self._assign("preview", f"reader-{stack}", group, reader)
        if settings.front_door:
            self._front_door(groups)
        if zones:
            records = self._role("records")
            for group, scope in zones.items():
                self._assign("deployer", f"records-{group}", scope, records)
                self._assign("preview", f"reader-{group}", scope, reader)
        if container := self._container(settings):
            self._assign("deployer", "state", container, self._built_in(STORAGE_BLOB_DATA_CONTRIBUTOR))
            self._assign("preview", "state", container, self._built_in(STORAGE_BLOB_DATA_READER))
        self.register_outputs({})

    def _front_door(self, groups: Mapping[str, pulumi.Output[str]]) -> None:
        makes, reads = self._role("front-door"), self._role("front-door-reader")
        self._assign(
            "deployer", "front-door-subscription", self._subscription, self._role("front-door-subscription")
        )
        for stack, group in groups.items():
            self._assign("deployer", f"front-door-{stack}", group, makes)
            self._assign("deployer", f"blobs-{stack}", group, self._built_in(STORAGE_BLOB_DATA_CONTRIBUTOR))
            self._assign("preview", f"front-door-reader-{stack}", group, reads)

    def trust(self, who: str, issuer: pulumi.Input[str], subject: pulumi.Input[str]) -> None:
        """Take the tokens that a service connection issues.

        :param who: `deployer`, `preview` or `reports`.
        """
        identity = {"deployer": self.deployer, "preview": self.preview, "reports": self.reports}[who]
        assert identity
        managedidentity.FederatedIdentityCredential(
            f"{self._name}-{who}-trust",
            resource_group_name=self._group,
            resource_name_=identity.name,
            federated_identity_credential_resource_name="azure-devops",
            issuer=issuer,
            subject=subject,
            audiences=[AUDIENCE],
            opts=self._opts,
        )

    def _identity(self, who: str, tags: Mapping[str, str]) -> managedidentity.UserAssignedIdentity:
        return managedidentity.UserAssignedIdentity(
            f"{self._name}-{who}", resource_group_name=self._group, tags=tags, opts=self._opts
        )

    def _role(self, what: str) -> pulumi.Output[str]:
        """The id of a role of this project's own."""
        role = authorization.RoleDefinition(
            f"{self._name}-{what}-role",
            scope=self._subscription,
            role_definition_id=self._guid(f"{what} role"),
            role_name=f"MTA-STS pipeline: {what} ({pulumi.get_stack()})",
            description="What the pipeline of mta-sts needs, and no more",
            role_type="CustomRole",
            permissions=[authorization.PermissionArgs(actions=ACTIONS[what])],
            assignable_scopes=[self._subscription],
            opts=self._opts,
        )
        return role.id

    def _assign(self, who: str, what: str, scope: pulumi.Output[str], role: pulumi.Output[str]) -> None:
        authorization.RoleAssignment(
            f"{self._name}-{who}-{what}",
            role_assignment_name=self._guid(f"{who} {what}"),
            scope=scope,
            role_definition_id=role,
            principal_id=(self.deployer if who == "deployer" else self.preview).principal_id,
            principal_type="ServicePrincipal",  # else Azure looks up an identity that it may not have replicated yet
            opts=self._retried,
        )

    def _container(self, settings: Settings) -> pulumi.Output[str] | None:
        """Where the stacks' state lies, when this project is to give a role there."""
        account = storage(settings.backend)
        if not settings.state_resource_group or not account:
            return None
        return self._in(
            f"/resourceGroups/{settings.state_resource_group}/providers/Microsoft.Storage/storageAccounts/"
            f"{account[0]}/blobServices/default/containers/{account[1]}"
        )

    def _built_in(self, role: str) -> pulumi.Output[str]:
        return self._in(f"/providers/Microsoft.Authorization/roleDefinitions/{role}")

    def _in(self, path: str) -> pulumi.Output[str]:
        return pulumi.Output.concat(self._subscription, path)

    def _guid(self, what: str) -> pulumi.Output[str]:
        """A name, which Azure wants to be a GUID: the same in each run, another in each subscription and stack."""
        return self._subscription.apply(
            lambda scope: str(uuid5(NAMESPACE_URL, f"{scope}/{pulumi.get_stack()}/{self._name}/{what}"))
        )
