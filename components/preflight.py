"""The preflight's findings, shown as Pulumi shows things."""

from collections.abc import Callable, Mapping

import pulumi

from checks.preflight import Plan, Preflight
from internet.view import View
from policy import UserError
from settings.stack import Settings
from zones import Backend


def begin(settings: Settings) -> Callable[[Mapping[str, Backend]], None]:
    """Begin to look at every domain's DNS.

    :returns: what waits for the end, once the backends are known: it warns, or raises UserError before anything is
        touched.
    :raises UserError: DNS can't be asked as the environment says.
    """
    if not settings.preflight:
        return lambda _: pulumi.log.info("preflight skipped: mta-sts:preflight is off")
    plans = [Plan(domain, policy) for policy in settings.policies for domain in policy.domains]
    preflight = Preflight(plans, View.from_environment())

    def finish(backends: Mapping[str, Backend]) -> None:
        warnings, errors = preflight.finish(backends)
        for warning in warnings:
            pulumi.log.warn(warning)
        if errors:
            raise UserError(
                "\n".join([*errors, "Nothing was touched. (mta-sts:preflight: off skips these checks.)"])
            )

    return finish
