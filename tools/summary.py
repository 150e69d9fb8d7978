"""What stands after an `up`: `python -m tools.summary`, with the stack selected."""

import json
import subprocess
import sys

from rich.text import Text

from checks.show import console
from checks.shown import shown


def main() -> int:
    """Print the stack's domains; what a sender sees of them, and what is next, `python -m checks domain --stack` tells."""
    run = subprocess.run(["pulumi", "stack", "output", "--json"], capture_output=True, text=True, check=False)
    if run.returncode:
        print(f"summary: {shown(' '.join(run.stderr.split()))}", file=sys.stderr)
        return 1
    domains = json.loads(run.stdout).get("domains", {})
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
