"""Azure Storage's blobs (`<account>.blob.core.windows.net`), as far as a file is kept there: `handle` takes a request.

learn.microsoft.com/rest/api/storageservices: Put Blob, Put Block, Put Block List, Get Blob, Delete Blob, Create Container,
"Specifying conditional headers for Blob service operations". It is signed in to by Entra ID alone.
"""

import base64
import binascii
import hashlib
import re
import time
import uuid
from dataclasses import dataclass, field
from email.utils import formatdate
from urllib.parse import unquote
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from sandbox.arm import tokens
from sandbox.arm.errors import ArmError
from sandbox.state import State

ENDPOINT = ".blob.core.windows.net"
ACCOUNT = "localazure"
CONTAINER = "state"  # that is there from the beginning
LARGEST = 5000 * 1024 * 1024  # bytes of one Put Blob
CONDITIONS = {"if-match", "if-none-match"}
LATER = {"if-modified-since", "if-unmodified-since", "x-ms-lease-id", "x-ms-if-tags"}
MESSAGES = {
    "BlobAlreadyExists": "The specified blob already exists.",
    "BlobNotFound": "The specified blob does not exist.",
    "ConditionNotMet": "The condition specified using HTTP conditional header(s) is not met.",
    "ContainerAlreadyExists": "The specified container already exists.",
    "ContainerNotFound": "The specified container does not exist.",
    "InvalidAuthenticationInfo": "Server failed to authenticate the request. Please refer to the information in the www-authenticate header.",
    "AuthorizationPermissionMismatch": "This request is not authorized to perform this operation using this permission.",
    "InvalidBlockList": "The specified block list is invalid.",
    "InvalidRange": "The range specified is invalid for the current size of the resource.",
    "InvalidHeaderValue": "The value for one of the HTTP headers is not in the correct format.",
    "Md5Mismatch": "The MD5 value specified in the request did not match with the MD5 value calculated by the server.",
    "MissingRequiredHeader": "An HTTP header that's mandatory for this request is not specified.",
}  # fmt: skip


@dataclass
class Reply:
    """What comes back."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict[str, str])


class BlobError(Exception):
    """An error answer: status and code."""

    def __init__(self, status: int, code: str, message: str = "", headers: dict[str, str] | None = None) -> None:
        super().__init__(code)
        self.status, self.code, self.message, self.headers = status, code, message or MESSAGES[code], headers or {}


def is_host(host: str) -> bool:
    """Whether a host is an account's."""
    return host == f"{ACCOUNT}{ENDPOINT}"


def handle(
    state: State, method: str, path: str, query: dict[str, str], headers: dict[str, str], body: bytes
) -> Reply:
    """One request.

    :param headers: by name in lower case.
    """
    common = {"x-ms-request-id": str(uuid.uuid4()), "x-ms-version": headers.get("x-ms-version", ""), "Server": "Windows-Azure-Blob/1.0"}  # fmt: skip
    try:
        _sign_in(state, headers)
        container, _, name = unquote(path).strip("/").partition("/")
        reply = _dispatch(state, method, container, name, query, headers, body)
    except BlobError as error:
        text = f'\ufeff<?xml version="1.0" encoding="utf-8"?><Error><Code>{error.code}</Code><Message>{escape(error.message)}\nRequestId:{common["x-ms-request-id"]}</Message></Error>'
        shown = b"" if method == "HEAD" else text.encode()
        reply = Reply(
            error.status,
            shown,
            {"x-ms-error-code": error.code, "Content-Type": "application/xml", **error.headers},
        )
    return Reply(reply.status, reply.body, {**common, **reply.headers})


def content(state: State, name: str, container: str = CONTAINER) -> bytes | None:
    """A blob's content."""
    row = state.db.execute(
        "SELECT content FROM blobs WHERE container = ? AND name = ?", (container, name)
    ).fetchone()
    return row[0] if row else None


def _sign_in(state: State, headers: dict[str, str]) -> None:
    if not re.fullmatch(r"20\d\d-\d\d-\d\d", headers.get("x-ms-version", "")):
        raise BlobError(400, "MissingRequiredHeader" if "x-ms-version" not in headers else "InvalidHeaderValue")
    try:
        tokens.check(state, headers.get("authorization", ""), tokens.STORAGE)
    except ArmError:
        tenant = state.setting("tenant")
        challenge = f"Bearer authorization_uri=https://login.microsoftonline.com/{tenant}/oauth2/authorize resource_id=https://storage.azure.com"
        raise BlobError(401, "InvalidAuthenticationInfo", headers={"WWW-Authenticate": challenge}) from None
    if state.optional("storage-refused"):
        raise BlobError(403, "AuthorizationPermissionMismatch")


