"""Uploads `web/` and a stack's policy to its Static Web App, without Pulumi and without its state:

    DEPLOYMENT_TOKEN=… python -m tools.upload_content --stack prod --policy main

The files go up with Microsoft's client as `pulumi up` sends them, and leave the site as it was (`provider: SwaCli`). An
upload is believed when every policy host serves this very policy.
"""

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from components import website
from policy import UserError
from policy.places import policy_host
from provider import content, static_sites_client
from provider.live_policy import not_live
from provider.wait import Wait
from tools.render_policy import policy_of

TIMEOUT = 900.0  # seconds, for all of it
TOKEN = "DEPLOYMENT_TOKEN"
WAY_OUT = "Nothing changed in DNS; look at the site in the Azure portal, and run this again"


async def upload(folder: Path, stack: str, policy: str, token: str) -> None:
    """The upload, until it is served.

    :param folder: of the project.
    :raises UserError: a mistake in the configuration or in web/, no client, a refusal, or something else is served.
    """
    settings, files = policy_of(folder, stack, policy), website.read(folder / "web")
    text = settings.policy.render()
    wait = Wait(TIMEOUT, tell=say, say=say, cancelled=asyncio.Event())
    client = await asyncio.to_thread(static_sites_client.get, wait)
    with tempfile.TemporaryDirectory(prefix="mta-sts-") as place:
        content.write(Path(place), text.decode(), files)
        await static_sites_client.upload(client, Path(place), token, wait)
    for domain in settings.domains:
        host = policy_host(domain.name)
        await wait.until(f"the policy on {host}", lambda host=host: not_live(host, text), WAY_OUT)
        say(f"{host} serves it")


def say(line: str) -> None:
    """Progress, a line each."""
    print(line, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Upload; mistakes are one line each on stderr."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.upload_content", description=(__doc__ or "").partition(":")[0]
    )
    parser.add_argument("--stack", required=True)
    parser.add_argument("--policy", default="main", metavar="NAME")
    options = parser.parse_args(arguments)
    token = os.environ.pop(TOKEN, "")
    try:
        if not token or token.startswith("$("):
            raise UserError(f"{TOKEN} is not set; it is the site's deployment token, and stands in no argument")
        asyncio.run(upload(Path.cwd(), options.stack, options.policy, token))
    except UserError as error:
        print(*(f"upload_content: {line}" for line in str(error).splitlines()), sep="\n", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
