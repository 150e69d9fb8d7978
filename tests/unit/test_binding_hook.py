"""Which failures of a binding are tried again: those that left nothing behind."""

import asyncio
from types import SimpleNamespace

import pytest

from components import static_web_app
from provider import tries

CNAME = 'Status=400 Code="BadRequest" Message="{\\"Message\\":\\"%s Record is invalid.  Please ensure…\\"}"'


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (CNAME % "CNAME", True),
        (CNAME.replace(" Record", "Record") % "CNAME", True),
        ('Status=409 Code="AnotherOperationInProgress" Message="…"', True),
        ('Status=409 Code="Conflict" Message="An operation on this site is in progress."', True),
        (
            'Status=409 Code="Conflict" Message="Please ensure the custom domain is not linked to another site."',
            False,
        ),
        ("cannot create already existing resource '/subscriptions/s/…'", False),
        (
            '1 error occurred: * Status=200 Message="{"status": "Failed", "error": "CNAME Record is invalid."}"',
            False,
        ),
        ('Status=403 Code="AuthorizationFailed" Message="…"', False),
    ],
)
def test_only_what_left_nothing_behind_is_tried_again(
    error: str, again: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def at_once(_: float) -> None: ...

    monkeypatch.setattr(tries.asyncio, "sleep", at_once)
    assert asyncio.run(static_web_app._retry_binding(SimpleNamespace(errors=[error]))) is again
    many = SimpleNamespace(errors=[error] * tries.TRIES)
    assert not asyncio.run(static_web_app._retry_binding(many))
