"""A folder on an IMAP server (RFC 9051): `imaps://user@host[:port]/FOLDER`.

It is opened by EXAMINE and read by BODY.PEEK[]: nothing changes in it, not even what was read. The cursor is UIDVALIDITY
and the last UID (RFC 9051 2.3.1.1); with another UIDVALIDITY the folder is read anew.
"""

import os
import ssl
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from imapclient import IMAPClient  # pyright: ignore[reportMissingTypeStubs]
from imapclient.exceptions import (  # pyright: ignore[reportMissingTypeStubs]
    CapabilityError,
    IMAPClientAbortError,
    IMAPClientError,
    LoginError,
)

from checks import azure
from checks.reading import Broken
from checks.shown import shown
from checks.sources import PASSWORD, TOO_LARGE, Knows, Mail, Reached, UnreadError
from checks.unpacking import FILE
from policy import UserError
from provider.azure import signed_in

SCOPE = "https://outlook.office365.com/.default"  # learn.microsoft.com/exchange/client-developer/legacy-protocols
PATIENCE = 60.0  # seconds for one answer
WINDOW, WIDEST = 500, 50_000  # UIDs that are asked about at once; more where few of them are there
TOGETHER = 4 * 1024 * 1024  # bytes of mails that are fetched at once
KEEP = 200  # mails between two cursors
NAMED = 10  # folders, where the wanted one isn't there
SIZE, BODY = b"RFC822.SIZE", b"BODY[]<0>"
Found = Mail | Broken


