"""HTTP to Azure DevOps and GitHub: JSON, retried while the service is busy."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import urllib3
from urllib3.util import parse_url

from internet.https import manager
from internet.view import View
from tools.ci.errors import CiError

BUSY = (429, 500, 502, 503, 504)


@dataclass(frozen=True)
class Service:
    """Who is asked.

    :param headers: of every request.
    """

    name: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


AZURE_DEVOPS = Service(
    "Azure DevOps",
    {
        "Accept": "application/json",
        # Without it a refusal is a redirect to a page for signing in (azure-identity, _credentials/azure_pipelines.py)
        "X-TFS-FedAuthRedirect": "Suppress",
    },
)
GITHUB = Service(
    "GitHub",
    {
        "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": "2022-11-28",
        "User-Agent": "mta-sts",  # without one, GitHub refuses
    },
)


def ask(
    method: str,
    url: str,
    token: str,
    body: dict[str, Any] | None = None,
    hint: str = "",
    service: Service = AZURE_DEVOPS,
    refusal: str = "",
) -> Any:
    """One request.

    :param token: the run's access token (`System.AccessToken`, `GITHUB_TOKEN`).
    :param hint: the way out when the service refuses.
    :param refusal: the way out at a 403, where that is another.
    :returns: the answer's JSON, a map or a list.
    :raises CiError: refused, or no answer after five tries.
    """
    parsed = parse_url(url)
    headers = {"Authorization": f"Bearer {token}", **service.headers}
    # Nothing that is POSTed here does harm when it is POSTed twice: a token is asked for, a comment that the next
    # run finds by its marker, or a pull request, of which there is one a branch.
    retries = urllib3.Retry(
        4, backoff_factor=0.5, status_forcelist=BUSY, allowed_methods=None, raise_on_status=False
    )
    asked = json.dumps(body).encode() if body is not None else None
    if asked is not None:
        headers["Content-Type"] = "application/json"
    what = f"{method} {parsed.host}{parsed.path}"
    try:
        with manager(View.from_environment(), url) as pool:
            answer = pool.request(method, url, body=asked, headers=headers, retries=retries, timeout=30.0)
    except urllib3.exceptions.HTTPError as error:
        raise CiError(f"no answer to {what}: {type(error).__name__}") from None
    try:
        found = json.loads(answer.data)
    except ValueError:
        found = None
    if answer.status >= 300 or not isinstance(found, dict | list):
        said = str(found.get("message", "")) if isinstance(found, dict) else ""
        way_out = refusal if refusal and answer.status == 403 else hint
        raise CiError(
            f"{service.name} answers {answer.status} to {what}: {'; '.join(filter(None, (said, way_out)))}"
        )
    return found
