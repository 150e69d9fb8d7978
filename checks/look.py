"""One domain while it is looked at, and how its checks are run.

A check is a function that takes a `Look` and yields findings. It asks the internet through the `Look`, which asks
each question once, whichever checks want the answer. Errors needn't be caught: no answer from DNS, no end in time
and even a mistake in the check itself become findings that it was not checked.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from threading import Lock
from typing import Any, TypeVar, cast

import dns.exception

from checks.finding import Finding, Level
from internet import dns_view
from internet.address import Server
from internet.dns_view import Records
from internet.view import View
from policy.places import sts_record

SERVERS = 2  # of a zone, that are asked one after the other for one answer
PATIENCE = 1.0  # seconds for one answer of one of a zone's own servers
GRACE = 2.0  # seconds after the deadline, in which checks may say themselves what kept them waiting
LATE = "it didn't end in time"
T = TypeVar("T")
U = TypeVar("U")


class Shared:
    """Answers that several threads want, each made by the first that asks.

    :param view: what the makers of answers look through; where domains share answers, it isn't one domain's own.
    """

    def __init__(self, view: View) -> None:
        self.view = view
        self._made: dict[Hashable, Future[Any]] = {}
        self._lock = Lock()

    def __call__(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` returns, or raises.

        The first to ask makes it, in its own thread: nobody's answer waits in a queue behind other domains' work.
        """
        with self._lock:
            first = key not in self._made
            future = cast("Future[T]", self._made.setdefault(key, Future()))
        if first:
            try:
                future.set_result(make())
            except BaseException as error:
                future.set_exception(error)
        return future.result()

    def known(self, key: Hashable) -> Any:
        """An answer that is there already; None where it isn't, or where there was an error."""
        future = self._made.get(key)
        return future.result() if future and future.done() and not future.exception() else None


class Look:
    """One domain while it is looked at.

    :param name: in A-labels.
    :param shared: what the domains of a run have in common, such as mail servers, is asked once.
    """

    def __init__(self, name: str, shared: Shared) -> None:
        self.name = name
        self.view = shared.view
        self.shared = shared
        self.own = Shared(self.view)

    def begin(self, seconds: float) -> None:
        """From now on there are so many seconds."""
        self.view = self.own.view = self.view.within(seconds)

    def records(self, name: str, rdtype: str) -> Records:
        """A record set, as the resolver has it.

        :raises dns.exception.DNSException, OSError: no usable answer.
        """
        if self.view.left(1) <= 0:
            raise dns.exception.Timeout
        return self.shared((name, rdtype), partial(dns_view.lookup, self.shared.view, name, rdtype))

    def values(self, name: str, rdtype: str) -> list[str]:
        """The record set's values; see `Records`.

        :raises dns.exception.DNSException, OSError: no usable answer.
        """
        return self.records(name, rdtype).values

    def published(self, name: str, rdtype: str) -> Records:
        """A record set, as a name server of the domain's own zone has it.

        For names that are about to be made: a resolver asked too early remembers that there is nothing (RFC 2308).
        Servers that kept silent are left alone from then on. So are all others while none has answered: then port
        53 is closed from here, and each question would wait anew.

        :raises dns.exception.DNSException, OSError: no usable answer.
        """
        if self.view.left(1) <= 0:
            raise dns.exception.Timeout
        closed = None if self.shared.known("open") else self.shared.known("closed")
        if silent := self.own.known("silent") or closed:
            raise silent
        return self.own(("published", name, rdtype), partial(self._ask_servers, name, rdtype))

    def name_servers(self) -> list[Server]:
        """The name servers of the zone that holds, or will hold, the domain's `_mta-sts` record.

        :raises dns.exception.DNSException: the zone or its servers can't be found.
        """
        return self.own("servers", partial(dns_view.name_servers, self.view, sts_record(self.name)))

    def _ask_servers(self, name: str, rdtype: str) -> Records:
        view = self.shared.view
        servers = self.name_servers()
        try:
            records = dns_view.published(view, name, rdtype, servers[:SERVERS], PATIENCE)
        except (dns.exception.DNSException, OSError) as error:
            silent = error
        else:
            self.shared("open", lambda: True)
            return records
        if isinstance(silent, dns_view.SilentError):
            self.own("silent", lambda: silent)
            self.shared("closed", lambda: silent)
        raise silent

    def mail_hosts(self) -> list[str]:
        """The hosts of the MX records, all priorities (RFC 8461 8.4), or the domain itself (RFC 5321 5.1).

        :returns: `[""]` for the null MX (RFC 7505); nothing where the domain has no address either.
        :raises dns.exception.DNSException, OSError: no usable answer.
        """
        records = self.records(self.name, "MX")
        hosts = sorted({dns_view.plain(mx.exchange) for mx in records.rdatas})
        if not hosts and records.exists and (self.values(self.name, "A") or self.values(self.name, "AAAA")):
            return [self.name]
        return hosts if len(hosts) == 1 else [host for host in hosts if host]


Check = Callable[[Look], Iterator[Finding]]
Checks = Mapping[str, Check]  # by the name that its findings have


def run(look: Look, checks: Checks, threads: int | None = None) -> list[Finding]:
    """Run a domain's checks side by side, until its view ends.

    :param threads: how many checks at once; all, where it isn't said. One at a time needs no thread of its own.
    :returns: the findings in the order of `checks`.
    """
    made: dict[str, list[Finding]] = {name: [] for name in checks}
    if threads == 1:
        for name, check in checks.items():
            _one(look, name, check, made[name])
        return [finding for findings in made.values() for finding in findings]
    pool = ThreadPoolExecutor(threads or len(checks), look.name)
    futures = {pool.submit(_one, look, name, check, made[name]): name for name, check in checks.items()}
    wait(futures, look.view.left(1e6) + GRACE)
    pool.shutdown(wait=False, cancel_futures=True)
    for future, name in futures.items():
        if not future.done():
            made[name] = [*made[name], unchecked(name, LATE)]
    return [finding for findings in made.values() for finding in findings]


def _one(look: Look, name: str, check: Check, findings: list[Finding]) -> None:
    try:
        for finding in check(look):
            findings.append(finding)
    except (dns.exception.DNSException, OSError) as error:
        findings.append(unchecked(name, f"DNS gives no answer ({dns_view.reason(error, look.view)})"))
    except Exception as error:
        text = f"this check broke ({type(error).__name__}: {error}), which says nothing about the domain"
        findings.append(Finding(name, Level.UNCHECKED, text, "", "Please report it", defect=True))


def unchecked(check: str, text: str) -> Finding:
    """Nothing is known."""
    return Finding(check, Level.UNCHECKED, text, "", "Try again, or another --resolver")


def side_by_side(work: Callable[[T], U], items: Sequence[T]) -> list[U]:
    """`work` on every item, a thread each; the results in order."""
    with ThreadPoolExecutor(len(items) or 1) as pool:
        return list(pool.map(work, items))
