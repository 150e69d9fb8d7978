"""A short draw of `make faults`: every kind of fault once, spread over the steps."""

from pathlib import Path

import pytest

from faults.catalog import CATALOG, FRONT_DOOR, FRONT_DOOR_CALLS, HOST, PROCESSES, Fault
from faults.chain import STEPS, live
from tools import get_engine

KINDS = "status cut lose-reply hang half delay domain-failed share remembered-no kill"
LIVES = {
    "killing": [
        *(Fault("kill", each) for each in PROCESSES),
        Fault("kill", "local Azure"),
        Fault("kill", "engine"),
    ],
    "failing": [
        Fault("domain-failed", HOST, 6),
        Fault("half", "upload"),
        Fault("cut", "TXT"),
        Fault("lose-reply", "upload"),
        Fault("hang", "policy", 4),
        Fault("status", "deletion", 429),
    ],
    "front door": [
        Fault("lose-reply", "route"),
        Fault("cut", "blob"),
        Fault("kill", "provider plugin"),
        Fault("status", "policy", 500),
        Fault("status", "TXT", 429),
        Fault("cut", "deletion"),
    ],
}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("killing", marks=pytest.mark.heavy),
        "failing",
        pytest.param("front door", marks=pytest.mark.heavy),
    ],
)
def test_whatever_breaks_no_id_names_a_policy_that_is_not_live_and_the_next_up_converges(
    name: str, tmp_path: Path
) -> None:
    engine = str(get_engine.present() or "")
    hosting = "frontDoor" if name == "front door" else "staticWebApp"
    outcomes = list(live(tmp_path, engine, LIVES[name], name, hosting))
    for outcome in outcomes:
        assert outcome.violations == [], (outcome.fault, outcome.step, outcome.violations)
        assert outcome.converged, (outcome.fault, outcome.step, outcome.said)
    assert len(outcomes) == STEPS


def test_the_catalog_has_every_kind() -> None:
    assert {each.kind for each in CATALOG} == set(KINDS.split())


def test_every_call_of_front_door_is_broken() -> None:
    assert {each.of for each in FRONT_DOOR} >= set(FRONT_DOOR_CALLS)
