"""Azure, as far as this provider needs it itself: a site's deployment token, and what exists already.

The engine logs every value that passes through it (`pulumi -v=9`), secrets too. So the token never does: it is
fetched in the process that hands it to the deploy client, with the same sign-in that azure-native uses
(github.com/pulumi/pulumi-azure-native, provider/pkg/provider/auth_azidentity.go).
"""

import os
from functools import cache
from typing import Any, cast

from policy import UserError

MANAGEMENT = "https://management.azure.com"
# API versions, the ones that pulumi-azure-native 3.29.0 uses
WEB, DNS, RESOURCES = "2025-05-01", "2023-07-01-preview", "2024-03-01"
CDN, STORAGE = "2025-06-01", "2024-01-01"
AUDIENCE = "api://AzureADTokenExchange"  # learn.microsoft.com/entra/workload-id/workload-identity-federation


def credential() -> Any:
    """The sign-in that the ARM_* variables describe, else the Azure CLI's, in azure-native's order.

    :returns: an azure.core TokenCredential.
    :raises UserError: a variable that the chosen way needs is missing.
    """
    from azure import identity

    if _is("ARM_USE_DEFAULT_AZURE_CREDENTIAL"):
        return identity.DefaultAzureCredential()
    if certificate := os.environ.get("ARM_CLIENT_CERTIFICATE_PATH"):
        password = os.environ.get("ARM_CLIENT_CERTIFICATE_PASSWORD")
        return identity.CertificateCredential(*_principal(), certificate_path=certificate, password=password)
    if secret := os.environ.get("ARM_CLIENT_SECRET"):
        return identity.ClientSecretCredential(*_principal(), client_secret=secret)
    if _is("ARM_USE_OIDC"):
        return identity.ClientAssertionCredential(*_principal(), func=_federated_token)
    if _is("ARM_USE_MSI"):
        return identity.ManagedIdentityCredential(client_id=os.environ.get("ARM_CLIENT_ID"))
    return _cli_account()


def deployment_token(site: str) -> str:
    """The deployment token of a Static Web App, whichever it is now.

    :param site: its resource id.
    :raises UserError: not signed in, not allowed, or no answer.
    """
    found = request("POST", f"{site}/listSecrets", WEB)
    if found is None:
        raise UserError(f"Azure has no Static Web App {site}; run `pulumi refresh`, then `pulumi up`")
    return str(found["properties"]["apiKey"])


def request(method: str, path: str, api_version: str, body: dict[str, Any] | None = None) -> dict[str, Any] | None:
    """One call of Azure Resource Manager.

    :param path: a resource id, or what lies below one.
    :returns: the answer's body, {} for an empty one; None where there is no such thing.
    :raises UserError: not signed in, not allowed, or no answer.
    """
    if not path.startswith("/subscriptions/"):  # the sign-in is sent along, so this must lead nowhere else
        raise UserError(f"{path!r} is no resource id; one begins with /subscriptions/")
    from azure.core import PipelineClient
    from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError
    from azure.core.pipeline.policies import BearerTokenCredentialPolicy, RetryPolicy
    from azure.core.rest import HttpRequest

    query = {} if "api-version=" in path else {"api-version": api_version}  # a nextLink has its own
    policies: list[Any] = [RetryPolicy(), BearerTokenCredentialPolicy(signed_in(), f"{MANAGEMENT}/.default")]
    client: Any = cast(Any, PipelineClient)(MANAGEMENT, policies=policies)
    try:
        with client:
            asked = HttpRequest(method, f"{MANAGEMENT}{path}", params=query, json=body)
            # What is POSTed here may be POSTed again: it reads, or says the same twice.
            answer = client.send_request(asked, retry_on_methods=("GET", "POST"))
            if answer.status_code == 404:
                return None
            answer.raise_for_status()
            return answer.json() if answer.content else {}
    except ClientAuthenticationError as error:
        raise UserError(f"Azure refuses the sign-in: {_first(error)}. Sign in again (az login)") from None
    except HttpResponseError as error:
        hint = "; it takes the role Contributor" if error.status_code == 403 else ""
        raise UserError(f"Azure answers {error.status_code} {error.reason} to {method} {path}{hint}") from None
    except AzureError as error:
        raise UserError(f"can't reach Azure for {path}: {_first(error)}") from None


def listing(path: str, api_version: str) -> list[dict[str, Any]]:
    """All items of a list, its further pages too.

    :raises UserError: as `request`.
    """
    found: list[dict[str, Any]] = []
    while path:
        page = request("GET", path, api_version) or {}
        found += page.get("value") or []
        path = str(page.get("nextLink") or "").removeprefix(MANAGEMENT)
    return found


@cache
def signed_in() -> Any:
    """The `credential`, made once: it keeps its tokens.

    :raises UserError: as `credential`.
    """
    return credential()


def _cli_account() -> Any:
    """The Azure CLI's sign-in: a guest of another tenant is known by the subscription, and az takes one of the two."""
    from azure.identity import AzureCliCredential

    if subscription := os.environ.get("ARM_SUBSCRIPTION_ID"):
        return AzureCliCredential(subscription=subscription)
    return AzureCliCredential(tenant_id=os.environ.get("ARM_TENANT_ID", ""))


def _is(variable: str) -> bool:
    return os.environ.get(variable, "").lower() in ("1", "true")


def _principal() -> tuple[str, str]:
    names = ("ARM_TENANT_ID", "ARM_CLIENT_ID")
    missing = [name for name in names if not os.environ.get(name)]
    if missing:
        raise UserError(f"{' and '.join(missing)} not set; a service principal is signed in with both")
    return os.environ[names[0]], os.environ[names[1]]


def _federated_token() -> str:
    """The token that a pipeline's own identity provider issued for this run."""
    if token := os.environ.get("ARM_OIDC_TOKEN"):
        return token
    if path := os.environ.get("ARM_OIDC_TOKEN_FILE_PATH"):
        try:
            with open(path, encoding="ascii") as file:
                return file.read()
        except OSError as error:
            raise UserError(f"ARM_OIDC_TOKEN_FILE_PATH: can't read {path}: {error.strerror}") from None
    # azure-native 3 reads GitHub's own names; its versions before that, ARM_…
    url = os.environ.get("ACTIONS_ID_TOKEN_REQUEST_URL") or os.environ.get("ARM_OIDC_REQUEST_URL")
    bearer = os.environ.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN") or os.environ.get("ARM_OIDC_REQUEST_TOKEN")
    if not url or not bearer:
        raise UserError(
            "ARM_USE_OIDC is set, but neither ARM_OIDC_TOKEN, ARM_OIDC_TOKEN_FILE_PATH nor "
            "ACTIONS_ID_TOKEN_REQUEST_URL (GitHub's) is; in Azure Pipelines: python -m tools.ci run"
        )
    return _requested(url, bearer)


def _requested(url: str, bearer: str) -> str:
    """A token from the address that the pipeline gave for it."""
    import requests

    headers = {"Authorization": f"Bearer {bearer}", "Accept": "application/json"}
    try:
        answer = requests.get(url, params={"audience": AUDIENCE}, headers=headers, timeout=30)
        answer.raise_for_status()
        return str(answer.json()["value"])
    except (requests.RequestException, ValueError, KeyError) as error:
        raise UserError(f"the pipeline gives no federated token: {type(error).__name__}") from None


def _first(error: Exception) -> str:
    return str(error).splitlines()[0]
