"""Component resources: what stands where.

PolicySite: a policy's Static Web App, its content, and a MailDomain for each domain that has the policy.
"""
