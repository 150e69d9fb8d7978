"""HTTPS without a proxy: every address is asked, and a certificate is the host's own or none."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from internet_servers import Hosts, https, listening, page, resolver
from ports import free_port

from internet import https as ours
from internet.https import FetchError, fetch
from internet.view import View

HOST = "mta-sts.example.org"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def hosts() -> Hosts:
    return Hosts()


@pytest.fixture
def view(hosts: Hosts, tmp_path: Path) -> Iterator[View]:
    hosts.ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with resolver({(HOST, "A"): ("127.0.0.1",)}) as view:
        yield replace(view, ca_file=str(tmp_path / "ca.pem"))


def test_the_policy_comes_from_the_address_itself(
    hosts: Hosts, view: View, monkeypatch: pytest.MonkeyPatch
) -> None:
    closing = page(b"policy", "Content-Type: text/plain\r\nConnection: close")
    with listening(https(hosts.context(HOST), closing)) as port:
        monkeypatch.setattr(ours, "PORT", port)
        (answer,) = fetch(view, HOST, "/x").pages
    assert (answer.status, answer.media_type, answer.body) == (200, "text/plain", b"policy")
    assert answer.expires


@pytest.mark.parametrize("name", ["other.example.org", "*.org", "example.org"])
def test_a_certificate_for_another_name_is_told_as_not_valid_yet(
    hosts: Hosts, view: View, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    with listening(https(hosts.context(name), page(b"policy"))) as port:
        monkeypatch.setattr(ours, "PORT", port)
        with pytest.raises(FetchError, match=rf"the certificate is not valid for {HOST} yet \("):
            fetch(view, HOST, "/x")


def test_a_certificate_with_nothing_but_a_common_name_is_none(
    hosts: Hosts, view: View, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = hosts.context("other.example.org")
    hosts.ca.issue_cert("other.example.org", common_name=HOST).configure_cert(context)
    with listening(https(context, page(b"policy"))) as port:
        monkeypatch.setattr(ours, "PORT", port)
        with pytest.raises(FetchError, match="is not valid for"):
            fetch(view, HOST, "/x")


def test_a_port_that_is_closed_is_a_failure_that_names_the_host(
    view: View, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ours, "PORT", free_port())
    with pytest.raises(FetchError, match=rf"^{HOST}: .*refused"):
        fetch(view, HOST, "/x")


def test_on_the_real_ports_it_is_as_a_sender_has_it(tmp_path: Path) -> None:
    """In a network of its own, with no proxy: name server on port 53, hosts on 443."""
    program = ("unshare", "--net") if os.geteuid() == 0 else ("unshare", "--net", "--map-root-user")
    if subprocess.run([*program, "true"], capture_output=True, check=False).returncode:
        pytest.skip("a network namespace may not be made here (unshare --net)")
    env = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    run = subprocess.run(
        [*program, sys.executable, "tests/internet/real_ports.py", str(tmp_path)],
        cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    right, wrong = json.loads(run.stdout)
    assert {line["check"]: line["level"] for line in right["lines"]}["policy-host"] == "pass", right
    told = next(line for line in wrong["lines"] if line["check"] == "policy-host")
    assert told["level"] == "fail"
    assert "the certificate is not valid for mta-sts.wrong.example yet (" in told["text"]
