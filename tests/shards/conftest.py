"""A fleet of small shards on a local Azure of each test's own."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from harness import TESTING, Stack


class Fleet(Stack):
    """Stacks `fleet-1`, `fleet-2` …: the rows of one fleet file, a domain or two each."""

    def file(self, shards: dict[int, list[str]], **row: str) -> None:
        """Write the fleet file; domains by shard."""
        fields = ("domain", "customer", "shard", "mode")
        with (self.project / "fleet.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, fields)
            writer.writeheader()
            for shard, domains in shards.items():
                for domain in domains:
                    given = {"domain": domain, "customer": "contoso", "shard": shard, "mode": "testing", **row}
                    writer.writerow({name: given[name] for name in fields})

    def shard(self, number: int, *domains: str, **policy: Any) -> None:
        """Write a shard's stack file."""
        path = self.project / f"Pulumi.fleet-{number}.yaml"
        before = yaml.safe_load(path.read_text()) if path.exists() else {}
        config = {
            "azure-native:location": "westeurope",
            "mta-sts:dns": {"provider": "azure", "resourceGroup": "dns"},
            "mta-sts:policies": [{**TESTING, "domains": list(domains), **policy}],
            "mta-sts:fleet": {"file": "fleet.csv", "shard": number},
        }
        path.write_text(yaml.safe_dump({**before, "config": config}))


@pytest.fixture
def fleet(tmp_path: Path, engine: str) -> Iterator[Fleet]:
    made = Fleet(tmp_path, engine)
    with made.sandbox:
        made.zones("a.test", "b.test", "c.test", "--mx", "mail.example.org")
        yield made
