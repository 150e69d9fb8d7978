"""What Azure reports of a Front Door domain, and what is waited for or renewed over it."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from policy import UserError
from provider import domain_ready, front_door, validation_token
from provider.wait import Wait

DOMAIN = (
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.Cdn/profiles/mta-sts/customdomains/mta--sts-example-org"
)
INPUTS = {"customDomain": DOMAIN, "host": "mta-sts.example.org", "endpoint": "e.azurefd.net", "policy": "p"}
LATER = (datetime.now(UTC) + timedelta(days=7)).isoformat()
EARLIER = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()


def reported(state: str, token: str = "", until: str = LATER) -> dict[str, Any]:
    proof = {"validationToken": token, "expirationDate": until} if token else None
    return {"domainValidationState": state, "validationProperties": proof}


class Azure:
    """Answers one report after the other, the last one for good."""

    def __init__(self, *reports: dict[str, Any]) -> None:
        self.reports = list(reports)
        self.renewed = 0

    def request(self, method: str, path: str, api_version: str) -> dict[str, Any] | None:
        assert api_version == "2025-06-01"
        if method == "POST":
            assert path == f"{DOMAIN}/refreshValidationToken"
            self.renewed += 1
            return {}
        assert (method, path) == ("GET", DOMAIN)
        return {"properties": self.reports.pop(0) if len(self.reports) > 1 else self.reports[0]}

    def listing(self, path: str, api_version: str) -> list[dict[str, Any]]:
        assert path.lower() == DOMAIN.lower().rpartition("/")[0]
        found = self.reports.pop(0) if len(self.reports) > 1 else self.reports[0]
        return [{"id": DOMAIN.upper(), "properties": found}]


def wait(timeout: float = 5) -> Wait:
    return Wait(timeout, lambda _: None, lambda _: None, asyncio.Event())


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    def answer(*reports: dict[str, Any]) -> Azure:
        azure = Azure(*reports)
        monkeypatch.setattr(front_door.azure, "request", azure.request)
        monkeypatch.setattr(front_door.azure, "listing", azure.listing)
        front_door._lists.clear()
        return azure

    yield answer
    front_door._lists.clear()


def made(azure_inputs: dict[str, Any], old: dict[str, Any]) -> dict[str, Any]:
    return asyncio.run(validation_token.update(azure_inputs, old, wait()))


def test_a_token_that_comes_late_is_waited_for(answers: Any) -> None:
    azure = answers(reported("Submitting"), reported("Submitting"), reported("Pending", "t1"))
    assert made(INPUTS, {}) == {"token": "t1"}
    assert not azure.renewed


@pytest.mark.parametrize(
    "spent",
    [reported("TimedOut", "t1"), reported("Rejected", "t1"), reported("Pending", "t1", EARLIER)],
)
def test_a_spent_token_is_renewed_once(answers: Any, spent: dict[str, Any]) -> None:
    azure = answers(spent, spent, reported("RefreshingValidationToken"), reported("Pending", "t2"))
    assert made(INPUTS, {"token": "t1"}) == {"token": "t2"}
    assert azure.renewed == 1


def test_a_domain_to_be_proved_again_gets_another_token(answers: Any) -> None:
    again = reported("PendingRevalidation", "t1", EARLIER)
    azure = answers(again, again, reported("PendingRevalidation", "t2"))
    assert validation_token.stale({**INPUTS, "token": "t1"}) == ["token"]
    assert made(INPUTS, {"token": "t1"}) == {"token": "t2"}
    assert azure.renewed == 1
    front_door._lists.clear()
    assert validation_token.stale({**INPUTS, "token": "t2"}) == []  # it is Azure's turn


def test_an_approved_domain_keeps_the_token_that_stands_in_dns(answers: Any) -> None:
    answers(reported("Approved"))
    assert made(INPUTS, {"token": "t1"}) == {"token": "t1"}
    assert validation_token.stale({**INPUTS, "token": "t1"}) == []


@pytest.mark.parametrize(("stands", "token"), [({"t1"}, "t1"), (set[str](), "Approved")])
def test_an_approved_domain_of_a_lost_state_keeps_what_stands_in_dns(
    answers: Any, monkeypatch: pytest.MonkeyPatch, stands: set[str], token: str
) -> None:
    def values(_: object, record: str, rdtype: str) -> frozenset[str]:
        assert (record, rdtype) == ("_dnsauth.mta-sts.example.org", "TXT")
        return frozenset(stands)

    monkeypatch.setattr(validation_token.dns_view, "values_by_servers", values)
    answers(reported("Approved"))
    assert made(INPUTS, {}) == {"token": token}


def test_a_token_renewed_by_hand_is_noticed(answers: Any) -> None:
    answers(reported("Pending", "t2"))
    assert validation_token.stale({**INPUTS, "token": "t1"}) == ["token"]


def test_who_may_not_ask_previews_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str, api_version: str) -> list[dict[str, Any]]:
        raise UserError("403")

    front_door._lists.clear()
    monkeypatch.setattr(front_door.azure, "listing", refuse)
    assert validation_token.stale({**INPUTS, "token": "t1"}) == []


def test_it_waits_for_the_approval_then_for_the_policy_and_names_what_is_missing(
    answers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers(reported("Pending", "t1"), reported("Approved"))
    served = iter(["the certificate is not valid for mta-sts.example.org yet (x)", None])

    def not_live(host: str, policy: bytes, at: str) -> str | None:
        assert (host, policy, at) == ("mta-sts.example.org", b"p", "e.azurefd.net")
        return next(served)

    monkeypatch.setattr(domain_ready, "not_live", not_live)
    monkeypatch.setattr(front_door, "KNOWN_FOR", 0.0)
    look = domain_ready._Look(INPUTS)
    assert "_dnsauth.mta-sts.example.org" in str(look.reason())
    assert "certificate" in str(look.reason())
    assert look.reason() is None


@pytest.mark.parametrize("state", ["TimedOut", "Rejected", "InternalError"])
def test_it_does_not_wait_for_what_never_comes(answers: Any, state: str) -> None:
    answers(reported(state, "t1"))
    with pytest.raises(UserError, match=r"_dnsauth\.mta-sts\.example\.org.*another token"):
        asyncio.run(domain_ready.create(INPUTS, wait()))
