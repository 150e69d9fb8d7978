"""A history in the container of a state: Microsoft's own client, and a service that takes it at its word."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.identity import EnvironmentCredential
from azure.storage.blob import BlobClient, ContainerClient
from contract_tools import Clients
from reports.mailboxes import BOX, mails, run

from checks import history
from policy import UserError
from provider.azure import signed_in as azure_sign_in
from sandbox import graph, storage
from sandbox.control import Sandbox

WHERE = "azblob://state/reports/history.db"
ACCOUNT = f"https://{storage.ACCOUNT}{storage.ENDPOINT}"


@pytest.fixture(autouse=True)
def signed_in(azure: Clients) -> Iterator[None]:
    azure_sign_in.cache_clear()
    yield
    azure_sign_in.cache_clear()


def client(name: str = "x", container: str = "state", **options: Any) -> BlobClient:
    return BlobClient(ACCOUNT, container, name, credential=EnvironmentCredential(), **options)


def test_a_blob_is_what_was_put_there_and_conditions_hold() -> None:
    blob = client()
    with pytest.raises(ResourceNotFoundError) as missing:
        blob.download_blob()
    assert missing.value.error_code == "BlobNotFound"  # pyright: ignore[reportAttributeAccessIssue]
    first = blob.upload_blob(b"one")["etag"]
    with pytest.raises(ResourceExistsError):
        blob.upload_blob(b"two")
    second = blob.upload_blob(b"two", overwrite=True, etag=first, match_condition=MatchConditions.IfNotModified)[
        "etag"
    ]
    assert second != first
    with pytest.raises(ResourceModifiedError):
        blob.upload_blob(b"three", overwrite=True, etag=first, match_condition=MatchConditions.IfNotModified)
    found = blob.download_blob()
    assert (found.readall(), found.properties.etag) == (b"two", second)
    blob.delete_blob()
    with pytest.raises(HttpResponseError):
        blob.upload_blob(b"x", overwrite=True, etag=second, match_condition=MatchConditions.IfNotModified)


def test_a_large_blob_goes_and_comes_in_parts() -> None:
    data = os.urandom(300_000)
    small: Any = {"max_single_put_size": 1000, "max_block_size": 70_000, "max_single_get_size": 64_000, "max_chunk_get_size": 50_000}  # fmt: skip
    blob = client(**small)
    blob.upload_blob(data)
    assert blob.download_blob().readall() == data
    blob.upload_blob(b"", overwrite=True)
    assert blob.download_blob().readall() == b""


def test_containers_are_made_by_name() -> None:
    with pytest.raises(ResourceNotFoundError, match="ContainerNotFound"):
        client(container="other").upload_blob(b"x")
    ContainerClient(ACCOUNT, "other", credential=EnvironmentCredential()).create_container()
    client(container="other").upload_blob(b"x")


def test_a_history_in_a_blob_is_the_same_as_in_a_file(
    sandbox: Sandbox, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    graph.make_mailbox(sandbox.state, BOX)
    graph.deliver(sandbox.state, BOX, *mails(0, 30))
    for where in (WHERE, tmp_path / "h.db"):
        assert run(capsys, f"graph://{BOX}", "--history", where)[1]["reports"] == 30
    graph.deliver(sandbox.state, BOX, *mails(30, 40))
    blob = run(capsys, f"graph://{BOX}", "--history", WHERE)[1]
    file = run(capsys, f"graph://{BOX}", "--history", tmp_path / "h.db")[1]
    assert blob == file
    assert blob["reports"] == 40
    kept = storage.content(sandbox.state, "reports/history.db")
    assert kept
    assert kept.startswith(b"SQLite format 3")


def test_of_two_runs_at_once_the_later_counts_again(
    sandbox: Sandbox, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    graph.make_mailbox(sandbox.state, BOX)
    graph.deliver(sandbox.state, BOX, *mails(0, 5))
    real, others = history.History.tally, iter([5, 9])

    def meanwhile(self: history.History, *given: Any) -> Any:
        """Just before this run's upload, another one has read everything and more."""
        if (count := next(others, None)) is not None:
            with history.open(WHERE) as other:
                other.remember("other", count)
            graph.deliver(sandbox.state, BOX, *mails(count, count + 4))
        return real(self, *given)

    monkeypatch.setattr(history.History, "tally", meanwhile)
    code, found, error = run(capsys, f"graph://{BOX}", "--history", WHERE)
    assert (code, found["reports"], found["repeated"], error) == (0, 13, 0, "")
    with history.open(WHERE, read_only=True) as kept:
        assert kept.remembered("other") == 9


def test_what_was_changed_meanwhile_is_not_overwritten() -> None:
    with history.open(WHERE) as first:
        first.remember("a", 1)
    late = history.open(WHERE)
    with history.open(WHERE) as other:
        other.remember("a", 2)
    late.remember("a", 3)
    with pytest.raises(history.ChangedError, match="changed by another run"):
        late.__exit__(None, None, None)
    with history.open(WHERE, read_only=True) as found:
        assert found.remembered("a") == 2


def test_nothing_is_uploaded_where_nothing_changed_and_no_copy_stays(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    with history.open(WHERE) as found:
        found.remember("a", 1)
    with history.open(WHERE) as found:
        assert found.remembered("a") == 1
    assert sum(line["method"] == "PUT" for line in sandbox.log() if line["service"] == "blob") == 1
    assert not list(tmp_path.glob("mta-sts-*"))


@pytest.mark.parametrize(
    ("where", "environment", "refused", "says"),
    [
        ("azblob://other/h.db", {}, "", "Azure answers 404 ContainerNotFound"),
        (WHERE, {}, "1", "not allowed (403 AuthorizationPermissionMismatch): it takes the role Storage Blob Data Contributor"),
        (WHERE, {"AZURE_STORAGE_ACCOUNT": ""}, "", "which storage account? Set AZURE_STORAGE_ACCOUNT"),
        (WHERE, {"ARM_CLIENT_SECRET": "wrong"}, "", "Azure refuses the sign-in"),
        ("azblob://state", {}, "", "names no blob"),
    ],
)  # fmt: skip
def test_what_keeps_a_history_from_being_used_is_one_line(
    sandbox: Sandbox,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    where: str,
    environment: dict[str, str],
    refused: str,
    says: str,
) -> None:
    if refused:
        sandbox.state.delete(next(sandbox.state.of("Microsoft.Authorization/roleAssignments"))["id"])
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    code, _, error = run(capsys, "--history", where)
    assert code == 64
    assert says in error
    assert len(error.splitlines()) == 1
    with pytest.raises(UserError):
        history.open(where, read_only=True)
