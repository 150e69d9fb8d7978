"""Where reports come from: files and folders, a mailbox of Exchange Online (graph.py), a folder on an IMAP server (imap.py).

A source hands over mails one at a time and says, now and then, how far it has come (`Reached`). Whoever counts keeps
that beside the counts, and asks for more only then: so what a source does with mails after `Reached` is done to mails
whose reports are kept.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from checks.reading import Broken, Report, Signer, read_bytes
from checks.reading import read as read_files
from checks.unpacking import FILE
from policy import UserError

PASSWORD = "MTA_STS_IMAP_PASSWORD"  # noqa: S105, RUF100 - a variable's name
TOO_LARGE = f"is larger than {FILE} bytes"


class UnreadError(UserError):
    """A source that can't be read, or no further: which one, why, and the way out."""


@dataclass
class Mail:
    """One mail.

    :param where: to tell it from others.
    :param data: as it was sent.
    :param read: whoever counts sets it where the mail held a report.
    """

    where: str
    data: bytes = field(repr=False)
    read: bool = False


@dataclass(frozen=True)
class Reached:
    """All that came before may be kept.

    :param cursor: where to go on next time: JSON.
    """

    cursor: Any


class Source(Protocol):
    """One of them."""

    @property
    def name(self) -> str:
        """As it is called in messages, and its cursor in the history; it holds no secret."""
        ...

    def read(self, cursor: Any) -> Iterator[Mail | Report | Broken | Reached]:
        """What comes after a cursor; None for all of it.

        :raises UnreadError: it can't be read any further; what was handed over stands.
        """
        ...


@dataclass(frozen=True)
class Files:
    """A file, or a folder with all that is in it, every time.

    :param signer: who signed a mail.
    """

    path: Path
    signer: Signer

    @property
    def name(self) -> str:
        """Its path."""
        return str(self.path)

    def read(self, cursor: Any) -> Iterator[Report | Broken]:
        """See `Source`."""
        return read_files([self.path], self.signer)


def sources(given: Sequence[str | Path], signer: Signer, move_to: str = "", oauth: bool = False) -> list[Source]:
    """What the command line names, each.

    :param move_to: a folder of the same mailbox that mails go to once their reports are kept; "" leaves them alone.
    :param oauth: sign in to IMAP servers by Entra ID, not by a password.
    :raises UserError: one is no path that is there, and no address of a mailbox.
    """
    found = [_source(str(each), signer, move_to, oauth) for each in given]
    if move_to and any(isinstance(source, Files) for source in found):
        raise UserError("--move-to is for mailboxes; files stay where they are")
    return found


def _source(given: str, signer: Signer, move_to: str, oauth: bool) -> Source:
    if given.startswith("graph:"):
        from checks.sources.graph import Mailbox

        parts = urlsplit(given)
        mailbox, folder = unquote(parts.netloc), unquote(parts.path).strip("/")
        if ":" in mailbox:
            raise UserError(
                "graph://…: no password belongs there; it takes an application's sign-in (docs/reports.md)"
            )
        if not given.startswith("graph://") or "@" not in mailbox:
            raise UserError(f"{given}: write graph://MAILBOX or graph://MAILBOX/FOLDER, such as graph://tls-reports@example.org")  # fmt: skip
        return Mailbox(mailbox, folder or "inbox", move_to)
    if given.startswith("imap"):
        scheme = given.partition(":")[0]
        if scheme == "imap" and given.startswith("imap://"):
            raise UserError("imap://…: this would send the password in clear; write imaps://")
        if given.startswith("imaps:"):
            return _imap(given, move_to, oauth)
    path = Path(given)
    if not path.exists():
        raise UserError(f"there is no file or folder {given}")
    return Files(path, signer)


def _imap(given: str, move_to: str, oauth: bool) -> Source:
    from checks.sources.imap import Folder

    wanted = "write imaps://USER@HOST[:PORT]/FOLDER, such as imaps://tls-reports@mail.example.org/INBOX"
    try:
        parts = urlsplit(given)
        user, host, port = unquote(parts.username or ""), parts.hostname or "", parts.port or 993
    except ValueError:
        raise UserError(f"{given.rpartition('@')[2]}: {wanted}") from None
    if parts.password is not None:
        raise UserError(f"imaps://…@{host}: no password belongs there, where others see it; set {PASSWORD}")
    if not user or not host:
        raise UserError(f"{given}: {wanted}")
    return Folder(user, host, port, unquote(parts.path).strip("/") or "INBOX", move_to, oauth)


def count(
    source: Source, signer: Signer, add: Callable[[Report | Broken], object], cursor: Any, reached: Callable[[Any], None]
) -> None:  # fmt: skip
    """Everything that a source has after a cursor.

    :param add: takes each report.
    :param reached: keeps what was added, and how far the source came.
    :raises UnreadError: as `Source.read`.
    """
    for found in source.read(cursor):
        if isinstance(found, Reached):
            reached(found.cursor)
        elif isinstance(found, Mail):
            for each in read_bytes(found.data, found.where, signer):
                found.read |= isinstance(each, Report)
                add(each)
        else:
            add(found)
