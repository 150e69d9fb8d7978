"""The commands that change a fleet's files: add, import, set, remove, pack, export."""

import argparse
import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import Any, cast

from rich.console import Console
from rich.progress import Progress

from checks.since import at_commit
from internet.view import View
from policy import Mode, MxPattern, UserError
from policy.names import typed_domain
from settings import problems, rows
from settings.fleet import COLUMNS, Row
from settings.operators import PRESETS
from settings.policies import Hosting
from settings.project import Project
from settings.reader import Reader
from tools.fleet import sites
from tools.fleet.assign import Assignment
from tools.fleet.change import Change
from tools.setup import names, plan, tell
from tools.setup.look import Seen, look_at

LEFT_OUT = 1  # the exit code where some of what was wanted can't be
ANYWAY = "--though-senders-may-remember"
Add = Callable[[str, Callable[[argparse.Namespace], int], str], argparse.ArgumentParser]
# Options that fill a column, and what they say.
CELLS = {
    "mx": "mail servers, blanks between them (what DNS has)",
    "preset": f"the mail servers of {' or '.join(PRESETS)}",
    "mode": "testing, enforce or none (testing)",
    "maxAge": "seconds that senders may remember the policy",
    "dns": "an entry of mta-sts:fleet.dns (mta-sts:dns)",
    "tlsReports": "mailto: or https: URIs, blanks between them",
}


def add_commands(add: Add) -> None:
    """Put them on the command line."""

    def command(name: str, run: Callable[[argparse.Namespace], int], says: str) -> argparse.ArgumentParser:
        made = add(name, run, says)
        made.add_argument("--file", default="", metavar="FILE", help="one of the fleet's files, where there are several")  # fmt: skip
        made.add_argument("--yes", action="store_true", help="write without asking")
        return made

    def cells(made: argparse.ArgumentParser, *further: str) -> None:
        for column in (*CELLS, *further):
            kind = _number if column in ("shard", "site") else str
            made.add_argument(_option(column), dest=column, metavar="TEXT", type=kind, help=CELLS.get(column))

    def look(made: argparse.ArgumentParser) -> None:
        made.add_argument("--resolver", metavar="IP[:PORT]", help="ask this one (MTA_STS_RESOLVER; default: the system's)")  # fmt: skip
        made.add_argument("--smtp-port", type=int, default=25, metavar="PORT", help="of the mail servers (25)")

    made = command("add", _add, "rows for new domains, in the lowest shard with room")
    made.add_argument("names", nargs="+", metavar="DOMAIN")
    cells(made, "customer", "shard", "site")
    look(made)
    made = command("import", _import, "rows for the domains of a CSV file or of Microsoft 365, as DNS has them")
    made.add_argument("csv", nargs="?", type=Path, metavar="FILE.csv", help="with a column domain, and any of a fleet file's")  # fmt: skip
    made.add_argument("--microsoft365", action="store_true", help="all domains that Microsoft 365 takes mail for")
    cells(made, "customer")
    look(made)
    made = command("set", _set, "other values in the rows of domains")
    made.add_argument("names", nargs="*", metavar="DOMAIN")
    made.add_argument("--customer", metavar="TEXT", help="all domains of this customer")
    cells(made)
    made = command("remove", _remove, "take domains out, once no sender remembers their policy")
    made.add_argument("names", nargs="+", metavar="DOMAIN")
    made.add_argument(ANYWAY, action="store_true", dest="anyway", help="in whatever mode they are; mail may be lost")  # fmt: skip
    command("pack", _pack, "write down the shards and sites that are still blank, in policies too")
    made = command("export", _export, "move a customer's rows to a file of their own")
    made.add_argument("--customer", required=True, metavar="TEXT")
    made.add_argument("to", metavar="FILE")


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number from 1")
    return int(text)


def _option(column: str) -> str:
    return "--" + "".join(f"-{sign.lower()}" if sign.isupper() else sign for sign in column)


def _change(options: argparse.Namespace) -> Change:
    console = Console(markup=False, emoji=False, highlight=False)
    return Change(Project(only=options.file), console, options.yes)


def _given(options: argparse.Namespace, columns: Iterable[str]) -> dict[str, str]:
    """The cells that options name."""
    found = {column: getattr(options, column, None) for column in columns}
    return {column: str(value).strip() for column, value in found.items() if value is not None}


