"""Containers: made, shown and deleted.

learn.microsoft.com/rest/api/storageservices: Create Container, Get Container Properties, Delete Container.
"""

import re
import time
from email.utils import formatdate

from sandbox.state import State
from sandbox.storage.wire import Ask, BlobError, Reply, new_etag

NAME = re.compile(r"(?=.{3,63}\Z)[a-z0-9]+(-[a-z0-9]+)*|\$(web|root|logs)")


def has_container(state: State, account: str, name: str) -> bool:
    """Whether a container is there."""
    found = "SELECT 1 FROM containers WHERE account = ? AND name = ?"
    return state.db.execute(found, (account, name)).fetchone() is not None


def make_container(state: State, account: str, name: str) -> dict[str, str]:
    """A container, unless it is there; its headers."""
    made = (account, name, new_etag(), time.time())
    state.db.execute("INSERT OR IGNORE INTO containers VALUES (?, ?, ?, ?)", made)
    etag, changed = state.db.execute(
        "SELECT etag, changed FROM containers WHERE account = ? AND name = ?", (account, name)
    ).fetchone()
    return {"ETag": etag, "Last-Modified": formatdate(changed, usegmt=True)}


def check_container(ask: Ask) -> None:
    """A container must be there.

    :raises BlobError: ContainerNotFound.
    """
    if not has_container(ask.state, ask.account["name"], ask.container):
        raise BlobError(404, "ContainerNotFound")


def create_container(ask: Ask) -> Reply:
    if not NAME.fullmatch(ask.container):
        raise BlobError(400, "InvalidResourceName")
    if has_container(ask.state, ask.account["name"], ask.container):
        raise BlobError(409, "ContainerAlreadyExists")
    return Reply(201, b"", make_container(ask.state, ask.account["name"], ask.container))


def get_container(ask: Ask) -> Reply:
    check_container(ask)
    headers = make_container(ask.state, ask.account["name"], ask.container)
    more = {"x-ms-lease-status": "unlocked", "x-ms-lease-state": "available", "x-ms-has-immutability-policy": "false",
            "x-ms-has-legal-hold": "false", "x-ms-default-encryption-scope": "$account-encryption-key",
            "x-ms-deny-encryption-scope-override": "false", "x-ms-immutable-storage-with-versioning-enabled": "false"}  # fmt: skip
    return Reply(200, b"", {**headers, **more})


def delete_container(ask: Ask) -> Reply:
    check_container(ask)
    of = (ask.account["name"], ask.container)
    ask.state.db.execute("DELETE FROM containers WHERE account = ? AND name = ?", of)
    for table in ("block_blobs", "uncommitted_blocks"):
        ask.state.db.execute(f"DELETE FROM {table} WHERE account = ? AND container = ?", of)
    return Reply(202)
