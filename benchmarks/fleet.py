"""A fleet on a local Azure of its own: `python -m benchmarks fleet`, or `make bench-fleet`; docs/scale.md has the table.

First an `up` from nothing, then previews that change nothing, by number of jobs, then an `up` after one customer's policy
has changed. CPU and memory are of `tools.fleet` and everything that it starts; the local Azure's CPU, which in reality is
Azure's, stands beside it.
"""

import argparse
import csv
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from harness import Stack
from rich.console import Console
from rich.table import Table

from benchmarks import ROOT
from benchmarks.measures import engine
from checks.show import console

SHARD, CUSTOMER = 100, 5  # domains
MX = "mail.example.org"
DOC, BEGIN, END = ROOT / "docs" / "scale.md", "<!-- measured -->\n", "<!-- end of measured -->\n"
HEAD = (
    "hosting",
    "domains",
    "shards",
    "jobs",
    "what",
    "seconds",
    "CPU s",
    "Azure's CPU s",
    "peak MiB",
    "state, kB a domain",
)
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Measured:
    """One run of `tools.fleet`.

    :param cpu: seconds, of it and what it started.
    :param azure: seconds, of the local Azure.
    :param mib: at its peak, shared pages divided among those that share them (PSS).
    """

    seconds: float
    cpu: float
    azure: float
    mib: float


