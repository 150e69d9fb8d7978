"""Takes away what a killed `pulumi` left in a file backend: `python -m tools.unlock`, with the stack's environment set.

A lock goes only where the process that made it ran on this machine and is gone; any other may be somebody's at work.
`pulumi cancel` does the rest, after a look. And where nobody holds a lock, a state's `.attrs` file that was cut off: the
engine writes it beside the state (gocloud.dev/blob/fileblob), and with half of one says "failed to load checkpoint: EOF".
"""

import json
import os
import socket
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

# The namespaces that Linux starts with (include/linux/proc_ns.h).
HOSTS_NUMBERS, HOSTS_NAME = "pid:[4026531836]", "uts:[4026531838]"


def files(backend: str, kind: str, pattern: str) -> list[Path]:
    """The files of a `file://` backend's `locks` or `stacks`."""
    at = urlsplit(backend)
    folder = Path(unquote(at.netloc + at.path) or "~").expanduser()
    return sorted((folder / ".pulumi" / kind).rglob(pattern)) if at.scheme == "file" else []


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


def cut_off(attributes: Path) -> bool:
    """Whether the attributes of a state are no JSON while the state itself is."""
    try:
        json.loads(attributes.with_suffix("").read_bytes())
    except (OSError, ValueError):
        return False
    try:
        json.loads(attributes.read_bytes())
    except ValueError:
        return True
    except OSError:
        pass
    return False


def main() -> int:
    """Unlock, and say so."""
    backend = os.environ.get("PULUMI_BACKEND_URL", "")
    held: set[str] = set()
    for lock in files(backend, "locks", "*.json"):
        if not stale(lock):
            held.add(lock.parent.name)
        else:
            stack = lock.parent.name
            lock.unlink(missing_ok=True)
            print(f"the stack {stack} was locked by a process that is gone; unlocked", file=sys.stderr)
    for attributes in files(backend, "stacks", "*.json.attrs"):
        stack = attributes.name.removesuffix(".json.attrs")
        if stack not in held and cut_off(attributes):
            attributes.unlink(missing_ok=True)
            print(
                f"a killed pulumi cut off what stands beside the state of {stack}; the state is whole",
                file=sys.stderr,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
