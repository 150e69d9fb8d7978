"""Component resources: what stands where.

PolicySite: a policy's Static Web App, its content, and a MailDomain for each domain that has the policy.
"""

import pulumi


def full_name(stack: str = "") -> str:
    """A stack's name, this one's by default, as the Pulumi CLI takes it everywhere: organization/project/stack."""
    return f"{pulumi.get_organization()}/{pulumi.get_project()}/{stack or pulumi.get_stack()}"
