"""Discovery, projects, Git repositories, identities."""

import uuid
from typing import Any

from sandbox.devops import ADMINS, CONTRIBUTORS, IDS, Ask, DevOpsError, Reply, git, many, route, user

# location id, area, resource, route template, version: what OPTIONS /_apis lists
LOCATIONS = [
    line.split()
    for line in """
e81700f7-3be2-46de-8624-2eb35882fcaa Location ResourceAreas _apis/{resource}/{areaId} 1
603fe2ac-9723-48b9-88ad-09305aa6c6e1 core projects _apis/{resource}/{*projectId} 4
93878975-88c5-4e6a-8abb-7ddd77a8a7d8 process processes _apis/{area}/{resource}/{processId} 1
9a1b74b4-2ca8-4a9f-8470-c2f2e6fdc949 operations operations _apis/{resource}/{operationId} 1
225f7195-f9c7-4d14-ab28-a83f7ff77e1f git repositories {project}/_apis/{area}/{resource}/{repositoryId} 1
dbeaf647-6167-421a-bda9-c9327b25e2e6 build Definitions {project}/_apis/{area}/{resource}/{definitionId} 7
c4aefd19-30ff-405b-80ad-aca021e7242a build generalsettings {project}/_apis/{area}/{resource} 1
398c85bc-81aa-4822-947c-a194a05f0fef build AuthorizedResources {project}/_apis/{area}/{resource} 1
ef5b7057-ffc3-4c77-bbad-c10b4a4abcc7 distributedtask variablegroups _apis/{area}/{resource}/{groupId} 2
f5b09dd5-9d54-45a1-8b5a-1c8287d634cc distributedtask variablegroups {project}/_apis/{area}/{resource}/{groupId} 2
8572b1fc-2482-47fa-8f74-7e3ed53ee54b distributedtask environments {project}/_apis/{area}/{resource}/{environmentId} 1
dad91cbe-d183-45f8-9c6e-9c1164472121 policy configurations {project}/_apis/{area}/{resource}/{configurationId} 1
14e48fdc-2c8b-41ce-a0c3-e26f6cc55bd0 serviceendpoint endpoints _apis/{area}/{resource}/{endpointId} 4
e85f1c62-adfc-4b74-b618-11a150fb195e serviceendpoint endpoints {project}/_apis/{area}/{resource}/{endpointId} 4
86c8381e-5aee-4cde-8ae4-25c0c7f5eaea PipelinesChecks configurations {project}/_apis/pipelines/checks/{resource}/{id} 1
b5b9a4a4-e6cd-4096-853c-ab7d8b0c4eb2 pipelinePermissions pipelinePermissions {project}/_apis/pipelines/{resource}/{resourceType}/{resourceId} 1
ebbe6af8-0b91-4c13-8cf1-777c14858188 Graph Groups _apis/{area}/{resource}/{groupDescriptor} 1
048aee0a-7072-4cde-ab73-7af77b1e0b4e Graph Descriptors _apis/{area}/{resource}/{storageKey} 1
eb85f8cc-f0f6-4264-a5b1-ffe2e4d4801f Graph StorageKeys _apis/{area}/{resource}/{subjectDescriptor} 1
28010c54-d0c0-4c89-a5b0-1c9e188b9fb7 IMS Identities _apis/{resource}/{identityId} 1
""".strip().splitlines()
]
AGILE = {"id": "adcc42ab-9882-485e-a3ed-7678f01f66bc", "name": "Agile", "isDefault": True, "type": "system"}


@route("OPTIONS", "")
def locations(ask: Ask) -> Reply:
    versions = {"minVersion": "1.0", "maxVersion": "7.1", "releasedVersion": "7.1"}
    names = ("id", "area", "resourceName", "routeTemplate")
    return many([
        {**dict(zip(names, each, strict=False)), "resourceVersion": int(each[4]), **versions} for each in LOCATIONS
    ])  # fmt: skip


@route("GET", "/ResourceAreas")
def areas(ask: Ask) -> Reply:
    return many([])  # everything is under the organisation's URL, as an on-premises server answers


@route("GET", "/connectionData")
def connection_data(ask: Ask) -> Reply:
    who = {"id": IDS[user(ask.state, ask.authorization) or "owner"]}
    return 200, {
        "instanceId": str(uuid.uuid5(uuid.NAMESPACE_DNS, "contoso")),
        "deploymentType": "hosted",
        "authenticatedUser": who,
        "authorizedUser": who,
    }


@route("GET", "/projects")
def list_projects(ask: Ask) -> Reply:
    return many(ask.things("projects"))


@route("GET", "/process/processes")
def processes(ask: Ask) -> Reply:
    return many([AGILE])


@route("GET", "/process/processes/(.+)")
def process(ask: Ask) -> Reply:
    return 200, AGILE


@route("GET", "/operations/(.+)")
def operation(ask: Ask) -> Reply:
    return 200, {"id": ask.groups[0], "status": "succeeded"}


def queued() -> Reply:
    return 202, {"id": str(uuid.uuid4()), "status": "queued"}


def project(ask: Ask, key: str) -> dict[str, Any]:
    """A project by id or name."""
    for each in ask.things("projects"):
        if key.lower() in (each["id"], each["name"].lower()):
            return each
    message = (
        f"TF200016: The following project does not exist: {key}. Verify that the name of the project is correct"
    )
    raise DevOpsError(404, message, "ProjectDoesNotExistWithNameException")


