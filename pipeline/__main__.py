"""An Azure DevOps project that deploys this repository: settings -> look -> Azure -> Azure DevOps."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the engine runs this file with its own folder alone on the path

import pulumi
from pulumi_azure_native import resources

from pipeline import settings, stated
from pipeline.project import Pipeline
from policy import UserError
from provider import azure_devops
from provider.resources import ProjectSeen, Provider
from settings import engine

waits = Provider("mtasts")
config = pulumi.Config(settings.NAMESPACE)
try:
    given = settings.load(
        config,
        keys=engine.keys(settings.NAMESPACE),
        azure_keys=engine.keys("azure-native"),
        encrypted=engine.encrypted_keys(settings.NAMESPACE),
    )
    if problems := stated.disagreements(given, ROOT) or azure_devops.check(given.organization, given.project):
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
group = resources.ResourceGroup(
    "pipeline",
    resource_group_name=given.resource_group,
    tags={**given.tags, "service": "mta-sts"},
    opts=pulumi.ResourceOptions(depends_on=[seen]),
)
pipeline = Pipeline(
    "pipeline",
    settings=given,
    seen=seen,
    resource_group=group.name,
    subscription=group.id.apply(lambda id: id.split("/")[2]),
    opts=pulumi.ResourceOptions(providers=[waits]),
)

# Where the first push goes: `git push $(pulumi stack output repository) HEAD:main`
pulumi.export("repository", pipeline.repository.remote_url)
