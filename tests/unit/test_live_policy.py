"""What a wait for a live policy says, and when it stops early."""

import asyncio
from typing import Any

import pytest

from internet.https import Fetched, Page
from policy import Policy, UserError
from provider import azure, custom_domain, live_policy
from provider.wait import Wait

POLICY = Policy.of("testing", 604800, ["mail.example.org"]).render()
SITE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/staticSites/site"
DOMAIN = f"{SITE}/customDomains/mta-sts.example.org"
INPUTS = {"host": "mta-sts.example.org", "policy": POLICY.decode(), "customDomain": DOMAIN}
GOOD = Page(200, "text/plain", POLICY)
NOWHERE = Page(404, "text/html", b"<title>Azure Static Web Apps - 404: Not found</title>")


class Azure:
    """Custom domains whose status is one of a list, one a question."""

    def __init__(self, *statuses: str) -> None:
        self.statuses, self.writes = list(statuses), list[str]()

    def request(self, method: str, path: str, version: str, body: Any = None) -> dict[str, Any] | None:
        assert path == DOMAIN
        if method != "GET":
            self.writes.append(method)
            return {}
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        return {"properties": {"status": status, "errorMessage": "An unknown error."}} if status else None


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> list[Page]:
    """What the host answers, one a fetch; the last one for good."""
    given: list[Page] = []
    monkeypatch.setattr(
        live_policy, "fetch", lambda *_, **__: Fetched([given.pop(0) if len(given) > 1 else given[0]])
    )
    monkeypatch.setattr(live_policy, "ASK_AZURE", 0.0)
    return given


def create(timeout: float = 5) -> list[str]:
    lines: list[str] = []
    asyncio.run(live_policy.create(INPUTS, Wait(timeout, lines.append, lines.append, asyncio.Event())))
    return lines


def test_a_binding_that_azure_gave_up_is_deleted_and_made_anew(
    pages: list[Page], monkeypatch: pytest.MonkeyPatch
) -> None:
    pages += [NOWHERE, NOWHERE, GOOD]
    cloud = Azure("Failed", "Deleting", "", "Validating")
    monkeypatch.setattr(azure, "request", cloud.request)
    lines = create()
    assert cloud.writes == ["DELETE", "PUT"]
    assert any(
        line == "Azure gave up binding mta-sts.example.org: An unknown error.; it is deleted, and bound again"
        for line in lines
    )


def test_a_binding_that_fails_again_ends_the_wait_with_azures_words_and_a_command(
    pages: list[Page], monkeypatch: pytest.MonkeyPatch
) -> None:
    pages.append(NOWHERE)
    cloud = Azure("Failed", "", "Failed")
    monkeypatch.setattr(azure, "request", cloud.request)
    with pytest.raises(UserError) as told:
        create()
    assert "An unknown error." in str(told.value)
    assert "az staticwebapp hostname delete -g g -n site --hostname mta-sts.example.org" in str(told.value)
    assert cloud.writes == ["DELETE", "PUT"]


def test_a_binding_is_left_alone_where_senders_are_served(
    pages: list[Page], monkeypatch: pytest.MonkeyPatch
) -> None:
    pages.append(Page(200, "text/plain", b"another policy"))
    cloud = Azure("Failed")
    monkeypatch.setattr(azure, "request", cloud.request)
    with pytest.raises(UserError, match="Azure gave up binding"):
        create()
    assert not cloud.writes


def test_a_deletion_that_sticks_is_told_as_azures_own(pages: list[Page], monkeypatch: pytest.MonkeyPatch) -> None:
    pages.append(NOWHERE)
    monkeypatch.setattr(azure, "request", Azure("Failed", "Deleting").request)
    monkeypatch.setattr(custom_domain, "GONE_WITHIN", 0.3)
    with pytest.raises(UserError, match=r"it is Deleting. That is at Azure's side .*1797"):
        create()


def test_a_host_that_answers_now_and_then_with_azures_own_404_is_told_from_one_that_is_not_there_yet(
    pages: list[Page], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(azure, "request", Azure("Ready").request)
    pages.append(NOWHERE)
    with pytest.raises(UserError) as told:
        create(timeout=0.3)
    assert "bound to another site before" not in str(told.value)
    pages[:] = [GOOD, NOWHERE] * 200
    with pytest.raises(UserError, match="answers are Azure's own page .* bound to another site before"):
        create(timeout=0.3)


def test_who_may_not_ask_azure_waits_all_the_same(pages: list[Page], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise UserError("403")

    monkeypatch.setattr(azure, "request", refuse)
    pages += [NOWHERE, GOOD]
    create()


def test_a_token_goes_to_azure_resource_manager_alone() -> None:
    for path in ("@evil.example/subscriptions/x", "//evil.example/", "/providers/x", "https://evil.example/"):
        with pytest.raises(UserError, match="begins with /subscriptions/"):
            azure.request("GET", path, "2025-05-01")