@route("POST", "/projects")
def create_project(ask: Ask) -> Reply:
    name = ask.body["name"]
    if any(each["name"].lower() == name.lower() for each in ask.things("projects")):
        message = f"TF200019: The following project already exists on the Azure DevOps Server: {name}."
        raise DevOpsError(400, message, "ProjectAlreadyExistsException")
    made = ask.put("projects", {**ask.body, "id": str(uuid.uuid4()), "state": "wellFormed", "revision": 1})
    repository(ask, made, name)  # a new project comes with a repository of its own name
    return queued()


@route("GET", "/projects/([^/]+)")
def get_project(ask: Ask) -> Reply:
    return 200, project(ask, ask.groups[0])


@route("PATCH", "/projects/([^/]+)")
def patch_project(ask: Ask) -> Reply:
    found = project(ask, ask.groups[0])
    ask.put("projects", {**found, **{name: value for name, value in ask.body.items() if name != "id"}})
    return queued()


@route("DELETE", "/projects/([^/]+)")
def delete_project(ask: Ask) -> Reply:
    gone = project(ask, ask.groups[0])["id"]
    for each in ask.things("repositories"):
        if each["project"]["id"] == gone:
            ask.delete("repositories", each["id"])
    ask.delete("projects", gone)
    return queued()


@route("POST", "/git/repositories")
def create_repository(ask: Ask) -> Reply:
    return 201, repository(ask, project(ask, ask.body["project"]["id"]), ask.body["name"])


def repository(ask: Ask, owner: dict[str, Any], name: str) -> dict[str, Any]:
    """A new repository.

    :raises DevOpsError: its project has one of that name.
    """
    if any(
        (each["project"]["id"], each["name"].lower()) == (owner["id"], name.lower())
        for each in ask.things("repositories")
    ):
        message = f"TF400948: A Git repository with the name {name} already exists."
        raise DevOpsError(409, message, "GitRepositoryNameAlreadyExistsException")
    url = f"https://dev.azure.com/contoso/{owner['name']}/_git/{name}"
    urls = dict.fromkeys(("url", "remoteUrl", "sshUrl", "webUrl"), url)
    owner = {"id": owner["id"], "name": owner["name"]}
    made = {
        "id": str(uuid.uuid4()),
        "name": name,
        "project": owner,
        "size": 0,
        "isFork": False,
        "isDisabled": False,
    }
    return ask.put("repositories", {**made, **urls})


@route("GET", "/git/repositories")
def list_repositories(ask: Ask) -> Reply:
    return many(ask.things("repositories"))


@route("GET", "/git/repositories/([^/]+)")
def get_repository(ask: Ask) -> Reply:
    owner = ask.project()
    for each in ask.things("repositories"):
        if ask.groups[0].lower() == each["id"] or (
            ask.groups[0].lower() == each["name"].lower()
            and owner.lower() in (each["project"]["id"], each["project"]["name"].lower())
        ):
            branches = git.refs(ask.state, each["id"], "heads/")
            main = {"defaultBranch": "refs/heads/main"} if "refs/heads/main" in branches else {}
            return 200, {**each, **main}
    message = f"TF401019: The Git repository with name or identifier {ask.groups[0]} does not exist"
    raise DevOpsError(404, message, "GitRepositoryNotFoundException")


@route("PATCH", "/git/repositories/([^/]+)")
def patch_repository(ask: Ask) -> Reply:
    return 200, ask.put("repositories", {**ask.get("repositories", ask.groups[0]), **ask.body})


@route("DELETE", "/git/repositories/([^/]+)")
def delete_repository(ask: Ask) -> Reply:
    return ask.delete("repositories", ask.groups[0])


@route("GET", "/Graph/Descriptors/([^/]+)")
def descriptor(ask: Ask) -> Reply:
    return 200, {"value": f"scp.{project(ask, ask.groups[0])['id']}"}


@route("GET", "/Graph/StorageKeys/vssgp.([^/]+)")
def storage_key(ask: Ask) -> Reply:
    return 200, {"value": {"admins": ADMINS, "contributors": CONTRIBUTORS}[ask.groups[0]]}


@route("GET", "/Graph/Groups")
def groups(ask: Ask) -> Reply:
    """The organisation's groups, or a project's."""
    scope = ask.query.get("scopeDescriptor")
    one = ("Contributors", "contributors", f"vstfs:///Classification/TeamProject/{(scope or '')[4:]}") if scope else (
        "mail-admins", "admins", "vstfs:///Framework/IdentityDomain/1")  # fmt: skip
    return many([
        {"displayName": one[0], "descriptor": f"vssgp.{one[1]}", "origin": "aad", "subjectKind": "group",
         "originId": "the group's id in Entra, which is no identity here", "domain": one[2]}
    ])  # fmt: skip


@route("GET", "/Identities")
def identities(ask: Ask) -> Reply:
    """Users, found by mail address."""
    known = {f"{name}@example.com": IDS[name] for name in ("ann", "bob")}
    wanted = ask.query.get("filterValue", "")
    name = {"$type": "System.String", "$value": wanted}
    return many([
        {"id": known[each], "providerDisplayName": each, "isActive": True, "properties": {"Mail": name, "Account": name}}
        for each in known if each == wanted
    ])  # fmt: skip
