"""Everything that can be seen of a domain from outside: `look` takes names and gives their lines."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from functools import partial
from threading import Lock
from typing import Any, cast

import dns.exception

from checks import judge
from checks.finding import Domain, Level, Line
from internet import dns_view, https, smtp
from internet.dns_view import plain
from internet.view import View
from policy import Policy, PolicyError, StsRecord, TlsRptRecord
from policy.places import POLICY_PATH, policy_host, sts_record, tlsrpt_record

THREADS = 64
Found = tuple[list[str], int, str]  # values, TTL in seconds, where a CNAME led ("" for nowhere)


class Look:
    """One run over any number of domains; what they share, such as mail servers, is looked at once.

    :param view: where it is looked from.
    :param ids: the id that each domain should have, where that is known.
    :param smtp_port: of the mail servers; None to leave them out.
    """

    def __init__(self, view: View, ids: Mapping[str, str] | None = None, smtp_port: int | None = 25) -> None:
        self.view = view
        self.ids = ids or {}
        self.smtp_port = smtp_port
        self._servers: dict[str, Future[smtp.Server]] = {}
        self._lock = Lock()

    def at(self, names: Sequence[str], done: Callable[[Domain], None] = lambda _: None) -> list[Domain]:
        """Look at domains side by side.

        :param done: called as each one is finished.
        :returns: in the order of `names`.
        """
        with ThreadPoolExecutor(THREADS, "servers") as self._pool, ThreadPoolExecutor(THREADS, "domains") as pool:
            futures = {pool.submit(self._one, name): name for name in names}
            for future in as_completed(futures):
                done(future.result())
            results = {futures[future]: future.result() for future in futures}
        servers = [line for each in results.values() for line in each.lines if line.check.startswith("server ")]
        if any(line.level != Level.UNCHECKED for line in servers):
            for each in results.values():
                _down(each)
        return [results[name] for name in names]

    def _one(self, name: str) -> Domain:
        """One domain; its parts side by side too, so that a silent resolver costs its timeout once."""
        begin, found, policy_part = self._pool.submit, Domain(name), Domain(name)
        record, policy = begin(self._record, found), begin(self._policy, policy_part)
        hosts = begin(mx_hosts, self.view, name)
        reports = begin(_guarded, self.view, "tls-reports", partial(_tls_reports, self.view, name))
        servers = begin(_guarded, self.view, "name-servers", partial(_name_servers, self.view, name))
        announced, served = record.result(), policy.result()
        found.lines += policy_part.lines
        found.mode, found.expires = policy_part.mode, policy_part.expires
        if announced and served:
            found.lines.append(self._id(name, announced, served))
        self._mail_servers(found, served, hosts)
        found.lines += [reports.result(), servers.result()]
        return found

    def _record(self, found: Domain) -> StsRecord | None:
        owner, check = sts_record(found.name), "record"
        try:
            texts, ttl, alias = lookup(self.view, owner, "TXT")
        except dns.exception.DNSException as error:
            found.lines.append(unanswered(self.view, check, error))
            return None
        led = f" (by the CNAME to {alias}, RFC 8461 8.2)" if alias else ""
        try:
            record = StsRecord.find(texts)
        except PolicyError as error:
            found.lines.append(Line(check, Level.FAIL, f"{owner}{led}: {judge.no_record(texts, error)}", error.section,
                                    f'Publish exactly one TXT record {owner} "v=STSv1; id=<letters and digits>;"'))  # fmt: skip
            return None
        found.id = record.id
        text = f"{owner} has the id {record.id}{led}, TTL {ttl} s"
        if ttl > judge.DAY:
            found.lines.append(Line(check, Level.WARN, text, "", "Lower the TTL to an hour or less, so that a change of policy is seen soon"))  # fmt: skip
        else:
            found.lines.append(Line(check, Level.PASS, text, "RFC 8461 3.1"))
        return record

    def _policy(self, found: Domain) -> Policy | None:
        host = policy_host(found.name)
        started = time.monotonic()
        try:
            pages = https.fetch(self.view, host, POLICY_PATH)
        except https.UnansweredError as error:
            found.lines.append(
                Line("policy-host", Level.UNCHECKED, str(error), "", "Try again, or another --resolver")
            )
            return None
        except https.FetchError as error:
            found.lines.append(Line("policy-host", Level.FAIL, str(error), "RFC 8461 3.3",
                                    f"https://{host}{POLICY_PATH} must answer with a valid certificate for {host}"))  # fmt: skip
            return None
        seconds = time.monotonic() - started
        bad = next((line for page in pages for line in [judge.answer(page)] if line), None)
        if bad:
            found.lines.append(bad)
            return None
        if len({page.body for page in pages}) > 1:
            found.lines.append(Line("policy-host", Level.FAIL, f"the {len(pages)} addresses of {host} serve different policies", "RFC 8461 3.3", "Deploy the same file everywhere"))  # fmt: skip
            return None
        found.expires = min((page.expires for page in pages if page.expires), default=None)
        found.lines.append(judge.host_line(host, pages[0], found.expires, seconds))
        try:
            policy = Policy.parse(pages[0].body)
        except PolicyError as error:
            found.lines.append(Line("policy", Level.FAIL, str(error), error.section, "Correct the policy file; senders ignore it as it is"))  # fmt: skip
            return None
        found.mode = policy.mode.value
        found.lines += judge.advice(policy, pages[0].body)
        return policy

    def _id(self, name: str, record: StsRecord, policy: Policy) -> Line:
        wanted = self.ids.get(name)
        if record.id == policy.id:
            return Line("id", Level.PASS, "the id is the hash of the policy that is served", "RFC 8461 8.1")
        if wanted == record.id or (wanted is None and len(record.id) == len(policy.id)):
            level = Level.FAIL if wanted else Level.WARN
            return Line("id", level, f"the id {record.id} names another policy than the one that is served ({policy.id})", "RFC 8461 8.1", "`pulumi refresh`, then `pulumi up`")  # fmt: skip
        if wanted:
            return Line("id", Level.FAIL, f"the id is {record.id}, the stack's {wanted}", "RFC 8461 3.1", "`pulumi refresh`, then `pulumi up`")  # fmt: skip
        return Line("id", Level.PASS, f"the id {record.id} is not made from the policy, so it says nothing about it", "RFC 8461 3.1")  # fmt: skip

    def _mail_servers(self, found: Domain, policy: Policy | None, hosts: Future[list[str]]) -> None:
        try:
            names = hosts.result()
        except dns.exception.DNSException as error:
            found.lines.append(unanswered(self.view, "mx", error))
            return
        if not names:
            found.lines.append(Line("mx", Level.WARN, f"{found.name} takes no mail: no MX record, or the null MX", "RFC 7505", "Nothing, if that is so"))  # fmt: skip
        dane = {
            host: self._pool.submit(_guarded, self.view, f"dane {host}", partial(_dane, self.view, host))
            for host in names
        }
        probes = {host: self._probe(host) for host in names if self.smtp_port is not None}
        for host in names:
            if policy:
                found.lines.append(judge.allowed(policy, host))
            if host in probes:
                found.lines.append(_guarded(self.view, f"server {host}", lambda host=host: judge.server_line(host, probes[host].result())))  # fmt: skip
            found.lines.append(dane[host].result())

    def _probe(self, host: str) -> Future[smtp.Server]:
        """One mail server; one that many domains share is asked once."""
        with self._lock:
            if host not in self._servers:
                self._servers[host] = self._pool.submit(smtp.probe, self.view, host, self.smtp_port or 25)
            return self._servers[host]


def lookup(view: View, name: str, rdtype: str) -> Found:
    """A record set as a resolver gives it; empty where there is none.

    :raises dns.exception.DNSException: no usable answer.
    """
    answer = dns_view.answer(view, name, rdtype)
    if answer is None:
        return [], 0, ""
    alias = answer.canonical_name.to_text(omit_final_dot=True)
    values = [plain(each) for each in cast(Iterable[Any], answer.rrset or ())]
    return values, answer.rrset.ttl if answer.rrset else 0, alias if alias.lower() != name.lower() else ""


def mx_hosts(view: View, name: str) -> list[str]:
    """The hosts of the MX records, all priorities (RFC 8461 8.4), or the domain itself (RFC 5321 5.1).

    :raises dns.exception.DNSException: no usable answer.
    """
    found = {value.partition(" ")[2].strip() for value in lookup(view, name, "MX")[0]}  # "" is the null MX
    if not found:
        return [name] if lookup(view, name, "A")[0] or lookup(view, name, "AAAA")[0] else []
    return sorted(found - {""})


def unanswered(view: View, check: str, error: Exception) -> Line:
    """DNS gave no answer: nothing is known."""
    return Line(
        check,
        Level.UNCHECKED,
        f"DNS gives no answer ({dns_view.reason(error, view)})",
        "",
        "Try again, or another --resolver",
    )


def _guarded(view: View, check: str, make: Callable[[], Line]) -> Line:
    try:
        return make()
    except (dns.exception.DNSException, OSError) as error:
        return unanswered(view, check, error)


def _down(found: Domain) -> None:
    """Other mail servers can be reached, so one that can't be is down rather than blocked."""
    for at, line in enumerate(found.lines):
        if line.check.startswith("server ") and line.level == Level.UNCHECKED:
            text = f"{line.text}, while other mail servers answer"
            found.lines[at] = Line(line.check, Level.WARN, text, line.section, "Is it down?")


