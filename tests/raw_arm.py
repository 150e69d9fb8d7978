"""Requests to ARM as they are, without what official clients do of themselves about errors."""

import json
import os
import ssl
from typing import Any

import urllib3

ARM = "https://management.azure.com"
WEB = "2025-05-01"


class Reply:
    """An answer, as it came."""

    def __init__(self, answer: Any) -> None:
        self.status_code, self.headers, self.text = answer.status, answer.headers, answer.data.decode()

    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def code(self) -> str:
        """The error's code, in either of Azure's forms."""
        body = self.json()
        return body["error"]["code"] if "error" in body else body["Code"]


def token() -> str:
    """An access token, by the official sign-in."""
    from azure.identity import EnvironmentCredential

    return EnvironmentCredential().get_token(f"{ARM}/.default").token


class RawArm:
    """Sends with one token; `SUB` in a path stands for the subscription."""

    def __init__(self, access_token: str) -> None:
        self.headers = {"Authorization": f"Bearer {access_token}"}

    def __call__(self, method: str, path: str, body: Any = None, version: str = WEB, **query: str) -> Reply:
        path = path.replace("subscriptions/SUB", "subscriptions/" + os.environ["ARM_SUBSCRIPTION_ID"])
        fields = "&".join(f"{name}={value}" for name, value in {"api-version": version, **query}.items())
        context = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
        with urllib3.ProxyManager(os.environ["HTTPS_PROXY"], ssl_context=context) as through:
            url = f"{ARM}{path}?{fields}"
            return Reply(through.request(method, url, json=body, headers=self.headers, retries=False))
