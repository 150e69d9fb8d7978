"""Domains at several DNS hosts on the local internet, and a person at a terminal who sets them up."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from domains.staged import SERVERS
from harness import ROOT

from sandbox.control import Sandbox

MICROSOFT = "mail.protection.outlook.com"
RECORDS = {"MX": "MXRecords", "NS": "NSRecords", "TXT": "TXTRecords", "CAA": "CAARecords", "A": "ARecords"}
AZURE = tuple(f"ns{at}-01.azure-dns.{end}" for at, end in enumerate(("com", "net", "org", "info"), 1))


def zone(
    sandbox: Sandbox, name: str, sets: Mapping[str, Any] = {}, name_servers: Sequence[str] = AZURE, group: str = "elsewhere", ttl: int = 300,
) -> None:  # fmt: skip
    """A zone that DNS answers; in Azure's own listing only where its group says so.

    :param sets: `MX/@` and so on to its records, as Azure writes them.
    """
    state = sandbox.state
    subscription = state.setting("subscription") if group != "elsewhere" else "somebody-else"
    id_ = f"/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network/dnszones/{name}"
    named = [f"{server}." for server in name_servers]
    state.put({"id": id_, "name": name, "type": "Microsoft.Network/dnszones", "etag": "x", "properties": {"nameServers": named, "zoneType": "Public"}})  # fmt: skip
    if group != "elsewhere":
        path = id_.partition("/providers/")[0]
        state.put({"id": path, "name": group, "type": "Microsoft.Resources/resourceGroups", "location": "westeurope", "properties": {}, "etag": "x"})  # fmt: skip
    soa = {"host": named[0], "email": "hostmaster.example.", "serialNumber": 1}
    for key, value in {"SOA/@": soa, "NS/@": [{"nsdname": each} for each in named], **sets}.items():
        put(sandbox, id_, key, value, ttl)


def put(sandbox: Sandbox, zone_id: str, key: str, value: Any, ttl: int = 300) -> None:
    """One record set."""
    kind, _, label = key.partition("/")
    named = {"SOA": "SOARecord", "CNAME": "CNAMERecord"}.get(kind) or RECORDS[kind]
    sandbox.state.put({"id": f"{zone_id}/{key}", "name": label, "type": f"Microsoft.Network/dnszones/{kind}", "etag": "x",
                       "properties": {"TTL": ttl, named: value}, "_before": None, "_visible": 0})  # fmt: skip


def mx(*hosts: str) -> dict[str, Any]:
    """`MX/@`."""
    return {"MX/@": [{"preference": 10 * at, "exchange": f"{host}."} for at, host in enumerate(hosts, 1)]}


def address(kind: str = "good") -> list[dict[str, str]]:
    """Address records of a mail server of that kind (tests/domains/staged.py)."""
    return [{"ipv4Address": SERVERS[kind]}]


def microsoft(sandbox: Sandbox, *labels: str) -> None:
    """Microsoft's zone, with a mail server for each domain."""
    zone(sandbox, MICROSOFT, {f"A/{label}": address() for label in labels})


@dataclass
class Session:
    """What a person saw and did.

    :param questions: that were answered.
    :param text: everything on the screen.
    """

    code: int
    text: str
    questions: list[str] = field(default_factory=list[str])

    @property
    def lines(self) -> int:
        """Of 80 signs, that were on the screen."""
        return sum(-(-len(line) // 80) or 1 for line in self.text.strip().splitlines())


def person(
    command: Sequence[str], answers: Mapping[str, str], cwd: Path, env: Mapping[str, str], timeout: float = 120
) -> Session:
    """Run a command at a terminal of 80 signs, and answer what it asks.

    :param answers: by a text in the question; "" takes what is offered.
    """
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(cwd)
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # as at any terminal, however the tests were started
        os.execvpe(command[0], list(command), {**env, "COLUMNS": "80", "LINES": "24", "TERM": "xterm"})
    seen, asked, deadline = "", list[str](), time.monotonic() + timeout
    unread = ""
    while True:
        ready, _, _ = select.select([terminal], [], [], 0.2)
        if ready:
            try:
                data = os.read(terminal, 65536).decode(errors="replace")
            except OSError:
                break
            if not data:
                break
            unread += data
            seen += data
        elif time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
            break
        plain = clean(unread)
        question = plain.rstrip(" ").splitlines()[-1] if plain.strip() else ""
        if not ready and question.endswith((":", "?")):
            whole = " ".join(plain.split())
            found = next((text for text in answers if text in whole[-400:]), None)
            if found is None:
                os.kill(pid, signal.SIGKILL)
                raise AssertionError(f"nobody expected this question: {question}")
            asked.append(found)
            os.write(terminal, f"{answers[found]}\n".encode())
            unread = ""
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    return Session(os.waitstatus_to_exitcode(status), clean(seen), asked)


def clean(text: str) -> str:
    """What is on the screen in the end, as a terminal makes it of what was written."""
    rows, row, column = [""], 0, 0
    for sign, up, other in re.findall(r"([^\x1b])|\x1b\[(\d*)A|\x1b\[([0-9;?]*[B-Za-z])", text):
        if sign == "\n":
            row += 1
            rows += [""] * (row - len(rows) + 1)
        elif sign == "\r":
            column = 0
        elif sign:
            rows[row] = rows[row][:column].ljust(column) + sign + rows[row][column + 1 :]
            column += 1
        elif other == "2K":
            rows[row] = ""
        elif not other:
            row = max(0, row - int(up or 1))
    return "\n".join(line.rstrip() for line in rows)


def setup(cwd: Path, env: Mapping[str, str], *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    """`python -m tools.setup …` without a terminal."""
    command = [sys.executable, "-m", "tools.setup", *arguments]
    return subprocess.run(command, cwd=cwd, env={**env, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, input=given, timeout=120)  # fmt: skip


def found(run: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """What `--json` says."""
    return json.loads(run.stdout)
