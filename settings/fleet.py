"""The fleet file (a stand-in until the reader is merged)."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from policy import UserError


@dataclass(frozen=True)
class Row:
    file: str
    line: int
    cells: Mapping[str, str]
    domain: str
    customer: str
    shard: int | None
    site: int | None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fleet:
    rows: tuple[Row, ...] = ()
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def shards(self) -> dict[int, list[Row]]:
        found: dict[int, list[Row]] = {}
        for row in self.rows:
            if row.shard is not None:
                found.setdefault(row.shard, []).append(row)
        return found


def read_files(folder: Path, value: Any, customers: Mapping[str, str] | None = None) -> Fleet:
    value = value[0] if isinstance(value, list) else value
    try:
        with (folder / value).open(newline="") as file:
            rows = [
                Row(value, at, each, each["domain"], each["customer"], int(each["shard"]), None)
                for at, each in enumerate(csv.DictReader(file), 2)
            ]
        problems = [
            (f"{row.file} line {row.line}: domain: ' ' must be a domain",) if not row.domain else ()
            for row in rows
        ]
        return Fleet(
            tuple(Row(**{**row.__dict__, "problems": told}) for row, told in zip(rows, problems, strict=True))
        )
    except OSError as error:
        raise UserError(f"{value}: {error.strerror}") from None
