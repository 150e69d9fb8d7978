"""Azure through its own clients: azure-identity signs in, azure-mgmt-resource speaks to any resource type."""

import json
import os
from functools import cached_property
from typing import Any

UNREACHABLE = (
    "can't reach {host} ({reason}). HTTPS_PROXY is {proxy}; if that is the local Azure, is it running? "
    "Start it: python -m sandbox up"
)


class AzureError(Exception):
    """One line, in the form of the real provider."""


class Azure:
    """Resource management, with the credentials that the provider was configured with.

    :param config: the provider's configuration; the ARM_* variables stand in for what is missing.
    """

    def __init__(self, config: dict[str, str]) -> None:
        self.config = config

    def setting(self, name: str, variable: str) -> str:
        """A provider setting."""
        found = self.config.get(name) or os.environ.get(variable)
        if not found:
            raise AzureError(f"azure-native:{name} or {variable} is not set; sign in, or set it")
        return found

    @property
    def subscription(self) -> str:
        """The subscription's id."""
        return self.setting("subscriptionId", "ARM_SUBSCRIPTION_ID")

    @cached_property
    def client(self) -> Any:
        """The official client, made on first use: importing it takes a while."""
        from azure.mgmt.resource.resources import ResourceManagementClient

        return ResourceManagementClient(self.credential(), self.subscription, polling_interval=1, retry_total=6)

    def credential(self) -> Any:
        """The ways of azure-native to sign in that are modelled, in its order."""
        from azure.identity import ClientSecretCredential, DefaultAzureCredential

        if os.environ.get("ARM_USE_DEFAULT_AZURE_CREDENTIAL") == "true":
            return DefaultAzureCredential()
        return ClientSecretCredential(
            self.setting("tenantId", "ARM_TENANT_ID"),
            self.setting("clientId", "ARM_CLIENT_ID"),
            self.setting("clientSecret", "ARM_CLIENT_SECRET"),
        )

    def get(self, id_: str, version: str) -> dict[str, Any] | None:
        """A resource as it is; None where it isn't."""
        try:
            return self.send("GET", id_, version)
        except AzureError as error:
            if "Status=404" in str(error):
                return None
            raise

    def send(self, method: str, id_: str, version: str) -> dict[str, Any]:
        """A plain request."""
        from azure.core.rest import HttpRequest

        def call() -> Any:
            url = f"https://management.azure.com{id_}"
            answer = self.client.send_request(HttpRequest(method, url, params={"api-version": version}))
            answer.raise_for_status()
            return answer.json()

        return self._one_line(call)

    def put(self, id_: str, version: str, body: dict[str, Any], timeout: float) -> dict[str, Any]:
        """Create or update, and wait until it is done."""
        begin = self._resources.begin_create_or_update_by_id

        def call() -> Any:
            poller = begin(id_, body, api_version=version)
            poller.result(timeout or None)
            if not poller.done():
                raise AzureError(f"{id_} was not done within {timeout:.0f} s")
            return self.get(id_, version) or {}

        return self._one_line(call)

    def delete(self, id_: str, version: str, timeout: float) -> None:
        """Delete, and wait until it is gone."""
        self._one_line(
            lambda: self._resources.begin_delete_by_id(id_, api_version=version).result(timeout or None)
        )

    @property
    def _resources(self) -> Any:
        return self._one_line(lambda: self.client.resources)

    def _one_line(self, call: Any) -> Any:
        from azure.core import exceptions

        try:
            return call()
        except exceptions.ClientAuthenticationError as error:
            if "Connection" in str(error) or "connect" in str(error):
                raise AzureError(unreachable("login.microsoftonline.com", error)) from None
            raise AzureError(f"building auth config: {str(error).splitlines()[0]}") from None
        except exceptions.HttpResponseError as error:
            raise AzureError(describe(error)) from None
        except (exceptions.ServiceRequestError, exceptions.ServiceResponseError) as error:
            raise AzureError(unreachable("Azure", error.inner_exception or error)) from None


def unreachable(host: str, error: object) -> str:
    """No connection: which host, why, and what to look at."""
    reason = str(error).splitlines()[0].rpartition(": ")[2].strip("'\")")
    return UNREACHABLE.format(host=host, reason=reason, proxy=os.environ.get("HTTPS_PROXY", "not set"))


def describe(error: Any) -> str:
    """An error answer as the real provider words it; Microsoft.Web writes Code and Message in capitals."""
    try:
        body = json.loads(error.response.text())
        found = body.get("error", body)
        code, message = found.get("code") or found["Code"], found.get("message") or found["Message"]
    except (AttributeError, ValueError, KeyError, TypeError):
        code, message = getattr(error.error, "code", None) or "Unknown", str(error.message).splitlines()[0]
    return (
        f'autorest/azure: Service returned an error. Status={error.status_code} Code="{code}" Message="{message}"'
    )
