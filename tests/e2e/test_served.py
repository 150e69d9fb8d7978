"""What a site serves, and what it doesn't: the files of web/ and the policy, with headers that keep browsers strict."""

import json
import ssl
from collections.abc import Callable

import pytest
import urllib3
from harness import ROOT, Stack

Fetch = Callable[..., urllib3.BaseHTTPResponse]
HEADERS = {
    "Strict-Transport-Security": "max-age=",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'",
    "Referrer-Policy": "no-referrer",
}


@pytest.fixture
def get(stack: Stack):
    stack.up()
    env = stack.environment
    context = ssl.create_default_context(cafile=env["SSL_CERT_FILE"])
    with urllib3.ProxyManager(env["HTTPS_PROXY"], ssl_context=context) as through:

        def fetch(path: str, method: str = "GET") -> urllib3.BaseHTTPResponse:
            return through.request(method, f"https://mta-sts.example.org{path}", redirect=False, retries=False)

        yield fetch


def test_only_the_files_of_the_site_are_reachable_and_each_answer_has_the_headers(get) -> None:
    published = {path.relative_to(ROOT / "web").as_posix() for path in (ROOT / "web").rglob("*") if path.is_file()}
    for name in published - {"staticwebapp.config.json"}:
        assert get(f"/{name}").status in (200, 404 if name == "404.html" else 200), name
    policy = get("/.well-known/mta-sts.txt")
    assert policy.status == 200
    assert policy.headers["Content-Type"].startswith("text/plain")
    for path in ("/", "/.well-known/mta-sts.txt", "/nothing"):
        answer = get(path)
        for name, start in HEADERS.items():
            assert answer.headers.get(name, "").startswith(start), (path, name)
    for path in (
        "/staticwebapp.config.json",
        "/.git/config",
        "/.well-known/",
        "/../etc/passwd",
        "/%2e%2e/__main__.py",
        "/Pulumi.yaml",
    ):
        assert get(path).status == 404, path
    for method in ("POST", "PUT", "DELETE"):
        assert get("/.well-known/mta-sts.txt", method).status in (404, 405), method


def test_the_pages_load_nothing_from_elsewhere() -> None:
    for path in (ROOT / "web").glob("*.html"):
        assert "http:" not in path.read_text().replace("http://www.w3.org", "")
        assert "<script" not in path.read_text()
    config = json.loads((ROOT / "web" / "staticwebapp.config.json").read_text())
    assert "default-src 'none'" in config["globalHeaders"]["Content-Security-Policy"]
