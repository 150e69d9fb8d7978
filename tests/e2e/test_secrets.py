"""Secrets are nowhere but where they are used: everything that an `up` leaves or shows is searched for them."""

import os
import stat
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from harness import TESTING, Stack


class Witness:
    """Sees command lines and temporary files while something runs."""

    def __init__(self, temporary: Path) -> None:
        self.temporary = temporary
        self.command_lines: set[str] = set()
        self.modes: dict[str, int] = {}
        self.texts: set[str] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Witness":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(0.01):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                with suppress(OSError):
                    self.command_lines.add(path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
            for path in self._present():
                with suppress(OSError):
                    found = path.stat()
                    self.modes[str(path)] = stat.S_IMODE(found.st_mode)
                    if path.is_file():
                        self.texts.add(path.read_bytes().decode("utf-8", "replace"))

    def _present(self) -> Iterator[Path]:
        with suppress(OSError):  # a folder that has gone meanwhile ends this look; the next one is near
            yield from self.temporary.rglob("*")


def secrets(stack: Stack) -> dict[str, str]:
    state = stack.sandbox.state
    return {
        "deployment token": next(state.of("Microsoft.Web/staticSites"))["_api_key"],
        "client secret": state.setting("client-secret"),
        "access token": state.setting("access-token"),
    }


def test_an_up_at_its_most_talkative_leaves_and_shows_no_secret(stack: Stack, tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    logs = ("-v=9", "--logtostderr", "--logflow")
    with Witness(temporary) as witness:
        run = stack.pulumi("up", "--yes", *logs, TMPDIR=str(temporary))
        assert run.code == 0, run.text[-3000:]
        stack.configure({**TESTING, "maxAge": 1000})
        again = stack.pulumi("up", "--yes", "--skip-preview", *logs, TMPDIR=str(temporary))
        assert again.code == 0, again.text[-3000:]
    assert "RegisterResource" in run.text  # it really was that talkative
    assert any("StaticSitesClient" in line for line in witness.command_lines)
    uploaded = {path: mode for path, mode in witness.modes.items() if "/mta-sts-" in path}
    assert any(path.endswith("mta-sts.txt") for path in uploaded)
    assert {mode for path, mode in uploaded.items() if Path(path).suffix} <= {0o600}
    assert not [path for path in uploaded if Path(path).exists()]

    everything = {
        "output": run.text + again.text,
        "command lines": "\n".join(witness.command_lines),
        "temporary files": "\n".join(witness.texts),
        "outputs": stack.pulumi("stack", "output", "--json", "--show-secrets").stdout,
        "state": stack.pulumi("stack", "export", "--show-secrets").stdout,
        "stack file": (stack.project / "Pulumi.test.yaml").read_text(),
    }
    folder = stack.sandbox.folder
    for path in [*(folder / "pulumi").rglob("*"), *(folder / "pulumi-home").rglob("*"), folder / "sandbox.log"]:
        if path.is_file():
            everything[str(path)] = path.read_bytes().decode("utf-8", "replace")
    everything["the local Azure's log"] = str(stack.sandbox.log())
    assert len(everything["state"]) > 1000
    for name, secret in secrets(stack).items():
        assert len(secret) > 20
        assert [where for where, text in everything.items() if secret in text] == [], name


def test_the_token_is_in_no_message_when_an_upload_fails(stack: Stack) -> None:
    stack.sandbox.fault("status", 500, host="content-", times=9)
    run = stack.pulumi("up", "--yes", "--skip-preview", "-v=9", "--logtostderr")
    assert run.code != 0
    assert "upload failed three times" in run.text
    for name, secret in secrets(stack).items():
        assert secret not in run.text, name


@pytest.mark.parametrize("private", ["state.db", "ca.key"])
def test_what_the_local_azure_keeps_is_for_its_owner_alone(stack: Stack, private: str) -> None:
    assert stat.S_IMODE(os.stat(stack.sandbox.folder).st_mode) == 0o700
    assert stat.S_IMODE(os.stat(stack.sandbox.folder / private).st_mode) == 0o600


def test_everything_listens_on_loopback_alone(stack: Stack) -> None:
    running = stack.sandbox.running
    assert running
    found = subprocess.run(["ss", "-Hlntu"], capture_output=True, text=True, check=False).stdout
    if not found:
        pytest.skip("ss is not installed")
    for name in ("proxy", "dns", "https"):
        lines = [line for line in found.splitlines() if f":{running[name]} " in line]
        assert lines
        assert all(f"127.0.0.1:{running[name]} " in line for line in lines)


def test_a_reset_token_is_fetched_anew_and_the_old_one_refused(stack: Stack) -> None:
    stack.up()
    old = secrets(stack)["deployment token"]
    site = next(stack.sandbox.state.of("Microsoft.Web/staticSites"))
    stack.arm("POST", "/" + site["id"].split("/", 3)[3] + "/resetapikey", {"properties": {}})
    assert secrets(stack)["deployment token"] != old
    stack.assert_settled()
    stack.configure({**TESTING, "maxAge": 1000})
    stack.up()
