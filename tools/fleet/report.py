"""The commands that only look: show, and check."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from checks.preflight import DEADLINE, DOMAINS, Plan, Preflight
from checks.shown import as_json, shown
from internet.view import View
from policy import UserError
from policy.names import typed_domain
from settings import engine, problems, stack
from settings.fleet import Fleet, Row
from settings.project import PROJECT, Project, config_of

WARNINGS, FAILURES = 1, 2
Add = Callable[[str, Callable[[argparse.Namespace], int], str], argparse.ArgumentParser]


def add_commands(add: Add) -> None:
    """Put them on the command line."""
    made = add("show", _show, "the rows, of all or of a customer or a shard")
    made.add_argument("names", nargs="*", metavar="DOMAIN")
    made.add_argument("--customer", metavar="TEXT")
    made.add_argument("--shard", type=int, metavar="N")
    made.add_argument("--json", action="store_true", help="as JSON, on stdout")
    made = add("check", _check, "everything that is wrong: the files, and what DNS says of each domain")
    made.add_argument("--no-dns", action="store_true", help="the files alone")
    made.add_argument("--resolver", metavar="IP[:PORT]", help="ask this one (MTA_STS_RESOLVER; default: the system's)")  # fmt: skip
    made.add_argument("--json", action="store_true", help="as JSON, on stdout")


def _console() -> Console:
    return Console(markup=False, emoji=False, highlight=False)


def _show(options: argparse.Namespace) -> int:
    project = Project()
    wanted = {typed_domain(name) for name in options.names}
    found = [
        row
        for row in project.fleet.rows
        if (not wanted or row.domain in wanted)
        and options.customer in (None, row.customer)
        and options.shard in (None, row.shard)
    ]
    if missing := sorted(wanted - {row.domain for row in project.fleet.rows}):
        raise UserError(f"{', '.join(missing)}: in none of {', '.join(project.files)}")
    if options.json:
        print(as_json([_data(row) for row in found]))
        return 0
    console = _console()
    _table(console, found, any(row.site for row in found))
    count = f"{len(found)} domain{'s' if len(found) != 1 else ''}"
    console.print(
        Text(f"{count} in {len({row.shard for row in found})} of {len(project.fleet.shards)} shards"), style="dim"
    )
    return 0


def _data(row: Row) -> dict[str, Any]:
    return {
        "domain": row.domain, "customer": row.customer, "mode": row.cells.get("mode", ""), "mx": list(row.mx),
        "maxAge": row.cells.get("maxAge", ""), "shard": row.shard, "site": row.site, "file": row.file, "line": row.line,
        "problems": list(row.problems),
    }  # fmt: skip


def _table(console: Console, found: list[Row], sites: bool) -> None:
    table = Table(box=box.SIMPLE, pad_edge=False)
    for name in ("domain", "customer", "mode", "maxAge", "mx", "shard", *(("site",) if sites else ()), "where"):
        table.add_column(name, justify="right" if name in ("maxAge", "shard", "site") else "left", overflow="fold")
    for row in found:
        mx = row.cells.get("preset") or " ".join(row.mx)
        cells = [row.domain or row.cells.get("domain", ""), row.customer, row.cells.get("mode", ""), row.cells.get("maxAge", ""), mx, row.shard or ""]  # fmt: skip
        where = f"{row.file}:{row.line}"
        cells = [*cells, *((row.site or "",) if sites else ()), where]
        table.add_row(*(Text(shown(cell)) for cell in cells), style="red" if row.problems else "")
    console.print(table)


@dataclass(frozen=True)
class Found:
    """What is wrong, a line each, with the file and the line that it concerns."""

    errors: list[str]
    warnings: list[str]
    good: int

    @property
    def code(self) -> int:
        """The exit code."""
        return FAILURES if self.errors else WARNINGS if self.warnings else 0


def _check(options: argparse.Namespace) -> int:
    project = Project()
    fleet = project.fleet
    if not fleet.rows and not fleet.problems:
        raise UserError(
            f"there is no row in {', '.join(project.files)}; python -m tools.fleet add writes the first"
        )
    found = look(project, fleet, None if options.no_dns else View.from_environment().through(options.resolver))
    if options.json:
        print(
            as_json(
                {"errors": found.errors, "warnings": found.warnings, "rows": len(fleet.rows), "good": found.good}
            )
        )
        return found.code
    console = _console()
    for lines, style in ((found.warnings, "yellow"), (found.errors, "bold red")):
        for line in lines:
            console.print(Text(shown(line), style), soft_wrap=not console.is_terminal)
    without = [number for number in fleet.shards if number not in project.stacks]
    if without:
        console.print(Text(f"without a stack yet: shard {', '.join(map(str, without))}"))
    what = "files alone" if options.no_dns else "files and DNS"
    console.print(
        Text(f"{found.good} of {len(fleet.rows)} rows in {len(fleet.shards)} shards are in order ({what})")
    )
    return found.code


def look(project: Project, fleet: Fleet, view: View | None) -> Found:
    """Everything that is wrong; rows that are right are looked at whatever others say.

    :param view: how DNS is asked; None to leave it alone.
    """
    errors = [*problems.of(project, fleet), *_stacks(project)]
    made = {row.domain: (row, settings) for row in fleet.rows if (settings := problems.made(project, row))}
    warnings: list[str] = []
    if view and made:
        plans = [Plan(settings.domains[0], settings) for _, settings in made.values()]
        deadline = DEADLINE * max(1, len(plans) / DOMAINS)
        told, refused = Preflight(plans, view, deadline).finish(dict.fromkeys(made, _Nowhere()))
        warnings = [_placed(line, made) for line in told]
        errors += [_placed(line, made) for line in refused]
    errors = list(dict.fromkeys(errors))
    bad = {line.partition(": ")[0] for line in errors}
    return Found(errors, warnings, sum(row.key not in bad for row in fleet.rows))


class _Nowhere:
    """A place as the preflight has it, for rows whose zone isn't asked for."""

    zone = ""
    name_servers: tuple[str, ...] = ()


def _placed(line: str, made: dict[str, Any]) -> str:
    """A finding of a domain with its row before it."""
    domain = line.partition(": ")[0]
    return f"{made[domain][0].key}: {line}" if domain in made else line


def _stacks(project: Project) -> list[str]:
    """What each stack's preview would refuse, beside its rows."""
    found: list[str] = []
    whole = project.folder / "Pulumi.yaml"
    usual = (config_of(whole).get("azure-native:location") or {}).get("value") if whole.exists() else None
    for each in project.stacks.values():
        config = config_of(each.path)
        given = engine.FileConfig(PROJECT, config)
        location = config.get("azure-native:location") or usual
        try:
            stack.load(
                given, given.keys, None if location is None else str(location), each.path.name.split(".")[1],
                [name.partition(":")[2] for name in config if name.startswith("azure-native:")], given.encrypted,
                project.folder,
            )  # fmt: skip
        except UserError as error:
            own = [line for line in str(error).splitlines() if line.startswith(("mta-sts:", "azure-native:"))]
            found += [f"{each.path.name}: {line}" for line in own]
    return found
