"""A mail domain: its policy host, and the records that tell senders of it, in the order that never lies."""

import asyncio
import re
from collections.abc import Mapping
from typing import Literal, TypedDict

import pulumi

import azure_native
from checks.finding import NEXT
from policy import Mode, StsRecord
from policy.places import policy_url, sts_record, tlsrpt_record
from provider.resources import Content, LivePolicy, RecordSeen, SendersHold
from settings.policies import Domain, PolicySettings
from zones import Backend

TTL = 300  # seconds; how long after a change some senders still see the old id
# Azure writes it with and without the blank (pulumi/pulumi-azure 1595).
NOT_YET = ("CNAME Record is invalid", "CNAMERecord is invalid")
IN_PROGRESS = re.compile(
    r"another.{0,20}operation|operation.{0,30}in progress", re.IGNORECASE
)  # AnotherOperationInProgress
TRIES, PAUSE = 40, 15.0  # times and seconds: ten minutes


class DnsRecord(TypedDict):
    """A record as it should stand."""

    name: str
    type: Literal["CNAME", "TXT"]
    ttl: int
    value: pulumi.Input[str]


async def _retry_binding(failure: pulumi.ErrorHookArgs) -> bool:
    """Azure can take minutes to see a CNAME that everyone else sees, and may want bindings one after the other.

    Only what Azure refused before anything existed is tried again: after a failure halfway the next try would meet "cannot
    create already existing resource", and the state would be lost.
    """
    newest = failure.errors[0]
    unseen = "400" in newest and any(text in newest for text in NOT_YET)
    busy = "409" in newest and IN_PROGRESS.search(newest) is not None
    if not (unseen or busy) or len(failure.errors) >= TRIES:
        return False
    await asyncio.sleep(PAUSE if len(failure.errors) > 3 else 2.0)
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

    :param policy: the policy that the domain has.
    :param backend: where the domain's records go.
    :param site: the policy's Static Web App; `default_hostname` is its own host name.
    :param content: the upload that the policy is part of.
    """

    def __init__(
        self,
        domain: Domain,
        *,
        policy: PolicySettings,
        backend: Backend,
        resource_group: str,
        site: azure_native.StaticSite,
        content: Content,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("mtasts:index:MailDomain", domain.name, None, opts)
        self.domain, self.policy = domain, policy
        self._backend, self._site, self._content = backend, site, content
        enforced = policy.policy.mode == Mode.ENFORCE
        self._protected = pulumi.ResourceOptions(protect=enforced)
        # An enforced domain that would move to another site is refused here, before its CNAME is touched:
        # a protected resource may be updated, but not replaced.
        self._unmoved = pulumi.ResourceOptions(
            protect=enforced, replacement_trigger=site.name if enforced else None
        )
        cname = self._declare("cname", self.cname, _merge(self._after(), self._unmoved))
        custom_domain = self._bound(resource_group, self._seen("cname", self.cname, cname))
        self.live = LivePolicy(
            f"{domain.name}-live-policy",
            host=domain.policy_host,
            policy=policy.policy.render().decode(),
            default_hostname=site.default_hostname,
            custom_domain=custom_domain.id,
            opts=self._after(custom_domain, content),
        )
        if record := self.tls_reports:
            self._declare("tlsrpt", record, self._after(), adopt=domain.adopt_tls_reports)
        self.register_outputs({"policyUrl": policy_url(domain.name), "policyId": policy.policy.id})

    @property
    def cname(self) -> DnsRecord:
        """The policy host's record."""
        return {"name": self.domain.policy_host, "type": "CNAME", "ttl": TTL, "value": self._site.default_hostname}

    @property
    def announcement(self) -> DnsRecord:
        """The record with the policy's id, or the one that leads to it."""
        owner, delegate = sts_record(self.domain.name), self.domain.delegate_to
        if delegate:
            return {"name": owner, "type": "CNAME", "ttl": TTL, "value": sts_record(delegate)}
        return {"name": owner, "type": "TXT", "ttl": TTL, "value": StsRecord(self.policy.policy.id).render()}

    @property
    def tls_reports(self) -> DnsRecord | None:
        """The record that says where TLS reports go, where they are wanted."""
        reports = self.policy.tls_reports
        name = tlsrpt_record(self.domain.name)
        return {"name": name, "type": "TXT", "ttl": TTL, "value": reports.render()} if reports else None

    @property
    def records(self) -> list[DnsRecord]:
        """All of the domain's records, in the order that they are made."""
        return [record for record in (self.cname, self.announcement, self.tls_reports) if record]

    @property
    def outputs(self) -> dict[str, pulumi.Input[str]]:
        """What `pulumi stack output domains` tells of the domain; after `announce`."""
        policy = self.policy.policy
        return {
            "policy": self.policy.name,
            "mode": policy.mode.value,
            "policyUrl": policy_url(self.domain.name),
            "policyId": policy.id,
            "defaultHostname": self._site.default_hostname,
            "heldUntil": self.hold.held_until,
            "next": NEXT[policy.mode],
        }

    def announce(self, *first: pulumi.Resource) -> None:
        """Tell senders of the policy, once it is live here and `first` is done."""
        options = _merge(self._after(self.live, *first), self._protected)
        record = self._declare("mta-sts", self.announcement, options)
        self.announced = self._seen("mta-sts", self.announcement, record)
        # Named for whoever reads that it is protected, or can't be deleted yet.
        self.hold = SendersHold(
            f"{self.domain.name}-to-leave-set-mode-none-first",
            domain=self.domain.name,
            policy=self.policy.policy.render().decode(),
            greatest_max_age=self._content.greatest_max_age,
            found_mode=self._content.found_mode,
            remove_early=self.policy.remove_early,
            opts=_merge(self._after(self.announced), self._unmoved),
        )

    def _bound(self, resource_group: str, seen: pulumi.Resource) -> azure_native.StaticSiteCustomDomain:
        options = pulumi.ResourceOptions(
            # Two apps can't hold one host name, so a domain that moves leaves the old app first.
            delete_before_replace=True,
            # Azure doesn't tell how a domain was validated; one that was bound by hand stays as it is.
            ignore_changes=["validationMethod"],
            hooks=pulumi.ResourceHookBinding(on_error=[binding_hook()]),
        )
        return azure_native.StaticSiteCustomDomain(
            f"{self.domain.name}-custom-domain",
            name=self._site.name,
            resource_group_name=resource_group,
            domain_name=self.domain.policy_host,
            validation_method="cname-delegation",
            opts=_merge(self._after(seen), self._protected, options),
        )

    def _declare(
        self, part: str, record: DnsRecord, opts: pulumi.ResourceOptions, adopt: bool = False
    ) -> pulumi.Resource:
        name = f"{self.domain.name}-{part}"
        return self._backend.record_set(
            name, record["name"], record["type"], [record["value"]], record["ttl"], opts, adopt
        )

    def _seen(self, part: str, record: DnsRecord, after: pulumi.Resource) -> RecordSeen:
        return RecordSeen(
            f"{self.domain.name}-{part}-seen",
            record=record["name"],
            type=record["type"],
            values=[record["value"]],
            opts=self._after(after),
        )

    def _after(self, *resources: pulumi.Resource) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, depends_on=list(resources))


def announce(domains: Mapping[str, MailDomain]) -> None:
    """Every domain's record: one that others are delegated to once the policy is live on all of theirs, too.

    An id that several domains share is so never published before each of them serves its policy (RFC 8461 8.1, 8.2).
    """
    delegated: dict[str, list[MailDomain]] = {}
    for mail in domains.values():
        if mail.domain.delegate_to:
            delegated.setdefault(mail.domain.delegate_to, []).append(mail)
    for name, mail in domains.items():
        if not mail.domain.delegate_to:
            mail.announce(*(other.live for other in delegated.get(name, ())))
    for name, others in delegated.items():
        for mail in others:
            mail.announce(domains[name].announced)


def _merge(*options: pulumi.ResourceOptions) -> pulumi.ResourceOptions:
    merged = pulumi.ResourceOptions()
    for option in options:
        merged = pulumi.ResourceOptions.merge(merged, option)
    return merged


_hooks: list[pulumi.ErrorHook] = []


def binding_hook() -> pulumi.ErrorHook:
    """The one hook for all domains; an engine knows a hook by its name."""
    if not _hooks:
        _hooks.append(pulumi.ErrorHook("retry-until-azure-takes-the-binding", _retry_binding))
    return _hooks[0]
