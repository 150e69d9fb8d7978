"""`python -m tools.fleet preview|up|status` with the real engine on a local Azure."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from harness import ROOT, change_by_hand

from settings.project import Project
from tools.ci.preview import Preview
from tools.fleet import progress, run, stacks
from tools.fleet.run import DONE, DRIFTED, FAILED, Outcome, exit_code
from tools.fleet.stacks import Shard

from .conftest import Fleet

LOCKED = {"pid": 1, "username": "ann", "hostname": "build-7", "timestamp": "2026-11-25T08:00:00Z"}


def results(run: subprocess.CompletedProcess[str]) -> dict[str, dict[str, Any]]:
    """What `--json` tells, by stack."""
    assert run.stdout, run.stderr
    return {shard["stack"]: shard for shard in json.loads(run.stdout)}


def begin(fleet: Fleet, *options: str) -> subprocess.Popen[str]:
    """`python -m tools.fleet …`, without waiting for its end."""
    return subprocess.Popen(
        [sys.executable, "-m", "tools.fleet", *options],
        cwd=fleet.project,
        env={**fleet.environment, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def locks(fleet: Fleet) -> list[str]:
    return [str(path) for path in fleet.sandbox.folder.glob("pulumi/.pulumi/locks/**/*.json")]


def states(fleet: Fleet) -> dict[str, bytes]:
    """The files of the backend."""
    files = fleet.sandbox.folder.glob("pulumi/.pulumi/**/*")
    return {str(path): path.read_bytes() for path in files if path.is_file()}


def test_the_life_of_two_shards(fleet: Fleet) -> None:
    a, b = {"domain": "a.test", "shard": "1"}, {"domain": "b.test", "shard": "2"}
    fleet.file(a, b)
    fleet.shard(1)
    assert fleet.pulumi("stack", "init", "fleet-1").code == 0

    missing = fleet.tool("fleet", "up")
    assert missing.returncode == 64
    assert "fleet: fleet.csv: shard 2 has no stack yet: python -m tools.fleet init\n" in missing.stderr
    assert missing.stderr.endswith("fleet: Nothing was touched.\n")
    assert fleet.tool("fleet", "init").returncode == 0
    assert "shard: 2" in (fleet.project / "Pulumi.fleet-2.yaml").read_text()
    fleet.file(a, {**b, "domain": "b,test"})
    refused = fleet.tool("fleet", "up")
    assert refused.returncode == 64
    assert refused.stderr.startswith("fleet: fleet.csv line 3: domain: 'b,test'"), refused.stderr
    assert refused.stderr.endswith("fleet: Nothing was touched.\n")
    fleet.file(a, b)

    # Ctrl-C while a site is being made: both end in order, and nobody holds a lock.
    fleet.sandbox.delay("site-create", 60)
    process = begin(fleet, "up", "--jobs", "2", "--json")
    while sum(line["method"] == "PUT" and "staticSites" in line["path"] for line in fleet.sandbox.log()) < 2:
        assert process.poll() is None, process.communicate()
        time.sleep(0.1)
    assert len(locks(fleet)) == 2
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    assert {shard["result"] for shard in json.loads(out)} == {"cancelled"}
    assert "stopping: shards finish what is under way" in err
    assert locks(fleet) == []
    fleet.sandbox.delay("site-create", 0)

    # One whose configuration can't work doesn't keep the other.
    path = fleet.project / "Pulumi.fleet-2.yaml"
    file = path.read_text()
    path.write_text(file.replace("westeurope", "atlantis"))
    found = results(failed := fleet.tool("fleet", "up", "--json"))
    assert failed.returncode == 1
    assert (found["fleet-1"]["result"], found["fleet-2"]["result"]) == ("done", "failed")
    assert "azure-native:location: 'atlantis' has no Static Web Apps" in found["fleet-2"]["error"]

    # Somebody else is at work on it.
    path.write_text(file)
    lock = fleet.sandbox.folder / "pulumi/.pulumi/locks/organization/mta-sts/fleet-2/1.json"
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.write_text(json.dumps(LOCKED))
    found = results(fleet.tool("fleet", "up", "--json"))
    assert found["fleet-1"]["result"] == "nothing left"
    assert found["fleet-2"]["error"].startswith("fleet-2 is locked: somebody is at work on it (ann@build-7"), found
    status = fleet.tool("fleet", "status", "--json")
    one, two = results(status).values()
    assert (one["up"], one["last"], one["well"]) == (1, "update succeeded", True)
    assert (two["up"], two["last"], two["well"]) == (0, "update failed", False)
    assert (status.returncode, two["lock"]) == (1, "ann@build-7 since 2026-11-25T08:00:00")
    lock.unlink()

    # What is left is done; and a customer's change is its shard's alone.
    rest = fleet.tool("fleet", "up")
    assert rest.returncode == 0, rest.stderr
    assert "2 shards: 1 done, 1 nothing left" in rest.stdout
    assert set(fleet.senders("a.test", "b.test")) == {"a.test", "b.test"}

    # Each night, without the passphrase: what is no longer as the last `up` left it. One that fails keeps no other.
    fleet.more |= {"PULUMI_CONFIG_PASSPHRASE": "", "TF_BUILD": "True"}
    stored = states(fleet)
    well = fleet.tool("fleet", "preview", "--drift", "--shards", "2")
    assert (well.returncode, "1 shard: 1 done" in well.stdout) == (0, True), well.stdout + well.stderr
    change_by_hand(fleet.sandbox, "a.test", "v=STSv1; id=bad;")
    path.write_text(file.replace("westeurope", "atlantis"))
    drift = fleet.tool("fleet", "preview", "--drift")
    assert drift.returncode == 1
    assert "2 shards: 1 drifted, 1 failed" in drift.stdout
    line = "fleet-1 has drifted: update a.test-mta-sts, update a.test-mta-sts-seen; pulumi preview --stack fleet-1 --refresh --diff"
    assert drift.stdout.count(line) == 2, drift.stdout
    assert f"##vso[task.logissue type=error]{line}" in drift.stdout
    assert "fleet-2: azure-native:location: 'atlantis'" in drift.stdout
    assert states(fleet) == stored  # who looks writes nothing
    del fleet.more["PULUMI_CONFIG_PASSPHRASE"], fleet.more["TF_BUILD"]
    path.write_text(file)

    fleet.file({**a, "maxAge": "86400"}, b)
    preview = fleet.tool("fleet", "preview", "--shards", "1")
    assert preview.returncode == 0, preview.stderr
    assert "fleet-1: warning: " in preview.stdout
    assert "1 shard: 1 done" in preview.stdout


def test_a_shard_that_has_drifted_is_one_line_however_much_has_changed() -> None:
    shard = Shard(7, "fleet-7", Path("Pulumi.fleet-7.yaml"), ())
    found = Preview("fleet-7", changes=[("update", f"##vso[x]{at}\n", "x") for at in range(7)])
    drifted = Outcome(shard, DRIFTED, found)
    line = progress.wrong(drifted)
    assert line.startswith("fleet-7 has drifted: update \\x23#vso[x]0\\n, update")
    assert line.endswith("[x]4\\n, 2 more; pulumi preview --stack fleet-7 --refresh --diff")
    assert exit_code([drifted, Outcome(shard, DONE)]) == 1
    assert progress.wrong(Outcome(shard, DONE, found)) == ""


def test_a_shard_that_cannot_be_copied_stops_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def copy(given: dict[str, str], folder: Path) -> Iterator[tuple[Path, dict[str, str]]]:
        if given["PULUMI_STACK"] == "fleet-1":
            raise OSError(28, "No space left on device")
        yield folder, given

    def looked(_: str, outcome: Outcome, *__: Any) -> None:
        outcome.result = DONE

    monkeypatch.setattr(run, "Engine", lambda: SimpleNamespace(cancelled=0, cancel=lambda: None))
    monkeypatch.setattr(run, "stack", lambda *_: None)
    monkeypatch.setattr(run, "_run", looked)
    monkeypatch.setattr(run.without_secrets, "copy", copy)
    shards = [Shard(number, f"fleet-{number}", tmp_path / "Pulumi.yaml", ()) for number in (1, 2)]
    shards[0].file.write_text("name: mta-sts\n")
    fleet = stacks.Fleet(Project(tmp_path), tuple(shards), ())
    watcher = run.Watcher(*[lambda *_: None] * 4)
    one, two = run.run("preview", fleet, shards, 1, watcher, drift=True)
    assert (one.result, two.result) == (FAILED, DONE)
    assert progress.wrong(one) == "fleet-1: [Errno 28] No space left on device"


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["up", "--shards", "3"], "fleet: --shards: fleet.csv has no shard 3"),
        (["preview", "--drift", "--part", "2"], "fleet: --part: '2' is no part; write 1/4 for the first of four"),
        (["up", "--shards", "3-1"], "fleet: --shards: '3-1' is no shard; write 1,3-5"),
        (["up", "--part", "5/4"], "fleet: --part: '5/4' is no part; write 1/4 for the first of four"),
        (["up", "--jobs", "-1"], "fleet: --jobs: at least 1"),
    ],
)
def test_bad_input_is_one_line(tmp_path: Any, options: list[str], line: str) -> None:
    (tmp_path / "fleet.csv").write_text("domain,mode,shard\na.test,testing,1\n")
    (tmp_path / "Pulumi.fleet-1.yaml").write_text("config: {'mta-sts:fleet': {file: fleet.csv, shard: 1}}\n")
    run = subprocess.run(
        [sys.executable, "-m", "tools.fleet", *options],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
    )  # fmt: skip
    assert (run.returncode, len(run.stderr.splitlines())) == (64, 1)
    assert line in run.stderr


def test_two_stacks_cannot_have_one_shard(tmp_path: Any) -> None:
    for name in ("fleet-1", "old"):
        (tmp_path / f"Pulumi.{name}.yaml").write_text("config: {'mta-sts:fleet': {file: fleet.csv, shard: 1}}\n")
    (tmp_path / "fleet.csv").write_text("domain,mode,shard\na.test,testing,1\n")
    run = subprocess.run(
        [sys.executable, "-m", "tools.fleet", "status"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
    )  # fmt: skip
    assert "Pulumi.old.yaml: mta-sts:fleet.shard: Pulumi.fleet-1.yaml has shard 1, too" in run.stderr
