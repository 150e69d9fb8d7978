"""What was reported so far, kept between runs: a day's counts, and which reports they came from; no mail, no report.

It is one SQLite file, or a blob that is one. `Tally` stays the one place of the rules: what is kept is loaded into one,
reports are counted there, and what changed is written, in one transaction with how far the sources have been read. So
an interrupted run neither loses a report nor counts it twice, and two runs may work at once.

    with history.open("reports.db") as kept:
        for report in reports:
            kept.add(report)
        kept.reached("imaps://reports@mail.example.org/INBOX", {"uid": 7})
        tally = kept.tally(asked=frozenset({"example.org"}))
"""

import json
import os
import sqlite3
import time
from collections import Counter, defaultdict
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import date, timedelta
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from checks.reading import Broken, Report
from checks.tally import OTHERS, Day, Tally, Who
from policy import UserError

KEEP_DAYS = 400
APPLICATION = 0x4D545354  # "MTST", in the file's header (sqlite.org/fileformat.html, application id)
VERSION = 1
BUSY = 60.0  # seconds for another run to finish its batch
BATCH = 50_000  # policies and failures that are counted at once
SAVE = 60.0  # seconds from one upload to the next
TABLES = """
CREATE TABLE days (id INTEGER PRIMARY KEY, domain, sender, verified INTEGER, day TEXT, good INTEGER, bad INTEGER,
                   refusing INTEGER, fetching INTEGER, UNIQUE (domain, sender, verified, day));
CREATE INDEX days_by_day ON days (day);
CREATE TABLE failures (of INTEGER, mx, result, sessions INTEGER, refused INTEGER,
                       PRIMARY KEY (of, mx, result)) WITHOUT ROWID;
CREATE TABLE reports (day TEXT, verified INTEGER, reports INTEGER, differing INTEGER, capped INTEGER,
                      PRIMARY KEY (day, verified)) WITHOUT ROWID;
CREATE TABLE seen (mark BLOB PRIMARY KEY, day TEXT) WITHOUT ROWID;
CREATE INDEX seen_by_day ON seen (day);
CREATE TABLE cursors (source TEXT PRIMARY KEY, cursor TEXT);
CREATE TABLE remembered (key TEXT PRIMARY KEY, value TEXT);
CREATE TABLE own (name TEXT PRIMARY KEY, value TEXT);
"""
COUNTS = ("reports", "differing", "capped")
RUN = ("repeated", "earlier", "future", "broken", "named", "odd")  # of this run alone, not kept
WRONG = {
    sqlite3.SQLITE_FULL: "the disk is full; what was kept before is whole",
    sqlite3.SQLITE_READONLY: "can't be written: it is read-only",
    sqlite3.SQLITE_CANTOPEN: "can't be opened; is its folder there, and may you write to it?",
    sqlite3.SQLITE_BUSY: f"another run has held it for {BUSY:.0f} s; try again",
    sqlite3.SQLITE_NOTADB: "is no history of reports, but some other file",
    sqlite3.SQLITE_CORRUPT: "is damaged; take it away, and the next run reads the mailbox anew",
}


class Remote(Protocol):
    """Where a history lies that isn't on this machine; the file is a copy of it (`checks/blob.py`)."""

    def upload(self) -> None:
        """Replace it by the copy.

        :raises ChangedError: somebody else has replaced it meanwhile.
        """
        ...

    def close(self) -> None:
        """Take the copy away."""
        ...


class ChangedError(UserError):
    """The history was changed elsewhere, since it was read: open it again, and count again what isn't kept."""


def open(
    where: str, keep_days: int | None = None, asked: frozenset[str] = frozenset(), read_only: bool = False
) -> "History":
    """A history, made where there is none.

    :param where: a file, or `azblob://container/path` (checks/blob.py).
    :param keep_days: how long days are kept from now on; None: as before, at first `KEEP_DAYS`.
    :param asked: domains that strangers' reports never crowd out, however many: from now on.
    :param read_only: it must be there, and isn't changed.
    :raises UserError: it can't be opened, is no history, or is one of a later version.
    """
    if where.startswith("azblob://"):
        from checks.blob import Blob

        blob = Blob(where)
        file = blob.download(missing=not read_only)
        return History(file, where, keep_days, asked, read_only, blob)
    return History(Path(where), where, keep_days, asked, read_only)


