"""A stack's configuration as a whole."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import zones
from policy import UserError
from settings import fleet, ladder, policies
from settings.engine import StackConfig, value
from settings.ladder import Step
from settings.policies import Hosted, PolicySettings
from settings.reader import Reader, shown

KEYS = (
    "policies",
    "fleet",
    "hosting",
    "movingFrom",
    "dns",
    "tags",
    "resourceGroup",
    "existingResourceGroup",
    "preflight",
    "ladder",
    "staticSitesClientSha256",
)

# Where Static Web Apps can live: learn.microsoft.com/azure/static-web-apps/overview
REGIONS = ("westus2", "centralus", "eastus2", "westeurope", "eastasia")

# Ways of azure-native to sign in that this program's own provider wouldn't see; as ARM_* variables both see them.
SIGN_IN = {
    "auxiliaryTenantIds": "ARM_AUXILIARY_TENANT_IDS",
    "clientCertificatePassword": "ARM_CLIENT_CERTIFICATE_PASSWORD",
    "clientCertificatePath": "ARM_CLIENT_CERTIFICATE_PATH",
    "clientId": "ARM_CLIENT_ID",
    "clientSecret": "ARM_CLIENT_SECRET",
    "oidcRequestToken": "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "oidcRequestUrl": "ACTIONS_ID_TOKEN_REQUEST_URL",
    "oidcToken": "ARM_OIDC_TOKEN",
    "oidcTokenFilePath": "ARM_OIDC_TOKEN_FILE_PATH",
    "tenantId": "ARM_TENANT_ID",
    "useDefaultAzureCredential": "ARM_USE_DEFAULT_AZURE_CREDENTIAL",
    "useMsi": "ARM_USE_MSI",
    "useOidc": "ARM_USE_OIDC",
}


@dataclass(frozen=True)
class Settings:
    """A stack. `notes` are lines that the user should see, such as a converted name.

    :param existing_resource_group: the group is another's; this stack works in it.
    """

    location: str
    resource_group: str
    existing_resource_group: bool
    tags: Mapping[str, str]
    policies: tuple[PolicySettings, ...]
    preflight: bool
    client_sha256: str | None
    notes: tuple[str, ...]
    ladder: tuple[Step, ...] = ladder.DEFAULT


def load(
    config: StackConfig,
    keys: Iterable[str],
    location: str | None,
    stack: str,
    azure_keys: Iterable[str] = (),
    encrypted: Iterable[str] = (),
    folder: Path = Path(),
) -> Settings:
    """Read the stack's configuration.

    :param keys: the names of all `mta-sts:` keys that are set.
    :param location: `azure-native:location`.
    :param stack: the stack's name; the resource group is `mta-sts-<stack>` where none is named.
    :param azure_keys: the names of all `azure-native:` keys that are set.
    :param encrypted: the names of the `mta-sts:` keys that hold secrets.
    :param folder: the project's, which a fleet's files are named from.
    :raises UserError: a line for each problem.
    """
    reader = Reader(encrypted)
    for key in keys:
        if key not in KEYS:
            reader.problem(f"mta-sts:{key}", f"there is no such key; the keys are {', '.join(KEYS)}")
    for key in azure_keys:
        if key in SIGN_IN:
            reader.problem(
                f"azure-native:{key}", f"sign in by the variable {SIGN_IN[key]} instead, and remove the key"
            )
    dns = zones.read(reader, value(config, "dns"), "mta-sts:dns", None)
    whole = {name: value(config, name) for name in ("hosting", "movingFrom")}
    hosted = policies.read_hosting(reader, whole, "mta-sts:", Hosted())
    of_fleet = fleet.read(reader, value(config, "fleet"), dns, hosted, folder)
    settings = Settings(
        location=_location(reader, location),
        resource_group=reader.text(config.get("resourceGroup"), "mta-sts:resourceGroup") or f"mta-sts-{stack}",
        existing_resource_group=reader.flag(
            value(config, "existingResourceGroup"), "mta-sts:existingResourceGroup"
        ),
        tags=_tags(reader, value(config, "tags")),
        policies=policies.read(reader, value(config, "policies"), dns, hosted, of_fleet),
        preflight=reader.switch(config.get("preflight"), "mta-sts:preflight"),
        client_sha256=_sha256(reader, config.get("staticSitesClientSha256"), "mta-sts:staticSitesClientSha256"),
        notes=tuple(reader.notes),
        ladder=ladder.read(reader, value(config, "ladder")),
    )
    if reader.problems:
        raise UserError("\n".join(reader.problems))
    return settings


def _sha256(reader: Reader, given: str | None, key: str) -> str | None:
    if given is not None and not re.fullmatch("[0-9a-fA-F]{64}", given):
        reader.problem(key, f"{shown(given)} must be a SHA-256: 64 hexadecimal digits")
    return given.lower() if given else None


def _location(reader: Reader, given: str | None) -> str:
    location = (given or "").replace(" ", "").lower()
    if location not in REGIONS:
        problem = f"{shown(given)} has no Static Web Apps" if given else "is missing"
        reader.problem(
            "azure-native:location",
            f"{problem}; choose one of {', '.join(REGIONS)}: pulumi config set azure-native:location westeurope",
        )
    return location


def _tags(reader: Reader, given: Any) -> dict[str, str]:
    if given is None:
        return {}
    if not isinstance(given, dict) or not all(
        isinstance(tag, str) for tag in cast(dict[Any, Any], given).values()
    ):
        reader.problem("mta-sts:tags", f"{shown(given)} must be a map of names to texts")
        return {}
    return cast(dict[str, str], given)
