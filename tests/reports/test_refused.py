"""A mail that a server can't give is named; where it gives none, it is the server, and no mail is passed over."""

from typing import Any

import pytest
from imap_server import Dovecot

from reports.mailboxes import mails, run


def test_a_mail_that_the_server_cannot_give_is_named_and_the_rest_is_read(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from imapclient import IMAPClient
    from imapclient.exceptions import IMAPClientError

    refused = [{2}, {1, 2, 3}]
    real = IMAPClient.fetch

    def fetch(self: Any, uids: Any, what: Any) -> Any:
        if "BODY" in str(what) and refused[0] & set(uids):
            raise IMAPClientError("fetch failed: [SERVERBUG] Internal error occurred")
        return real(self, uids, what)

    monkeypatch.setattr(IMAPClient, "fetch", fetch)
    with Dovecot() as dovecot:
        for name, value in dovecot.env.items():
            monkeypatch.setenv(name, value)
        dovecot.deliver(*mails(0, 3))
        found = run(capsys, dovecot.address)[1]
        assert (found["reports"], found["broken"]) == (2, 1)
        assert found["brokenNamed"] == [f"{dovecot.address}, mail 2 can't be had: the server refuses it"]
        refused.pop(0)
        code, found, error = run(capsys, dovecot.address)
        assert (code, found) == (64, {})
        assert "the server says: fetch failed: [SERVERBUG]" in error
        error = run(capsys, f"{dovecot.address}x")[2]
        assert "; there are INBOX" in error
