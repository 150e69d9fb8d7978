"""`RecordSet` writes and deletes people's DNS: only its own, whatever somebody else does meanwhile."""

import asyncio
import threading
from typing import Any

import pytest
from memory_host import PLACE, Memory, memory
from pulumi.runtime.rpc import UNKNOWN

from policy import UserError
from provider import record_set
from provider.wait import Wait

__all__ = ["memory"]  # the fixture
ID = "_mta-sts.example.org"
HOST = "mta-sts.example.org"
REPORTS = "_smtp._tls.example.org"
SITE = "brave-sand-01c38990f.7.azurestaticapps.net"


def inputs(record: str = ID, values: list[str] | None = None, **more: Any) -> dict[str, Any]:
    rdtype = "CNAME" if record == HOST else "TXT"
    return {
        "record": record,
        "type": rdtype,
        "values": values or ["v=STSv1; id=1;"],
        "ttl": 300,
        "at": PLACE,
        "adopt": False,
        **more,
    }


def up(given: dict[str, Any], old: dict[str, Any] | None = None, timeout: float = 5) -> dict[str, Any]:
    """The state after a creation or an update."""
    wait = Wait(timeout, lambda _: None, lambda _: None, asyncio.Event())
    return {**given, **asyncio.run(record_set.update(given, old or {}, wait))}


def delete(state: dict[str, Any]) -> list[str]:
    """The lines that are said."""
    said: list[str] = []
    asyncio.run(record_set.delete(state, Wait(5, lambda _: None, said.append, asyncio.Event())))
    return said


def test_it_is_made_and_updated_and_deleted(memory: Memory) -> None:
    state = up(inputs())
    assert memory.ask(ID, "TXT") == ['"v=STSv1; id=1;"']
    state = up(inputs(values=["v=STSv1; id=2;"]), state)
    assert memory.ask(ID, "TXT") == ['"v=STSv1; id=2;"']
    assert state["made"] == ["v=STSv1; id=2;"]
    assert delete(state) == []
    assert memory.ask(ID, "TXT") == []
    assert memory.changes == [f"put TXT {ID}"] * 2 + [f"delete TXT {ID}"]


def test_what_is_right_already_is_not_written_again(memory: Memory) -> None:
    memory.put(HOST, "CNAME", f"{SITE.upper()}.")
    up(inputs(HOST, [f"{SITE}."]))
    assert memory.changes == []


def test_another_ttl_is_written(memory: Memory) -> None:
    state = up(inputs())
    up(inputs(ttl=60), state)
    assert memory.ttl[ID, "TXT"] == 60


@pytest.mark.parametrize(
    ("record", "kind", "there", "says"),
    [
        (ID, "TXT", '"v=STSv1; id=theirs;"', "is v=STSv1; id=theirs; already, and not from this stack; remove it there first"),
        (HOST, "CNAME", "elsewhere.example.net.", "is elsewhere.example.net already, and not from this stack"),
        (REPORTS, "TXT", '"theirs"', "is theirs already, and not from this stack; set adoptTlsReports: true"),
        (HOST, "A", "192.0.2.1", "can't have a CNAME record beside what stands there: A 192.0.2.1"),
        (ID, "CNAME", "elsewhere.example.net.", "can't have a TXT record beside what stands there: CNAME elsewhere"),
    ],
)  # fmt: skip
def test_a_strangers_record_is_named_in_the_preview_and_never_touched(
    memory: Memory, record: str, kind: str, there: str, says: str
) -> None:
    memory.put(record, kind, there)
    given = inputs(record, [SITE] if record == HOST else ["ours"])
    for work in (lambda: record_set.preview(given, {}), lambda: up(given)):
        with pytest.raises(UserError) as told:
            work()
        assert says in str(told.value)
    assert memory.ask(record, kind) == [there]
    assert memory.changes == []