def _add(options: argparse.Namespace) -> int:
    change = _change(options)
    given = _given(options, COLUMNS)
    wanted = [{"domain": name, **given} for name in names.parsed(options.names)]
    for values in wanted:
        _refuse_twice(change.project, values["domain"])
    if not {"mx", "preset"} & set(given) and given.get("mode") != Mode.NONE:
        seen = _look(options, change, [values["domain"] for values in wanted])
        if wrong := [line for each in seen for line in _wrong(each)]:
            raise UserError("\n".join(wrong))
        wanted = [_as_seen(values, each) for values, each in zip(wanted, seen, strict=True)]
    place = _Places(change)
    for values in wanted:
        place.add(values)
    return change.finish()


def _refuse_twice(project: Project, domain: str) -> None:
    if found := next((row for row in project.fleet.rows if row.domain == domain), None):
        raise UserError(f"{domain} stands in {found.key} already; python -m tools.fleet set changes it")


def _look(options: argparse.Namespace, change: Change, wanted: Sequence[str]) -> list[Seen]:
    """What DNS says of domains, told as it is found."""
    view = View.from_environment().through(options.resolver)
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("looking at DNS and mail servers", total=len(wanted))
        seen = look_at(wanted, view, options.smtp_port, partial(progress.advance, task))
    for line in tell.found([each for each in seen if not each.wrong]):
        change.say(line)
    return seen


def _wrong(seen: Seen) -> list[str]:
    """Why a domain can't be added, a line each."""
    return [seen.wrong] if seen.wrong else [f"{seen.name}: {text}" for text in seen.mend]


def _as_seen(values: Mapping[str, str], seen: Seen) -> dict[str, str]:
    """A row's cells, completed by what DNS says: the mail servers, and the policy that is served now."""
    found = dict(values)
    served = seen.policy if seen.policy and seen.policy.mode != Mode.NONE else None
    if not found.get("mx") and not found.get("preset"):
        patterns = set(plan.mx_of(seen.mx, seen.name)) | {str(mx) for mx in (served.mx if served else ())}
        preset = next(
            (name for name, each in PRESETS.items() if all(_allowed(mx, each.mx) for mx in patterns)), ""
        )
        found |= {"preset": preset} if preset else {"mx": " ".join(sorted(patterns))}
    if served and not found.get("mode"):
        found |= {"mode": served.mode, "maxAge": found.get("maxAge") or str(served.max_age)}
    if seen.report_to and found.get("tlsReports"):
        found["adoptTlsReports"] = "true"
    return found


def _allowed(pattern: str, by: Iterable[str]) -> bool:
    """Whether one of some patterns allows all that this one does."""
    return pattern in by or (
        not pattern.startswith("*.") and any(MxPattern.parse(one).matches(pattern) for one in by)
    )


class _Places:
    """Gives new rows their shard and site, in their file."""

    def __init__(self, change: Change) -> None:
        self._change, self._project = change, change.project
        self._assignment = Assignment(self._project, _taken(self._project))
        for row in self._project.fleet.rows:
            if row.shard is not None and not _lacks(self._project, row):
                self._assignment.put(row.shard, row.site, problems.kind_of(self._project, row))

    def add(self, values: Mapping[str, str]) -> None:
        """A new row.

        :raises UserError: it can't work.
        """
        customer = values.get("customer", "")
        file = self._file(customer)
        own = self._project.customers.get(file, "")
        cells = {**values, "mode": values.get("mode") or Mode.TESTING}
        row = _as_row(cells, own)
        cells |= self.of(row)
        if own:
            cells.pop("customer", None)
        _check(self._project, _as_row(cells, own))
        self._change.file(file).add({column: cells[column] for column in COLUMNS if cells.get(column)})

    def of(self, row: Row) -> dict[str, str]:
        """The shard and the site that a row lacks.

        :raises UserError: there is no room.
        """
        shard = row.shard or self._assignment.shard()
        kind = problems.kind_of(self._project, row)
        place = self._project.place(shard)
        site = row.site
        if site is None and kind is not None and place.hosted.on(Hosting.STATIC_WEB_APP):
            site = self._assignment.site(shard, kind)
        self._assignment.put(shard, site, kind)
        lacks = {"shard": shard if row.shard is None else None, "site": site if row.site is None else None}
        return {column: str(number) for column, number in lacks.items() if number is not None}

    def _file(self, customer: str) -> str:
        """Where a customer's new rows go."""
        if self._project.only:
            return self._project.only
        found = [name for name, whose in self._project.customers.items() if customer and whose == customer]
        if not found:
            found = [name for name in self._project.files if name not in self._project.customers]
        if len(found) != 1:
            raise UserError(f"the fleet has the files {', '.join(self._project.files)}; choose one: --file")
        return found[0]


