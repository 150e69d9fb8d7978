"""The program's side of the provider: what `pulumi.CustomResource` needs to register one."""

from collections.abc import Mapping, Sequence

import pulumi


class Provider(pulumi.ProviderResource):
    """The provider itself. Registered first, its plugin starts while the program goes on."""

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mtasts", name, {}, opts)


class Content(pulumi.CustomResource):
    """The published files of one Static Web App: `web/` and the policy.

    :param default_hostname: the site's own host name, under `azurestaticapps.net`.
    :param deployment_token: the site's deployment token; kept as a secret and never compared, so that
        rotating it uploads nothing.
    :param policy: the policy's text, published as `.well-known/mta-sts.txt`.
    :param web: the other files, path to text (or to a `data:;base64,` URL when it isn't text).
    :param static_sites_client: path of Microsoft's client; by default it is downloaded and verified.
    """

    def __init__(
        self,
        name: str,
        *,
        default_hostname: pulumi.Input[str],
        deployment_token: pulumi.Input[str],
        policy: pulumi.Input[str],
        web: Mapping[str, str],
        static_sites_client: str | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(
            "mtasts:index:Content",
            name,
            {
                "defaultHostname": default_hostname,
                "deploymentToken": pulumi.Output.secret(deployment_token),
                "policy": policy,
                "web": web,
                "staticSitesClient": static_sites_client,
            },
            opts,
        )


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


class LivePolicy(pulumi.CustomResource):
    """A policy host that serves exactly this policy (RFC 8461 3.2, 3.3).

    :param host: the policy host, `mta-sts.<domain>`.
    :param policy: the policy's text, compared byte for byte.
    :param default_hostname: the site behind the host; a new site is checked anew.
    """

    def __init__(
        self,
        name: str,
        *,
        host: pulumi.Input[str],
        policy: pulumi.Input[str],
        default_hostname: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(
            "mtasts:index:LivePolicy",
            name,
            {"host": host, "policy": policy, "defaultHostname": default_hostname},
            opts,
        )
