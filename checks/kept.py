"""`python -m checks history`: what a history holds, for people and for spreadsheets."""

import argparse
import csv
import io
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from rich.table import Table

from checks import history, show
from checks.history import History
from checks.shown import shown

COLUMNS = ("domain", "sender", "verified", "day", "successful", "failed", "refusing", "fetching", "mx", "result", "sessions", "refused")  # fmt: skip
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # owasp.org/www-community/attacks/CSV_Injection


def add_parser(commands: Any) -> None:
    """The command line's part."""
    help_ = "what a history of reports holds"
    made: argparse.ArgumentParser = commands.add_parser("history", help=help_, description=help_)
    made.set_defaults(run=run)
    made.add_argument(
        "what", choices=["show", "export"], help="its domains, days and sources; or every day's counts, as CSV"
    )
    made.add_argument("--history", required=True, metavar="FILE", help="or azblob://CONTAINER/PATH")
    made.add_argument("--csv", default="-", metavar="FILE", help="where to export to (default: stdout)")
    made.add_argument("--json", action="store_true", help="show it as JSON")
    made.add_argument("--debug", action="store_true", help="after an unexpected error, show where it came from")


def run(options: argparse.Namespace) -> int:
    """`history show` and `history export`."""
    with history.open(options.history, read_only=True) as kept:
        if options.what == "show":
            _show(kept, options.json)
        elif options.csv == "-":
            show.console().file.write(exported(kept))
        else:
            show.write(Path(options.csv), exported(kept))
    return 0


def exported(kept: History) -> str:
    """CSV (RFC 4180): of each day of a sender of a domain a line with its sessions, then one for each mail server and
    result that failed."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows(_lines(kept))
    return text.getvalue()


def _lines(kept: History) -> Iterator[tuple[object, ...]]:
    for name, who, when, day in kept.days():
        first = _cell(name), _cell(who.name), "yes" if who.verified else "no", when
        yield *first, day.good, day.bad, int(day.refusing), int(day.fetching), "", "", "", ""
        for (mx, result), sessions in sorted(day.failures.items()):
            yield *first, "", "", "", "", _cell(mx), _cell(result), sessions, day.refused[mx, result]


def _cell(text: str) -> str:
    """Strangers' text, that no spreadsheet takes for a formula."""
    return f"'{shown(text)}" if text.startswith(FORMULA) else shown(text)


def _show(kept: History, as_json: bool) -> None:
    tally = kept.tally()
    days = sorted({when for domain in tally.domains.values() for when in domain.days})
    console = show.console()
    if as_json:
        domains = {name: _summary(domain.days, len(domain.senders), domain.good, domain.bad) for name, domain in sorted(tally.domains.items())}  # fmt: skip
        found = {"reports": tally.reports, "keepDays": kept.keep_days, "sources": kept.sources, "domains": domains}
        show.as_json(found, console)
        return
    console.print(f"{tally.reports} reports of {len(days)} days{f', {days[0]} to {days[-1]}' if days else ''}; kept for {kept.keep_days} days")  # fmt: skip
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for title in ("domain", "days", "first", "last", "senders", "successful", "failed"):
        table.add_column(title, overflow="fold")
    for name, domain in sorted(tally.domains.items()):
        own = domain.days
        table.add_row(
            shown(name), *map(str, (len(own), min(own), max(own), len(domain.senders), domain.good, domain.bad))
        )
    if tally.domains:
        console.print(table)
    for source in kept.sources:
        console.print(f"read from {shown(source)}")


def _summary(days: dict[date, Any], senders: int, good: int, bad: int) -> dict[str, Any]:
    return {"days": len(days), "first": str(min(days)), "last": str(max(days)), "senders": senders, "successful": good, "failed": bad}  # fmt: skip