@dataclass(frozen=True)
class Folder:
    """One folder.

    :param move_to: the folder that mails go to once their reports are kept; "" leaves them alone.
    :param oauth: sign in by Entra ID (XOAUTH2), not by a password.
    """

    user: str
    host: str
    port: int
    folder: str
    move_to: str = ""
    oauth: bool = False

    @property
    def name(self) -> str:
        """As it is called in messages, and its cursor in the history."""
        port = "" if self.port == 993 else f":{self.port}"
        return f"imaps://{self.user}@{self.host}{port}/{self.folder}"

    def read(self, cursor: Any, knows: Knows) -> Iterator[Mail | Broken | Reached]:
        """See `Source`. The cursor: `{"uidvalidity": …, "uid": …, "move": [uid, …]}`.

        `move` are mails whose reports are kept, and that are still to be moved.
        """
        with self._told():
            client = self._client()
            try:
                yield from self._read(client, cursor or {})
            finally:
                with suppress(IMAPClientError, OSError):
                    client.logout()

    def _client(self) -> Any:
        secret = self._secret()
        context = ssl.create_default_context(cafile=os.environ.get("SSL_CERT_FILE") or None)
        client: Any = IMAPClient(self.host, self.port, ssl=True, ssl_context=context, timeout=PATIENCE)
        try:
            if self.oauth:
                client.oauth2_login(self.user, secret)
            elif client.has_capability("AUTH=PLAIN"):  # which takes any password; LOGIN takes ASCII alone
                client.plain_login(self.user, secret)
            else:
                client.login(self.user, secret)
        except BaseException:
            client.shutdown()
            raise
        return client

    def _secret(self) -> str:
        if not self.oauth:
            if password := os.environ.get(PASSWORD):
                return password
            raise UnreadError(f"{self.name}: set {PASSWORD} to the password, or use --imap-oauth")
        try:
            with azure.told(self.name, "the application needs IMAP.AccessAsApp (docs/reports.md)", UnreadError):
                return signed_in().get_token(SCOPE).token
        except UnreadError:
            raise
        except UserError as error:
            raise UnreadError(f"{self.name}: {error}") from None

    def _read(self, client: Any, cursor: dict[str, Any]) -> Iterator[Mail | Broken | Reached]:
        if self.move_to:
            self._can_move(client)
        validity, end = self._examine(client)
        if cursor.get("uidvalidity") != validity:
            cursor = {}
        last, since = int(cursor.get("uid", 0)), 0
        moving: list[int] = list(cursor.get("move", []))
        for uid, found in self._after(client, last, end):
            if found:
                yield found
            if self.move_to and isinstance(found, Mail) and found.read:
                moving.append(uid)
            last, since = uid, since + 1
            if since == KEEP:
                yield self._reached(validity, last, moving)
                since, moving = 0, self._move(client, moving, validity)
        if since or not cursor:
            yield self._reached(validity, last, moving)
        if moving and not (moving := self._move(client, moving, validity)):
            yield self._reached(validity, last, moving)

    def _reached(self, validity: int, uid: int, moving: list[int]) -> Reached:
        cursor = {"uidvalidity": validity, "uid": uid, **({"move": moving} if moving else {})}
        return Reached(cursor, sure=bool(self.move_to and moving))

    def _examine(self, client: Any, readonly: bool = True) -> tuple[int, int]:
        """UIDVALIDITY, and the UID that the next mail will have."""
        try:
            found = client.select_folder(self.folder, readonly=readonly)
        except IMAPClientError as error:
            raise UnreadError(f"{self.name}: there is no such folder, or it can't be opened ({_why(error)}); there are {_folders(client)}") from None  # fmt: skip
        return int(found[b"UIDVALIDITY"]), int(found.get(b"UIDNEXT") or 1 << 32)

    def _after(self, client: Any, last: int, end: int) -> Iterator[tuple[int, Found | None]]:
        """The mails after a UID, in order, and how far there are no more of them."""
        width = WINDOW
        while last + 1 < end:
            upto = min(last + width, end - 1)
            uids = sorted(uid for uid in client.search(["UID", f"{last + 1}:{upto}"]) if last < uid <= upto)
            for at in range(0, len(uids), WINDOW):
                asked = uids[at : at + WINDOW]
                told = client.fetch(asked, [SIZE])
                sizes = {uid: int(told.get(uid, {}).get(SIZE, 0)) for uid in asked}
                for group in _groups(sizes):
                    yield from self._fetched(client, group, sizes)
            if upto not in uids:
                yield upto, None
            last = upto
            width = WINDOW if len(uids) > WINDOW // 10 else min(width * 2, WIDEST)

    def _fetched(self, client: Any, uids: list[int], sizes: dict[int, int]) -> Iterator[tuple[int, Found | None]]:
        wanted = [uid for uid in uids if sizes[uid] <= FILE]
        bodies = self._bodies(client, wanted)
        for uid in uids:
            where = f"{self.name}, mail {uid}"
            if uid not in wanted:
                yield uid, Broken(where, TOO_LARGE)
            elif uid in bodies:
                body = bodies.pop(uid)
                yield (
                    uid,
                    Broken(where, "can't be had: the server refuses it") if body is None else Mail(where, body),
                )
            else:
                yield uid, None  # somebody else has taken it away meanwhile

    def _bodies(self, client: Any, uids: list[int]) -> dict[int, bytes | None]:
        """Mails by UID; None for one that the server refuses while it gives others, or says to be corrupt (RFC 5530 3)."""

        def fetched(some: list[int]) -> dict[int, bytes | None]:
            # No more than that, whatever the size was said to be.
            found: dict[int, Any] = client.fetch(some, [f"BODY.PEEK[]<0.{FILE + 1}>"]) if some else {}
            return {uid: data[BODY] or b"" for uid, data in found.items() if BODY in data}

        try:
            return fetched(uids)
        except IMAPClientAbortError:  # the connection
            raise
        except IMAPClientError as error:
            if len(uids) == 1 and "CORRUPTION" in str(error):
                return {uids[0]: None}
            bodies: dict[int, bytes | None] = {}
            for uid in uids if len(uids) > 1 else ():
                try:
                    bodies |= fetched([uid])
                except IMAPClientAbortError:
                    raise
                except IMAPClientError:
                    bodies[uid] = None
            if not any(bodies.values()):
                raise
            return bodies

    def _can_move(self, client: Any) -> None:
        """:raises UnreadError: mails can't be moved there, or not without harm to others."""
        if not client.folder_exists(self.move_to):
            raise UnreadError(f"{self.name}: --move-to: there is no folder {shown(self.move_to)}; create it first; there are {_folders(client)}")  # fmt: skip
        if not (client.has_capability("MOVE") or client.has_capability("UIDPLUS")):
            raise UnreadError(f"{self.name}: --move-to: the server knows neither MOVE nor UIDPLUS, without which other deleted mails would go too")  # fmt: skip

    def _move(self, client: Any, uids: list[int], validity: int) -> list[int]:
        """RFC 6851; where that is missing, by UID EXPUNGE (RFC 4315), which takes these mails alone.

        :returns: those that are still to be moved.
        """
        if not self.move_to or not uids:
            return uids
        if self._examine(client, readonly=False)[0] == validity:
            if client.has_capability("MOVE"):
                client.move(uids, self.move_to)
            else:
                client.copy(uids, self.move_to)
                client.add_flags(uids, [rb"\Deleted"], silent=True)
                client.uid_expunge(uids)
        self._examine(client)
        return []

    @contextmanager
    def _told(self) -> Generator[None]:
        """:raises UnreadError: the server's trouble, in one line."""
        try:
            yield
        except LoginError as error:
            hint = "does the application have IMAP.AccessAsApp, and access to the mailbox?" if self.oauth else f"check {PASSWORD}"  # fmt: skip
            raise UnreadError(f"{self.name}: the server refuses the sign-in ({_why(error)}); {hint}") from None
        except ssl.SSLCertVerificationError as error:
            raise UnreadError(f"{self.name}: the server's certificate isn't trusted: {error.verify_message}; name its authority in SSL_CERT_FILE") from None  # fmt: skip
        except (CapabilityError, IMAPClientError) as error:
            raise UnreadError(f"{self.name}: the server says: {_why(error)}") from None
        except (OSError, UnicodeError) as error:  # no host can have some names
            raise UnreadError(f"{self.name}: can't be reached: {_why(error)}") from None


def _groups(sizes: dict[int, int]) -> Iterator[list[int]]:
    """Mails to fetch at once, in order."""
    group: list[int] = []
    together = 0
    for uid in sorted(sizes):
        if group and together + sizes[uid] > TOGETHER:
            yield group
            group, together = [], 0
        group.append(uid)
        together += sizes[uid]
    if group:
        yield group


def _folders(client: Any) -> str:
    """Some of those that are there."""
    names = sorted(str(name) for _, _, name in client.list_folders())
    return shown(", ".join(names[:NAMED])) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")


def _why(error: Exception) -> str:
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return shown(said.removeprefix("b'").rstrip("'"), longest=200).rstrip(".")
