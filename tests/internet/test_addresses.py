"""All addresses of a host, from name servers that don't answer as they should."""

from types import SimpleNamespace
from typing import Any, cast

import dns.exception
import dns.resolver
import pytest

from internet.dns_view import all_addresses
from internet.view import View


def view(**answers: object) -> View:
    """A view whose resolver answers so, by type: addresses, or an error."""

    def resolve(_: str, kind: str, **__: object) -> Any:
        answer = answers[kind]
        if isinstance(answer, Exception):
            raise answer
        return SimpleNamespace(rrset=answer)

    return cast(
        View,
        SimpleNamespace(
            resolver=SimpleNamespace(resolve=resolve, nameservers=["192.0.2.53"]), left=lambda seconds: seconds
        ),
    )


@pytest.mark.parametrize(
    ("a", "aaaa", "found"),
    [
        (["192.0.2.1"], dns.resolver.NXDOMAIN(), ["192.0.2.1"]),
        (dns.resolver.NXDOMAIN(), ["2001:db8::1"], ["2001:db8::1"]),
        (["192.0.2.1"], None, ["192.0.2.1"]),
        (None, None, []),
    ],
)
def test_no_such_name_for_one_kind_leaves_the_other(a: object, aaaa: object, found: list[str]) -> None:
    assert all_addresses(view(A=a, AAAA=aaaa), "mail.example.org") == (found, "")


def test_no_such_name_for_both_and_no_answer_are_told_apart() -> None:
    absent, silent = dns.resolver.NXDOMAIN(), dns.exception.Timeout()
    with pytest.raises(dns.resolver.NXDOMAIN):
        all_addresses(view(A=absent, AAAA=absent), "mail.example.org")
    for a, aaaa in ((silent, absent), (absent, silent)):
        with pytest.raises(dns.exception.Timeout):
            all_addresses(view(A=a, AAAA=aaaa), "mail.example.org")
