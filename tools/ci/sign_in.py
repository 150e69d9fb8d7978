"""Signing in to Azure from a pipeline's step, for as long as the step takes.

The token that Azure Pipelines issues for a service connection lives for ten minutes (Azure/azure-cli 28708), an `up`
may take longer, and each process signs in when it first needs to: azure-native early, the upload late, the state's
backend in between. azure-native can't ask Azure DevOps for a new one (its request is GitHub's: GET, and Azure DevOps
answers 405), and reads ARM_OIDC_TOKEN_FILE_PATH only once. What reads a file again is azure-identity's
WorkloadIdentityCredential, in Go and Python, which everything here reaches through DefaultAzureCredential:
azure-native (ARM_USE_DEFAULT_AZURE_CREDENTIAL), provider/azure.py, and the engine's azblob:// and azurekeyvault://.
So the file is kept fresh while the command runs.
"""

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

from tools.ci.errors import CiError
from tools.ci.web import ask

REFRESH = 120.0  # seconds; readers keep what they read for up to ten minutes, so what they read has to be young
CONNECTION = "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID"  # AzureCLI@2 sets it, and the two below
OWN = ("SYSTEM_ACCESSTOKEN", "idToken", "servicePrincipalKey")  # nothing that the commands need to see
HINT = (
    "is the service connection authorised for this pipeline (Project settings, Service connections, Security), and "
    "does its issuer and subject stand in the federated credential?"
)


@contextmanager
def environment(given: Mapping[str, str], refresh: float = REFRESH) -> Iterator[dict[str, str]]:
    """The environment for commands that sign in to Azure.

    Outside of a step with a service connection it is the one given: elsewhere signing in is someone else's task.

    :raises CiError: no token is to be had.
    """
    env = cleaned(given)
    if CONNECTION not in given:
        yield env
        return
    missing = [
        name
        for name in ("SYSTEM_OIDCREQUESTURI", "AZURESUBSCRIPTION_CLIENT_ID", "AZURESUBSCRIPTION_TENANT_ID")
        if not given.get(name)
    ]
    if missing:
        raise CiError(
            f"{', '.join(missing)} not set; use AzureCLI@2 with a service connection by workload identity"
        )
    with tempfile.TemporaryDirectory(prefix="mta-sts-ci-") as folder:
        file = Path(folder) / "federated-token"
        write(file, federated_token(given))
        stop = threading.Event()
        keeper = threading.Thread(target=_keep, args=(file, given, stop, refresh), daemon=True)
        keeper.start()
        who = {
            "CLIENT_ID": given["AZURESUBSCRIPTION_CLIENT_ID"],
            "TENANT_ID": given["AZURESUBSCRIPTION_TENANT_ID"],
        }
        try:
            yield {
                **env,
                **{f"{prefix}_{name}": value for prefix in ("ARM", "AZURE") for name, value in who.items()},
                "AZURE_FEDERATED_TOKEN_FILE": str(file),
                "ARM_USE_DEFAULT_AZURE_CREDENTIAL": "true",
                "ARM_SUBSCRIPTION_ID": given.get("ARM_SUBSCRIPTION_ID") or subscription(),
            }
        finally:
            stop.set()
            keeper.join(60)


def cleaned(given: Mapping[str, str]) -> dict[str, str]:
    """An environment without the run's own token, and without variables that the pipeline didn't have: an `env:` of
    `NAME: $(NAME)` stays as it stands there when no variable has that name."""
    return {name: value for name, value in given.items() if name not in OWN and value != f"$({name})"}


def federated_token(given: Mapping[str, str]) -> str:
    """A new token of Azure DevOps for the step's service connection (as azure-identity's AzurePipelinesCredential).

    :raises CiError: refused.
    """
    bearer = given.get("SYSTEM_ACCESSTOKEN", "")
    if not bearer or bearer.startswith("$("):
        raise CiError(
            "SYSTEM_ACCESSTOKEN is not set; the step needs `env: {SYSTEM_ACCESSTOKEN: $(System.AccessToken)}`"
        )
    query = urlencode({"api-version": "7.1", "serviceConnectionId": given[CONNECTION]})
    found = ask("POST", f"{given['SYSTEM_OIDCREQUESTURI'].rstrip('/')}?{query}", bearer, hint=HINT)
    if not isinstance(found.get("oidcToken"), str):
        raise CiError(f"Azure DevOps gives no federated token: {HINT}")
    return found["oidcToken"]


def write(file: Path, token: str) -> None:
    """Replace the file at once, readable for its owner alone."""
    handle, name = tempfile.mkstemp(dir=file.parent)  # mode 0600
    with os.fdopen(handle, "w", encoding="ascii") as new:
        new.write(token)
    os.replace(name, file)


def subscription() -> str:
    """The subscription that AzureCLI@2 has signed in to."""
    try:
        run = subprocess.run(
            ["az", "account", "show", "--query", "id", "--output", "tsv"],
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        raise CiError("ARM_SUBSCRIPTION_ID is not set, and there is no az to ask for it") from None
    if run.returncode or not run.stdout.strip():
        raise CiError("ARM_SUBSCRIPTION_ID is not set, and `az account show` names none; has the connection one?")
    return run.stdout.strip()


def _keep(file: Path, given: Mapping[str, str], stop: threading.Event, refresh: float) -> None:
    while not stop.wait(refresh):
        try:
            write(file, federated_token(given))
        except CiError as error:  # the token that stands there lives on for a while, and this is tried again
            print(f"tools.ci: the federated token was not renewed: {error}", file=sys.stderr, flush=True)
