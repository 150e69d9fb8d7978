"""A fleet of small shards on a local Azure of each test's own."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from harness import Stack

MX = "mail.example.org"
FIELDS = ("domain", "customer", "mx", "mode", "maxAge", "shard", "site")


class Fleet(Stack):
    """Stacks `fleet-1`, `fleet-2` …: the shards of one fleet file, a domain or two each."""

    def file(self, *rows: dict[str, str]) -> None:
        """Write the fleet file; what a row leaves out is the usual."""
        with (self.project / "fleet.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, FIELDS)
            writer.writeheader()
            usual = {"customer": "contoso", "mx": MX, "mode": "testing", "maxAge": "604800", "site": "1"}
            writer.writerows({**usual, **row} for row in rows)

    def shard(self, number: int) -> None:
        """Write a shard's stack file."""
        path = self.project / f"Pulumi.fleet-{number}.yaml"
        config = {
            "azure-native:location": "westeurope",
            "mta-sts:dns": {"provider": "azure", "resourceGroup": "dns"},
            "mta-sts:fleet": {"file": "fleet.csv", "shard": number},
        }
        path.write_text(yaml.safe_dump({"config": config}))


@pytest.fixture
def fleet(tmp_path: Path, engine: str) -> Iterator[Fleet]:
    made = Fleet(tmp_path, engine)
    with made.sandbox:
        made.zones("a.test", "b.test", "--mx", MX)
        yield made
