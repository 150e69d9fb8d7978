"""What is measured. Seconds are of the clock; CPU seconds, of all processes but the local Azure's, tell on a busy machine."""

import json
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from harness import TESTING, Run, Stack
from name_servers import Bind
from reports.samples import gzipped, mail, report, text, zipped

from benchmarks import ROOT

RUNS = 5
# What happens in a preview, up to the first of the engine's log lines that has one of these; in this order.
PHASES = {
    "the engine, and `pip list` for the plugins": r"GetRequiredPackages.* success|GetRequiredPlugins.* success",
    "Python and Pulumi's SDK": r"RegisterResource received: t=pulumi:pulumi:Stack",
    "the program: imports, settings": r"Launching plugin 'azure-native",
    "azure-native's plugin starts": r"Provider.*Invoke\(azure-native:dns:getZone\) executing",
    "Azure is asked for the zones": r"Provider.*Invoke\(azure-native:dns:getZone\) success",
    "the preflight": r"RegisterResource received: t=azure-native:resources:ResourceGroup",
    "our plugin, and every resource compared": r"SignalAndWaitForShutdown completed",
    "the end": r"\Z",
}


class Row(NamedTuple):
    """One line of the table."""

    what: str
    measured: str
    promised: str = ""


class Took(NamedTuple):
    """Seconds, and CPU seconds of the processes that were waited for."""

    seconds: float
    cpu: float

    def __str__(self) -> str:
        return f"{self.seconds:.2f} s, CPU {self.cpu:.2f} s"


Measure = tuple[
    str, Callable[[Path], Iterator[Row]]
]  # a title, and rows as they are measured, with a folder to do it in


@cache
def engine() -> str:
    """The folder with the Pulumi engine, "" where PATH has it."""
    run = subprocess.run([sys.executable, "-m", "tools.get_engine"], cwd=ROOT, capture_output=True, text=True)
    if run.returncode:
        raise RuntimeError(run.stderr)
    return run.stdout.strip()


def timed(run: Callable[[], Run]) -> Took:
    """How long a pulumi command takes.

    :raises RuntimeError: it failed.
    """
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    answer = run()
    seconds, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    if answer.code:
        raise RuntimeError(answer.errors[-1] if answer.errors else answer.text)
    return Took(seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def best(*runs: Callable[[], Run]) -> list[Took]:
    """The fastest of several runs of each, in turns, so that a busy minute meets all of them."""
    took = [[timed(run) for run in runs] for _ in range(RUNS)]
    return [Took(*(min(times) for times in zip(*of_one, strict=True))) for of_one in zip(*took, strict=True)]


def stack_in(folder: Path, domains: int) -> Stack:
    """A stack of so many domains, five to a policy, that isn't brought up yet; its local Azure runs."""
    folder.mkdir(exist_ok=True)
    stack = Stack(folder, engine())
    names = [f"d{at}.test" for at in range(domains)]
    stack.sandbox.up()
    stack.zones(*names)
    stack.configure(*policies(names))
    assert stack.pulumi("stack", "init", "test").code == 0
    return stack


def policies(names: list[str], **more: Any) -> list[dict[str, Any]]:
    """Five domains to a policy."""
    return [
        {**TESTING, **more, "name": f"p{at}", "sku": "Standard", "domains": names[at : at + 5]}
        for at in range(0, len(names), 5)
    ]


def up(stack: Stack) -> Took:
    """From nothing, or from what it is."""
    return timed(lambda: stack.pulumi("up", "--yes", "--skip-preview", timeout=1800))


def previews(folder: Path) -> Iterator[Row]:
    """A no-change preview of one domain and of fifty against an empty program, and where the time goes."""
    empty = folder / "empty"
    empty.mkdir()
    (empty / "Pulumi.yaml").write_text("name: empty\nruntime: python\n")
    (empty / "__main__.py").write_text("import pulumi\n")
    one, fifty = stack_in(folder / "one", 1), stack_in(folder / "fifty", 50)
    try:
        up(one)
        assert one.pulumi("-C", str(empty), "stack", "init", "test").code == 0
        unchanged = ("preview", "--expect-no-changes")
        base, ours = best(lambda: one.pulumi("-C", str(empty), "preview"), lambda: one.pulumi(*unchanged))
        ratio = f"{ours.seconds / base.seconds:.2f} ({ours} / {base})"
        yield Row("no-change preview of 1 domain / of an empty program", ratio, "<= 1.4")
        yield from phases(one.pulumi(*unchanged, "--logtostderr", "-v=9").text)
        up(fifty)
        single, many = best(lambda: one.pulumi(*unchanged), lambda: fifty.pulumi(*unchanged))
        more = f"{many.seconds - single.seconds:.1f} s ({many} / {single})"
        yield Row("no-change preview of 50 domains, beyond that of 1", more, "<= 2 s")
    finally:
        one.sandbox.down()
        fifty.sandbox.down()


def phases(log: str) -> Iterator[Row]:
    """The parts of a preview, from the engine's log at -v=9; a part whose end isn't there goes with the next one."""
    lines = [line for line in log.splitlines() if line.startswith('{"time":"')]
    times = [datetime.fromisoformat(line[9:35]).timestamp() for line in lines]
    at = 0
    for what, end in PHASES.items():
        upto = next((i for i in range(at, len(lines)) if re.search(end, lines[i])), None)
        upto = len(lines) - 1 if end == r"\Z" else upto
        if upto is not None:
            share = (times[upto] - times[at]) / (times[-1] - times[0])
            yield Row(f"  of it: {what}", f"{times[upto] - times[at]:.2f} s, {share:.0%}")
            at = upto


def scale(folder: Path) -> Iterator[Row]:
    """The program's own time and memory by number of domains."""
    runs = {count: program(count) for count in (1, 10, 100, 1000)}
    for count, run in runs.items():
        yield Row(f"program, {count} domains", f"{run['seconds'] * 1000:.0f} ms")
    for count in (10, 100, 1000):
        a_domain = (runs[count]["seconds"] - runs[1]["seconds"]) / (count - 1) * 1000
        promised = "<= 7 ms" if count == 1000 else ""
        yield Row(f"  a domain beyond the first, of {count}", f"{a_domain:.1f} ms", promised)
    yield Row("program's peak memory, 100 domains", f"{runs[100]['mib']:.0f} MiB", "< 120 MiB")


def program(domains: int) -> dict[str, float]:
    """The program under mocks: the fastest of three runs."""
    command = [sys.executable, "-m", "benchmarks.program", str(domains)]
    runs: list[dict[str, float]] = []
    for _ in range(3):
        runs.append(
            json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)
        )
    return min(runs, key=lambda run: run["seconds"])


