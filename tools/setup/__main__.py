"""`python -m tools.setup example.org`: from a domain to a stack's file that is right for it, and the next command.

An exit code says how far it came: 0 the file is right, and `pulumi preview` accepts it; 1 it is written, and the preview
says what is missing; 2 the domain can't have MTA-STS yet, and nothing was written. Errors are as those of `checks`.
"""

import argparse
import logging
import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.progress import Progress
from rich.text import Text

from checks.command import INTERRUPTED, USAGE, Parser, defect, write_anything
from checks.shown import as_json, shown
from internet.view import View
from policy import Mode, TlsRptRecord, UserError
from settings.policies import WEEK
from tools.setup import account, moving, names, plan, tell
from tools.setup.account import Account
from tools.setup.ask import Ask, credentials
from tools.setup.engine import LOCAL, Engine
from tools.setup.look import Seen, look_at
from tools.setup.places import Place, Places, at_azure
from tools.setup.plan import Group, Wish
from tools.setup.stack_file import PROJECT, StackFile

WRITTEN, NOT_READY = 1, 2
USUAL = "westeurope"  # the region; the content is served worldwide from any
PASSPHRASE_ASKED = "Passphrase for the stack's secrets, to write it; empty: don't"
STACK = re.compile(r"(?:[A-Za-z0-9_.-]+/){0,2}([A-Za-z0-9_.-]{1,100})")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = Parser(prog="python -m tools.setup", description="Looks at a domain, asks at most five questions, and writes the stack's file for it; docs/setup.md", epilog="exit code: 0 done, 1 written but the preview says what is missing, 2 the domain isn't ready and nothing was written, 64 a mistake, 70 a defect of setup, 130 stopped")  # fmt: skip
    which = made.add_argument_group("which domains")
    which.add_argument("names", nargs="*", metavar="DOMAIN")
    which.add_argument("--csv", type=Path, metavar="FILE", help="domains from a CSV file: its column `domain`, or the first")  # fmt: skip
    which.add_argument("--microsoft365", action="store_true", help="all domains that Microsoft 365 takes mail for")
    answers = made.add_argument_group("answers; what isn't given is asked, or taken as it was found with --yes")
    answers.add_argument("--stack", default="prod", metavar="NAME", help="the stack, and its file Pulumi.<NAME>.yaml (prod)")  # fmt: skip
    answers.add_argument("--dns", metavar="HOST", help="where the records go: azure, rfc2136, manual, or a DNS host of docs/dns.md such as cloudflare")  # fmt: skip
    answers.add_argument("--dns-set", action="append", default=[], metavar="NAME=VALUE", help="a key of mta-sts:dns that is no secret, such as resourceGroup=dns")  # fmt: skip
    answers.add_argument("--credentials", type=Path, metavar="FILE", help="secrets of the DNS host, a line name=value each; - for standard input")  # fmt: skip
    answers.add_argument(
        "--reports", metavar="URI", help="where senders report failures: mailto:… or https:…; none"
    )
    answers.add_argument("--location", metavar="REGION", help=f"of the Static Web Apps ({USUAL})")  # fmt: skip
    answers.add_argument("--sku", choices=("Free", "Standard"), default="", help="their plan (Free, while there is room)")  # fmt: skip
    answers.add_argument("--backend", metavar="URL", help=f"where Pulumi keeps the state, if that isn't chosen yet ({LOCAL})")  # fmt: skip
    answers.add_argument("--yes", action="store_true", help="take what was found, and write")
    made.add_argument("--json", action="store_true", help="say what was found, as JSON on stdout; ask and write nothing")  # fmt: skip
    made.add_argument(
        "--resolver", metavar="IP[:PORT]", help="ask this one (MTA_STS_RESOLVER; default: the system's)"
    )
    made.add_argument("--smtp-port", type=int, default=25, metavar="PORT", help="of the mail servers (25)")
    made.add_argument("--debug", action="store_true", help="after an unexpected error, show where it came from")
    return made


