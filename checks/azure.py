"""What clients of Azure's take, and what Azure says when something is wrong, in one line."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from checks.shown import shown
from policy import UserError

OPTIONS = ("connection_verify", "connection_timeout", "read_timeout")
PATIENCE = 60  # seconds for one answer


def options() -> dict[str, Any]:
    """What every client of Azure's takes: who is trusted (SSL_CERT_FILE), and how long an answer may take."""
    trusted = os.environ.get("SSL_CERT_FILE")
    return dict(zip(OPTIONS, (trusted or True, PATIENCE, PATIENCE), strict=True))


@contextmanager
def told(where: str, refused: str, error: type[UserError] = UserError) -> Generator[None]:
    """Trouble of Azure's, in one line.

    :param where: what is asked for.
    :param refused: what to do where it isn't allowed.
    :raises UserError: or another class of it.
    """
    from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError

    try:
        yield
    except HttpResponseError as given:
        status: int | None = given.status_code
        code = getattr(given, "error_code", None) or (
            given.error.code if given.error else ""
        )  # storage has its own
        what = f"{status} {code or given.reason or ''}".strip()
        if status is None or (status in (400, 401) and isinstance(given, ClientAuthenticationError)):
            raise error(f"{where}: Azure refuses the sign-in: {_first(given)}. Sign in again (az login, or ARM_CLIENT_ID, ARM_TENANT_ID and the rest)") from None  # fmt: skip
        if status in (401, 403):
            raise error(f"{where}: not allowed ({shown(what)}): {refused}") from None
        raise error(f"{where}: Azure answers {shown(what)}: {_first(given)}") from None
    except AzureError as given:
        raise error(f"{where}: can't reach Azure: {_first(given)}") from None


def _first(error: Exception) -> str:
    lines = str(error).splitlines() or [type(error).__name__]
    return shown(lines[0], longest=300).rstrip(".")
