"""What the commands go by: domains as they look now, and reports from wherever they come."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from checks import history, verdict
from checks.domain import look_at
from checks.finding import Domain
from checks.shown import shown
from checks.signed import Signatures, key_record
from checks.sources import Once, Sink, Source, UnreadError, count, sources
from checks.tally import Tally
from internet.view import View
from policy import UserError

AGAIN = 5  # times that a history is read anew because another run has changed it


def look(names: Sequence[str], ids: dict[str, str], options: argparse.Namespace) -> list[Domain]:
    """Look, with progress on stderr where somebody watches."""
    seen_from = view(options)
    if options.ca:
        seen_from = replace(seen_from, ca_file=options.ca)
    if options.ca and not Path(options.ca).is_file():
        raise UserError(f"--ca: there is no file {options.ca}")
    port = None if options.no_servers else options.smtp_port
    watched = sys.stderr.isatty() and len(names) > 1
    with Progress(console=Console(stderr=True), transient=True, disable=not watched) as progress:
        task = progress.add_task("looking", total=len(names))
        return look_at(names, seen_from, ids, port, lambda _: progress.advance(task))


def view(options: argparse.Namespace) -> View:
    return View.from_environment().through(options.resolver)


def gather(options: argparse.Namespace, paths: Sequence[str | Path], asked: Sequence[str]) -> Tally:
    """All reports that the sources have, and the history; new ones are kept there, where there is one.

    A source that can't be read is told in one line; what the others have is counted, and `Tally.unread` names it.

    :param paths: files, folders and mailboxes, as typed.
    :raises UserError: none of them can be read; one is nothing that could be; the history can't be used.
    """
    signatures = Signatures(partial(key_record, view(options)), options.authserv_id)
    if options.move_to and not options.history:
        raise UserError("--move-to needs --history: mails are moved once their reports are kept")
    found = sources(paths, signatures.of, options.move_to, options.imap_oauth)
    if options.history:
        tally = _kept(options, found, frozenset(asked), signatures)
    else:
        tally = Tally(options.since, frozenset(asked), options.verified_only)
        tally.unread += _read(found, signatures, Once(tally))
    for line in tally.unread:
        print(f"checks: {shown(line)}", file=sys.stderr)
    if tally.unread and len(tally.unread) == len(found) and not tally.reports:
        raise UserError("there is nothing to judge by: no report could be read")
    if signatures.unanswered:
        tally.odd.append(f"DNS gave no answer for {signatures.unanswered} DKIM keys: their mails are not verified")
    return tally


def _kept(
    options: argparse.Namespace, found: Sequence[Source], asked: frozenset[str], signatures: Signatures
) -> Tally:
    """Into the history; where another run has changed it meanwhile, once more from where that one stopped."""
    for left in range(AGAIN, -1, -1):
        try:
            with history.open(options.history, options.keep_days, asked) as past:
                unread = _read(found, signatures, past)
                tally = past.tally(options.since, asked, options.verified_only)
        except history.ChangedError:
            if not left:
                raise
            continue
        tally.unread += unread
        return tally
    raise AssertionError("never reached")


def _read(found: Sequence[Source], signatures: Signatures, to: Sink) -> list[str]:
    """Every source, one after another.

    :returns: why some couldn't be read, or not to their end.
    """
    unread: list[str] = []
    for source in found:
        try:
            count(source, signatures.of, to)
        except UnreadError as error:
            unread.append(str(error))
    return unread


def complete(given: verdict.Verdict, tally: Tally) -> verdict.Verdict:
    """Nothing is safe by reports of which some couldn't be read."""
    if not tally.unread:
        return given
    unread = [f"not every report could be read: {line}" for line in tally.unread]
    next_ = f"Read all of the reports: {tally.unread[0]}"
    return replace(given, safe=False, reasons=[*unread, *given.reasons], next=next_ if given.safe else given.next)
