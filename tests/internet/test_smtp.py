"""Every address of a mail server is tried, within limits; what this machine can't try is said once."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from internet_servers import Hosts, Talk, listening, resolver
from security.hostile_smtp import Attack

from checks import judge
from checks.finding import Level
from internet import smtp
from internet.smtp import Host, Server

HOST = "mx.example.org"
ROOT = Path(__file__).parents[2]


@contextmanager
def probed(tmp_path: Path, old: tuple[str, ...], new: tuple[str, ...] = (), **kinds: str) -> Iterator[Host]:
    """What a mail server with these addresses answers; `kinds` has what is wrong, by the address's last number."""
    hosts = Hosts()
    hosts.ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = hosts.context(HOST)

    def talk(kind: str) -> Talk:
        ehlo = b"250 mx.test\r\n" if kind == "no STARTTLS" else b"250-mx.test\r\n250 STARTTLS\r\n"
        return Attack(ehlo=ehlo).talk(lambda sock: context.wrap_socket(sock, server_side=True))

    talks = {address: talk(kinds.get(f"n{address.rpartition('.')[2]}", "")) for address in old}
    talks = {
        address: each for address, each in talks.items() if kinds.get(f"n{address.rpartition('.')[2]}") != "closed"
    }
    records = {(HOST, "A"): old, (HOST, "AAAA"): new} if new else {(HOST, "A"): old}
    with listening(talks) as port, resolver(records) as view:
        yield smtp.probe(replace(view, ca_file=str(tmp_path / "ca.pem")), HOST, port)


def test_addresses_that_answer_alike_are_told_as_one(tmp_path: Path) -> None:
    with probed(tmp_path, ("127.0.0.2", "127.0.0.3")) as found:
        finding = judge.mail_server(HOST, found)
    assert [server.address for server in found.servers] == ["127.0.0.2", "127.0.0.3"]
    assert finding.level == Level.PASS
    assert finding.text.startswith(f"{HOST} offers STARTTLS with TLSv1.3, TLS_")
    assert "127.0.0" not in finding.text


def test_the_address_that_differs_is_named_and_decides(tmp_path: Path) -> None:
    with probed(tmp_path, ("127.0.0.2", "127.0.0.3"), n3="no STARTTLS") as found:
        finding = judge.mail_server(HOST, found)
    assert finding.level == Level.FAIL
    assert finding.text.startswith(f"{HOST} [127.0.0.3] offers no STARTTLS; {HOST} [127.0.0.2] offers STARTTLS")


def test_an_address_that_is_down_beside_one_that_answers_is_a_warning(tmp_path: Path) -> None:
    with probed(tmp_path, ("127.0.0.2", "127.0.0.3"), n3="closed") as found:
        finding = judge.mail_server(HOST, found)
    assert finding.level == Level.WARN
    assert finding.text.startswith(f"{HOST} [127.0.0.3] can't be reached there")
    assert finding.way_out != judge.BLOCKED  # which would say that this machine can't reach anything


def test_a_server_whose_addresses_are_all_down_is_not_checked(tmp_path: Path) -> None:
    refused = Server("192.0.2.1", connected=False, fault="no connection to 192.0.2.1:25 (x)")
    finding = judge.mail_server(HOST, Host(servers=(refused, refused)))
    assert (finding.level, finding.way_out) == (Level.UNCHECKED, judge.BLOCKED)


def test_eight_addresses_are_tried_ipv6_among_them_and_the_rest_is_told(tmp_path: Path) -> None:
    many = tuple(f"127.0.0.{at}" for at in range(11, 31))
    with probed(tmp_path, many, tuple(f"::ffff:127.0.1.{at}" for at in range(1, 7))) as found:
        finding = judge.mail_server(HOST, found)
    tried = [server.address for server in found.servers] + list(found.beyond)
    assert (len(tried), sum(":" in address for address in tried), found.unasked) == (8, 4, 18)
    assert "; 18 more addresses were not tried" in finding.text


def test_the_chain_is_handed_over_as_it_was_presented(tmp_path: Path) -> None:
    with probed(tmp_path, ("127.0.0.2",)) as found:
        (server,) = found.servers
    assert len(server.chain) == 1
    assert server.chain[0][:1] == b"\x30"


def test_where_dns_gives_only_one_kind_of_address_that_is_told() -> None:
    found = Host(servers=(Server("192.0.2.1", version="TLSv1.3", cipher="x", expires=4e9),), silent="has IPv6 addresses or not: x")  # fmt: skip
    finding = judge.mail_server(HOST, found)
    assert (finding.level, "has IPv6 addresses or not" in finding.text) == (Level.UNCHECKED, True)


SCRIPT = f"""
import sys; sys.path[:0] = ["tests", "tests/internet"]
from real_ports import bring_loopback_up
from internet_servers import listening, resolver
from security.hostile_smtp import Attack
from checks import judge
from internet import smtp
bring_loopback_up()
with listening(Attack(ehlo=b"250 x\\r\\n").talk(lambda sock: sock)) as port:
    with resolver({{("{HOST}", "A"): ("127.0.0.1",), ("{HOST}", "AAAA"): ("2600::1", "2600::2")}}) as view:
        both = smtp.probe(view, "{HOST}", port)
    with resolver({{("{HOST}", "AAAA"): ("2600::1",)}}) as view:
        alone = smtp.probe(view, "{HOST}", port)
for host in (both, alone):
    print(judge.mail_server("{HOST}", host).level, [server.address for server in host.servers], host.beyond)
print(judge.without_ipv6({{"{HOST}": both, "mx2": alone}}).text)
"""


def test_a_machine_without_ipv6_says_once_what_it_could_not_try() -> None:
    program = ("unshare", "--net") if os.geteuid() == 0 else ("unshare", "--net", "--map-root-user")
    if subprocess.run([*program, "true"], capture_output=True, check=False).returncode:
        pytest.skip("a network namespace may not be made here (unshare --net)")
    run = subprocess.run(
        [*program, sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert run.stdout.splitlines() == [
        "fail ['127.0.0.1'] ('2600::1', '2600::2')",
        "not checked [] ('2600::1',)",
        f"this machine has no IPv6, so these were not tried: {HOST} [2600::1, 2600::2], mx2 [2600::1]",
    ], run.stderr
