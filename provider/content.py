"""`Content`: the site's files reach the Static Web App."""

import asyncio
import base64
import tempfile
from pathlib import Path, PurePosixPath
from typing import Any

from provider import static_sites_client
from provider.live_policy import POLICY_PATH, served
from provider.wait import Wait, WaitError

DATA_URL = "data:;base64,"  # how a file that isn't text stands among the inputs (RFC 2397)


def write(folder: Path, policy: str, web: dict[str, str]) -> None:
    """Lay the files out as they will be served."""
    for name, text in {**web, POLICY_PATH.lstrip("/"): policy}.items():
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            raise WaitError(f"web/{name} lies outside web/")
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if text.startswith(DATA_URL):
            path.write_bytes(base64.b64decode(text.removeprefix(DATA_URL)))
        else:
            path.write_bytes(text.encode())


async def apply(inputs: dict[str, Any], wait: Wait) -> None:
    """Upload every file; Static Web Apps puts the whole set live at once.

    :raises WaitError: no client, upload refused or failing, cancelled.
    """
    given = inputs.get("staticSitesClient")
    client = Path(given) if given else await asyncio.to_thread(static_sites_client.download, wait)
    with tempfile.TemporaryDirectory(prefix="mta-sts-") as folder:
        write(Path(folder), inputs["policy"], inputs["web"])
        await static_sites_client.upload(client, Path(folder), inputs["deploymentToken"], wait)


def observe(state: dict[str, Any]) -> dict[str, Any]:
    """The state, with the policy that the site serves now under its own host name."""
    found = served(state["defaultHostname"])
    return state if found in (None, state["policy"]) else {**state, "policy": found}
