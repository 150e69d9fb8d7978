"""Microsoft Graph (graph.microsoft.com), as far as an application reads mail and lists domains: `handle` takes a request.

Shapes are those of learn.microsoft.com/graph/api (message-delta, message-get, message-move, mailfolder-list-childfolders);
errors those that users meet (microsoftgraph/microsoft-graph-docs 2350, 2162, 10481). None was compared with a real tenant.
"""

import base64
import json
import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlencode

from sandbox.arm import tokens
from sandbox.arm.errors import ArmError
from sandbox.graph import domains
from sandbox.state import State

HOST = "graph.microsoft.com"
FOLDERS = {"msgfolderroot": "Top of Information Store", "inbox": "Inbox", "archive": "Archive", "deleteditems": "Deleted Items", "junkemail": "Junk Email"}  # fmt: skip
DIRECTORY = re.compile(
    r"/v1\.0/(servicePrincipals|directoryObjects|users\Z|groups\Z)"
)  # not shown to just any application
READ, WRITE = "Mail.Read", "Mail.ReadWrite"
PAGE, LARGEST = 10, 1000  # messages of a page by default, and at most


@dataclass
class Ask:
    """One request.

    :param path: what comes after the mailbox; its groups.
    """

    state: State
    mailbox: str
    query: dict[str, str]
    headers: dict[str, str]
    body: dict[str, Any]
    path: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def preferences(self) -> dict[str, str]:
        """`Prefer` (RFC 7240), by name in lower case."""
        given = (each.partition("=") for each in self.headers.get("prefer", "").split(","))
        return {name.strip().lower(): value.strip().strip('"') for name, _, value in given if name.strip()}

    @property
    def immutable(self) -> bool:
        """Whether ids are asked for that stay when a message is moved."""
        return self.preferences.get("idtype", "").lower() == "immutableid"


class GraphError(Exception):
    """An error answer: status, code, message, further headers."""

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.headers = status, code, message, headers or {}


