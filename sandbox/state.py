"""What the local Azure remembers: one SQLite file, safe to read while the daemon runs."""

import json
import re
import secrets
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

TABLES = """
CREATE TABLE IF NOT EXISTS resources (id TEXT PRIMARY KEY, type TEXT, body TEXT);
CREATE INDEX IF NOT EXISTS resources_by_type ON resources (type);
CREATE INDEX IF NOT EXISTS resources_by_name ON resources (type, lower(json_extract(body, '$.name')));
CREATE INDEX IF NOT EXISTS sites_by_host ON resources (type, json_extract(body, '$.properties.defaultHostname'));
CREATE TABLE IF NOT EXISTS operations (id TEXT PRIMARY KEY, verb TEXT, resource TEXT, due REAL, status TEXT, error TEXT);
CREATE INDEX IF NOT EXISTS operations_by_status ON operations (status, due);
CREATE INDEX IF NOT EXISTS operations_by_resource ON operations (resource);
CREATE TABLE IF NOT EXISTS files (site TEXT, path TEXT, content BLOB, PRIMARY KEY (site, path));
CREATE TABLE IF NOT EXISTS old_files (site TEXT, path TEXT, content BLOB, PRIMARY KEY (site, path));
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT);
CREATE TABLE IF NOT EXISTS faults (id INTEGER PRIMARY KEY, host TEXT, method TEXT, path TEXT, kind TEXT, value REAL, times INT);
CREATE TABLE IF NOT EXISTS mailboxes (address TEXT PRIMARY KEY, allowed TEXT);
CREATE TABLE IF NOT EXISTS mail_folders (id INTEGER PRIMARY KEY, mailbox TEXT, parent INT, name TEXT);
CREATE TABLE IF NOT EXISTS messages (id INTEGER PRIMARY KEY, mailbox TEXT, folder INT, mime BLOB);
CREATE TABLE IF NOT EXISTS mail_changes (id INTEGER PRIMARY KEY AUTOINCREMENT, folder INT, message INT, gone INT);
CREATE INDEX IF NOT EXISTS mail_changes_by_folder ON mail_changes (folder, id);
CREATE TABLE IF NOT EXISTS containers (account TEXT, name TEXT, etag TEXT, changed REAL, PRIMARY KEY (account, name));
CREATE TABLE IF NOT EXISTS block_blobs (account TEXT, container TEXT, name TEXT, etag TEXT, created REAL, changed REAL,
                                        headers TEXT, content BLOB, PRIMARY KEY (account, container, name));
CREATE TABLE IF NOT EXISTS uncommitted_blocks (account TEXT, container TEXT, name TEXT, block TEXT, content BLOB,
                                               PRIMARY KEY (account, container, name, block));
CREATE TABLE IF NOT EXISTS log (id INTEGER PRIMARY KEY, time REAL, service TEXT, host TEXT, method TEXT, path TEXT,
                                status INT, detail TEXT);
"""

DELAYS = {  # seconds, set by `python -m sandbox set NAME SECONDS`
    "site-create": 0.5,
    "validation": 1.0,
    "certificate": 0.0,
    "delete": 0.5,
    "domain-delete": 0.5,
    "dns-lag": 0.0,
    "cdn-write": 0.3,  # Front Door: every creation and change
    "cdn-token": 0.0,  # how much later than a custom domain its validation token comes
    "cdn-validation": 0.5,  # once the token stands in DNS
    "cdn-certificate": 0.0,
    "cdn-propagation": 0.0,  # to all edges
    "cdn-purge": 0.5,
    "edge-lag": 0.0,
    "token": 3599.0,  # how long one lasts
    "registration": 0.0,  # of a resource provider
    "account-create": 0.5,  # of a storage account
    "blob-service": 0.0,  # until a new account's endpoints know it
    "role-propagation": 0.0,  # until a role assignment is heeded
    "retry-after": 1.0,  # what polling clients are told; 0: nothing
}
SHARES = {  # per cent, set the same way
    "rebound-404": 0.0,  # of the requests to a host that was bound to another site before
}
# Faults that lie in a resource, not in a request: ordered by its name as `host`, taken when it is written.
RESOURCE_FAULTS = (
    "domain-failed", "domain-stuck", "role-unseen", "principal-unseen",
    "domain-revalidation", "domain-rejected", "domain-timed-out", "domain-internal-error",
)  # fmt: skip


UNDER = "(id = ? OR id > ? AND id < ?)"  # a resource and what lies under it; `_under` has the values


