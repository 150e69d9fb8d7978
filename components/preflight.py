"""The preflight's findings, shown as Pulumi shows things."""

from collections.abc import Mapping

import pulumi

from checks import preflight
from internet.view import View
from policy import UserError
from settings.stack import Settings
from zones import Backend


def run(settings: Settings, backends: Mapping[str, Backend]) -> None:
    """Look at every domain's DNS; warn, or stop.

    :raises UserError: before anything is touched.
    """
    if not settings.preflight:
        return pulumi.log.info("preflight skipped: mta-sts:preflight is off")
    plans = [
        preflight.Plan(domain, policy, backends[domain.name])
        for policy in settings.policies
        for domain in policy.domains
    ]
    warnings, errors = preflight.look_at(plans, View.from_environment())
    for warning in warnings:
        pulumi.log.warn(warning)
    if errors:
        raise UserError("\n".join([*errors, "Nothing was touched. (mta-sts:preflight: off skips these checks.)"]))
    return None
