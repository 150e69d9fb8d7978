"""An Azure DevOps project that deploys this repository: settings -> look -> Azure -> Azure DevOps."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the engine runs this file with its own folder alone on the path

import pulumi

import azure_native
from pipeline import backends, settings, stated
from pipeline.parts import NAMESPACE
from pipeline.project import Pipeline
from policy import UserError
from provider import azure_devops
from provider.resources import ProjectSeen, Provider
from settings import engine

waits = Provider("mtasts")
config = pulumi.Config(NAMESPACE)
try:
    given = settings.load(
        config,
        keys=engine.keys(NAMESPACE),
        azure_keys=engine.keys("azure-native"),
        encrypted=engine.encrypted_keys(NAMESPACE),
        shards=tuple(stated.shards(ROOT)),
    )
    problems = stated.disagreements(given, ROOT) + backends.disagreements(backends.own(), given.backend)
    if problems := problems or azure_devops.check(given.organization, given.project):
        raise UserError("\n".join(problems))
except UserError as error:
    raise pulumi.RunError(str(error)) from None

seen = ProjectSeen(
    "project-seen",
    organization=given.organization,
    project=given.project,
    existing=given.existing_project,
    repository=given.repository,
    opts=pulumi.ResourceOptions(provider=waits),
)
tags = {**given.tags, "service": "mta-sts"}
own = azure_native.ResourceGroup(
    "pipeline",
    resource_group_name=given.resource_group,
    tags=tags,
    opts=pulumi.ResourceOptions(depends_on=[seen]),
)
subscription = own.id.apply(lambda id: id.split("/")[2])
# The stacks' groups: their own `up` uses them and may neither make nor delete one.
groups: dict[str, pulumi.Output[str]] = {}
for stack, group in given.groups.items():
    if group.existing:
        groups[stack] = pulumi.Output.concat("/subscriptions/", subscription, "/resourceGroups/", group.name)
    else:
        made = azure_native.ResourceGroup(
            f"pipeline-{stack}-group",
            resource_group_name=group.name,
            tags=tags,
            # It holds a stack that this project knows nothing of: `pulumi destroy` there first, then the group by hand.
            opts=pulumi.ResourceOptions(depends_on=[seen], retain_on_delete=True),
        )
        groups[stack] = made.id
pipeline = Pipeline(
    "pipeline",
    settings=given,
    seen=seen,
    resource_group=own.name,
    subscription=subscription,
    groups=groups,
    opts=pulumi.ResourceOptions(providers=[waits]),
)

# Where the first push goes: `git push $(pulumi stack output repository) HEAD:main`
pulumi.export("repository", pipeline.repository.remote_url)
