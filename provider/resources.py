"""The kinds of resources that no cloud provider has, as a program declares them.

A new kind is a class here, a line in `provider.kinds`, and a module with its work (`provider.kinds.Work`).
"""

from collections.abc import Mapping, Sequence

import pulumi


class Provider(pulumi.ProviderResource):
    """The provider itself. Registered first, its plugin starts while the program goes on."""

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mtasts", name, {}, opts)


class Published(pulumi.CustomResource):
    """A policy's published files, wherever they are served from.

    `greatest_max_age` is the greatest max_age (seconds) that is known to have been served; `found_mode` the mode of the policy
    that was served there before it was this program's, "" for none.
    """

    @property
    def greatest_max_age(self) -> pulumi.Output[float]:
        return self.__dict__["greatestMaxAge"]

    @property
    def found_mode(self) -> pulumi.Output[str]:
        return self.__dict__["foundMode"]


class Content(Published):
    """The published files of one Static Web App: `web/` and the policy.

    :param site: the Static Web App's resource id; its deployment token is fetched when it is needed and kept
        nowhere, so that rotating it changes nothing.
    :param default_hostname: the site's own host name, under `azurestaticapps.net`.
    :param policy: the policy's text, published as `.well-known/mta-sts.txt`.
    :param web: the other files, path to text (or to a `data:;base64,` URL when it isn't text).
    :param client_sha256: what Microsoft's deploy client must hash to; by default what Microsoft publishes.
    """

    def __init__(
        self,
        name: str,
        *,
        site: pulumi.Input[str],
        default_hostname: pulumi.Input[str],
        policy: pulumi.Input[str],
        web: Mapping[str, str],
        client_sha256: str | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(
            "mtasts:index:Content",
            name,
            {
                "site": site,
                "defaultHostname": default_hostname,
                "policy": policy,
                "web": web,
                "clientSha256": client_sha256,
                "greatestMaxAge": None,
                "foundMode": None,
            },
            opts,
        )


class Folder(Published):
    """A policy's published files in a storage account's static website: `web/` and the policy.

    :param account: the storage account's resource id.
    :param blobs: the URL of its blob service.
    :param host: its website's host name, under `web.core.windows.net`.
    :param folder: the folder's name; no two policies have the same.
    :param policy, web: as for Content.
    """

    def __init__(
        self,
        name: str,
        *,
        account: pulumi.Input[str],
        blobs: pulumi.Input[str],
        host: pulumi.Input[str],
        folder: str,
        policy: pulumi.Input[str],
        web: Mapping[str, str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(
            "mtasts:index:Folder",
            name,
            {
                "account": account,
                "blobs": blobs,
                "host": host,
                "folder": folder,
                "policy": policy,
                "web": web,
                "greatestMaxAge": None,
                "foundMode": None,
            },
            opts,
        )


class ValidationToken(pulumi.CustomResource):
    """What a TXT record has to say so that Azure Front Door takes a host.

    :param custom_domain: the custom domain's resource id.
    :param host: its host name.
    """

    def __init__(
        self,
        name: str,
        *,
        custom_domain: pulumi.Input[str],
        host: str,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(
            "mtasts:index:ValidationToken",
            name,
            {"customDomain": custom_domain, "host": host, "token": None},
            opts,
        )

    @property
    def token(self) -> pulumi.Output[str]:
        return self.__dict__["token"]


class DomainReady(pulumi.CustomResource):
    """A host that Azure Front Door serves, whether it leads there yet or not.

    :param custom_domain: the custom domain's resource id.
    :param host: its host name.
    :param endpoint: the host name of the endpoint.
    :param policy: the policy's text.
    """

    def __init__(
        self,
        name: str,
        *,
        custom_domain: pulumi.Input[str],
        host: str,
        endpoint: pulumi.Input[str],
        policy: str,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        inputs: dict[str, pulumi.Input[object]] = {
            "customDomain": custom_domain,
            "host": host,
            "endpoint": endpoint,
            "policy": policy,
        }
        super().__init__("mtasts:index:DomainReady", name, inputs, opts)


class RecordSeen(pulumi.CustomResource):
    """A DNS record set that every name server of its zone, and then the resolver, answers.

    :param record: its owner name, without the trailing dot.
    :param type: CNAME or TXT.
    :param values: its values; host names without the trailing dot.
    """

    def __init__(
        self,
        name: str,
        *,
        record: pulumi.Input[str],
        type: str,
        values: Sequence[pulumi.Input[str]],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("mtasts:index:RecordSeen", name, {"record": record, "type": type, "values": values}, opts)


class RecordSet(pulumi.CustomResource):
    """A DNS record set at a host that the plugin speaks to (`zones.HostedDns`).

    :param record, type, values: as for RecordSeen.
    :param ttl: seconds.
    :param at: where: `zones.HostedDns.place`, and `stack` and `secretsIn`, where its secrets stand.
    :param adopt: take over what stands there already.
    """

    def __init__(
        self,
        name: str,
        *,
        record: str,
        type: str,
        values: Sequence[pulumi.Input[str]],
        ttl: int,
        at: Mapping[str, object],
        adopt: bool = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        inputs: dict[str, pulumi.Input[object]] = {
            "record": record,
            "type": type,
            "values": values,
            "ttl": ttl,
            "at": at,
            "adopt": adopt,
        }
        super().__init__("mtasts:index:RecordSet", name, inputs, opts)


class RecordByHand(pulumi.CustomResource):
    """A DNS record set that a person enters and removes, told what by this resource's messages.

    :param record, type, values: as for RecordSeen.
    :param ttl: seconds.
    """

    def __init__(
        self,
        name: str,
        *,
        record: str,
        type: str,
        values: Sequence[pulumi.Input[str]],
        ttl: int,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        inputs: dict[str, pulumi.Input[object]] = {"record": record, "type": type, "values": values, "ttl": ttl}
        super().__init__("mtasts:index:RecordByHand", name, inputs, opts)


class LivePolicy(pulumi.CustomResource):
    """A policy host that serves exactly this policy (RFC 8461 3.2, 3.3).

    :param host: the policy host, `mta-sts.<domain>`.
    :param policy: the policy's text, compared byte for byte.
    :param default_hostname: the site behind the host; a new site is checked anew.
    :param custom_domain: the resource id of the host's custom domain, which Azure may report as failed meanwhile.
    """

    def __init__(
        self,
        name: str,
        *,
        host: pulumi.Input[str],
        policy: pulumi.Input[str],
        default_hostname: pulumi.Input[str],
        custom_domain: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        inputs = {
            "host": host,
            "policy": policy,
            "defaultHostname": default_hostname,
            "customDomain": custom_domain,
        }
        super().__init__("mtasts:index:LivePolicy", name, inputs, opts)


class SendersHold(pulumi.CustomResource):
    """What senders may still remember of a domain: it refuses to be deleted before that is safe (RFC 8461 8.3).

    `held_until` is when every older policy has expired (ISO 8601, UTC), "" where no sender has to be waited for.

    :param domain: the policy domain.
    :param policy: the published policy's text.
    :param greatest_max_age: seconds; see Content.
    :param found_mode: see Content.
    :param remove_early: the owner accepts the loss of mail from senders that remember an older policy.
    """

    def __init__(
        self,
        name: str,
        *,
        domain: str,
        policy: pulumi.Input[str],
        greatest_max_age: pulumi.Input[float],
        found_mode: pulumi.Input[str],
        remove_early: bool = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(
            "mtasts:index:SendersHold",
            name,
            {
                "domain": domain,
                "policy": policy,
                "greatestMaxAge": greatest_max_age,
                "foundMode": found_mode,
                "removeEarly": remove_early,
                "heldUntil": None,
            },
            opts,
        )

    @property
    def held_until(self) -> pulumi.Output[str]:
        return self.__dict__["heldUntil"]


class ProjectSeen(pulumi.CustomResource):
    """An Azure DevOps project that is free to be made, or there to be worked in; see `pipeline.settings.Settings`."""

    def __init__(
        self,
        name: str,
        *,
        organization: str,
        project: str,
        existing: bool,
        repository: str,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        inputs = {"organization": organization, "project": project, "existing": existing, "repository": repository}
        super().__init__("mtasts:index:ProjectSeen", name, inputs, opts)


class BranchSeen(pulumi.CustomResource):
    """A branch of an Azure Repos repository that somebody has pushed.

    :param organization: the organisation's URL.
    :param repository: its id.
    :param url: where it is pushed to, for the message.
    :param branch: such as `refs/heads/main`.
    """

    def __init__(
        self,
        name: str,
        *,
        organization: str,
        repository: pulumi.Input[str],
        url: pulumi.Input[str],
        branch: str,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        inputs: dict[str, pulumi.Input[object]] = {
            "organization": organization,
            "repository": repository,
            "url": url,
            "branch": branch,
        }
        super().__init__("mtasts:index:BranchSeen", name, inputs, opts)


class VariableGroup(pulumi.CustomResource):
    """A variable group of Azure Pipelines. Its secrets aren't here: the plugin reads them where they stand.

    `group_id` is its number.

    :param organization: the organisation's URL.
    :param project: the project's id.
    :param group: the group's name.
    :param values: variables that are no secret.
    :param stack: the full name of the stack in whose configuration the secrets stand.
    :param secrets: variable to the configuration path of its value.
    :param site: the resource id of the Static Web App whose deployment token becomes `deployment_token`; None for no such
        variable.
    """

    def __init__(
        self,
        name: str,
        *,
        organization: str,
        project: pulumi.Input[str],
        group: str,
        values: Mapping[str, str],
        stack: str,
        secrets: Mapping[str, str],
        site: str | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        inputs: dict[str, pulumi.Input[object] | None] = {
            "organization": organization,
            "project": project,
            "name": group,
            "values": values,
            "stack": stack,
            "secrets": secrets,
            "site": site,
            "groupId": None,
            "seals": None,
        }
        sealed = pulumi.ResourceOptions(additional_secret_outputs=["seals"])
        super().__init__("mtasts:index:VariableGroup", name, inputs, pulumi.ResourceOptions.merge(opts, sealed))

    @property
    def group_id(self) -> pulumi.Output[str]:
        return self.__dict__["groupId"]
