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
    findings = preflight.check(
        [
            preflight.Domain(
                name=domain.name,
                policy=policy.policy,
                zone=backends[domain.name].zone,
                name_servers=backends[domain.name].name_servers,
                tls_reports=policy.tls_reports,
                adopts_tls_reports=domain.adopt_tls_reports,
                delegated_to=domain.delegate_to,
            )
            for policy in settings.policies
            for domain in policy.domains
        ],
        View.from_environment(),
    )
    for finding in findings:
        if finding.level == "warning":
            pulumi.log.warn(finding.text)
    errors = [finding.text for finding in findings if finding.level == "error"]
    if errors:
        raise UserError("\n".join([*errors, "Nothing was touched. (mta-sts:preflight: off skips these checks.)"]))
    return None
