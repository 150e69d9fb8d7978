"""Where reports come from: files and folders, a mailbox of Exchange Online (graph.py), a folder on an IMAP server (imap.py).

A source hands over mails one at a time and says, now and then, how far it has come (`Reached`). Whoever counts keeps
that beside the counts, and asks for more only then: so what a source does with mails after `Reached` is done to mails
whose reports are kept.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote

from checks.reading import Broken, Report, Signer, read_bytes
from checks.reading import read as read_files
from checks.tally import Tally
from checks.unpacking import FILE
from policy import UserError

PASSWORD = "MTA_STS_IMAP_PASSWORD"  # noqa: S105, RUF100 - a variable's name
SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")
MAILBOX = re.compile(r"([^/?#:@\s]+(?:@|%40)[^/?#:@\s]+)(?:/(.*))?")
# A user may have an @, written as it is or as %40.
ACCOUNT = re.compile(
    r"([^/?#:@\s]+(?:@[^/?#:@\s]+)?)@([^/?#:@\s\[\]]+|\[[0-9A-Fa-f:.]+\])(?::(\d{1,5}))?(?:/(.*))?"
)
TOO_LARGE = f"is larger than {FILE} bytes"
Knows = Callable[[str], bool]


class UnreadError(UserError):
    """A source that can't be read, or no further: which one, why, and the way out."""


@dataclass
class Mail:
    """One mail.

    :param where: to tell it from others.
    :param data: as it was sent.
    :param id: that it has for good; "" where it has none.
    :param read: whoever counts sets it where the mail held a report.
    """

    where: str
    data: bytes = field(repr=False)
    id: str = ""
    read: bool = False


@dataclass(frozen=True)
class Reached:
    """All that came before may be kept.

    :param cursor: where to go on next time: JSON.
    :param sure: what comes next can't be undone, so it must be kept by then.
    """

    cursor: Any
    sure: bool = False


class Sink(Protocol):
    """Whoever counts."""

    def add(self, report: Report | Broken, /) -> None:
        """Count one in."""
        ...

    def cursor(self, source: str, /) -> Any:
        """How far a source has been read; None for not at all."""
        ...

    def reached(self, source: str, cursor: Any, sure: bool, /) -> None:
        """Keep what was added, and how far the source has been read."""
        ...

    def knows(self, id_: str, /) -> bool:
        """Whether a mail's reports are kept."""
        ...

    def know(self, id_: str, /) -> None:
        """A mail's reports were added."""
        ...


@dataclass(frozen=True)
class Once:
    """For one run: nothing is kept."""

    tally: Tally

    def add(self, report: Report | Broken, /) -> None:
        """See `Sink`."""
        self.tally.add([report])

    def cursor(self, source: str, /) -> None:
        """Read everything."""

    def reached(self, source: str, cursor: Any, sure: bool, /) -> None:
        """Go on."""

    def knows(self, id_: str, /) -> bool:
        """Nothing."""
        return False

    def know(self, id_: str, /) -> None:
        """No need to."""


class Source(Protocol):
    """One of them."""

    @property
    def name(self) -> str:
        """As it is called in messages, and its cursor in the history; it holds no secret."""
        ...

    def read(self, cursor: Any, knows: Knows) -> Iterator[Mail | Report | Broken | Reached]:
        """What comes after a cursor; None for all of it.

        :param knows: whether the reports of a mail are kept already, by its id.
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

    def read(self, cursor: Any, knows: Knows) -> Iterator[Report | Broken]:
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
    kind, colon, rest = given.partition("://")
    if not colon or not SCHEME.fullmatch(kind):
        path = Path(given)
        if not path.exists():
            raise UserError(f"there is no file or folder {given}")
        return Files(path, signer)
    # Of what can't be taken nothing is repeated but its kind: it may hold a password, wherever that stands.
    if ":" in rest.rpartition("@")[0]:
        why = (
            f"set {PASSWORD}" if kind.lower() == "imaps" else "it takes an application's sign-in (docs/reports.md)"
        )
        raise UserError(f"{kind}://…: no password belongs there, where others see it; {why}")
    match kind.lower():
        case "graph":
            from checks.sources.graph import Mailbox

            found = MAILBOX.fullmatch(rest)
            if not found:
                raise UserError("graph://…: write graph://MAILBOX or graph://MAILBOX/FOLDER, such as graph://tls-reports@example.org")  # fmt: skip
            return Mailbox(unquote(found[1]), unquote(found[2] or "").strip("/") or "inbox", move_to)
        case "imaps":
            from checks.sources.imap import Folder

            found = ACCOUNT.fullmatch(rest)
            if not found:
                raise UserError("imaps://…: write imaps://USER@HOST[:PORT]/FOLDER, such as imaps://tls-reports@mail.example.org/INBOX")  # fmt: skip
            user, host, port, folder = found.groups()
            return Folder(unquote(user), host.strip("[]").lower(), int(port or 993), unquote(folder or "").strip("/") or "INBOX", move_to, oauth)  # fmt: skip
        case "imap":
            raise UserError("imap://…: this would send the password in clear; write imaps://")
        case _:
            raise UserError(f"{kind}://…: reports aren't read from there; give files, folders, graph://MAILBOX or imaps://USER@HOST/FOLDER")  # fmt: skip


def count(source: Source, signer: Signer, to: Sink) -> None:
    """Everything that a source has, from where it was left.

    :raises UnreadError: as `Source.read`.
    """
    for found in source.read(to.cursor(source.name), to.knows):
        if isinstance(found, Reached):
            to.reached(source.name, found.cursor, found.sure)
        elif isinstance(found, Mail):
            for each in read_bytes(found.data, found.where, signer):
                found.read |= isinstance(each, Report)
                to.add(each)
            if found.read and found.id:
                to.know(found.id)
        else:
            to.add(found)
