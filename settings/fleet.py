"""The fleet file (a stand-in until the reader is merged)."""

import csv
from dataclasses import dataclass
from pathlib import Path

from policy import UserError


@dataclass(frozen=True)
class Row:
    domain: str
    customer: str
    shard: int
    mode: str
    line: int


@dataclass(frozen=True)
class Fleet:
    rows: tuple[Row, ...]

    @property
    def shards(self) -> dict[int, list[Row]]:
        found: dict[int, list[Row]] = {}
        for row in self.rows:
            found.setdefault(row.shard, []).append(row)
        return found


def read_file(path: Path) -> Fleet:
    try:
        with path.open(newline="") as file:
            return Fleet(
                tuple(
                    Row(each["domain"], each["customer"], int(each["shard"]), each["mode"], at)
                    for at, each in enumerate(csv.DictReader(file), 2)
                )
            )
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from None
