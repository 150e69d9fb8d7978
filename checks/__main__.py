"""`python -m checks`: the command line.

An exit code is a verdict, and a nightly run lets 1 pass: so nothing but a verdict may end with 0, 1 or 2. Python's own
code for an unexpected error is 1; `defect` takes its place, from before the other modules are imported.
"""

import errno
import os
import sys
from types import TracebackType

from checks.command import IO, USAGE, Parser, defect, stack_domains, write_anything
from checks.shown import shown


def _end(_: type[BaseException], error: BaseException, __: TracebackType | None) -> None:
    code = defect(error)
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    sys.excepthook = _end

import argparse
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from rich.console import Console

from checks import history, kept, notify, page, show, verdict
from checks.finding import exit_code
from checks.gather import complete, gather, look, view
from checks.tally import OTHERS, Tally
from checks.watch import run
from policy import UserError
from policy.names import typed_domain


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = Parser(prog="python -m checks", description="What a sender sees of a domain, and whether it is safe to enforce; docs/checks.md", epilog="exit code: 0 all well (or safe), 1 warnings, 2 failures (or not yet safe), 64 a mistake in the command, 70 a defect of checks, 74 the output can't be written")  # fmt: skip
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(
        name: str, run: Callable[[argparse.Namespace], int], help_: str, html: bool = True
    ) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=help_, description=help_)
        made.set_defaults(run=run)
        made.add_argument("--json", action="store_true", help="as JSON, on stdout")
        if html:
            made.add_argument("--html", type=Path, metavar="FILE", help="as a page")
        made.add_argument(
            "--debug", action="store_true", help="after an unexpected error, show where it came from"
        )
        return made

    def add_resolver(made: argparse.ArgumentParser) -> None:
        made.add_argument("--resolver", metavar="IP[:PORT]", help="ask this one (MTA_STS_RESOLVER; default: the system's)")  # fmt: skip

    def add_looks(made: argparse.ArgumentParser) -> None:
        add_resolver(made)
        made.add_argument(
            "--ca", metavar="FILE", help="trust these authorities (SSL_CERT_FILE; default: Mozilla's)"
        )
        made.add_argument(
            "--smtp-port", type=int, default=25, metavar="PORT", help="of the mail servers (default 25)"
        )
        made.add_argument("--no-servers", action="store_true", help="leave the mail servers out")

    def add_sources(made: argparse.ArgumentParser) -> None:
        made.add_argument("--history", metavar="FILE", help="keep the counts there, and read on where the last run stopped (or azblob://CONTAINER/PATH)")  # fmt: skip
        made.add_argument("--keep-days", type=_number, metavar="N", help=f"keep them so long, from now on (default {history.KEEP_DAYS})")  # fmt: skip
        made.add_argument("--move-to", default="", metavar="FOLDER", help="move mails there once their reports are in the history")  # fmt: skip
        made.add_argument("--imap-oauth", action="store_true", help="sign in to IMAP servers by Entra ID, in place of MTA_STS_IMAP_PASSWORD")  # fmt: skip

    def add_senders(made: argparse.ArgumentParser) -> None:
        made.add_argument("--since", type=_day, metavar="YYYY-MM-DD", help="pass over earlier days")
        made.add_argument("--verified-only", action="store_true", help="count reports alone whose sender is verified by DKIM")  # fmt: skip
        made.add_argument("--authserv-id", default="", metavar="ID", help="believe the Authentication-Results that your own server writes under this name, in place of DNS")  # fmt: skip

    def add_part(made: argparse.ArgumentParser) -> None:
        made.add_argument("--customer", default="", metavar="NAME", help="of a fleet, this one's domains alone")
        made.add_argument("--shard", type=_number, metavar="N", help="of a fleet, this one's domains alone")

    def add_names(made: argparse.ArgumentParser) -> None:
        made.add_argument("names", nargs="*", metavar="DOMAIN")
        made.add_argument(
            "--stack", action="store_true", help="the domains of the selected Pulumi stack, and their ids"
        )

    domain = add("domain", do_domain, "look at domains as a sender does")
    add_names(domain)
    domain.add_argument("--prometheus", type=Path, metavar="FILE", help="also write a text file for node_exporter")
    add_looks(domain)
    whole = add(
        "fleet", do_fleet, "look at all domains of a fleet file at once: one page, one metrics file; docs/scale.md"
    )
    whole.add_argument(
        "file",
        nargs="*",
        metavar="FILE",
        help="its files (default: those that the stacks here name; else fleet.csv)",
    )
    add_part(whole)
    whole.add_argument("--prometheus", type=Path, metavar="FILE", help="also write a text file for node_exporter")
    add_looks(whole)
    reports = add(
        "reports",
        do_reports,
        "read TLS reports: JSON, gzip, zip, mails, mbox, Maildir; mailboxes; docs/reports.md",
    )
    reports.add_argument("paths", nargs="*", metavar="FILE|DIR|graph://…|imaps://…")
    reports.add_argument("--domain", action="append", default=[], metavar="DOMAIN", help="judge this one alone, whatever else is reported (may be repeated)")  # fmt: skip
    add_resolver(reports)
    add_senders(reports)
    add_sources(reports)
    enforce = add(
        "enforce", do_enforce, "both together: may this domain's policy be enforced, and by which change"
    )
    enforce.add_argument("name", nargs="?", default="", metavar="DOMAIN")
    enforce.add_argument("--fleet", action="store_true", help="what is due for all rows of the fleet, in place of one domain; docs/ladder.md")  # fmt: skip
    add_part(enforce)
    enforce.add_argument("--reports", nargs="+", default=[], metavar="FILE|DIR|graph://…|imaps://…", help="TLS reports")  # fmt: skip
    add_senders(enforce)
    add_sources(enforce)
    enforce.add_argument("--stack-file", type=Path, metavar="FILE", help="where to change it (default: the Pulumi.*.yaml that has the domain)")  # fmt: skip
    enforce.add_argument("--write", action="store_true", help="change these lines or cells, and nothing else in the file")  # fmt: skip
    add_looks(enforce)
    watched = add("watch", do_watch, "tell what is new, worse or mended since the last run; docs/watch.md", html=False)  # fmt: skip
    add_names(watched)
    watched.add_argument("--reports", nargs="+", default=[], metavar="FILE|DIR|graph://…|imaps://…", help="TLS reports")  # fmt: skip
    run.add_options(watched)
    add_senders(watched)
    add_sources(watched)
    add_looks(watched)
    kept.add_parser(commands)
    return top


