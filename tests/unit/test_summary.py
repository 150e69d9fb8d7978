"""The last screen of `make up`: what stands, what a sender sees, what is next; within 80 columns and 24 lines."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from checks import show
from checks.finding import Domain, Finding, Level
from components.mail_domain import NEXT
from tools import summary

ID, HOST, MX = "53489ece145c54a18e5e1e0b1091f6a8", "mta-sts.example.org", "mail.example.org"
STANDS = {
    "policy": "main",
    "mode": "testing",
    "policyId": ID,
    "policyUrl": f"https://{HOST}/.well-known/mta-sts.txt",
}
SEEN = [
    Finding("record", Level.PASS, f"_mta-sts.example.org has the id {ID}, TTL 300 s"),
    Finding(
        "policy-host", Level.PASS, f"{HOST} answers 200, text/plain, 70 bytes in 0.1 s; its certificate is valid"
    ),
    Finding("policy", Level.PASS, f"mode testing, max_age 604800 s, mx {MX}"),
    Finding("id", Level.PASS, "the id is the hash of the policy that is served"),
    Finding("mx", Level.PASS, f"the policy allows {MX}"),
    Finding(
        f"server {MX}", Level.UNCHECKED, "no connection to 127.0.0.1:25", "RFC 8461 4.2", "Check from elsewhere"
    ),
    Finding(
        "dnssec", Level.UNCHECKED, "the resolver hands out no signatures", "RFC 4035 5", "Try another --resolver"
    ),
    Finding(f"dane {MX}", Level.PASS, f"{MX} has no TLSA record (for information)"),
    Finding("tls-reports", Level.PASS, "reports go to mailto:tls-reports@example.org"),
]


def pulumi(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """A pulumi that answers so."""
    (folder / "pulumi").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "pulumi").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_all_of_it_fits_one_screen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pulumi(tmp_path, monkeypatch, f"echo '{json.dumps({'domains': {'example.org': STANDS}})}'")
    assert summary.main() == 0
    seen, screen = [Domain("example.org", SEEN, mode="testing")], Console(file=io.StringIO(), width=80)
    show.domains(seen, screen)
    show.next_steps(seen, screen)
    lines = (capsys.readouterr().out + screen.file.getvalue()).splitlines()
    assert max(map(len, lines)) <= 80
    assert len(lines) <= 24
    text = " ".join(" ".join(lines).split())
    for words in ("What stands", "What a sender sees of example.org", f"Next for example.org: {NEXT['testing']}"):
        assert words in text
    assert any("mail.example.org: no connection" in line for line in lines)


def test_what_is_wrong_is_next(capsys: pytest.CaptureFixture[str]) -> None:
    bad = Domain(
        "bad.example", [*SEEN, Finding("mx", Level.FAIL, "not allowed", "", "Add it to mx")], mode="testing"
    )
    show.next_steps([Domain("example.org", SEEN, mode="testing"), bad], show.console())
    assert capsys.readouterr().out == "Next for bad.example: Add it to mx\n"


def test_without_a_stack_it_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pulumi(tmp_path, monkeypatch, "printf 'error: no stack\\n selected' >&2; exit 255")
    assert summary.main() == 1
    assert capsys.readouterr().err == "summary: error: no stack selected\n"
