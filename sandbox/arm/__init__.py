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
    :param principal: the object id of the one who asks, once they are known.
    """

    state: State
    view: View
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: dict[str, Any]
    groups: dict[str, str] = field(default_factory=dict[str, str])
    principal: str = ""

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
ROUTES: list[tuple[str, re.Pattern[str], Handler, tuple[str, ...]]] = []
KEYWORDS = {  # in Azure's own case, which ids come back in whatever the request's case
    name.lower(): name
    for name in (
        "subscriptions", "resourceGroups", "providers", "Microsoft.Web", "staticSites", "customDomains",
        "Microsoft.Network", "dnszones", "A", "AAAA", "CAA", "CNAME", "MX", "NS", "SOA", "TXT",
        "Microsoft.ManagedIdentity", "userAssignedIdentities", "federatedIdentityCredentials",
        "Microsoft.Authorization", "roleDefinitions", "roleAssignments", "moveResources", "validateMoveResources",
        "Microsoft.Storage", "storageAccounts", "listKeys",
        "Microsoft.Cdn", "profiles", "afdEndpoints", "customDomains", "originGroups", "origins", "routes", "ruleSets", "rules",
    )
}  # fmt: skip
SUB = r"/subscriptions/(?P<sub>[^/]+)"
GROUP = SUB + r"/resourceGroups/(?P<group>[^/]+)"


def route(method: str, pattern: str, query: tuple[str, ...] = ()) -> Callable[[Handler], Handler]:
    """Register a handler; ARM's paths know no case.

    :param query: the parameters that it heeds, beside api-version.
    """

    def register(handler: Handler) -> Handler:
        ROUTES.append((method, re.compile(pattern + r"/?\Z", re.IGNORECASE), handler, query))
        return handler

    return register


def handle(call: Call) -> Answer:
    """Authorise, finish what is due, find the handler, and turn errors into ARM's answers."""
    from sandbox.arm import groups, operations, resources, roles, site_parts, sites, subscriptions, tokens, zones  # noqa: F401  (they register their routes)
    from sandbox.arm.rights import check as check_rights
    from sandbox.cdn import arm as cdn  # noqa: F401
    from sandbox.storage import accounts  # noqa: F401

    operations.settle(call.state, call.view)
    try:
        call.principal = tokens.check(call.state, call.headers.get("authorization", ""))["oid"]
        if "api-version" not in call.query:
            message = "The api-version query parameter (?api-version=) is required for all requests."
            raise ArmError(400, "MissingApiVersionParameter", message)
        call.path = canonical(call.state, call.path)
        for method, pattern, handler, query in ROUTES:
            match = pattern.match(call.path)
            if match and method == call.method:
                call.groups = match.groupdict()
                for name in call.query.keys() - {"api-version", *query}:
                    raise not_modelled(f"the query parameter {name} of {method} {call.path}")
                _check_subscription(call)
                check_rights(call)
                subscriptions.check_registered(call)
                return handler(call)
        raise not_modelled(f"{call.method} {call.path}")
    except ArmError as error:
        return Answer(error.status, error.body(), error.headers)


def canonical(state: State, path: str) -> str:
    """A path with Azure's keywords and the resource group's name in their own case."""
    parts, expected = [part for part in path.split("/") if part], "keyword"
    for at, part in enumerate(parts):
        before = parts[at - 1].lower()
        if expected == "value":
            if before == "resourcegroups":
                group = state.get("/".join(["", *parts[: at + 1]]))
                parts[at] = group["name"] if group else part
            elif before in ("subscriptions", "dnszones"):
                parts[at] = part.lower()
            expected = "keyword"
        else:
            parts[at] = KEYWORDS.get(part.lower(), part)
            namespace = expected == "namespace"
            expected = "keyword" if namespace else "namespace" if part.lower() == "providers" else "value"
    return "/".join(["", *parts])


def conditions(call: Call, known: set[str]) -> dict[str, str]:
    """A `$filter` of the kind `name eq 'value' and …`, or `name('value')`.

    :raises ArmError: another kind, or a name that isn't known.
    """
    found: dict[str, str] = {}
    for part in filter(None, re.split(r"\s+and\s+", call.query.get("$filter", ""))):
        match = re.fullmatch(r"(\w+)(?:\s+eq\s+'([^']*)'|\((?:'([^']*)')?\))", part.strip())
        if not match or match[1] not in known:
            raise not_modelled(f"the filter {part}")
        found[match[1]] = match[2] or match[3] or ""
    return found


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