def _lacks(project: Project, row: Row) -> bool:
    """Whether a row's shard, or the site that it needs there, isn't written down."""
    return row.shard is None or (row.site is None and project.place(row.shard).hosted.on(Hosting.STATIC_WEB_APP))


def _taken(project: Project) -> dict[int, list[int]]:
    """Sites that the last commit has: one that is given up now is nobody else's in the same `up`."""
    found: dict[int, list[int]] = {}
    for row in _committed(project):
        if row.shard is not None and row.site is not None:
            found.setdefault(row.shard, []).append(row.site)
    return found


def _committed(project: Project) -> Iterator[Row]:
    """The rows of the last commit; none where there is no repository."""
    for name, path in project.files.items():
        before = at_commit(path.parent, path.name) if path.parent.is_dir() else None
        yield from rows.parse((before or "").encode(), name).rows


def _as_row(cells: Mapping[str, str], customer: str) -> Row:
    """Cells as a row reads them, to be told by their domain."""
    shard, site = (int(text) if (text := cells.get(name, "")).isdecimal() else None for name in ("shard", "site"))
    return Row(cells["domain"], 0, cells, cells["domain"], customer or cells.get("customer", ""), shard, site)


def _check(project: Project, row: Row) -> None:
    """:raises UserError: the row can't work."""
    out = Reader()
    if problems.made(project, row, out) is None:
        raise UserError(
            "\n".join(problem.replace(f"{row.key}: ", f"{row.domain}: ", 1) for problem in out.problems)
        )


def _import(options: argparse.Namespace) -> int:
    change = _change(options)
    if bool(options.csv) == bool(options.microsoft365):
        raise UserError("import what? A file: python -m tools.fleet import FILE.csv; or --microsoft365")
    given = _given(options, COLUMNS)
    if options.csv:
        wanted, bad = _of_csv(options.csv)
    else:
        wanted, bad = [{"domain": name} for name in names.parsed(names.accepted())], list[str]()
    there = {row.domain for row in change.project.fleet.rows}
    new = {values["domain"]: {**values, **given} for values in wanted if values["domain"] not in there}
    if known := [values["domain"] for values in wanted if values["domain"] in there]:
        change.say(f"there already, and left as they are: {', '.join(known)}")
    seen = _look(options, change, list(new)) if new else []
    place = _Places(change)
    for each in seen:
        told = _wrong(each)
        if not told:
            try:
                place.add(_as_seen(new[each.name], each))
            except UserError as error:
                told = str(error).splitlines()
        for note in each.notes:
            change.say(f"note: {note}", "yellow")
        bad += told
    for line in bad:
        change.say(f"left out: {line}", "bold red")
    return change.finish() or (LEFT_OUT if bad else 0)


