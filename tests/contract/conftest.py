"""A local Azure for each contract test, and official clients that don't know it is one."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from contract_tools import Clients

from sandbox.control import Sandbox


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with Sandbox(tmp_path / "sandbox") as made:
        yield made


@pytest.fixture
def azure(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Clients:
    for name, value in sandbox.env().items():
        monkeypatch.setenv(name, value)
    return Clients()
