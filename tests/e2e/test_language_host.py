"""The language host, as the engine starts and ends it."""

import os
import shutil
import signal
import subprocess

STUCK = 60  # seconds; how long a process that doesn't end is waited for


def test_an_interrupt_ends_it_where_interrupts_were_ignored(engine: str) -> None:
    """`pulumi up &` in a script, cron and some CI runners ignore them, and so would whatever pulumi starts."""
    host = shutil.which("pulumi-language-python", path=os.pathsep.join(filter(None, (engine, os.environ["PATH"]))))
    assert host
    process = subprocess.Popen(
        [host, "127.0.0.1:9"],  # the engine's address, which it asks for in five minutes
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    )
    with process:
        try:
            assert process.stdout
            assert process.stdout.readline().strip().isdigit()  # its port: it serves
            process.send_signal(signal.SIGINT)
            process.wait(STUCK)
        finally:
            process.kill()