def _of_csv(path: Path) -> tuple[list[dict[str, str]], list[str]]:
    """The rows of a CSV file by the columns of a fleet's file, and what is no domain there.

    :raises UserError: it can't be read, or has no domain in it.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline()
            file.seek(0)
            reader = csv.reader(file, delimiter=";" if ";" in first and "," not in first else ",")
            read = [(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]
    except (OSError, UnicodeError, csv.Error) as error:
        raise UserError(f"{path}: {getattr(error, 'strerror', None) or error}") from None
    known = {column.lower(): column for column in COLUMNS}
    head = [cell.strip().lower() for cell in read[0][1]] if read else []
    domain = next((head.index(name) for name in names.COLUMNS if name in head), None)
    columns = {at: known[name] for at, name in enumerate(head) if name in known and at != domain}
    found: dict[str, dict[str, str]] = {}
    bad: list[str] = []
    for line, cells in read[domain is not None :]:
        text = cells[domain or 0].strip() if len(cells) > (domain or 0) else ""
        if not text:
            continue
        try:
            name = typed_domain(text)
        except UserError as error:
            bad.append(f"{path.name} line {line}: {error}")
            continue
        values = {columns[at]: cell.strip() for at, cell in enumerate(cells) if at in columns and cell.strip()} if domain is not None else {}  # fmt: skip
        values = {column: value for column, value in values.items() if column not in ("shard", "site")}
        found.setdefault(name, {"domain": name, **values})
    if not found and not bad:
        raise UserError(f"{path}: there is no domain in it")
    return list(found.values()), bad


def _set(options: argparse.Namespace) -> int:
    change = _change(options)
    values = _given(options, CELLS)
    if not values:
        raise UserError(f"set what? {', '.join(map(_option, CELLS))}")
    wanted = names.parsed(options.names)
    if options.customer:
        wanted += [row.domain for row in change.project.fleet.rows if row.customer == options.customer]
    if not wanted:
        whose = f": no row has the customer {options.customer}" if options.customer else ", or --customer"
        raise UserError(f"name a domain{whose}")
    if values.get("mode") == Mode.NONE:
        values.setdefault("maxAge", "")  # the usual one of a policy that leaves
    for domain in dict.fromkeys(wanted):
        row = change.project.row_of(domain)
        changed = {name: value for name, value in values.items() if row.cells.get(name, "") != value}
        if changed:
            change.file(row.file).change(row.line, changed)
    return change.finish()


def _remove(options: argparse.Namespace) -> int:
    change = _change(options)
    found = [change.project.row_of(domain) for domain in names.parsed(options.names)]
    there = {row.domain for row in found}
    stuck = [row for row in found if row.cells.get("mode") != Mode.NONE]
    if stuck and not options.anyway:
        what = ", ".join(f"{row.domain} ({row.cells.get('mode')})" for row in stuck)
        raise UserError(
            f"{what}: senders may remember the policy. First: python -m tools.fleet set {' '.join(row.domain for row in stuck)} --mode none; "
            f"then pulumi up, wait until heldUntil (pulumi stack output domains), and remove. {ANYWAY} is for what was never up"
        )
    before = {row.domain: row.cells.get("mode") for row in _committed(change.project)}
    early = [row.domain for row in found if before.get(row.domain, Mode.NONE) != Mode.NONE]
    if early and not options.anyway:
        raise UserError(
            f"{', '.join(early)}: mode none isn't committed yet, so it can't have been up; commit, pulumi up, wait until "
            f"heldUntil (pulumi stack output domains), and remove then. {ANYWAY} is for what was never up"
        )
    for row in change.project.fleet.rows:
        target = row.cells.get("delegateTo", "").lower()
        if target in there and row.domain not in there:
            raise UserError(
                f"{row.key}: delegateTo: {row.domain} is delegated to {target}; remove or change that first"
            )
    for row in found:
        change.file(row.file).remove(row.line)
    return change.finish()


def _pack(options: argparse.Namespace) -> int:
    change = _change(options)
    place = _Places(change)
    for row in change.project.fleet.rows:
        if _lacks(change.project, row):
            if row.problems:
                change.say(f"left as it is: {row.problems[0]}", "bold red")
            elif values := place.of(row):
                change.file(row.file).change(row.line, values)
    for path in sorted(change.project.folder.glob("Pulumi.*.yaml")):
        after = sites.packed(path)
        if after is not None:
            change.other(path, after)
    return change.finish()


def _export(options: argparse.Namespace) -> int:
    change = _change(options)
    project, to = change.project, Path(options.to).as_posix()
    found = [row for row in project.fleet.rows if row.customer == options.customer and row.file != to]
    if not found:
        raise UserError(
            f"no row has the customer {options.customer}; python -m tools.fleet show lists what there is"
        )
    for stack in project.stacks.values():
        given = stack.given.get("file")
        named = cast(list[Any], given) if isinstance(given, list) else [given]
        if not any(isinstance(name, str) and fnmatchcase(to, name) for name in named):
            both = ", ".join(map(str, [*named, to]))
            raise UserError(f"{stack.path.name}: mta-sts:fleet.file doesn't name {to}, so these domains would go; write there: file: [{both}]")  # fmt: skip
    for row in found:
        change.file(row.file).remove(row.line)
        change.file(to).add({column: value for column, value in row.cells.items() if value})
    code = change.finish()
    change.say(f"To keep other customers' names out of it: mta-sts:fleet.customers: {{{to}: {options.customer}}}")
    return code
