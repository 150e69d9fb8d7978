"""Containers and block blobs: what each operation does once it is allowed.

learn.microsoft.com/rest/api/storageservices: Put Blob, Put Block, Put Block List, Get Blob, Delete Blob, List Blobs, Create
Container, "Specifying conditional headers for Blob service operations".
"""

import base64
import binascii
import hashlib
import json
import re
import time
import uuid
from dataclasses import dataclass
from email.utils import formatdate, parsedate_to_datetime
from typing import Any
from xml.etree import ElementTree

from sandbox.state import State
from sandbox.storage.errors import BlobError, Reply, not_modelled

PAGE = 5000  # entries of a list, by default and at most
NAMES = ("content-type", "content-encoding", "content-language", "content-disposition", "cache-control")
CONTAINER_NAME = re.compile(r"(?=.{3,63}\Z)[a-z0-9]+(-[a-z0-9]+)*|\$(web|root|logs)")


@dataclass
class Ask:
    """One request.

    :param account: its resource.
    :param headers: by name in lower case.
    """

    state: State
    account: dict[str, Any]
    container: str
    name: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def key(self) -> tuple[str, str, str]:
        """The blob's."""
        return self.account["name"], self.container, self.name


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


def has_container(state: State, account: str, name: str) -> bool:
    """Whether a container is there."""
    found = "SELECT 1 FROM containers WHERE account = ? AND name = ?"
    return state.db.execute(found, (account, name)).fetchone() is not None


def make_container(state: State, account: str, name: str) -> dict[str, str]:
    """A container, unless it is there; its headers."""
    made = (account, name, _etag(), time.time())
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
    if not CONTAINER_NAME.fullmatch(ask.container):
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


def list_containers(ask: Ask) -> Reply:
    rows = ask.state.db.execute(
        "SELECT name, etag, changed FROM containers WHERE account = ? ORDER BY name", (ask.account["name"],)
    ).fetchall()
    entries: dict[str, ElementTree.Element | None] = {name: _properties({"Last-Modified": formatdate(changed, usegmt=True), "Etag": etag, **LEASE})
               for name, etag, changed in rows if name.startswith(ask.query.get("prefix", ""))}  # fmt: skip
    return _listed(ask, "Containers", "Container", entries)


def list_blobs(ask: Ask) -> Reply:
    check_container(ask)
    prefix, delimiter = ask.query.get("prefix", ""), ask.query.get("delimiter", "")
    names = ask.state.db.execute(
        "SELECT name FROM block_blobs WHERE account = ? AND container = ? ORDER BY name",
        (ask.account["name"], ask.container),
    ).fetchall()
    entries: dict[str, ElementTree.Element | None] = {}
    for (name,) in names:
        if not name.startswith(prefix):
            continue
        rest = name.removeprefix(prefix)
        if delimiter and delimiter in rest:
            entries[prefix + rest.partition(delimiter)[0] + delimiter] = None
        else:
            entries[name] = _blob_properties(find(ask.state, ask.account["name"], ask.container, name))
    return _listed(ask, "Blobs", "Blob", entries)


LEASE = {"LeaseStatus": "unlocked", "LeaseState": "available"}


def _blob_properties(blob: Blob | None) -> ElementTree.Element:
    assert blob
    shown = {name: blob.headers.get(name.lower(), "") for name in ("Content-Type", "Content-Encoding", "Content-Language", "Content-MD5", "Cache-Control", "Content-Disposition")}  # fmt: skip
    times = {"Creation-Time": formatdate(blob.created, usegmt=True), "Last-Modified": formatdate(blob.changed, usegmt=True)}  # fmt: skip
    return _properties({**times, "Etag": blob.etag.strip('"'), "Content-Length": str(len(blob.content)), **shown,
                        "BlobType": "BlockBlob", "AccessTier": "Hot", "AccessTierInferred": "true", **LEASE, "ServerEncrypted": "true"})  # fmt: skip


def _properties(values: dict[str, str]) -> ElementTree.Element:
    element = ElementTree.Element("Properties")
    for name, value in values.items():
        ElementTree.SubElement(element, name).text = value
    return element


def _listed(ask: Ask, many: str, one: str, entries: dict[str, ElementTree.Element | None]) -> Reply:
    """A page of a list; an entry without properties is a common prefix."""
    if ask.query.get("include"):
        raise not_modelled(f"include={ask.query['include']} of a list")
    try:
        size = int(ask.query.get("maxresults", PAGE))
        after = base64.urlsafe_b64decode(ask.query.get("marker", "")).decode()
    except ValueError:
        raise BlobError(400, "InvalidQueryParameterValue") from None
    if size < 1:
        raise BlobError(400, "InvalidQueryParameterValue")
    size = min(size, PAGE)
    names = [name for name in entries if name >= after]
    endpoint = ask.account["properties"]["primaryEndpoints"]["blob"]
    root = ElementTree.Element("EnumerationResults", {"ServiceEndpoint": endpoint})
    if ask.container:
        root.set("ContainerName", ask.container)
    for name, tag in {"prefix": "Prefix", "marker": "Marker", "maxresults": "MaxResults", "delimiter": "Delimiter"}.items():  # fmt: skip
        if name in ask.query:
            ElementTree.SubElement(root, tag).text = ask.query[name]
    listed = ElementTree.SubElement(root, many)
    for name in names[:size]:
        properties = entries[name]
        entry = ElementTree.SubElement(listed, "BlobPrefix" if properties is None else one)
        ElementTree.SubElement(entry, "Name").text = name
        if properties is not None:
            entry.append(properties)
    following = base64.urlsafe_b64encode(names[size].encode()).decode() if len(names) > size else ""
    ElementTree.SubElement(root, "NextMarker").text = following
    return xml(200, root)


def xml(status: int, root: ElementTree.Element) -> Reply:
    """An answer in XML, with the mark that Azure Storage begins it with."""
    text = '\ufeff<?xml version="1.0" encoding="utf-8"?>' + ElementTree.tostring(root, encoding="unicode")
    return Reply(status, text.encode(), {"Content-Type": "application/xml"})


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
    if "content-md5" in answer:  # of the whole, so it goes by another name beside a part
        answer["x-ms-blob-content-md5"] = answer.pop("content-md5")
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
    etag, now = _etag(), time.time()
    kept = {"content-type": ask.headers.get("content-type", "application/octet-stream") if ask.query.get("comp") != "blocklist" else "application/octet-stream"}  # fmt: skip
    for name in NAMES:
        given = ask.headers.get("x-ms-blob-cache-control" if name == "cache-control" else f"x-ms-blob-{name}")
        kept |= {name: given} if given else {}
    kept |= {name: value for name, value in ask.headers.items() if name.startswith("x-ms-meta-")}
    kept["content-md5"] = base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()
    row = (*ask.key, etag, old.created if old else now, now, json.dumps(kept), data)
    ask.state.db.execute("INSERT OR REPLACE INTO block_blobs VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
    ask.state.db.execute("DELETE FROM uncommitted_blocks WHERE account = ? AND container = ? AND name = ?", ask.key)  # fmt: skip
    return Reply(201, b"", {"ETag": etag, "Last-Modified": formatdate(now, usegmt=True), "Content-MD5": kept["content-md5"], "x-ms-request-server-encrypted": "true"})  # fmt: skip


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


def _etag() -> str:
    return f'"0x8D{uuid.uuid4().hex[:12].upper()}"'
