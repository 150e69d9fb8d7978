"""A fleet's files: CSV (RFC 4180), a row a domain, read as far as every stack has to know it.

Nothing here knows what a stack says beside the rows; `settings/fleet.py` makes policies of them.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from policy import UserError
from settings.operators import PRESETS
from settings.policies import LAST_SITE, read_number
from settings.reader import Reader, shown

KEY = "mta-sts:fleet"
COLUMNS = ("domain", "customer", "mx", "preset", "mode", "maxAge", "dns", "tlsReports", "delegateTo", "adoptTlsReports", "shard", "site")  # fmt: skip
NEEDED = ("domain", "mode")
LAST_SHARD = 9_999
LARGEST = 16 * 1024 * 1024  # bytes of a file
PACK = "python -m tools.fleet pack"
FORMULA = "=+-@"  # what a spreadsheet begins a formula with


@dataclass(frozen=True)
class Row:
    """One domain as its row has it.

    :param file, line: where it stands; the line is its first, from 1.
    :param cells: by column, without blanks around them.
    :param domain: in A-labels; "" where it is none.
    :param customer: "" where none is named.
    :param shard, site: None where they aren't written down yet.
    :param problems: what is wrong with the cells above.
    """

    file: str
    line: int
    cells: Mapping[str, str]
    domain: str
    customer: str
    shard: int | None
    site: int | None
    problems: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Where it stands, for messages."""
        return f"{self.file} line {self.line}"

    @property
    def mx(self) -> tuple[str, ...]:
        """The patterns of its preset, and its own."""
        preset = PRESETS.get(self.cells.get("preset", ""))
        return (*(preset.mx if preset else ()), *listed(self.cells.get("mx", "")))


@dataclass(frozen=True)
class Fleet:
    """All rows of a fleet's files.

    :param problems: those that concern a file as a whole, or what stands in no shard: no stack goes on with them.
    """

    rows: tuple[Row, ...] = ()
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def shards(self) -> dict[int, list[Row]]:
        """Rows by shard, in order; without those that have none yet."""
        found: dict[int, list[Row]] = {}
        for row in self.rows:
            if row.shard is not None:
                found.setdefault(row.shard, []).append(row)
        return dict(sorted(found.items()))


def listed(text: str) -> list[str]:
    """What a cell with several values holds: blanks or semicolons are between them."""
    return [part for part in re.split(r"[\s;]+", text) if part]


def read_file(path: Path) -> Fleet:
    """One file.

    :raises UserError: it can't be read at all.
    """
    return _together([_file(path, path.name, "")])


def _file(path: Path, label: str, customer: str) -> Fleet:
    try:
        with path.open("rb") as file:
            return parse(file.read(LARGEST + 1), label, customer)
    except OSError as error:
        raise UserError(f"{label}: {error.strerror}; python -m tools.fleet add writes its first row") from None


def _together(found: Sequence[Fleet]) -> Fleet:
    rows = _told_twice([row for one in found for row in one.rows])
    problems = [problem for one in found for problem in one.problems]
    return Fleet(rows, tuple(problems), tuple(note for one in found for note in one.notes))


def parse(data: bytes, label: str, customer: str = "") -> Fleet:
    """What a file holds; whatever is wrong with it is told in what comes back.

    :param label: its name for messages.
    :param customer: whose all of its rows are; "" where each says so itself.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return Fleet(problems=(f"{label}: is no text in UTF-8; save it as `CSV UTF-8`",))
    if len(data) > LARGEST:
        return Fleet(problems=(f"{label}: is larger than {LARGEST // 1024 // 1024} MiB; is it the right file?",))
    rows: list[Row] = []
    problems: list[str] = []
    notes: list[str] = []
    head: list[str] = []
    for first, _, cells in records(text, lambda line, why: problems.append(f"{label} line {line}: {why}")):
        cells = [cell.strip() for cell in cells]
        if not any(cells):
            continue
        if not head:
            head = cells
            problems.extend(_head(head, f"{label} line {first}"))
            if problems:
                break
        else:
            row, told = _row(label, first, head, cells, customer)
            rows.append(row)
            notes += told
    if not head and not problems:
        problems.append(f"{label}: is empty; its first line is {','.join(COLUMNS)}")
    for row in rows:
        if row.shard is None:
            why = [problem for problem in row.problems if ": shard: " in problem]
            problems.extend(why or [f"{row.key}: shard: is missing; {PACK} writes it"])
    return Fleet(tuple(rows), tuple(problems), tuple(notes))


def records(text: str, wrong: Callable[[int, str], object]) -> Iterator[tuple[int, str, list[str]]]:
    """The records of a CSV text: the line that each begins in, from 1, its text as it stands there, and its cells.

    :param wrong: told the line and what is wrong there, where the text can't be read further.
    """
    lines: list[str] = []

    def kept() -> Iterator[str]:
        for line in io.StringIO(text, newline=""):
            lines.append(line)
            yield line

    reader = csv.reader(kept(), strict=True)
    at = 0
    try:
        for cells in reader:
            yield at + 1, "".join(lines[at:]), cells
            at = len(lines)
    except csv.Error as error:
        why = "a quote that is opened is never closed" if "unexpected end" in str(error) else str(error)
        wrong(at + 1, f"{why}; a cell with commas stands in quotes, and a quote in it is written twice")


def _head(head: Sequence[str], key: str) -> list[str]:
    """What is wrong with the first line."""
    if len(head) == 1 and (";" in head[0] or "\t" in head[0]):
        return [f"{key}: the columns must be divided by commas; save it as CSV (comma)"]
    unknown = [name for name in head if name not in COLUMNS]
    missing = [name for name in NEEDED if name not in head]
    twice = sorted({name for name in head if head.count(name) > 1})
    return [
        *(f"{key}: {shown(name)} is no column; the columns are {', '.join(COLUMNS)}" for name in unknown),
        *(f"{key}: the column {name} is missing" for name in missing),
        *(f"{key}: the column {name} stands there twice" for name in twice if name in COLUMNS),
    ]


class RowReader(Reader):
    """A reader whose keys are a row's columns: `fleet.csv line 12.mx[1]` is told as `fleet.csv line 12: mx: …`."""

    def __init__(self, key: str) -> None:
        super().__init__()
        self._key = key

    def problem(self, key: str, message: str) -> None:
        """See `Reader`."""
        column = key.removeprefix(self._key).removeprefix(".").partition("[")[0]
        super().problem(f"{self._key}: {column}" if column else self._key, message.removeprefix(f"{column} "))


