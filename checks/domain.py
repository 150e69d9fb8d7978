"""Everything that can be seen of a domain from outside: the validator's checks, and the run over many domains."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import replace
from functools import partial

import dns.exception

from checks import judge, mail, secure
from checks.finding import Domain, Finding, Level
from checks.look import Checks, Look, Shared, run, side_by_side, unchecked
from internet import dns_view, https, signatures, smtp
from internet.address import Server
from internet.view import View
from policy import Policy, PolicyError, StsRecord, TlsRptRecord
from policy.places import POLICY_PATH, policy_host, sts_record, tlsrpt_record

DOMAINS = 16  # at once, with a thread for each of their checks
DEADLINE = 60.0  # seconds for one domain
FRONT_DOOR, ALIASES = ".azurefd.net", 8  # its endpoints' host names; CNAMEs that are followed there
NAME_SERVERS = 26  # of one domain, that are asked: thirteen with two addresses each


def record(look: Look) -> Iterator[Finding]:
    """Exactly one record with an id (RFC 8461 3.1), there or where a CNAME leads (8.2)."""
    owner = sts_record(look.name)
    records = look.records(owner, "TXT")
    led = f" (by the CNAME to {records.alias}, RFC 8461 8.2)" if records.alias else ""
    try:
        found = StsRecord.find(records.values)
    except PolicyError as error:
        text = f"{owner}{led}: {judge.no_record(records.values, error)}"
        way_out = f'Publish exactly one TXT record {owner} "v=STSv1; id=<letters and digits>;"'
        yield Finding("record", Level.FAIL, text, error.section, way_out)
        return
    text = f"{owner} has the id {found.id}{led}, TTL {records.ttl} s"
    if records.ttl > judge.DAY:
        way_out = "Lower the TTL to an hour or less, so that a change of policy is seen soon"
        yield Finding("record", Level.WARN, text, "", way_out)
    else:
        yield Finding("record", Level.PASS, text, "RFC 8461 3.1")


def policy_is_served(look: Look) -> Iterator[Finding]:
    """Every address of the policy host serves one policy, as senders want it (RFC 8461 3.3)."""
    host, check, section = policy_host(look.name), "policy-host", "RFC 8461 3.3"
    try:
        fetched, seconds = _fetched(look)
    except https.UnansweredError as error:
        yield unchecked(check, str(error))
        return
    except https.FetchError as error:
        way_out = f"https://{host}{POLICY_PATH} must answer with a valid certificate for {host}"
        yield Finding(check, Level.FAIL, str(error), section, way_out)
        return
    if bad := _unusable(fetched):
        yield bad
    else:
        yield judge.host_answers(host, fetched.pages[0], _expires(fetched), seconds)
    if fetched.unasked:
        text = f"{len(fetched.pages)} addresses of {host} were asked, and {fetched.unasked} more not"
        yield Finding(check, Level.UNCHECKED, text, section, "A policy host needs few addresses")


def policy(look: Look) -> Iterator[Finding]:
    """The policy is valid (RFC 8461 3.2), and wise. Says nothing where none is served."""
    try:
        fetched, _ = _fetched(look)
        if not _unusable(fetched):
            yield from judge.advice(Policy.parse(fetched.pages[0].body), fetched.pages[0].body)
    except https.FetchError:
        return
    except PolicyError as error:
        way_out = "Correct the policy file; senders ignore it as it is"
        yield Finding("policy", Level.FAIL, str(error), error.section, way_out)


def mx(look: Look) -> Iterator[Finding]:
    """Each MX host is allowed by the policy that is served (RFC 8461 4.1)."""
    return mail.against(look, served_policy(look))


def mail_servers(look: Look, port: int) -> Iterator[Finding]:
    """Every MX host offers STARTTLS, with a certificate that is valid for its name (RFC 8461 4.2, 8.4)."""
    hosts = [host for host in look.mail_hosts() if host]
    view, tried = look.shared.view, hosts[: secure.MAIL_SERVERS]

    def probe(host: str) -> tuple[Finding, smtp.Host]:
        try:
            found = secure.probed(look, host, port)
            return judge.mail_server(host, found), found
        except (dns.exception.DNSException, OSError) as error:
            text = f"DNS gives no answer ({dns_view.reason(error, view)})"
            return unchecked(f"server {host}", text), smtp.Host()

    probed = side_by_side(probe, tried)
    yield from (finding for finding, _ in probed)
    if unreachable := judge.without_ipv6({host: found for host, (_, found) in zip(tried, probed, strict=True)}):
        yield unreachable
    if len(hosts) > len(tried):
        text = f"{len(tried)} mail servers were tried, and {len(hosts) - len(tried)} more not"
        yield Finding("server", Level.UNCHECKED, text, "RFC 8461 8.4", "Have fewer MX records")


def tls_reports(look: Look) -> Iterator[Finding]:
    """Exactly one record that says where reports go (RFC 8460 3)."""
    owner, check = tlsrpt_record(look.name), "tls-reports"
    texts = look.values(owner, "TXT")
    try:
        found = TlsRptRecord.find(texts)
    except PolicyError as error:
        if any("tlsrpt" in text.lower() for text in texts):
            way_out = 'It should be "v=TLSRPTv1; rua=mailto:…"'
            yield Finding(check, Level.FAIL, f"{owner}: {error}", error.section, way_out)
        else:
            text = f"there is no record {owner}, so nobody reports failures"
            yield Finding(check, Level.WARN, text, "RFC 8460 3", "Set tlsReports in the policy")
        return
    yield Finding(check, Level.PASS, f"reports go to {', '.join(found.rua)}", "RFC 8460 3")


def name_servers(look: Look) -> Iterator[Finding]:
    """Every name server of the zone answers the same (RFC 1034 4.3.5)."""
    check, section = "name-servers", "RFC 1034 4.3.5"
    servers = look.name_servers()

    def ask(server: Server) -> frozenset[str] | str:
        try:
            texts = dns_view.values_at(look.view, server, sts_record(look.name), "TXT")
            return texts | dns_view.values_at(look.view, server, policy_host(look.name), "CNAME")
        except (dns.exception.DNSException, OSError) as error:
            return f"{server} ({dns_view.reason(error)})"

    answers = side_by_side(ask, servers[:NAME_SERVERS])
    silent = [answer for answer in answers if isinstance(answer, str)]
    if len(servers) > NAME_SERVERS:
        silent.append(f"{len(servers) - NAME_SERVERS} more, which were not asked")
    given = {
        server: answer for server, answer in zip(servers, answers, strict=False) if not isinstance(answer, str)
    }
    if len(set(given.values())) > 1:
        told = "; ".join(f"{server}: {', '.join(sorted(values)) or 'nothing'}" for server, values in given.items())
        way_out = "See that the zone is transferred to all of them"
        yield Finding(check, Level.FAIL, f"the name servers differ: {told}", section, way_out)
    elif silent:
        text = f"no answer from {', '.join(silent)}"
        yield Finding(check, Level.UNCHECKED, text, "", "Is port 53 open from here?")
    else:
        text = f"{len(given)} name servers answer the same" if len(given) > 1 else "the name server answers"
        yield Finding(check, Level.PASS, text, section)


def served_policy(look: Look) -> Policy | None:
    """The policy that senders get; None where they get none."""
    try:
        fetched, _ = _fetched(look)
        return None if _unusable(fetched) else Policy.parse(fetched.pages[0].body)
    except (https.FetchError, PolicyError):
        return None


def same_id(look: Look, ids: Mapping[str, str]) -> Iterator[Finding]:
    """The record names the policy that is served (RFC 8461 8.1). Says nothing where one of them is missing.

    :param ids: the id that each domain should have, where that is known.
    """
    try:
        announced = StsRecord.find(look.values(sts_record(look.name), "TXT"))
    except PolicyError:
        return
    if served := served_policy(look):
        yield judge.same_id(announced.id, served.id, ids.get(look.name))


def _fetched(look: Look) -> tuple[https.Fetched, float]:
    """What the policy host answers, and the seconds that it took.

    :raises https.FetchError: nothing.
    """

    def fetch() -> tuple[https.Fetched, float]:
        started = time.monotonic()
        fetched = https.fetch(look.view, policy_host(look.name), POLICY_PATH)
        return fetched, time.monotonic() - started

    return look.own("policy", fetch)


def _unusable(fetched: https.Fetched) -> Finding | None:
    """What keeps senders from using the answers; None for nothing."""
    if bad := next((finding for page in fetched.pages if (finding := judge.answer(page))), None):
        return bad
    if len({page.body for page in fetched.pages}) > 1:
        text = f"the {len(fetched.pages)} addresses of the policy host serve different policies"
        return Finding("policy-host", Level.FAIL, text, "RFC 8461 3.3", "Deploy the same file everywhere")
    return None


def _expires(fetched: https.Fetched) -> float | None:
    return min((page.expires for page in fetched.pages if page.expires), default=None)


def leads_straight(look: Look) -> Iterator[Finding]:
    """A CNAME leads straight to Azure Front Door, or Azure stops renewing the certificate.

    learn.microsoft.com/azure/frontdoor/domain: such a domain becomes "Pending re-validation". Says nothing of other hosts.
    """
    host = name = policy_host(look.name)
    for hops in range(ALIASES):
        target = next(iter(look.values(name, "CNAME")), "")
        if not target:
            return
        if target.endswith(FRONT_DOOR):
            if hops:
                text = f"{host} leads to Azure Front Door by way of {name}: Azure won't renew its certificate"
                way_out = f"Make {host} a CNAME straight to {target}"
                yield Finding("renewal", Level.WARN, text, "", way_out)
            return
        name = target


def checks(ids: Mapping[str, str], smtp_port: int | None) -> Checks:
    """The validator's checks; see `look_at`."""
    return {
        "record": record,
        "policy-host": policy_is_served,
        "policy": policy,
        "renewal": leads_straight,
        "id": partial(same_id, ids=ids),
        "mx": mx,
        **({} if smtp_port is None else {"server": partial(mail_servers, port=smtp_port)}),
        "dnssec": secure.dnssec,
        "dane": partial(secure.dane, port=smtp_port),
        "tls-reports": tls_reports,
        "name-servers": name_servers,
    }


