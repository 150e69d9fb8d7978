"""Azure Resource Manager's errors, in the words that users meet."""

from typing import Any


class ArmError(Exception):
    """An error answer.

    :param status: of HTTP.
    :param code, message: as Azure has them.
    :param headers: further ones.
    :param details: what the common form's `details` holds, if anything.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        headers: dict[str, str] | None = None,
        details: list[dict[str, str]] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}
        self.details = details

    def body(self) -> dict[str, Any]:
        """The common form (aka.ms/arm-rpc, "error response content")."""
        more = {"details": self.details} if self.details else {}
        return {"error": {"code": self.code, "message": self.message, **more}}


class WebError(ArmError):
    """The form that Microsoft.Web answers in (pulumi-azure-native 2530 and azure-cli 21186 show whole ones).

    :param parameters: what `template`'s {0}, {1}… stand for.
    :param extended: the number that support goes by.
    """

    def __init__(self, status: int, code: str, template: str, *parameters: str, extended: str) -> None:
        super().__init__(status, code, template.format(*parameters))
        self.extended, self.template, self.parameters = extended, template, parameters

    def body(self) -> dict[str, Any]:
        entity = {"ExtendedCode": self.extended, "MessageTemplate": self.template, "Parameters": [*self.parameters], "Code": self.code, "Message": self.message}  # fmt: skip
        return {
            "Code": self.code,
            "Message": self.message,
            "Target": None,
            "Details": [{"Message": self.message}, {"Code": self.code}, {"ErrorEntity": entity}],
            "Innererror": None,
        }


def invalid(what: str, why: str) -> WebError:
    """Microsoft.Web's refusal of a value; the two spaces are its own."""
    return WebError(400, "BadRequest", "{0} is invalid.  {1}", what, why, extended="51021")


def not_found(id_: str) -> ArmError:
    """A resource that isn't there."""
    parts = id_.strip("/").split("/")
    if len(parts) <= 4:
        return ArmError(404, "ResourceGroupNotFound", f"Resource group '{parts[-1]}' could not be found.")
    kind, name = "/".join(parts[5:][::2][:1] or parts[5:6]), parts[-1]
    return ArmError(
        404,
        "ResourceNotFound",
        f"The Resource '{parts[5]}/{kind}/{name}' under resource group '{parts[3]}' was not found. For more details "
        "please go to https://aka.ms/ARMResourceNotFoundFix",
    )


def not_modelled(what: str) -> ArmError:
    """What this local Azure leaves out; said by name."""
    return ArmError(501, "SandboxNotModelled", f"the local Azure does not model {what}")


def refuse_unknown(body: dict[str, Any], known: set[str], what: str) -> None:
    """Never ignore a field silently.

    :raises ArmError: naming the first unknown one.
    """
    for name in body:
        if name not in known:
            raise not_modelled(f"{what}.{name}")
