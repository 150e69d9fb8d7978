"""A sender that never stops looking: at the record, at the policy, and at whether the two agree."""

import hashlib
import ssl
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType

import dns.exception
import dns.message
import dns.query
import urllib3

from policy import Policy, PolicyError, StsRecord

PAUSE = 0.05  # seconds between looks


class Watcher:
    """Watches one domain in a thread, from `with` to its end.

    A violation is an id in DNS while the host serves no valid policy, or one that is older than the policy which the
    id names (RFC 8461 8.1: policy first, then id); and a policy that is older than one seen before without the owner
    having asked for that.

    :param environment: what leads to the local Azure.
    :param policies: every policy there may be, in the order in which the owner asked for them.
    :param ids: ids that aren't the hash of a policy, by index in `policies`.
    """

    def __init__(
        self,
        environment: dict[str, str],
        domain: str,
        policies: Sequence[bytes],
        ids: dict[str, int] | None = None,
    ) -> None:
        self.domain = domain
        self.address, _, port = environment["MTA_STS_RESOLVER"].rpartition(":")
        self.port = int(port)
        context = ssl.create_default_context(cafile=environment["SSL_CERT_FILE"])
        self.http = urllib3.ProxyManager(environment["HTTPS_PROXY"], ssl_context=context)
        self.order = {policy: at for at, policy in enumerate(policies)}
        self.ids = {hashlib.sha256(policy).hexdigest()[:32]: at for at, policy in enumerate(policies)} | (
            ids or {}
        )
        self.looks = 0
        self.valid = 0
        self.excused = False  # while Azure itself takes the policy away
        self.outages = 0  # looks
        self.violations: list[str] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Watcher":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(30)
        self.http.clear()

    def _run(self) -> None:
        while not self._stop.is_set():
            before = self._id()
            served = self._policy()
            after = self._id()
            if before is not None and before == after and served is not None:
                self._judge(before, served)
            self._stop.wait(PAUSE)

    def _id(self) -> str | None:
        """The announced id; None without an answer (the local Azure is down), "" without a record."""
        query = dns.message.make_query(f"_mta-sts.{self.domain}", "TXT")
        try:
            answer = dns.query.udp(query, self.address, timeout=1, port=self.port)
        except (dns.exception.DNSException, OSError):
            return None
        texts = [b"".join(rdata.strings) for rrset in answer.answer for rdata in rrset if rrset.rdtype == 16]
        with suppress(PolicyError):
            return StsRecord.find(texts).id
        return ""

    def _policy(self) -> bytes | str | None:
        """What is served; a text says why nothing valid is, None that the local Azure is down."""
        url = f"https://mta-sts.{self.domain}/.well-known/mta-sts.txt?watcher"  # apart from the fetches that faults are for
        try:
            answer = self.http.request("GET", url, redirect=False, retries=False, timeout=3)
        except urllib3.exceptions.HTTPError as error:
            return None if "refused" in str(error) or "disconnected" in str(error) else str(error)
        if answer.status != 200:
            return f"status {answer.status}"
        try:
            Policy.parse(answer.data)
        except PolicyError as error:
            return str(error)
        return answer.data

    def _judge(self, id_: str, served: bytes | str) -> None:
        self.looks += 1
        if not id_:
            return
        stamp = time.strftime("%H:%M:%S")
        if isinstance(served, str) and self.excused:
            self.outages += 1
        elif isinstance(served, str):
            self.violations.append(f"{stamp} id {id_} is announced, but: {served}")
        elif served not in self.order or id_ not in self.ids:
            self.violations.append(f"{stamp} id {id_} or policy {served!r} was never asked for")
        elif self.order[served] < self.ids[id_]:
            self.violations.append(
                f"{stamp} id {id_} (number {self.ids[id_]}) with policy number {self.order[served]}"
            )
        else:
            self.valid += 1
