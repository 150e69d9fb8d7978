"""tools.ci, piece by piece: the comment's text, the one thread it is in, and a sign-in that stays fresh."""

import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from policy import UserError
from provider import azure
from tools.ci import comment, pull_request, sign_in
from tools.ci.__main__ import main
from tools.ci.errors import CiError
from tools.ci.preview import Preview

from .service import Service

ROOT = Path(__file__).parents[2]
TOKEN = "run-token-3c1d"


def found(**changes: Any) -> Preview:
    given: dict[str, Any] = {
        "stack": "prod",
        "changes": [("replace", "example.org-cname", "azure-native:dns:RecordSet")],
        "counts": {"same": 12, "replace": 1},
        "notes": [("note", "", "a note"), ("error", "main-content", "it is wrong")],
        "diff": "+ a line",
    }
    return Preview(**{**given, **changes})


def run(service: Service, **changes: str) -> dict[str, str]:
    given = {
        "SYSTEM_COLLECTIONURI": service.url,
        "SYSTEM_TEAMPROJECT": "mail",
        "BUILD_REPOSITORY_ID": "6f1c",
        "SYSTEM_PULLREQUEST_PULLREQUESTID": "7",
        "SYSTEM_ACCESSTOKEN": TOKEN,
        "SYSTEM_OIDCREQUESTURI": f"{service.url}oidctoken",
        "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID": "connection",
        "AZURESUBSCRIPTION_CLIENT_ID": "client",
        "AZURESUBSCRIPTION_TENANT_ID": "tenant",
        "ARM_SUBSCRIPTION_ID": "subscription",
    }
    return {**given, **changes}


def test_a_comment_begins_with_what_matters() -> None:
    text = comment.render([found(), found(stack="dev", changes=[], counts={"same": 13}, notes=[])])
    assert text.startswith(comment.MARKER)
    wanted = ["#### prod: 1 replace, 12 same", "| **replace** | `example.org-cname` |", "it is wrong", "a note",
              "#### dev: no changes (13 same)", "<details>", "+ a line"]  # fmt: skip
    assert [text.index(each) for each in wanted] == sorted(text.index(each) for each in wanted)


@pytest.mark.parametrize("sign", ["x", "𝒳"])  # the second counts twice
def test_what_is_longer_than_azure_devops_takes_is_cut_and_says_so(sign: str) -> None:
    big = "\n".join(f"line {number} {sign * 90}" for number in range(4000))
    text = comment.render([found(diff=big), found(stack="dev", diff=big)])
    assert 140_000 < comment.length(text) <= comment.LIMIT
    assert text.count("cut here") == 2
    assert text.count("<details>") == text.count("</details>") == 2
    assert comment.length(comment.render([found(notes=[("error", "", big)])])) <= comment.LIMIT


def test_backticks_in_a_diff_end_no_code_block() -> None:
    text = comment.render([found(diff="a\n````\n</details>")])
    assert "`````diff\na\n````\n</details>\n`````" in text


def test_a_preview_is_kept_without_the_secrets_of_its_step(tmp_path: Path) -> None:
    secret = {
        "PULUMI_CONFIG_PASSPHRASE": 'correct "horse"',
        "DNS_API_KEY": "abcdef0123",
        "STORAGE_TOKEN": "tok-tok-tok",
    }
    told = " ".join(secret.values())
    preview = found(diff=told, notes=[("error", "", told)])
    preview.hide({**secret, "HOME": "/home/x"})
    preview.save(tmp_path / "prod.json")
    text = comment.render([Preview.load(tmp_path / "prod.json")])
    assert not [value for value in secret.values() if value in text]
    assert text.count("***") == 6


def test_a_preview_that_could_not_sign_in_is_told_in_the_comment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Service(TOKEN, lambda: None) as service:
        for name, value in run(service, PULUMI_STACK="prod").items():
            monkeypatch.setenv(name, value)
        assert main(["preview", "--out", str(tmp_path / "prod.json")]) == 0
        assert main(["comment", "--from", str(tmp_path), "prod"]) == 1
        assert "authorised for this pipeline" in service.threads[0]["comments"][0]["content"]


def test_one_comment_is_made_and_then_updated() -> None:
    with Service(TOKEN) as service:
        service.threads = [{"id": 1, "comments": [{"id": 1, "content": "looks good"}], "status": "active"}]
        assert pull_request.publish(f"{comment.MARKER} one", run(service)) == "made"
        assert pull_request.publish(f"{comment.MARKER} two", run(service)) == "updated"
        assert [each["comments"][0]["content"] for each in service.threads] == [
            "looks good",
            f"{comment.MARKER} two",
        ]
        service.threads[1]["comments"][0]["isDeleted"] = True
        assert pull_request.publish(f"{comment.MARKER} three", run(service)) == "made"


