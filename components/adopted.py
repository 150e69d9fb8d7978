"""Resources that exist already and become this stack's: made by hand, or left by a state that was lost."""

import json
import os
from collections.abc import Mapping
from typing import cast

import pulumi
import pulumi.runtime

import azure_native
from policy import UserError

VARIABLE = "MTA_STS_ADOPT"  # set by `python -m tools.recover`, for one run


def register() -> None:
    """Import what the environment names, a JSON object of resource name to Azure resource id.

    Where the program's inputs differ from what stands there, the engine imports and then updates.

    :raises UserError: it is no such object.
    """
    text = os.environ.get(VARIABLE)
    if not text:
        return
    try:
        given: object = json.loads(text)
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise UserError(f"{VARIABLE} must be a JSON object of resource name to Azure resource id")
    ids = cast(Mapping[str, str], given)

    def adopt(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        if not args.type_.startswith("azure-native:") or args.name not in ids:
            return None
        args.opts.import_ = ids[args.name]
        # A site becomes this program's, whatever deployed it before; components/policy_site.py ignores that later on.
        args.opts.ignore_changes = [name for name in args.opts.ignore_changes or () if name != "provider"]
        return pulumi.ResourceTransformationResult(args.props, args.opts)

    pulumi.runtime.register_stack_transformation(adopt)


def group(name: str) -> pulumi.ResourceOptions:
    """The options of a resource group that is another's: this stack works in it, changes nothing of it and leaves it.

    It is imported and not just named, so that a stack which made its group itself lets go of it and doesn't delete it.

    :raises UserError: there is no such group.
    """
    try:
        id = azure_native.get_resource_group(resource_group_name=name).id
    except Exception as error:  # what a failed invoke raises has no class of its own
        why = str(error).rpartition("returned an error: ")[2] or "no reason given"
        raise UserError(
            f"mta-sts:existingResourceGroup: the resource group {name} can't be read: {why}. Make it (`pulumi up` in "
            "pipeline/ does), or remove the key"
        ) from None
    return pulumi.ResourceOptions(import_=id, retain_on_delete=True, ignore_changes=["location", "tags"])
