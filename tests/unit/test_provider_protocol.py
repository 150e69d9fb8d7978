"""The provider's answers to the engine."""

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pulumi
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime import proto, rpc

from policy import Policy
from provider import resources as classes
from provider.kinds import KINDS
from provider.server import Engine, Resources, differences
from provider.values import UNKNOWN, plain

ROOT = Path(__file__).parents[2]

URN = "urn:pulumi:dev::mta-sts::mtasts:index:PolicySite$mtasts:index:{}::name"
POLICY = Policy.of("testing", 604800, ["mail.example.org"]).render().decode()
CONTENT: dict[str, Any] = {
    "defaultHostname": "a.azurestaticapps.net",
    "site": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/staticSites/a",
    "policy": POLICY,
    "web": {"index.html": "hello"},
}
STATE = {
    **{name: value for name, value in CONTENT.items() if name != "site"},
    "greatestMaxAge": 604800,
    "foundMode": "",
}


def properties(values: dict[str, Any]) -> Struct:
    made = Struct()
    made.update(values)
    return made


def secret(value: Any) -> dict[str, Any]:
    return {rpc._special_sig_key: rpc._special_secret_sig, "value": value}


def resources() -> Resources:
    return Resources(Engine("127.0.0.1:1"))


def diff(old: dict[str, Any], new: dict[str, Any], kind: str = "Content") -> list[str]:
    request = proto.DiffRequest(urn=URN.format(kind), id="id", olds=properties(old), news=properties(new))
    response = asyncio.run(resources().Diff(request, None))
    assert (response.changes == proto.DiffResponse.DIFF_SOME) is bool(response.detailedDiff)
    assert not response.replaces
    return sorted(response.detailedDiff)


def test_nothing_changed_is_no_change() -> None:
    assert diff(STATE, CONTENT) == []


def test_a_state_of_before_an_output_was_there_is_updated() -> None:
    assert diff({name: value for name, value in STATE.items() if name != "foundMode"}, CONTENT) == ["foundMode"]


def test_a_changed_policy_or_file_is_an_update_that_names_it() -> None:
    assert diff(STATE, {**CONTENT, "policy": POLICY.replace("testing", "none")}) == ["policy"]
    assert diff(STATE, {**CONTENT, "web": {"index.html": "bye", "x": ""}}) == ['web["index.html"]', 'web["x"]']
    assert diff(STATE, {**CONTENT, "defaultHostname": UNKNOWN}) == ["defaultHostname"]


def test_an_input_that_was_taken_away_is_an_update_and_one_that_is_not_compared_is_none() -> None:
    assert diff({**STATE, "colour": "red"}, CONTENT) == ["colour"]
    assert diff({**STATE, "clientSha256": "x"}, CONTENT) == []


def test_a_preview_does_no_work_and_tells_what_is_certain() -> None:
    request = proto.CreateRequest(urn=URN.format("Content"), properties=properties(CONTENT), preview=True)
    response = asyncio.run(resources().Create(request, None))
    assert plain(response.properties) == {
        "defaultHostname": "a.azurestaticapps.net",
        "policy": POLICY,
        "web": {"index.html": "hello"},
        "greatestMaxAge": 604800,
    }
    assert response.id == ""


def test_a_secret_is_compared_by_its_value_and_kept_as_a_secret() -> None:
    assert diff({**STATE, "policy": secret(POLICY)}, CONTENT) == []
    assert diff({**STATE, "web": {"index.html": secret("hello")}}, CONTENT) == []
    assert diff(STATE, {**CONTENT, "policy": secret("another")}) == ["policy"]
    inputs = properties({**CONTENT, "web": secret({"index.html": "hello"})})
    request = proto.CreateRequest(urn=URN.format("Content"), properties=inputs, preview=True)
    response = asyncio.run(resources().Create(request, None))
    assert response.properties["web"] == secret({"index.html": "hello"})


def test_a_refresh_takes_what_differs_into_the_state_and_inputs_alone_into_the_inputs() -> None:
    hold = {
        "domain": "example.org",
        "policy": POLICY,
        "greatestMaxAge": 604800,
        "foundMode": "",
        "removeEarly": False,
    }
    state = {**hold, "greatestMaxAgeServed": 604800, "heldUntil": ""}
    request = proto.ReadRequest(
        urn=URN.format("SendersHold"), id="example.org", properties=properties(state), inputs=properties(hold)
    )
    response = asyncio.run(resources().Read(request, None))
    assert (response.id, plain(response.properties), plain(response.inputs)) == ("example.org", state, hold)


def test_plain_values_survive_the_wire_types() -> None:
    values = {"a": ["x", {"b": True}], "c": None, "d": 1.5}
    assert plain(properties(values)) == values
    assert differences("a", [1], [1]) == []


def test_what_the_plugin_knows_of_the_wire_is_what_the_sdk_writes() -> None:
    assert rpc.UNKNOWN == UNKNOWN
    sent = {"secret": secret("x"), "output": {**secret("y"), rpc._special_sig_key: rpc._special_output_value_sig}}
    assert plain(properties(sent)) == {"secret": "x", "output": "y"}
    unknown = {rpc._special_sig_key: rpc._special_output_value_sig}
    assert plain(properties({"output": unknown})) == {"output": UNKNOWN}


def test_each_class_is_a_kind_that_the_plugin_knows() -> None:
    found = {
        f"mtasts:index:{name}"
        for name, value in vars(classes).items()
        if isinstance(value, type) and issubclass(value, pulumi.CustomResource)
    }
    assert found - {"mtasts:index:Provider", "mtasts:index:Published"} == set(KINDS)


def test_the_plugin_starts_without_the_sdk() -> None:
    """The engine waits for it, in each preview."""
    code = "import sys, provider.__main__; print([name for name in ('pulumi', 'zones', 'internet') if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert run.stdout == "[]\n", run.stdout + run.stderr
