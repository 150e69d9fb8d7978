"""`Folder`: a policy's files reach the static website of a storage account.

learn.microsoft.com/azure/storage/blobs/storage-blob-static-website: what lies in the container `$web` is served; each blob
is replaced in one piece. The sign-in needs the role Storage Blob Data Contributor; Owner and Contributor don't hold it.
"""

import asyncio
import mimetypes
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from policy import UserError
from policy.places import POLICY_PATH
from provider import azure, content
from provider.content import policy_in
from provider.live_policy import not_live, served
from provider.wait import Wait

CONTAINER, INDEX = "$web", "index.html"
CONFIG = "staticwebapp.config.json"  # for Static Web Apps; what counts of it here is in components/front_door.py
ROLE = "Storage Blob Data Contributor"
ALLOWED = 600.0  # seconds that a new role assignment can take to be known everywhere
SETTLED = 300.0  # seconds until the website serves what was uploaded; at first its name has to reach DNS
WAY_OUT = "Nothing changed in DNS; run `pulumi up` again"


async def update(inputs: dict[str, Any], old: dict[str, Any], wait: Wait) -> dict[str, Any]:
    """Upload every file, the policy last, until the website serves it.

    :returns: as `content.update`.
    :raises UserError: not allowed, no answer, something else served afterwards, cancelled.
    """
    host, path = inputs["host"], _path(inputs)
    before = policy_in(await asyncio.to_thread(served, host, path))
    allowed = Wait(min(ALLOWED, wait.left), wait.tell, wait.say, wait.cancelled)
    await allowed.until(f"the upload to {_account(inputs)}", lambda: _uploaded(inputs), WAY_OUT)
    settled = Wait(min(SETTLED, wait.left), wait.tell, wait.say, wait.cancelled)
    policy = inputs["policy"].encode()
    await settled.until(f"the upload on {host}", lambda: not_live(host, policy, path), WAY_OUT)
    return content.made(inputs, old, before)


preview, warn = content.preview, content.warn


def read(state: dict[str, Any]) -> dict[str, Any]:
    """The state, with the policy that the website serves now."""
    now = served(state["host"], _path(state))
    return state if now in (None, state["policy"]) else {**state, "policy": now}


async def delete(state: dict[str, Any], wait: Wait) -> None:
    """Delete the folder's files; nothing leads there any more.

    :raises UserError: Azure refuses.
    """

    def clear() -> None:
        with _container(state) as container:
            for name in _names(container, state["folder"]):
                container.delete_blob(name)

    await asyncio.to_thread(clear)


def _uploaded(inputs: dict[str, Any]) -> str | None:
    """Upload everything.

    :returns: why it can't be done yet, or None.
    """
    from azure.core.exceptions import HttpResponseError

    web = {name: text for name, text in inputs["web"].items() if name != CONFIG}
    blobs = {f"{inputs['folder']}/{name}": data for name, data in content.files(inputs["policy"], web).items()}
    try:
        with _container(inputs) as container:
            for name, data in blobs.items():
                _put(container, name, data)
            for name in _names(container, inputs["folder"]):
                if name not in blobs:
                    container.delete_blob(name)
    except UserError as error:
        cause = error.__cause__
        # 404: an account that was made just now (hashicorp/terraform-provider-azurerm 22992)
        if isinstance(cause, HttpResponseError) and (
            cause.status_code in (403, 404) or (cause.status_code or 0) >= 429
        ):
            return str(error)
        raise
    return None


def _put(container: Any, name: str, data: bytes) -> None:
    from azure.storage.blob import ContentSettings

    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    settings = ContentSettings(
        content_type=f"{kind}; charset=utf-8" if kind.startswith("text/") else kind,
        cache_control="no-cache" if name.endswith(POLICY_PATH) else "max-age=300",
    )
    container.upload_blob(name, data, overwrite=True, content_settings=settings)


def _names(container: Any, folder: str) -> list[str]:
    return [str(name) for name in container.list_blob_names(name_starts_with=f"{folder}/")]


@contextmanager
def _container(inputs: dict[str, Any]) -> Generator[Any]:
    """The website's container, made where the account has no website yet.

    :raises UserError: Azure's answer in one line; its cause is Azure's own error.
    """
    from azure.core.exceptions import AzureError, HttpResponseError
    from azure.storage.blob import BlobServiceClient, StaticWebsite

    try:
        with BlobServiceClient(inputs["blobs"], credential=azure.signed_in(), retry_total=4) as service:
            found = service.get_service_properties()
            if not found["static_website"].enabled:
                website = StaticWebsite(enabled=True, index_document=INDEX)
                service.set_service_properties(static_website=website)  # pyright: ignore[reportUnknownMemberType]
            with service.get_container_client(CONTAINER) as container:
                yield container
    except HttpResponseError as error:
        code = getattr(error, "error_code", None) or error.reason
        text = f"Azure answers {error.status_code} {code}"
        if error.status_code == 403:
            text = f"the sign-in may not write there ({code}): {_grant(inputs)}"
        raise UserError(text) from error
    except AzureError as error:
        raise UserError(f"can't reach {inputs['blobs']}: {str(error).splitlines()[0]}") from error


def _grant(inputs: dict[str, Any]) -> str:
    scope = inputs["account"].partition("/providers/")[0]
    return f'az role assignment create --role "{ROLE}" --scope {scope} --assignee <who signs in>'


def _path(inputs: dict[str, Any]) -> str:
    return f"/{inputs['folder']}{POLICY_PATH}"


def _account(inputs: dict[str, Any]) -> str:
    return str(inputs["account"]).rpartition("/")[2]
