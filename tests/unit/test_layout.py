"""The project's own folders: what they may be called, and what may know what."""

import ast
import importlib.metadata
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
OURS = {path.stem for path in ROOT.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
MAY_IMPORT = {
    "policy": {"policy"},
    "settings": {"settings", "policy", "zones"},
    "internet": {"internet", "policy"},
    "azure_native": {"provider"},  # provider.imports
    "zones": {"zones", "azure_native", "settings", "policy", "internet", "provider"},
    "provider": {"provider", "policy", "internet", "zones"},
    "components": {
        "components",
        "azure_native",
        "settings",
        "policy",
        "provider",
        "zones",
        "checks",
        "internet",
    },
    "__main__": {"azure_native", "settings", "components", "policy", "provider", "zones"},
    "pipeline": {"pipeline", "azure_native", "settings", "policy", "provider"},
    "checks": {"checks", "policy", "internet", "settings", "provider"},  # provider: signs in to Azure
    "sandbox": {"sandbox", "tools"},  # tools: where the engine is, for PATH
    # recover asks Azure; render_policy reads a stack; ci shows strangers' text as checks does
    "tools": {
        "tools",
        "provider",
        "settings",
        "internet",
        "policy",
        "checks",
        "components",  # website, to upload it
        "zones",  # setup: what each DNS host wants
    },
}

EXCEPTIONS = {"sandbox/plugins/azure_native.py": {"provider"}}  # for provider.protocol and .imports


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found & OURS


def test_no_name_of_ours_hides_an_installed_package() -> None:
    installed = importlib.metadata.packages_distributions()
    assert not {name for name in OURS if name in installed}


def test_dependencies_point_one_way() -> None:
    for name, allowed in MAY_IMPORT.items():
        path = ROOT / name
        files = path.rglob("*.py") if path.is_dir() else [ROOT / f"{name}.py"]
        for file in files:
            assert imports(file) <= allowed | EXCEPTIONS.get(file.relative_to(ROOT).as_posix(), set()), file


def test_the_stand_in_plugin_takes_nothing_but_the_protocol_from_the_provider() -> None:
    (stand_in,) = EXCEPTIONS
    names = {
        node.module
        for node in ast.walk(ast.parse((ROOT / stand_in).read_text()))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("provider")
    }
    assert names == {"provider.protocol", "provider.imports"}
    assert not imports(ROOT / "provider" / "protocol.py") | imports(ROOT / "provider" / "imports.py")


def test_the_policy_package_needs_nothing_but_idna() -> None:
    for file in (ROOT / "policy").glob("*.py"):
        tree = ast.parse(file.read_text())
        modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)} | {
            name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names
        }
        assert not {
            name for name in modules if name and name.partition(".")[0] in ("pulumi", "dns", "urllib3", "grpc")
        }


def test_checks_begin_without_what_one_command_needs() -> None:
    """`python -m checks` runs from cron, every half hour: Pulumi's SDK alone would double its start."""
    heavy = ("pulumi", "apprise", "imapclient", "azure.core", "azure.identity", "azure.storage")
    code = f"import sys, checks.__main__; print([name for name in {heavy} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert run.stdout == "[]\n", run.stdout + run.stderr
