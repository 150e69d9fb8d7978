"""MTA-STS (RFC 8461) and TLS reporting (RFC 8460) documents: parse, check, render.

A domain that wants its mail delivered over verified TLS publishes two things:

- a *policy*, at https://mta-sts.<domain>/.well-known/mta-sts.txt: which MX hosts are the right ones, how long
  a sender may remember that, and whether to refuse delivery to others (enforce), only report (testing), or
  forget it all (none);
- a TXT *record*, `_mta-sts.<domain>`, whose id tells senders when to fetch the policy anew.

A second record, `_smtp._tls.<domain>`, says where senders send reports of what failed. Nothing here touches
the network, and everything invalid raises PolicyError, which names the field, its value and the rule.
"""

from policy.errors import PolicyError, UserError
from policy.mx import MxPattern
from policy.policy import MAX_AGE_LIMIT, Mode, Policy
from policy.records import StsRecord, TlsRptRecord

__all__ = ["MAX_AGE_LIMIT", "Mode", "MxPattern", "Policy", "PolicyError", "StsRecord", "TlsRptRecord", "UserError"]
