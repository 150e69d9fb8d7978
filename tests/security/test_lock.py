"""A lock is taken away only from a process that is surely gone."""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from tools import unlock

GONE = 2**22 + 1  # beyond the greatest number a process can have


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "lock.json"
    path.write_text(json.dumps({"pid": GONE, "hostname": socket.gethostname()}))
    return path


def test_a_lock_of_a_process_that_is_gone_is_stale(lock: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unlock, "_hidden_pulumi", lambda: False)
    assert unlock.stale(lock)
    lock.write_text(json.dumps({"pid": GONE, "hostname": "another"}))
    assert not unlock.stale(lock)


@pytest.mark.skipif(os.geteuid() != 0, reason="a PID namespace takes root")
def test_a_lock_is_left_while_a_pulumi_works_in_a_container(lock: Path, tmp_path: Path) -> None:
    program = tmp_path / "pulumi"
    shutil.copy(shutil.which("sleep") or "", program)
    container = subprocess.Popen(["unshare", "--pid", "--fork", str(program), "60"], start_new_session=True)
    try:
        deadline = time.monotonic() + 30
        while not unlock._hidden_pulumi():
            assert container.poll() is None, "a PID namespace can't be made here"
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert not unlock.stale(lock)
    finally:
        os.killpg(container.pid, signal.SIGKILL)
        container.wait()


def test_a_broken_state_is_left_alone_and_so_is_one_that_somebody_works_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path}")
    stacks, locks = (tmp_path / ".pulumi" / kind / "mta-sts" for kind in ("stacks", "locks"))
    stacks.mkdir(parents=True)
    (locks / "held").mkdir(parents=True)
    (locks / "held" / "one.json").write_text(json.dumps({"pid": GONE, "hostname": "another"}))
    for name, text in {"broken": "{", "held": "{}", "free": "{}"}.items():
        (stacks / f"{name}.json").write_text(text)
        (stacks / f"{name}.json.attrs").touch()
    unlock.main()
    assert sorted(path.name for path in stacks.glob("*.attrs")) == ["broken.json.attrs", "held.json.attrs"]
