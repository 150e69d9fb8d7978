"""`python -m acceptance`: the whole life on a real subscription, and a report to send."""

import argparse
import os
import secrets
import signal
import sys
from pathlib import Path

from acceptance.life import GROUP, Life, LifeError
from acceptance.report import Report

COST = (
    "One Static Web App, for some minutes of it on the Standard plan (9 USD a month, charged by the hour: below 0.05 USD), "
    "and a few records and queries in your DNS zone."
)
SIGN_IN = ("ARM_CLIENT_SECRET", "ARM_CLIENT_CERTIFICATE_PASSWORD", "ARM_OIDC_TOKEN", "AZDO_PERSONAL_ACCESS_TOKEN")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="make acceptance",
        description="Runs preview, up, changes, a lost state, mode none and destroy on your Azure subscription, with two "
        "subdomains of a zone in Azure DNS that receive no mail, and writes a report. Sign in first (az login).",
        epilog="exit code: 0 all well and taken down, 1 a step failed (taken down all the same), 2 something is left, "
        "64 a mistake in the command, 130 interrupted (taken down)",
    )
    made.add_argument("--zone", required=True, metavar="NAME", help="a DNS zone in Azure DNS, delegated to it")
    made.add_argument("--resource-group", required=True, metavar="NAME", help="the zone's")
    made.add_argument("--location", default="westeurope", help="of the site (default: westeurope)")
    made.add_argument("--report", type=Path, default=Path("acceptance-report.md"), metavar="FILE")
    made.add_argument(
        "--folder", type=Path, default=Path(".acceptance"), metavar="DIR", help="program and state meanwhile"
    )
    made.add_argument("--yes", action="store_true", help="don't ask")
    return made


def agreed(options: argparse.Namespace, life: Life) -> bool:
    """Say what will be done and what it costs, and ask."""
    print(
        f"On the subscription you are signed in to ({os.environ.get('ARM_SUBSCRIPTION_ID', 'the default one of az')}):"
    )
    print(f"  resource group {GROUP}, in {options.location}; made, and deleted at the end")
    print(f"  records mta-sts, _mta-sts of {' and '.join(life.domains)} in the zone {options.zone}")
    print(f"  mode testing only. {COST}")
    print(f"  It takes half an hour to an hour; the report is {options.report}, and names no subscription.")
    if options.yes:
        return True
    if not sys.stdin.isatty():
        print("acceptance: there is no terminal to ask at; give --yes", file=sys.stderr)
        return False
    return input("Go on? [y/N] ").strip().lower() in ("y", "yes")


def main(arguments: list[str] | None = None) -> int:
    """Run it; whatever happens, take down what was made."""
    options = parser().parse_args(arguments)
    environment = {**os.environ, "PULUMI_CONFIG_PASSPHRASE": os.environ.get("PULUMI_CONFIG_PASSPHRASE") or secrets.token_hex(16)}  # fmt: skip
    report = Report(
        options.report,
        [environment["PULUMI_CONFIG_PASSPHRASE"], *(os.environ[name] for name in SIGN_IN if os.environ.get(name))],
    )
    names = tuple(f"mta-sts-acceptance-{number}.{options.zone}" for number in (1, 2))
    life = Life(
        options.folder.resolve(),
        environment,
        (names[0], names[1]),
        options.resource_group,
        [f"mail.{options.zone}"],
        report,
        options.location,
    )
    if life.folder.exists():
        print(f"acceptance: {life.folder} is left from another run; move it away, and see that {GROUP} is gone", file=sys.stderr)  # fmt: skip
        return 64
    if not agreed(options, life):
        return 64
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    report.begin("Acceptance on a real subscription")
    code = 0
    try:
        life.run()
    except LifeError as error:
        print(f"acceptance: {error}", file=sys.stderr)
        code = 1
    except KeyboardInterrupt:
        print("acceptance: stopped; taking down what was made", file=sys.stderr)
        code = 130
    try:
        life.clean_up()
    except LifeError as error:
        print(f"acceptance: {error}", file=sys.stderr)
        code = 2
    print(f"the report is {options.report}")
    return code


if __name__ == "__main__":
    sys.exit(main())
