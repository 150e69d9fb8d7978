"""MTA-STS for mail domains, on Azure: settings -> group -> sites -> outputs."""

import atexit
import gc
from pathlib import Path

gc.disable()  # this program ends within seconds; looking for garbage would be a third of its time
atexit.register(gc.freeze)  # nor is there any to look for at its end

import pulumi
import pulumi.runtime

import zones
from components import without_debug_messages
from policy import Mode, UserError
from provider.resources import Provider
from settings import cost, engine
from settings.policies import Hosting
from settings.stack import load

without_debug_messages()
waits = Provider("mtasts")
HERE = Path(__file__).parent
config = pulumi.Config("mta-sts")
try:
    stack = load(
        config,
        keys=engine.keys("mta-sts"),
        location=pulumi.Config("azure-native").get("location"),
        stack=pulumi.get_stack(),
        azure_keys=engine.keys("azure-native"),
        encrypted=engine.encrypted_keys("mta-sts"),
        folder=HERE,
    )
    finish_zones = zones.begin((domain.name, domain.dns) for policy in stack.policies for domain in policy.domains)

    # While Azure's plugin starts and answers. These imports take as long.
    import azure_native
    from components import adopted, preflight, website, without_stack_traces
    from components.mail_domain import announce
    from components.policy_site import PolicySite, without_unread_outputs, without_version_aliases

    files = website.read(HERE / "web")
    for note in (*stack.notes, *cost.notes(stack.policies)):
        pulumi.log.info(note)
    finish_preflight = preflight.begin(stack)
    backends = finish_zones()
    finish_preflight(backends)
    adopted.register()
    group_options = adopted.group(stack.resource_group) if stack.existing_resource_group else None
except UserError as error:
    raise pulumi.RunError(str(error)) from None

# azure-native gives each resource an alias for every API version there ever was, and an output for whatever Azure may say
# of it. They would be most of the program's running time (docs/architecture.md).
pulumi.runtime.register_stack_transformation(without_version_aliases)
pulumi.runtime.register_stack_transformation(without_unread_outputs)
tags = {**stack.tags, "service": "mta-sts"}
with without_stack_traces():
    group = azure_native.ResourceGroup(
        "mta-sts",
        resource_group_name=stack.resource_group,
        location=stack.location,
        tags=tags,
        opts=pulumi.ResourceOptions.merge(
            pulumi.ResourceOptions(
                protect=any(policy.policy.mode == Mode.ENFORCE for policy in stack.policies),
                # Sites move to another region, the group need not: its location says only where Azure keeps its
                # description, and replacing it would delete everything in it first.
                ignore_changes=["location"],
                # A new group stands before the old one goes with all that is in it. Its name is given, and azure-native
                # deletes what has a given name first.
                delete_before_replace=False,
            ),
            group_options,
        ),
    )
    options = pulumi.ResourceOptions(providers=[waits])
    front_door = None
    if behind := [policy for policy in stack.policies if policy.hosted.on(Hosting.FRONT_DOOR)]:
        from components.front_door import FrontDoor  # which takes a while to import

        front_door = FrontDoor(
            "front-door",
            group=group,
            resource_group=stack.resource_group,
            location=stack.location,
            files=files,
            tags=tags,
            protect=any(p.hosted.by == Hosting.FRONT_DOOR and p.policy.mode == Mode.ENFORCE for p in behind),
            opts=options,
        )
    sites = {
        policy.name: PolicySite(
            policy,
            group=group,
            resource_group=stack.resource_group,
            location=stack.location,
            files=files,
            backends=backends,
            tags=tags,
            client_sha256=stack.client_sha256,
            front_door=front_door,
            opts=options,
        )
        for policy in stack.policies
    }
    mail_domains = {name: mail for site in sites.values() for name, mail in site.domains.items()}
    announce(mail_domains)

# What the user looks at: `pulumi stack output domains`, and so on.
pulumi.export("domains", {name: mail.outputs for name, mail in mail_domains.items()})
pulumi.export("sites", {name: site.host.id for name, site in sites.items()})
pulumi.export("dnsRecords", {name: mail.records for name, mail in mail_domains.items()})
