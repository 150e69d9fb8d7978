"""A fleet's file as text: rows added and removed, and single cells changed; all else byte for byte as it is."""

import csv
import io
import re
from collections.abc import Mapping
from pathlib import Path

from policy import UserError
from settings.rows import COLUMNS, records

BOM = "\ufeff"
CELL = re.compile(r'"(?:[^"]|"")*"|[^,\r\n]*')  # RFC 4180 2


class CsvText:
    """One file. Lines are counted as they stood when it was read.

    :param label: its name for messages.
    :param data: what it holds; where it isn't given, it is read.
    :raises UserError: it can't be read, so no row can be told from another.
    """

    def __init__(self, path: Path, label: str, data: bytes | None = None) -> None:
        self.path, self.label = path, label
        try:
            given = (path.read_bytes() if path.exists() else b"") if data is None else data
            self.before = given.decode()
        except OSError as error:
            raise UserError(f"{label}: {error.strerror}") from None
        except UnicodeDecodeError:
            raise UserError(f"{label}: is no text in UTF-8; save it as `CSV UTF-8`") from None
        text = self.before.removeprefix(BOM)
        self._bom = self.before[: len(self.before) - len(text)]
        self._eol = "\r\n" if "\r\n" in text else "\n"
        wrong: list[str] = []
        read = list(records(text, lambda line, why: wrong.append(f"{label} line {line}: {why}")))
        if wrong:
            raise UserError("\n".join(wrong))
        self._texts = {line: text for line, text, _ in read}
        head = next(((line, cells) for line, _, cells in read if any(cell.strip() for cell in cells)), None)
        self._head_line = head[0] if head else 1
        self.head: list[str] = [cell.strip() for cell in head[1]] if head else [*map(str, COLUMNS)]
        if not head:
            self._texts = {1: self._line(self.head)}
        self._new: list[dict[str, str]] = []

    def change(self, line: int, values: Mapping[str, str]) -> None:
        """Set some cells of the row that begins in a line."""
        self._need(values)
        for column, value in values.items():
            self._texts[line] = _with_cell(self._texts[line], self.head.index(column), value)

    def remove(self, line: int) -> str:
        """Take out the row that begins in a line.

        :returns: its text.
        """
        return self._texts.pop(line)

    def add(self, values: Mapping[str, str]) -> None:
        """A row at the end."""
        self._need(values)
        self._new.append(dict(values))

    def _need(self, values: Mapping[str, str]) -> None:
        """Add columns that are missing, to the right: a row may be shorter."""
        for column in [column for column, value in values.items() if value and column not in self.head]:
            self._texts[self._head_line] = _with_cell(self._texts[self._head_line], len(self.head), column)
            self.head.append(column)

    def _line(self, cells: list[str]) -> str:
        out = io.StringIO()
        csv.writer(out, lineterminator=self._eol).writerow(cells)
        return out.getvalue()

    @property
    def after(self) -> str:
        """The whole text as it is to be."""
        text = "".join(self._texts[line] for line in sorted(self._texts))
        if self._new and not text.endswith(("\n", "\r")):
            text += self._eol
        rows = ([values.get(column, "") for column in self.head] for values in self._new)
        return self._bom + text + "".join(self._line(row) for row in rows)


def _with_cell(record: str, at: int, value: str) -> str:
    """A record's text with another value in one cell, quoted as it was; with more cells where it is too short."""
    text = record.rstrip("\r\n")
    cells = [(0, (CELL.match(text) or [""])[0])]
    while (end := cells[-1][0] + len(cells[-1][1])) < len(text):
        cells.append((end + 1, (CELL.match(text, end + 1) or [""])[0]))
    quoted = f'"{value.replace(chr(34), chr(34) * 2)}"'
    plain = quoted if re.search('[",\r\n]', value) else value
    if at >= len(cells):
        return f"{text}{',' * (at - len(cells) + 1)}{plain}{record[len(text) :]}"
    start, old = cells[at]
    kept = old.strip()
    if old.startswith('"'):
        new = quoted
    elif kept and plain == value:  # with the blanks around it
        new = old.replace(kept, value)
    else:
        new = plain
    return f"{text[:start]}{new}{record[start + len(old) :]}"
