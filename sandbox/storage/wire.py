"""A request to the data plane of Azure Storage, what it answers, and its errors.

learn.microsoft.com/rest/api/storageservices: "Common REST API error codes", "Blob service error codes".
"""

import time
import uuid
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from sandbox.state import State

MESSAGES = {
    "AccountRequiresHttps": "The account being accessed does not support http.",
    "AuthorizationFailure": "This request is not authorized to perform this operation.",
    "AuthorizationPermissionMismatch": "This request is not authorized to perform this operation using this permission.",
    "BlobAlreadyExists": "The specified blob already exists.",
    "BlobNotFound": "The specified blob does not exist.",
    "ConditionNotMet": "The condition specified using HTTP conditional header(s) is not met.",
    "ContainerAlreadyExists": "The specified container already exists.",
    "ContainerNotFound": "The specified container does not exist.",
    "InternalError": "The server encountered an internal error. Please retry the request.",
    "InvalidAuthenticationInfo": "Server failed to authenticate the request. Please refer to the information in the www-authenticate header.",
    "InvalidBlockList": "The specified block list is invalid.",
    "InvalidHeaderValue": "The value for one of the HTTP headers is not in the correct format.",
    "InvalidQueryParameterValue": "Value for one of the query parameters specified in the request URI is invalid.",
    "InvalidRange": "The range specified is invalid for the current size of the resource.",
    "InvalidResourceName": "The specified resource name contains invalid characters.",
    "InvalidXmlDocument": "XML specified is not syntactically valid.",
    "InvalidXmlNodeValue": "The value for one of the XML nodes is not in the correct format.",
    "KeyBasedAuthenticationNotPermitted": "Key based authentication is not permitted on this storage account.",
    "Md5Mismatch": "The MD5 value specified in the request did not match with the MD5 value calculated by the server.",
    "MissingRequiredHeader": "An HTTP header that's mandatory for this request is not specified.",
    "MissingRequiredQueryParameter": "A query parameter that's mandatory for this request is not specified.",
    "NoAuthenticationInformation": "Server failed to authenticate the request. Please refer to the information in the www-authenticate header.",
    "PublicAccessNotPermitted": "Public access is not permitted on this storage account.",
    "ResourceNotFound": "The specified resource does not exist.",
    "ServerBusy": "The server is currently unable to receive requests. Please retry your request.",
    "UnsupportedHttpVerb": "The resource doesn't support specified Http Verb.",
    "UnsupportedXmlNode": "One of the XML nodes specified in the request body is not supported.",
    "WebContentNotFound": "The requested content does not exist.",
}  # fmt: skip


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
class Reply:
    """What comes back; of a HEAD, the server leaves the body out."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict[str, str])


class BlobError(Exception):
    """An error answer: status and code, message where it isn't the code's own, further headers."""

    def __init__(self, status: int, code: str, message: str = "", headers: dict[str, str] | None = None) -> None:
        super().__init__(code)
        self.status, self.code, self.message, self.headers = status, code, message or MESSAGES[code], headers or {}

    def reply(self, id_: str = "") -> Reply:
        """As the blob endpoint says it.

        :param id_: the request's.
        """
        text = f"{escape(self.message)}\nRequestId:{id_ or uuid.uuid4()}\nTime:{utc()}"
        body = f'\ufeff<?xml version="1.0" encoding="utf-8"?><Error><Code>{self.code}</Code><Message>{text}</Message></Error>'
        headers = {"x-ms-error-code": self.code, "Content-Type": "application/xml", **self.headers}
        return Reply(self.status, b"" if self.status == 304 else body.encode(), headers)

    def page(self) -> Reply:
        """As the website endpoint says it."""
        items = {"HttpStatusCode": self.status, "ErrorCode": self.code, "RequestId ": uuid.uuid4(), "TimeStamp ": utc()}  # fmt: skip
        listed = "".join(f"<li>{name}: {value}</li>" for name, value in items.items())
        body = f"<!DOCTYPE html><html><head><title>{self.code}</title></head><body><h1>{escape(self.message)}</h1><p><ul>{listed}</ul></p></body></html>"
        return Reply(self.status, body.encode(), {"x-ms-error-code": self.code, "Content-Type": "text/html"})


def not_modelled(what: str) -> BlobError:
    """What this local Azure leaves out; said by name."""
    return BlobError(501, "SandboxNotModelled", f"the local Azure does not model {what}")


def ordered(status: int) -> BlobError:
    """An error that was ordered by `python -m sandbox fault`."""
    code = {403: "AuthorizationPermissionMismatch", 404: "ResourceNotFound", 429: "ServerBusy", 503: "ServerBusy"}
    headers = {"Retry-After": "1"} if status in (429, 503) else {}
    return BlobError(status, code.get(status, "InternalError"), headers=headers)


def xml(status: int, root: ElementTree.Element) -> Reply:
    """An answer in XML, with the mark that Azure Storage begins it with."""
    text = '\ufeff<?xml version="1.0" encoding="utf-8"?>' + ElementTree.tostring(root, encoding="unicode")
    return Reply(status, text.encode(), {"Content-Type": "application/xml"})


def new_etag() -> str:
    """An ETag that nothing had before."""
    return f'"0x8D{uuid.uuid4().hex[:12].upper()}"'


def utc() -> str:
    """Now, as Azure Storage writes it in errors."""
    return time.strftime("%Y-%m-%dT%H:%M:%S.0000000Z", time.gmtime())
