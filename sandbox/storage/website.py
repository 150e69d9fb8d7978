"""An account's static website (`<account>.z6.web.core.windows.net`): `serve` answers with what its `$web` holds.

learn.microsoft.com/azure/storage/blobs/storage-blob-static-website; the pages of its errors are as people quote them.
"""

from email.utils import formatdate

from sandbox.state import State
from sandbox.storage import account_at, blobs, is_new
from sandbox.storage.properties import WEB, website
from sandbox.storage.wire import BlobError, Reply
from sandbox.swa.hosting import Page

SERVER = {"Server": "Windows-Azure-Web/1.0 Microsoft-HTTPAPI/2.0"}


def serve(state: State, host: str, method: str, path: str, secure: bool = True) -> Page | None:
    """One request.

    :param host: in lower case, without a port.
    :param path: decoded, without a query; `/folder/` and `/folder` are the folder's index document.
    :param secure: whether it came by https.
    :returns: None where no account has such a website endpoint.
    """
    found = account_at(state, host)
    if found is None or found[1] != "web":
        return None
    account, _ = found
    try:
        if account["properties"]["supportsHttpsTrafficOnly"] and not secure:
            raise BlobError(400, "AccountRequiresHttps")
        if account["properties"].get("publicNetworkAccess") == "Disabled":
            raise BlobError(403, "AuthorizationFailure")
        if method not in ("GET", "HEAD"):
            raise BlobError(405, "UnsupportedHttpVerb", headers={"Allow": "GET,HEAD"})
        settings = website(account)
        if is_new(account) or settings["Enabled"] != "true":
            raise BlobError(404, "WebContentNotFound")
        reply = _found(state, account["name"], settings, path)
    except BlobError as error:
        reply = error.page()
    return Page(reply.status, reply.body, {**SERVER, **reply.headers})


def _found(state: State, account: str, settings: dict[str, str], path: str) -> Reply:
    name, index = path.removeprefix("/"), settings.get("IndexDocument")
    candidates = [name] if name and not name.endswith("/") else []
    if index:
        candidates.append(f"{name.rstrip('/')}/{index}".lstrip("/"))
    for candidate in candidates:
        if blob := blobs.find(state, account, WEB, candidate):
            return _shown(200, blob)
    missing = settings.get("ErrorDocument404Path")
    if missing and (blob := blobs.find(state, account, WEB, missing)):
        return _shown(404, blob)
    raise BlobError(404, "WebContentNotFound")


def _shown(status: int, blob: blobs.Blob) -> Reply:
    headers = {name: value for name, value in blob.headers.items() if not name.startswith("x-ms-")}
    times = {"ETag": blob.etag, "Last-Modified": formatdate(blob.changed, usegmt=True)}
    return Reply(status, blob.content, {**headers, **times, "Accept-Ranges": "bytes"})
