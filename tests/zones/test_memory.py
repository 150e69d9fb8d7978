"""The contract itself, everywhere: on the host in memory that other tests use."""

import pytest
from host_contract import ExactContract, HostContract
from memory_host import Memory

from zones import Host


class TestMemory(HostContract, ExactContract):
    """The contract."""

    @pytest.fixture
    def place(self) -> Memory:
        """A host."""
        return Memory()

    @pytest.fixture
    def host(self, place: Memory) -> Host:
        """The same, as the plugin sees it."""
        return place