def look_at(
    names: Sequence[str],
    view: View,
    ids: Mapping[str, str] | None = None,
    smtp_port: int | None = 25,
    done: Callable[[Domain], None] = lambda _: None,
) -> list[Domain]:
    """Look at domains side by side; what they share, such as mail servers, is looked at once.

    :param ids: the id that each domain should have, where that is known.
    :param smtp_port: of the mail servers; None to leave them out.
    :param done: called as each one is finished.
    :returns: in the order of `names`.
    :raises UserError: the file of trust anchors can't be read.
    """
    signatures.anchors(view)
    shared, chosen = Shared(view), checks(ids or {}, smtp_port)
    with ThreadPoolExecutor(DOMAINS, "domains") as pool:
        futures = [pool.submit(_domain, Look(name, shared), chosen) for name in names]
        for future in as_completed(futures):
            done(future.result())
    domains = [future.result() for future in futures]
    servers = [line for domain in domains for line in domain.lines if line.check.startswith("server ")]
    if any(line.level != Level.UNCHECKED for line in servers):
        for domain in domains:
            domain.lines = [_down(line) for line in domain.lines]
    return domains


def _domain(look: Look, chosen: Checks) -> Domain:
    look.begin(DEADLINE)
    domain = Domain(look.name, run(look, chosen))
    if (known := look.own.known("policy")) and not _unusable(known[0]):
        domain.expires = _expires(known[0])
        with suppress(PolicyError):
            domain.mode = Policy.parse(known[0].pages[0].body).mode.value
    domain.servers = secure.addresses(look)
    if records := look.shared.known((sts_record(look.name), "TXT")):
        with suppress(PolicyError):
            domain.id = StsRecord.find(records.values).id
    return domain


def _down(finding: Finding) -> Finding:
    """Other mail servers can be reached, so one that can't be is down rather than blocked."""
    if finding.way_out != judge.BLOCKED:
        return finding
    text = f"{finding.text}, while other mail servers answer"
    return replace(finding, level=Level.WARN, text=text, way_out="Is it down?")
