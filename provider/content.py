"""`Content`: the site's files reach the Static Web App."""

import asyncio
import base64
import tempfile
from pathlib import Path, PurePosixPath
from typing import Any

from policy import Mode, Policy, PolicyError, UserError
from policy.places import POLICY_PATH
from provider import azure, static_sites_client
from provider.live_policy import not_live, served
from provider.wait import Wait

DATA_URL = "data:;base64,"  # how a file that isn't text stands among the inputs (RFC 2397)
SETTLED = 90.0  # seconds after an upload in which the site must serve what was uploaded
# Seconds that a site which served a policy may serve none after an upload, before it is done again: an upload reaches the
# edges one after another, and another one starts that anew (Azure/static-web-apps 1281).
LOST = 60.0
UPLOADS = 5  # times
DAYS = 86_400  # seconds


def files(policy: str, web: dict[str, str]) -> dict[str, bytes]:
    """Everything that is published, by path, the policy last.

    :raises UserError: a path leads out of the folder.
    """
    found: dict[str, bytes] = {}
    for name, text in {**web, POLICY_PATH.lstrip("/"): policy}.items():
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            raise UserError(f"web/{name} lies outside web/")
        is_data = text.startswith(DATA_URL)
        found[name] = base64.b64decode(text.removeprefix(DATA_URL)) if is_data else text.encode()
    return found


def write(folder: Path, policy: str, web: dict[str, str]) -> None:
    """Lay the files out as they will be served."""
    for name, data in files(policy, web).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_bytes(data)


async def update(inputs: dict[str, Any], old: dict[str, Any], wait: Wait) -> dict[str, Any]:
    """Upload every file, until the site itself serves the policy that was uploaded.

    The client's exit code is no proof: uploads end in "Unsure if deployment was successful or not", or half done.

    :returns: `greatestMaxAge`, the greatest max_age (seconds) that this site was found to serve or was given, and
        `foundMode`, the mode of the policy that it served before it was ours ("" for none).
    :raises UserError: no client, upload refused or failing, something else served afterwards, cancelled.
    """
    before = policy_in(await asyncio.to_thread(served, inputs["defaultHostname"]))
    client = await asyncio.to_thread(static_sites_client.get, wait, inputs.get("clientSha256") or "")
    token = await asyncio.to_thread(azure.deployment_token, inputs["site"])
    host, policy = inputs["defaultHostname"], inputs["policy"].encode()
    with tempfile.TemporaryDirectory(prefix="mta-sts-") as folder:
        write(Path(folder), inputs["policy"], inputs["web"])
        for last in range(UPLOADS, 0, -1):
            await static_sites_client.upload(client, Path(folder), token, wait)
            settled = Wait(min(SETTLED, wait.left), wait.tell, wait.say, wait.cancelled)

            def missing(settled: Wait = settled, last: bool = last == 1) -> str | None:
                why = not_live(host, policy)
                if why and before and not last and settled.elapsed > LOST and policy_in(served(host)) is None:
                    raise UserError(f"{host} serves no policy any more: {why}")
                return why

            try:
                await settled.until(
                    f"the upload on {host}", missing, "Nothing changed in DNS; run `pulumi up` again"
                )
                break
            except UserError as error:
                if last == 1 or settled.cancelled.is_set() or wait.left <= 0:
                    raise
                wait.say(f"{error}; uploading again")
    return made(inputs, old, before)


def made(inputs: dict[str, Any], old: dict[str, Any], before: Policy | None) -> dict[str, Any]:
    """The outputs once it is served.

    :param before: what was served there until now.
    """
    return {**preview(inputs, old, before), "foundMode": old.get("foundMode", before.mode.value if before else "")}


def preview(inputs: dict[str, Any], old: dict[str, Any], before: Policy | None = None) -> dict[str, Any]:
    """The outputs that a preview knows already.

    :param before: what the site served until now.
    """
    ages = [
        old.get("greatestMaxAge") or 0,
        Policy.parse(inputs["policy"]).max_age,
        before.max_age if before else 0,
    ]
    return {"greatestMaxAge": int(max(ages)), **({"foundMode": old["foundMode"]} if "foundMode" in old else {})}


def read(state: dict[str, Any]) -> dict[str, Any]:
    """The state, with the policy that the site serves now under its own host name."""
    now = served(state["defaultHostname"])
    return state if now in (None, state["policy"]) else {**state, "policy": now}


def warn(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """What a change of policy means to the mail of its domains, for whoever reads the preview.

    :param old, new: inputs; `old` is empty where the policy is new.
    """
    now, before = policy_in(new.get("policy")), policy_in(old.get("policy"))
    if now is None or (before and before.render() == now.render()):
        return []
    lines: list[str] = []
    if now.mode == Mode.ENFORCE and (before is None or before.mode != Mode.ENFORCE):
        lines.append(
            "mode enforce: senders will refuse to deliver to a mail server that no mx allows or whose certificate "
            f"isn't valid for its name, and remember that for {_days(now.max_age)}; the only way back is mode: none"
        )
    if before and before.mode == Mode.ENFORCE:
        if now.mode != Mode.ENFORCE:
            lines.append(
                f"mode {now.mode} after enforce: senders that remember the enforced policy follow it until they "
                f"look again, up to {_days(before.max_age)}"
            )
        gone = [str(pattern) for pattern in before.mx if pattern not in now.mx]
        if gone and now.mode == Mode.ENFORCE:
            lines.append(
                f"mx without {', '.join(gone)}: senders will refuse to deliver there, so take these servers out of "
                "the domains' MX records first, and wait until that is seen everywhere"
            )
    if before and now.mode != Mode.NONE and now.max_age < before.max_age / 2:
        lines.append(
            f"maxAge from {_days(before.max_age)} to {_days(now.max_age)}: senders that have the older policy keep it "
            "for its time; from now on an attacker need only hide the policy for the shorter one"
        )
    return lines


def _days(seconds: int) -> str:
    whole = seconds / DAYS
    return f"{whole:g} days" if whole >= 2 and seconds % DAYS == 0 else f"{seconds} s"


def policy_in(text: str | None) -> Policy | None:
    """The policy that a text is; None where it is none."""
    try:
        return Policy.parse(text) if text else None
    except PolicyError:
        return None
