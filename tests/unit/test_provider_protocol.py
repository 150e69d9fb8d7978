"""The provider's answers to the engine."""

import asyncio
from typing import Any

from pulumi.provider.experimental import provider as protocol
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.runtime.rpc import UNKNOWN

from policy import Policy
from provider.server import Engine, Resources, differences
from provider.values import plain, wrap

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


def diff(old: dict[str, Any], new: dict[str, Any], kind: str = "Content") -> list[str]:
    request = protocol.DiffRequest(URN.format(kind), "id", properties(old), properties(new), [])
    response = asyncio.run(resources().diff(request))
    assert response.changes is bool(response.detailed_diff)
    assert not response.replaces
    return list(response.detailed_diff)


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
