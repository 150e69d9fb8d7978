"""What Azure Storage refuses for a while, and what it refuses for good."""

from collections.abc import Generator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError

from policy import UserError
from provider import folder

INPUTS: dict[str, Any] = {"folder": "main", "policy": "version: STSv1\r\n", "web": {"index.html": "<html>"}}


def answering(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def container(inputs: dict[str, Any]) -> Generator[Any]:
        refused = HttpResponseError(str(status))
        refused.status_code = status
        raise UserError(f"Azure answers {status}") from refused
        yield

    monkeypatch.setattr(folder, "_container", container)


@pytest.mark.parametrize("status", [403, 404, 429, 500, 503])
def test_a_right_that_comes_late_a_new_account_and_throttling_are_waited_out(
    status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(status, monkeypatch)
    assert folder._uploaded(INPUTS) == f"Azure answers {status}"


@pytest.mark.parametrize("status", [400, 409])
def test_what_is_wrong_for_good_is_told_at_once(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(status, monkeypatch)
    with pytest.raises(UserError, match=str(status)):
        folder._uploaded(INPUTS)


class Container(SimpleNamespace):
    """Keeps what is put there, in order."""

    def __init__(self, *names: str) -> None:
        super().__init__(blobs=dict.fromkeys(names, b""), put=[], deleted=[])

    def upload_blob(self, name: str, data: bytes, overwrite: bool, content_settings: Any) -> None:
        assert overwrite
        self.put.append((name, content_settings.content_type, content_settings.cache_control))
        self.blobs[name] = data

    def list_blob_names(self, name_starts_with: str) -> list[str]:
        return [name for name in self.blobs if name.startswith(name_starts_with)]

    def delete_blob(self, name: str) -> None:
        self.deleted.append(name)


def test_the_policy_goes_last_what_is_gone_is_deleted_and_other_policies_stay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    there = Container("main/old.html", "mainly/index.html")

    @contextmanager
    def container(inputs: dict[str, Any]) -> Generator[Any]:
        yield there

    monkeypatch.setattr(folder, "_container", container)
    web = {"index.html": "<html>", "staticwebapp.config.json": "{}", "icon.png": "data:;base64,AAE="}
    assert folder._uploaded({**INPUTS, "web": web}) is None
    assert there.put == [
        ("main/index.html", "text/html; charset=utf-8", "max-age=300"),
        ("main/icon.png", "image/png", "max-age=300"),
        ("main/.well-known/mta-sts.txt", "text/plain; charset=utf-8", "no-cache"),
    ]
    assert there.blobs["main/icon.png"] == b"\x00\x01"
    assert there.deleted == ["main/old.html"]
