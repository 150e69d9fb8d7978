"""Channels by which people are told, with apprise: Teams, Slack, mail, ntfy and a hundred others.

Their URLs are secrets. They come from the environment or a file that nobody else can read, never from a command line,
and nothing that is printed, logged or kept has more of one than its schema, such as `ntfy`. What is sent has texts of
strangers, so it is plain text in which nothing is a mention, a link or markup (`harmless`).
"""

import logging
import os
import re
import stat
import warnings
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from policy import UserError

VARIABLE, FILE_VARIABLE = "MTA_STS_NOTIFY", "MTA_STS_NOTIFY_FILE"
PATIENCE = 30.0  # seconds for one channel to take a message
STATUS = re.compile(r"\berror=(\d{3})\b")  # how apprise's plugins name an HTTP status in their logs
# What mentions people (@everyone, <!channel>), links a text to elsewhere ([text](…), <…|text>), or is a tag.
HARMLESS = str.maketrans({"@": "(at)", "<": "‹", "[": "(", "]": ")"})
KINDS = ("info", "success", "warning", "failure")


def harmless(text: str) -> str:
    """A text in which no service finds a mention, a link with another text, or a tag, whatever its format."""
    return text.translate(HARMLESS)


@dataclass(frozen=True)
class Channel:
    """Where people are told.

    :param position: among the URLs, from 1.
    :param schema: of its URL; "" where apprise can't make anything of it.
    :param number: among those of the same schema, from 1.
    """

    position: int
    schema: str
    number: int
    _service: Any

    @property
    def key(self) -> str:
        """By which the state knows it: a URL that is corrected is the same channel."""
        return f"{self.schema} {self.number}"

    def __str__(self) -> str:
        return f"notification {self.position}" + (f" ({self.schema})" if self.schema else "")

    def send(self, title: str, body: str, kind: str) -> str:
        """Send a message.

        :param kind: one of `KINDS`.
        :returns: why it couldn't be sent; "" where it was.
        """
        from apprise import Apprise, NotifyFormat
        from apprise.result import AppriseResultStatus

        with _mute():
            try:
                sender: Any = Apprise(self._service, asset=self._service.asset)
                result = sender.notify(body=harmless(body), title=harmless(title), notify_type=kind, body_format=NotifyFormat.TEXT)  # fmt: skip
            except Exception as error:  # a plugin's own mistake; its text may have the URL
                return f"apprise failed ({type(error).__name__})"
            if result:
                return ""
            if result.status == AppriseResultStatus.TIMEOUT:
                return f"it took more than {PATIENCE:.0f} s"
            logged = " ".join(entry.message for entry in result.logs())
        if status := STATUS.search(logged):
            return f"it answers {status[1]}"
        return "it can't be reached" if "connection" in logged.lower() else "it didn't take the message"


def channels(env: Mapping[str, str], file: Path | None = None) -> list[Channel]:
    """The channels that are configured: in the environment, then in the file.

    :param file: of URLs; where it isn't named, the environment may name one.
    :raises UserError: the file can't be read, or others can.
    """
    urls = env.get(VARIABLE, "").split()
    if file is None and env.get(FILE_VARIABLE):
        file = Path(env[FILE_VARIABLE])
    if file is not None:
        urls += _lines(file)
    counts = dict[str, int]()
    made = list[Channel]()
    for position, url in enumerate(urls, 1):
        schema, service = _service(url)
        counts[schema] = counts.get(schema, 0) + 1
        made.append(Channel(position, schema, counts[schema], service))
    return made


def _lines(file: Path) -> list[str]:
    try:
        with open(file, encoding="utf-8") as opened:
            mode = os.fstat(opened.fileno()).st_mode
            if mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise UserError(f"{file} holds secrets, and others may read or change it: chmod 600 {file}")
            text = opened.read()
    except UnicodeDecodeError:
        raise UserError(f"{file} is no text") from None
    except OSError as error:
        raise UserError(f"{file}: {error.strerror}") from None
    return [url for line in text.splitlines() if not line.lstrip().startswith("#") for url in line.split()]


def _service(url: str) -> tuple[str, Any]:
    """The schema and apprise's service of a URL; "" and None where there is none."""
    from apprise import Apprise, AppriseAsset

    # Nothing is kept on disk; and nobody but the message's sender is named in it.
    asset = AppriseAsset(app_id="MTA-STS", app_desc="MTA-STS", app_url="", storage_mode="memory", service_timeout=PATIENCE)  # fmt: skip
    with _mute():
        try:
            service = cast(Any, Apprise).instantiate(url, asset=asset)
        except Exception:  # a plugin's own mistake
            service = None
    if not service:
        return "", None
    given, schemas = url.partition("://")[0].lower(), sorted(service.schemas())
    return (given if given in schemas else schemas[0]), service


def unusable(found: Sequence[Channel]) -> Iterator[str]:
    """A line for each URL that apprise can't make anything of; none shows any of it."""
    for channel in found:
        if not channel.schema:
            yield f"{channel}: apprise knows no such URL; its documentation has the form for each service"


@contextmanager
def _mute() -> Generator[None]:
    """What libraries log or warn of goes nowhere: it may have a URL."""
    root, handler = logging.getLogger(), logging.NullHandler()
    root.addHandler(handler)  # or Python prints warnings that nobody handles
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        root.removeHandler(handler)
