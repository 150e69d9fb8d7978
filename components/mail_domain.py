"""A mail domain: its policy host, and the records that tell senders of it, in the order that never lies."""

import functools
from collections.abc import Mapping
from typing import Literal, TypedDict

import pulumi

from checks.finding import NEXT
from components.hosting import Host
from policy import Mode, StsRecord
from policy.places import policy_url, sts_record, tlsrpt_record
from provider.resources import LivePolicy, RecordSeen, SendersHold
from settings.policies import Domain, PolicySettings
from zones import Backend

TTL = 300  # seconds; how long after a change some senders still see the old id


class DnsRecord(TypedDict):
    """A record as it should stand."""

    name: str
    type: Literal["CNAME", "TXT"]
    ttl: int
    value: pulumi.Input[str]


class MailDomain(pulumi.ComponentResource):
    """One domain's part of a policy.

    1. The CNAME `mta-sts.<domain>` to the host, once that has prepared what it can, seen by every name server of the
       zone and the resolver.
    2. The custom domain, with its certificate.
    3. The policy, live on that very host.
    4. The TXT record `_mta-sts.<domain>` with the policy's id (RFC 8461 8.1: never before 3), seen by every name
       server; or, where the domain is delegated, a CNAME to the record of the domain that says the id (8.2).
    5. The memory of what senders were told; it goes first, and refuses to while they still follow it (8.3).

    4 and 5 are `announce`. The TXT record `_smtp._tls.<domain>` (RFC 8460 3) depends on nothing. Destroying goes the
    other way. While the policy is enforced, the engine itself refuses to delete or move what senders rely on.

    :param policy: the policy that the domain has.
    :param backend: where the domain's records go.
    :param host: what serves the policy.
    :param before: what served it before it moved; it goes on.
    """

    ttl = TTL

    def __init__(
        self,
        domain: Domain,
        *,
        policy: PolicySettings,
        backend: Backend,
        host: Host,
        before: Host | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("mtasts:index:MailDomain", domain.name, None, opts)
        self.domain, self.policy = domain, policy
        self._backend, self._host = backend, host
        enforced = policy.policy.mode == Mode.ENFORCE
        self._protected = pulumi.ResourceOptions(protect=enforced)
        # An enforced domain that would move to another host is refused here, before its CNAME is touched: a protected
        # resource may be updated, but not replaced. `movingFrom` allows it, since the old host stays.
        stays = enforced and before is None
        self._unmoved = pulumi.ResourceOptions(protect=enforced, replacement_trigger=host.key if stays else None)
        if before:
            before.prepare(self)
            before.bind(self)
        cname = self.declare("cname", self.cname, merge(self.after(*host.prepare(self)), self._unmoved))
        seen = self._seen("cname", self.cname, cname)
        custom_domain = host.bind(self, seen)
        self.live = LivePolicy(
            f"{domain.name}-live-policy",
            host=domain.policy_host,
            policy=policy.policy.render().decode(),
            default_hostname=host.target,
            custom_domain=custom_domain.id,
            opts=self.after(seen, custom_domain, host.content),
        )
        if record := self.tls_reports:
            self.declare("tlsrpt", record, self.after(), adopt=domain.adopt_tls_reports)
        self.register_outputs({"policyUrl": policy_url(domain.name), "policyId": policy.policy.id})

    @property
    def cname(self) -> DnsRecord:
        """The policy host's record."""
        return {"name": self.domain.policy_host, "type": "CNAME", "ttl": TTL, "value": self._host.target}

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
            "defaultHostname": self._host.target,
            "heldUntil": self.hold.held_until,
            "next": NEXT[policy.mode],
        }

    def announce(self, *first: pulumi.Resource) -> None:
        """Tell senders of the policy, once it is live here and `first` is done."""
        options = merge(self.after(self.live, *first), self._protected)
        record = self.declare("mta-sts", self.announcement, options)
        self.announced = self._seen("mta-sts", self.announcement, record)
        # Named for whoever reads that it is protected, or can't be deleted yet.
        self.hold = SendersHold(
            f"{self.domain.name}-to-leave-set-mode-none-first",
            domain=self.domain.name,
            policy=self.policy.policy.render().decode(),
            greatest_max_age=self._host.content.greatest_max_age,
            found_mode=self._host.content.found_mode,
            remove_early=self.policy.remove_early,
            opts=merge(self.after(self.announced), self._unmoved),
        )

    def declare(
        self, part: str, record: DnsRecord, opts: pulumi.ResourceOptions, adopt: bool = False
    ) -> pulumi.Resource:
        """Declare one of the domain's records.

        :param part: what its resource's name ends in.
        :param adopt: see `zones.Backend.record_set`.
        """
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
            opts=self.after(after),
        )

    def after(self, *resources: pulumi.Resource) -> pulumi.ResourceOptions:
        """The options of a part of the domain that comes after others."""
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


def merge(*options: pulumi.ResourceOptions) -> pulumi.ResourceOptions:
    """Options together; what is said last counts."""
    return functools.reduce(pulumi.ResourceOptions.merge, options)