class History:
    """See the module's text. A context manager; what was added is kept when it ends.

    :param file: of SQLite.
    :param where: as it is called in messages.
    """

    def __init__(
        self,
        file: Path,
        where: str,
        keep_days: int | None = None,
        asked: frozenset[str] = frozenset(),
        read_only: bool = False,
        remote: Remote | None = None,
    ) -> None:
        self.where, self._remote = where, remote
        self._pending: list[Report | Broken] = []
        self._known: list[bytes] = []
        self._weight = 0
        self._tally: _Counting | None = None
        self._run = {name: getattr(Tally(), name) for name in RUN}
        self._version: int = 0
        self._saved, self._uploaded = time.monotonic(), 0
        with self._told():
            self._db = _connect(file, read_only)
            try:
                self._begin(keep_days, asked, read_only)
            except BaseException:
                self.close()
                raise

    def _begin(self, keep_days: int | None, asked: frozenset[str], read_only: bool) -> None:
        (application,), (version,) = (
            self._db.execute(f"PRAGMA {name}").fetchone() for name in ("application_id", "user_version")
        )
        empty = not self._db.execute("SELECT 1 FROM sqlite_master").fetchone()
        if application != APPLICATION and (read_only or application or version or not empty):
            raise UserError(f"{self.where} {WRONG[sqlite3.SQLITE_NOTADB]}")
        if version > VERSION:
            raise UserError(f"{self.where} was written by a later version of this program ({version}, this is {VERSION}); take that one")  # fmt: skip
        if read_only:
            self.asked, self.keep_days = asked, int(self._own("keep-days", KEEP_DAYS))
            return
        with self._transaction():
            if not self._db.execute("SELECT 1 FROM sqlite_master").fetchone():
                for statement in TABLES.split(";")[:-1]:
                    self._db.execute(statement)
                self._db.execute(f"PRAGMA application_id = {APPLICATION}")
                self._db.execute(f"PRAGMA user_version = {VERSION}")
            self.keep_days = int(keep_days or self._own("keep-days", KEEP_DAYS))
            self.asked = asked | frozenset(self._own("asked", []))
            if self.keep_days != self._own("keep-days", None):
                self._own_set("keep-days", self.keep_days)
            if self.asked != frozenset(self._own("asked", [])):
                self._own_set("asked", sorted(self.asked))
            self._prune()

    def __enter__(self) -> "History":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._flush()
            if error is None or isinstance(error, KeyboardInterrupt):
                self._save(now=True)
        finally:
            self.close()

    def close(self) -> None:
        """Let go of the file; what isn't kept yet is lost."""
        self._db.close()
        if self._remote:
            self._remote.close()

    def add(self, report: Report | Broken) -> None:
        """Count one in. It is kept at the latest when the history is closed."""
        self._pending.append(report)
        self._weight += 1
        if isinstance(report, Report):
            self._weight += sum(1 + len(part.failures) for part in report.policies)
        if self._weight >= BATCH:
            self._flush()  # without the cursor: read again, they are repeated

    def reached(self, source: str, cursor: Any, sure: bool = False) -> None:
        """Keep what was added, and how far the source has been read, in one transaction.

        :param cursor: JSON.
        :param sure: where the history is elsewhere, it is kept there too when this returns.
        """
        self._flush({source: cursor})
        if sure:
            self._save(now=True)

    def knows(self, id_: str) -> bool:
        """Whether a mail's reports are kept."""
        with self._told():
            return _fetched(id_) in _Kept(self._db)

    def know(self, id_: str) -> None:
        """A mail's reports were added: keep that with them."""
        self._known.append(_fetched(id_))

    def cursor(self, source: str) -> Any:
        """How far a source has been read; None for not at all."""
        with self._told():
            row = self._db.execute("SELECT cursor FROM cursors WHERE source = ?", (source,)).fetchone()
        return json.loads(row[0]) if row else None

    def remember(self, key: str, value: Any) -> None:
        """Keep a small thing beside the counts.

        :param value: JSON.
        """
        with self._told(), self._transaction():
            self._db.execute("INSERT OR REPLACE INTO remembered VALUES (?, ?)", (key, json.dumps(value)))

    def remembered(self, key: str) -> Any:
        """What was remembered last; None for nothing."""
        with self._told():
            row = self._db.execute("SELECT value FROM remembered WHERE key = ?", (key,)).fetchone()
        return json.loads(row[0]) if row else None

    def tally(
        self, since: date | None = None, asked: frozenset[str] = frozenset(), verified_only: bool = False
    ) -> Tally:
        """All that is kept, as if it were counted in one run.

        :param since, asked, verified_only: as `Tally` has them. `earlier` and `unverified` are the kept reports that
            are passed over. Repeated and broken ones, and those of days to come, are this run's alone.
        """
        self._flush()
        self._tally = None  # two at once would be twice the memory
        first = str(since) if since else ""
        tally = Tally(since, asked, verified_only)
        with self._told():
            for when, verified, *counts in self._db.execute("SELECT day, verified, reports, differing, capped FROM reports"):  # fmt: skip
                if when < first:
                    tally.earlier += counts[0]
                elif verified_only and not verified:
                    tally.unverified += counts[0]
                else:
                    for name, count in zip(COUNTS, counts, strict=True):
                        setattr(tally, name, getattr(tally, name) + count)
            for name, who, when, day in self.days():
                if str(when) >= first and (who.verified or not verified_only):
                    tally.restore(name, who, when, day)
            tally.full |= not asked and bool(self._own("full", False))
        for name in RUN:
            setattr(tally, name, getattr(tally, name) + self._run[name])
        return tally

    def days(self) -> Iterator[tuple[str, Who, date, Day]]:
        """Every day of a sender of a domain that is kept, in the order in which they were first told of."""
        rows = self._db.execute(
            "SELECT id, domain, sender, verified, day, good, bad, refusing, fetching, mx, result, sessions, refused "
            "FROM days LEFT JOIN failures ON of = id ORDER BY id"
        )
        last, found = None, None
        for (
            id_,
            name,
            sender,
            verified,
            when,
            good,
            bad,
            refusing,
            fetching,
            mx,
            result,
            sessions,
            refused,
        ) in rows:
            if id_ != last:
                if found:
                    yield found
                last, day = id_, Day(good, bad, bool(refusing), bool(fetching))
                found = _text(name), Who(_text(sender), bool(verified)), date.fromisoformat(when), day
            if sessions is not None and found:
                key = (_text(mx), _text(result))
                found[3].failures[key] = sessions
                if refused is not None:
                    found[3].refused[key] = refused
        if found:
            yield found

    @property
    def sources(self) -> list[str]:
        """What has been read so far, of what is read from where it was left."""
        with self._told():
            return [name for (name,) in self._db.execute("SELECT source FROM cursors ORDER BY source")]

    def _flush(self, cursors: dict[str, Any] | None = None) -> None:
        if self._pending or cursors:
            with self._told(), self._transaction():
                if self._pending:
                    self._count(self._pending)
                _Kept(self._db).keep(Tally().today, *self._known)
                for source, cursor in (cursors or {}).items():
                    self._db.execute("INSERT OR REPLACE INTO cursors VALUES (?, ?)", (source, json.dumps(cursor)))
            self._pending, self._known, self._weight = [], [], 0
        self._save()

    def _count(self, reports: Iterable[Report | Broken]) -> None:
        """By the rules of `Tally`; what changed is written."""
        version = int(self._db.execute("PRAGMA data_version").fetchone()[0])
        if self._tally is None or version != self._version:  # another run has written meanwhile
            self._tally, self._version = self._loaded(), version
        tally = self._tally
        try:
            tally.add(reports)
        except BaseException:
            self._tally = None
            raise
        for (when, verified), counts in tally.counts.items():
            self._db.execute(
                "INSERT INTO reports VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET reports = reports + "
                "excluded.reports, differing = differing + excluded.differing, capped = capped + excluded.capped",
                (str(when), verified, *(counts[name] for name in COUNTS)),
            )
        for name, who, when in tally.changed:
            self._write(name, who, when, tally.domains[name].senders[who][when])
        if tally.full and not self._own("full", False):
            self._own_set("full", True)
        tally.changed.clear()
        tally.counts.clear()
        self._run = {name: getattr(tally, name) for name in RUN}

    def _write(self, name: str, who: Who, when: date, day: Day) -> None:
        key = _stored(name), _stored(who.name), who.verified, str(when)
        values = day.good, day.bad, day.refusing, day.fetching
        (id_,) = self._db.execute(
            "INSERT INTO days (domain, sender, verified, day, good, bad, refusing, fetching) VALUES (?, ?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT DO UPDATE SET good = excluded.good, bad = excluded.bad, refusing = excluded.refusing, "
            "fetching = excluded.fetching RETURNING id",
            (*key, *values),
        ).fetchone()
        self._db.executemany(
            "INSERT OR REPLACE INTO failures VALUES (?, ?, ?, ?, ?)",
            [
                (id_, _stored(mx), _stored(result), sessions, day.refused.get((mx, result)))
                for (mx, result), sessions in day.failures.items()
            ],
        )

    def _loaded(self) -> "_Counting":
        tally = _Counting(since=self._first(), asked=self.asked, others=True, seen=_Kept(self._db))
        for name, who, when, day in self.days():
            tally.restore(name, who, when, day)
        tally.full |= bool(self._own("full", False))
        tally.changed.clear()
        for name in RUN:
            setattr(tally, name, self._run[name])
        return tally

    def _first(self) -> date:
        return Tally().today - timedelta(days=self.keep_days)

    def _prune(self) -> None:
        """Forget the days that are too long ago. Reports of these are passed over, so none of them counts again."""
        first = str(self._first())
        self._db.execute("DELETE FROM failures WHERE of IN (SELECT id FROM days WHERE day < ?)", (first,))
        for table in ("days", "reports", "seen"):
            self._db.execute(f"DELETE FROM {table} WHERE day < ?", (first,))
        crowded = "SELECT 1 FROM days WHERE domain = ? OR sender = ?"
        if self._own("full", False) and not self._db.execute(crowded, (OTHERS, OTHERS)).fetchone():
            self._own_set("full", False)

    def _own(self, name: str, default: Any) -> Any:
        row = self._db.execute("SELECT value FROM own WHERE name = ?", (name,)).fetchone()
        return json.loads(row[0]) if row else default

    def _own_set(self, name: str, value: Any) -> None:
        self._db.execute("INSERT OR REPLACE INTO own VALUES (?, ?)", (name, json.dumps(value)))

    def _save(self, now: bool = False) -> None:
        """Upload, where the file is a copy; a killed run then loses no more than a minute."""
        changes = self._db.total_changes
        if self._remote and changes > self._uploaded and (now or time.monotonic() - self._saved > SAVE):
            self._remote.upload()
            self._saved, self._uploaded = time.monotonic(), changes

    @contextmanager
    def _transaction(self) -> Generator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            self._tally = None
            with suppress(sqlite3.Error):  # a full disk has rolled it back
                self._db.execute("ROLLBACK")
            raise

    @contextmanager
    def _told(self) -> Generator[None]:
        """:raises UserError: SQLite's trouble, in one line."""
        try:
            yield
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the primary one
            raise UserError(f"{self.where} {WRONG.get(code, f'can not be used: {error}')}") from None


