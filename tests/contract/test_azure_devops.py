"""What the local Azure DevOps refuses as the real one does."""

import json
from pathlib import Path
from typing import Any

import pytest

from sandbox import devops
from sandbox.state import State


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("build/Definitions", "DefinitionExistsException"),
        ("distributedtask/environments", "EnvironmentExistsException"),
    ],
)
def test_a_project_has_a_pipeline_or_environment_of_a_name_once(tmp_path: Path, path: str, key: str) -> None:
    state = State(tmp_path)
    for name in ("mail", "web"):
        body = {"id": f"id-of-{name}", "name": name}
        state.put({"id": f"/devops/projects/{body['id']}", "type": "devops/projects", "body": body})

    def create(name: str, project: str) -> tuple[int, Any]:
        body = {"name": name, "path": "\\", "project": {"id": f"id-of-{project}"}}
        where, bearer = f"/contoso/{project}/_apis/{path}", f"Bearer {devops.token(state)}"
        return devops.handle(state, "POST", where, {}, bearer, json.dumps(body).encode())

    assert create("mta-sts-fleet", "mail")[0] == 200
    assert create("mta-sts-fleet", "web")[0] == 200
    assert create("mta-sts", "mail")[0] == 200
    status, answer = create("MTA-STS-fleet", "mail")
    assert (status, answer["typeKey"]) == (409, key)
    assert "MTA-STS-fleet already exists" in answer["message"]
