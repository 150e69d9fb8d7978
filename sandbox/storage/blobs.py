"""Block blobs: what each operation does once it is allowed.

learn.microsoft.com/rest/api/storageservices: Put Blob, Put Block, Put Block List, Get Blob, Delete Blob,
"Specifying conditional headers for Blob service operations".
"""

import base64
import binascii
import hashlib
import json
import re
import time
from dataclasses import dataclass
from email.utils import formatdate, parsedate_to_datetime
from xml.etree import ElementTree

from sandbox.state import State
from sandbox.storage.containers import check_container
from sandbox.storage.wire import Ask, BlobError, Reply, new_etag, not_modelled

NAMES = (
    "Content-Type",
    "Content-Encoding",
    "Content-Language",
    "Content-Disposition",
    "Cache-Control",
)  # a blob's own


@dataclass
class Blob:
    """A block blob.

    :param created, changed: seconds of the epoch.
    :param headers: those that it is answered with: content type and the like, metadata.
    """

    etag: str
    created: float
    changed: float
    headers: dict[str, str]
    content: bytes


def find(state: State, account: str, container: str, name: str) -> Blob | None:
    """A blob, if it is there."""
    row = state.db.execute(
        "SELECT etag, created, changed, headers, content FROM block_blobs WHERE account = ? AND container = ? AND name = ?",
        (account, container, name),
    ).fetchone()
    return Blob(row[0], row[1], row[2], json.loads(row[3]), row[4]) if row else None


def get_blob(ask: Ask) -> Reply:
    check_container(ask)
    blob = find(ask.state, *ask.key)
    if not blob:
        raise BlobError(404, "BlobNotFound")
    check_conditions(blob, ask.headers, reads=True)
    answer = {"ETag": blob.etag, "Last-Modified": formatdate(blob.changed, usegmt=True), "x-ms-blob-type": "BlockBlob",
              "x-ms-creation-time": formatdate(blob.created, usegmt=True), "x-ms-server-encrypted": "true", "x-ms-lease-status": "unlocked",
              "x-ms-lease-state": "available", "Accept-Ranges": "bytes", **blob.headers}  # fmt: skip
    given = ask.headers.get("x-ms-range") or ask.headers.get("range")
    if not given:
        return Reply(200, blob.content, answer)
    match, size = re.fullmatch(r"bytes=(\d+)-(\d*)", given), len(blob.content)
    if not match:
        raise BlobError(400, "InvalidHeaderValue")
    first, last = int(match[1]), min(int(match[2] or size), size - 1)
    if first >= size:
        raise BlobError(416, "InvalidRange", headers={"Content-Range": f"bytes */{size}"})
    answer["x-ms-blob-content-md5"] = answer.pop("Content-MD5")  # of the whole, not of the part
    answer["Content-Range"] = f"bytes {first}-{last}/{size}"
    return Reply(206, blob.content[first : last + 1], answer)


def put_blob(ask: Ask) -> Reply:
    kind = ask.headers.get("x-ms-blob-type")
    if kind != "BlockBlob":
        raise not_modelled("other blobs than block blobs") if kind else BlobError(400, "MissingRequiredHeader")
    _check_digest(ask)
    return _put(ask, ask.body)


def put_block(ask: Ask) -> Reply:
    check_container(ask)
    _check_digest(ask)
    if "blockid" not in ask.query:
        raise BlobError(400, "MissingRequiredQueryParameter")
    row = (*ask.key, ask.query["blockid"], ask.body)
    ask.state.db.execute("INSERT OR REPLACE INTO uncommitted_blocks VALUES (?, ?, ?, ?, ?)", row)
    return Reply(201)


def put_block_list(ask: Ask) -> Reply:
    data = bytearray()
    try:
        blocks = list(ElementTree.fromstring(ask.body))
    except ElementTree.ParseError:
        raise BlobError(400, "InvalidXmlDocument") from None
    for each in blocks:
        if each.tag not in ("Latest", "Uncommitted"):
            raise not_modelled("blocks that are committed")
        row = ask.state.db.execute("SELECT content FROM uncommitted_blocks WHERE account = ? AND container = ? AND name = ? AND block = ?", (*ask.key, each.text)).fetchone()  # fmt: skip
        if not row:
            raise BlobError(400, "InvalidBlockList")
        data += row[0]
    return _put(ask, bytes(data))


def delete_blob(ask: Ask) -> Reply:
    check_container(ask)
    blob = find(ask.state, *ask.key)
    if not blob:
        raise BlobError(404, "BlobNotFound")
    check_conditions(blob, ask.headers)
    ask.state.db.execute("DELETE FROM block_blobs WHERE account = ? AND container = ? AND name = ?", ask.key)
    return Reply(202)


def _put(ask: Ask, data: bytes) -> Reply:
    check_container(ask)
    old = find(ask.state, *ask.key)
    if ask.headers.get("if-none-match") == "*" and old:
        raise BlobError(409, "BlobAlreadyExists")
    if "if-match" in ask.headers and not old:
        raise BlobError(412, "ConditionNotMet")
    if old:
        check_conditions(old, ask.headers)
    etag, now = new_etag(), time.time()
    whole = "comp" not in ask.query  # a list of blocks has a content type that isn't the blob's
    kept = {"Content-Type": (whole and ask.headers.get("content-type")) or "application/octet-stream"}
    for name in NAMES:
        given = ask.headers.get(
            "x-ms-blob-cache-control" if name == "Cache-Control" else f"x-ms-blob-{name.lower()}"
        )
        kept |= {name: given} if given else {}
    kept |= {name: value for name, value in ask.headers.items() if name.startswith("x-ms-meta-")}
    kept["Content-MD5"] = base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()
    row = (*ask.key, etag, old.created if old else now, now, json.dumps(kept), data)
    ask.state.db.execute("INSERT OR REPLACE INTO block_blobs VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
    ask.state.db.execute("DELETE FROM uncommitted_blocks WHERE account = ? AND container = ? AND name = ?", ask.key)  # fmt: skip
    return Reply(201, b"", {"ETag": etag, "Last-Modified": formatdate(now, usegmt=True), "Content-MD5": kept["Content-MD5"], "x-ms-request-server-encrypted": "true"})  # fmt: skip


def check_conditions(blob: Blob, headers: dict[str, str], reads: bool = False) -> None:
    """Conditional headers.

    :param reads: whether "it is as you know it" is 304, and no failure.
    :raises BlobError: 412 or 304 ConditionNotMet.
    """
    wanted, unwanted = headers.get("if-match"), headers.get("if-none-match")
    failed = wanted and wanted not in ("*", blob.etag)
    known = unwanted and unwanted in ("*", blob.etag)
    try:
        if since := headers.get("if-unmodified-since"):
            failed = failed or int(blob.changed) > parsedate_to_datetime(since).timestamp()
        if since := headers.get("if-modified-since"):
            known = known or int(blob.changed) <= parsedate_to_datetime(since).timestamp()
    except ValueError:
        raise BlobError(400, "InvalidHeaderValue") from None
    if failed or known:
        raise BlobError(304 if reads and not failed else 412, "ConditionNotMet", headers={"ETag": blob.etag})


def _check_digest(ask: Ask) -> None:
    given = ask.headers.get("content-md5")
    try:
        if given and base64.b64decode(given) != hashlib.md5(ask.body, usedforsecurity=False).digest():
            raise BlobError(400, "Md5Mismatch")
    except binascii.Error:
        raise BlobError(400, "InvalidHeaderValue") from None
