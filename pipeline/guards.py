"""What stands between a change and its deployment: branch policies of main, approvals, locks, branch control."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_azuredevops as azuredevops

from pipeline.settings import Settings

MAIN = "refs/heads/main"
DAY = 1440  # minutes
# All but what is only shown: the program, what the pipeline runs, and the stacks' files.
OWNED = ["/*", "!/web/*", "!/docs/*"]


class Guards:
    """Makes them, as children of the pipeline.

    :param name: prefix of their names.
    :param project: the project's id.
    :param opts: of all of them: parent and provider.
    """

    def __init__(
        self, name: str, settings: Settings, project: pulumi.Output[str], opts: pulumi.ResourceOptions
    ) -> None:
        self._name = name
        self._settings = settings
        self._project = project
        self._opts = opts
        self._invoke = pulumi.InvokeOutputOptions(parent=opts.parent, provider=opts.provider)
        # Whoever may start a run may then push, and open pull requests, as the run: as neither author nor last pusher he
        # could approve his own change. So one person more is asked for.
        self._reviewers = settings.reviewers + settings.proposals
        self._approvers = [self._identity(approver) for approver in settings.approvers]

    def main_only(self, what: str, type: str, id: pulumi.Output[str]) -> pulumi.Resource:
        """Runs of main alone may use a service connection or a variable group, and only while main is guarded."""
        return azuredevops.CheckBranchControl(
            f"{self._name}-{what}-main-only",
            project_id=self._project,
            display_name="main alone",
            target_resource_id=id,
            target_resource_type=type,
            allowed_branches=MAIN,
            verify_branch_protection=True,
            timeout=DAY,
            opts=self._opts,
        )

    def deployments(self, stack: str, environment: pulumi.Output[str], approved: bool) -> list[pulumi.Resource]:
        """Deployments to an environment run one at a time.

        :param approved: they wait for approval, too.
        """
        lock = azuredevops.CheckExclusiveLock(
            f"{self._name}-{stack}-lock",
            project_id=self._project,
            target_resource_id=environment,
            target_resource_type="environment",
            timeout=DAY,
            opts=self._opts,
        )
        if not approved:
            return [lock]
        approval = azuredevops.CheckApproval(
            f"{self._name}-{stack}-approval",
            project_id=self._project,
            target_resource_id=environment,
            target_resource_type="environment",
            approvers=self._approvers,
            requester_can_approve=False,
            timeout=DAY,
            opts=self._opts,
        )
        return [lock, approval]

    def main(
        self, repository: pulumi.Output[str], builds: Mapping[str, pulumi.Output[str]], seen: pulumi.Resource
    ) -> None:
        """The policies of main.

        Who may comment on a pull request may vote on it, and the run that comments is one of those. So that its vote
        opens nothing, people are asked for by group, beside the mere number.

        :param builds: the ids of the pipelines that build each pull request, by name.
        :param seen: main is there; nobody may push past a policy by default, not even to make it.
        """
        opts = pulumi.ResourceOptions.merge(self._opts, pulumi.ResourceOptions(depends_on=[seen]))
        scope: dict[str, Any] = {"repository_id": repository, "repository_ref": MAIN, "match_type": "Exact"}
        azuredevops.BranchPolicyMinReviewers(
            f"{self._name}-reviewers",
            project_id=self._project,
            blocking=True,
            settings=azuredevops.BranchPolicyMinReviewersSettingsArgs(
                reviewer_count=self._reviewers,
                submitter_can_vote=False,
                last_pusher_cannot_approve=True,
                on_push_reset_approved_votes=True,
                scopes=[azuredevops.BranchPolicyMinReviewersSettingsScopeArgs(**scope)],
            ),
            opts=opts,
        )
        people = azuredevops.get_group_output(project_id=self._project, name="Contributors", opts=self._invoke)
        self._required("people", [people.group_id], self._reviewers, None, scope, opts)
        self._required("owners", self._approvers, 1, OWNED, scope, opts)
        # Azure Repos ignores `pr:` in YAML: a pull request is built because a policy of its target says so.
        for pipeline, build in builds.items():
            azuredevops.BranchPolicyBuildValidation(
                f"{self._name}{pipeline.removeprefix('mta-sts')}-preview",
                project_id=self._project,
                blocking=True,
                settings=azuredevops.BranchPolicyBuildValidationSettingsArgs(
                    display_name=f"{pipeline} preview",
                    build_definition_id=build.apply(int),
                    valid_duration=0,  # a changed main asks for a new preview
                    queue_on_source_update_only=False,
                    scopes=[azuredevops.BranchPolicyBuildValidationSettingsScopeArgs(**scope)],
                ),
                opts=opts,
            )

    def _required(
        self,
        what: str,
        reviewers: Sequence[pulumi.Input[str]],
        count: int,
        paths: Sequence[str] | None,
        scope: dict[str, Any],
        opts: pulumi.ResourceOptions,
    ) -> None:
        azuredevops.BranchPolicyAutoReviewers(
            f"{self._name}-{what}",
            project_id=self._project,
            blocking=True,
            settings=azuredevops.BranchPolicyAutoReviewersSettingsArgs(
                auto_reviewer_ids=reviewers,
                minimum_number_of_reviewers=count,
                path_filters=paths,
                submitter_can_vote=False,
                scopes=[azuredevops.BranchPolicyAutoReviewersSettingsScopeArgs(**scope)],
            ),
            opts=opts,
        )

    def _identity(self, name: str) -> pulumi.Output[str]:
        """The identity's id, of a group of the organisation or a user's mail address.

        Of a group that comes from Entra, the id there (`origin_id`) is another.
        """
        if "@" in name:
            user = azuredevops.get_identity_users_output(name=name, search_filter="MailAddress", opts=self._invoke)
            return user.apply(lambda user: user.id)
        return azuredevops.get_group_output(name=name, opts=self._invoke).apply(lambda group: group.group_id)
