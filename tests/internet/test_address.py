"""Addresses of name servers: as people write them, or one line that says how to."""

import pytest

from internet.address import Server, server_at
from internet.view import View
from policy import UserError

GOOD = {
    "192.0.2.1": ("192.0.2.1", 53),
    " 192.0.2.1:5353 ": ("192.0.2.1", 5353),
    "2001:db8::1": ("2001:db8::1", 53),
    "[2001:db8::1]": ("2001:db8::1", 53),
    "[2001:DB8::1]:5353": ("2001:db8::1", 5353),
}


@pytest.mark.parametrize("text", GOOD)
def test_an_address_with_or_without_a_port(text: str) -> None:
    address, port = GOOD[text]
    assert server_at(text, "x") == Server(address, address, port)


@pytest.mark.parametrize(
    "text",
    ["", "x", "dns.example", "192.0.2.1:", "192.0.2.1:0", "192.0.2.1:65536", "192.0.2.1:-1", "192.0.2.1:５３", "[::1", "[::1]53x", "1.2.3", "::1:x"],
)  # fmt: skip
def test_anything_else_is_told_with_where_it_stands(text: str) -> None:
    with pytest.raises(UserError, match=r"^--resolver: '.*' must be an address such as 192\.0\.2\.1"):
        server_at(text, "--resolver")


def test_a_variable_with_no_address_is_told_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MTA_STS_NAMESERVERS", "192.0.2.1, nonsense")
    with pytest.raises(UserError, match="^MTA_STS_NAMESERVERS: ' nonsense' must be"):
        View.from_environment()