def _dane(view: View, host: str) -> Line:
    count = len(lookup(view, f"_25._tcp.{host}", "TLSA")[0])
    text = (
        f"{host} has {count} TLSA records; senders with DANE use these" if count else f"{host} has no TLSA record"
    )
    return Line(f"dane {host}", Level.PASS, f"{text} (for information)", "RFC 7672 2.2")


def _tls_reports(view: View, name: str) -> Line:
    owner, check = tlsrpt_record(name), "tls-reports"
    texts = lookup(view, owner, "TXT")[0]
    try:
        record = TlsRptRecord.find(texts)
    except PolicyError as error:
        if not any("tlsrpt" in text.lower() for text in texts):
            return Line(check, Level.WARN, f"there is no record {owner}, so nobody reports failures", "RFC 8460 3", "Set tlsReports in the policy")  # fmt: skip
        return Line(
            check, Level.FAIL, f"{owner}: {error}", error.section, 'It should be "v=TLSRPTv1; rua=mailto:…"'
        )
    return Line(check, Level.PASS, f"reports go to {', '.join(record.rua)}", "RFC 8460 3")


def _name_servers(view: View, name: str) -> Line:
    """Every name server of the zone answers the same."""
    check, asked = "name-servers", (sts_record(name), "TXT")
    servers = dns_view.name_servers(view, asked[0])
    found: dict[str, frozenset[str]] = {}
    silent: list[str] = []
    for server in servers:
        try:
            found[str(server)] = dns_view.values_at(view, server, *asked) | dns_view.values_at(view, server, policy_host(name), "CNAME")  # fmt: skip
        except (dns.exception.DNSException, OSError) as error:
            silent.append(f"{server} ({dns_view.reason(error)})")
    if len(set(found.values())) > 1:
        told = "; ".join(f"{server}: {', '.join(sorted(values)) or 'nothing'}" for server, values in found.items())
        return Line(check, Level.FAIL, f"the name servers differ: {told}", "RFC 1034 4.3.5", "See that the zone is transferred to all of them")  # fmt: skip
    if silent:
        return Line(
            check, Level.UNCHECKED, f"no answer from {', '.join(silent)}", "", "Is port 53 open from here?"
        )
    return Line(check, Level.PASS, f"{len(found)} name servers answer the same", "RFC 1034 4.3.5")
