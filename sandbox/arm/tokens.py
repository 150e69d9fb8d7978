"""Access tokens: JWTs with the claims that clients read (appid, oid, tid…), checked when they come back.

learn.microsoft.com/entra/identity-platform/access-token-claims-reference. Entra ID signs with a key pair; here the
one who issues is the one who checks, so a keyed hash does.
"""

import base64
import hashlib
import hmac
import json
import time
from typing import Any

from sandbox.arm.errors import ArmError
from sandbox.state import State

AUDIENCE = "https://management.azure.com"
GRAPH, STORAGE = "https://graph.microsoft.com", "https://storage.azure.com"
CHALLENGE = 'Bearer authorization_uri="https://login.microsoftonline.com/", error="invalid_token"'


def current(state: State, audience: str = AUDIENCE) -> tuple[str, int]:
    """The token for a service that a sign-in gets, and the seconds that it is still good for.

    It is the same one while more than half of its life is left, as from a token cache.
    """
    name = "access-token" if audience == AUDIENCE else f"access-token {audience}"
    token, lifetime = state.optional(name), state.delay("token")
    left = _expiry(token) - time.time() if token else 0.0
    if left < lifetime / 2 or left > lifetime:
        token, left = _issue(state, lifetime, audience), lifetime
        state.set(name, token)
    return token, int(left)


def check(state: State, authorization: str, audience: str = AUDIENCE) -> dict[str, Any]:
    """Refuse what isn't a token of this tenant's for this service that is still good.

    :returns: its claims.
    :raises ArmError: 401 with ARM's codes.
    """
    token = authorization.removeprefix("Bearer ")
    head, _, signature = token.rpartition(".")
    if not head or not hmac.compare_digest(signature, _signature(state, head)):
        message = "The access token is invalid."
        raise ArmError(401, "InvalidAuthenticationToken", message, {"WWW-Authenticate": CHALLENGE})
    if _claims(token)["aud"] != audience:
        message = f"The access token has been obtained for wrong audience or resource '{_claims(token)['aud']}'."
        raise ArmError(401, "InvalidAuthenticationTokenAudience", message, {"WWW-Authenticate": CHALLENGE})
    if _expiry(token) <= time.time():
        message = "The access token expiry UTC time is earlier than current UTC time."
        raise ArmError(401, "ExpiredAuthenticationToken", message, {"WWW-Authenticate": CHALLENGE})
    return _claims(token)


def _issue(state: State, lifetime: float, audience: str) -> str:
    now, tenant, who = int(time.time()), state.setting("tenant"), state.setting("object")
    claims = {
        "aud": audience,
        "iss": f"https://sts.windows.net/{tenant}/",
        "iat": now,
        "nbf": now,
        "exp": now + lifetime,
        "appid": state.setting("client"),
        "appidacr": "1",
        "idp": f"https://sts.windows.net/{tenant}/",
        "idtyp": "app",
        "oid": who,
        "sub": who,
        "tid": tenant,
        "ver": "1.0",
    }
    head = f"{_encoded({'typ': 'JWT', 'alg': 'HS256'})}.{_encoded(claims)}"
    return f"{head}.{_signature(state, head)}"


def _signature(state: State, head: str) -> str:
    digest = hmac.digest(state.setting("signing-key").encode(), head.encode("utf-8", "replace"), hashlib.sha256)
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _encoded(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


def _expiry(token: str) -> float:
    return _claims(token)["exp"]


def _claims(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
