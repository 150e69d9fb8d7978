"""Azure Resource Manager: `handle` takes a request to management.azure.com and gives the answer."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sandbox.arm.errors import ArmError, not_modelled
from sandbox.dns.view import View
from sandbox.state import State


@dataclass
class Call:
    """One request.

    :param groups: the path's named parts.
    """

    state: State
    view: View
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: dict[str, Any]
    groups: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def id(self) -> str:
        """The resource id, which is the path."""
        return self.path


@dataclass
class Answer:
    """What comes back."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict[str, str])


Handler = Callable[[Call], Answer]
ROUTES: list[tuple[str, re.Pattern[str], Handler]] = []
SUB = r"/subscriptions/(?P<sub>[^/]+)"
GROUP = SUB + r"/resourceGroups/(?P<group>[^/]+)"


def route(method: str, pattern: str) -> Callable[[Handler], Handler]:
    """Register a handler; ARM's paths know no case."""

    def register(handler: Handler) -> Handler:
        ROUTES.append((method, re.compile(pattern + r"/?\Z", re.IGNORECASE), handler))
        return handler

    return register


def handle(call: Call) -> Answer:
    """Authorise, finish what is due, find the handler, and turn errors into ARM's answers."""
    from sandbox.arm import groups, operations, roles, sites, subscriptions, tokens, zones  # noqa: F401  (they register their routes)

    operations.settle(call.state, call.view)
    try:
        tokens.check(call.state, call.headers.get("authorization", ""))
        if "api-version" not in call.query:
            message = "The api-version query parameter (?api-version=) is required for all requests."
            raise ArmError(400, "MissingApiVersionParameter", message)
        for method, pattern, handler in ROUTES:
            match = pattern.match(call.path)
            if match and method == call.method:
                call.groups = match.groupdict()
                _check_subscription(call)
                subscriptions.check_registered(call)
                return handler(call)
        raise not_modelled(f"{call.method} {call.path}")
    except ArmError as error:
        return Answer(error.status, error.body(), error.headers)


def _check_subscription(call: Call) -> None:
    wanted = call.groups.get("sub")
    if wanted and wanted.lower() not in call.state.subscriptions:
        raise ArmError(404, "SubscriptionNotFound", f"The subscription '{wanted}' could not be found.")


def shown(body: dict[str, Any]) -> dict[str, Any]:
    """A resource without what is only the sandbox's own."""
    return {name: value for name, value in body.items() if not name.startswith("_")}


def accepted(call: Call, operation: str, body: Any = None) -> Answer:
    """202, with both ways to follow the operation (Azure/azure-resource-manager-rpc, async-api-reference)."""
    base = f"https://management.azure.com/subscriptions/{call.state.setting('subscription')}"
    version = f"?api-version={call.query['api-version']}"
    return Answer(
        202,
        body,
        {
            "Azure-AsyncOperation": f"{base}/operationStatuses/{operation}{version}",
            "Location": f"{base}/operationResults/{operation}{version}",
            **ask_again(call.state),
        },
    )


def ask_again(state: State) -> dict[str, str]:
    """When to poll next; without it, clients follow their own pace."""
    seconds = state.delay("retry-after")
    return {"Retry-After": f"{seconds:.0f}"} if seconds else {}


def redacted(body: dict[str, Any]) -> str:
    """A request's body for the log; static sites' repository tokens are the only secret that may come in."""
    return re.sub(r'("repositoryToken": )"[^"]*"', r'\1"***"', json.dumps(body)) if body else ""
