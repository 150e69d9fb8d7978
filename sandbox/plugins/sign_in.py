"""Who the plugin is in Azure (pulumi-azure-native's auth_azidentity.go and azure_cli.go)."""

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


class AzureError(Exception):
    """One line, in the real plugin's words.

    :param status: the HTTP status that it comes from, if any.
    """

    TIMED_OUT = "operation timed out"

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Account:
    """Who signs in, and whose resources it is about.

    :param credential: makes an azure.core TokenCredential; called on first use, since the import takes a while.
    """

    credential: Callable[[], Any]
    subscription: str
    tenant: str
    client: str


def account(config: dict[str, str]) -> Account:
    """The first way to sign in that is configured, in azure-native's order; the Azure CLI where none is.

    :param config: the provider's; ARM_* variables stand in for what is missing.
    :raises AzureError: something that the way needs is missing, or the Azure CLI isn't signed in.
    """

    def get(name: str, variable: str) -> str:
        return config[name] if name in config else os.environ.get(variable, "")

    subscription = get("subscriptionId", "ARM_SUBSCRIPTION_ID")
    tenant, client = get("tenantId", "ARM_TENANT_ID"), get("clientId", "ARM_CLIENT_ID")

    def by(how: str, principal: bool, make: Callable[[Any], Any]) -> Account:
        wanted = {"Subscription ID": subscription}
        if principal:
            wanted |= {"Tenant ID": tenant, "Client ID": client}
        for what, value in wanted.items():
            if not value:
                raise AzureError(f"A {what} must be configured when authenticating {how}.")

        def credential() -> Any:
            from azure import identity

            return make(identity)

        return Account(credential, subscription, tenant, client)

    if get("useDefaultAzureCredential", "ARM_USE_DEFAULT_AZURE_CREDENTIAL") == "true":
        how = "using the Default Azure Credential"
        return by(how, False, lambda identity: identity.DefaultAzureCredential())
    if path := get("clientCertificatePath", "ARM_CLIENT_CERTIFICATE_PATH"):
        password = get("clientCertificatePassword", "ARM_CLIENT_CERTIFICATE_PASSWORD") or None
        how = "as a Service Principal using a Client Certificate"
        return by(
            how, True, lambda identity: identity.CertificateCredential(tenant, client, path, password=password)
        )
    if secret := get("clientSecret", "ARM_CLIENT_SECRET"):
        how = "as a Service Principal using a Client Secret"
        return by(how, True, lambda identity: identity.ClientSecretCredential(tenant, client, secret))
    if get("useOidc", "ARM_USE_OIDC") == "true":
        token = federated_token(get)
        return by("with OIDC", True, lambda identity: identity.ClientAssertionCredential(tenant, client, token))
    if get("useMsi", "ARM_USE_MSI") == "true":
        how = "as a Managed Identity using MSI"
        return by(how, False, lambda identity: identity.ManagedIdentityCredential(client_id=client or None))
    return azure_cli(subscription, tenant, client)


def azure_cli(subscription: str, tenant: str, client: str) -> Account:
    """Whoever is signed in with `az login`; the subscription is the one chosen there, unless configured."""
    command = ["az", "account", "show", "-o", "json", *(["--subscription", subscription] if subscription else [])]
    try:
        run = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        raise AzureError("Azure CLI not found on path") from None
    if run.returncode:
        raise AzureError(run.stderr.strip() or f"exit status {run.returncode}")
    found = json.loads(run.stdout)

    def credential() -> Any:
        from azure.identity import AzureCliCredential

        return AzureCliCredential(tenant_id=tenant, subscription=subscription or None)

    return Account(credential, found["id"], tenant or found["tenantId"], client)


def federated_token(get: Callable[[str, str], str]) -> Callable[[], str]:
    """What gives a pipeline's own token: as configured, from a file, or asked for each time."""
    if given := get("oidcToken", "ARM_OIDC_TOKEN"):
        return lambda: given
    if path := get("oidcTokenFilePath", "ARM_OIDC_TOKEN_FILE_PATH"):
        try:
            with open(path, encoding="ascii") as file:
                read = file.read()
        except OSError as error:
            raise AzureError(f"failed to read OIDC token from {path}: {error.strerror}") from None
        return lambda: read
    url = get("oidcRequestUrl", "ACTIONS_ID_TOKEN_REQUEST_URL")
    bearer = get("oidcRequestToken", "ACTIONS_ID_TOKEN_REQUEST_TOKEN")
    if not url or not bearer:
        raise AzureError("A OIDC token or request URL and token must be configured when authenticating with OIDC.")
    audience = get("oidcAudience", "ARM_OIDC_AUDIENCE") or "api://AzureADTokenExchange"

    def ask() -> str:
        import requests

        answer = requests.get(url, params={"audience": audience}, headers={"Authorization": f"Bearer {bearer}"}, timeout=60)  # fmt: skip
        answer.raise_for_status()
        return answer.json()["value"]

    return ask
