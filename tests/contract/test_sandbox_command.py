"""`python -m sandbox` as a person uses it."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

from sandbox.control import Sandbox

ROOT = Path(__file__).parents[2]


def cli(folder: Path, *arguments: str) -> tuple[int, str, str]:
    command = [sys.executable, "-m", "sandbox", "--dir", str(folder), *arguments]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    return run.returncode, run.stdout, run.stderr


def test_up_twice_status_down_and_up_again(tmp_path: Path) -> None:
    try:
        assert cli(tmp_path, "status")[0] == 3
        code, out, _ = cli(tmp_path, "up")
        assert (code, "is up" in out) == (0, True)
        first = json.loads(cli(tmp_path, "status", "--json")[1])
        assert max(first[name] for name in ("proxy", "dns", "https")) < 32768  # else the kernel gives them away
        code, out, _ = cli(tmp_path, "up")
        assert (code, "was up already" in out) == (0, True)
        assert cli(tmp_path, "zone", "example.org", "--mx", "mail.example.org")[0] == 0
        assert "stopped" in cli(tmp_path, "down")[1]
        assert "was not running" in cli(tmp_path, "down")[1]
        assert cli(tmp_path, "up")[0] == 0
        again = json.loads(cli(tmp_path, "status", "--json")[1])
        assert {name: again[name] for name in ("proxy", "dns", "https")} == {
            name: first[name] for name in ("proxy", "dns", "https")
        }
        assert "1 zones" in cli(tmp_path, "status")[1]
    finally:
        cli(tmp_path, "reset")
    assert not (tmp_path / "state.db").exists()


def test_it_outlives_a_power_cut(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path)
    with sandbox:
        cli(tmp_path, "zone", "example.org")
        sandbox.down(kill=True)
        assert (tmp_path / "running.json").exists()
        assert sandbox.running is None
        assert sandbox.up()
        assert "1 zones" in cli(tmp_path, "status")[1]


def test_env_names_what_clients_need(tmp_path: Path) -> None:
    code, out, err = cli(tmp_path, "env")
    assert (code, out) == (1, "")
    assert err == "sandbox: the local Azure is not running; start it: python -m sandbox up\n"
    with Sandbox(tmp_path):
        found = json.loads(cli(tmp_path, "env", "--json")[1])
        assert {"proxy", "dns", "ca", "arm", "env"} <= set(found)
        shell = subprocess.run(
            ["sh", "-c", f'eval "$({sys.executable} -m sandbox --dir {tmp_path} env)"; env'],
            cwd=ROOT, capture_output=True, text=True,
        ).stdout  # fmt: skip
        for name in (
            "HTTPS_PROXY",
            "SSL_CERT_FILE",
            "ARM_CLIENT_SECRET",
            "PULUMI_BACKEND_URL",
            "MTA_STS_RESOLVER",
        ):
            assert f"{name}={found['env'][name]}\n" in shell


def test_a_taken_port_is_one_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, _, err = cli(tmp_path, "up", "--port-proxy", str(port))
    assert code == 1
    assert err == f"sandbox: port {port} for proxy is taken; choose another, or none to get a free one\n"


def test_two_starts_at_once_make_one_and_two_folders_stand_side_by_side(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    command = [sys.executable, "-m", "sandbox", "--dir", str(one), "up"]
    starts = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    try:
        outputs = [start.communicate(timeout=60)[0] for start in starts]
        assert sorted("already" in out for out in outputs) == [False, True]
        with Sandbox(other) as second:
            first = Sandbox(one).running
            assert first
            assert second.running
            assert first["proxy"] != second.running["proxy"]
    finally:
        Sandbox(one).reset()


def test_it_listens_on_loopback_only_and_keeps_its_secrets_to_its_owner(tmp_path: Path) -> None:
    with Sandbox(tmp_path) as sandbox:
        assert sandbox.running
        ports = {sandbox.running[name] for name in ("proxy", "dns", "https")}
        for table in ("tcp", "tcp6", "udp", "udp6"):
            for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
                address, _, port = line.split()[1].rpartition(":")
                if int(port, 16) in ports and line.split()[2].endswith(":0000"):
                    assert address == "0100007F", line
        assert oct(os.stat(tmp_path).st_mode & 0o777) == "0o700"
        for name in ("ca.key", "state.db"):
            assert oct(os.stat(tmp_path / name).st_mode & 0o777) == "0o600"


def test_help_and_wrong_words(tmp_path: Path) -> None:
    assert "start it in the background" in cli(tmp_path, "--help")[1]
    assert cli(tmp_path, "fly")[0] == 2
    assert cli(tmp_path, "set", "nothing", "1")[0] == 2
