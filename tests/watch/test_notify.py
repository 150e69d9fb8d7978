"""Notifications: what services get, and what nobody sees of their URLs."""

import json
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from checks.notify import channels, harmless, unusable
from policy import UserError

from .receivers import Webhook, mailbox, webhook

SECRET = "TIiajkdnlazkcOXrIdevi7FQ"
HOSTILE = (
    "mx <!channel> @everyone @here <at>all</at> [pay](https://evil.example) <https://evil.example|pay> <b>x</b>"
)


@pytest.fixture
def hook() -> Iterator[Webhook]:
    with webhook() as made:
        yield made


def test_urls_come_from_the_environment_and_a_file(tmp_path: Path) -> None:
    file = tmp_path / "urls"
    file.write_text("# on call\nntfy://localhost/topic\n\n  json://localhost/ ntfys://ntfy.example.org/x\n")
    file.chmod(0o600)
    env = {
        "MTA_STS_NOTIFY": f"https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/{SECRET}\nntfy://localhost/other"
    }
    found = channels({**env, "MTA_STS_NOTIFY_FILE": str(file)})
    assert [(str(channel), channel.key) for channel in found] == [
        ("notification 1 (slack)", "slack 1"),
        ("notification 2 (ntfy)", "ntfy 1"),
        ("notification 3 (ntfy)", "ntfy 2"),
        ("notification 4 (json)", "json 1"),
        ("notification 5 (ntfys)", "ntfys 1"),
    ]
    assert SECRET not in repr(found[0].key) + str(found[0])
    assert channels({}) == []


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o610])
def test_a_file_that_others_can_use_is_refused(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "urls"
    file.write_text("json://localhost/")
    file.chmod(mode)
    with pytest.raises(UserError, match=f"others may read or change it: chmod 600 {file}"):
        channels({}, file)


def test_a_url_that_is_none_is_told_by_its_position_alone() -> None:
    found = channels({"MTA_STS_NOTIFY": f"json://localhost/ {SECRET} slack://{SECRET} {SECRET}://x"})
    lines = list(unusable(found))
    assert [line.partition(":")[0] for line in lines] == ["notification 2", "notification 3", "notification 4"]
    assert SECRET not in str(lines)


def test_why_it_was_not_sent_is_told_without_the_url(hook: Webhook, capfd: pytest.CaptureFixture[str]) -> None:
    urls = f"json://user:{SECRET}@127.0.0.1:{hook.port}/{SECRET} json://user:{SECRET}@127.0.0.1:9/ ntfy://{SECRET}@127.0.0.1:{hook.port}/x"
    found = channels({"MTA_STS_NOTIFY": urls})
    hook.answer = 403
    assert [channel.send("title", "body", "info") for channel in found] == [
        "it answers 403",
        "it can't be reached",
        "it answers 403",
    ]
    assert capfd.readouterr() == ("", "")


def test_an_unreachable_mail_server_is_a_line_too() -> None:
    (found,) = channels(
        {"MTA_STS_NOTIFY": "mailto://127.0.0.1:9?from=a@example.org&to=b@example.org&mode=insecure"}
    )
    assert found.send("title", "body", "info") == "it can't be reached"


def test_a_mail_is_plain_text_and_says_who_sends_it() -> None:
    with mailbox() as box:
        url = f"mailto://127.0.0.1:{box.port}?from=watch@example.org&to=postmaster@example.org&mode=insecure"
        (found,) = channels({"MTA_STS_NOTIFY": url})
        assert found.send("MTA-STS: x", f"line\n  -> {HOSTILE}", "info") == ""
        (mail,) = box.mails
    assert mail["to"] == "postmaster@example.org"
    assert "watch@example.org" in mail["from"]
    assert "apprise" not in str(mail["from"]).lower()
    assert [part.get_content_type() for part in mail.walk()] == ["text/plain"]
    assert "  -> mx ‹!channel> (at)everyone" in mail.get_content()


def test_ntfy_gets_title_and_text(hook: Webhook) -> None:
    (found,) = channels({"MTA_STS_NOTIFY": f"ntfy://127.0.0.1:{hook.port}/mta-sts"})
    assert found.send("MTA-STS: 1 new failure", "a\nb", "failure") == ""
    (post,) = hook.taken()
    assert (post["topic"], post["title"], post["message"]) == ("mta-sts", "MTA-STS: 1 new failure", "a\nb")


def test_slack_finds_no_mention_and_no_link(hook: Webhook, monkeypatch: pytest.MonkeyPatch) -> None:
    from apprise.plugins.slack import NotifySlack

    monkeypatch.setattr(NotifySlack, "webhook_url", f"http://127.0.0.1:{hook.port}")
    (found,) = channels({"MTA_STS_NOTIFY": f"slack://T1JJ3T3L2/A1BRTD4JD/{SECRET}/"})
    assert found.send("title", HOSTILE, "failure") == ""
    (post,) = hook.taken()
    nothing_powerful(json.dumps(post["attachments"], ensure_ascii=False))


def test_teams_finds_no_mention_and_no_link(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A workflow's webhook of Teams, which shows Markdown in an adaptive card; only by TLS."""
    ca = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    with webhook(context) as hook:
        url = f"workflows://127.0.0.1:{hook.port}/{'a' * 32}/{SECRET}"
        (found,) = channels({"MTA_STS_NOTIFY": url})
        assert found.send("title", HOSTILE, "failure") == ""
        (post,) = hook.taken()
    nothing_powerful(json.dumps({key: value for key, value in post.items() if key != "path"}, ensure_ascii=False))


def nothing_powerful(text: str) -> None:
    assert "evil" in text
    for power in ("<!", "@everyone", "@here", "<at>", "](", "<https", "<b>"):
        assert power not in text, power


def test_what_is_harmless_is_left_as_it_is() -> None:
    for text in ("_mta-sts.example.org has the id 20260301", "-> Add mx1.example.org to mx", "9 > 5"):
        assert harmless(text) == text


def test_a_plugin_that_breaks_is_a_line(hook: Webhook, monkeypatch: pytest.MonkeyPatch) -> None:
    from apprise import Apprise

    def breaks(*_: Any, **__: Any) -> None:
        raise ValueError(f"json://{SECRET}@x")

    (found,) = channels({"MTA_STS_NOTIFY": f"json://127.0.0.1:{hook.port}/"})
    monkeypatch.setattr(Apprise, "notify", breaks)
    assert found.send("title", "body", "info") == "apprise failed (ValueError)"
