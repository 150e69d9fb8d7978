"""A fleet's file as text: single rows added, changed and removed, all others byte for byte as they are."""

import csv
import io
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from policy import UserError
from settings.rows import COLUMNS, records

BOM = "\ufeff"


class CsvText:
    """One file. Lines are counted as they stood when it was read.

    :param label: its name for messages.
    :raises UserError: it can't be read, so no row can be told from another.
    """

    def __init__(self, path: Path, label: str) -> None:
        self.path, self.label = path, label
        try:
            self.before = path.read_bytes().decode() if path.exists() else ""
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
        self._cells = {line: cells for line, _, cells in read}
        head = next((line for line, cells in self._cells.items() if any(cell.strip() for cell in cells)), None)
        self._head_line = 1 if head is None else head
        self.head: list[str] = (
            [cell.strip() for cell in self._cells[head]] if head is not None else [*map(str, COLUMNS)]
        )
        if head is None:
            self._texts = {1: self._line(self.head)}
        self._new: list[dict[str, str]] = []

    def change(self, line: int, values: Mapping[str, str]) -> None:
        """Set some cells of the row that begins in a line."""
        cells, old = self._cells[line], self._texts[line]
        self._need(values)
        cells += [""] * (max(map(self.head.index, values), default=-1) + 1 - len(cells))
        for column, value in values.items():
            cells[self.head.index(column)] = value
        self._texts[line] = self._line(cells) if old.endswith(("\n", "\r")) else self._line(cells).rstrip("\r\n")

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
        missing = [column for column, value in values.items() if value and column not in self.head]
        if missing:
            self.head += missing
            self._texts[self._head_line] = self._line(self.head)

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


def replace(path: Path, text: str) -> None:
    """Put a text in place whole; who may read the file stays as it is.

    :raises UserError: it can't be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        target = path.resolve()
        with tempfile.NamedTemporaryFile("wb", dir=target.parent, delete=False) as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        shutil.copymode(target, file.name) if target.exists() else os.chmod(file.name, 0o644)
        os.replace(file.name, target)
    except OSError as error:
        raise UserError(f"{path.name} can't be written: {error.strerror}") from None
