"""Long-running operations, and everything that happens when one is due."""

from typing import Any

from sandbox.arm import SUB, Answer, Call, ask_again, route, shown
from sandbox.arm.errors import ArmError
from sandbox.dns.view import View
from sandbox.state import State


def settle(state: State, view: View) -> None:
    """Carry out what is due."""
    from sandbox.arm.sites import validated
    from sandbox.cdn.arm import finished
    from sandbox.storage import accounts

    for id_, verb, resource in state.due():
        error = None
        if verb == "delete":
            error = _deleted(state, resource)
        elif verb == "validate":
            error = validated(state, view, resource)
        elif verb == "create-account":
            accounts.created(state, resource)
        elif verb.startswith("cdn-"):
            error = finished(state, verb, resource)
        state.finish(id_, error)


def _deleted(state: State, resource: str) -> dict[str, Any] | None:
    """The end of a deletion: a custom domain that is stuck stays, and so does what holds it.

    :returns: the operation's error, if it ends in one.
    """
    if any(body.get("_stuck") for body in state.under(resource)):
        return {}
    _orphan(state, resource)
    state.delete(resource)
    return None


def _orphan(state: State, resource: str) -> None:
    """A site that goes before its custom domains leaves them stuck (Azure/static-web-apps 1796, 227)."""
    for domain in state.under(resource, "microsoft.web/staticsites/customdomains"):
        if domain["id"].lower() != resource.lower():
            state.set(f"orphan:{domain['name'].lower()}", domain["id"])


@route("GET", SUB + r"/operationStatuses/(?P<operation>[^/]+)")
def status(call: Call) -> Answer:
    """What Azure-AsyncOperation leads to."""
    found = call.state.operation(call.groups["operation"])
    if found is None:
        raise ArmError(404, "OperationNotFound", "The operation was not found.")
    _, _, state, error = found
    body = {"id": call.path, "name": call.groups["operation"], "status": state}
    return Answer(
        200, body | ({"error": error} if error else {}), {} if state != "InProgress" else ask_again(call.state)
    )


@route("GET", SUB + r"/operationResults/(?P<operation>[^/]+)")
def result(call: Call) -> Answer:
    """What Location leads to: 202 until done, then the resource, or nothing after a deletion."""
    found = call.state.operation(call.groups["operation"])
    if found is None:
        raise ArmError(404, "OperationNotFound", "The operation was not found.")
    verb, resource, state, error = found
    if state == "InProgress":
        return Answer(202, None, {"Location": f"https://management.azure.com{call.path}?api-version={call.query['api-version']}", **ask_again(call.state)})  # fmt: skip
    if state == "Failed":
        error = error or {"code": "ResourceOperationFailure", "message": "The resource operation completed with terminal provisioning state 'Failed'."}  # fmt: skip
        raise ArmError(400, error["code"], error["message"])
    body = call.state.get(resource)
    return Answer(204 if verb == "delete" or body is None else 200, shown(body) if body else None)