def test_a_preview_passes_over_what_a_lost_state_left_behind(memory: Memory) -> None:
    memory.put(HOST, "CNAME", f"{SITE}.")
    assert record_set.preview(inputs(HOST, [UNKNOWN]), {}) == {}
    memory.put(ID, "TXT", '"v=STSv1; id=1;"')
    assert record_set.preview(inputs(), {}) == {}
    memory.put(HOST, "CNAME", "elsewhere.example.net.")
    with pytest.raises(UserError, match="not from this stack"):
        record_set.preview(inputs(HOST, [UNKNOWN]), {})


def test_an_adopted_record_is_taken_over(memory: Memory) -> None:
    memory.put(REPORTS, "TXT", '"theirs"', '"and more of it"')
    given = inputs(REPORTS, ["ours"], adopt=True)
    record_set.preview(given, {})
    up(given)
    assert memory.ask(REPORTS, "TXT") == ['"ours"']


def test_a_change_by_somebody_else_is_not_overwritten_until_it_was_seen(memory: Memory) -> None:
    state = up(inputs())
    memory.put(ID, "TXT", '"v=STSv1; id=theirs;"')
    new = inputs(values=["v=STSv1; id=2;"])
    with pytest.raises(
        UserError, match="is now v=STSv1; id=theirs;, which isn't from this stack; `pulumi refresh`"
    ):
        up(new, state)
    seen = record_set.read(state)
    assert seen["values"] == ["v=STSv1; id=theirs;"]
    up(new, seen)
    assert memory.ask(ID, "TXT") == ['"v=STSv1; id=2;"']


def test_a_change_in_the_very_moment_wins(memory: Memory) -> None:
    memory.meanwhile = lambda: memory.put(ID, "TXT", '"theirs"')
    with pytest.raises(UserError, match="was changed by somebody else just now; run the command again"):
        up(inputs())
    assert memory.ask(ID, "TXT") == ['"theirs"']
    state = inputs() | {"made": ["theirs"]}
    memory.meanwhile = lambda: memory.put(ID, "TXT", '"theirs again"')
    with pytest.raises(UserError, match="changed by somebody else"):
        delete(state)
    assert memory.ask(ID, "TXT") == ['"theirs again"']


def test_only_what_this_stack_made_is_deleted(memory: Memory) -> None:
    state = up(inputs())
    memory.put(ID, "TXT", '"v=STSv1; id=theirs;"')
    for known in (state, record_set.read(state)):  # whether the change was seen or not
        assert delete(known) == [f"TXT {ID} is v=STSv1; id=theirs; now, which isn't from this stack; left there"]
    memory.put(ID, "TXT", '"v=STSv1; id=1;"', '"theirs beside"')
    assert len(delete(state)) == 1
    assert memory.ask(ID, "TXT") == ['"v=STSv1; id=1;"', '"theirs beside"']


def test_what_is_gone_already_is_no_error(memory: Memory) -> None:
    state = up(inputs())
    memory.put(ID, "TXT")
    assert delete(state) == []
    assert memory.changes == [f"put TXT {ID}"]


def test_a_busy_host_is_told_and_the_next_run_goes_on(memory: Memory) -> None:
    memory.trouble = ["the API answers 503"]
    with pytest.raises(UserError, match="the API answers 503"):
        up(inputs())
    state = up(inputs())
    memory.trouble = ["the API answers 503"]
    assert record_set.read(state) == state  # no answer is no proof of drift
    memory.trouble = ["the API answers 503"]
    with pytest.raises(UserError, match="the API answers 503"):
        delete(state)
    assert memory.ask(ID, "TXT") == ['"v=STSv1; id=1;"']


def test_a_host_that_never_answers_ends_at_the_deadline(memory: Memory) -> None:
    memory.hold.clear()
    threading.Timer(2, memory.hold.set).start()  # asyncio.run waits for its threads in the end
    with pytest.raises(UserError, match="gave no answer in time; the next `pulumi up` goes on from here"):
        up(inputs(), timeout=0.2)
