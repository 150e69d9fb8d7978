"""Every fault of the corpus is found, named, and judged as clients that this project did not write judge it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from domains.corpus import CORPUS, named
from domains.staged import ROOT, mail_servers, run_checks, stage
from sandbox.control import Sandbox

NAMES = {case: f"case-{at}.test" for at, case in enumerate(CORPUS)}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """What we say, and what the others say, by domain."""
    with Sandbox(tmp_path_factory.mktemp("corpus")) as sandbox, mail_servers(sandbox) as port:
        for case, each in CORPUS.items():
            stage(sandbox, NAMES[case], named(each.case, NAMES[case]))
        run = run_checks(sandbox, "domain", *NAMES.values(), "--json", "--smtp-port", str(port))
        assert run.returncode == 2, run.stderr
        ours = {each["name"]: each for each in json.loads(run.stdout)}
        env = {**os.environ, **sandbox.env()}
        command = [sys.executable, "tests/senders.py", *NAMES.values()]
        others = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
        assert others.returncode == 0, others.stderr
        yield ours, json.loads(others.stdout)


def test_the_corpus_is_large_enough() -> None:
    assert sum(each.level != "pass" for each in CORPUS.values()) >= 40


@pytest.mark.parametrize("case", CORPUS)
def test_each_fault_is_found_and_nothing_else_is(found: Any, case: str) -> None:
    each, lines = CORPUS[case], found[0][NAMES[case]]["lines"]
    # How long an answer takes here is this machine's load.
    bad = [line for line in lines if line["level"] in ("warn", "fail") and "why it is slow" not in line["way_out"]]
    if each.level == "pass":
        assert bad == []
        return
    hits = [line for line in bad if line["check"].startswith(each.check) and line["level"] == each.level]
    assert any(each.words in line["text"] for line in hits), lines
    # One fault may show in more than one place, but never as a worse one, and each line says what to do.
    assert all(line["way_out"] for line in bad), bad
    assert {line["check"].split()[0] for line in bad} <= {each.check.split()[0], *ALSO.get(case, ())}, bad


ALSO = {
    "server without an address": ("mx",),
}


@pytest.mark.parametrize("case", CORPUS)
def test_other_clients_agree_or_the_rfc_decides(found: Any, case: str) -> None:
    each, name = CORPUS[case], NAMES[case]
    lines, theirs = found[0][name]["lines"], found[1][name]
    ours = not any(
        line["level"] == "fail" and line["check"] in ("record", "policy-host", "policy") for line in lines
    )
    assert (theirs["postfix"] == "VALID") is (ours if each.postfix is None else each.postfix), theirs
    assert theirs["checkdmarc"] is (ours if each.checkdmarc is None else each.checkdmarc), theirs
