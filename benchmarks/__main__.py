"""`make bench`: the figures that the project promises, and what was measured just now (minimum of 5 runs)."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from harness import TESTING, Stack
from name_servers import Bind

RUNS = 5


def best(run: Callable[[], object]) -> float:
    """Seconds of the fastest of several runs, after one that isn't counted."""
    run()
    times: list[float] = []
    for _ in range(RUNS):
        started = time.perf_counter()
        run()
        times.append(time.perf_counter() - started)
    return min(times)


def python(*arguments: str) -> str:
    """A Python of its own."""
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout


def program(domains: int) -> dict[str, float]:
    """The program under mocks: its fastest run of three, and its peak memory."""
    runs: list[dict[str, float]] = [json.loads(python("-m", "benchmarks.program", str(domains))) for _ in range(3)]
    return min(runs, key=lambda run: run["seconds"])


def previews(folder: Path, engine: str) -> list[tuple[str, str, str]]:
    """A no-change preview of one domain against an empty program, and where the time goes."""
    stack = Stack(folder, engine)
    empty = folder / "empty"
    empty.mkdir()
    (empty / "Pulumi.yaml").write_text("name: empty\nruntime: python\n")
    (empty / "__main__.py").write_text("import pulumi\n")
    with stack.sandbox:
        stack.zones("example.org")
        stack.configure(TESTING)
        assert stack.pulumi("stack", "init", "test").code == 0
        assert stack.pulumi("-C", str(empty), "stack", "init", "test").code == 0
        assert stack.pulumi("up", "--yes", "--skip-preview").code == 0
        base = best(lambda: stack.pulumi("-C", str(empty), "preview"))
        ours = best(lambda: stack.pulumi("preview", "--expect-no-changes"))
        sdk = best(lambda: python("-c", "import pulumi")) - best(lambda: python("-c", "pass"))
        azure = (
            best(lambda: python("-c", "import pulumi; from pulumi_azure_native import dns, resources, web")) - sdk
        )
        plugin = best(lambda: python("-c", "import grpc.aio, provider.server"))
        client = best(lambda: python("-c", "import azure.identity, azure.mgmt.resource.resources"))
    return [
        ("no-change preview / empty program", f"{ours / base:.2f} ({ours:.2f} s / {base:.2f} s)", "<= 1.5"),
        ("  of it: importing azure-native in the program", f"{azure:.2f} s", ""),
        ("  of it: starting a provider plugin (two, partly side by side)", f"{plugin:.2f} s", ""),
        ("  of it: the stand-in's Azure clients, before the first answer", f"{client:.2f} s", ""),
    ]


def ten_domains(folder: Path, engine: str) -> list[tuple[str, str, str]]:
    """`up` of ten domains from nothing."""
    stack = Stack(folder, engine)
    names = [f"d{at}.test" for at in range(10)]
    policies: list[dict[str, Any]] = [
        {**TESTING, "name": f"p{at}", "sku": "Standard", "domains": names[at : at + 5]} for at in (0, 5)
    ]
    with stack.sandbox:
        stack.zones(*names)
        stack.configure(*policies)
        assert stack.pulumi("stack", "init", "test").code == 0
        started = time.perf_counter()
        run = stack.pulumi("up", "--yes", "--skip-preview")
        assert run.code == 0, run.text
    return [("up of 10 domains on the local Azure", f"{time.perf_counter() - started:.1f} s", "< 30 s")]


def hundred_by_update(folder: Path, engine: str) -> list[tuple[str, str, str]]:
    """`up` of a hundred domains, their records in Azure DNS and on BIND by dynamic update: the difference."""
    names = [f"d{at}.test" for at in range(100)]
    policies: list[dict[str, Any]] = [
        {**TESTING, "name": f"p{at}", "sku": "Standard", "domains": names[at : at + 5]} for at in range(0, 100, 5)
    ]
    seconds: list[float] = []
    with Bind(folder / "bind", *names) as bind:
        for elsewhere in (False, True):
            place = folder / str(elsewhere)
            place.mkdir()
            stack = Stack(place, engine)
            with stack.sandbox:
                stack.configure(*policies)
                assert stack.pulumi("stack", "init", "test").code == 0
                if elsewhere:
                    stack.sandbox.state.set("served-elsewhere test", bind.address)
                    stack.more["MTA_STS_NAMESERVERS"] = bind.address
                    stack.reconfigure(**{"mta-sts:dns": bind.config()})
                    stack.secret("mta-sts:dns.keySecret", bind.secret)
                else:
                    stack.zones(*names)
                started = time.perf_counter()
                run = stack.pulumi("up", "--yes", "--skip-preview", timeout=900)
                seconds.append(time.perf_counter() - started)
                assert run.code == 0, run.text
    azure, update = seconds
    return [("up of 100 domains through rfc2136, beyond Azure DNS", f"{update - azure:.1f} s ({update:.1f} s / {azure:.1f} s)", "< 20 s")]  # fmt: skip


def scale() -> list[tuple[str, str, str]]:
    """The program's own time by number of domains."""
    found = {count: program(count) for count in (1, 10, 100, 1000)}
    rows = [(f"program, {count} domains", f"{run['seconds'] * 1000:.0f} ms", "") for count, run in found.items()]
    for count in (10, 100, 1000):
        each = (found[count]["seconds"] - found[1]["seconds"]) / (count - 1) * 1000
        rows.append((f"  a domain beyond the first, of {count}", f"{each:.1f} ms", "<= 10 ms"))
    return [*rows, ("program's peak memory, 100 domains", f"{found[100]['mib']:.0f} MiB", "< 150 MiB")]


def main() -> int:
    """Measure and print."""
    engine = python("-m", "tools.get_engine").strip()
    table = Table("What", "Measured", "Promised", title="minimum of 5 runs (program: of 3)", title_justify="left")
    with (
        tempfile.TemporaryDirectory() as one,
        tempfile.TemporaryDirectory() as ten,
        tempfile.TemporaryDirectory() as many,
    ):
        for row in [
            *previews(Path(one), engine),
            *scale(),
            *ten_domains(Path(ten), engine),
            *hundred_by_update(Path(many), engine),
        ]:
            table.add_row(*row)
    Console().print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
