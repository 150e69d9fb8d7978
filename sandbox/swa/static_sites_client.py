#!/usr/bin/env python3
"""The local Azure's StaticSitesClient: no arguments, everything from the environment, like Microsoft's."""

import io
import json
import os
import sys
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

HOST = "https://content-am2.infrastructure.7.azurestaticapps.net"


def fail(message: str) -> int:
    """Say it in red, as Microsoft's does into a pipe too: the swa command shows no other line."""
    for line in message.splitlines():
        print(f"\x1b[31m{line}\x1b[0m")
    return 1


def main() -> int:
    setting = os.environ.get
    if setting("DEPLOYMENT_ACTION") != "upload":
        return fail(f"The local Azure models the action upload, not {setting('DEPLOYMENT_ACTION')}")
    if not setting("DEPLOYMENT_TOKEN"):
        return fail("deployment_token was not provided.")
    if setting("DEPLOYMENT_ENVIRONMENT"):
        return fail("The local Azure has no preview environments")
    if setting("SKIP_APP_BUILD") != "true" or setting("SKIP_API_BUILD") != "true":
        return fail("The local Azure builds nothing; set SKIP_APP_BUILD and SKIP_API_BUILD")
    folder = Path(setting("REPOSITORY_BASE", "."), setting("APP_LOCATION", "."))
    if not (folder / "index.html").is_file():
        return fail(
            f"Failed to find a default file in the app artifacts folder ({folder}). "
            "Valid default files: index.html,Index.html."
        )
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as files:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                files.write(path, path.relative_to(folder).as_posix())
    print("Uploading build artifacts.")
    headers = {
        "Authorization": "Bearer " + setting("DEPLOYMENT_TOKEN", ""),
        "X-Deployment-Provider": setting("DEPLOYMENT_PROVIDER", ""),
        "X-Repository-Url": setting("REPOSITORY_URL", ""),
        "X-Branch": setting("BRANCH", ""),
        "Content-Type": "application/zip",
    }
    request = urllib.request.Request(HOST + "/api/upload", archive.getvalue(), headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            url = json.load(answer)["siteUrl"]
    except urllib.error.HTTPError as error:
        try:
            reason = json.load(error)["error"]
        except ValueError:
            reason = error.reason
        return fail("The content server has rejected the request with: BadRequest\nReason: " + reason)
    except OSError as error:
        return fail(f"Upload failed: {error}")
    print(
        "Finished Upload. Polling on deployment.\nStatus: Succeeded\n"
        f"Deployment Complete :)\nVisit your site at: {url}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
