"""What a static site has beside its files and domains, as far as a plain site has any: `az staticwebapp` asks for it."""

from typing import Any

from sandbox.arm import Answer, Call, route
from sandbox.arm.errors import WebError
from sandbox.arm.sites import SITE, site_of


@route("POST", SITE + "/listAppSettings")
def list_app_settings(call: Call) -> Answer:
    """A site without an API has none."""
    site = site_of(call)
    return Answer(200, {"id": f"{site['id']}/config/appsettings", "name": "appsettings", "type": "Microsoft.Web/staticSites/config", "properties": {}})  # fmt: skip


def _production(site: dict[str, Any]) -> dict[str, Any]:
    host, properties = site["properties"]["defaultHostname"], site["properties"]
    status = "Ready" if site["_deployed"] else "WaitingForDeployment"
    shown = {"buildId": "default", "sourceBranch": properties["branch"], "pullRequestTitle": None,
             "hostname": host, "status": status, "linkedBackends": [], "databaseConnections": []}  # fmt: skip
    return {"id": f"{site['id']}/builds/default", "name": "default", "type": "Microsoft.Web/staticSites/builds", "location": site["location"], "properties": shown}  # fmt: skip


@route("GET", SITE + "/builds")
def list_builds(call: Call) -> Answer:
    """Production alone; there are no preview environments here."""
    return Answer(200, {"value": [_production(site_of(call))]})


@route("GET", SITE + "/builds/(?P<build>[^/]+)")
def get_build(call: Call) -> Answer:
    site = site_of(call)
    if call.groups["build"].lower() != "default":
        raise WebError(404, "NotFound", "Cannot find {0} with name {1}.", "Build", call.groups["build"], extended="51004")  # fmt: skip
    return Answer(200, _production(site))


@route("POST", SITE + "/authproviders/(?P<provider>[^/]+)/listUsers")
def list_users(call: Call) -> Answer:
    """Nobody was invited."""
    site_of(call)
    return Answer(200, {"value": []})


@route("GET", SITE + "/basicAuth/default")
def get_basic_auth(call: Call) -> Answer:
    """Nobody set a password."""
    site_of(call)
    raise WebError(404, "NotFound", "Cannot find {0} with name {1}.", "BasicAuth", "default", extended="51004")
