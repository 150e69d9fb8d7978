"""`python -m tools.fleet plan --domains N`: what each kind of hosting needs and costs, and which is recommended."""

from dataclasses import asdict
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from settings import cost


def as_data(domains: int, fetches: int) -> dict[str, Any]:
    """The plan, for `--json`."""
    found = cost.engines(domains, fetches)
    return {
        "domains": domains,
        "recommended": cost.recommended(found).name,
        "engines": [{**asdict(engine), "money": round(engine.money, 2)} for engine in found],
        "assumed": {"fetchesADayAndDomain": fetches, "kilobytesAFetch": cost.KILOBYTES},
        "prices": {"asOf": cost.AS_OF, "currency": "USD", "sources": list(cost.SOURCES)},
    }


def show(console: Console, domains: int, fetches: int) -> None:
    """The plan, as a table."""
    found = cost.engines(domains, fetches)
    best = cost.recommended(found)
    table = Table(
        box=box.SIMPLE,
        title=f"{domains} domain{'s' if domains > 1 else ''}",
        title_justify="left",
        title_style="bold",
    )
    table.add_column("hosting")
    for name in ("stacks", "apps", "profiles", "storage", "$ a month"):
        table.add_column(name, justify="right")
    table.add_column("")
    for engine in found:
        counts = (engine.stacks, engine.apps, engine.profiles, engine.storage_accounts)
        note = "recommended" if engine == best else engine.why_not
        table.add_row(
            engine.name, *(str(count or "-") for count in counts), f"{engine.money:.0f}", note,
            style="bold green" if engine == best else "dim" if engine.why_not else "",
        )  # fmt: skip
    console.print(table)
    console.print(
        f"List prices of {cost.AS_OF} in US dollars ({', '.join(cost.SOURCES)}). Front Door's traffic is an estimate: "
        f"{fetches} fetches a day and domain (--fetches) of {cost.KILOBYTES} KB. An app serves one policy: with several "
        "policies, count the apps for each by itself.",
        style="dim",
    )
