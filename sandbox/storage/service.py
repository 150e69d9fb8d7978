"""An account's blob service (`<account>.blob.core.windows.net`): `handle` takes a request.

Entra ID alone signs in. What each operation takes of a role is learn.microsoft.com/rest/api/storageservices/
authorize-with-azure-active-directory, "Permissions for Blob service operations": containers and the service's properties
are actions, which Owner and Contributor have; blobs are data actions, which they don't.
"""

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from sandbox.arm import rights, tokens
from sandbox.arm.errors import ArmError
from sandbox.state import State
from sandbox.storage import blobs, containers, is_new, lists, properties
from sandbox.storage.wire import Ask, BlobError, Reply, not_modelled

CONDITIONS = ("if-match", "if-none-match", "if-modified-since", "if-unmodified-since")
ALWAYS = {"x-ms-version", "x-ms-date", "x-ms-client-request-id", "x-ms-return-client-request-id"}
CONTENT = {"x-ms-blob-type", "x-ms-blob-cache-control", *(f"x-ms-blob-{name.lower()}" for name in blobs.NAMES)}


@dataclass(frozen=True)
class Operation:
    """What a kind of request is.

    :param action: after `Microsoft.Storage/storageAccounts/blobServices`; a data action where it is of blobs.
    :param query, headers: what it heeds, of the query and of conditions and `x-ms-…`.
    """

    do: Callable[[Ask], Reply]
    action: str
    query: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()


LIST = ("prefix", "marker", "maxresults", "include")
OPERATIONS = {
    ("service", "GET", "service properties"): Operation(properties.get, "read"),
    ("service", "PUT", "service properties"): Operation(properties.set_, "write"),
    ("service", "GET", " list"): Operation(lists.list_containers, "containers/read", LIST),
    ("container", "PUT", "container "): Operation(containers.create_container, "containers/write"),
    ("container", "GET", "container "): Operation(containers.get_container, "containers/read"),
    ("container", "DELETE", "container "): Operation(containers.delete_container, "containers/delete"),
    ("container", "GET", "container list"): Operation(lists.list_blobs, "containers/blobs/read", (*LIST, "delimiter")),
    ("blob", "GET", " "): Operation(blobs.get_blob, "containers/blobs/read", (), (*CONDITIONS, "x-ms-range")),
    ("blob", "PUT", " "): Operation(blobs.put_blob, "containers/blobs/write", (), (*CONDITIONS, *CONTENT)),
    ("blob", "PUT", " block"): Operation(blobs.put_block, "containers/blobs/write", ("blockid",)),
    ("blob", "PUT", " blocklist"): Operation(blobs.put_block_list, "containers/blobs/write", (), (*CONDITIONS, *CONTENT)),
    ("blob", "DELETE", " "): Operation(blobs.delete_blob, "containers/blobs/delete", (), CONDITIONS),
}  # fmt: skip


def handle(
    state: State, account: dict[str, Any], method: str, path: str, query: dict[str, str], headers: dict[str, str], body: bytes
) -> Reply:  # fmt: skip
    """One request over https.

    :param path: still encoded.
    :param headers: by name in lower case.
    """
    id_ = str(uuid.uuid4())
    common = {"x-ms-request-id": id_, "x-ms-version": headers.get("x-ms-version", ""), "Server": "Windows-Azure-Blob/1.0 Microsoft-HTTPAPI/2.0"}  # fmt: skip
    container, _, name = unquote(path).lstrip("/").partition("/")
    ask = Ask(state, account, container, name, query, headers, body)
    try:
        if is_new(account):
            raise BlobError(404, "ResourceNotFound")
        principal = _signed_in(ask)
        operation = _operation(ask, method)
        if not _allowed(ask, principal, operation.action):
            raise BlobError(403, "AuthorizationPermissionMismatch")
        reply = operation.do(ask)
    except BlobError as error:
        reply = error.reply(id_)
    return Reply(reply.status, reply.body, {**common, **reply.headers})


def insecure(account: dict[str, Any]) -> Reply:
    """What any request over http is answered with."""
    if account["properties"]["supportsHttpsTrafficOnly"]:
        return BlobError(400, "AccountRequiresHttps").reply()
    return not_modelled("a blob service over http").reply()


def _signed_in(ask: Ask) -> str:
    """The object id of the one who asks.

    :raises BlobError: nobody, or not by Entra ID.
    """
    given, version, properties_ = ask.headers.get("authorization", ""), ask.headers.get("x-ms-version"), ask.account["properties"]  # fmt: skip
    if properties_.get("publicNetworkAccess") == "Disabled":
        raise BlobError(403, "AuthorizationFailure")
    if given.startswith(("SharedKey ", "SharedKeyLite ")) or ("sig" in ask.query and "skoid" not in ask.query):
        if properties_.get("allowSharedKeyAccess") is False:
            raise BlobError(403, "KeyBasedAuthenticationNotPermitted")
        raise not_modelled("a sign-in by account key, or by a signature made with it")
    if "sig" in ask.query:
        raise not_modelled("a shared access signature")
    if not given and version is None:
        if not properties_.get("allowBlobPublicAccess"):
            raise BlobError(409, "PublicAccessNotPermitted")
        raise BlobError(404, "ResourceNotFound")  # containers are private unless somebody says otherwise
    if not re.fullmatch(r"20\d\d-\d\d-\d\d", version or ""):
        raise BlobError(400, "InvalidHeaderValue" if version else "MissingRequiredHeader")
    try:
        return tokens.check(ask.state, given, tokens.STORAGE)["oid"]
    except ArmError:
        tenant = ask.state.setting("tenant")
        challenge = f"Bearer authorization_uri=https://login.microsoftonline.com/{tenant}/oauth2/authorize resource_id=https://storage.azure.com"
        code = "InvalidAuthenticationInfo" if given else "NoAuthenticationInformation"
        raise BlobError(401, code, headers={"WWW-Authenticate": challenge}) from None


def _operation(ask: Ask, method: str) -> Operation:
    level = "blob" if ask.name else "container" if ask.container else "service"
    what = f"{ask.query.get('restype', '')} {ask.query.get('comp', '')}"
    found = OPERATIONS.get((level, "GET" if method == "HEAD" else method, what))
    if found is None:
        raise not_modelled(f"{method} {what.strip() or level} of a {level}")
    for name in ask.query.keys() - {"restype", "comp", "timeout", *found.query}:
        raise not_modelled(f"the query parameter {name} of {method} {what.strip() or level}")
    for name in ask.headers:
        known = name in ALWAYS or name in found.headers or (name.startswith("x-ms-meta-") and found.headers and method == "PUT")  # fmt: skip
        if not known and name.startswith(("x-ms-", "if-")):
            raise not_modelled(f"the header {name} of {method} {what.strip() or level}")
    return found


def _allowed(ask: Ask, principal: str, action: str) -> bool:
    scope = ask.account["id"]
    if ask.container:
        scope += f"/blobServices/default/containers/{ask.container}"
    data = action.startswith("containers/blobs/")
    return rights.allowed(ask.state, principal, scope, f"{rights.BLOBS}/{action}", data)
