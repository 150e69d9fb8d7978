"""A stand-in for `az`, signed in to a sandbox: what azure-identity and azure-native ask of it, in its own format."""

import json
import sys
from pathlib import Path

from sandbox.control import Sandbox

SCRIPT = """#!{python}
import json, os, sys, time
folder = os.environ["AZURE_CONFIG_DIR"]
with open(os.path.join(folder, "asked.log"), "a") as log:
    print(*sys.argv[1:], file=log)
try:
    with open(os.path.join(folder, "signed-in.json")) as file:
        who = json.load(file)
except FileNotFoundError:
    sys.exit("ERROR: Please run 'az login' to setup account.")
options = dict(zip(sys.argv[3::2], sys.argv[4::2]))
subscription = options.get("--subscription", who["subscription"])
if sys.argv[1:3] == ["account", "show"]:
    print(json.dumps({{"environmentName": "AzureCloud", "id": subscription, "isDefault": True, "name": "Local",
                      "state": "Enabled", "tenantId": who["tenant"], "user": {{"name": "me", "type": "user"}}}}))
elif sys.argv[1:3] == ["account", "get-access-token"]:
    from azure.identity import ClientSecretCredential
    token = ClientSecretCredential(who["tenant"], who["client"], who["secret"]).get_token(options["--resource"] + "/.default")
    print(json.dumps({{"accessToken": token.token, "expiresOn": time.strftime("%Y-%m-%d %H:%M:%S.000000", time.localtime(token.expires_on)),
                      "expires_on": token.expires_on, "subscription": subscription, "tenant": who["tenant"], "tokenType": "Bearer"}}))
else:
    sys.exit(2)
"""
SIGN_INS = ("CLIENT_ID", "CLIENT_SECRET", "TENANT_ID", "SUBSCRIPTION_ID")


class AzureCli:
    """An `az` in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        az = folder / "az"
        az.write_text(SCRIPT.format(python=sys.executable))
        az.chmod(0o755)

    def login(self, sandbox: Sandbox) -> None:
        """What `az login` leaves behind."""
        state = sandbox.state
        who = {name: state.setting(name) for name in ("tenant", "subscription", "client")}
        (self.folder / "signed-in.json").write_text(json.dumps({**who, "secret": state.setting("client-secret")}))

    def environment(self, path: str) -> dict[str, str]:
        """What leads to it and to no other sign-in.

        :param path: PATH as it is.
        """
        empty = {f"{whose}_{name}": "" for whose in ("ARM", "AZURE") for name in SIGN_INS}
        return {**empty, "AZURE_CONFIG_DIR": str(self.folder), "PATH": f"{self.folder}:{path}"}

    @property
    def asked(self) -> list[str]:
        """The commands it was called with."""
        return (self.folder / "asked.log").read_text().splitlines()
