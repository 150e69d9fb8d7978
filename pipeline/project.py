"""Azure DevOps: project, repository, pipelines and who may do what.

Project
 ├ Git repository, empty: this repository is pushed into it
 │   └ branch policies of main: reviewers, and a build of the pull request
 ├ service connection ── federated credential of the identity in Azure (identity.py): no secret
 ├ variable group: backend, passphrase, further secrets; another for content alone
 ├ environment a stack: one run at a time; all but the first wait for approval
 └ build definitions, allowed to use all of these without asking
"""

from collections.abc import Mapping

import pulumi
import pulumi_azuredevops as azuredevops

from pipeline.identity import Deployer
from pipeline.settings import ContentPipeline, Settings
from provider.resources import VariableGroup

MAIN = "refs/heads/main"
DAY = 1440  # minutes


class Pipeline(pulumi.ComponentResource):
    """The whole of it.

    :param name: prefix of the children's names.
    :param seen: the look for the project; nothing is made before it.
    :param resource_group: where the identity goes.
    """

    def __init__(
        self,
        name: str,
        settings: Settings,
        seen: pulumi.Resource,
        resource_group: pulumi.Input[str],
        subscription: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("mtasts:index:Pipeline", name, None, opts)
        self._name = name
        self._settings = settings
        service = azuredevops.Provider(
            f"{name}-organization",
            org_service_url=settings.organization,  # the PAT comes from AZDO_PERSONAL_ACCESS_TOKEN alone
            opts=pulumi.ResourceOptions(parent=self, depends_on=[seen]),
        )
        self._opts = pulumi.ResourceOptions(parent=self, provider=service)
        self.project = self._project()
        self.repository = azuredevops.Git(
            f"{name}-repository",
            project_id=self.project,
            name=settings.repository,
            initialization=azuredevops.GitInitializationArgs(init_type="Uninitialized"),
            # The first push makes its branch, main, the default; an empty repository can have none.
            opts=self._with(pulumi.ResourceOptions(ignore_changes=["defaultBranch", "initialization"])),
        )
        self.deployer = Deployer(
            f"{name}-deployer",
            settings=settings,
            resource_group=resource_group,
            subscription=subscription,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.connection = self._connection(subscription)
        self.deployer.trust(
            self.connection.workload_identity_federation_issuer,
            self.connection.workload_identity_federation_subject,
        )
        self.variables = self._variables()
        self.environments = {stack: self._environment(stack) for stack in settings.stacks}
        self.definition = self._definition("mta-sts", "azure-pipelines.yml")
        self._authorize(
            self.definition,
            "mta-sts",
            {
                "connection": ("endpoint", self.connection.id),
                "variables": ("variablegroup", self.variables.group_id),
                **{stack: ("environment", made.id) for stack, made in self.environments.items()},
            },
        )
        if settings.content:
            self._content(settings.content)
        self._branch_policies()
        self.register_outputs({"repositoryUrl": self.repository.remote_url})

    def _with(self, more: pulumi.ResourceOptions) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions.merge(self._opts, more)

    def _project(self) -> pulumi.Output[str]:
        """Its id."""
        name = self._settings.project
        if self._settings.existing_project:
            there = azuredevops.get_project_output(
                name=name, opts=pulumi.InvokeOutputOptions(parent=self, provider=self._opts.provider)
            )
            return there.apply(lambda project: project.id or "")
        made = azuredevops.Project(
            f"{self._name}-project",
            name=name,
            description="Mail policies (MTA-STS), deployed by pull request",
            visibility="private",
            version_control="Git",
            work_item_template="Agile",
            opts=self._opts,
        )
        return made.id

    def _connection(self, subscription: pulumi.Input[str]) -> azuredevops.ServiceEndpointAzureRM:
        return azuredevops.ServiceEndpointAzureRM(
            f"{self._name}-connection",
            project_id=self.project,
            service_endpoint_name="mta-sts",
            description="Signs the pipeline in as the deployer, without a secret",
            service_endpoint_authentication_scheme="WorkloadIdentityFederation",
            azurerm_spn_tenantid=self.deployer.identity.tenant_id,
            azurerm_subscription_id=subscription,
            azurerm_subscription_name=subscription,  # a label; to read the real name would take one more right
            credentials=azuredevops.ServiceEndpointAzureRMCredentialsArgs(
                serviceprincipalid=self.deployer.identity.client_id
            ),
            opts=self._opts,
        )

    def _variables(self) -> VariableGroup:
        given = self._settings
        return VariableGroup(
            f"{self._name}-variables",
            organization=given.organization,
            project=self.project,
            group="mta-sts",
            values={"PULUMI_BACKEND_URL": given.backend},
            stack=full_name(),
            secrets=given.secrets,
            fingerprints=given.fingerprints,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _content(self, content: ContentPipeline) -> None:
        """The pipeline for content alone, and the site's deployment token, which it uploads with."""
        stack = f"{pulumi.get_organization()}/mta-sts/{content.stack}"
        sites: pulumi.Output[dict[str, str] | None] = pulumi.StackReference(
            stack, opts=pulumi.ResourceOptions(parent=self)
        ).get_output("sites")
        group = VariableGroup(
            f"{self._name}-content-variables",
            organization=self._settings.organization,
            project=self.project,
            group="mta-sts-content",
            values={},
            stack=full_name(),
            secrets={},
            fingerprints={},
            site=sites.apply(lambda sites: (sites or {}).get(content.policy, "")),
            opts=pulumi.ResourceOptions(parent=self),
        )
        definition = self._definition("mta-sts-content", "pipeline/steps/content.yml")
        self._authorize(definition, "mta-sts-content", {"variables": ("variablegroup", group.group_id)})

    def _environment(self, stack: str) -> azuredevops.Environment:
        """Deployments to it run one at a time; those to any but the first stack wait for approval."""
        made = azuredevops.Environment(
            f"{self._name}-{stack}", project_id=self.project, name=f"mta-sts-{stack}", opts=self._opts
        )
        azuredevops.CheckExclusiveLock(
            f"{self._name}-{stack}-lock",
            project_id=self.project,
            target_resource_id=made.id,
            target_resource_type="environment",
            timeout=DAY,
            opts=self._opts,
        )
        if stack != self._settings.stacks[0]:
            azuredevops.CheckApproval(
                f"{self._name}-{stack}-approval",
                project_id=self.project,
                target_resource_id=made.id,
                target_resource_type="environment",
                approvers=[self._approver(name) for name in self._settings.approvers],
                requester_can_approve=False,
                timeout=DAY,
                opts=self._opts,
            )
        return made

    def _approver(self, name: str) -> pulumi.Output[str]:
        """The identity's id, of a group of the organisation or a user's mail address."""
        options = pulumi.InvokeOutputOptions(parent=self, provider=self._opts.provider)
        if "@" in name:
            user = azuredevops.get_identity_users_output(name=name, search_filter="MailAddress", opts=options)
            return user.apply(lambda user: user.id)
        return azuredevops.get_group_output(name=name, opts=options).apply(lambda group: group.origin_id)

    def _definition(self, name: str, path: str) -> azuredevops.BuildDefinition:
        return azuredevops.BuildDefinition(
            f"{self._name}-{name}",
            project_id=self.project,
            name=name,
            path="\\",
            ci_trigger=azuredevops.BuildDefinitionCiTriggerArgs(use_yaml=True),
            repository=azuredevops.BuildDefinitionRepositoryArgs(
                repo_type="TfsGit", repo_id=self.repository.id, branch_name=MAIN, yml_path=path
            ),
            opts=self._opts,
        )

    def _authorize(
        self,
        definition: azuredevops.BuildDefinition,
        name: str,
        used: Mapping[str, tuple[str, pulumi.Output[str]]],
    ) -> None:
        """So that the first run isn't stopped by a question for permission; this pipeline's runs and no other's."""
        for what, (type_, id_) in used.items():
            azuredevops.PipelineAuthorization(
                f"{self._name}-{name}-may-use-{what}",
                project_id=self.project,
                type=type_,
                resource_id=id_,
                pipeline_id=definition.id.apply(int),
                opts=self._opts,
            )

    def _branch_policies(self) -> None:
        """Azure Repos ignores `pr:` in YAML: a pull request is built because a policy of its target says so."""
        azuredevops.BranchPolicyMinReviewers(
            f"{self._name}-reviewers",
            project_id=self.project,
            settings=azuredevops.BranchPolicyMinReviewersSettingsArgs(
                reviewer_count=self._settings.reviewers,
                submitter_can_vote=False,
                on_push_reset_approved_votes=True,
                scopes=[
                    azuredevops.BranchPolicyMinReviewersSettingsScopeArgs(
                        repository_id=self.repository.id, repository_ref=MAIN, match_type="Exact"
                    )
                ],
            ),
            opts=self._opts,
        )
        azuredevops.BranchPolicyBuildValidation(
            f"{self._name}-preview",
            project_id=self.project,
            settings=azuredevops.BranchPolicyBuildValidationSettingsArgs(
                display_name="mta-sts preview",
                build_definition_id=self.definition.id.apply(int),
                valid_duration=0,  # a changed main asks for a new preview
                queue_on_source_update_only=False,
                scopes=[
                    azuredevops.BranchPolicyBuildValidationSettingsScopeArgs(
                        repository_id=self.repository.id, repository_ref=MAIN, match_type="Exact"
                    )
                ],
            ),
            opts=self._opts,
        )


def full_name() -> str:
    """This stack's name, as the Pulumi CLI takes it everywhere: organization/project/stack."""
    return f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