def main(arguments: Sequence[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks fleet", description=__doc__)
    parser.add_argument("--sizes", default="10,100,1000", metavar="N,…", help="domains (default 10,100,1000)")
    parser.add_argument("--jobs", default="1,2,4", metavar="N,…", help="of the previews; the last but one is the ups' (default 1,2,4)")  # fmt: skip
    parser.add_argument(
        "--shard", type=int, default=SHARD, metavar="N", help=f"domains of a shard (default {SHARD})"
    )
    parser.add_argument("--hosting", default="staticWebApp,frontDoor", metavar="NAME,…")
    parser.add_argument("--write", action="store_true", help=f"put the table into {DOC.name}")
    options = parser.parse_args(arguments)
    sizes, jobs = ([int(each) for each in given.split(",")] for given in (options.sizes, options.jobs))
    rows: list[tuple[str, ...]] = []
    progress = Console(stderr=True, highlight=False)
    for hosting in options.hosting.split(","):
        for domains in sizes:
            with tempfile.TemporaryDirectory() as folder:
                for row in fleet(Path(folder), hosting, domains, jobs, options.shard):
                    rows.append(row)
                    progress.print("  ".join(row))
    table = Table(*HEAD[:5], title=machine(), title_justify="left", box=None)
    for name in HEAD[5:]:
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(*row)
    console().print(table)
    if options.write:
        write(rows)
    return 0


def fleet(
    folder: Path, hosting: str, domains: int, jobs: Sequence[int], shard: int = SHARD
) -> Iterator[tuple[str, ...]]:
    """Bring up, preview and change one fleet.

    :raises RuntimeError: a run fails.
    """
    stack = Stack(folder, engine())
    stack.more["PYTHONDONTWRITEBYTECODE"] = ""  # Python keeps its bytecode, as it does unless told otherwise
    names = [f"d{at}.test" for at in range(domains)]
    shards = -(-domains // shard)
    with stack.sandbox:
        stack.zones(*names, "--mx", MX)
        if hosting == "frontDoor":  # whoever runs it may write blobs, as its docs want it
            stack.python("-m", "sandbox", "--dir", str(stack.sandbox.folder), "grant")
        rows(stack.project, names, shard)
        for number in range(1, shards + 1):
            stack_file(stack.project, number, hosting)
            if stack.pulumi("stack", "init", f"fleet-{number}").code:
                raise RuntimeError(f"fleet-{number} can't be made")
        of_up = jobs[-2] if len(jobs) > 1 else jobs[0]

        def row(count: int, what: str, took: Measured, state: str = "") -> tuple[str, ...]:
            fixed = (hosting, str(domains), str(shards), str(count), what)
            return (
                *fixed,
                f"{took.seconds:.0f}",
                f"{took.cpu:.0f}",
                f"{took.azure:.0f}",
                f"{took.mib:.0f}",
                state,
            )

        took = run(stack, "up", "--jobs", str(of_up))
        states = [path.stat().st_size for path in stack.sandbox.folder.glob("pulumi/.pulumi/stacks/*/*.json")]
        yield row(of_up, "first up", took, f"{sum(states) / domains / 1000:.1f}")
        for count in jobs if shards > 1 else jobs[:1]:
            yield row(count, "preview, no change", run(stack, "preview", "--jobs", str(count)))
        rows(stack.project, names, shard, "86400")
        yield row(of_up, "up, one policy changed", run(stack, "up", "--jobs", str(of_up)))
        yield row(of_up, "up, nothing left", run(stack, "up", "--jobs", str(of_up)))


def rows(project: Path, names: Sequence[str], shard: int, first: str = "604800") -> None:
    """The fleet file: five domains a customer, who has a site of its own.

    :param shard: domains of a shard.
    :param first: the first customer's maxAge.
    """
    with (project / "fleet.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("domain", "customer", "mx", "mode", "maxAge", "shard", "site"))
        for at, name in enumerate(names):
            customer = at // CUSTOMER
            age = "604800" if customer else first
            site = at % shard // CUSTOMER + 1
            writer.writerow((name, f"customer {customer}", MX, "testing", age, at // shard + 1, site))


def stack_file(project: Path, number: int, hosting: str) -> None:
    """A shard's Pulumi.<stack>.yaml."""
    on_apps = hosting == "staticWebApp"
    config = {
        "azure-native:location": "westeurope",
        "mta-sts:dns": {"provider": "azure", "resourceGroup": "dns"},
        "mta-sts:fleet": {"file": "fleet.csv", "shard": number, **({"sku": "Standard"} if on_apps else {})},
        **({} if on_apps else {"mta-sts:hosting": hosting}),
    }
    (project / f"Pulumi.fleet-{number}.yaml").write_text(yaml.safe_dump({"config": config}))


def run(stack: Stack, *words: str) -> Measured:
    """Run `python -m tools.fleet` to its end.

    :raises RuntimeError: it failed.
    """
    pid = (stack.sandbox.running or {})["pid"]
    azure, started, peak = cpu_of(pid), time.perf_counter(), Peak()
    with (stack.project / "output").open("w+") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "tools.fleet", *words],
            cwd=stack.project,
            env={**stack.environment, "PYTHONPATH": str(ROOT)},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        with peak.of(process.pid):
            _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            raise RuntimeError(f"fleet {' '.join(words)} failed: {output.read()[-2000:]}")
    return Measured(
        time.perf_counter() - started, used.ru_utime + used.ru_stime, cpu_of(pid) - azure, peak.kib / 1024
    )


def cpu_of(pid: int) -> float:
    """Seconds of CPU that a process has used so far (proc(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


class Peak:
    """The memory of a process and all its descendants, looked at every half second."""

    def __init__(self) -> None:
        self.kib = 0
        self._over = threading.Event()

    def of(self, pid: int) -> "Peak":
        self._thread = threading.Thread(target=self._watch, args=(pid,), daemon=True)
        return self

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self, pid: int) -> None:
        while not self._over.wait(0.5):
            self.kib = max(self.kib, sum(map(_pss, _with_descendants(pid))))


def _with_descendants(pid: int) -> set[int]:
    parents: dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue  # it has ended
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def _pss(pid: int) -> int:
    try:
        return int(re.findall(r"^Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)[0])
    except (OSError, IndexError):
        return 0


def machine() -> str:
    """What it was measured on."""
    load = os.getloadavg()[0]
    return f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, load {load:.1f} at the end; the local Azure on the same machine"


def write(rows: Sequence[tuple[str, ...]]) -> None:
    """Put the table between its two marks."""
    lines = [f"| {' | '.join(each)} |" for each in (HEAD, ("---",) * 5 + ("---:",) * 5, *rows)]
    before, _, rest = DOC.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    DOC.write_text(before + BEGIN + f"{machine()}\n\n" + "\n".join(lines) + "\n" + END + after, encoding="utf-8")
