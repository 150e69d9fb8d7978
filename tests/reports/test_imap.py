"""Reports in a mailbox on a real IMAP server: nothing changes there, and nothing is lost or counted twice."""

import base64
import hmac
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from imap_server import PASSWORD, USER, Dovecot

from checks.sources import imap
from reports.mailboxes import mails, run

ROOT = Path(__file__).parents[2]


@pytest.fixture
def dovecot(monkeypatch: pytest.MonkeyPatch) -> Iterator[Dovecot]:
    with Dovecot() as server:
        for name, value in server.env.items():
            monkeypatch.setenv(name, value)
        yield server


def test_a_mailbox_is_read_and_left_as_it_was(dovecot: Dovecot, capsys: pytest.CaptureFixture[str]) -> None:
    dovecot.deliver(*mails(0, 12), b"Subject: no report\r\n\r\nHello")
    before = dovecot.flags()
    code, found, error = run(capsys, dovecot.address)
    assert (code, found["reports"], found["broken"], error) == (0, 12, 1, "")
    assert found["brokenNamed"] == [f"{dovecot.address}, mail 13 holds no report"]
    assert dovecot.flags() == before
    assert not any(b"\\Seen" in flags for flags in before.values())


def test_only_what_is_new_is_fetched(dovecot: Dovecot, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = ("--history", tmp_path / "h.db")
    dovecot.deliver(*mails(0, 9))
    assert run(capsys, dovecot.address, *kept)[1]["reports"] == 9
    with dovecot.client() as client:
        client.select_folder("INBOX")
        client.delete_messages([2, 9])
        client.expunge([2, 9])
    dovecot.deliver(*mails(9, 15))
    found = run(capsys, dovecot.address, *kept)[1]
    assert (found["reports"], found["repeated"]) == (15, 0)
    found = run(capsys, *kept)[1]  # without any source
    assert (found["reports"], found["repeated"]) == (15, 0)


def test_a_folder_that_was_restored_is_read_anew_and_counts_once(
    dovecot: Dovecot, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = ("--history", tmp_path / "h.db")
    dovecot.deliver(*mails(0, 9))
    first = run(capsys, dovecot.address, *kept)[1]
    dovecot.new_uids()
    again = run(capsys, dovecot.address, *kept)[1]
    assert (again["reports"], again["repeated"]) == (9, 9)
    anew = run(capsys, dovecot.address, "--history", tmp_path / "other.db")[1]
    assert again["domains"] == first["domains"] == anew["domains"]


@pytest.mark.parametrize("without", [(), ("MOVE",)])
def test_mails_are_moved_once_their_reports_are_kept(
    without: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Dovecot(without) as dovecot:
        for name, value in dovecot.env.items():
            monkeypatch.setenv(name, value)
        dovecot.deliver(*mails(0, 5), b"Subject: no report\r\n\r\nHello", *mails(5, 7))
        with dovecot.client() as client:
            client.create_folder("Read")
            client.select_folder("INBOX")
            client.add_flags([6], [b"\\Deleted"])  # somebody else's, who may still change their mind
        words = (dovecot.address, "--history", tmp_path / "h.db", "--move-to", "Read")
        assert run(capsys, *words)[1]["reports"] == 7
        assert list(dovecot.flags()) == [6]
        assert len(dovecot.flags("Read")) == 7
        dovecot.deliver(*mails(7, 9))
        assert run(capsys, *words)[1]["reports"] == 9
        assert list(dovecot.flags()) == [6]
        assert len(dovecot.flags("Read")) == 9


def test_what_was_kept_but_not_moved_is_moved_by_the_next_run(
    dovecot: Dovecot, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from checks.sources.imap import Folder

    dovecot.deliver(*mails(0, 5))
    with dovecot.client() as client:
        client.create_folder("Read")
    words = (dovecot.address, "--history", tmp_path / "h.db", "--move-to", "Read")
    with monkeypatch.context() as broken:
        broken.setattr(Folder, "_move", lambda *_: (_ for _ in ()).throw(OSError("connection reset")))
        code, found, error = run(capsys, *words)
    assert (code, found["reports"]) == (2, 5)
    assert "can't be reached: connection reset" in error
    assert len(dovecot.flags()) == 5
    assert run(capsys, *words)[1]["reports"] == 5
    assert not dovecot.flags()
    assert len(dovecot.flags("Read")) == 5


def test_a_large_mail_is_not_fetched(
    dovecot: Dovecot, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from checks.sources import imap

    monkeypatch.setattr(imap, "FILE", 20_000)
    dovecot.deliver(*mails(0, 1), b"Subject: x\r\n\r\n" + b"0123456789 a line of text\r\n" * 40_000, *mails(1, 2))
    found = run(capsys, dovecot.address)[1]
    assert (found["reports"], found["broken"]) == (2, 1)
    assert "mail 2 is larger than" in found["brokenNamed"][0]
    assert len(dovecot.told) < 100_000


def test_two_thousand_mails_are_read_on_after_every_kill(dovecot: Dovecot, tmp_path: Path) -> None:
    file = tmp_path / "h.db"
    dovecot.deliver(*mails(0, 2000, failures=(("certificate-expired", "mx", 1),)))
    command = [sys.executable, "-m", "checks", "reports", dovecot.address, "--history", str(file), "--json"]
    kills, sizes = 0, [0]
    while kills < 4:
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            while process.poll() is None and counted(file) <= sizes[-1]:
                time.sleep(0.01)
            process.kill()
        sizes.append(counted(file))
        kills += 1
    assert 0 < sizes[1] < 2000
    assert sizes == sorted(sizes)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    found = json.loads(done.stdout)
    assert (found["reports"], found["domains"]["example.org"]["refused"]) == (
        2000,
        {"mx: certificate-expired": 2000},
    )
    assert sum(good for good, _ in found["domains"]["example.org"]["days"].values()) == 200_000


def counted(file: Path) -> int:
    """The reports in a history that somebody else is writing."""
    import sqlite3

    try:
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=5) as db:
            return db.execute("SELECT coalesce(sum(reports), 0) FROM reports").fetchone()[0]
    except sqlite3.OperationalError:
        return 0


@pytest.mark.parametrize(
    ("address", "environment", "says"),
    [
        ("{address}", {"MTA_STS_IMAP_PASSWORD": "wrong"}, "the server refuses the sign-in"),
        ("{address}", {"MTA_STS_IMAP_PASSWORD": ""}, "set MTA_STS_IMAP_PASSWORD"),
        ("{address}", {"SSL_CERT_FILE": ""}, "certificate isn't trusted"),
        ("{address}x", {}, "there is no such folder"),
        ("imaps://u@localhost:1/INBOX", {}, "can't be reached: Connection refused"),
        ("imaps://u@nowhere.invalid/INBOX", {}, "can't be reached"),
        (f"imaps://u@{'x' * 80}.example/INBOX", {}, "can't be reached"),
    ],
)
def test_what_keeps_a_mailbox_from_being_read_is_one_line(
    dovecot: Dovecot,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    address: str,
    environment: dict[str, str],
    says: str,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    address = address.format(address=dovecot.address)
    code, _, error = run(capsys, address)
    assert code == 64
    first, *rest = error.splitlines()
    assert first.startswith(f"checks: {address}: ")
    assert says in first
    assert rest == ["checks: there is nothing to judge by: no report could be read"]
    assert "wrong" not in error
    # The others are read all the same, but that is no ground to enforce.
    for at, each in enumerate(mails(0, 12)):
        (tmp_path / f"{at}.eml").write_bytes(each)
    code, found, error = run(capsys, address, tmp_path)
    assert (code, found["reports"]) == (2, 12)
    assert says in found["verdicts"][0]["reasons"][0]
    assert len(error.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["imaps://user:secret@host/INBOX"], "no password belongs there"),
        (["imap://user@host/INBOX"], "write imaps://"),
        (["imaps://host/INBOX"], "write imaps://USER@HOST"),
        (["imaps://user@host:x/INBOX"], "write imaps://USER@HOST"),
        (["graph://user:secret@example.org"], "no password belongs there"),
        (["graph://example.org"], "write graph://MAILBOX"),
        (["/nowhere"], "there is no file or folder /nowhere"),
        (["imaps://u@h/INBOX", "--move-to", "Read"], "--move-to needs --history"),
        ([], "name files, folders or mailboxes"),
    ],
)
def test_a_mistake_in_the_command_is_one_line(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, error = run(capsys, *words)
    assert code == 64
    assert says in error
    assert len(error.splitlines()) == 1
    assert "secret" not in error


def test_the_password_is_in_no_file_and_no_argument(dovecot: Dovecot, tmp_path: Path) -> None:
    file = tmp_path / "h.db"
    dovecot.deliver(*mails(0, 3))
    done = subprocess.run(
        [sys.executable, "-m", "checks", "reports", dovecot.address, "--history", str(file)],
        cwd=ROOT, env=dict(os.environ), capture_output=True,
    )  # fmt: skip
    for text in (done.stdout, done.stderr, file.read_bytes()):
        assert PASSWORD.encode() not in text
    assert USER.encode() in file.read_bytes()


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def token(secret: bytes, user: str) -> str:
    """A JWT, as dovecot takes it."""
    now = int(time.time())
    claims = {"iss": "https://sts.example", "sub": user, "email": user, "iat": now, "nbf": now, "exp": now + 600}
    head = f"{encoded(json.dumps({'typ': 'JWT', 'alg': 'HS256'}).encode())}.{encoded(json.dumps(claims).encode())}"
    return f"{head}.{encoded(hmac.digest(secret, head.encode(), 'sha256'))}"


OAUTH = """
auth_mechanisms = plain xoauth2
passdb {{
  driver = oauth2
  mechanisms = xoauth2
  args = {folder}/oauth2.conf
}}
"""


def test_xoauth2_signs_in_by_a_token(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    secret, asked = b"a secret that dovecot has, too, of 32 bytes or more", list[str]()
    server = Dovecot()
    server.settings = OAUTH.format(folder=server.folder)
    keys = server.folder / "keys" / "default" / "HS256"
    keys.mkdir(parents=True)
    (keys / "default").write_text(base64.b64encode(secret).decode())
    (server.folder / "oauth2.conf").write_text(
        f"introspection_mode = local\nlocal_validation_key_dict = fs:posix:prefix={server.folder}/keys/\n"
    )

    class Credential:
        def get_token(self, scope: str) -> Any:
            asked.append(scope)
            return SimpleNamespace(token=token(given, USER))

    monkeypatch.setattr(imap, "signed_in", Credential)
    with server as dovecot:
        monkeypatch.setenv("SSL_CERT_FILE", str(dovecot.ca))
        monkeypatch.delenv("MTA_STS_IMAP_PASSWORD", raising=False)
        dovecot.deliver(*mails(0, 2))
        given = secret
        code, found, error = run(capsys, dovecot.address, "--imap-oauth")
        assert (code, found.get("reports"), error) == (2, 2, ""), dovecot.told
        given = b"another"
        code, _, error = run(capsys, dovecot.address, "--imap-oauth")
        assert code == 64
        assert "the server refuses the sign-in" in error
        assert len(error.splitlines()) == 2
    assert asked == ["https://outlook.office365.com/.default"] * 2