def _under(id_: str) -> tuple[str, str, str]:
    return id_.lower(), f"{id_.lower()}/", f"{id_.lower()}0"  # 0 comes after /


class State:
    """The local Azure's memory.

    :param folder: where it is kept; made with access for its owner only.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder = folder
        path = folder / "state.db"
        path.touch(mode=0o600)
        self.db = sqlite3.connect(path, isolation_level=None, timeout=20, check_same_thread=False)
        self.db.execute("PRAGMA journal_mode=WAL")
        self.db.execute("PRAGMA synchronous=NORMAL")
        self.db.executescript(TABLES)
        for name in ("client-secret", "signing-key"):
            self.db.execute("INSERT OR IGNORE INTO settings VALUES (?, ?)", (name, secrets.token_urlsafe(24)))
        for name in ("tenant", "subscription", "client", "object"):
            self.db.execute("INSERT OR IGNORE INTO settings VALUES (?, ?)", (name, str(uuid.uuid4())))

    def setting(self, name: str) -> str:
        """A stored setting."""
        return self.db.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()[0]

    def optional(self, name: str) -> str:
        """A stored setting, "" where there is none."""
        found = self.db.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
        return found[0] if found else ""

    @property
    def subscriptions(self) -> set[str]:
        """The ids of all subscriptions: the one that is signed in to, and others it may see."""
        return {self.setting("subscription"), *self.optional("other-subscriptions").split()}

    def elsewhere(self, name: str) -> str:
        """The name server, `ADDRESS:PORT`, of the zone that a name lies in, where that isn't Azure's; else ""."""
        labels = name.split(".")
        zones = (".".join(labels[at:]) for at in range(len(labels)))
        return next(filter(None, (self.optional(f"served-elsewhere {zone}") for zone in zones)), "")

    def delay(self, name: str) -> float:
        """Seconds that something takes."""
        found = self.optional(name)
        return float(found) if found else DELAYS[name]

    def share(self, name: str) -> float:
        """Per cent of something."""
        found = self.optional(name)
        return float(found) if found else SHARES[name]

    def set(self, name: str, value: object) -> None:
        """Store a setting."""
        self.db.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, str(value)))

    # Resources: their ids know no case, as in ARM. A body's keys that begin with _ are never shown.

    def get(self, id_: str) -> dict[str, Any] | None:
        """A resource's body."""
        found = self.db.execute("SELECT body FROM resources WHERE id = ?", (id_.lower(),)).fetchone()
        return json.loads(found[0]) if found else None

    def put(self, body: dict[str, Any]) -> None:
        """Store a resource by its `id` and `type`, with when it was made and changed."""
        now = time.time()
        body.setdefault("_created", (self.get(body["id"]) or {}).get("_created", now))
        body["_changed"] = now
        self.db.execute(
            "INSERT OR REPLACE INTO resources VALUES (?, ?, ?)",
            (body["id"].lower(), body["type"].lower(), json.dumps(body)),
        )

    def delete(self, id_: str) -> None:
        """Delete a resource and what lies under it."""
        for site in self.under(id_, "microsoft.web/staticsites"):
            self.db.execute("DELETE FROM files WHERE site = ?", (site["id"].lower(),))
        for account in self.under(id_, "microsoft.storage/storageaccounts"):
            for table in ("containers", "block_blobs", "uncommitted_blocks"):
                self.db.execute(f"DELETE FROM {table} WHERE account = ?", (account["name"],))
        self.db.execute(f"DELETE FROM resources WHERE {UNDER}", _under(id_))

    def move(self, id_: str, to: str) -> None:
        """Give a resource, what lies under it and its files another id."""
        for body in self.under(id_):
            self.db.execute("DELETE FROM resources WHERE id = ?", (body["id"].lower(),))
            self.put({**body, "id": to + body["id"][len(id_) :]})
        for table in ("files", "old_files"):
            self.db.execute(f"UPDATE {table} SET site = ? WHERE site = ?", (to.lower(), id_.lower()))

    def of(self, type_: str) -> Iterator[dict[str, Any]]:
        """All resources of a type."""
        return self._bodies("type = ?", type_.lower())

    def named(self, type_: str, names: Iterable[str]) -> list[dict[str, Any]]:
        """The resources of a type that have one of these names, in lower case."""
        wanted = list(names)
        marks = ", ".join("?" * len(wanted))
        return list(
            self._bodies(f"type = ? AND lower(json_extract(body, '$.name')) IN ({marks})", type_.lower(), *wanted)
        )

    def with_host(self, type_: str, host: str) -> dict[str, Any] | None:
        """The resource of a type whose `defaultHostname` this is."""
        found = self._bodies(
            "type = ? AND json_extract(body, '$.properties.defaultHostname') = ?", type_.lower(), host
        )
        return next(found, None)

    def mentioning(self, type_: str, text: str) -> Iterator[dict[str, Any]]:
        """The resources of a type with a text anywhere in their bodies."""
        return self._bodies("type = ? AND instr(body, ?)", type_.lower(), text)

    def under(self, id_: str, type_: str | None = None) -> list[dict[str, Any]]:
        """A resource and what lies under it."""
        if type_ is not None:
            return list(self._bodies(f"type = ? AND {UNDER}", type_, *_under(id_)))
        return list(self._bodies(UNDER, *_under(id_)))

    def _bodies(self, where: str, *values: str) -> Iterator[dict[str, Any]]:
        for (body,) in self.db.execute(f"SELECT body FROM resources WHERE {where} ORDER BY id", values).fetchall():
            yield json.loads(body)

    # Operations that take a while: carried out when they are due and somebody looks, so a restart loses none.

    def begin(self, verb: str, resource: str, seconds: float) -> str:
        """Start a long-running operation.

        :returns: its id.
        """
        id_ = str(uuid.uuid4())
        self.db.execute(
            "INSERT INTO operations VALUES (?, ?, ?, ?, 'InProgress', NULL)",
            (id_, verb, resource, time.time() + seconds),
        )
        return id_

    def pending(self, verb: str, resource: str) -> str | None:
        """The id of an operation on a resource that hasn't ended."""
        found = self.db.execute(
            "SELECT id FROM operations WHERE verb = ? AND resource = ? AND status = 'InProgress'", (verb, resource)
        ).fetchone()
        return found[0] if found else None

    def due(self) -> list[tuple[str, str, str]]:
        """Operations to finish now: (id, verb, resource)."""
        return self.db.execute(
            "SELECT id, verb, resource FROM operations WHERE status = 'InProgress' AND due <= ?", (time.time(),)
        ).fetchall()

    def finish(self, id_: str, error: dict[str, Any] | None) -> None:
        """Record how an operation ended.

        :param error: None where it succeeded; empty where it failed and doesn't say why.
        """
        status = "Succeeded" if error is None else "Failed"
        self.db.execute(
            "UPDATE operations SET status = ?, error = ? WHERE id = ?",
            (status, json.dumps(error) if error else None, id_),
        )

    def operation(self, id_: str) -> tuple[str, str, str, dict[str, Any] | None] | None:
        """An operation's (verb, resource, status, error)."""
        row = self.db.execute(
            "SELECT verb, resource, status, error FROM operations WHERE id = ?", (id_,)
        ).fetchone()
        return (row[0], row[1], row[2], json.loads(row[3]) if row[3] else None) if row else None

    def log(self, service: str, host: str, method: str, path: str, status: int, detail: str = "") -> None:
        """Remember a request; nothing secret may stand in `detail`."""
        self.db.execute(
            "INSERT INTO log (time, service, host, method, path, status, detail) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (time.time(), service, host, method, path, status, detail),
        )

    def lines(self, after: int = 0) -> list[dict[str, Any]]:
        """The log's lines, oldest first, with the columns of the table."""
        cursor = self.db.execute("SELECT * FROM log WHERE id > ? ORDER BY id", (after,))
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def fault(self, host: str, method: str, path: str) -> tuple[str, float] | None:
        """A fault that was ordered for this request: (kind, value); used up by being taken.

        :param path: with the query.
        """
        return self._fault(host, method, path, lambda kind: kind not in RESOURCE_FAULTS)

    def resource_fault(self, wanted: str, name: str) -> float | None:
        """The value of a fault of RESOURCE_FAULTS that was ordered for a resource; used up by being taken."""
        found = self._fault(name, "", "", lambda kind: kind == wanted)
        return found[1] if found else None

    def _fault(self, host: str, method: str, path: str, wanted: Callable[[str], bool]) -> tuple[str, float] | None:
        for id_, wanted_host, wanted_method, pattern, kind, value in self.db.execute(
            "SELECT id, host, method, path, kind, value FROM faults WHERE times > 0 ORDER BY id"
        ).fetchall():
            if (
                wanted(kind)
                and wanted_method in ("", method)
                and re.search(wanted_host, host, re.IGNORECASE)
                and re.search(pattern, path, re.IGNORECASE)
            ):
                self.db.execute("UPDATE faults SET times = times - 1 WHERE id = ?", (id_,))
                return kind, value
        return None
