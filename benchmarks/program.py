"""One run of the program under mocks: `python -m benchmarks.program DOMAINS`; prints seconds and MiB."""

import json
import resource
import sys
import time
from typing import Any

from mocks import Cloud, declare


class AnyZone(Cloud):
    """Has every zone that is asked for."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(tuple(names))


def main() -> None:
    """Declare that many domains, five to a policy."""
    names = [f"d{at}.test" for at in range(int(sys.argv[1]))]
    policies: list[dict[str, Any]] = [
        {"name": f"p{at}", "mode": "testing", "sku": "Standard", "mx": ["mx.test"], "domains": names[at : at + 5]}
        for at in range(0, len(names), 5)
    ]
    config = {"dns": {"provider": "azure", "resourceGroup": "dns"}, "preflight": "off", "policies": policies}
    started = time.perf_counter()
    declared = declare(config, AnyZone(names))
    seconds = time.perf_counter() - started
    assert len(declared.of("mtasts:index:LivePolicy")) == len(names)
    print(json.dumps({"seconds": seconds, "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


if __name__ == "__main__":
    main()
