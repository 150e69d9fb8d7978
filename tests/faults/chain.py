"""One stack's life under faults."""

import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dns.flags
from harness import TESTING, Stack
from name_servers import Unbound
from watcher import Watcher

from faults.catalog import HOST, PROCESSES, Fault
from policy import Policy
from sandbox.state import State
from sandbox.storage import website

BASE = {**TESTING, "tlsReports": ["mailto:tls@example.org"]}
LIFE: list[dict[str, Any]] = [
    {**BASE, "maxAge": 60},
    {**BASE, "maxAge": 61, "mx": ["mail.example.org", "mx2.example.org"]},
    {**BASE, "maxAge": 62, "mode": "enforce"},
    {**BASE, "maxAge": 63, "mode": "enforce", "mx": ["mail.example.org", "*.example.net"]},
    {**BASE, "maxAge": 64, "mode": "none", "removeEarlyAndRiskMail": True},
]
STEPS = len(LIFE) + 1  # and destroy
DOWN = 2  # seconds until a killed local Azure is started again
TIMEOUT = 240  # seconds, then Ctrl-C
NEVER_ENDS = 60  # seconds, for what doesn't end before the fault does


@dataclass
class Outcome:
    """What one step came to."""

    fault: Fault
    step: int
    struck: bool = False
    failed: bool = False
    by_recover: bool = False
    converged: bool = False
    violations: list[str] | None = None
    said: str = ""


def documents() -> list[bytes]:
    """The policies of a life, in order."""
    return [Policy.of(each["mode"], each["maxAge"], each["mx"]).render() for each in LIFE]


def live(
    folder: Path, engine: str, faults: list[Fault], seed: str, hosting: str = "staticWebApp"
) -> Iterator[Outcome]:
    """Run one life, a fault a step."""
    rng = random.Random(seed)
    stack = Stack(folder, engine)
    with stack.sandbox:
        stack.zones("example.org", "--mx", "mail.example.org")
        stack.grant()
        stack.configure(LIFE[0], **{"mta-sts:hosting": hosting})
        assert stack.pulumi("stack", "init", "test").code == 0
        with Watcher(stack.environment, "example.org", documents()) as watcher:
            for step, fault in enumerate(faults[:STEPS]):
                if step < len(LIFE):
                    stack.configure(LIFE[step], **{"mta-sts:hosting": hosting})
                outcome = Outcome(fault, step)
                seen, watcher.excused = len(watcher.violations), fault.takes_policy_away
                try:
                    _strike(stack, fault, rng, outcome)
                    _converge(stack, outcome)
                except Exception as error:  # told in the table; the others go on
                    outcome.said += f"\n{type(error).__name__}: {error}"
                outcome.violations = watcher.violations[seen:]
                if watcher.outages and outcome.failed:
                    outcome.violations.append("an upload was half done, and the up that did it left it so")
                watcher.outages = 0
                yield outcome
                if not outcome.converged:
                    return


def _command(step: int) -> tuple[str, ...]:
    return ("up", "--yes", "--skip-preview") if step < len(LIFE) else ("destroy", "--yes", "--skip-preview")


def _strike(stack: Stack, fault: Fault, rng: random.Random, outcome: Outcome) -> None:
    """One command, with the fault."""
    fault.order(stack.sandbox, rng)
    with _resolver(stack, fault):
        _run(stack, fault, rng, outcome)


@contextmanager
def _resolver(stack: Stack, fault: Fault) -> Iterator[None]:
    """Where the fault is that, a real resolver that was asked for the stack's names before they were made."""
    if fault.kind != "remembered-no":
        yield
        return
    with Unbound(
        stack.project.parent / f"unbound-{stack.last()}", stack.sandbox.env()["MTA_STS_RESOLVER"]
    ) as unbound:
        for name, kind in ((HOST, "CNAME"), (HOST, "A"), (f"_{HOST}", "TXT")):
            unbound.reply(name, kind, dns.flags.RD)
        stack.more["MTA_STS_RESOLVER"] = unbound.address
        try:
            yield
        finally:
            del stack.more["MTA_STS_RESOLVER"]


