"""login.microsoftonline.com: what azure-identity asks for a service principal's token."""

from urllib.parse import parse_qs

from sandbox.arm import Answer, tokens
from sandbox.state import State

HOST = "https://login.microsoftonline.com"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"  # RFC 7523 2.2
RESOURCES = {
    tokens.AUDIENCE: tokens.AUDIENCE,
    "https://management.core.windows.net": tokens.AUDIENCE,
    tokens.GRAPH: tokens.GRAPH,
    tokens.STORAGE: tokens.STORAGE,
}


def handle(state: State, method: str, path: str, body: str) -> Answer:
    """OpenID configuration, instance discovery and the token endpoint."""
    if path == "/common/discovery/instance":
        meta = {"preferred_network": "login.microsoftonline.com", "preferred_cache": "login.windows.net", "aliases": ["login.microsoftonline.com"]}  # fmt: skip
        endpoint = f"{HOST}/{state.setting('tenant')}/v2.0/.well-known/openid-configuration"
        return Answer(200, {"tenant_discovery_endpoint": endpoint, "metadata": [meta]})
    tenant, _, rest = path.strip("/").partition("/")
    if tenant in ("organizations", "common"):  # where a client begins that hasn't been told the tenant
        tenant = state.setting("tenant")
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
                "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
                "tenant_region_scope": "EU",
                "cloud_instance_name": "microsoftonline.com",
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
    resource = form.get("scope", "").split(" ")[0].removesuffix("/.default").rstrip("/")
    if resource not in RESOURCES:
        message = f"The resource principal named {resource} was not found in the tenant named local Azure."
        return _error("AADSTS500011", message, "invalid_resource")
    token, seconds = tokens.current(state, RESOURCES[resource])
    lasts = {"expires_in": seconds, "ext_expires_in": seconds}
    return Answer(200, {"token_type": "Bearer", **lasts, "access_token": token})


def busy() -> Answer:
    """What a moment's trouble looks like."""
    return _error("AADSTS90033", "A transient error has occurred. Please try again.", "temporarily_unavailable")


def _error(code: str, message: str, error: str, status: int = 400) -> Answer:
    number = int(code.removeprefix("AADSTS"))
    return Answer(status, {"error": error, "error_description": f"{code}: {message}", "error_codes": [number]})
