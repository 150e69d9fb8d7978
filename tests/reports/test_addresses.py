"""What stands for a source of reports on the command line; what doesn't is told without repeating it."""

import pytest

from checks.__main__ import main
from checks.reading import nobody
from checks.sources import sources

MISTAKES = {
    "imaps://user:secret@host/INBOX": "imaps://…: no password belongs there",
    "imaps://user@example.org:secret@host/INBOX": "no password belongs there",
    "imaps://user:se/secret@host/INBOX": "no password belongs there",
    "imaps://user:secret#@host/INBOX": "no password belongs there",
    "imaps://user@host:secret/INBOX": "write imaps://USER@HOST",
    "imaps://user:1/secret": "write imaps://USER@HOST",
    "imap://user@host/INBOX": "write imaps://",
    "graph://user:secret@example.org": "no password belongs there",
    "graph://secret": "write graph://MAILBOX",
    "https://user:secret@host/r.zip": "no password belongs there",
    "https://host/r.zip?token=secret": "https://…: reports aren't read from there",
    "/nowhere": "there is no file or folder /nowhere",
}


@pytest.mark.parametrize("given", MISTAKES)
def test_what_is_no_source_is_one_line_that_repeats_no_password(
    given: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["reports", given]) == 64
    out, error = capsys.readouterr()
    assert (out, error.count("\n")) == ("", 1)
    assert MISTAKES[given] in error
    assert "secret" not in error


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("imaps://me%40example.org@MAIL.example.org", "imaps://me@example.org@mail.example.org/INBOX"),
        ("imaps://me@example.org@mail.example.org:993/INBOX", "imaps://me@example.org@mail.example.org/INBOX"),
        ("imaps://me@mail.example.org:1993/a%2fb", "imaps://me@mail.example.org:1993/a/b"),
        ("graph://me@example.org/Inbox/TLS%20reports", "graph://me@example.org/Inbox/TLS reports"),
        ("graph://me@example.org", "graph://me@example.org/inbox"),
    ],
)
def test_an_address_is_written_in_several_ways(given: str, name: str) -> None:
    (found,) = sources([given], nobody)
    assert found.name == name