def ups(folder: Path) -> Iterator[Row]:
    """`up` of 10, 50 and 100 domains from nothing on the local Azure, and the state that it leaves."""
    took: dict[int, Took] = {}
    for count, promised in ((10, "< 30 s"), (50, ""), (100, "< 50 s")):
        stack = stack_in(folder / str(count), count)
        try:
            took[count] = up(stack)
            yield Row(f"up of {count} domains", str(took[count]), promised)
            if count == 100:
                state = next(stack.sandbox.folder.glob("pulumi/.pulumi/stacks/*/test.json"))
                yield Row("  its state, a domain", f"{state.stat().st_size / count / 1000:.1f} kB", "< 20 kB")
                stack.configure(*policies([f"d{at}.test" for at in range(count)], maxAge=86400))
                yield Row("  a policy changed at all of them", str(up(stack)))
        finally:
            stack.sandbox.down()
    early, late = (
        Took(
            (took[to].seconds - took[since].seconds) / (to - since),
            (took[to].cpu - took[since].cpu) / (to - since),
        )
        for since, to in ((10, 50), (50, 100))
    )
    yield Row("  a further domain, from 10 to 50", str(early))
    yield Row("  a further domain, from 50 to 100", str(late), "no more than from 10 to 50")


def by_update(folder: Path) -> Iterator[Row]:
    """`up` of a hundred domains, their records in Azure DNS and on BIND by dynamic update: the difference."""
    names = [f"d{at}.test" for at in range(100)]
    with Bind(folder / "bind", *names) as bind:
        took: list[Took] = []
        for elsewhere in (False, True):
            stack = stack_in(folder / str(elsewhere), 100)
            try:
                if elsewhere:
                    stack.sandbox.state.set("served-elsewhere test", bind.address)
                    stack.more["MTA_STS_NAMESERVERS"] = bind.address
                    stack.reconfigure(**{"mta-sts:dns": bind.config()})
                    stack.secret("mta-sts:dns.keySecret", bind.secret)
                took.append(up(stack))
            finally:
                stack.sandbox.down()
    azure, update = took
    more = f"{update.seconds - azure.seconds:.1f} s ({update} / {azure})"
    yield Row("up of 100 domains through rfc2136, beyond Azure DNS", more, "< 20 s")


def reports(folder: Path) -> Iterator[Row]:
    """How fast TLS reports are read (RFC 8460): a thousand zip files of a hundred each, and mails of one."""
    zips, mails = folder / "zips", folder / "mails"
    zips.mkdir()
    mails.mkdir()
    for at in range(1000):
        numbers = range(at * 100, at * 100 + 100)
        failures = (("certificate-expired", "mx", 1),)
        files = {f"{number}.json": text(report(number, day=at % 90, failures=failures)) for number in numbers}
        (zips / f"{at}.zip").write_bytes(zipped(**files))
    yield Row("reports read a second, 100 to a zip file", f"{rate(zips, 100_000):.0f}", "> 2000")
    for at in range(5000):
        (mails / f"{at}.eml").write_bytes(mail(gzipped(report(at, day=at % 90))))
    yield Row("mails read a second, a report each", f"{rate(mails, 5000):.0f}", "> 1000")


def rate(folder: Path, count: int) -> float:
    """Reports a second.

    :raises RuntimeError: not so many were read.
    """
    started = time.perf_counter()
    command = [sys.executable, "-m", "checks", "reports", str(folder), "--json"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    seconds = time.perf_counter() - started
    if run.returncode >= 64:  # lower ones tell what the reports say
        raise RuntimeError(run.stderr)
    if (read := json.loads(run.stdout)["reports"]) != count:
        raise RuntimeError(f"{read} of {count} reports were read")
    return count / seconds


MEASURES: dict[str, Measure] = {
    "previews": ("no-change previews", previews),
    "program": ("the program by number of domains", scale),
    "up": ("up of 10, 50 and 100 domains", ups),
    "rfc2136": ("up of 100 domains through rfc2136", by_update),
    "reports": ("TLS reports", reports),
}