class _Counting(Tally):
    """Notes what changes, to be written.

    :ivar changed: the days.
    :ivar counts: `COUNTS` by day, and whether verified.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.changed: dict[tuple[str, Who, date], None] = {}  # in the order in which they were told of
        self.counts: dict[tuple[date, bool], Counter[str]] = defaultdict(Counter)

    def _report(self, report: Report) -> None:
        before = [getattr(self, name) for name in COUNTS]
        super()._report(report)
        more = {name: getattr(self, name) - was for name, was in zip(COUNTS, before, strict=True)}
        if any(more.values()):
            self.counts[report.day, bool(report.verified)].update(more)

    def _place(self, name: str, who: Who, when: date) -> tuple[str, Who]:
        placed = super()._place(name, who, when)
        self.changed[*placed, when] = None
        return placed


class _Kept:
    """Marks of reports, in the file."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __contains__(self, mark: object) -> bool:
        return self._db.execute("SELECT 1 FROM seen WHERE mark = ?", (mark,)).fetchone() is not None

    def keep(self, day: date, *marks: bytes) -> None:
        self._db.executemany("INSERT OR IGNORE INTO seen VALUES (?, ?)", [(mark, str(day)) for mark in marks])


def _fetched(id_: str) -> bytes:
    return blake2b(f"fetched {id_}".encode(), digest_size=16).digest()


def _connect(file: Path, read_only: bool) -> sqlite3.Connection:
    """A file that its owner alone may read. It is one file whenever no batch is being written: no WAL, which needs
    shared memory and so no network's file system."""
    if not read_only:
        with suppress(FileExistsError):
            os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    elif not file.is_file():
        raise UserError(f"there is no history {file}")
    mode = "ro" if read_only else "rw"
    uri = f"{file.absolute().as_uri()}?mode={mode}"
    return sqlite3.connect(uri, uri=True, timeout=BUSY, isolation_level=None)


def _stored(text: str) -> str | bytes:
    """Strangers may write what is no Unicode text."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
    return text


def _text(stored: str | bytes) -> str:
    return stored.decode("utf-8", "surrogatepass") if isinstance(stored, bytes) else stored
