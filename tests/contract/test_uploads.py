"""What an upload leaves in the site, and what Azure then refuses, with the deploy client as each tool runs it."""

import asyncio
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from contract_tools import Clients, fetch

from provider import static_sites_client
from provider.wait import Wait

REPOSITORY = "https://dev.azure.com/contoso/mail/_git/mta-sts"
DEVOPS = {"DEPLOYMENT_PROVIDER": "DevOps", "REPOSITORY_URL": REPOSITORY, "BRANCH": "main"}  # AzureStaticWebApp@0
AS_LEFT = {"provider": "DevOps", "repositoryUrl": REPOSITORY, "branch": "main"}
CHANGES = [
    ({}, "Provider is invalid.  Cannot change the Provider. Please detach your static site first"),
    ({"provider": "SwaCli"}, "Provider is invalid.  Cannot change the Provider."),
    ({"provider": "DevOps"}, "RepositoryUrl is invalid.  Cannot change the RepositoryUrl. Please detach your"),
    (AS_LEFT | {"repositoryUrl": REPOSITORY + "2"}, "Cannot change the RepositoryUrl."),
    (
        AS_LEFT | {"branch": None},
        "Branch is invalid.  Cannot change the Branch. Please detach your static site first",
    ),
]


@pytest.fixture
def site(azure: Clients) -> Clients:
    azure.groups.resource_groups.create_or_update("rg", {"location": "westeurope"})
    azure.site()
    return azure


def upload(azure: Clients, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the deploy client the way a tool does; without `environment`, the way the swa command does."""
    (folder / "index.html").write_text("hello")
    client = static_sites_client.download(Wait(30, lambda _: None, lambda _: None, asyncio.Event()))
    token = azure.web.static_sites.list_static_site_secrets("rg", "site").properties["apiKey"]
    given = {"DEPLOYMENT_ACTION": "upload", "DEPLOYMENT_PROVIDER": "SwaCli", "DEPLOYMENT_TOKEN": token,
             "REPOSITORY_BASE": str(folder), "APP_LOCATION": str(folder), "SKIP_APP_BUILD": "true",
             "SKIP_API_BUILD": "true"}  # fmt: skip
    return subprocess.run([client], env={**os.environ, **given, **environment}, capture_output=True, text=True)


def left(azure: Clients) -> dict[str, Any]:
    found = azure.web.static_sites.get_static_site("rg", "site")
    return {"provider": found.provider, "repositoryUrl": found.repository_url, "branch": found.branch}


def test_an_upload_by_azure_devops_writes_its_repository_into_the_site(site: Clients, tmp_path: Path) -> None:
    assert upload(site, tmp_path, **DEVOPS).returncode == 0
    assert left(site) == AS_LEFT


def test_an_upload_by_the_swa_command_leaves_its_name_alone(site: Clients, tmp_path: Path) -> None:
    run = upload(site, tmp_path, REPOSITORY_URL=REPOSITORY, BRANCH="main")
    assert run.returncode == 0, run.stdout
    assert left(site) == {"provider": "SwaCli", "repositoryUrl": None, "branch": None}
    site.site(tags={"a": "b"})
    with pytest.raises(HttpResponseError, match="Cannot change the Provider"):
        site.site(properties={"stagingEnvironmentPolicy": "Disabled"})


def test_a_put_that_would_unlink_the_repository_is_refused(site: Clients, tmp_path: Path) -> None:
    upload(site, tmp_path, **DEVOPS)
    for properties, message in CHANGES:
        with pytest.raises(HttpResponseError) as refused:
            site.site(properties=properties)
        assert refused.value.status_code == 400
        assert message in str(refused.value), properties
    assert left(site) == AS_LEFT
    site.site(properties=AS_LEFT, tags={"a": "b"})


def test_detached_it_can_be_changed_and_still_serves(site: Clients, tmp_path: Path) -> None:
    upload(site, tmp_path, **DEVOPS)
    site.web.static_sites.begin_detach_static_site("rg", "site").result()
    assert left(site) == {"provider": "None", "repositoryUrl": None, "branch": None}
    changed = site.site(tags={"a": "b"})
    assert (changed.provider, changed.repository_url) == ("SwaCli", None)
    assert fetch(changed.default_hostname, "/")[:2] == (200, "hello")


def test_a_site_made_for_a_repository_keeps_it_before_any_upload(site: Clients) -> None:
    site.web.static_sites.begin_detach_static_site("rg", "site").result()
    site.site(properties=AS_LEFT)
    with pytest.raises(HttpResponseError, match="Cannot change the RepositoryUrl"):
        site.site(properties={"provider": "DevOps"})
