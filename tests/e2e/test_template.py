"""What users start from, with the real engine: the template by `pulumi new`, and the components in another program."""

import subprocess
import sys
from pathlib import Path

from harness import TESTING, Stack
from unit.test_component_docs import blocks, written

from tools import template


def test_a_project_made_by_pulumi_new_stands_alone_and_comes_up(stack: Stack, tmp_path: Path) -> None:
    template.build(tmp_path / "template")
    made = tmp_path / "contoso-mail"
    options = ("--dir", str(made), "--name", "contoso-mail", "--generate-only", "--yes")
    run = stack.pulumi("new", str(tmp_path / "template"), *options)
    assert run.code == 0, run.text
    (made / ".venv").symlink_to(sys.prefix)
    stack.project = made
    stack.zones("example.org", "--mx", "mail.example.org")
    stack.configure({**TESTING, "tlsReports": ["mailto:tls-reports@example.org"]})
    run = stack.pulumi("stack", "init", "test")
    assert run.code == 0, run.text
    run = stack.pulumi("up", "--yes", "--skip-preview")
    assert run.code == 0, run.text
    assert stack.senders("example.org")["example.org"]["postfix"] == "VALID"
    look = subprocess.run(
        [sys.executable, "-m", "checks", "domain", "--stack", "--no-servers"],
        cwd=made,
        env=stack.environment,
        capture_output=True,
        text=True,
    )
    assert look.returncode == 0, look.stdout + look.stderr


def test_the_components_in_another_program_pass_a_preview(stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    stack.project = written(tmp_path / "shop", *blocks("python")).parent
    run = stack.pulumi("stack", "init", "test")
    assert run.code == 0, run.text
    changes = stack.changes()
    assert {"example.org-mta-sts", "example.net-mta-sts", "shop-content"} <= set(changes)
