"""Servers that tests start."""

import subprocess


def stop(process: subprocess.Popen[bytes]) -> None:
    """End it; by force where it doesn't within ten seconds."""
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
