"""Which domains: from the command, a CSV file, or Microsoft 365's accepted domains."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, cast

from policy import UserError
from policy.names import typed_domain
from provider import azure

GRAPH = "https://graph.microsoft.com"
COLUMNS = ("domain", "domain name", "name")  # that a CSV file may have the domains in
THEIRS = ".onmicrosoft.com"  # Microsoft's own names, in whose zones nobody else has records


def parsed(texts: Iterable[str]) -> list[str]:
    """Domains in A-labels, once each.

    :raises UserError: a text that is no domain, with what was meant.
    """
    return list(dict.fromkeys(map(typed_domain, texts)))


def from_csv(path: Path) -> list[str]:
    """The column that is called `domain`, or the first one.

    :raises UserError: the file can't be read, or has no domain in it.
    """
    try:
        rows = [row for row in csv.reader(path.read_text("utf-8-sig").splitlines()) if any(row)]
    except (OSError, UnicodeError, csv.Error) as error:
        raise UserError(f"--csv {path}: {getattr(error, 'strerror', None) or error}") from None
    head = [cell.strip().lower() for cell in rows[0]] if rows else []
    column = next((head.index(name) for name in COLUMNS if name in head), None)
    texts = [row[column or 0] for row in rows[column is not None :] if len(row) > (column or 0)]
    if not texts:
        raise UserError(f"--csv {path}: there is no domain in it")
    return texts


def accepted() -> list[str]:
    """The domains that Microsoft 365 takes mail for (Graph: GET /domains), but its own.

    :raises UserError: not signed in, not allowed, or there are none.
    """
    names: list[str] = []
    path = "/v1.0/domains"
    while path:
        page = _graph(path)
        for domain in cast(Sequence[dict[str, Any]], page.get("value") or ()):
            mail = "Email" in (domain.get("supportedServices") or ())
            if mail and domain.get("isVerified") and not str(domain["id"]).lower().endswith(THEIRS):
                names.append(str(domain["id"]))
        path = str(page.get("@odata.nextLink") or "").removeprefix(GRAPH)
    if not names:
        raise UserError("--microsoft365: the tenant has no verified domain for mail; name the domains instead")
    return names


def _graph(path: str) -> dict[str, Any]:
    from azure.core import PipelineClient
    from azure.core.exceptions import AzureError, HttpResponseError
    from azure.core.pipeline.policies import BearerTokenCredentialPolicy, RetryPolicy
    from azure.core.rest import HttpRequest

    if not path.startswith("/"):  # the sign-in is sent along, so this must lead nowhere else
        raise UserError(f"--microsoft365: {path!r} is no address of Microsoft Graph")
    policies: list[Any] = [RetryPolicy(), BearerTokenCredentialPolicy(azure.credential(), f"{GRAPH}/.default")]
    client: Any = cast(Any, PipelineClient)(GRAPH, policies=policies)
    try:
        with client:
            answer = client.send_request(HttpRequest("GET", f"{GRAPH}{path}"))
            answer.raise_for_status()
            return answer.json()
    except HttpResponseError as error:
        hint = "; it takes the permission Domain.Read.All" if error.status_code == 403 else ""
        raise UserError(
            f"--microsoft365: Microsoft Graph answers {error.status_code} {error.reason}{hint}"
        ) from None
    except AzureError as error:
        why = str(error).splitlines()[0]
        raise UserError(f"--microsoft365: {why}; sign in with `az login`, or name the domains") from None
