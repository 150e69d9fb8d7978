"""What stands after an `up`: `python -m tools.summary`, with the stack selected."""

import sys

from rich.text import Text

from checks.command import stack_domains
from checks.show import console
from checks.shown import shown
from policy import UserError


def main() -> int:
    """Print the stack's domains; what a sender sees of them, and what is next, `python -m checks domain --stack` tells."""
    try:
        domains = stack_domains()
    except UserError as error:
        print(f"summary: {shown(error)}", file=sys.stderr)
        return 1
    to = console()
    to.print(Text("What stands" if domains else "Nothing stands", "bold"))
    for name, domain in domains.items():
        to.print(
            f"  {shown(name)}  {domain['mode']}, policy {domain['policy']}, id {domain['policyId']}",
            soft_wrap=True,
        )
        to.print(f"    curl -s {shown(domain['policyUrl'])}", soft_wrap=True)
    to.print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
