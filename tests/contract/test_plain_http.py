"""Port 80: every host leads on to https, and nothing else is served there."""

import http.client
import os
import socket
from pathlib import Path

import pytest
import urllib3
from contract_tools import Clients

from sandbox.control import Sandbox


@pytest.fixture
def host(azure: Clients) -> str:
    azure.groups.resource_groups.create_or_update("rg", {"location": "westeurope"})
    return azure.site().default_hostname


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_site_leads_from_http_to_https_through_the_proxy(host: str, method: str) -> None:
    with urllib3.ProxyManager(os.environ["HTTPS_PROXY"]) as through:
        answer = through.request(method, f"http://{host}/.well-known/x?y=z", redirect=False, retries=False)
    assert answer.status == 301
    assert answer.headers["Location"] == f"https://{host}/.well-known/x?y=z"


def test_a_stranger_is_refused_there_too(host: str) -> None:
    with urllib3.ProxyManager(os.environ["HTTPS_PROXY"]) as through:
        answer = through.request("GET", "http://example.com/", redirect=False, retries=False)
    assert answer.status == 403
    assert "nothing leaves the machine" in answer.data.decode()


def test_it_has_a_port_of_its_own(host: str, sandbox: Sandbox) -> None:
    assert sandbox.running
    direct = http.client.HTTPConnection("127.0.0.1", sandbox.running["http"], timeout=30)
    direct.request("GET", "/", headers={"Host": host})
    answer = direct.getresponse()
    assert (answer.status, answer.headers["Location"]) == (301, f"https://{host}/")
    direct.close()


def test_the_port_can_be_chosen(tmp_path: Path) -> None:
    """80, in a network of one's own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    sandbox = Sandbox(tmp_path)
    try:
        sandbox.up(http=port)
        assert sandbox.running
        assert sandbox.running["http"] == port
    finally:
        sandbox.reset()
