"""The provider's answers to the engine."""

import asyncio
from typing import Any

from pulumi.provider.experimental import provider as protocol
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.runtime.rpc import UNKNOWN

from policy import Policy
from provider.server import Engine, Resources, differences, plain, wrap

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


def properties(values: dict[str, Any]) -> dict[str, PropertyValue]:
    return {name: wrap(value) for name, value in values.items()}


def resources() -> Resources:
    return Resources(Engine("127.0.0.1:1"))


def check(values: dict[str, Any], kind: str = "Content") -> list[str]:
    request = protocol.CheckRequest(URN.format(kind), {}, properties(values), b"")
    response = asyncio.run(resources().check(request))
    return [f"{each.property}: {each.reason}" for each in response.failures or ()]


def diff(old: dict[str, Any], new: dict[str, Any], kind: str = "Content") -> list[str]:
    request = protocol.DiffRequest(URN.format(kind), "id", properties(old), properties(new), [])
    response = asyncio.run(resources().diff(request))
    assert response.changes is bool(response.detailed_diff)
    assert not response.replaces
    return list(response.detailed_diff)


def test_inputs_are_checked_by_name_and_type() -> None:
    assert check(CONTENT) == []
    assert check({**CONTENT, "staticSitesClient": "/x"}) == []
    assert check({**CONTENT, "colour": "red"}) == ["colour: there is no input 'colour'"]
    assert check({**CONTENT, "policy": 1.0}) == ["policy: 'policy' is missing or not a str"]
    assert check({"record": "a", "type": "TXT"}, "RecordSeen") == ["values: 'values' is missing or not a list"]


def test_values_not_known_yet_pass_the_check() -> None:
    assert check({**CONTENT, "defaultHostname": UNKNOWN}) == []


def test_nothing_changed_is_no_change() -> None:
    assert diff(STATE, CONTENT) == []


def test_a_state_of_before_an_output_was_there_is_updated() -> None:
    assert diff({name: value for name, value in STATE.items() if name != "foundMode"}, CONTENT) == ["foundMode"]


def test_a_changed_policy_or_file_is_an_update_that_names_it() -> None:
    assert diff(STATE, {**CONTENT, "policy": POLICY.replace("testing", "none")}) == ["policy"]
    assert diff(STATE, {**CONTENT, "web": {"index.html": "bye", "x": ""}}) == ['web["index.html"]', 'web["x"]']
    assert diff(STATE, {**CONTENT, "defaultHostname": UNKNOWN}) == ["defaultHostname"]


def test_a_preview_does_no_work_and_tells_what_is_certain() -> None:
    request = protocol.CreateRequest(URN.format("Content"), properties(CONTENT), 0, preview=True)
    response = asyncio.run(resources().create(request))
    assert plain(response.properties) == {
        "defaultHostname": "a.azurestaticapps.net",
        "policy": POLICY,
        "web": {"index.html": "hello"},
        "greatestMaxAge": 604800,
    }
    assert response.resource_id == ""


def test_plain_values_survive_the_wire_types() -> None:
    values = {"a": ["x", {"b": True}], "c": None, "d": 1.5}
    assert plain({name: wrap(value) for name, value in values.items()}) == values
    assert differences("a", [1], [1]) == []
