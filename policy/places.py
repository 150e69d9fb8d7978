"""Where MTA-STS puts things: the policy host, the path there, and the names of the records."""

POLICY_PATH = "/.well-known/mta-sts.txt"  # RFC 8461 3.2


def policy_host(domain: str) -> str:
    """The host that serves a domain's policy (RFC 8461 3.2)."""
    return f"mta-sts.{domain}"


def policy_url(domain: str) -> str:
    """Where senders fetch a domain's policy (RFC 8461 3.2)."""
    return f"https://{policy_host(domain)}{POLICY_PATH}"


def sts_record(domain: str) -> str:
    """The owner name of the TXT record with the policy's id (RFC 8461 3.1)."""
    return f"_mta-sts.{domain}"


def tlsrpt_record(domain: str) -> str:
    """The owner name of the TXT record that says where TLS reports go (RFC 8460 3)."""
    return f"_smtp._tls.{domain}"


def validation_record(host: str) -> str:
    """The owner name of the TXT record that proves a host to Azure Front Door (learn.microsoft.com/azure/frontdoor/domain)."""
    return f"_dnsauth.{host}"