def do_domain(options: argparse.Namespace) -> int:
    """`domain`."""
    names, ids = _named(options)
    found = look(names, ids, options)
    if options.prometheus:
        show.prometheus(found, options.prometheus)

    def tell(to: Console) -> None:
        show.domains(found, to)
        show.next_steps(found, to)

    _give(options, [each.json() for each in found], lambda: page.render(found), tell)
    return exit_code(found)


def do_fleet(options: argparse.Namespace) -> int:
    """`fleet`."""
    from checks import fleet  # which takes Pulumi's SDK along, as settings do; no other command needs it
    from settings.project import Project

    project = Project()
    checked, others = fleet.checked(project, fleet.read(project, options.file))
    rows = [
        row for row in checked if options.customer in ("", row.customer) and options.shard in (None, row.shard)
    ]
    for problem in others:
        print(f"checks: {shown(problem)}", file=sys.stderr)
    if not rows:
        raise UserError(f"{', '.join(options.file) or 'the fleet'}: no row is asked for")
    found = fleet.members(
        rows, look(list(dict.fromkeys(row.domain for row in rows if not row.problems)), {}, options)
    )
    seen = [member.seen for member in found]
    if options.prometheus:
        show.prometheus(seen, options.prometheus, {member.seen.name: member.labels for member in found})
    _give(
        options, [member.json() for member in found], lambda: fleet.render(found), lambda to: fleet.show(found, to)
    )
    return 2 if others else exit_code(seen)


def do_reports(options: argparse.Namespace) -> int:
    """`reports`."""
    asked = list(map(typed_domain, options.domain))
    if not options.paths and not options.history:
        raise UserError("name files, folders or mailboxes with reports, or a --history")
    tally = gather(options, options.paths, asked)
    names = asked or sorted(set(tally.domains) - {"", OTHERS})
    verdicts = [
        complete(verdict.of_reports(name, tally.domains.get(name), tally.full, tally.today), tally)
        for name in names
    ]
    _give(options, {**tally.json(), "verdicts": [each.json() for each in verdicts]},
          lambda: page.render([], tally, verdicts), lambda to: show.reports(tally, verdicts, to))  # fmt: skip
    return 0 if verdicts and all(judged.safe for judged in verdicts) else 2


