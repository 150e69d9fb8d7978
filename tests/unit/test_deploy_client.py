"""Microsoft's client is run as its contract says, and its failures become one line."""

import asyncio
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from policy import Policy, UserError
from provider import content, static_sites_client
from provider.wait import Wait

TOKEN = "0123456789abcdef-token"


def wait(timeout: float = 20) -> Wait:
    lines: list[str] = []
    made = Wait(timeout, lines.append, lines.append, asyncio.Event())
    made.lines = lines  # type: ignore[attr-defined]
    return made


def client(folder: Path, body: str) -> Path:
    path = folder / "StaticSitesClient"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def upload(path: Path, folder: Path, waiting: Wait | None = None) -> None:
    asyncio.run(static_sites_client.upload(path, folder, TOKEN, waiting or wait()))


def test_the_token_is_in_the_environment_and_not_among_the_arguments(tmp_path: Path) -> None:
    record = tmp_path / "seen"
    upload(
        client(tmp_path, f'echo "$#" "$DEPLOYMENT_ACTION" "$DEPLOYMENT_PROVIDER" "$DEPLOYMENT_TOKEN" > {record}'),
        tmp_path,
    )
    assert record.read_text().split() == ["0", "upload", "SwaCli", TOKEN]


def test_a_failure_is_tried_again_and_its_words_come_without_the_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def at_once(self: Wait, seconds: float) -> None: ...

    monkeypatch.setattr(Wait, "pause", at_once)
    count = tmp_path / "count"
    broken = client(tmp_path, f'echo x >> {count}; echo "no luck with $DEPLOYMENT_TOKEN"; exit 7')
    waiting = wait()
    with pytest.raises(UserError, match=r"three times: no luck with \*\*\*"):
        upload(broken, tmp_path, waiting)
    assert count.read_text().count("x") == 3
    assert not any(TOKEN in line for line in waiting.lines)  # type: ignore[attr-defined]


def test_a_refused_token_is_not_tried_again(tmp_path: Path) -> None:
    count = tmp_path / "count"
    refused = client(tmp_path, f'echo x >> {count}; echo "Reason: No matching Static Web App was found or the api key was invalid."; exit 1')  # fmt: skip
    with pytest.raises(UserError, match="deployment token was refused"):
        upload(refused, tmp_path)
    assert count.read_text().count("x") == 1


def test_a_client_that_hangs_is_ended_at_the_deadline(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="did not end within its time"):
        upload(client(tmp_path, "exec sleep 60"), tmp_path, wait(timeout=0.3))


def test_ctrl_c_ends_the_client_and_says_so(tmp_path: Path) -> None:
    waiting = wait()

    async def stopped_soon() -> None:
        asyncio.get_running_loop().call_later(0.2, waiting.cancelled.set)
        hanging = client(tmp_path, f"echo $$ > {tmp_path / 'pid'}; exec sleep 60")
        await static_sites_client.upload(hanging, tmp_path, TOKEN, waiting)

    with pytest.raises(UserError, match="stopped; nothing is lost"):
        asyncio.run(asyncio.wait_for(stopped_soon(), 5))
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_a_client_that_cannot_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="can't run"):
        upload(tmp_path / "nothing", tmp_path)


