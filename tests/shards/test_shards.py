"""`python -m tools.fleet preview|up|status` with the real engine on a local Azure."""

import json

from .conftest import Fleet


def test_two_shards_come_up_side_by_side_and_then_nothing_is_left(fleet: Fleet) -> None:
    fleet.file({1: ["a.test"], 2: ["b.test"]})
    for number, domain in ((1, "a.test"), (2, "b.test")):
        fleet.shard(number, domain)
        assert fleet.pulumi("stack", "init", f"fleet-{number}").code == 0
    preview = fleet.tool("fleet", "preview", "--json")
    assert preview.returncode == 0, preview.stderr
    assert [(each["stack"], each["create"] > 5) for each in json.loads(preview.stdout)] == [
        ("fleet-1", True),
        ("fleet-2", True),
    ]
    up = fleet.tool("fleet", "up", "--jobs", "2")
    assert up.returncode == 0, up.stdout + up.stderr
    assert "2 shards: 2 done" in up.stdout
    again = fleet.tool("fleet", "up", "--json")
    assert [each["result"] for each in json.loads(again.stdout)] == ["nothing left", "nothing left"]
    status = fleet.tool("fleet", "status", "--json")
    assert status.returncode == 0, status.stdout + status.stderr
    print(up.stdout, up.stderr, status.stdout, fleet.tool("fleet", "status").stdout)