class Setup:
    """One run."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.console = Console(markup=False, emoji=False, highlight=False)
        self.ask = Ask(self.console, options.yes, credentials(options.credentials))
        self.places = Places(self.ask, options.dns, options.dns_set)

    def say(self, text: str = "", style: str = "") -> None:
        """A line, whatever is in it."""
        self.console.print(Text(shown(text, newlines=True), style), soft_wrap=not self.console.is_terminal)

    def run(self) -> int:
        """See the module's text."""
        options = self.options
        found = STACK.fullmatch(options.stack)
        if not found:
            raise UserError(f"--stack {options.stack!r}: a stack's name has letters, digits, -, _ and .")
        folder = _project()
        wanted = self._names()
        seen = self._look(wanted)
        if options.json:
            return self._as_json(seen)
        if wrong := [each.wrong for each in seen if each.wrong]:
            raise UserError("\n".join(wrong))
        for line in tell.found(seen):
            self.say(line)
        for note in dict.fromkeys(note for each in seen for note in each.notes):
            self.say(f"note: {note}", "yellow")
        if mend := list(tell.to_mend(seen)):
            for line in mend:
                self.say(line, "bold red")
            return NOT_READY
        file = StackFile(folder / f"Pulumi.{found[1]}.yaml")
        there = account.look(each.served.zone for each in seen if at_azure(each))
        new = [each for each in seen if not file.policy_of(each.name)]
        secrets: dict[str, str] = {}
        for each in seen:
            if each not in new:
                file.allow(each.name, plan.mx_of(each.mx, each.name))
                key, dns = file.dns_of(each.name)
                secrets |= self.places.missing(each, key, dns, file.stands)
        places = {each.name: self.places.of(each, there, file.places) for each in new}
        groups = self._extend(file, new, places, there)
        secrets |= _secrets(file, groups, places)
        file.check(found[1], secrets)
        moves = [
            line
            for each in new
            if each.moves_in
            for line in moving.steps(each, places[each.name].dns["provider"], there.sites.get(each.alias))
        ]
        return self._write(file, folder, secrets, groups, there, moves)

    def _names(self) -> list[str]:
        options = self.options
        texts = [
            *options.names,
            *(names.from_csv(options.csv) if options.csv else ()),
            *(names.accepted() if options.microsoft365 else ()),
        ]
        if not texts:
            raise UserError("name a domain: python -m tools.setup example.org (--help says what else there is)")
        wanted = names.parsed(texts)
        for text in texts:
            if not text.isascii() and not options.json:
                self.say(f"{text} stands in DNS as {names.parsed([text])[0]}")
        return wanted

    def _look(self, wanted: Sequence[str]) -> list[Seen]:
        view = View.from_environment().through(self.options.resolver)
        watched = sys.stderr.isatty()
        with Progress(console=Console(stderr=True), transient=True, disable=not watched) as progress:
            task = progress.add_task("looking at DNS and mail servers", total=len(wanted))
            return look_at(wanted, view, self.options.smtp_port, partial(progress.advance, task))

    def _as_json(self, seen: Sequence[Seen]) -> int:
        try:
            there: dict[str, Any] = asdict(account.look(each.served.zone for each in seen if at_azure(each)))
        except UserError as error:
            there = {"wrong": str(error)}
        print(as_json({"domains": [each.json() for each in seen], "azure": there}))
        return NOT_READY if any(each.wrong or each.mend for each in seen) else 0

    def _extend(
        self, file: StackFile, new: Sequence[Seen], places: Mapping[str, Place], there: Account
    ) -> list[Group]:
        """Write everything into the file's text."""
        if not new:
            return []
        reports = self._reports(new)
        wishes = [_wish(each, places[each.name].dns, reports, self.options.reports is not None) for each in new]
        first = places[new[0].name]
        why = f"{new[0].served.zone} is at {first.host}"
        site = next((there.sites[each.alias] for each in new if each.alias in there.sites), None)
        location = self.options.location or (site.location if site else USUAL)
        file.begin(location, first.dns, why, site.group if site else "")
        left = [wish for wish in wishes if not file.join(wish)]
        groups = plan.group(left, self.options.sku, there.free_apps, file.names)
        file.add(groups, {name: place.host for name, place in places.items()})
        return groups

    def _reports(self, new: Sequence[Seen]) -> tuple[str, ...]:
        if self.options.reports is None and all(each.report_to for each in new):
            return ()
        question = "Failure reports to, or none"
        given = self.ask.text(self.options.reports, "--reports", question, f"tls-reports@{new[0].name}")
        if given.lower() in ("none", "no"):
            return ()
        uri = f"mailto:{given}" if "@" in given and ":" not in given else given
        return TlsRptRecord((uri,)).rua

    def _write(
        self, file: StackFile, folder: Path, secrets: Mapping[str, str], groups: Sequence[Group], there: Account,
        moves: Sequence[str],
    ) -> int:  # fmt: skip
        self._show(file, groups, there)
        engine = Engine(folder, self.options.stack)
        backend = engine.backend()
        chosen = backend or self.options.backend or LOCAL
        if not self._agreed(file, engine, chosen):
            self.say("nothing was written")
            return 0
        file.write()
        if not backend:
            engine.sign_in(chosen)
            self.say(f"Pulumi keeps its state in {chosen} (docs/state.md)")
        engine.select()
        for key, value in secrets.items():
            engine.encrypt(key, value)
        return self._preview(engine, moves)

    def _show(self, file: StackFile, groups: Sequence[Group], there: Account) -> None:
        """What changes, and what it costs."""
        if not file.diff():
            self.say(f"{file.path.name} is right as it is")
            return
        note = "" if there.registered else "; Microsoft.Web isn't registered yet, which `pulumi up` does"
        self.say(f"{file.path.name} in {there.name or there.subscription}; {plan.cost(groups)}{note}", "bold")
        for line in file.diff():
            self.say(line, {"+": "green", "-": "red"}.get(line[0], "dim"))

    def _agreed(self, file: StackFile, engine: Engine, backend: str) -> bool:
        """Whether to go on; one question, even where a passphrase is needed besides."""
        if engine.needs_passphrase(backend, file.before):
            phrase = self.ask.secret("passphrase", PASSPHRASE_ASKED, "set PULUMI_CONFIG_PASSPHRASE")
            engine.use_passphrase(phrase)
            return bool(phrase)
        return not file.diff() or self.ask.agree("Write it")

    def _preview(self, engine: Engine, moves: Sequence[str]) -> int:
        if sys.stderr.isatty():
            with Console(stderr=True).status("pulumi preview"):
                told = engine.preview()
        else:
            told = engine.preview()
        for text in told.warnings:
            self.say(f"warning: {text}", "yellow")
        for text in told.errors:
            self.say(f"error: {text}", "bold red")
        if told.errors:
            self.say(f"The file is written. Mend that, then: {engine.typed('preview')}")
            return WRITTEN
        done = f"preview: {told.create} to create, {told.change} to change or delete"
        if not moves:
            self.say(f"{done}. Next:")
            self.say(engine.typed("up"), "bold")
            return 0
        self.say(done)
        for line in moves:
            self.say(line if line.endswith(":") else f"  - {line}")
        return 0


