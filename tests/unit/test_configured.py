"""Reading the stack's secrets by the Pulumi CLI."""

from pathlib import Path

import pytest

from policy import UserError
from provider import configured


def pulumi(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """A `pulumi` on PATH that does this."""
    (folder / "pulumi").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "pulumi").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setattr(configured.time, "sleep", lambda _: None)
    configured.read.cache_clear()


def test_a_state_that_is_being_written_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    again = f"[ -e {tmp_path}/second ] || {{ touch {tmp_path}/second; echo 'error: failed to load checkpoint: EOF' >&2; exit 255; }}"
    pulumi(tmp_path, monkeypatch, f'{again}\necho \'{{"passphrase": "x"}}\'')
    assert configured.read("organization/mta-sts/ci", "mta-sts:azureDevOps") == {"passphrase": "x"}


@pytest.mark.parametrize(
    ("script", "line"),
    [
        (
            "echo 'error: failed to load checkpoint: EOF' >&2; exit 255",
            "failed to load checkpoint: EOF; the secrets there",
        ),
        ("echo 'error: incorrect passphrase' >&2; exit 255", "incorrect passphrase; the secrets there stand in"),
        ("echo text", "it is no map any more"),
    ],
)
def test_what_stays_wrong_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, line: str
) -> None:
    pulumi(tmp_path, monkeypatch, script)
    with pytest.raises(UserError) as error:
        configured.read("organization/mta-sts/ci", "mta-sts:dns")
    assert line in str(error.value)
    assert len(str(error.value).splitlines()) == 1