POLICY = Policy.of("testing", 604800, ["mail.example.org"]).render().decode()


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A site: what it serves before, and why not the upload, asked again and again."""
    found: dict[str, Any] = {"before": None, "reasons": []}
    monkeypatch.setattr(content.azure, "deployment_token", lambda site: TOKEN)
    monkeypatch.setattr(content, "served", lambda host: found["before"])
    monkeypatch.setattr(content, "not_live", lambda *_: found["reasons"].pop(0) if found["reasons"] else None)
    return found


def test_the_files_are_laid_out_as_served_and_gone_afterwards(
    tmp_path: Path, site: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    listing = tmp_path / "listing"
    seen = client(
        tmp_path,
        f'cd "$APP_LOCATION" && find . -type f | sort > {listing}; pwd >> {listing}; stat -c %a . >> {listing}',
    )
    inputs = {
        "site": "/subscriptions/s/x",
        "defaultHostname": "a.azurestaticapps.net",
        "policy": POLICY,
        "web": {"index.html": "hi", "a/b.png": "data:;base64,iVBORw=="},
    }
    monkeypatch.setenv(static_sites_client.CLIENT, str(seen))
    made = asyncio.run(content.update(inputs, {}, wait()))
    assert made == {"greatestMaxAge": 604800, "foundMode": ""}
    *files, folder, mode = listing.read_text().split()
    assert files == ["./.well-known/mta-sts.txt", "./a/b.png", "./index.html"]
    assert mode == "700"
    assert not Path(folder).exists()


def apply(tmp_path: Path, old: dict[str, Any] | None = None) -> tuple[dict[str, Any], int, list[str]]:
    """Upload: the outputs, how many uploads it took, and what was said."""
    count = tmp_path / "count"
    inputs = {"site": "s", "defaultHostname": "a.azurestaticapps.net", "policy": POLICY, "web": {"index.html": ""}}  # fmt: skip
    waiting = wait()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(static_sites_client.CLIENT, str(client(tmp_path, f"echo x >> {count}")))
        made = asyncio.run(content.update(inputs, old or {}, waiting))
    return made, len(count.read_text().split()), waiting.lines  # type: ignore[attr-defined]


def test_an_upload_counts_when_the_site_serves_it_and_is_done_again_when_it_never_does(
    tmp_path: Path, site: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    site["reasons"] = ["another policy is still served there"] * 2
    assert apply(tmp_path)[1] == 1
    (tmp_path / "count").unlink()
    monkeypatch.setattr(content, "SETTLED", 0.2)
    site["reasons"] = ["the answer is 404, only 200 counts"] * 2
    _, uploads, lines = apply(tmp_path)
    assert uploads == 2
    assert any("404" in line and line.endswith("uploading again") for line in lines)
    site["reasons"] = ["the answer is 404, only 200 counts"] * 99
    with pytest.raises(UserError, match="gave up waiting for the upload on a.azurestaticapps.net"):
        apply(tmp_path)


def test_what_the_site_served_before_is_remembered(tmp_path: Path, site: dict[str, Any]) -> None:
    site["before"] = Policy.of("enforce", 2_000_000, ["a.example"]).render().decode()
    assert apply(tmp_path)[0] == {"greatestMaxAge": 2_000_000, "foundMode": "enforce"}
    # An interrupted run may have left a policy there that no state knows of; the mode found at first stays.
    made, _, _ = apply(tmp_path, {"greatestMaxAge": 700_000, "foundMode": ""})
    assert made == {"greatestMaxAge": 2_000_000, "foundMode": ""}


def test_a_file_outside_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="outside"):
        content.write(tmp_path, "", {"../x": ""})


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Any]:
    """Microsoft's metadata and binary, without a network."""
    binary = b"#!/bin/sh\n"
    found: dict[str, Any] = {"binary": binary, "sha": hashlib.sha256(binary).hexdigest(), "gets": []}

    def fetched(url: str, _: Wait) -> bytes:
        found["gets"].append(url)
        if url != static_sites_client.METADATA:
            return found["binary"]
        files = {found.get("machine", "linux-x64"): {"url": "https://x.test/client", "sha": found["sha"].upper()}}
        return json.dumps([{"version": "latest", "files": {}}, {"version": "stable", "files": files}]).encode()

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(static_sites_client, "fetched", fetched)
    monkeypatch.setattr(static_sites_client, "machine", lambda: "linux-x64")
    return found


def test_the_client_is_downloaded_once_and_verified_each_time(served: dict[str, Any]) -> None:
    path = static_sites_client.download(wait())
    assert os.access(path, os.X_OK)
    assert static_sites_client.download(wait()) == path
    assert len(served["gets"]) == 3
    path.write_bytes(b"tampered")
    assert static_sites_client.download(wait()).read_bytes() == served["binary"]


def test_a_client_with_another_hash_is_never_run(served: dict[str, Any], tmp_path: Path) -> None:
    served["binary"] = b"#!/bin/sh\nevil\n"
    with pytest.raises(UserError, match="does not have the published SHA-256"):
        static_sites_client.download(wait())
    assert not list((tmp_path / "cache").rglob("StaticSitesClient"))


def test_a_machine_without_a_client_is_told_so(served: dict[str, Any]) -> None:
    served["machine"] = "win-x64"
    with pytest.raises(UserError, match="no stable client for linux-x64"):
        static_sites_client.download(wait())


def test_another_client_than_the_pinned_one_is_not_run(served: dict[str, Any]) -> None:
    assert static_sites_client.download(wait(), served["sha"])
    with pytest.raises(UserError, match="mta-sts:staticSitesClientSha256"):
        static_sites_client.download(wait(), "0" * 64)


def test_the_client_sees_only_what_it_needs_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (
        "DEPLOYMENT_ENVIRONMENT",
        "API_LOCATION",
        "REPOSITORY_URL",
        "ARM_CLIENT_SECRET",
        "PULUMI_CONFIG_PASSPHRASE",
    ):
        monkeypatch.setenv(name, "stray")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    record = tmp_path / "seen"
    upload(client(tmp_path, f"env > {record}"), tmp_path)
    seen = record.read_text()
    assert "stray" not in seen
    assert "HTTPS_PROXY=http://127.0.0.1:1" in seen
    assert "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1" in seen


def test_the_first_line_of_a_failure_is_told_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def at_once(self: Wait, seconds: float) -> None: ...

    monkeypatch.setattr(Wait, "pause", at_once)
    broken = client(
        tmp_path, "echo Could not find a valid ICU package; for n in 1 2 3 4; do echo frame $n; done; exit 134"
    )
    with pytest.raises(UserError, match="ICU package / frame 2 / frame 3 / frame 4"):
        upload(broken, tmp_path)