def test_the_fleets_comment_stands_beside_the_other() -> None:
    with Service(TOKEN) as service:
        for marker in (comment.MARKER, comment.FLEET):
            assert pull_request.publish(f"{marker} one", run(service), marker) == "made"
        for marker in (comment.MARKER, comment.FLEET):
            assert comment.render([found()], marker=marker).startswith(marker)
            assert pull_request.publish(f"{marker} two", run(service), marker) == "updated"
        assert [each["comments"][0]["content"] for each in service.threads] == [
            f"{comment.MARKER} two",
            f"{comment.FLEET} two",
        ]


def test_a_strangers_comment_with_the_marker_is_let_be() -> None:
    with Service(TOKEN) as service:
        theirs = {"id": 1, "content": f"{comment.MARKER} all is well", "author": {"id": "a stranger"}}
        service.threads = [{"id": 1, "comments": [theirs], "status": "active"}]
        assert pull_request.publish(f"{comment.MARKER} it fails", run(service)) == "made"
        assert theirs["content"].endswith("all is well")
        assert pull_request.publish(f"{comment.MARKER} it fails still", run(service)) == "updated"


def test_a_busy_service_is_asked_again() -> None:
    with Service(TOKEN) as service:
        service.faults = [503, 429]
        assert pull_request.publish(comment.MARKER, run(service)) == "made"
        assert len(service.threads) == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"SYSTEM_ACCESSTOKEN": "$(System.AccessToken)"}, "SYSTEM_ACCESSTOKEN not set"),
        ({"SYSTEM_PULLREQUEST_PULLREQUESTID": ""}, "not a run for a pull request"),
        ({"SYSTEM_ACCESSTOKEN": "another"}, "answers 401"),
    ],
)
def test_a_comment_that_cannot_be_made_says_why(changes: dict[str, str], words: str) -> None:
    with Service(TOKEN) as service:
        environment = {name: value for name, value in run(service, **changes).items() if value}
        with pytest.raises(CiError, match=words) as caught:
            pull_request.publish("text", environment)
        assert "\n" not in str(caught.value)
        assert TOKEN not in str(caught.value)


def test_a_missing_permission_is_named() -> None:
    with Service(TOKEN) as service:
        service.forbidden = True
        with pytest.raises(CiError, match="Contribute to pull requests"):
            pull_request.publish("text", run(service))


def test_a_failed_preview_fails_the_run_after_the_comment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found(failed=True).save(tmp_path / "prod.json")
    with Service(TOKEN) as service:
        for name, value in run(service).items():
            monkeypatch.setenv(name, value)
        assert main(["comment", "--from", str(tmp_path), "prod"]) == 1
        assert "it is wrong" in service.threads[0]["comments"][0]["content"]
    assert "the preview of prod failed" in capsys.readouterr().err
    assert main(["comment", "--from", str(tmp_path), "dev"]) == 1  # its step never came to its end
    assert "there is no preview in" in capsys.readouterr().err


def test_a_comment_for_another_service_is_a_file_that_fits_there(tmp_path: Path) -> None:
    found(failed=True, diff="x" * 200_000).save(tmp_path / "prod.json")
    assert main(["comment", "--from", str(tmp_path), "--to", str(tmp_path / "text.md"), "prod"]) == 1
    text = (tmp_path / "text.md").read_text()
    assert "it is wrong" in text
    assert len(text) <= 65_536


def test_a_federated_token_is_renewed_while_a_command_runs_and_gone_afterwards() -> None:
    numbers = iter(range(1000))
    with Service(TOKEN, lambda: f"token-{next(numbers)}") as service:
        given = run(service, PULUMI_CONFIG_PASSPHRASE="p", PULUMI_ACCESS_TOKEN="$(PULUMI_ACCESS_TOKEN)")
        with sign_in.environment(given, refresh=0.05) as env:
            file = Path(env["AZURE_FEDERATED_TOKEN_FILE"])
            assert stat.S_IMODE(os.stat(file).st_mode) == 0o600
            assert stat.S_IMODE(os.stat(file.parent).st_mode) == 0o700
            first, deadline = file.read_text(), time.monotonic() + 10
            while file.read_text() == first and time.monotonic() < deadline:
                time.sleep(0.02)
            assert file.read_text() != first
            assert "SYSTEM_ACCESSTOKEN" not in env
            assert "PULUMI_ACCESS_TOKEN" not in env  # the group had none
            assert env["PULUMI_CONFIG_PASSPHRASE"] == "p"
            assert (env["AZURE_CLIENT_ID"], env["ARM_TENANT_ID"]) == ("client", "tenant")
        assert not file.parent.exists()


