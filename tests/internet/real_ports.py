"""Run in a network namespace: a name server on port 53, policy hosts on 443, and the checks as a user runs them.

Prints the checks' JSON for `right.example` and `wrong.example`, whose certificate is for another name.
"""

import array
import fcntl
import os
import socket
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from internet_servers import Hosts, answered, https, listening, name_server, page  # noqa: E402

POLICY = b"version: STSv1\r\nmode: none\r\nmax_age: 86400\r\n"
SIOCSIFFLAGS, IFF_UP = 0x8914, 0x1


def bring_loopback_up() -> None:
    """`ip link set lo up`, without iproute2."""
    with socket.socket() as sock:
        fcntl.ioctl(
            sock, SIOCSIFFLAGS, array.array("B", b"lo".ljust(16, b"\0") + bytes([IFF_UP]) + bytes(23)).tobytes()
        )


def main(folder: Path) -> int:
    """Stage both and look."""
    import dns.message

    bring_loopback_up()
    authority, names = Hosts(), {"right.example": "127.0.0.2", "wrong.example": "127.0.0.3"}
    hosts = {
        "127.0.0.2": authority.context("mta-sts.right.example"),
        "127.0.0.3": authority.context("elsewhere.example"),
    }
    authority.ca.cert_pem.write_to_path(str(folder / "ca.pem"))
    records = {(f"mta-sts.{name}", "A"): (address,) for name, address in names.items()}

    def answer(data: bytes, _: bool) -> bytes:
        return answered(dns.message.from_wire(data), records).to_wire()  # type: ignore[arg-type]

    with (
        name_server(answer, ("127.0.0.1", 53)),
        listening({address: https(context, page(POLICY)) for address, context in hosts.items()}, 443),
    ):
        env = {**os.environ, "SSL_CERT_FILE": str(folder / "ca.pem"), "MTA_STS_RESOLVER": "127.0.0.1"}
        command = [sys.executable, "-m", "checks", "domain", *names, "--json", "--no-servers"]
        run = subprocess.run(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, check=False)
    sys.stdout.buffer.write(run.stdout)
    return 0 if run.returncode == 2 else 1


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
