"""What serves a policy: the one thing that differs between Static Web Apps and Azure Front Door.

To add another, write a class that is a `Host`, and name it in `settings.policies.Hosting` and `PolicySite`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import pulumi

from provider.resources import Published

if TYPE_CHECKING:
    from components.mail_domain import MailDomain


class Host(Protocol):
    """Serves one policy for any number of domains.

    `target` is the host name that their CNAMEs lead to. `key` changes where a domain would move to another host. `id` is
    the Azure resource id of what a person looks at in the portal. `content` are the files, a resource.
    """

    @property
    def target(self) -> pulumi.Input[str]: ...

    @property
    def key(self) -> pulumi.Input[str]: ...

    @property
    def id(self) -> pulumi.Output[str]: ...

    @property
    def content(self) -> Published: ...

    def prepare(self, mail: MailDomain) -> Sequence[pulumi.Resource]:
        """Declare what can be there before the domain's CNAME leads here."""
        ...

    def bind(self, mail: MailDomain, *after: pulumi.Resource) -> pulumi.CustomResource:
        """The domain's binding to this host; where it takes the CNAME, it is declared after `after`.

        :returns: the custom domain.
        """
        ...
