"""docs/component.md: the programs that stand there run, as they stand there."""

import re
import sys
from pathlib import Path
from unittest.mock import patch

import pytest
from mocks import Monitor, declare

ROOT = Path(__file__).parents[2]


def blocks(language: str) -> list[str]:
    """The document's code, without the indentation of a list's."""
    text = (ROOT / "docs" / "component.md").read_text()
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
    return [re.sub(f"^{indent}", "", code, flags=re.MULTILINE) for indent, code in found]


def written(folder: Path, *programs: str) -> Path:
    """A project as the document describes it.

    :returns: its program.
    """
    (folder / "mta-sts").symlink_to(ROOT)
    (folder / "Pulumi.yaml").write_text(blocks("yaml")[0])
    (folder / "__main__.py").write_text("\n".join(programs))
    return folder / "__main__.py"


@pytest.fixture(scope="module")
def declared(tmp_path_factory: pytest.TempPathFactory) -> Monitor:
    program = written(tmp_path_factory.mktemp("shop"), *blocks("python"))
    with patch.object(sys, "path", list(sys.path)):
        return declare({}, program=str(program), project="shop")


def test_a_program_of_its_own_publishes_the_id_after_the_policy_is_live(declared: Monitor) -> None:
    assert {"example.org-live-policy", "main-content"} <= declared.before("example.org-mta-sts")
    assert declared.of("mtasts:index:PolicySite") == {"main"}


def test_a_site_of_its_own_serves_the_policy_of_a_domain(declared: Monitor) -> None:
    assert {"example.net-live-policy", "shop-content"} <= declared.before("example.net-mta-sts")
    assert declared.inputs("example.net-custom-domain")["name"] == "shop0a1b"
    assert declared.outputs["shop-test"].fields["policyId"].string_value