def _run(stack: Stack, fault: Fault, rng: random.Random, outcome: Outcome) -> None:
    before = stack.last()
    process = stack.begin(*_command(outcome.step))
    killer = None
    if fault.kind == "kill":
        calls, late = rng.randint(1, 25 if outcome.step in (0, STEPS - 1) else 12), rng.random() * 0.3
        killer = threading.Thread(target=_kill, args=(stack, fault, process, before, calls, late, outcome))
        killer.start()
    try:
        outcome.said = process.communicate(timeout=NEVER_ENDS if fault.kind == "share" else TIMEOUT)[0]
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
        outcome.said = process.communicate(timeout=60)[0]
    if killer:
        killer.join()
    outcome.failed = process.returncode != 0
    if fault.kind != "kill":
        outcome.struck = fault.withdraw(stack.sandbox)


def _kill(
    stack: Stack,
    fault: Fault,
    process: subprocess.Popen[str],
    before: int,
    calls: int,
    late: float,
    outcome: Outcome,
) -> None:
    """Wait for so many calls to Azure, then a moment, then kill."""
    while process.poll() is None:
        seen = [line for line in stack.sandbox.log(before) if line["service"] in ("arm", "azure", "login")]
        if len(seen) >= calls:
            break
        time.sleep(0.02)
    time.sleep(late)
    if process.poll() is not None:
        return
    if fault.of == "local Azure":
        outcome.struck = stack.sandbox.down(kill=True)
        time.sleep(DOWN)
        stack.sandbox.up()
        return
    for pid in _processes(process.pid, PROCESSES[fault.of]):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            outcome.struck = True


def _processes(session: int, words: str) -> list[int]:
    """The processes of a session whose command line has these words, and the session's leader for the engine."""
    if words == "pulumi":
        return [session]
    found: list[int] = []
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError, IndexError):
            of = int((path / "stat").read_text().rpartition(")")[2].split()[3])
            line = (path / "cmdline").read_text().replace("\0", " ")
            if of == session and words in line:
                found.append(int(path.name))
    return found


def _converge(stack: Stack, outcome: Outcome) -> None:
    """The next plain command makes good what was broken; where that needs it, `make recover`."""
    good = not outcome.failed
    for attempt in range(4):
        if good and _as_wanted(stack, outcome.step):
            outcome.converged = True
            return
        stack.tool("unlock")
        run = stack.pulumi(*_command(outcome.step))
        good = run.code == 0
        outcome.said += f"\n--- again\n{run.text}"
        if not good and attempt:
            again = stack.tool("recover", "--yes")
            outcome.by_recover = True
            outcome.said += f"\n--- recover\n{again.stdout}{again.stderr}"
    outcome.converged = good and _as_wanted(stack, outcome.step)


def _as_wanted(stack: Stack, step: int) -> bool:
    """What stands in Azure is what the step asks for, and nothing else does."""
    state = stack.sandbox.state
    texts = {
        each["name"]: each["properties"]["TXTRecords"][0]["value"][0]
        for each in state.of("Microsoft.Network/dnszones/TXT")
        if each["properties"]
    }
    if step >= len(LIFE):
        cnames = [each for each in state.of("Microsoft.Network/dnszones/CNAME") if each["properties"]]
        kinds = ("Web/staticSites/customDomains", "Cdn/profiles", "Cdn/profiles/customDomains")
        return not texts and not cnames and not any(list(state.of(f"Microsoft.{kind}")) for kind in kinds)
    texts.pop("_dnsauth.mta-sts", None)
    policy = Policy.of(LIFE[step]["mode"], LIFE[step]["maxAge"], LIFE[step]["mx"])
    return (
        texts == {"_mta-sts": f"v=STSv1; id={policy.id};", "_smtp._tls": "v=TLSRPTv1; rua=mailto:tls@example.org"}
        and policy.render() in _served(state)
        and _bound(state) in (["Ready"], ["Approved"])
    )


def _served(state: State) -> list[bytes]:
    """The policies on a site, or in a storage account's website."""
    rows = state.db.execute("SELECT content FROM files WHERE path = '.well-known/mta-sts.txt'")
    found = [row[0] for row in rows]
    for account in state.of("Microsoft.Storage/storageAccounts"):
        host = urlsplit(account["properties"]["primaryEndpoints"]["web"]).hostname or ""
        if page := website.serve(state, host, "GET", "/main/.well-known/mta-sts.txt"):
            found.append(page.body)
    return found


def _bound(state: State) -> list[str]:
    """Where the proofs of the custom domains stand."""
    sites = [each["properties"]["status"] for each in state.of("Microsoft.Web/staticSites/customDomains")]
    found = state.of("Microsoft.Cdn/profiles/customDomains")
    return sites + [each["properties"]["domainValidationState"] for each in found]
