"""A mail domain: its policy host, and the records that tell senders of it, in the order that never lies."""

import asyncio
from collections.abc import Mapping
from typing import Literal, TypedDict

import pulumi
from pulumi_azure_native import web

from components.dns import Backend
from policy import Mode, Policy, StsRecord, TlsRptRecord
from policy.places import policy_url, sts_record, tlsrpt_record
from provider.resources import Content, LivePolicy, RecordSeen, SendersHold
from settings.policies import Domain

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
    4. The TXT record `_mta-sts.<domain>` with the policy's id (RFC 8461 8.1: never before 3), seen by every name
       server; or, where the domain is delegated, a CNAME to the record of the domain that says the id (8.2).
    5. The memory of what senders were told; it goes first, and refuses to while they still follow it (8.3).

    4 and 5 are `announce`. The TXT record `_smtp._tls.<domain>` (RFC 8460 3) depends on nothing. Destroying goes the
    other way. While the policy is enforced, the engine itself refuses to delete or move what senders rely on.

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
        self.domain, self._name, self._backend, self._policy = domain, name, backend, policy
        self._content, self._remove_early = content, remove_early
        host, target = domain.policy_host, site.default_hostname
        self.records: list[DnsRecord] = [{"name": host, "type": "CNAME", "ttl": TTL, "value": target}]
        after = self._after
        enforced = policy.mode == Mode.ENFORCE
        self._protected = pulumi.ResourceOptions(protect=enforced)
        # An enforced domain that would move to another site is refused here, before its CNAME is touched:
        # a protected resource may be updated, but not replaced.
        self._unmoved = pulumi.ResourceOptions(
            protect=enforced, replacement_trigger=site.name if enforced else None
        )
        cname = backend.record_set(f"{name}-cname", host, "CNAME", [target], TTL, _merge(after(), self._unmoved))
        seen = RecordSeen(f"{name}-cname-seen", record=host, type="CNAME", values=[target], opts=after(cname))
        bound = web.StaticSiteCustomDomain(
            f"{name}-custom-domain",
            name=site.name,
            resource_group_name=resource_group,
            domain_name=host,
            validation_method="cname-delegation",
            opts=_merge(
                after(seen),
                self._protected,
                pulumi.ResourceOptions(
                    # Two apps can't hold one host name, so a domain that moves leaves the old app first.
                    delete_before_replace=True,
                    # Azure doesn't tell how a domain was validated; one that was bound by hand stays as it is.
                    ignore_changes=["validationMethod"],
                    hooks=pulumi.ResourceHookBinding(on_error=[cname_hook()]),
                ),
            ),
        )
        self.live = LivePolicy(
            f"{name}-live-policy",
            host=host,
            policy=policy.render().decode(),
            default_hostname=target,
            opts=after(bound, content),
        )
        self.policy_url = policy_url(domain.name)
        if tls_reports:
            owner, text = tlsrpt_record(domain.name), tls_reports.render()
            self.records.append({"name": owner, "type": "TXT", "ttl": TTL, "value": text})
            backend.record_set(f"{name}-tlsrpt", owner, "TXT", [text], TTL, after(), domain.adopt_tls_reports)
        self.register_outputs({"policyUrl": self.policy_url, "policyId": policy.id})

    def announce(self, *first: pulumi.Resource) -> None:
        """Tell senders of the policy, once it is live here and `first` is done."""
        owner, delegate = sts_record(self.domain.name), self.domain.delegate_to
        kind: Literal["CNAME", "TXT"] = "CNAME" if delegate else "TXT"
        text = sts_record(delegate) if delegate else StsRecord(self._policy.id).render()
        options = _merge(self._after(self.live, *first), self._protected)
        record = self._backend.record_set(f"{self._name}-mta-sts", owner, kind, [text], TTL, options)
        self.announced = RecordSeen(
            f"{self._name}-mta-sts-seen", record=owner, type=kind, values=[text], opts=self._after(record)
        )
        # Named for whoever reads that it is protected, or can't be deleted yet.
        hold = SendersHold(
            f"{self._name}-to-leave-set-mode-none-first",
            domain=self.domain.name,
            policy=self._policy.render().decode(),
            greatest_max_age=self._content.greatest_max_age,
            found_mode=self._content.found_mode,
            remove_early=self._remove_early,
            opts=_merge(self._after(self.announced), self._unmoved),
        )
        self.held_until = hold.held_until
        self.records.insert(1, {"name": owner, "type": kind, "ttl": TTL, "value": text})

    def _after(self, *resources: pulumi.Resource) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, depends_on=list(resources))


def announce(domains: Mapping[str, MailDomain]) -> None:
    """Every domain's record: one that others are delegated to once the policy is live on all of theirs, too.

    An id that several domains share is so never published before each of them serves its policy (RFC 8461 8.1, 8.2).
    """
    for name, mail in domains.items():
        if not mail.domain.delegate_to:
            mail.announce(*(each.live for each in domains.values() if each.domain.delegate_to == name))
    for mail in domains.values():
        if mail.domain.delegate_to:
            mail.announce(domains[mail.domain.delegate_to].announced)


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
