"""Builds what a user's own repository needs, and no more: `python -m tools.template FOLDER`, or `make template`.

`pulumi new FOLDER` makes a project of it. Given a repository that was made from an older version, it brings that up to
date: what nobody has changed there is replaced, and where somebody has, the new file is put beside it as NAME.new.
"""

import argparse
import hashlib
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from policy import UserError

ROOT = Path(__file__).parents[1]
OWN = "template"  # the folder with what is different there
PARTS = (
    "__main__.py", "azure_native", "CHANGELOG.md", "LICENSE", "azure-pipelines.yml", "azure-pipelines-fleet.yml", "requirements.txt", "checks", "components", "docs",
    "internet", "pipeline", "policy", "provider", "settings", "tools", "web", "zones",
)  # fmt: skip
# For those who work on the program itself: its architecture, its parts in other programs, and building the engine.
WITHOUT = (
    "docs/architecture.md", "docs/component.md", "docs/recording.svg", "docs/template.md", "tools/azuredevops",
    "tools/engine", "tools/get_azuredevops.py", "tools/language_host", "tools/recording.py", "tools/template.py",
)  # fmt: skip
# The owner's from the first day; a NAME.new in web/ would even be published. The stacks' files are in no template.
OWNERS = ("README.md", ".gitignore", "web/")
SUMS = "template.sha256"  # `sha256sum --check --quiet` takes it, too


def sources() -> dict[str, Path]:
    """Every file of the template, its name there to where it is here."""
    found = {name: path for part in PARTS for name, path in _files(ROOT, ROOT / part)}
    found = {name: path for name, path in found.items() if not f"{name}/".startswith(tuple(f"{each}/" for each in WITHOUT))}  # fmt: skip
    return dict(sorted({**found, **dict(_files(ROOT / OWN, ROOT / OWN))}.items()))


def _files(root: Path, part: Path) -> Iterator[tuple[str, Path]]:
    for path in part.rglob("*") if part.is_dir() else [part]:
        # Beside the stacks' files (pipeline/Pulumi.ci.yaml), what Python and desktops leave behind stays here.
        if path.is_file() and not re.search(r"__pycache__|\.DS_Store|Pulumi\.[^/]+\.yaml$", path.as_posix()):
            yield path.relative_to(root).as_posix(), path


def version() -> str:
    """The newest heading of CHANGELOG.md, and the commit."""
    told = re.search("^## (.+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    command = ["git", "describe", "--always", "--tags", "--dirty"]
    try:
        commit = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):  # an archive of it
        commit = "unknown"
    return f"{told[1] if told else 'unknown version'}, commit {commit}"


def build(folder: Path) -> list[str]:
    """Make the template there, or bring what was made of an older one up to date.

    :returns: what its owner should look at, a line each.
    :raises UserError: something else is there.
    """
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file; name a folder")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / SUMS).exists():
        raise UserError(f"{folder} has no {SUMS}, so it wasn't made from this template; name a new folder")
    before, given = _sums(folder / SUMS), sources()
    new = {name: _sum(path) for name, path in given.items()}
    told = list(_put(folder, before, new, given))
    for name in sorted(before.keys() - new.keys()):
        if _sum(folder / name) == before[name]:
            (folder / name).unlink()
        elif (folder / name).exists():
            told.append(f"{name} is no longer needed, but you have changed it; delete it when you have looked")
    lines = [f"# MTA-STS on Azure: {version()}", *(f"{sum}  {name}" for name, sum in new.items())]
    (folder / SUMS).write_text("\n".join(lines) + "\n")
    return told


def _put(
    folder: Path, before: Mapping[str, str], new: Mapping[str, str], given: Mapping[str, Path]
) -> Iterator[str]:
    for name, path in given.items():
        target, there, old = folder / name, _sum(folder / name), before.get(name, "")
        if new[name] in (there, old) or (before and name.startswith(OWNERS)):
            continue
        if old and not there:
            continue  # its owner has no use for it
        if there != old:
            target = target.with_name(f"{target.name}.new")
            yield f"{name} is yours by now: the new one is {name}.new; take over what you like and delete it"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)


def _sum(path: Path) -> str:
    """A file's SHA-256; "" where there is none."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def _sums(path: Path) -> dict[str, str]:
    """What the template's files were, name to SHA-256; empty where there is no list."""
    lines = path.read_text().splitlines() if path.exists() else []
    return {name: sum for sum, _, name in (line.partition("  ") for line in lines if not line.startswith("#"))}


def main() -> int:
    """Build, and say what comes next; what stops it is one line on stderr."""
    parser = argparse.ArgumentParser(prog="python -m tools.template", description=__doc__)
    parser.add_argument("folder", type=Path, help="a new one, or a repository that was made from an older version")
    folder: Path = parser.parse_args().folder
    try:
        update = (folder / SUMS).exists()
        told = build(folder)
    except (UserError, OSError) as error:
        print(f"template: {error}", file=sys.stderr)
        return 1
    for line in told:
        print(line)
    print(f"{folder} is {version()}")
    print(
        "Next: git diff there, pulumi preview, commit"
        if update
        else f"Next: pulumi new {folder.resolve()} --dir …"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
