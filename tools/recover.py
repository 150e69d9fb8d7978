"""Makes what exists in Azure this stack's own: `python -m tools.recover`, with the stack selected and signed in.

For a state that was lost, an `up` that was killed in the middle of a creation, and a domain that was set up by hand
(docs/adopt.md, docs/state.md). It asks Azure which of the resources that the next `pulumi up` would create are there
already, and runs that `up` so that it imports them.
"""

import argparse
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from checks.command import pulumi
from policy import UserError
from provider import azure
from tools import unlock

SITE = "azure-native:web:StaticSite"
ACCOUNT = "azure-native:storage:StorageAccount"
FRONT_DOOR = {  # type to the path below Microsoft.Cdn, of names that are all in the inputs
    "azure-native:cdn:Profile": "profiles/{profileName}",
    "azure-native:cdn:AFDEndpoint": "profiles/{profileName}/afdEndpoints/{endpointName}",
    "azure-native:cdn:AFDOriginGroup": "profiles/{profileName}/originGroups/{originGroupName}",
    "azure-native:cdn:AFDOrigin": "profiles/{profileName}/originGroups/{originGroupName}/origins/{originName}",
    "azure-native:cdn:RuleSet": "profiles/{profileName}/ruleSets/{ruleSetName}",
    "azure-native:cdn:Rule": "profiles/{profileName}/ruleSets/{ruleSetName}/rules/{ruleName}",
    "azure-native:cdn:AFDCustomDomain": "profiles/{profileName}/customDomains/{customDomainName}",
    "azure-native:cdn:Route": "profiles/{profileName}/afdEndpoints/{endpointName}/routes/{routeName}",
}
LINKED = (None, "None", "SwaCli")  # providers of a site that takes uploads with a deployment token


@dataclass(frozen=True)
class Wanted:
    """A resource that the stack declares.

    :param new: whether the next `up` would create it.
    """

    urn: str
    parent: str
    inputs: dict[str, Any]
    new: bool

    @property
    def name(self) -> str:
        """The resource's name in the program."""
        return self.urn.split("::")[-1]

    @property
    def type(self) -> str:
        """Its type token."""
        return self.urn.split("::")[-2].split("$")[-1]


def wanted() -> list[Wanted]:
    """Everything that the stack has or declares.

    :raises UserError: the preview fails.
    """
    code, preview, text = _json("preview", "--json", "--non-interactive")
    if code:
        told = preview.get("diagnostics", ())
        errors = [line["message"].strip() for line in told if line["severity"] == "error"]
        raise UserError("\n".join(errors) or text)
    steps = {
        step["urn"]: (step["newState"], step["op"] == "create") for step in preview["steps"] if "newState" in step
    }
    code, state, text = _json("stack", "export")
    if code:
        raise UserError(text)
    old = {resource["urn"]: (resource, False) for resource in state["deployment"].get("resources") or ()}
    return [
        Wanted(urn, resource.get("parent", ""), resource.get("inputs", {}), new)
        for urn, (resource, new) in {**old, **steps}.items()
    ]


def _json(*command: str) -> tuple[int, dict[str, Any], str]:
    """A pulumi command's exit code, what it printed as JSON, and as text.

    :raises UserError: there is no Pulumi.
    """
    run = pulumi(*command)
    try:
        return run.returncode, json.loads(run.stdout), ""
    except ValueError:
        return run.returncode or 1, {}, run.stderr.strip() or run.stdout.strip()


def subscription() -> str:
    """The subscription's id, found where azure-native finds it.

    :raises UserError: nowhere.
    """
    if found := os.environ.get("ARM_SUBSCRIPTION_ID"):
        return found
    for command in (
        ["pulumi", "config", "get", "azure-native:subscriptionId"],
        ["az", "account", "show", "--query", "id", "-o", "tsv"],
    ):
        try:
            run = subprocess.run(command, capture_output=True, text=True, check=False)
        except OSError:
            continue
        if run.returncode == 0 and run.stdout.strip():
            return run.stdout.strip()
    raise UserError("ARM_SUBSCRIPTION_ID is not set, and `az account show` names no subscription: az login")


def existing(resources: list[Wanted], root: str) -> dict[str, str]:
    """Resource name to resource id, for everything that is there though the stack doesn't know it.

    :param root: the subscription's id, as the beginning of a resource id.
    :raises UserError: a site can't be taken over as it is, or Azure can't be asked.
    """
    wanted_sites = [resource for resource in resources if resource.new and resource.type == SITE]
    listed = azure.listing(f"{root}/providers/Microsoft.Web/staticSites", azure.WEB) if wanted_sites else []
    sites = {site.name: _site(site, listed, resources, root) for site in wanted_sites}
    ids: dict[str, str] = {}
    for resource in resources:
        path, version = _path(resource, resources, sites, root) if resource.new else ("", "")
        answer = azure.request("GET", path, version) if path else None
        if answer:
            ids[resource.name] = answer["id"]
    return ids