def test_a_token_that_cannot_be_renewed_for_a_while_is_no_end(capsys: pytest.CaptureFixture[str]) -> None:
    tokens = iter(["first", None])
    with (
        Service(TOKEN, lambda: next(tokens, "third")) as service,
        sign_in.environment(run(service), refresh=0.05) as env,
    ):
        deadline = time.monotonic() + 10
        while Path(env["AZURE_FEDERATED_TOKEN_FILE"]).read_text() != "third" and time.monotonic() < deadline:
            time.sleep(0.02)
        assert Path(env["AZURE_FEDERATED_TOKEN_FILE"]).read_text() == "third"
    assert "was not renewed" in capsys.readouterr().err


def test_a_connection_that_is_not_authorised_is_told_with_the_way_out() -> None:
    with (
        Service(TOKEN, lambda: None) as service,
        pytest.raises(CiError, match="authorised for this pipeline"),
        sign_in.environment(run(service)),
    ):
        pass


@pytest.mark.parametrize(
    ("name", "words"),
    [("SYSTEM_ACCESSTOKEN", "SYSTEM_ACCESSTOKEN is not set"), ("SYSTEM_OIDCREQUESTURI", "use AzureCLI@2")],
)
def test_a_step_that_was_not_given_what_it_needs_says_so(name: str, words: str) -> None:
    with Service(TOKEN) as service:
        given = {key: value for key, value in run(service).items() if key != name}
        with pytest.raises(CiError, match=words), sign_in.environment(given):
            pass


def test_the_subscription_is_the_connections(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "az").write_text(
        "#!/bin/sh\n[ \"$*\" = 'account show --query id --output tsv' ] && echo from-az\n"
    )
    (tmp_path / "az").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with Service(TOKEN) as service:
        given = {key: value for key, value in run(service).items() if key != "ARM_SUBSCRIPTION_ID"}
        with sign_in.environment(given) as env:
            assert env["ARM_SUBSCRIPTION_ID"] == "from-az"


def test_elsewhere_the_environment_stays_as_it_is() -> None:
    with sign_in.environment({"ARM_CLIENT_ID": "x", "HOME": "/"}) as env:
        assert env == {"ARM_CLIENT_ID": "x", "HOME": "/"}


@pytest.mark.parametrize("code", [0, 3])
def test_a_commands_exit_code_is_the_steps(code: int) -> None:
    assert main(["run", "--", sys.executable, "-c", f"raise SystemExit({code})"]) == code


def test_a_cancelled_run_lets_the_command_end_in_order(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    child = f"""
import pathlib, signal, sys, time
signal.signal(signal.SIGINT, lambda *_: (time.sleep(1), sys.exit(5)))
pathlib.Path({str(ready)!r}).touch()
time.sleep(60)
"""
    command = [sys.executable, "-m", "tools.ci", "run", "--", sys.executable, "-c", child]
    process = subprocess.Popen(command, cwd=ROOT, start_new_session=True)
    deadline = time.monotonic() + 20
    while not ready.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    time.sleep(0.2)
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 5


def test_our_provider_signs_in_the_way_that_azure_native_is_told_to(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from azure import identity as official

    (tmp_path / "token").write_text("assertion")
    for name in list(os.environ):
        if name.startswith(("ARM_", "AZURE_")):
            monkeypatch.delenv(name)
    for name, value in {
        "ARM_USE_DEFAULT_AZURE_CREDENTIAL": "true",
        "AZURE_CLIENT_ID": "client",
        "AZURE_TENANT_ID": "tenant",
        "AZURE_FEDERATED_TOKEN_FILE": str(tmp_path / "token"),
    }.items():
        monkeypatch.setenv(name, value)
    made = azure.credential()
    assert isinstance(made, official.DefaultAzureCredential)
    assert any(isinstance(each, official.WorkloadIdentityCredential) for each in made.credentials)


def test_our_provider_asks_github_for_a_token_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(f"{self.path} {self.headers['Authorization']}")
            body = json.dumps({"value": f"token-{len(asked)}"}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    for name in ("ARM_OIDC_TOKEN", "ARM_OIDC_TOKEN_FILE_PATH", "ARM_OIDC_REQUEST_URL"):
        monkeypatch.delenv(name, raising=False)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv(
            "ACTIONS_ID_TOKEN_REQUEST_URL", f"http://127.0.0.1:{server.server_port}/id?api-version=2"
        )
        monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "bearer")
        assert [azure._federated_token(), azure._federated_token()] == ["token-1", "token-2"]
        server.shutdown()
    assert asked[0] == "/id?api-version=2&audience=api%3A%2F%2FAzureADTokenExchange Bearer bearer"


def test_without_any_way_to_a_token_the_message_names_them(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [each for each in os.environ if "OIDC" in each or each.startswith("ACTIONS_")]:
        monkeypatch.delenv(name)
    with pytest.raises(UserError, match=r"ACTIONS_ID_TOKEN_REQUEST_URL.*python -m tools\.ci run"):
        azure._federated_token()