@dataclass
class Answer:
    """What comes back; a body of bytes is the message itself."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict[str, str])


Handler = Callable[[Ask], Answer]


def ordered(status: int) -> Answer:
    """An error that was ordered by `python -m sandbox fault`, as Graph says it."""
    code, message = {
        401: ("InvalidAuthenticationToken", "Lifetime validation failed, the token is expired."),
        403: ("ErrorAccessDenied", "Access is denied. Check credentials and try again."),
        410: ("SyncStateNotFound", "The sync state generation is not found; generation=149;[highest=157][157][155][156]."),
        429: ("ApplicationThrottled", "Application is over its MailboxConcurrency limit."),
        500: ("ErrorMimeContentConversionFailed", "The MIME content conversion failed."),  # of a corrupt message
        503: ("ServiceNotAvailable", "The service is temporarily unavailable."),
    }.get(status, ("UnknownError", ""))  # fmt: skip
    return _error(GraphError(status, code, message, {"Retry-After": "1"} if status in (429, 503) else None))


def handle(
    state: State, method: str, path: str, query: dict[str, str], headers: dict[str, str], body: bytes
) -> Answer:
    """One request.

    :param path: as it was sent, still encoded.
    :param headers: by name in lower case.
    """
    try:
        _sign_in(state, headers.get("authorization", ""))
        if DIRECTORY.match(path):
            raise GraphError(
                403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation."
            )
        if (method, path) == ("GET", "/v1.0/domains"):
            return _domains(state, query)
        match = re.fullmatch(r"/v1\.0/users/([^/]+)(/.*)", path)
        if not match:
            raise _not_modelled(f"{method} {path}")
        for wanted, pattern, permission, known, handler in ROUTES:
            found = re.fullmatch(pattern, match[2], re.IGNORECASE)
            if not found or wanted != method:
                continue
            for name in query.keys() - known:
                raise _not_modelled(f"the query parameter {name} of {method} {path}")
            mailbox = _mailbox(state, unquote(match[1]), permission)
            parts = {name: unquote(value) for name, value in found.groupdict().items()}
            return handler(Ask(state, mailbox, query, headers, json.loads(body) if body else {}, parts))
        raise _not_modelled(f"{method} {path}")
    except GraphError as error:
        return _error(error)


def make_mailbox(state: State, address: str, allowed: str = READ) -> None:
    """A mailbox, and what the application may do there: `Mail.Read`, `Mail.ReadWrite`, or "" for nothing."""
    address = address.lower()
    if not state.db.execute("SELECT 1 FROM mailboxes WHERE address = ?", (address,)).fetchone():
        root = _make_folder(state, address, 0, FOLDERS["msgfolderroot"])
        for known, name in FOLDERS.items():
            if known != "msgfolderroot":
                _make_folder(state, address, root, name)
    state.db.execute("INSERT OR REPLACE INTO mailboxes VALUES (?, ?)", (address, allowed))


def make_folder(state: State, address: str, name: str) -> int:
    """A folder beside the inbox; its number. One that is there is taken."""
    root = _well_known(state, address.lower(), "msgfolderroot")
    row = state.db.execute("SELECT id FROM mail_folders WHERE parent = ? AND name = ?", (root, name)).fetchone()
    return row[0] if row else _make_folder(state, address.lower(), root, name)


def deliver(state: State, address: str, *mails: bytes, folder: str = "") -> None:
    """Mails arrive.

    :param folder: beside the inbox; "" for the inbox.
    """
    address = address.lower()
    where = make_folder(state, address, folder) if folder else _well_known(state, address, "inbox")
    state.db.execute("BEGIN")
    for mail in mails:
        made = state.db.execute(
            "INSERT INTO messages (mailbox, folder, mime) VALUES (?, ?, ?) RETURNING id", (address, where, mail)
        ).fetchone()[0]
        _changed(state, where, made, gone=False)
    state.db.execute("COMMIT")


def messages(state: State, address: str, folder: str = "Inbox") -> list[bytes]:
    """What a folder holds."""
    rows = state.db.execute(
        "SELECT mime FROM messages m JOIN mail_folders f ON f.id = m.folder WHERE m.mailbox = ? AND f.name = ? ORDER BY m.id",
        (address.lower(), folder),
    )
    return [mime for (mime,) in rows.fetchall()]


def _domains(state: State, query: dict[str, str]) -> Answer:
    if query:
        raise _not_modelled(f"the query parameters {', '.join(query)} of GET /domains")
    if not domains.allowed(state):
        raise GraphError(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
    return Answer(
        200, {"@odata.context": f"https://{HOST}/v1.0/$metadata#domains", "value": domains.all_of(state)}
    )


def _child_folders(ask: Ask) -> Answer:
    parent = _folder(ask)
    rows = ask.state.db.execute(
        "SELECT id, name FROM mail_folders WHERE parent = ? ORDER BY id", (parent,)
    ).fetchall()
    if given := ask.query.get("$filter"):
        match = re.fullmatch(r"displayName eq '((?:[^']|'')*)'", given)
        if not match:
            raise _not_modelled(f"the filter {given}")
        wanted = match[1].replace("''", "'").lower()
        rows = [row for row in rows if row[1].lower() == wanted]
    found = [
        {"id": _folder_id(id_), "displayName": name, "parentFolderId": _folder_id(parent)} for id_, name in rows
    ]
    if selected := ask.query.get("$select"):
        found = [{name: each[name] for name in selected.split(",")} for each in found]
    return Answer(200, {"@odata.context": f"https://{HOST}/v1.0/$metadata#mailFolders", "value": found})


def _delta(ask: Ask) -> Answer:
    folder = _folder(ask)
    token = ask.query.get("$skiptoken") or ask.query.get("$deltatoken")
    if token:
        after, selected, asked = _token(token)
        if asked != folder:
            raise GraphError(400, "ErrorInvalidUrlQuery", "The sync token is not of this folder.")
    else:
        after, selected = 0, ask.query.get("$select", "")
        if selected != "id":
            raise _not_modelled("a delta of other properties than id")
    size = min(int(ask.preferences.get("odata.maxpagesize", PAGE)), LARGEST)
    rows = ask.state.db.execute(
        "SELECT id, message, gone FROM mail_changes WHERE folder = ? AND id > ? ORDER BY id LIMIT ?",
        (folder, after, size + 1),
    ).fetchall()
    more, rows = len(rows) > size, rows[:size]
    value: list[dict[str, Any]] = []
    for _, message, gone in rows:
        id_ = _message_id(message, folder, ask.immutable)
        if gone and token:
            value.append({"@removed": {"reason": "deleted"}, "id": id_})
        elif not gone and _there(ask.state, message, folder):
            value.append({"@odata.etag": f'W/"CQAAABYAAA{message}"', "id": id_})
    last = rows[-1][0] if rows else after
    base = f"https://{HOST}/v1.0/users/{ask.mailbox}/mailFolders/{ask.path['folder']}/messages/delta"
    name = "next" if more else "delta"
    link = f"{base}?{urlencode({'$skiptoken' if more else '$deltatoken': _new_token(last, selected, folder)}, safe='$')}"
    body = {"@odata.context": f"https://{HOST}/v1.0/$metadata#Collection(message)", f"@odata.{name}Link": link, "value": value}  # fmt: skip
    return Answer(200, body, {"Preference-Applied": f"odata.maxpagesize={size}"})


def _value(ask: Ask) -> Answer:
    return Answer(200, _message(ask)[2], {"Content-Type": "text/plain"})


def _move(ask: Ask) -> Answer:
    message, folder, _ = _message(ask)
    target = _folder(Ask(ask.state, ask.mailbox, {}, {}, {}, {"folder": str(ask.body.get("destinationId", ""))}))
    ask.state.db.execute("UPDATE messages SET folder = ? WHERE id = ?", (target, message))
    _changed(ask.state, folder, message, gone=True)
    _changed(ask.state, target, message, gone=False)
    return Answer(201, {"id": _message_id(message, target, ask.immutable), "parentFolderId": _folder_id(target)})


FOLDER, MESSAGE = r"/mailFolders/(?P<folder>[^/]+)", r"/messages/(?P<message>[^/]+)"
ROUTES: list[tuple[str, str, str, set[str], Handler]] = [
    ("GET", rf"{FOLDER}/childFolders", READ, {"$filter", "$select"}, _child_folders),
    ("GET", rf"{FOLDER}/messages/delta(?:\(\))?", READ, {"$select", "$skiptoken", "$deltatoken"}, _delta),
    ("GET", rf"{MESSAGE}/\$value", READ, set(), _value),
    ("POST", rf"{MESSAGE}/move", WRITE, set(), _move),
]


def _sign_in(state: State, authorization: str) -> None:
    try:
        tokens.check(state, authorization, tokens.GRAPH)
    except ArmError as error:
        message = {
            "InvalidAuthenticationTokenAudience": "Access token validation failure. Invalid audience.",
            "ExpiredAuthenticationToken": "Lifetime validation failed, the token is expired.",
        }.get(error.code, "Access token is empty." if not authorization else "CompactToken parsing failed with error code: 80049217")  # fmt: skip
        challenge = {"WWW-Authenticate": 'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", client_id="00000003-0000-0000-c000-000000000000"'}  # fmt: skip
        raise GraphError(401, "InvalidAuthenticationToken", message, challenge) from None


def _mailbox(state: State, address: str, permission: str) -> str:
    row = state.db.execute("SELECT allowed FROM mailboxes WHERE address = ?", (address.lower(),)).fetchone()
    if not row:
        raise GraphError(404, "ErrorInvalidUser", f"The requested user '{address}' is invalid.")
    if row[0] not in (permission, WRITE):
        raise GraphError(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
    return address.lower()


def _make_folder(state: State, address: str, parent: int, name: str) -> int:
    made = "INSERT INTO mail_folders (mailbox, parent, name) VALUES (?, ?, ?) RETURNING id"
    return state.db.execute(made, (address, parent, name)).fetchone()[0]


def _well_known(state: State, address: str, known: str) -> int:
    found = "SELECT id FROM mail_folders WHERE mailbox = ? AND name = ? ORDER BY id"
    return state.db.execute(found, (address, FOLDERS[known])).fetchone()[0]


def _folder(ask: Ask) -> int:
    given = ask.path["folder"]
    if given.lower() in FOLDERS:
        return _well_known(ask.state, ask.mailbox, given.lower())
    kind, numbers = _opened(given)
    row = ask.state.db.execute("SELECT id FROM mail_folders WHERE id = ? AND mailbox = ?", (numbers[0], ask.mailbox)).fetchone()  # fmt: skip
    if kind != "folder" or not row:
        raise GraphError(404, "ErrorItemNotFound", "The specified object was not found in the store., The process failed to get the correct properties.")  # fmt: skip
    return row[0]


def _message(ask: Ask) -> tuple[int, int, bytes]:
    kind, numbers = _opened(ask.path["message"])
    row = ask.state.db.execute("SELECT id, folder, mime FROM messages WHERE id = ? AND mailbox = ?", (numbers[0], ask.mailbox)).fetchone()  # fmt: skip
    if kind not in ("message", "immutable") or not row or (kind == "message" and row[1] != numbers[1]):
        raise GraphError(404, "ErrorItemNotFound", "The specified object was not found in the store.")
    return row


def _there(state: State, message: int, folder: int) -> bool:
    return bool(
        state.db.execute("SELECT 1 FROM messages WHERE id = ? AND folder = ?", (message, folder)).fetchone()
    )


def _changed(state: State, folder: int, message: int, gone: bool) -> None:
    state.db.execute("INSERT INTO mail_changes (folder, message, gone) VALUES (?, ?, ?)", (folder, message, gone))


def _folder_id(number: int) -> str:
    return _closed("folder", number)


def _message_id(number: int, folder: int, immutable: bool) -> str:
    return _closed("immutable", number) if immutable else _closed("message", number, folder)


def _closed(kind: str, *numbers: int) -> str:
    """An id: nothing to read, as long as a real one, with its characters."""
    text = json.dumps([kind, *numbers]).ljust(90)
    return "AAMk" + base64.urlsafe_b64encode(text.encode()).decode() + "AAA="


def _opened(id_: str) -> tuple[str, list[int]]:
    try:
        kind, *numbers = json.loads(base64.urlsafe_b64decode(id_.removeprefix("AAMk").removesuffix("AAA=")))
        return str(kind), [int(each) for each in numbers]
    except ValueError:
        raise GraphError(400, "ErrorInvalidIdMalformed", "Id is malformed.") from None


def _new_token(after: int, selected: str, folder: int) -> str:
    return base64.urlsafe_b64encode(json.dumps([after, selected, folder]).encode()).decode()


def _token(given: str) -> tuple[int, str, int]:
    try:
        after, selected, folder = json.loads(base64.urlsafe_b64decode(given))
        return int(after), str(selected), int(folder)
    except ValueError:
        raise GraphError(410, "SyncStateNotFound", "The sync state is not found.") from None


def _not_modelled(what: str) -> GraphError:
    return GraphError(501, "SandboxNotModelled", f"the local Azure does not model {what}")


def _error(error: GraphError) -> Answer:
    id_ = str(uuid.uuid4())
    inner = {
        "date": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()),
        "request-id": id_,
        "client-request-id": id_,
    }
    return Answer(
        error.status, {"error": {"code": error.code, "message": error.message, "innerError": inner}}, error.headers
    )