def _path(resource: Wanted, resources: list[Wanted], sites: dict[str, str], root: str) -> tuple[str, str]:
    """Where a resource would be, and the API version to ask with; "" where that can't be known."""
    given = resource.inputs
    group = f"{root}/resourceGroups/{given.get('resourceGroupName')}"
    if resource.type == "azure-native:resources:ResourceGroup":
        return group, azure.RESOURCES
    if resource.type == SITE:
        return sites.get(resource.name, ""), azure.WEB
    if resource.type == "azure-native:web:StaticSiteCustomDomain":
        site = next((sites.get(other.name, "") for other in _siblings(resource, resources)), "")
        if not site and isinstance(given.get("name"), str):  # of a site that the stack has already
            site = f"{group}/providers/Microsoft.Web/staticSites/{given['name']}"
        return (f"{site}/customDomains/{given['domainName']}" if site else ""), azure.WEB
    if resource.type == "azure-native:dns:RecordSet":
        zone = f"{group}/providers/Microsoft.Network/dnsZones/{given['zoneName']}"
        return f"{zone}/{given['recordType']}/{given['relativeRecordSetName']}", azure.DNS
    if resource.type in FRONT_DOOR:
        return f"{group}/providers/Microsoft.Cdn/{FRONT_DOOR[resource.type].format(**given)}", azure.CDN
    if resource.type == ACCOUNT:
        return _account(resource.name, group), azure.STORAGE
    return "", ""


def _account(name: str, group: str) -> str:
    """The id of the storage account that an `up` made in a group; "" for none."""
    accounts = azure.listing(f"{group}/providers/Microsoft.Storage/storageAccounts", azure.STORAGE)
    ours = re.compile(re.escape(name) + "[0-9a-f]{8}")
    return next((account["id"] for account in accounts if ours.fullmatch(account["name"])), "")


def _siblings(resource: Wanted, resources: list[Wanted]) -> Iterator[Wanted]:
    """The sites of the policy that a part of a domain belongs to."""
    policy = next((other.parent for other in resources if other.urn == resource.parent), "")
    return (other for other in resources if other.type == SITE and other.parent == policy)


def _site(site: Wanted, listed: list[dict[str, Any]], resources: list[Wanted], root: str) -> str:
    """The id of the site that a policy's domains lead to, else of one that a killed `up` left in its group; "" for none.

    :param listed: the subscription's sites.
    :raises UserError: it can't be taken over as it is.
    """
    targets = set(_targets(site, resources, root))
    group = f"{root}/resourceGroups/{site.inputs['resourceGroupName']}/".lower()
    left_by_us = re.compile(re.escape(site.name) + "[0-9a-f]{8}")
    led_to = [app for app in listed if app["properties"]["defaultHostname"].lower() in targets]
    orphans = [app for app in listed if left_by_us.fullmatch(app["name"])] if not targets else []
    for app in [*led_to, *orphans]:
        if app["id"].lower().startswith(group):
            return _linked(site, app)
        if app in led_to:
            theirs = app["id"].split("/")[4]
            raise UserError(
                f"{site.name}: its domains lead to the app {app['name']} in the resource group {theirs}, but "
                f"mta-sts:resourceGroup is {site.inputs['resourceGroupName']}; set it to {theirs}"
            )
    return ""


def _linked(site: Wanted, app: dict[str, Any]) -> str:
    """The id of an app that takes uploads with a deployment token.

    :raises UserError: something else deploys it; Azure refuses changes of one that is linked to a repository.
    """
    provider = app["properties"].get("provider")
    if provider not in LINKED or app["properties"].get("repositoryUrl"):
        raise UserError(
            f"{site.name}: the app {app['name']} is linked to {provider}, which deploys it; unlink it first (what "
            f"it serves stays): az staticwebapp disconnect --name {app['name']}"
        )
    return str(app["id"])


def _targets(site: Wanted, resources: list[Wanted], root: str) -> Iterator[str]:
    """Where the CNAMEs of a policy's domains lead now."""
    for resource in resources:
        if resource.inputs.get("recordType") == "CNAME" and site in _siblings(resource, resources):
            path, version = _path(resource, resources, {}, root)
            answer = azure.request("GET", path, version)
            if answer:
                yield answer["properties"]["CNAMERecord"]["cname"].rstrip(".").lower()


def strangers(ids: dict[str, str]) -> list[str]:
    """What lies in a group that is taken over and isn't the stack's: `pulumi destroy` would delete it too."""
    group = next((id_ for id_ in ids.values() if id_.lower().count("/") == 4), "")
    listed = azure.listing(f"{group}/resources", azure.RESOURCES) if group else []
    ours = {id_.lower() for id_ in ids.values()}
    return [resource["id"] for resource in listed if resource["id"].lower() not in ours]


def main(arguments: list[str] | None = None) -> int:
    """Find, tell, and run `pulumi up`."""
    parser = argparse.ArgumentParser(prog="python -m tools.recover", description=__doc__)
    parser.add_argument("--no-up", action="store_true", help="only tell what would be taken over")
    parser.add_argument("--yes", action="store_true", help="don't ask before the up")
    options = parser.parse_args(arguments)
    unlock.main()
    try:
        resources = wanted()
        new = sum(resource.new for resource in resources)
        ids = existing(resources, f"/subscriptions/{subscription()}") if new else {}
        others = strangers(ids)
    except UserError as error:
        print(f"recover: {error}", file=sys.stderr)
        return 1
    for name, id_ in ids.items():
        print(f"exists already: {name} is {id_}")
    print(f"{len(ids)} of {new} resources to create exist already{'; the up takes them over' if ids else ''}")
    for id_ in others:
        print(f"warning: {id_} lies in the group that is taken over; `pulumi destroy` would delete it too")
    if options.no_up:
        return 0
    command = ["pulumi", "up", *(["--yes"] if options.yes else [])]
    code = subprocess.run(command, env={**os.environ, "MTA_STS_ADOPT": json.dumps(ids)}, check=False).returncode
    if code or not ids:
        return code
    # An import keeps the inputs as azure-native read them, which a refresh would show as drift; this keeps the program's.
    settle = ["pulumi", "up", "--yes", "--skip-preview", "--expect-no-changes"]
    return subprocess.run(settle, stdout=subprocess.DEVNULL, check=False).returncode


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
