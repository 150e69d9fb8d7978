"""What senders that this project did not write make of a domain: `python tests/senders.py DOMAIN…`.

Both clients are unmodified; they are led by the environment (HTTPS_PROXY, SSL_CERT_FILE, REQUESTS_CA_BUNDLE) and
by MTA_STS_RESOLVER. Prints a JSON object: domain -> {postfix, policy, checkdmarc, tlsrpt}.
"""

import asyncio
import json
import os
import sys
from typing import Any

import aiodns
import dns.nameserver
import dns.resolver
from checkdmarc.mta_sts import check_mta_sts
from checkdmarc.smtp_tls_reporting import check_smtp_tls_reporting
from postfix_mta_sts_resolver.resolver import STSResolver


async def postfix(domain: str, address: str, port: int) -> tuple[str, Any]:
    """postfix-mta-sts-resolver's own verdict, with the policy it would apply."""
    resolver = STSResolver(timeout=10, loop=asyncio.get_running_loop())
    resolver._resolver = aiodns.DNSResolver(nameservers=[address], udp_port=port, tcp_port=port, timeout=5)
    status, found = await resolver.resolve(domain)
    return status.name, found


def main() -> None:
    address, _, port = os.environ["MTA_STS_RESOLVER"].rpartition(":")
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers = [dns.nameserver.Do53Nameserver(address, int(port))]
    verdicts: dict[str, Any] = {}
    for domain in sys.argv[1:]:
        status, found = asyncio.run(postfix(domain, address, int(port)))
        sts = check_mta_sts(domain, resolver=resolver)
        tls = check_smtp_tls_reporting(domain, resolver=resolver)
        verdicts[domain] = {
            "postfix": status,
            "id": found[0] if found else None,
            "mode": found[1].get("mode") if found else None,
            "checkdmarc": sts["valid"],
            "checkdmarc_error": sts.get("error"),
            "tlsrpt": tls["valid"],
        }
    print(json.dumps(verdicts))


if __name__ == "__main__":
    main()