def _wish(seen: Seen, dns: Mapping[str, Any], reports: tuple[str, ...], insisted: bool) -> Wish:
    """What a domain is to have: the policy that is served, or a first one.

    :param insisted: a report record that stands there is to be replaced.
    """
    served = seen.policy if seen.policy and seen.policy.mode != Mode.NONE else None
    mx = {str(pattern): "as it is served now" for pattern in served.mx} if served else {}
    mx |= plan.mx_of((host for host in seen.mx if not served or not served.allows(host)), seen.name)
    own = () if seen.report_to and not insisted else reports
    return Wish(
        name=seen.name,
        mx=mx,
        dns=dns,
        mode=served.mode if served else Mode.TESTING,
        max_age=served.max_age if served else WEEK,
        reports=own,
        adopt=bool(seen.report_to and own),
    )


def _secrets(file: StackFile, groups: Sequence[Group], places: Mapping[str, Place]) -> dict[str, str]:
    """The secrets that are still to be encrypted, by their keys in the stack's file."""
    found: dict[str, str] = {}
    for group in groups:
        key = file.path_of_dns(group.name)
        for name, value in places[group.wishes[0].name].secrets.items():
            if not file.stands(f"{key}.{name}"):
                found[f"{key}.{name}"] = value
    return found


def _project() -> Path:
    """The folder that this is run in.

    :raises UserError: it isn't the project's.
    """
    folder = Path.cwd()
    try:
        name = yaml.safe_load((folder / "Pulumi.yaml").read_text()).get("name")
    except (OSError, AttributeError, yaml.YAMLError):
        name = None
    if name != PROJECT:
        raise UserError(
            f"there is no Pulumi.yaml of the project {PROJECT} in {folder}; run this in the project's folder"
        )
    return folder


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; mistakes are one line on stderr."""
    logging.getLogger("azure").addHandler(logging.NullHandler())  # which would print each sign-in that fails
    write_anything()
    try:
        return Setup(parser().parse_args(arguments)).run()
    except UserError as error:
        print("\n".join(f"setup: {shown(line)}" for line in str(error).splitlines()), file=sys.stderr)
        return USAGE
    except EOFError:
        print("setup: the answer ended; nothing was written", file=sys.stderr)
        return USAGE
    except OSError as error:
        if error.filename is None:
            return defect(error, "setup", "")
        print(f"setup: {shown(error.filename)}: {shown(error.strerror)}", file=sys.stderr)
        return USAGE
    except KeyboardInterrupt:
        print("\nsetup: stopped", file=sys.stderr)
        sys.stderr.flush()
        os._exit(INTERRUPTED)  # looks may be waiting in threads
    except Exception as error:
        return defect(error, "setup", "")


if __name__ == "__main__":
    sys.exit(main())