def _row(
    label: str, line: int, head: Sequence[str], cells: Sequence[str], customer: str
) -> tuple[Row, tuple[str, ...]]:
    """A row, and notes of names that were converted."""
    key = f"{label} line {line}"
    reader = RowReader(key)
    by_name = dict(zip(head, cells, strict=False))
    if any(cells[len(head) :]):
        reader.problem(
            key, f"has {len(cells)} cells, but the first line {len(head)}; a cell with commas stands in quotes"
        )
    domain = reader.domain_name(by_name.get("domain", ""), f"{key}.domain")
    whose = by_name.get("customer", "")
    if customer and whose not in ("", customer):
        reader.problem(f"{key}.customer", f"{shown(whose)} in the file of {customer}; leave it blank")
    if whose.startswith(tuple(FORMULA)) or not whose.isprintable() or len(whose) > 100:
        reader.problem(
            f"{key}.customer", f"{shown(whose)} must be up to 100 letters, and begin with none of {FORMULA}"
        )
    numbers = {
        name: read_number(reader, as_number(by_name[name]), f"{key}.{name}", last)
        for name, last in (("shard", LAST_SHARD), ("site", LAST_SITE))
        if by_name.get(name)
    }
    shard, site = numbers.get("shard"), numbers.get("site")
    row = Row(label, line, by_name, domain, customer or whose, shard, site, tuple(reader.problems))
    return row, tuple(reader.notes)


def as_number(text: str) -> int | str:
    return int(text) if re.fullmatch("[0-9]{1,10}", text) else text


def read_files(folder: Path, value: Any, customers: Mapping[str, str] | None = None) -> Fleet:
    """All of a fleet's files, in the order of their names.

    :param value: `mta-sts:fleet.file`: a name, a pattern such as `fleet/*.csv`, or a list of them.
    :param customers: by file, whose all of its rows are.
    :raises UserError: a file is missing.
    """
    customers = customers or {}
    paths = files(folder, value)
    if other := [name for name in customers if name not in paths]:
        raise UserError(f"{KEY}.customers: {shown(other[0])} is none of the fleet's files: {', '.join(paths)}")
    return _together([_file(path, name, customers.get(name, "")) for name, path in paths.items()])


def read_texts(texts: Mapping[str, bytes], customers: Mapping[str, str]) -> Fleet:
    """The same of files that aren't written yet, by their names."""
    return _together([parse(data, name, customers.get(name, "")) for name, data in texts.items()])


def files(folder: Path, value: Any) -> dict[str, Path]:
    """The fleet's files, by their names.

    :raises UserError: one is missing, or the value is none.
    """
    names = cast(list[Any], value) if isinstance(value, list) else [value]
    found: dict[str, Path] = {}
    for name in names:
        if not isinstance(name, str) or not name or "\0" in name:
            raise UserError(
                f"{shown(name)} must be a file such as fleet.csv, a pattern such as fleet/*.csv, or a list of them"
            )
        pattern = any(sign in name for sign in "*?[")
        paths = sorted(folder.glob(name)) if pattern and not Path(name).is_absolute() else [folder / name]
        if not all(path.is_file() for path in paths) or not paths:
            raise UserError(
                f"{shown(name)} is no file in {folder.resolve()}; python -m tools.fleet add writes the first row"
            )
        found |= {path.relative_to(folder).as_posix() if pattern else name: path for path in paths}
    return found


def _told_twice(rows: Sequence[Row]) -> tuple[Row, ...]:
    """The rows, with a problem in each whose domain another has, too."""
    first: dict[str, Row] = {}
    others: dict[str, list[Row]] = {}
    for row in rows:
        if row.domain in first:
            others.setdefault(row.domain, [first[row.domain]]).append(row)
        elif row.domain:
            first[row.domain] = row
    return tuple(_also(row, others.get(row.domain, ())) for row in rows)


def _also(row: Row, all_of_it: Sequence[Row]) -> Row:
    if not all_of_it:
        return row
    where = ", ".join(each.key for each in all_of_it if each is not row)
    told = f"{row.key}: domain: {row.domain} stands in {where}, too; once is enough"
    return Row(row.file, row.line, row.cells, row.domain, row.customer, row.shard, row.site, (*row.problems, told))
