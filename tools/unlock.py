"""Takes away the lock that a killed `pulumi` left: `python -m tools.unlock`, with the stack's environment set.

Only a file backend's, and only where the process that made it ran on this machine and is gone; any other lock may be
somebody's at work. `pulumi cancel` does the rest, after a look.
"""

import json
import os
import socket
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

# The namespaces that Linux starts with (include/linux/proc_ns.h).
HOSTS_NUMBERS, HOSTS_NAME = "pid:[4026531836]", "uts:[4026531838]"


def locks(backend: str) -> list[Path]:
    """The lock files of a `file://` backend."""
    at = urlsplit(backend)
    folder = Path(unquote(at.netloc + at.path) or "~").expanduser()
    return sorted((folder / ".pulumi" / "locks").rglob("*.json")) if at.scheme == "file" else []


def stale(lock: Path) -> bool:
    """Whether whoever holds a lock is surely gone."""
    try:
        held = json.loads(lock.read_text())
        pid, host = int(held["pid"]), held["hostname"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    if host != socket.gethostname() or _hidden_pulumi():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    # The number may be another process's by now, though hardly another pulumi's.
    try:
        return "pulumi" not in Path(f"/proc/{pid}/comm").read_text()
    except OSError:
        return False


def _hidden_pulumi() -> bool:
    """Whether a pulumi may be at work under this machine's name with a number that means another process here.

    Containers have numbers of their own (pid_namespaces(7)); one that shares the host's name doesn't see the host's.
    """
    try:
        ours = os.readlink("/proc/self/ns/pid")
        if os.readlink("/proc/self/ns/uts") == HOSTS_NAME and ours != HOSTS_NUMBERS:
            return True
    except OSError:
        return False  # not Linux, or no containers
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "comm").read_text().strip() == "pulumi" and os.readlink(process / "ns" / "pid") != ours:
                return True
        except OSError:
            continue  # it has ended, or is another user's
    return False


def main() -> int:
    """Unlock, and say so."""
    backend = os.environ.get("PULUMI_BACKEND_URL", "")
    for lock in locks(backend):
        if stale(lock):
            stack = lock.parent.name
            lock.unlink(missing_ok=True)
            print(f"the stack {stack} was locked by a process that is gone; unlocked", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
