"""What is said of TLS, DNSSEC and DANE, beside what Postfix's posttls-finger makes of the same servers.

Real parts: a root and zones that BIND's tools have signed, BIND, Unbound that validates, mail servers on port 25.
"""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dane.corpus import BROKEN, CORPUS, NONE, Entry

ROOT = Path(__file__).parents[2]
NEEDED = {"named": "bind9", "unbound": "unbound", "posttls-finger": "postfix", "dnssec-signzone": "bind9-utils"}
NAMES = {title: f"case-{at}.{entry.zone}" for at, (title, entry) in enumerate(CORPUS.items(), 1)}


@dataclass
class Found:
    """By domain: our findings, and by level and family what posttls-finger says."""

    ours: dict[str, Any]
    theirs: dict[str, dict[tuple[str, str], str]]

    def line(self, name: str, check: str) -> dict[str, Any]:
        """The finding of a check; the first server's."""
        return next(line for line in self.ours[name]["lines"] if line["check"].split()[0] == check)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    for program, package in NEEDED.items():
        if not (shutil.which(program) or shutil.which(f"/usr/sbin/{program}")):
            pytest.skip(f"{program} is not installed (apt-get install {package})")
    if not Path("/proc/net/if_inet6").exists():
        pytest.skip("this kernel has no IPv6")
    program = ["unshare", "--net", "--mount", *(() if os.geteuid() == 0 else ("--map-root-user",))]
    if subprocess.run([*program, "true"], capture_output=True, check=False).returncode:
        pytest.skip("a network namespace may not be made here (unshare --net --mount)")
    env = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    run = subprocess.run(
        [*program, sys.executable, "tests/dane/staged.py", str(tmp_path_factory.mktemp("dane"))],
        cwd=ROOT, env=env, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    said = json.loads(run.stdout)
    theirs: dict[str, dict[tuple[str, str], str]] = {}
    for name, level, family, text in said["theirs"]:
        theirs.setdefault(name, {})[level, family] = text
    return Found({domain["name"]: domain for domain in said["ours"]}, theirs)


def test_the_corpus_is_large_enough() -> None:
    assert len(CORPUS) >= 60
    assert sum(bool(entry.tlsa) for entry in CORPUS.values()) >= 25


@pytest.mark.parametrize("title", CORPUS)
def test_each_set_up_is_told_as_what_it_is(found: Found, title: str) -> None:
    entry, at = CORPUS[title], list(CORPUS).index(title) + 1
    for check, (level, words) in (("server", entry.server), ("dane", entry.dane)):
        line = found.line(NAMES[title], check)
        assert (line["level"], words.replace("{at}", str(at)) in line["text"]) == (level, True), line
        assert line["way_out"] or level == "pass", line
    assert found.line(NAMES[title], "dnssec")["level"] == "pass"


@pytest.mark.parametrize("title", CORPUS)
def test_posttls_finger_verifies_whom_a_sender_would_deliver_to(found: Found, title: str) -> None:
    theirs, level = found.theirs[NAMES[title]], CORPUS[title].server[0]
    verified = {
        family: "Verified TLS connection" in text for (kind, family), text in theirs.items() if kind == "verify"
    }
    # One address that fails is a failure here, and one that is closed a warning; a sender may have taken another.
    assert all(verified.values()) is (level != "fail" or CORPUS[title].trusted), theirs


@pytest.mark.parametrize("title", CORPUS)
def test_posttls_finger_makes_the_same_of_the_tlsa_records(found: Found, title: str) -> None:
    theirs = {_made(text) for (kind, _), text in found.theirs[NAMES[title]].items() if kind == "dane-only"}
    ours = _ours(CORPUS[title])
    assert (ours in theirs and theirs <= {ours, "fits"}) if ours == "fails" else theirs == {ours}, theirs


def _ours(entry: Entry) -> str:
    level, words = entry.dane
    if entry.held:
        return "fits"
    if entry.dane == NONE or "DNSSEC" in words or "DS record" in words:
        return "none"
    return {"pass": "fits", "warn": "unusable", "fail": "fails"}[level]


def _made(text: str) -> str:
    if "all TLSA records unusable" in text or "no usable TLSA records" in text:
        return "unusable"
    if "no TLSA records found" in text:
        return "none"
    # "Trusted" is its word for DANE behind MX records that are not secure.
    held = "Matched DANE" in text and ("Verified TLS connection" in text or "Trusted TLS connection" in text)
    return "fits" if held else "fails"


@pytest.mark.parametrize("zone", BROKEN)
def test_a_zone_whose_dnssec_is_broken_fails_though_the_resolver_gives_nothing(found: Found, zone: str) -> None:
    line = found.line(zone, "dnssec")
    assert (line["level"], line["section"]) == ("fail", "RFC 4035 5")
    assert BROKEN[zone] in line["text"]
    assert "SERVFAIL" in line["way_out"]
    assert "Destination address lookup failed" in found.theirs[zone]["dane-only", "ipv4"]


def test_the_resolvers_own_word_is_told_beside_ours(found: Found) -> None:
    assert "; the resolver says so too (AD)" in found.line(NAMES["right"], "dnssec")["text"]
    assert "(AD)" not in found.line(NAMES["no DNSSEC"], "dnssec")["text"]


def test_protocol_and_cipher_of_every_address_are_in_the_json(found: Found) -> None:
    name = NAMES["IPv6 without STARTTLS"]
    at = list(CORPUS).index("IPv6 without STARTTLS") + 1
    old, new = found.ours[name]["servers"]
    assert (old["host"], old["address"], old["version"]) == (f"mx.{name}", f"127.25.0.{at}", "TLSv1.3")
    assert old["cipher"].startswith("TLS_AES_")
    assert old["expires"] > 0
    assert (new["address"], new["version"], new["fault"]) == (f"fd25::{at}", "", "offers no STARTTLS")
