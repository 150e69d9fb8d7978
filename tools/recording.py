"""README's recording: `python -m tools.recording`, or `make recording`, runs `make up` in a terminal and writes what it shows.

The run is a real one, on a local Azure of its own that goes with it. docs/recording.svg is a film: all frames below each
other, moved behind a window as high as the terminal. Where nothing moves, it shows the last one. Longer waits are cut to
two seconds.
"""

import fcntl
import io
import os
import pty
import re
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Iterator
from itertools import accumulate, pairwise
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "docs" / "recording.svg"
MAKE = ("make", "--no-print-directory", "-o", ".venv/.ready")  # whoever runs this has a .venv
COLUMNS, ROWS = 80, 28
FRAMES, SHORTEST, LONGEST, LAST = 12, 1.0, 2.0, 8.0  # how many at most; seconds that each lasts, and the last
LINE = 24.4  # height of a line, as rich draws it
CONTROL = re.compile(r"(\x1b\[\d*A|\x1b\[K|\x1b\[[\d?]*[hln]|\r|\n)")
FORMAT = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="-12 -12 1000 {height:.0f}" role="img" aria-label="make up, in a terminal">
<style>
.{{unique_id}}-matrix {{{{ font: {{char_height}}px/{{line_height}}px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace }}}}
.film {{{{ transform: translateY({end}px); animation: film {seconds:.1f}s step-end infinite }}}}
@keyframes film {{{{ {steps} }}}}
@media (prefers-reduced-motion: reduce) {{{{ .film {{{{ animation: none }}}} }}}}
{{styles}}
</style>
<defs><clipPath id="window"><rect width="100%" height="{window}"/></clipPath>{{lines}}</defs>
<rect x="-12" y="-12" width="100%" height="100%" rx="8" fill="#292929"/>
<g clip-path="url(#window)"><g class="film">{{backgrounds}}<g class="{{unique_id}}-matrix">{{matrix}}</g></g></g>
</svg>
"""


class Screen:
    """A terminal, as far as what runs here uses one: lines, and a cursor that goes up to write some of them anew."""

    def __init__(self) -> None:
        self.lines = [""]
        self.row, self.at_start = 0, True

    def feed(self, text: str) -> None:
        """Show what was printed."""
        for part in filter(None, CONTROL.split(text)):
            if part == "\n":
                self.row += 1
                self.lines += [""] * (self.row + 1 - len(self.lines))
            elif part == "\r":
                self.at_start = True
            elif part.endswith("A") and part.startswith("\x1b["):
                self.row = max(0, self.row - int(part[2:-1] or 1))
            elif part == "\x1b[K":
                self.lines[self.row] = "" if self.at_start else self.lines[self.row]
            elif not CONTROL.fullmatch(part):
                self.lines[self.row] = part if self.at_start else self.lines[self.row] + part
                self.at_start = False

    @property
    def window(self) -> list[str]:
        """What is on the screen."""
        return [*self.lines[-ROWS:], *[""] * (ROWS - len(self.lines))]


def run(command: tuple[str, ...], environment: dict[str, str]) -> Iterator[str]:
    """What a command prints into a terminal, as it comes.

    :raises SystemExit: it fails.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    rest = b""
    while True:
        select.select([ours], [], [])
        try:
            data = os.read(ours, 65536)
        except OSError:  # the other side is closed
            break
        whole, _, rest = (rest + data).rpartition(b"\n")
        yield whole.decode() + "\n" if whole else ""
    yield rest.decode()
    if process.wait():
        sys.exit(f"recording: {' '.join(command)} failed; run it by hand")


def film(environment: dict[str, str], hidden: str) -> list[tuple[float, list[str]]]:
    """The frames of `make up`: when each was seen, in seconds, and its lines.

    :param hidden: the folder of this run's local Azure, shown as the usual one.
    """
    screen = Screen()
    screen.feed("$ make up\n")
    frames, started = [(0.0, screen.window)], time.monotonic()
    for text in run((*MAKE, "up"), environment):
        screen.feed(text.replace(hidden, ".sandbox"))
        now = time.monotonic() - started
        if now - frames[-1][0] >= SHORTEST and screen.window != frames[-1][1]:
            frames.append((now, screen.window))
    frames.append((time.monotonic() - started, screen.window))
    step = max(1, -(-len(frames) // FRAMES))
    return [*frames[:-1][::step], frames[-1]]


def drawn(frames: list[tuple[float, list[str]]]) -> str:
    """The film as SVG."""
    console = Console(
        record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor"
    )
    for _, lines in frames:
        for line in lines:
            console.print(Text.from_ansi(line), no_wrap=True, overflow="crop")
    seen = [time for time, _ in frames]
    times = list(accumulate((min(LONGEST, later - time) for time, later in pairwise(seen)), initial=0.0))
    seconds, window = times[-1] + LAST, ROWS * LINE
    steps = " ".join(
        f"{100 * time / seconds:.2f}% {{{{ transform: translateY({-at * window:.1f}px) }}}}" for at, time in enumerate(times)
    )  # fmt: skip
    end = f"{-(len(frames) - 1) * window:.1f}"
    code = FORMAT.format(height=window + 24, window=window, end=end, seconds=seconds, steps=steps)
    svg = console.export_svg(unique_id="up", code_format=code)
    return "\n".join(line.rstrip() for line in svg.splitlines() if line.strip()) + "\n"


def main() -> int:
    """Record, and write the file."""
    with tempfile.TemporaryDirectory(prefix="mta-sts-recording-") as folder:
        environment = {**os.environ, "SANDBOX_DIR": folder, "TERM": "xterm-256color"}
        environment.pop("NO_COLOR", None)
        try:
            frames = film(environment, folder)
        finally:
            subprocess.run([*MAKE, "down"], cwd=ROOT, env=environment, check=False)
    TARGET.write_text(drawn(frames))
    print(f"{TARGET.relative_to(ROOT)}: {len(frames)} frames, {TARGET.stat().st_size // 1024} KiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
