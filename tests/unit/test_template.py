"""The template: what is in it, and how a repository that was made from it gets newer."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from policy import UserError
from tools import template

ROOT = Path(__file__).parents[2]


@pytest.fixture
def made(tmp_path: Path) -> Path:
    assert template.build(tmp_path / "mine") == []
    return tmp_path / "mine"


def older(folder: Path, name: str) -> None:
    """Make believe that the template had another text in this file."""
    sums = folder / template.SUMS
    now = template._sum(folder / name)  # pyright: ignore[reportPrivateUsage]
    (folder / name).write_text("as it was")
    before = template._sum(folder / name)  # pyright: ignore[reportPrivateUsage]
    sums.write_text(sums.read_text().replace(str(now), str(before)))


def test_it_has_the_program_and_nothing_of_the_workshop(made: Path) -> None:
    names = {path.relative_to(made).as_posix() for path in made.rglob("*") if path.is_file()}
    assert {"__main__.py", "provider/pulumi-resource-mtasts", "web/index.html", "pipeline/steps/up.yml"} <= names
    assert not [name for name in names if name.startswith(("tests", "sandbox", "benchmarks", "Makefile"))]
    assert not [name for name in names if name.endswith((".sum", ".pyc")) or name.startswith("requirements-dev")]
    assert (made / "provider/pulumi-resource-mtasts").stat().st_mode & 0o100
    assert str(ROOT) not in (made / template.SUMS).read_text()
    assert subprocess.run(["sha256sum", "--check", "--quiet", template.SUMS], cwd=made).returncode == 0


def test_every_module_of_it_finds_what_it_imports(made: Path) -> None:
    code = "import importlib, sys; [importlib.import_module(name) for name in sys.argv[1:]]"
    modules = [
        ".".join(path.relative_to(made).with_suffix("").parts).removesuffix(".__init__")
        for path in made.rglob("*.py")
        if path.name != "__main__.py"
    ]
    run = subprocess.run([sys.executable, "-c", code, *modules], cwd=made, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


def test_its_check_of_a_pull_request_reads_the_stacks_files(made: Path) -> None:
    (job,) = yaml.safe_load((made / "pipeline/steps/check.yml").read_text())["stages"][0]["jobs"]
    script = next(step["bash"] for step in job["steps"] if "bash" in step)
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    good = (ROOT / "Pulumi.dev.yaml").read_text()
    for text, code in ((good, 0), (good.replace("mode: testing", "mode: tested"), 1)):
        (made / "Pulumi.prod.yaml").write_text(text)
        run = subprocess.run(["bash", "-c", script], cwd=made, env=environment, capture_output=True, text=True)
        assert (run.returncode, "policies[0].mode: 'tested'" in run.stderr) == (code, code == 1), run.stderr


def test_its_project_file_is_the_programs_own(made: Path) -> None:
    own, ours = (yaml.safe_load((each / "Pulumi.yaml").read_text()) for each in (made, ROOT))
    assert own.pop("template")["config"]
    assert own.pop("runtime")["name"] == ours.pop("runtime")
    assert own == ours


def test_a_newer_version_replaces_what_nobody_has_changed(made: Path) -> None:
    older(made, "__main__.py")
    (made / "checks" / "gone.py").write_text("old")
    with (made / template.SUMS).open("a") as sums:
        sums.write(f"{template._sum(made / 'checks' / 'gone.py')}  checks/gone.py\n")  # pyright: ignore[reportPrivateUsage]
    assert template.build(made) == []
    assert (made / "__main__.py").read_bytes() == (ROOT / "__main__.py").read_bytes()
    assert not (made / "checks" / "gone.py").exists()


def test_what_its_owner_has_changed_is_never_overwritten(made: Path) -> None:
    older(made, "azure-pipelines.yml")
    for name in ("azure-pipelines.yml", "web/index.html", "README.md", "Pulumi.prod.yaml", "Pulumi.yaml"):
        (made / name).write_text("mine")
    (made / "LICENSE").unlink()
    (told,) = template.build(made)
    assert "azure-pipelines.yml is yours by now: the new one is azure-pipelines.yml.new" in told
    for name in ("azure-pipelines.yml", "web/index.html", "README.md", "Pulumi.prod.yaml", "Pulumi.yaml"):
        assert (made / name).read_text() == "mine"
    assert (made / "azure-pipelines.yml.new").read_bytes() == (ROOT / "azure-pipelines.yml").read_bytes()
    assert not list((made / "web").glob("*.new"))
    assert not (made / "LICENSE").exists()


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter").write_text("dear")
    with pytest.raises(UserError, match=r"has no template\.sha256"):
        template.build(tmp_path)


@pytest.mark.parametrize("whose", ["the program's", "the template's"])
def test_the_docs_lead_nowhere_that_is_not_there(made: Path, whose: str) -> None:
    folder = made if whose == "the template's" else ROOT
    for path in [folder / "README.md", *(folder / "docs").glob("*.md")]:
        for part in path.read_text().split("](")[1:]:
            target = part.partition(")")[0].partition("#")[0]
            assert not target or "://" in target or (path.parent / target).exists(), (path.name, target)
