"""A mailbox of Exchange Online, read through the local Azure's Graph."""

import json
import os
from pathlib import Path

import pytest
from contract_tools import Clients
from raw_arm import RawArm
from reports.mailboxes import BOX, mails, run

from checks.sources import UnreadError
from provider.azure import signed_in as azure_sign_in
from sandbox import graph
from sandbox.__main__ import main as sandbox_command
from sandbox.control import Sandbox
from sandbox.state import State


@pytest.fixture
def mailbox(azure: Clients, sandbox: Sandbox) -> State:
    azure_sign_in.cache_clear()
    graph.make_mailbox(sandbox.state, BOX)
    return sandbox.state


def asked(sandbox: Sandbox, part: str) -> int:
    """How many requests had this in their path."""
    return sum(line["service"] == "graph" and part in line["path"] for line in sandbox.log())


def test_a_mailbox_is_read_by_pages_and_only_what_is_new_is_fetched(
    mailbox: State, sandbox: Sandbox, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = ("--history", tmp_path / "h.db")
    graph.deliver(mailbox, BOX, *mails(0, 120), b"Subject: no report\r\n\r\nHello")
    code, found, error = run(capsys, f"graph://{BOX}", *kept)
    assert (code, found["reports"], found["broken"], error) == (0, 120, 1, "")
    assert (asked(sandbox, "/delta"), asked(sandbox, "/$value")) == (2, 121)
    graph.deliver(mailbox, BOX, *mails(120, 123))
    found = run(capsys, f"graph://{BOX}", *kept)[1]
    assert (found["reports"], found["repeated"]) == (123, 0)
    assert (asked(sandbox, "/delta"), asked(sandbox, "/$value")) == (3, 124)
    assert {line["method"] for line in sandbox.log() if line["service"] == "graph"} == {"GET"}


def test_a_forgotten_link_begins_anew_and_nothing_counts_twice(
    mailbox: State, sandbox: Sandbox, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = ("--history", tmp_path / "h.db")
    graph.deliver(mailbox, BOX, *mails(0, 12))
    first = run(capsys, f"graph://{BOX}", *kept)[1]
    sandbox.fault("status", 410, host="graph", path="deltatoken")
    again = run(capsys, f"graph://{BOX}", *kept)[1]
    assert (again["reports"], again["repeated"]) == (12, 0)
    assert again["domains"] == first["domains"]
    assert asked(sandbox, "/$value") == 12  # and nothing is fetched twice


def test_throttling_is_waited_out(
    mailbox: State, sandbox: Sandbox, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from azure.core.pipeline.transport import RequestsTransport

    waits: list[float] = []
    monkeypatch.setattr(RequestsTransport, "sleep", lambda _, seconds: waits.append(seconds))
    graph.deliver(mailbox, BOX, *mails(0, 3))
    sandbox.fault("status", 429, host="graph", path="value", times=5)
    sandbox.fault("status", 503, host="graph", path="delta", times=2)
    assert run(capsys, f"graph://{BOX}")[1]["reports"] == 3
    assert waits == [1.0] * 7


def test_an_interrupted_run_goes_on_from_its_last_page(
    mailbox: State, sandbox: Sandbox, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = ("--history", tmp_path / "h.db")
    graph.deliver(mailbox, BOX, *mails(0, 250))
    sandbox.fault("status", 403, host="graph", path="skiptoken")
    code, found, error = run(capsys, f"graph://{BOX}", *kept)
    assert (code, found["reports"]) == (2, 100)
    assert "not allowed (403 ErrorAccessDenied)" in error
    found = run(capsys, f"graph://{BOX}", *kept)[1]
    assert (found["reports"], found["repeated"]) == (250, 0)
    assert asked(sandbox, "/$value") == 250


def test_messages_are_moved_once_their_reports_are_kept(
    mailbox: State, sandbox: Sandbox, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    graph.make_mailbox(mailbox, BOX, graph.WRITE)
    graph.make_folder(mailbox, BOX, "It's read")
    graph.deliver(mailbox, BOX, *mails(0, 5), b"Subject: no report\r\n\r\nHello")
    words = (f"graph://{BOX}", "--history", tmp_path / "h.db", "--move-to", "It's read")
    sandbox.fault("status", 403, host="graph", path="move")
    code, found, _ = run(capsys, *words)
    assert (code, found["reports"]) == (2, 5)
    assert len(graph.messages(mailbox, BOX)) == 6
    assert run(capsys, *words)[1]["reports"] == 5
    assert len(graph.messages(mailbox, BOX)) == 1
    assert len(graph.messages(mailbox, BOX, "It's read")) == 5
    graph.deliver(mailbox, BOX, *mails(5, 7))
    assert run(capsys, *words)[1]["reports"] == 7
    assert len(graph.messages(mailbox, BOX, "It's read")) == 7


def test_a_folder_goes_by_the_name_that_outlook_shows(mailbox: State, capsys: pytest.CaptureFixture[str]) -> None:
    graph.deliver(mailbox, BOX, *mails(0, 3), folder="TLS reports & more")
    graph.deliver(mailbox, BOX, *mails(3, 4))
    assert run(capsys, f"graph://{BOX}/TLS reports & more")[1]["reports"] == 3
    assert run(capsys, f"graph://{BOX}/Inbox")[1]["reports"] == 1


def test_a_large_message_is_not_kept_in_memory(
    mailbox: State, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from checks.sources import graph as source

    monkeypatch.setattr(source, "FILE", 20_000)
    graph.deliver(mailbox, BOX, *mails(0, 1), b"Subject: x\r\n\r\n" + b"a line\r\n" * 40_000, *mails(1, 2))
    found = run(capsys, f"graph://{BOX}")[1]
    assert (found["reports"], found["broken"]) == (2, 1)
    assert "is larger than" in found["brokenNamed"][0]


def test_a_message_that_exchange_cannot_give_is_named_and_the_rest_is_read(
    mailbox: State, sandbox: Sandbox, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from azure.core.pipeline.transport import RequestsTransport

    monkeypatch.setattr(RequestsTransport, "sleep", lambda *_: None)
    graph.deliver(mailbox, BOX, *mails(0, 3))
    sandbox.fault("status", 500, host="graph", path="value", times=11)
    found = run(capsys, f"graph://{BOX}")[1]
    assert (found["reports"], found["broken"]) == (2, 1)
    assert "can't be had: Exchange answers ErrorMimeContentConversionFailed" in found["brokenNamed"][0]


def test_a_folder_that_was_made_anew_is_read_anew(
    mailbox: State, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = ("--history", tmp_path / "h.db")
    graph.deliver(mailbox, BOX, *mails(0, 2), folder="TLS")
    assert run(capsys, f"graph://{BOX}/TLS", *kept)[1]["reports"] == 2
    graph.make_folder(mailbox, BOX, "Other")  # else SQLite gives the number anew
    mailbox.db.execute("DELETE FROM mail_folders WHERE name = 'TLS'")
    graph.deliver(mailbox, BOX, *mails(2, 3), folder="TLS")
    assert run(capsys, f"graph://{BOX}/TLS", *kept)[1]["reports"] == 3


KEPT = ["https://graph.microsoft.com.evil.example/v1.0/users/x", "http://graph.microsoft.com/v1.0/users/x",
        "https://graph.microsoft.com@evil.example/v1.0/users", "https://graph.microsoft.com/beta/users/x"]  # fmt: skip


@pytest.mark.parametrize("link", KEPT)
def test_what_was_kept_leads_the_sign_in_nowhere_else(mailbox: State, link: str) -> None:
    from checks.sources.graph import Mailbox

    with pytest.raises(UnreadError, match="the sign-in isn't sent there"):
        next(Mailbox(BOX, "inbox").read({"link": link}, lambda _: False))


@pytest.mark.parametrize(
    ("address", "environment", "allowed", "says"),
    [
        (f"graph://nobody@{BOX.partition('@')[2]}", {}, graph.READ, "there is no mailbox nobody@example.org in Exchange Online (ErrorInvalidUser)"),
        (f"graph://{BOX}", {}, "", "not allowed (403 ErrorAccessDenied): the application needs Mail.Read for this mailbox (docs/reports.md)"),
        (f"graph://{BOX}/No such", {}, graph.READ, "there is no folder No such; there are Inbox, Archive, Deleted Items"),
        (f"graph://{BOX}", {"ARM_CLIENT_SECRET": "wrong"}, graph.READ, "Azure refuses the sign-in"),
        (f"graph://{BOX}", {"ARM_TENANT_ID": ""}, graph.READ, "ARM_TENANT_ID not set"),
        (f"graph://{BOX}", {"SSL_CERT_FILE": "/etc/ssl/certs/ca-certificates.crt"}, graph.READ, "can't reach Azure"),
    ],
)  # fmt: skip
def test_what_keeps_a_mailbox_from_being_read_is_one_line(
    mailbox: State,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    address: str,
    environment: dict[str, str],
    allowed: str,
    says: str,
) -> None:
    from azure.core.pipeline.transport import RequestsTransport

    monkeypatch.setattr(RequestsTransport, "sleep", lambda *_: None)
    graph.make_mailbox(mailbox, BOX, allowed)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    code, _, error = run(capsys, address)
    assert code == 64
    first, *rest = error.splitlines()
    assert first.startswith("checks: graph://")
    assert says in first
    assert rest == ["checks: there is nothing to judge by: no report could be read"]


def test_a_token_is_for_one_service_alone(azure: Clients) -> None:
    from azure.identity import EnvironmentCredential

    graphs = EnvironmentCredential().get_token("https://graph.microsoft.com/.default").token
    answer = RawArm(graphs)("GET", "/subscriptions")
    assert (answer.status_code, answer.code) == (401, "InvalidAuthenticationTokenAudience")


def test_the_local_graph_says_what_it_does_not_model(mailbox: State) -> None:
    from azure.identity import EnvironmentCredential

    bearer = f"Bearer {EnvironmentCredential().get_token('https://graph.microsoft.com/.default').token}"

    def get(path: str, query: dict[str, str] | None = None, **headers: str) -> graph.Answer:
        headers = {"authorization": bearer, **headers}
        return graph.handle(mailbox, "GET", f"/v1.0/users/{BOX}{path}", query or {}, headers, b"")

    assert get("/messages").status == 501
    assert get("/mailFolders/inbox/messages/delta").status == 501  # all properties of every message
    assert get("/mailFolders/inbox/messages/delta", {"$search": "x"}).status == 501
    assert get("/mailFolders/inbox/childFolders", authorization="Bearer x").body["error"]["code"] == "InvalidAuthenticationToken"  # fmt: skip
    assert get("/mailFolders/nonsense/childFolders").body["error"]["code"] == "ErrorInvalidIdMalformed"
    assert os.environ["ARM_CLIENT_SECRET"] not in json.dumps(get("/x").body)


def test_the_samples_are_a_fortnight_of_verified_senders_and_one_that_is_not(
    azure: Clients, sandbox: Sandbox, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    azure_sign_in.cache_clear()
    for _ in range(2):  # `make up` runs it every time
        assert sandbox_command(["--dir", str(sandbox.folder), "mail", BOX, "--samples", "example.org"]) == 0
        told = capsys.readouterr().out
        assert told == f"sample TLS reports: python -m checks reports graph://{BOX}\n"
    code, found, error = run(capsys, f"graph://{BOX}", "--history", tmp_path / "h.db")
    assert (code, found["reports"], found["repeated"], error) == (0, 42, 0, "")
    assert set(found["senders"]) == {
        "mail.example.net (verified)",
        "post.example.net (verified)",
        "A small sender (not verified)",
    }
    assert len(found["domains"]["example.org"]["days"]) == 14


def test_mails_are_put_into_a_mailbox_by_name(
    azure: Clients, sandbox: Sandbox, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    azure_sign_in.cache_clear()
    files = [tmp_path / f"{at}.eml" for at in range(2)]
    for file, data in zip(files, mails(0, 2), strict=True):
        file.write_bytes(data)
    command = ["--dir", str(sandbox.folder), "mail", BOX]
    assert sandbox_command([*command, *map(str, files), "--allow", graph.WRITE, "--folder", "TLS"]) == 0
    assert run(capsys, f"graph://{BOX}/TLS")[1]["reports"] == 2
    assert sandbox_command([*command, str(tmp_path / "none")]) == 1
    assert capsys.readouterr().err == f"sandbox: can't read {tmp_path / 'none'}: No such file or directory\n"
