"""Who runs a mail server, a policy host or a delegated record, told from its name: tables, with their sources."""

import ipaddress
from collections.abc import Iterable, Mapping

from settings.operators import GOOGLE, MICROSOFT, PRESETS

# MX hosts, by the end of their names.
MAIL: Mapping[str, str] = {
    **{mx.removeprefix("*."): preset.who for preset in PRESETS.values() for mx in preset.mx},
    # learn.microsoft.com/purview/how-smtp-dane-works: contoso-com.<label>.mx.microsoft
    "mx.microsoft": MICROSOFT,
    "googlemail.com": GOOGLE,
    # help.proofpoint.com, "MX records"; the second is Proofpoint Essentials
    "pphosted.com": "Proofpoint",
    "ppe-hosted.com": "Proofpoint Essentials",
    # community.mimecast.com, "Connect Application: Setting Up Your Inbound Email"
    "mimecast.com": "Mimecast",
    "mimecast.co.za": "Mimecast",
    # www.fastmail.help/hc/articles/360060591153
    "messagingengine.com": "Fastmail",
    # www.zoho.com/mail/help/adminconsole/configure-email-delivery.html: one end a data centre
    "zoho.com": "Zoho Mail",
    "zoho.eu": "Zoho Mail",
    "zoho.in": "Zoho Mail",
    "zoho.com.au": "Zoho Mail",
    "zoho.jp": "Zoho Mail",
    # proton.me/support/custom-domain
    "protonmail.ch": "Proton Mail",
    # support.apple.com/102374
    "mail.icloud.com": "iCloud Mail",
    # campus.barracuda.com, "MX records"
    "ess.barracudanetworks.com": "Barracuda",
    # docs.ces.cisco.com; trendmicro: docs.trendmicro.com, "MX record"
    "iphmx.com": "Cisco Secure Email",
    "in.tmes.trendmicro.com": "Trend Micro",
    # developers.cloudflare.com/email-routing
    "mx.cloudflare.net": "Cloudflare Email Routing",
    # docs.aws.amazon.com/ses: inbound-smtp.<region>.amazonaws.com
    "amazonaws.com": "Amazon SES",
    # www.ovhcloud.com, www.ionos.com, docs.hetzner.com: the MX records that each gives its customers
    "mail.ovh.net": "OVH",
    "kundenserver.de": "IONOS",
    "ionos.com": "IONOS",
    "your-server.de": "Hetzner",
}
# Each customer has a name of its own below these, so that domains share a pattern but not a host.
OWN_NAMES = ("mail.protection.outlook.com", "mx.microsoft")

# Where `mta-sts.<domain>` or `_mta-sts.<domain>` leads, by the end of the CNAME's target: the hosts' own documentation.
POLICY_HOSTS: Mapping[str, str] = {
    "azurestaticapps.net": "Azure Static Web Apps",
    "azureedge.net": "Azure CDN",
    "azurefd.net": "Azure Front Door",
    "web.core.windows.net": "Azure Storage",
    "azurewebsites.net": "Azure App Service",
    "pages.dev": "Cloudflare Pages",
    "workers.dev": "a Cloudflare Worker",
    "cdn.cloudflare.net": "Cloudflare",
    "github.io": "GitHub Pages",
    "gitlab.io": "GitLab Pages",
    "netlify.app": "Netlify",
    "vercel-dns.com": "Vercel",
    "cloudfront.net": "Amazon CloudFront",
    "amazonaws.com": "Amazon Web Services",
    "web.app": "Firebase",
    "ghs.googlehosted.com": "Google",
    "powerdmarc.com": "PowerDMARC",
    "easydmarc.com": "EasyDMARC",
    "easydmarc.us": "EasyDMARC",
    "uriports.com": "URIports",
    "mailhardener.com": "Mailhardener",
    "dmarcian.com": "dmarcian",
    "ondmarc.com": "Red Sift OnDMARC",
    "sendmarc.com": "Sendmarc",
    "dmarcadvisor.com": "DMARC Advisor",
    "report-uri.com": "Report URI",
    "fraudmarc.com": "Fraudmarc",
    "tutanota.de": "Tuta",
    "fastmail.com": "Fastmail",
    "messagingengine.com": "Fastmail",
}
# www.cloudflare.com/ips: a Worker's route, or a host behind Cloudflare, shows no CNAME but these addresses.
CLOUDFLARE = tuple(map(ipaddress.ip_network, (
    "103.21.244.0/22", "103.22.200.0/22", "103.31.4.0/22", "104.16.0.0/13", "104.24.0.0/14", "108.162.192.0/18",
    "131.0.72.0/22", "141.101.64.0/18", "162.158.0.0/15", "172.64.0.0/13", "173.245.48.0/20", "188.114.96.0/20",
    "190.93.240.0/20", "197.234.240.0/22", "198.41.128.0/17",
)))  # fmt: skip


def _ends(name: str, table: Mapping[str, str]) -> str:
    return next((who for end, who in table.items() if f".{name}".endswith(f".{end}")), "")


def mail_operator(host: str, domain: str) -> str:
    """Who runs an MX host.

    :param domain: whose MX host it is.
    """
    own = host == domain or host.endswith(f".{domain}")
    above = host.partition(".")[2]
    return _ends(host, MAIL) or ("your own server" if own else f"a server of {above if '.' in above else host}")


def pattern(host: str) -> str:
    """The mx pattern for an MX host: the host, or `*` for the one label that is a customer's own (RFC 8461 4.1).

    >>> pattern("contoso-com.h-v1.mx.microsoft")
    '*.h-v1.mx.microsoft'
    """
    rest = host.partition(".")[2]
    return f"*.{rest}" if any(f".{rest}".endswith(f".{end}") for end in OWN_NAMES) else host


def policy_operator(alias: str, addresses: Iterable[str]) -> str:
    """Who serves a policy.

    :param alias: where the CNAME leads; "" where there is none.
    """
    if alias:
        return _ends(alias, POLICY_HOSTS) or f"{alias}"
    for address in map(ipaddress.ip_address, addresses):
        if any(address in network for network in CLOUDFLARE):
            return "Cloudflare (a Worker, or a web server behind it)"
    return "a web server of its own"
