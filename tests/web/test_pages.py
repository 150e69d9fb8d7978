"""What a visitor of a policy host sees, as the local Azure serves web/, in a real browser."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import NEEDS_CHROMIUM, PHONE, fits, lowest_contrast, watched
from domains.staged import SITE, Case, stage

from components import website
from sandbox.control import Sandbox

pytestmark = NEEDS_CHROMIUM
ROOT = Path(__file__).parents[2]
HOST = "https://mta-sts.visited.test"


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the local Azure is, with web/ on a policy host."""
    files = website.read(ROOT / "web")
    with Sandbox(tmp_path_factory.mktemp("pages")) as sandbox:
        stage(sandbox, "visited.test", Case(config=json.loads(files.pop(website.CONFIG))))
        site, db = f"{SITE}/visited.test".lower(), sandbox.state.db
        db.execute("DELETE FROM files WHERE site = ? AND path = 'index.html'", (site,))
        db.executemany(
            "INSERT INTO files VALUES (?, ?, ?)", [(site, path, text.encode()) for path, text in files.items()]
        )
        yield sandbox.env()["HTTPS_PROXY"]


@pytest.fixture
def phone(browser: Any, proxy: str, request: pytest.FixtureRequest) -> Iterator[Any]:
    scheme = getattr(request, "param", "light")
    context = browser.new_context(
        viewport=PHONE, color_scheme=scheme, proxy={"server": proxy}, ignore_https_errors=True
    )
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("phone", ["light", "dark"], indirect=True)
@pytest.mark.parametrize(("path", "status", "heading"), [
    ("/", 200, "This address is for mail servers"),
    ("/about/us.html", 404, "There is no such page"),
])  # fmt: skip
def test_a_visitor_reads_on_a_phone_what_this_is(phone: Any, path: str, status: int, heading: str) -> None:
    wrong = watched(phone, HOST)
    assert phone.goto(HOST + path).status == status
    assert phone.locator("h1").inner_text() == heading
    assert "Take mta-sts. off the address" in phone.inner_text("main")
    assert phone.locator("script").count() == 0
    assert phone.evaluate("document.styleSheets[0].cssRules.length") > 0  # the headers let it in
    assert fits(phone)
    assert lowest_contrast(phone, "h1, p, li, a, code") >= 4.5
    assert [line for line in wrong if "status of 404" not in line] == []


def test_the_link_leads_to_the_policy(phone: Any) -> None:
    phone.goto(f"{HOST}/nothing")
    phone.click("text=the MTA-STS policy")
    assert phone.inner_text("body").startswith("version: STSv1")
