"""A folder of a mailbox in Exchange Online, by Microsoft Graph: `graph://MAILBOX[/FOLDER]`.

The folder's messages are listed by their delta (learn.microsoft.com/graph/delta-query-messages), whose link is the
cursor; each message is fetched as it was sent (`$value`). Of these requests none changes anything. A link that Exchange
has forgotten (410, or syncStateNotFound) begins the list anew: what is known already counts no second time.

One request at a time: an application may make 10,000 in ten minutes of one mailbox (learn.microsoft.com/graph/throttling-limits).
Where it must wait, Graph says so (429, Retry-After), and azure.core's RetryPolicy does.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote

from checks import azure
from checks.reading import Broken
from checks.shown import shown
from checks.sources import TOO_LARGE, Knows, Mail, Reached, UnreadError
from checks.unpacking import FILE
from policy import UserError
from provider.azure import signed_in

GRAPH = "https://graph.microsoft.com"
SCOPE = f"{GRAPH}/.default"
PAGE = 100  # messages, and so between two cursors
DEEPEST = 10  # folders within each other
# Ids that stay the same when a message is moved (learn.microsoft.com/graph/outlook-immutable-id).
PREFER = f'odata.maxpagesize={PAGE}, IdType="ImmutableId"'
GONE = ("syncstatenotfound", "syncstateinvalid", "resyncrequired")
# learn.microsoft.com/graph/api/resources/mailfolder: names that are the same in every language
WELL_KNOWN = ("archive", "deleteditems", "inbox", "junkemail", "msgfolderroot", "recoverableitemsdeletions")
NAMED = 10  # folders, where the wanted one isn't there
# learn.microsoft.com/exchange/client-developer/web-service-reference/responsecode: it is the message, not the service
CORRUPT = ("errorcontentconversionfailed", "errorcorruptdata", "erroritemcorrupt", "errormimecontentconversionfailed", "errormimecontentinvalid")  # fmt: skip
ALLOW = "the application needs {} for this mailbox (docs/reports.md)"


class _GoneError(Exception):
    """The link leads nowhere any more."""


@dataclass(frozen=True)
class Mailbox:
    """One folder.

    :param folder: by its well-known name, or by the names that Outlook shows: `Inbox/TLS reports`.
    :param move_to: the folder that messages go to once their reports are kept; "" leaves them alone.
    """

    mailbox: str
    folder: str
    move_to: str = ""

    @property
    def name(self) -> str:
        """As it is called in messages, and its cursor in the history."""
        return f"graph://{self.mailbox}/{self.folder}"

    def read(self, cursor: Any, knows: Knows) -> Iterator[Mail | Broken | Reached]:
        """See `Source`. The cursor: `{"link": …, "move": [id, …]}`.

        `move` are messages whose reports are kept, and that are still to be moved.
        """
        with _Client(self) as client:
            given: Any = cursor or {}
            link = str(given.get("link") or "")
            moving: list[str] = list(given.get("move") or [])
            target = client.folder(self.move_to) if self.move_to else ""
            beginning = ""
            while True:
                if not link:
                    beginning = link = f"{client.folder_url(client.folder(self.folder))}/messages/delta?$select=id"
                try:
                    page = client.json("GET", link)
                except _GoneError:
                    if link == beginning:
                        raise UnreadError(f"{self.name}: Exchange has lost the list of messages again and again; try later") from None  # fmt: skip
                    link = ""
                    continue
                messages: list[dict[str, Any]] = page.get("value") or []
                for id_ in [str(message["id"]) for message in messages if "@removed" not in message]:
                    if knows(id_):  # it was changed, marked as read say; or the list began anew
                        moving += [id_] if self.move_to else []
                    elif found := client.mail(id_):
                        yield found
                        if self.move_to and isinstance(found, Mail) and found.read:
                            moving.append(id_)
                before, link = link, str(page.get("@odata.nextLink") or page.get("@odata.deltaLink") or "")
                if not link:
                    raise UnreadError(f"{self.name}: Graph's list doesn't say how it goes on")
                if link != before or messages:
                    yield _reached(link, moving)
                if moving and target:
                    for each in moving:
                        client.move(each, target)
                    moving = []
                    yield _reached(link, moving)
                if "@odata.nextLink" not in page:
                    return


class _Client:
    """Graph, signed in to."""

    def __init__(self, mailbox: Mailbox) -> None:
        from azure.core import PipelineClient
        from azure.core.pipeline.policies import BearerTokenCredentialPolicy, RetryPolicy

        self.mailbox = mailbox
        try:
            credential = signed_in()
        except UserError as error:
            raise UnreadError(f"{mailbox.name}: {error}") from None
        policies: list[Any] = [RetryPolicy(retry_status=10), BearerTokenCredentialPolicy(credential, SCOPE)]
        self._client: Any = cast(Any, PipelineClient)(GRAPH, policies=policies, **azure.options())
        self._user = f"{GRAPH}/v1.0/users/{quote(mailbox.mailbox, safe='@')}"

    def __enter__(self) -> "_Client":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def folder_url(self, id_: str) -> str:
        """Where a folder is."""
        return f"{self._user}/mailFolders/{quote(id_, safe='')}"

    def folder(self, path: str) -> str:
        """The id, or well-known name, of a folder.

        :raises UnreadError: there is none.
        """
        first, *rest = path.split("/")[:DEEPEST]
        found, names = (first.lower(), rest) if first.lower() in WELL_KNOWN else ("msgfolderroot", [first, *rest])
        for name in names:
            wanted = quote(name.replace("'", "''"), safe="")  # OData's way to write a quote within a text
            below = f"{self.folder_url(found)}/childFolders?$select=id,displayName"
            page = self.json("GET", f"{below}&$filter=displayName eq '{wanted}'")
            if not (page.get("value") or []):
                folders: list[dict[str, Any]] = self.json("GET", below).get("value") or []
                there = ", ".join(str(each["displayName"]) for each in folders[:NAMED])
                raise UnreadError(f"{self.mailbox.name}: there is no folder {shown(path)}; there are {shown(there or 'none')}")  # fmt: skip
            found = str(page["value"][0]["id"])
        return found

    def mail(self, id_: str) -> Mail | Broken | None:
        """A message as it was sent; None where it is gone meanwhile."""
        where = f"{self.mailbox.name}, message …{id_[-16:]}"
        answer = self._send("GET", f"{self._user}/messages/{quote(id_, safe='')}/$value", stream=True)
        try:
            if answer.status_code == 404:
                return None
            if answer.status_code >= 400:
                return Broken(where, f"can't be had: Exchange answers {shown(_error(answer))}")
            if int(answer.headers.get("Content-Length") or 0) > FILE:
                return Broken(where, TOO_LARGE)
            data = bytearray()
            with self._told():
                for chunk in answer.iter_bytes():
                    data += chunk
                    if len(data) > FILE:
                        return Broken(where, TOO_LARGE)
            return Mail(where, bytes(data), id_)
        finally:
            answer.close()

    def move(self, id_: str, to: str) -> None:
        """Into a folder; a message that is gone is no trouble."""
        self._send("POST", f"{self._user}/messages/{quote(id_, safe='')}/move", {"destinationId": to}).close()

    def json(self, method: str, url: str) -> Any:
        """An answer.

        :raises UnreadError: there is no such thing, it isn't allowed, or Graph can't be reached.
        :raises _GoneError: the link is forgotten.
        """
        answer = self._send(method, url)
        if answer.status_code == 404:
            error = _error(answer)
            if "token=" in url and error.lower() == "erroritemnotfound":
                raise _GoneError  # of a folder that was deleted, and perhaps made anew
            if error.lower() in ("errorinvaliduser", "resourcenotfound", "request_resourcenotfound", "mailboxnotenabledforrestapi"):  # fmt: skip
                raise UnreadError(f"{self.mailbox.name}: there is no mailbox {shown(self.mailbox.mailbox)} in Exchange Online ({shown(error)})")  # fmt: skip
            raise UnreadError(
                f"{self.mailbox.name}: there is no folder {shown(self.mailbox.folder)} ({shown(error)})"
            )
        try:
            return dict(answer.json())
        except (ValueError, TypeError):
            raise UnreadError(f"{self.mailbox.name}: the answer isn't JSON; is there a proxy that wants a sign-in?") from None  # fmt: skip

    def _send(self, method: str, url: str, body: Any = None, stream: bool = False) -> Any:
        """An answer of 2xx or 404, or one that says that the message is corrupt.

        :raises UnreadError: or the URL leads elsewhere, where the sign-in must not go.
        """
        from azure.core.rest import HttpRequest

        if not url.startswith(f"{GRAPH}/v1.0/users"):
            raise UnreadError(f"{self.mailbox.name}: what was kept of the last run leads to {shown(url, longest=60)}, and the sign-in isn't sent there")  # fmt: skip
        needed = ALLOW.format("Mail.ReadWrite" if method == "POST" else "Mail.Read")
        with azure.told(self.mailbox.name, needed, UnreadError):
            answer = self._client.send_request(
                HttpRequest(method, url, json=body, headers={"Prefer": PREFER}), stream=stream
            )
            if answer.status_code >= 400:
                answer.read()
                if answer.status_code == 410 or _error(answer).lower() in GONE:
                    raise _GoneError
                if answer.status_code != 404 and not (stream and _error(answer).lower() in CORRUPT):
                    answer.raise_for_status()
            return answer

    def _told(self) -> Any:
        return azure.told(self.mailbox.name, ALLOW.format("Mail.Read"), UnreadError)


def _reached(link: str, moving: list[str]) -> Reached:
    return Reached({"link": link, **({"move": moving} if moving else {})}, sure=bool(moving))


def _error(answer: Any) -> str:
    """The code in an error's body."""
    try:
        return str(answer.json()["error"]["code"])
    except (ValueError, KeyError, TypeError):
        return ""