def do_enforce(options: argparse.Namespace) -> int:
    """`enforce`."""
    if options.fleet:
        return _enforce_fleet(options)
    if not options.name or options.customer or options.shard:
        raise UserError("name a domain; or use --fleet, which --customer and --shard are for")
    from checks import (  # which read settings, and so take Pulumi's SDK along; no other command needs it
        evidence,
        steps,
    )

    plan = steps.Steps(typed_domain(options.name), options.stack_file)
    tally = gather(options, options.reports, plan.names)
    found = look(plan.names, {}, options)
    given = [complete(verdict.of_both(each, tally.domains.get(each.name), tally.today), tally) for each in found]
    since = plan.since(tally.today)
    own = evidence.of_own_days(tally, plan.of_domains(since))
    of_step = [complete(verdict.of_both(each, own.domains.get(each.name), own.today), own) for each in found]
    proposals = plan.proposals(evidence.evidence(found, of_step, own, view(options)), since, own.today)
    written = plan.write(proposals) if options.write else ""
    safe = all(each.safe for each in given)
    change = written or plan.told(proposals, safe)
    due = any(each.edits for each in proposals)

    def tell(to: Console) -> None:
        show.domains(found, to)
        show.show_verdicts(given, to)
        if change:
            to.print(shown(f"Next: {change}" if due and not written else change, newlines=True), soft_wrap=True)

    _give(options, {**given[0].json(), "change": change, "seen": found[0].json(), "others": [each.json() for each in given[1:]]},
          lambda: page.render(found, tally, given), tell)  # fmt: skip
    return 0 if safe else 2


def _enforce_fleet(options: argparse.Namespace) -> int:
    from checks import due  # as above

    if options.name or options.html or options.stack_file:
        raise UserError("--fleet is without a domain, --stack-file and --html; python -m checks fleet has a page")
    found = due.look(options, Path())
    _give(options, found.json(), str, lambda to: due.show(found, to))
    return found.code


def do_watch(options: argparse.Namespace) -> int:
    """`watch`."""
    channels = notify.channels(os.environ, options.notify_file)
    os.environ.pop(notify.VARIABLE, None)  # no child needs it
    names, ids = _named(options)

    def reported() -> Tally:
        return gather(options, options.reports, names)

    given = options.reports or options.history
    return run.watch(options, names, lambda some: look(some, ids, options), reported if given else None, channels)


def _named(options: argparse.Namespace) -> tuple[list[str], dict[str, str]]:
    """The domains that are asked for, and the ids of those of the stack.

    :raises UserError: there is none.
    """
    ids = _stack_ids() if options.stack else {}
    names = [*map(typed_domain, options.names), *(name for name in ids if name not in options.names)]
    if not names:
        raise UserError("name a domain, or use --stack")
    return names, ids


def _give(
    options: argparse.Namespace, value: Any, html: Callable[[], str], tell: Callable[[Console], None]
) -> None:
    """JSON or a table on stdout, and the page where it is wanted."""
    console = show.console()
    if options.html:
        show.write(options.html, html())
    if options.json:
        show.as_json(value, console)
    else:
        tell(console)
        if options.html:
            console.print(f"the page is {shown(options.html)}")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day such as 2026-01-31") from None


def _number(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 on")
    return int(text)


def _stack_ids() -> dict[str, str]:
    """The selected stack's domains, and the id of each."""
    try:
        return {name: domain["policyId"] for name, domain in stack_domains().items()}
    except UserError as error:
        raise UserError(f"--stack: {error}") from None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; mistakes are one line each on stderr."""
    write_anything()
    try:
        options = parser().parse_args(arguments)
        code: int = options.run(options)
        sys.stdout.flush()
        return code
    except UserError as error:
        print("\n".join(f"checks: {shown(line)}" for line in str(error).split("\n")), file=sys.stderr)
        return USAGE
    except OSError as error:
        if error.errno in (errno.EPIPE, errno.ENOSPC):
            sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - Python flushes it once more at its end
            print(f"checks: the output can't be written: {error.strerror}", file=sys.stderr)
            return IO
        if error.filename is None:
            return defect(error)
        print(f"checks: {shown(error.filename)}: {shown(error.strerror)}", file=sys.stderr)
        return USAGE
    except KeyboardInterrupt:
        os._exit(130)  # looks may be waiting in threads; nothing is left half written
    except Exception as error:
        return defect(error)


if __name__ == "__main__":
    sys.exit(main())
