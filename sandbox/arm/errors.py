"""Azure Resource Manager's errors, in the words that users meet."""

from typing import Any


class ArmError(Exception):
    """An error answer.

    :param status: of HTTP.
    :param code, message: as Azure has them.
    :param headers: further ones.
    """

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}

    def body(self) -> dict[str, Any]:
        """The common form (aka.ms/arm-rpc, "error response content")."""
        return {"error": {"code": self.code, "message": self.message}}


class WebError(ArmError):
    """The form that Microsoft.Web answers in (pulumi-azure-native issue 2530 shows a whole one)."""

    def __init__(self, status: int, code: str, message: str, extended: str = "51021") -> None:
        super().__init__(status, code, message)
        self.extended = extended

    def body(self) -> dict[str, Any]:
        entity = {"ExtendedCode": self.extended, "MessageTemplate": "{0}", "Parameters": [self.message], "Code": self.code, "Message": self.message}  # fmt: skip
        return {
            "Code": self.code,
            "Message": self.message,
            "Target": None,
            "Details": [{"Message": self.message}, {"Code": self.code}, {"ErrorEntity": entity}],
            "Innererror": None,
        }


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
