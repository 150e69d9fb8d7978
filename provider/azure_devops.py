"""Azure DevOps, as far as this provider needs it itself: what is there before anything is made, and variable groups.

Signed in with the personal access token in AZDO_PERSONAL_ACCESS_TOKEN, as the azuredevops provider is.
REST 7.1: learn.microsoft.com/rest/api/azure/devops. That a token without a scope is answered with 401, and one that
isn't known with 203 or a redirect to a page for signing in, is what users report; it was never tried.
"""

import os
import re
from typing import Any, cast
from urllib.parse import quote, urlsplit

from policy import UserError

VERSION = "7.1-preview"
TOKEN = "AZDO_PERSONAL_ACCESS_TOKEN"
TIMEOUT = 30  # seconds
# The token goes to these hosts alone, whatever a resource's inputs say.
PLACE = re.compile(r"https://(?:vssps\.)?dev\.azure\.com/[A-Za-z0-9][A-Za-z0-9-]*(?:/[^\s\\#@]*)?")
NEW_TOKEN = "make one under User settings > Personal access tokens, with the scopes of docs/ci.md"
# What a token must be able to read, and one call that shows it; a project that isn't there yet is no refusal.
SCOPES = (
    ("Project and Team", "{organization}/_apis/projects?$top=1"),
    ("Code", "{organization}/{project}/_apis/git/repositories"),
    ("Build", "{organization}/{project}/_apis/build/definitions?$top=1"),
    ("Variable Groups", "{organization}/{project}/_apis/distributedtask/variablegroups?$top=1"),
    ("Service Connections", "{organization}/{project}/_apis/serviceendpoint/endpoints"),
    ("Environment", "{organization}/{project}/_apis/distributedtask/environments?$top=1"),
    ("Graph", "{graph}/_apis/graph/groups"),
)


class Refused(UserError):
    """The token isn't taken."""


def check(organization: str, project: str) -> list[str]:
    """What is wrong with the organisation or the token, a line each; asks, and changes nothing.

    :param organization: its URL, without a slash at the end.
    """
    try:
        if request("GET", f"{organization}/_apis/connectionData") is None:
            return [f"mta-sts-pipeline:organization: Azure DevOps has no organisation {organization}"]
    except UserError as error:
        return [str(error)]
    graph = organization.replace("https://dev.azure.com", "https://vssps.dev.azure.com")
    lacking: list[str] = []
    for scope, path in SCOPES:
        try:
            request("GET", path.format(organization=organization, project=segment(project), graph=graph))
        except Refused:
            lacking.append(scope)
        except UserError as error:
            return [str(error)]
    if lacking:
        many = "scopes" if len(lacking) > 1 else "scope"
        return [f"{TOKEN}: the token lacks the {many} {', '.join(lacking)}; {NEW_TOKEN}"]
    return []


def segment(name: object) -> str:
    """A name or an id as one segment of a path, whatever stands in it.

    :raises UserError: no name can be that.
    """
    text = str(name)
    if text in ("", ".", ".."):
        raise UserError(f"{text!r} is no name in Azure DevOps")
    return quote(text, safe="")


def request(method: str, url: str, body: dict[str, Any] | None = None) -> dict[str, Any] | None:
    """One call.

    :returns: the answer's body, {} for an empty one; None where there is no such thing.
    :raises UserError: no token, no answer, or a refusal, whose text is Azure DevOps' own.
    """
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3.util import Retry

    place = urlsplit(url)
    if not PLACE.fullmatch(url) or ".." in place.path.split("/"):
        raise UserError(f"{url[:80]!r} is no address of Azure DevOps, https://dev.azure.com/<organisation>/…")
    token = os.environ.get(TOKEN)
    if not token:
        raise UserError(f"{TOKEN} is not set; {NEW_TOKEN}, and put it into the environment")
    where = f"{place.scheme}://{place.netloc}/{place.path.split('/')[1]}"
    session = requests.Session()
    session.mount("https://", HTTPAdapter(max_retries=Retry(3, backoff_factor=1, status_forcelist=(429, 503))))
    try:
        answer = session.request(
            method,
            url,
            params={"api-version": VERSION},
            json=body,
            auth=("", token),
            timeout=TIMEOUT,
            allow_redirects=False,
        )
    except requests.RequestException as error:
        raise UserError(
            f"can't reach Azure DevOps at {where}: {type(error).__name__}; is the network up?"
        ) from None
    if answer.status_code in (203, 302, 401, 403):
        text = _message(answer)
        raise Refused(
            f"{TOKEN}: {where} refuses the token ({answer.status_code}{text and ' '}{text}): it has expired, is of "
            f"another organisation, or lacks a scope; {NEW_TOKEN}"
        )
    if answer.status_code == 404:
        return None
    if answer.status_code >= 400:
        text = _message(answer)
        raise UserError(f"Azure DevOps answers {answer.status_code} to {method} {place.path}{text and ': '}{text}")
    try:
        return cast(dict[str, Any], answer.json()) if answer.content else {}
    except ValueError:
        raise UserError(f"Azure DevOps answers {method} {place.path} with something that is no JSON") from None


def _message(answer: Any) -> str:
    """The refusal in Azure DevOps' words, where it has any."""
    try:
        return " ".join(str(answer.json()["message"]).split())
    except (ValueError, KeyError, TypeError):
        return ""
