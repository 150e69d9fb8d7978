"""What is shown: tables with rich, JSON, a text file for Prometheus. What strangers wrote goes through `shown`."""

import errno
import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from checks.finding import ORDER, Domain, Level
from checks.shown import as_json as json_text
from checks.shown import label, shown
from checks.tally import Tally
from checks.verdict import Verdict

NAMED = 5  # domains whose next step is told
COLOURS = {Level.PASS: "green", Level.UNCHECKED: "cyan", Level.WARN: "yellow", Level.FAIL: "bold red"}


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Rich's own ends with 1, which means "warnings".

        :raises BrokenPipeError: always.
        """
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


def console() -> Console:
    """Stdout, on which no text is markup; as wide as the terminal is."""
    width = None if sys.stdout.isatty() else 140
    return _Console(width=width, markup=False, emoji=False, highlight=False)


def as_json(value: Any, console: Console) -> None:
    """JSON on stdout, and nothing else."""
    console.file.write(json_text(value) + "\n")


def _text(given: object, style: str = "") -> Text:
    return Text(shown(given), style)


def domains(found: Sequence[Domain], console: Console) -> None:
    """Every line of every domain, then a line for all."""
    for domain in found:
        console.print(_text(f"What a sender sees of {domain.name}", "bold"))
        table = Table(box=None, padding=(0, 0, 0, 2), show_header=False)
        for _ in range(3):
            table.add_column(overflow="fold")
        for line in domain.lines:
            check, _, server = line.check.partition(" ")
            text = _text(line.text if line.text.startswith(server) else f"{server}: {line.text}")
            if line.section and line.level != Level.PASS:
                text.append_text(_text(f" ({line.section})", "dim"))
            if line.way_out and line.level != Level.PASS:
                text.append("\n").append_text(_text(f"-> {line.way_out}", "bold"))
            table.add_row(Text(line.level, COLOURS[line.level]), _text(check), text)
        console.print(table)
        console.print()
    counts = {level: sum(domain.level == level for domain in found) for level in ORDER}
    told = ", ".join(f"{count} {level}" for level, count in counts.items() if count)
    console.print(f"{len(found)} {'domain' if len(found) == 1 else 'domains'}: {told}")


def next_steps(found: Sequence[Domain], console: Console) -> None:
    """What to do now: for the worst domains, or for all where all is well."""
    worst = max((domain.level for domain in found), key=ORDER.index)
    steps = [domain for domain in found if domain.next and (domain.level == worst or worst == Level.UNCHECKED)]
    for domain in steps[:NAMED]:
        console.print(_text(f"Next for {domain.name}: ", "bold").append(_text(domain.next, "not bold")))
    if len(steps) > NAMED:
        console.print(f"… and for {len(steps) - NAMED} more")


def reports(tally: Tally, verdicts: Sequence[Verdict], console: Console) -> None:
    """Counts, and a verdict for each domain."""
    counts = {
        "repeated": tally.repeated,
        "from before": tally.earlier,
        "not verified": tally.unverified,
        "of days to come": tally.future,
        "unreadable": tally.broken,
    }
    console.print(
        f"{tally.reports} reports" + "".join(f", {count} {what}" for what, count in counts.items() if count)
    )
    for broken in tally.named:
        console.print(_text(f"  {broken.where} {broken.why}", "yellow"), soft_wrap=True)
    for odd in tally.odd:
        console.print(_text(f"  {odd}", "yellow"), soft_wrap=True)
    for title, counts in (("sessions by sender", tally.senders), ("failures by result", tally.results),
                          ("failures by mail server", tally.servers)):  # fmt: skip
        if counts:
            table = Table(title=title, title_justify="left", box=None, show_header=False)
            for name, count in counts.most_common(10):
                table.add_row(_text(name), str(count))
            console.print(table)
    for name, domain in sorted(tally.domains.items()):
        title = _text(name or "(no domain)", "table.title")
        table = Table("day", "succeeded", "failed", title=title, title_justify="left", box=None)
        for day, each in sorted(domain.days.items())[-14:]:
            table.add_row(str(day), str(each.good), str(each.bad))
        console.print(table)
    show_verdicts(verdicts, console)


def show_verdicts(verdicts: Sequence[Verdict], console: Console) -> None:
    """Safe or not, what to do next, what is missing, and why."""
    for verdict in verdicts:
        answer = (
            Text("safe to enforce", "bold green") if verdict.safe else Text("not yet safe to enforce", "bold red")
        )
        console.print(_text(f"{verdict.domain}: ").append(answer))
        if verdict.next:
            console.print(_text(f"  {verdict.next}", "bold"), soft_wrap=True)
        for missing in verdict.missing:
            console.print(_text(f"  missing: {missing}"), soft_wrap=True)
        for reason in verdict.reasons:
            console.print(_text(f"  - {reason}"), soft_wrap=True)


def prometheus(found: Sequence[Domain], path: Path, more: Mapping[str, Mapping[str, str]] | None = None) -> None:
    """A text file for node_exporter's textfile collector, put in place whole.

    :param more: further labels, by domain.
    :raises OSError: the folder can't be written.
    """
    lines = [
        "# HELP mta_sts_level 0 pass, 1 not checked, 2 warn, 3 fail; the worst of each check",
        "# TYPE mta_sts_level gauge",
    ]
    levels: dict[str, int] = {}  # two names may be shown alike, and node_exporter refuses a file with a repetition
    of_domain = {each.name: _labels({"domain": each.name, **(more or {}).get(each.name, {})}) for each in found}
    for domain in found:
        for check in sorted({line.check for line in domain.lines}):
            kind, _, server = check.partition(" ")
            labels = (
                f"{of_domain[domain.name]},{_labels({'check': kind, **({'server': server} if server else {})})}"
            )
            levels[labels] = max(levels.get(labels, 0), ORDER.index(domain.of(check)))
    lines += [f"mta_sts_level{{{labels}}} {level}" for labels, level in levels.items()]
    lines += ["# HELP mta_sts_certificate_expires_seconds the end of the policy host's certificate, Unix time",
              "# TYPE mta_sts_certificate_expires_seconds gauge"]  # fmt: skip
    lines += [f'mta_sts_certificate_expires_seconds{{{of_domain[each.name]}}} {each.expires:.0f}' for each in found if each.expires]  # fmt: skip
    lines += ["# HELP mta_sts_checked_seconds when this was looked at, Unix time", "# TYPE mta_sts_checked_seconds gauge",
              f"mta_sts_checked_seconds {time.time():.0f}", ""]  # fmt: skip
    write(path, "\n".join(lines))


def _labels(values: Mapping[str, str]) -> str:
    return ",".join(f'{name}="{label(value)}"' for name, value in values.items())


def write(path: Path, text: str) -> None:
    """A file that readers see whole or not at all.

    :raises OSError: the folder can't be written.
    """
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as file:
        file.write(text)
    os.chmod(file.name, 0o644)
    os.replace(file.name, path)
