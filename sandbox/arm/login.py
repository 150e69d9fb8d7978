"""login.microsoftonline.com: what azure-identity asks for a service principal's token."""

import time
from urllib.parse import parse_qs

from sandbox.arm import Answer
from sandbox.state import State

HOST = "https://login.microsoftonline.com"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"  # RFC 7523 2.2


def handle(state: State, method: str, path: str, body: str) -> Answer:
    """OpenID configuration, instance discovery and the token endpoint."""
    if path == "/common/discovery/instance":
        meta = {"preferred_network": "login.microsoftonline.com", "preferred_cache": "login.windows.net", "aliases": ["login.microsoftonline.com"]}  # fmt: skip
        endpoint = f"{HOST}/{state.setting('tenant')}/v2.0/.well-known/openid-configuration"
        return Answer(200, {"tenant_discovery_endpoint": endpoint, "metadata": [meta]})
    tenant, _, rest = path.strip("/").partition("/")
    if tenant != state.setting("tenant"):
        return _error("AADSTS90002", f"Tenant '{tenant}' not found.", "invalid_request")
    if rest.endswith("openid-configuration"):
        base = f"{HOST}/{tenant}"
        return Answer(
            200,
            {
                "issuer": f"{base}/v2.0",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "token_endpoint": f"{base}/oauth2/v2.0/token",
                "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
            },
        )
    if method == "POST" and rest == "oauth2/v2.0/token":
        return _token(state, {name: values[0] for name, values in parse_qs(body).items()})
    return _error("AADSTS900144", f"The local Azure does not model {method} {path}.", "invalid_request")


def _token(state: State, form: dict[str, str]) -> Answer:
    client = form.get("client_id", "")
    if client != state.setting("client"):
        message = f"Application with identifier '{client}' was not found in the directory."
        return _error("AADSTS700016", message, "unauthorized_client")
    if form.get("client_assertion_type") == ASSERTION:
        if form.get("client_assertion") != state.optional("federated-token"):
            message = (
                "Client assertion is not within its valid time range, or no federated credential has its subject."
            )
            return _error("AADSTS700024", message, "invalid_client", 401)
    elif form.get("client_secret") != state.setting("client-secret"):
        message = (
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, "
            f"not the client secret ID, for a secret added to app '{client}'."
        )
        return _error("AADSTS7000215", message, "invalid_client", 401)
    token = {"token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599}
    return Answer(
        200, {**token, "access_token": state.setting("access-token"), "expires_on": int(time.time()) + 3599}
    )


def busy() -> Answer:
    """What a moment's trouble looks like."""
    return _error("AADSTS90033", "A transient error has occurred. Please try again.", "temporarily_unavailable")


def _error(code: str, message: str, error: str, status: int = 400) -> Answer:
    number = int(code.removeprefix("AADSTS"))
    return Answer(status, {"error": error, "error_description": f"{code}: {message}", "error_codes": [number]})
