"""What stands after an `up`: `python -m tools.summary`, with the stack's environment set."""

import json
import subprocess
import sys

from rich.console import Console
from rich.table import Table


def main() -> int:
    """Print the stack's domains, and how to see a policy as a sender does."""
    output = subprocess.run(["pulumi", "stack", "output", "--json"], capture_output=True, text=True, check=False)
    if output.returncode:
        print(output.stderr.strip(), file=sys.stderr)
        return 1
    domains = json.loads(output.stdout).get("domains", {})
    table = Table("Domain", "Mode", "Policy id", "Policy URL", title="What stands now", title_justify="left")
    for name, each in domains.items():
        table.add_row(name, each["mode"], each["policyId"], each["policyUrl"])
    console = Console(width=max(Console().width, 140) if not sys.stdout.isatty() else None)
    console.print(table)
    for name, each in domains.items():
        console.print(f"Next for {name}: {each['next']}", soft_wrap=True, highlight=False)
    if domains:
        url = next(iter(domains.values()))["policyUrl"]
        console.print("The policy as a sender sees it:", highlight=False)
        print(f'  eval "$(.venv/bin/python -m sandbox env)"; curl -si --suppress-connect-headers {url}')
    return 0


if __name__ == "__main__":
    sys.exit(main())