def _dispatch(
    state: State, method: str, container: str, name: str, query: dict[str, str], headers: dict[str, str], body: bytes
) -> Reply:  # fmt: skip
    containers = {CONTAINER, *state.optional("containers").split()}
    what = (method, query.get("restype") or query.get("comp") or "")
    for given in query.keys() - {"restype", "comp", "blockid", "timeout"} | headers.keys() & LATER:
        raise _not_modelled(f"{given} of {method} {container}/{name}")
    if not name:
        if what != ("PUT", "container"):
            raise _not_modelled(f"{method} of a container")
        if container in containers:
            raise BlobError(409, "ContainerAlreadyExists")
        state.set("containers", f"{state.optional('containers')} {container}")
        return Reply(201)
    if container not in containers:
        raise BlobError(404, "ContainerNotFound")
    row = state.db.execute(
        "SELECT etag, changed, content FROM blobs WHERE container = ? AND name = ?", (container, name)
    ).fetchone()
    if what == ("PUT", "block"):
        _check_digest(headers, body)
        state.db.execute(
            "INSERT OR REPLACE INTO blocks VALUES (?, ?, ?, ?)", (container, name, query["blockid"], body)
        )
        return Reply(201)
    if method in ("GET", "HEAD") and not what[1]:
        return _get(row, headers, method)
    if what == ("PUT", ""):
        if headers.get("x-ms-blob-type") != "BlockBlob":
            raise BlobError(400, "MissingRequiredHeader") if "x-ms-blob-type" not in headers else _not_modelled("other blobs than block blobs")  # fmt: skip
        _check_digest(headers, body)
        return _put(state, container, name, row, headers, body)
    if what == ("PUT", "blocklist"):
        return _put(state, container, name, row, headers, _blocks(state, container, name, body))
    if what == ("DELETE", ""):
        if not row:
            raise BlobError(404, "BlobNotFound")
        _conditions(row, headers)
        state.db.execute("DELETE FROM blobs WHERE container = ? AND name = ?", (container, name))
        return Reply(202)
    raise _not_modelled(f"{method} {query} of a blob")


def _get(row: tuple[str, float, bytes] | None, headers: dict[str, str], method: str) -> Reply:
    if not row:
        raise BlobError(404, "BlobNotFound")
    _conditions(row, headers)
    etag, changed, data = row
    answer = {"ETag": etag, "Last-Modified": formatdate(changed, usegmt=True), "x-ms-blob-type": "BlockBlob",
              "Content-Type": "application/octet-stream", "Accept-Ranges": "bytes"}  # fmt: skip
    given = headers.get("x-ms-range") or headers.get("range")
    if method == "HEAD":
        return Reply(200, b"", {**answer, "x-ms-size": str(len(data))})
    if not given:
        return Reply(200, data, answer)
    match = re.fullmatch(r"bytes=(\d+)-(\d*)", given)
    if not match:
        raise BlobError(400, "InvalidHeaderValue")
    first, last = int(match[1]), min(int(match[2] or len(data)), len(data) - 1)
    if first >= len(data):
        raise BlobError(416, "InvalidRange", headers={"Content-Range": f"bytes */{len(data)}"})
    return Reply(206, data[first : last + 1], {**answer, "Content-Range": f"bytes {first}-{last}/{len(data)}"})


def _put(
    state: State, container: str, name: str, row: tuple[str, float, bytes] | None, headers: dict[str, str], data: bytes
) -> Reply:  # fmt: skip
    if headers.get("if-none-match") == "*" and row:
        raise BlobError(409, "BlobAlreadyExists")
    if "if-match" in headers and not row:
        raise BlobError(412, "ConditionNotMet")
    _conditions(row, headers)
    etag, now = f'"0x8D{uuid.uuid4().hex[:12].upper()}"', time.time()
    state.db.execute("INSERT OR REPLACE INTO blobs VALUES (?, ?, ?, ?, ?)", (container, name, etag, now, data))
    state.db.execute("DELETE FROM blocks WHERE container = ? AND name = ?", (container, name))
    return Reply(201, b"", {"ETag": etag, "Last-Modified": formatdate(now, usegmt=True), "x-ms-request-server-encrypted": "true"})  # fmt: skip


def _conditions(row: tuple[str, float, bytes] | None, headers: dict[str, str]) -> None:
    wanted, unwanted = headers.get("if-match"), headers.get("if-none-match")
    if wanted and wanted != "*" and row and wanted != row[0]:
        raise BlobError(412, "ConditionNotMet")
    if unwanted and unwanted != "*" and row and unwanted == row[0]:
        raise BlobError(412, "ConditionNotMet")


def _blocks(state: State, container: str, name: str, body: bytes) -> bytes:
    data = bytearray()
    for each in ElementTree.fromstring(body):
        if each.tag not in ("Latest", "Uncommitted"):
            raise _not_modelled("blocks that are committed")
        row = state.db.execute("SELECT content FROM blocks WHERE container = ? AND name = ? AND block = ?", (container, name, each.text)).fetchone()  # fmt: skip
        if not row:
            raise BlobError(400, "InvalidBlockList")
        data += row[0]
    return bytes(data)


def _check_digest(headers: dict[str, str], body: bytes) -> None:
    given = headers.get("content-md5")
    try:
        if given and base64.b64decode(given) != hashlib.md5(body, usedforsecurity=False).digest():
            raise BlobError(400, "Md5Mismatch")
    except binascii.Error:
        raise BlobError(400, "InvalidHeaderValue") from None


def _not_modelled(what: str) -> BlobError:
    return BlobError(501, "SandboxNotModelled", f"the local Azure does not model {what}")
