"""Azure DevOps: project, repository, pipelines and who may do what.

Project
 ├ Git repository, empty: this repository is pushed into it
 │   └ branch policies of main, once it is there (guards.py)
 ├ service connection for main ── federated credential of the deployer in Azure (identities.py): no secret
 ├ service connection for previews ── of an identity that can only read
 ├ service connection for proposals, where they are switched on ── of an identity that may do nothing by itself
 ├ variable groups: for main the backend, the passphrase and further secrets; for previews the backend
 ├ environment a stack: one run at a time; all but the first wait for approval
 ├ environment for a fleet, where there is one: one run at a time, and each waits for approval
 └ build definitions, allowed to use what they need of these without asking
"""

from collections.abc import Mapping

import pulumi
import pulumi_azuredevops as azuredevops
from pulumi_azure_native import managedidentity

from pipeline.guards import MAIN, Guards
from pipeline.identities import Identities
from pipeline.parts import ContentPipeline
from pipeline.settings import FLEET, Settings
from provider.resources import BranchSeen, VariableGroup
from settings.engine import full_name


class Pipeline(pulumi.ComponentResource):
    """The whole of it.

    :param name: prefix of the children's names.
    :param seen: the look for the project; nothing is made before it.
    :param resource_group: where the identities go.
    :param groups: the ids of the stacks' resource groups, by stack.
    """

    def __init__(
        self,
        name: str,
        settings: Settings,
        seen: pulumi.Resource,
        resource_group: pulumi.Input[str],
        subscription: pulumi.Input[str],
        groups: Mapping[str, pulumi.Output[str]],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("mtasts:index:Pipeline", name, None, opts)
        self._name = name
        self._settings = settings
        self._subscription = subscription
        self._checks: list[pulumi.Resource] = []  # before anything may be used
        self._permits: list[pulumi.Resource] = []  # what a run of main needs
        self._builds: dict[str, pulumi.Output[str]] = {}  # what builds pull requests: ids by name
        service = azuredevops.Provider(
            f"{name}-organization",
            org_service_url=settings.organization,  # the PAT comes from AZDO_PERSONAL_ACCESS_TOKEN alone
            opts=pulumi.ResourceOptions(parent=self, depends_on=[seen]),
        )
        self._opts = pulumi.ResourceOptions(parent=self, provider=service)
        self.project = self._project()
        self._guards = Guards(name, settings, self.project, self._opts)
        self.repository = azuredevops.Git(
            f"{name}-repository",
            project_id=self.project,
            name=settings.repository,
            initialization=azuredevops.GitInitializationArgs(init_type="Uninitialized"),
            # The first push makes its branch, main, the default; an empty repository can have none.
            opts=pulumi.ResourceOptions.merge(
                self._opts, pulumi.ResourceOptions(ignore_changes=["defaultBranch", "initialization"])
            ),
        )
        self._definitions(resource_group, groups)
        main = BranchSeen(
            f"{name}-main-seen",
            organization=settings.organization,
            repository=self.repository.id,
            url=self.repository.remote_url,
            branch=MAIN,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*self._checks, *self._permits]),
        )
        self._guards.main(self.repository.id, self._builds, main)
        self.register_outputs({"repositoryUrl": self.repository.remote_url})

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
        # A run's own token reaches this project and the repositories that its file names; who queues a run sets no
        # variable that the file doesn't let him set. A project that was there keeps what it has.
        azuredevops.ProjectPipelineSettings(
            f"{self._name}-tokens",
            project_id=made.id,
            enforce_job_scope=True,
            enforce_referenced_repo_scoped_token=True,
            enforce_settable_var=True,
            status_badges_are_private=True,
            opts=self._opts,
        )
        return made.id

    def _definitions(self, resource_group: pulumi.Input[str], groups: Mapping[str, pulumi.Output[str]]) -> None:
        """The pipelines, with all that they use."""
        settings = self._settings
        identities = Identities(
            f"{self._name}-azure",
            settings=settings,
            resource_group=resource_group,
            subscription=self._subscription,
            groups=groups,
            opts=pulumi.ResourceOptions(parent=self),
        )
        connection = self._connection("connection", "mta-sts", "deployer", identities.deployer)
        reading = self._connection("preview-connection", "mta-sts-preview", "preview", identities.preview)
        for who, endpoint in (("deployer", connection), ("preview", reading)):
            identities.trust(
                who, endpoint.workload_identity_federation_issuer, endpoint.workload_identity_federation_subject
            )
        reports = self._reports(identities) if settings.proposals else {}
        variables = self._variables("variables", "mta-sts", settings.secrets)
        shown = dict(settings.secrets) if settings.previews_with_secrets else dict[str, str]()
        previews = self._variables("preview-variables", "mta-sts-preview", shown)
        self._checks.append(self._guards.main_only("connection", "endpoint", connection.id))
        self._checks.append(self._guards.main_only("variables", "variablegroup", variables.group_id))
        used = {
            "connection": ("endpoint", connection.id),
            "preview-connection": ("endpoint", reading.id),
            "variables": ("variablegroup", variables.group_id),
            "preview-variables": ("variablegroup", previews.group_id),
        }
        if settings.stacks:
            environments = {
                stack: ("environment", self._environment(stack, approved=stack != settings.stacks[0]).id)
                for stack in settings.stacks
            }
            self._building("mta-sts", "azure-pipelines.yml", {**used, **reports, **environments})
        if settings.fleet:
            environment = {FLEET: ("environment", self._environment(FLEET, approved=True).id)}
            self._building("mta-sts-fleet", "azure-pipelines-fleet.yml", {**used, **reports, **environment})
        if settings.content:
            self._content(settings.content)

    def _building(self, name: str, path: str, used: Mapping[str, tuple[str, pulumi.Output[str]]]) -> None:
        """A pipeline that builds pull requests, and deploys what is merged."""
        definition = self._definition(name, path)
        self._authorize(definition, name, used)
        self._builds[name] = definition.id

    def _reports(self, identities: Identities) -> dict[str, tuple[str, pulumi.Output[str]]]:
        """The connection by which nightly proposals get at reports: for runs of main alone, since it reads mail."""
        assert identities.reports
        made = self._connection("reports-connection", "mta-sts-reports", "reports", identities.reports)
        identities.trust(
            "reports", made.workload_identity_federation_issuer, made.workload_identity_federation_subject
        )
        self._checks.append(self._guards.main_only("reports-connection", "endpoint", made.id))
        return {"reports-connection": ("endpoint", made.id)}

    def _connection(
        self, what: str, name: str, who: str, identity: managedidentity.UserAssignedIdentity
    ) -> azuredevops.ServiceEndpointAzureRM:
        return azuredevops.ServiceEndpointAzureRM(
            f"{self._name}-{what}",
            project_id=self.project,
            service_endpoint_name=name,
            description=f"Signs the pipeline in as the identity {who}, without a secret",
            service_endpoint_authentication_scheme="WorkloadIdentityFederation",
            azurerm_spn_tenantid=identity.tenant_id,
            azurerm_subscription_id=self._subscription,
            azurerm_subscription_name=self._subscription,  # a label; to read the real name would take one more right
            credentials=azuredevops.ServiceEndpointAzureRMCredentialsArgs(serviceprincipalid=identity.client_id),
            opts=self._opts,
        )

    def _variables(self, what: str, group: str, secrets: Mapping[str, str]) -> VariableGroup:
        return VariableGroup(
            f"{self._name}-{what}",
            organization=self._settings.organization,
            project=self.project,
            group=group,
            values={"PULUMI_BACKEND_URL": self._settings.backend},
            stack=full_name(),
            secrets=secrets,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _content(self, content: ContentPipeline) -> None:
        """The pipeline for content alone, and the site's deployment token, which it uploads with."""
        group = VariableGroup(
            f"{self._name}-content-variables",
            organization=self._settings.organization,
            project=self.project,
            group="mta-sts-content",
            values={},
            stack=full_name(),
            secrets={},
            site=content.site,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self._checks.append(self._guards.main_only("content-variables", "variablegroup", group.group_id))
        definition = self._definition("mta-sts-content", "pipeline/steps/content.yml")
        self._authorize(definition, "mta-sts-content", {"variables": ("variablegroup", group.group_id)})

    def _environment(self, stack: str, approved: bool) -> azuredevops.Environment:
        made = azuredevops.Environment(
            f"{self._name}-{stack}", project_id=self.project, name=f"mta-sts-{stack}", opts=self._opts
        )
        self._checks += self._guards.deployments(stack, made.id, approved)
        return made

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
        """So that the first run isn't stopped by a question for permission; this pipeline's runs and no other's.

        A run may use nothing before that is guarded: where main is there already, the next push to it starts one.
        """
        guarded = pulumi.ResourceOptions.merge(self._opts, pulumi.ResourceOptions(depends_on=[*self._checks]))
        self._permits += [
            azuredevops.PipelineAuthorization(
                f"{self._name}-{name}-may-use-{what}",
                project_id=self.project,
                type=type_,
                resource_id=id_,
                pipeline_id=definition.id.apply(int),
                opts=guarded,
            )
            for what, (type_, id_) in used.items()
        ]
