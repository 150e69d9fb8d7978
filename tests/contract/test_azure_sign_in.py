"""Signing in as the official clients do, and the token that they get and send back."""

import base64
import json
import os
import time
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ClientSecretCredential
from contract_tools import Clients
from raw_arm import ARM, RawArm, token

from sandbox.control import Sandbox


def claims(text: str) -> dict[str, Any]:
    payload = text.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def test_a_token_has_the_claims_that_clients_read(azure: Clients) -> None:
    found = claims(token())
    assert {found["tid"], found["appid"]} == {os.environ["ARM_TENANT_ID"], os.environ["ARM_CLIENT_ID"]}
    assert found["aud"] == ARM
    assert found["oid"]
    assert found["iss"] == f"https://sts.windows.net/{found['tid']}/"
    assert found["nbf"] <= time.time() < found["exp"]


def test_a_token_is_taken_as_it_was_issued_and_not_otherwise(azure: Clients) -> None:
    good = token()
    assert RawArm(good)("GET", "/subscriptions").status_code == 200
    head, payload, signature = good.split(".")
    other = base64.urlsafe_b64encode(json.dumps({**claims(good), "exp": 9999999999}).encode()).decode().rstrip("=")
    for bad in (
        "",
        "nonsense",
        f"{head}.{payload}.{signature[:-2]}xx",
        f"{head}.{other}.{signature}",
        f"{head}.{payload}.",
    ):
        answer = RawArm(bad)("GET", "/subscriptions")
        assert (answer.status_code, answer.code) == (401, "InvalidAuthenticationToken")
        assert "authorization_uri" in answer.headers["WWW-Authenticate"]


def test_a_token_ends(azure: Clients, sandbox: Sandbox) -> None:
    sandbox.delay("token", 2)
    short = RawArm(token())
    assert short("GET", "/subscriptions").status_code == 200
    deadline = time.monotonic() + 60
    while (answer := short("GET", "/subscriptions")).status_code == 200 and time.monotonic() < deadline:
        time.sleep(0.2)
    assert (answer.status_code, answer.code) == (401, "ExpiredAuthenticationToken")


def test_there_is_no_token_for_what_is_not_modelled(azure: Clients) -> None:
    who = ClientSecretCredential(
        *(os.environ[f"ARM_{name}"] for name in ("TENANT_ID", "CLIENT_ID", "CLIENT_SECRET"))
    )
    assert who.get_token("https://management.core.windows.net//.default").token
    with pytest.raises(ClientAuthenticationError, match="AADSTS500011"):
        who.get_token("https://vault.azure.net/.default")


@pytest.mark.parametrize("tenant", ["organizations", "common"])
def test_a_client_without_a_tenant_is_led_to_it(azure: Clients, tenant: str) -> None:
    """MSAL begins there when `az login` isn't told a tenant."""
    import ssl

    import urllib3

    context = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
    url = f"https://login.microsoftonline.com/{tenant}/v2.0/.well-known/openid-configuration"
    with urllib3.ProxyManager(os.environ["HTTPS_PROXY"], ssl_context=context) as through:
        found = through.request("GET", url, retries=False).json()
    assert found["token_endpoint"].split("/")[3] == os.environ["ARM_TENANT_ID"]
    assert "device_authorization_endpoint" not in found  # nobody could be asked for a code here


def test_the_subscription_its_tenant_and_its_regions(azure: Clients) -> None:
    arm = RawArm(token())
    subscription = arm("GET", "/subscriptions/SUB").json()
    assert arm("GET", "/subscriptions").json()["value"] == [subscription]
    assert subscription["tenantId"] == os.environ["ARM_TENANT_ID"]
    assert subscription["state"] == "Enabled"
    assert [each["tenantId"] for each in arm("GET", "/tenants").json()["value"]] == [subscription["tenantId"]]
    assert "westeurope" in {each["name"] for each in arm("GET", "/subscriptions/SUB/locations").json()["value"]}
    assert arm("GET", "/subscriptions/00000000-0000-0000-0000-000000000000").code == "SubscriptionNotFound"


def test_the_providers_say_which_versions_they_speak(azure: Clients) -> None:
    found = {each.namespace: each for each in azure.groups.providers.list()}
    types = {each.resource_type: each.api_versions for each in found["Microsoft.Web"].resource_types}
    assert "2025-05-01" in types["staticSites"]
    assert found["Microsoft.Network"].registration_state == "Registered"
    assert azure.groups.providers.get("microsoft.network").namespace == "Microsoft.Network"
