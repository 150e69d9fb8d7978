"""A custom domain as Azure Resource Manager reports it, while its policy is waited for.

Azure takes a binding up (202) and can end it `Failed` ten minutes later (Azure/static-web-apps 1726, 1745, 1794). A PUT
on a failed one answers 200 and validates nothing, so only deleting it and binding it again helps; that deletion can
stick in `Deleting` (1797, 1798).
"""

from typing import Any, cast

from policy import UserError
from provider import azure
from provider.wait import Wait

STUCK = (
    "that is at Azure's side (github.com/Azure/static-web-apps/issues/1797): only Azure's support can clear the name. "
    "Nothing was published for it"
)
GONE_WITHIN = 1200.0  # seconds; deletions that end well take up to ten minutes


class BindingFailed(UserError):
    """Azure gave the binding up."""


def status(id_: str) -> tuple[str, str]:
    """Azure's status of a custom domain, such as `Ready`, and its error message; "" for none.

    :param id_: the custom domain's resource id.
    """
    if "/providers/microsoft.cdn/" in id_.lower():
        return "", ""  # Front Door's are waited for before the host leads there (provider/domain_ready.py)
    try:
        found = azure.request("GET", id_, azure.WEB)
    except UserError:
        return "", ""  # whoever may not ask waits without
    properties = cast(dict[str, Any], (found or {}).get("properties") or {})
    return str(properties.get("status") or ""), str(properties.get("errorMessage") or "")


def check(id_: str) -> None:
    """Stop a wait that can't end well.

    :raises BindingFailed: with Azure's own words.
    """
    state, message = status(id_)
    if state == "Failed":
        raise BindingFailed(f"Azure gave up binding {_name(id_)}: {message or 'no reason given'}")


async def bind_anew(id_: str, wait: Wait) -> None:
    """Delete a failed custom domain, wait until it is gone, and bind it again.

    :raises UserError: it can't be deleted.
    """
    azure.request("DELETE", id_, azure.WEB)
    brief = Wait(min(GONE_WITHIN, max(wait.left, 1.0)), wait.tell, wait.say, wait.cancelled)

    def there() -> str | None:
        state, _ = status(id_)
        return f"it is {state}" if state else None

    await brief.until(f"the failed binding of {_name(id_)} to go", there, STUCK[0].upper() + STUCK[1:])
    azure.request("PUT", id_, azure.WEB, {"properties": {"validationMethod": "cname-delegation"}})


def _name(id_: str) -> str:
    return id_.rpartition("/")[2]
