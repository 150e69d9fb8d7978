"""docs/monitoring/: the dashboard and the alerts, over the metrics that are really written."""

import json
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from checks import show
from checks.finding import Domain, Finding, Level

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs/monitoring"
METRIC = re.compile(r"\bmta_sts_\w+")
promtool = pytest.mark.skipif(not shutil.which("promtool"), reason="there is no promtool (Debian's prometheus)")


@pytest.fixture
def written(tmp_path: Path) -> dict[str, set[str]]:
    """The labels of each metric that a check writes."""
    lines = [Finding("policy-host", Level.PASS, "x"), Finding("server mx1.example.org", Level.FAIL, "x")]
    show.prometheus([Domain("example.org", lines, expires=time.time())], tmp_path / "x.prom")
    found: dict[str, set[str]] = {}
    for line in (tmp_path / "x.prom").read_text().splitlines():
        if match := re.match(r"(\w+)(?:\{(.*)\})? \d+$", line):
            found.setdefault(match[1], set()).update(re.findall(r'(\w+)="', match[2] or ""))
    return found


def expressions() -> list[str]:
    rules = yaml.safe_load((FOLDER / "alerts.yml").read_text())
    panels = dashboard()["panels"]
    return [rule["expr"] for group in rules["groups"] for rule in group["rules"]] + [
        target["expr"] for panel in panels for target in panel["targets"]
    ]


def dashboard() -> dict[str, Any]:
    return json.loads((FOLDER / "grafana.json").read_text())


def test_every_metric_and_label_that_is_asked_for_is_written(written: dict[str, set[str]]) -> None:
    assert set(written) == {"mta_sts_level", "mta_sts_certificate_expires_seconds", "mta_sts_checked_seconds"}
    variables = dashboard()["templating"]["list"]
    text = " ".join([*expressions(), *(each.get("definition", "") for each in variables)])
    assert set(METRIC.findall(text)) == set(written)
    for metric, chosen in re.findall(r"(mta_sts_\w+)\{([^}]*)\}", text):
        assert set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", chosen)) <= written[metric], (metric, chosen)
    for labels in re.findall(r"by \(([^)]*)\)", text):
        assert set(labels.replace(" ", "").split(",")) <= written["mta_sts_level"]


def test_the_dashboard_has_the_variables_and_a_table_of_the_worst_first() -> None:
    found = dashboard()
    assert [each["name"] for each in found["templating"]["list"]] == ["datasource", "domain"]
    ids = [panel["id"] for panel in found["panels"]]
    assert len(set(ids)) == len(ids)
    table = next(panel for panel in found["panels"] if panel["title"] == "Worst first")
    assert table["type"] == "table"
    assert table["targets"][0]["expr"].startswith("sort_desc(")
    assert {target["datasource"]["uid"] for panel in found["panels"] for target in panel["targets"]} == {
        "${datasource}"
    }
    places = [tuple(panel["gridPos"].values()) for panel in found["panels"]]
    assert all(x + width <= 24 for _, width, x, _ in places)


@promtool
def test_the_alerts_are_as_promtool_wants_them() -> None:
    for words in (["check", "rules", "alerts.yml"], ["test", "rules", "alerts_test.yml"]):
        run = subprocess.run(["promtool", *words], cwd=FOLDER, capture_output=True, text=True)
        assert run.returncode == 0, run.stdout + run.stderr


@promtool
def test_the_dashboards_expressions_are_promql(tmp_path: Path) -> None:
    rules = [{"record": f"x{at}", "expr": each.replace("$domain", ".*")} for at, each in enumerate(expressions())]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "x", "rules": rules}]}))
    run = subprocess.run(["promtool", "check", "rules", "rules.yml"], cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr


@promtool
def test_the_file_that_is_written_is_as_promtool_wants_it(tmp_path: Path) -> None:
    show.prometheus([Domain("example.org", [Finding("mx", Level.PASS, "x")], expires=1e9)], tmp_path / "x.prom")
    text = (tmp_path / "x.prom").read_text()
    run = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr


def test_every_alert_is_tested() -> None:
    rules = yaml.safe_load((FOLDER / "alerts.yml").read_text())
    tests = yaml.safe_load((FOLDER / "alerts_test.yml").read_text())["tests"]
    ringing = {each["alertname"] for test in tests for each in test["alert_rule_test"] if each.get("exp_alerts")}
    assert ringing == {rule["alert"] for group in rules["groups"] for rule in group["rules"]}
