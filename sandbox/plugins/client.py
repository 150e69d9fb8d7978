"""Azure through its own clients: azure-identity signs in, azure-mgmt-resource speaks to any resource type.

Waits, retries and errors are those of pulumi-azure-native 3 (provider/pkg/azure/client_azcore.go).
"""

import json
import os
import threading
import time
from collections.abc import Callable
from functools import cached_property
from typing import Any

from sandbox.plugins.sign_in import Account, AzureError

MANAGEMENT = "https://management.azure.com"
PUT_EVERY, DELETE_EVERY, AT_MOST = 10.0, 30.0, 7200.0  # seconds; Azure's Retry-After comes before the first two
AGAIN = (408, 429, 500, 502, 503, 504)
UNREACHABLE = (
    "can't reach {host} ({reason}). HTTPS_PROXY is {proxy}; if that is the local Azure, is it running? "
    "Start it: python -m sandbox up"
)


class Unfinished(AzureError):
    """What Azure took, and what then failed: it may stand all the same.

    :param deadline: of the whole call, on the monotonic clock.
    :param detail: what the engine is told beside the text.
    """

    def __init__(self, message: str, deadline: float = 0.0, detail: Any = None) -> None:
        super().__init__(message)
        self.deadline, self.detail = deadline, detail


def pace() -> float:
    """How long a second is; tests shorten it."""
    return float(os.environ.get("SANDBOX_AZURE_NATIVE_PACE", "1"))


class Azure:
    """Resource management, for one account."""

    def __init__(self, account: Account) -> None:
        self.account, self.subscription = account, account.subscription
        self.cancelled = threading.Event()

    @cached_property
    def client(self) -> Any:
        """The official client, made on first use: importing it takes a while."""
        from azure.core.pipeline.policies import RetryPolicy
        from azure.mgmt.resource.resources import ResourceManagementClient

        class Patience(RetryPolicy):
            """azcore's: three more times, after 20, 60 and 120 s unless the answer says when."""

            def is_retry(self, settings: Any, response: Any) -> bool:
                answer = response.http_response
                if answer.status_code == 409:
                    answer.read()
                    return code_of(answer) == "AnotherOperationInProgress"
                return answer.status_code in AGAIN

            def get_backoff_time(self, settings: Any) -> float:
                return min(20 * (2 ** len(settings["history"]) - 1), 120) * pace()

        return ResourceManagementClient(
            self.account.credential(), self.subscription, retry_policy=Patience(retry_total=3)
        )

    def get(self, id_: str, version: str, deadline: float | None = None) -> dict[str, Any]:
        """A resource as it is.

        :param deadline: of the call that this is part of, on the monotonic clock.
        """
        if deadline is not None:
            self._check_time(deadline)
        answer = self._ask("GET", id_, version)
        if answer.status_code != 200:
            raise refusal(answer)
        return answer.json()

    def check_absent(self, id_: str, version: str) -> None:
        """Refuse to take over what exists; a PUT would."""
        answer = self._ask("GET", id_, version)
        if answer.status_code == 200:
            raise AzureError(f"cannot create already existing resource '{id_}'")
        if answer.status_code not in (204, 404):
            what = f"status code {answer.status_code}, {answer.text()}"
            raise AzureError(f"cannot check existence of resource '{id_}': {what}")

    def put(self, id_: str, version: str, body: dict[str, Any], seconds: float) -> dict[str, Any]:
        """Create or update, wait until it is done, and read it.

        :param seconds: at most; 0 for the default, two hours.
        :raises Unfinished: Azure took it, and then it failed.
        """
        deadline = time.monotonic() + (seconds or AT_MOST)
        begin = self._resources.begin_create_or_update_by_id
        options = {"api_version": version, "polling_interval": PUT_EVERY * pace(), "cls": _json}
        poller = self._one_line(lambda: begin(id_, body, **options))
        try:
            made = self._finish(poller, deadline)
        except AzureError as error:
            raise Unfinished(str(error), deadline) from None
        try:
            return self.get(made.get("id", id_), version)
        except AzureError:  # the real plugin warns, and goes on with what the PUT answered
            return made

    def delete(self, id_: str, version: str, seconds: float) -> None:
        """Delete, and wait until it is gone, as it may be already."""
        deadline = time.monotonic() + (seconds or AT_MOST)
        options = {"api_version": version, "polling_interval": DELETE_EVERY * pace()}
        try:
            poller = self._one_line(lambda: self._resources.begin_delete_by_id(id_, **options))
            self._finish(poller, deadline)
        except AzureError as error:
            if error.status != 404:
                raise

    def _finish(self, poller: Any, deadline: float) -> Any:
        while not poller.done():
            self._check_time(deadline)
            self._one_line(lambda: poller.wait(0.2))
        return self._one_line(poller.result)

    def _check_time(self, deadline: float) -> None:
        if self.cancelled.is_set():
            raise AzureError("context canceled")
        if time.monotonic() > deadline:
            raise AzureError(AzureError.TIMED_OUT)

    def _ask(self, method: str, id_: str, version: str) -> Any:
        from azure.core.rest import HttpRequest

        request = HttpRequest(method, f"{MANAGEMENT}{id_}", params={"api-version": version})
        return self._one_line(lambda: self.client.send_request(request))

    @property
    def _resources(self) -> Any:
        return self._one_line(lambda: self.client.resources)

    def _one_line(self, call: Callable[[], Any]) -> Any:
        from azure.core import exceptions

        try:
            return call()
        except exceptions.ClientAuthenticationError as error:
            answer: Any = error.response
            if answer is not None and answer.request.url.startswith(MANAGEMENT):
                raise refusal(answer) from None
            if "Connection" in str(error) or "connect" in str(error):
                raise AzureError(unreachable("login.microsoftonline.com", error)) from None
            raise AzureError(str(error).splitlines()[0]) from None
        except exceptions.HttpResponseError as error:
            if error.response is None:
                raise AzureError(str(error).splitlines()[0]) from None
            raise refusal(error.response) from None
        except (exceptions.ServiceRequestError, exceptions.ServiceResponseError) as error:
            raise AzureError(unreachable("Azure", error.inner_exception or error)) from None


def unreachable(host: str, error: object) -> str:
    """No connection: which host, why, and what to look at."""
    reason = str(error).splitlines()[0].rpartition(": ")[2].strip("'\")")
    return UNREACHABLE.format(host=host, reason=reason, proxy=os.environ.get("HTTPS_PROXY", "not set"))


def refusal(answer: Any) -> AzureError:
    """An error answer in the real plugin's words.

    Microsoft.Web writes `Code` and `Message`, which azcore doesn't know: its errors have no code, and their message
    is the whole body (terraform-provider-azapi issue 408 shows one).
    """
    body, text = _body(answer), answer.text()
    inner = body.get("error")
    message = str(inner["message"]) if isinstance(inner, dict) and "message" in inner else text
    code = code_of(answer)
    named = f'Code="{code}" ' if code else ""
    return AzureError(f'Status={answer.status_code} {named}Message="{message}"', answer.status_code)


def code_of(answer: Any) -> str:
    """An error answer's code where azcore finds it, else ""."""
    body = _body(answer)
    inner = body.get("error", body)
    code = inner.get("code") if isinstance(inner, dict) else None
    return answer.headers.get("x-ms-error-code") or str(code or "")


def _body(answer: Any) -> dict[str, Any]:
    try:
        found = json.loads(answer.text())
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _json(response: Any, *_: Any) -> dict[str, Any]:
    return _body(response.http_response)
