"""A mail domain: its policy host, and the records that tell senders of it, in the order that never lies."""

import asyncio
from typing import TypedDict

import pulumi
from pulumi_azure_native import web

from components.dns import Backend
from policy import Mode, Policy, StsRecord, TlsRptRecord
from provider.resources import Content, LivePolicy, RecordSeen, SendersHold
from settings import Domain

TTL = 300  # seconds; how long after a change some senders still see the old id
NOT_YET = "CNAME Record is invalid"
NOT_YET_TRIES, NOT_YET_PAUSE = 40, 15.0  # times and seconds: ten minutes


class DnsRecord(TypedDict):
    """A record as it should stand."""

    name: str
    type: str
    ttl: int
    value: pulumi.Input[str]


async def _retry_cname(failure: pulumi.ErrorHookArgs) -> bool:
    """Azure can take minutes to see a CNAME that everyone else sees (pulumi/pulumi-azure 1595)."""
    if NOT_YET not in failure.errors[0] or len(failure.errors) >= NOT_YET_TRIES:
        return False
    await asyncio.sleep(NOT_YET_PAUSE if len(failure.errors) > 3 else 2.0)
    return True


class MailDomain(pulumi.ComponentResource):
    """One domain's part of a policy.

    1. The CNAME `mta-sts.<domain>` to the site, seen by every name server of the zone and the resolver.
    2. The custom domain, validated by that CNAME, with its certificate.
    3. The policy, live on that very host.
    4. The TXT record `_mta-sts.<domain>` with the policy's id (RFC 8461 8.1: never before 3).
    5. The memory of what senders were told; it goes first, and refuses to while they still follow it (8.3).

    The TXT record `_smtp._tls.<domain>` (RFC 8460 3) depends on nothing. Destroying goes the other way. While
    the policy is enforced, the engine itself refuses to delete or move what senders rely on.

    :param site: the policy's Static Web App; `default_hostname` is its own host name.
    :param content: the upload that `policy` is part of.
    :param remove_early: see SendersHold.
    """

    def __init__(
        self,
        name: str,
        *,
        domain: Domain,
        backend: Backend,
        policy: Policy,
        tls_reports: TlsRptRecord | None,
        resource_group: str,
        site: web.StaticSite,
        content: Content,
        remove_early: bool = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("mtasts:index:MailDomain", name, None, opts)
        host, target = domain.policy_host, site.default_hostname
        records: list[DnsRecord] = [
            {"name": host, "type": "CNAME", "ttl": TTL, "value": target},
            {"name": f"_mta-sts.{domain.name}", "type": "TXT", "ttl": TTL, "value": StsRecord(policy.id).render()},
        ]
        after = self._after
        enforced = policy.mode == Mode.ENFORCE
        protected = pulumi.ResourceOptions(protect=enforced)
        # An enforced domain that would move to another site is refused here, before its CNAME is touched:
        # a protected resource may be updated, but not replaced.
        unmoved = pulumi.ResourceOptions(protect=enforced, replacement_trigger=site.name if enforced else None)
        cname = backend.record_set(f"{name}-cname", host, "CNAME", [target], TTL, _merge(after(), unmoved))
        seen = RecordSeen(f"{name}-cname-seen", record=host, type="CNAME", values=[target], opts=after(cname))
        bound = web.StaticSiteCustomDomain(
            f"{name}-custom-domain",
            name=site.name,
            resource_group_name=resource_group,
            domain_name=host,
            validation_method="cname-delegation",
            opts=_merge(
                after(seen),
                protected,
                pulumi.ResourceOptions(
                    # Two apps can't hold one host name, so a domain that moves leaves the old app first.
                    delete_before_replace=True,
                    # Azure doesn't tell how a domain was validated; one that was bound by hand stays as it is.
                    ignore_changes=["validationMethod"],
                    hooks=pulumi.ResourceHookBinding(on_error=[cname_hook()]),
                ),
            ),
        )
        live = LivePolicy(
            f"{name}-live-policy",
            host=host,
            policy=policy.render().decode(),
            default_hostname=target,
            opts=after(bound, content),
        )
        owner, text = records[1]["name"], records[1]["value"]
        record = backend.record_set(f"{name}-mta-sts", owner, "TXT", [text], TTL, _merge(after(live), protected))
        # Named for whoever reads that it is protected, or can't be deleted yet.
        hold = SendersHold(
            f"{name}-to-leave-set-mode-none-first",
            domain=domain.name,
            policy=policy.render().decode(),
            greatest_max_age=content.greatest_max_age,
            found_mode=content.found_mode,
            remove_early=remove_early,
            opts=_merge(after(record), unmoved),
        )
        self.held_until = hold.held_until
        if tls_reports:
            text = tls_reports.render()
            owner = f"_smtp._tls.{domain.name}"
            records.append({"name": owner, "type": "TXT", "ttl": TTL, "value": text})
            backend.record_set(f"{name}-tlsrpt", owner, "TXT", [text], TTL, after(), domain.adopt_tls_reports)
        self.records = records
        self.policy_url = f"https://{host}/.well-known/mta-sts.txt"
        self.register_outputs({"policyUrl": self.policy_url, "policyId": policy.id})

    def _after(self, *resources: pulumi.Resource) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, depends_on=list(resources))


def _merge(*options: pulumi.ResourceOptions) -> pulumi.ResourceOptions:
    merged = pulumi.ResourceOptions()
    for each in options:
        merged = pulumi.ResourceOptions.merge(merged, each)
    return merged


_hooks: list[pulumi.ErrorHook] = []


def cname_hook() -> pulumi.ErrorHook:
    """The one hook for all domains; an engine knows a hook by its name."""
    if not _hooks:
        _hooks.append(pulumi.ErrorHook("retry-until-azure-sees-the-cname", _retry_cname))
    return _hooks[0]
