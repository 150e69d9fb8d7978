"""What a run tells, from what it looks at: first runs, flapping, quiet hours, digests, channels, a state that breaks."""

import argparse
import errno
import json
import os
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from checks import __main__ as checks_command
from checks import history
from checks.finding import Domain, Finding, Level
from checks.judge import AZURE_RENEWS
from checks.notify import channels
from checks.tally import Tally
from checks.watch import run as run_module
from checks.watch.memory import StateFile
from checks.watch.run import Run, _within, watch
from policy import UserError

from .receivers import Webhook, webhook

NOON = datetime(2026, 3, 2, 12).timestamp()  # a Monday, by the local clock
DAY = 86_400
STARTTLS = "server mx1.example.org"


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Webhook]:
    with webhook() as made:
        monkeypatch.setenv("MTA_STS_NOTIFY", f"json://127.0.0.1:{made.port}/")
        yield made


class Clock:
    """Seconds that the tests choose."""

    def __init__(self) -> None:
        self.now = NOON

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(run_module.time, "time", made.time)
    return made


def domain(name: str = "example.org", mode: str = "testing", **levels: Level) -> Domain:
    """A domain with these checks; `server` is its mail server's."""
    given = {"record": Level.PASS, "policy_host": Level.PASS, "mx": Level.PASS, "server": Level.PASS, **levels}
    names = {"server": f"server mx1.{name}"}
    lines = [Finding(names.get(check, check.replace("_", "-")), level, f"{check} is {level}", "RFC 8461 4.2", "Mend it") for check, level in given.items()]  # fmt: skip
    return Domain(name, lines, mode)


class Watched:
    """Runs with one state."""

    def __init__(self, folder: Path) -> None:
        self.state = folder / "state.json"
        self.looks = 0

    def __call__(self, *looks: Domain, gather: Callable[[], Tally] | None = None, **options: Any) -> Run:
        """One run that sees a domain so: at the first look, at the next one, …"""
        given = argparse.Namespace(state=self.state, history=None, notify_file=None, certificate_days=21, silent_days=5,
                                   testing_weeks=8, digest="monday", no_digest=False, quiet=None, pause=1e-6, json=False)  # fmt: skip
        vars(given).update(options)
        left = list(looks)
        self.looks = 0

        def look(names: list[str]) -> list[Domain]:
            self.looks += 1
            found = left.pop(0) if len(left) > 1 else left[0]
            assert names == [found.name]
            return [found]

        run = Run(given, [looks[0].name], gather, channels(os.environ))
        run.look(look)
        run.tell()
        return run


@pytest.fixture
def watched(tmp_path: Path, clock: Clock) -> Watched:
    return Watched(tmp_path)


def changes(run: Run) -> list[str]:
    return [f"{change.what} {change.trouble.level}: {change.trouble.check}" for change in run.changes]


def test_what_is_wrong_at_the_first_run_is_new(watched: Watched) -> None:
    run = watched(domain(server=Level.FAIL, mx=Level.WARN))
    assert changes(run) == ["new warn: mx", f"new fail: {STARTTLS}"]
    assert run.exit_code == 2


def test_a_warning_that_becomes_a_failure_is_worse_and_not_the_other_way_round(watched: Watched) -> None:
    watched(domain())
    assert changes(watched(domain(mx=Level.WARN))) == ["new warn: mx"]
    assert changes(watched(domain(mx=Level.WARN))) == []
    run = watched(domain(mx=Level.FAIL))
    assert (changes(run), run.exit_code) == (["worse fail: mx"], 2)
    run = watched(domain(mx=Level.WARN))
    assert (changes(run), run.exit_code) == ([], 0)
    assert changes(watched(domain())) == ["mended warn: mx"]


def test_one_more_of_the_same_kind_is_worse(watched: Watched) -> None:
    watched(domain(mx=Level.WARN))
    second = domain(mx=Level.WARN)
    second.lines.append(Finding("mx", Level.WARN, "and mx2"))
    assert changes(watched(second)) == ["worse warn: mx"]


def test_what_was_not_checked_is_neither_worse_nor_mended(watched: Watched) -> None:
    watched(domain(server=Level.FAIL))
    for seen in (
        domain(server=Level.UNCHECKED),
        Domain("example.org", [Finding("record", Level.UNCHECKED, "no answer")]),
    ):
        assert changes(watched(seen)) == []
    silent = domain(policy_host=Level.FAIL, server=Level.FAIL)
    silent.lines = [line for line in silent.lines if line.check != "mx"]  # says nothing where no policy is served
    assert changes(watched(silent)) == ["new fail: policy-host"]
    assert changes(watched(domain())) == ["mended fail: policy-host", f"mended fail: {STARTTLS}"]


def test_without_mail_servers_nothing_is_said_of_them(watched: Watched) -> None:
    watched(domain(server=Level.FAIL))
    bare = domain()
    bare.lines = [line for line in bare.lines if not line.check.startswith("server")]
    assert changes(watched(bare)) == []


def test_a_mail_server_that_is_gone_is_mended(watched: Watched) -> None:
    watched(domain(server=Level.FAIL))
    other = domain()
    other.lines = [line for line in other.lines if not line.check.startswith("server")]
    other.lines.append(Finding("server mx2.example.org", Level.UNCHECKED, "closed"))
    assert changes(watched(other)) == [f"mended fail: {STARTTLS}"]


def test_a_change_counts_when_it_is_seen_twice(watched: Watched) -> None:
    watched(domain())
    assert watched.looks == 1  # nothing new, no second look
    assert changes(watched(domain(server=Level.FAIL), domain())) == []
    assert watched.looks == 2
    assert changes(watched(domain(mx=Level.FAIL), domain(mx=Level.WARN))) == ["new warn: mx"]
    assert changes(watched(domain(), domain(mx=Level.WARN))) == []  # not mended either
    assert changes(watched(domain(mx=Level.WARN), domain(mx=Level.WARN, server=Level.FAIL))) == []
    assert watched.looks == 1


def test_an_older_look_does_not_undo_a_newer_one(watched: Watched, clock: Clock) -> None:
    watched(domain(server=Level.FAIL))
    clock.now -= 60
    assert changes(watched(domain())) == []


@pytest.mark.parametrize(("days", "level"), [(30, None), (20, "warn"), (6, "fail")])
def test_certificates_have_a_threshold_of_their_own(watched: Watched, days: int, level: str | None) -> None:
    seen = domain()
    seen.lines[1] = Finding("policy-host", Level.WARN if days < 14 else Level.PASS, "answers", way_out=AZURE_RENEWS, expires=NOON + days * DAY)  # fmt: skip
    seen.lines[3] = Finding(STARTTLS, Level.PASS, "answers", expires=NOON + days * DAY)
    expected = [f"new {level}: certificate {which}" for which in ("of the policy host", "mx1.example.org")]
    assert changes(watched(seen)) == (expected if level else [])


def test_a_certificate_gets_worse_and_is_renewed(watched: Watched) -> None:
    def with_days(days: int, level: Level = Level.PASS) -> Domain:
        seen = domain()
        seen.lines[3] = Finding(
            STARTTLS, level, "x", expires=NOON + days * DAY if level != Level.UNCHECKED else None
        )
        return seen

    check = "certificate mx1.example.org"
    told = [changes(watched(each)) for each in (with_days(20), with_days(10), with_days(5), with_days(0, Level.UNCHECKED), with_days(90))]  # fmt: skip
    assert told == [[f"new warn: {check}"], [], [f"worse fail: {check}"], [], [f"mended fail: {check}"]]


def test_testing_that_goes_on_for_weeks_is_told_once(watched: Watched, clock: Clock) -> None:
    watched(domain())
    clock.now += 55 * DAY
    assert changes(watched(domain())) == []
    clock.now += DAY
    run = watched(domain())
    assert changes(run) == ["new warn: testing"]
    assert run.changes[0].trouble.text == "still in testing, since 2026-03-02: senders deliver whatever fails"
    clock.now += 30 * DAY
    assert changes(watched(domain())) == []
    assert changes(watched(domain(mode="enforce"))) == ["mended warn: testing"]


def test_a_channel_that_comes_later_is_told_how_everything_stands(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MTA_STS_NOTIFY", raising=False)
    watched(domain(server=Level.FAIL))
    with webhook() as hook:
        monkeypatch.setenv("MTA_STS_NOTIFY", f"json://127.0.0.1:{hook.port}/")
        for _ in range(2):
            run = watched(domain(server=Level.FAIL))
            assert run.exit_code == 0
        (post,) = hook.taken()
    assert post["title"] == "MTA-STS: watching 1 domain, 1 with failures"
    assert "server mx1.example.org: server is fail (since 2026-03-02)" in post["message"]


def test_what_could_not_be_told_is_told_later_as_it_stands_then(watched: Watched, hook: Webhook) -> None:
    watched(domain())
    hook.taken()
    hook.answer = 500
    run = watched(domain(server=Level.FAIL, mx=Level.WARN))
    assert run.problems == ["notification 1 (json): it answers 500; it is told with the next run"]
    assert (run.exit_code, watched(domain(server=Level.FAIL)).exit_code) == (2, 74)
    hook.answer = 200
    run = watched(domain())
    assert run.exit_code == 0
    (post,) = hook.taken()
    assert post["title"] == "MTA-STS: 2 mended: example.org"
    watched(domain())
    assert hook.taken() == []


def test_at_night_nothing_is_sent_but_failures_in_enforce(watched: Watched, hook: Webhook, clock: Clock) -> None:
    watched(domain())
    hook.taken()
    clock.now += 12 * 3600
    run = watched(domain(mx=Level.WARN), quiet=(22, 7))
    assert (run.held, run.exit_code, hook.taken()) == (True, 1, [])
    clock.now += 3600
    watched(domain(mode="enforce", mx=Level.WARN, server=Level.FAIL), quiet=(22, 7))
    (post,) = hook.taken()
    assert post["title"] == "MTA-STS: 1 new failure, 1 new warning: example.org"
    clock.now += 3600
    watched(domain(mode="enforce"), quiet=(22, 7))
    assert hook.taken() == []
    clock.now += 5 * 3600
    watched(domain(mode="enforce"), quiet=(22, 7))
    assert [post["title"] for post in hook.taken()] == ["MTA-STS: 2 mended: example.org"]


def test_quiet_hours_may_lie_within_a_day_or_over_midnight() -> None:
    def inside(hours: tuple[int, int]) -> list[int]:
        return [hour for hour in range(24) if _within(hours, datetime(2026, 3, 2, hour, 30).timestamp())]

    assert inside((22, 7)) == [*range(7), 22, 23]
    assert inside((12, 14)) == [12, 13]
    assert not _within(None, NOON)


def test_a_digest_comes_once_a_week_even_if_all_is_well(watched: Watched, hook: Webhook, clock: Clock) -> None:
    watched(domain(), digest="wednesday")
    days: dict[str, list[str]] = {}
    hook.taken()
    for _ in range(16):
        clock.now += DAY
        watched(domain(), digest="wednesday")
        if posts := hook.taken():
            days[datetime.fromtimestamp(clock.now).strftime("%a %d")] = [post["title"] for post in posts]
    assert list(days) == ["Wed 04", "Wed 11", "Wed 18"]
    assert all(titles == ["MTA-STS: watching 1 domain, all well"] for titles in days.values())
    clock.now += 9 * DAY  # the machine was off on Wednesday
    watched(domain(), digest="wednesday")
    assert len(hook.taken()) == 1
    clock.now += 20 * DAY
    watched(domain(), digest="wednesday", no_digest=True)
    assert hook.taken() == []


def test_changes_and_digest_are_one_message(watched: Watched, hook: Webhook, clock: Clock) -> None:
    watched(domain())
    hook.taken()
    clock.now += 7 * DAY
    watched(domain(server=Level.FAIL))
    (post,) = hook.taken()
    assert post["title"] == "MTA-STS: 1 new failure: example.org"
    assert "The state of 1 domain:\n  example.org: fail (testing)" in post["message"]


def test_a_full_disk_repeats_rather_than_keeps_silent(
    watched: Watched, hook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched(domain())
    hook.taken()
    before = watched.state.read_text()

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", full)
        run = watched(domain(server=Level.FAIL))
    assert run.problems == ["what was seen can't be kept (No space left on device): the next run tells it again"]
    assert watched.state.read_text() == before
    assert [each.name for each in watched.state.parent.iterdir() if each.suffix != ".lock"] == ["state.json"]
    watched(domain(server=Level.FAIL))
    assert len(hook.taken()) == 2


@pytest.mark.parametrize("text", ["", "[]", "{", '{"watch": 7}', '{"watch": {"version": 9}}', '{"watch": {"version": 1, "domains": {"a": {}}}}'])  # fmt: skip
def test_a_state_that_is_none_is_said_to_be_that(watched: Watched, text: str) -> None:
    watched.state.write_text(text)
    with pytest.raises(UserError, match="is no state of watch; move it away to begin anew"):
        watched(domain())
    assert watched.state.read_text() == text


def test_reports_that_cannot_be_read_are_a_line_and_the_rest_goes_on(watched: Watched) -> None:
    def gather() -> Tally:
        raise UserError("graph://tls@example.org: no such mailbox")

    run = watched(domain(mx=Level.WARN), gather=gather)
    assert changes(run) == ["new warn: mx"]
    assert run.problems == ["the reports say nothing: graph://tls@example.org: no such mailbox"]
    assert run.exit_code == 74


def test_a_check_that_breaks_is_named(watched: Watched) -> None:
    seen = domain()
    seen.lines.append(Finding("id", Level.UNCHECKED, "this check broke (KeyError)", defect=True))
    run = watched(seen)
    assert (run.exit_code, run.problems) == (70, ["example.org: id: this check broke (KeyError)"])


def test_json_is_everything_and_nothing_new_prints_nothing(
    watched: Watched, capsys: pytest.CaptureFixture[str], clock: Clock
) -> None:
    run = watched(domain(server=Level.FAIL), json=True)
    run.show()
    found = json.loads(capsys.readouterr().out)
    assert found["changes"][0]["what"] == "new"
    assert found["domains"]["example.org"]["troubles"][0]["check"] == STARTTLS
    watched(domain(server=Level.FAIL)).show()
    assert capsys.readouterr() == ("", "")


def test_a_history_keeps_the_state_too(watched: Watched, tmp_path: Path) -> None:
    place = str(tmp_path / "history.db")
    options = {"state": None, "history": place}
    assert changes(watched(domain(mx=Level.WARN), **options)) == ["new warn: mx"]
    assert changes(watched(domain(mx=Level.WARN), **options)) == []
    with history.open(place) as kept:
        assert list(kept.remembered("watch")["domains"]) == ["example.org"]


class Blob:
    """A history elsewhere, that another run changes while this one works."""

    def __init__(self, changed: list[Any], value: list[Any]) -> None:
        self.changed, self.value = changed, value

    def __enter__(self) -> "Blob":
        self.mine = list(self.value)
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None and self.changed:
            self.value[:] = [self.changed.pop(0)]
            raise history.ChangedError("azblob://state/x was changed by another run meanwhile; run this again")
        self.value[:] = self.mine

    def remember(self, _: str, value: Any) -> None:
        self.mine = [json.loads(json.dumps(value))]

    def remembered(self, _: str) -> Any:
        return self.mine[0] if self.mine else None


def test_of_two_runs_with_one_blob_the_later_finds_what_the_earlier_has_told(
    watched: Watched, hook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched(domain(mx=Level.WARN))  # what the other run will have kept
    hook.taken()
    theirs = json.loads(watched.state.read_text())["watch"]
    value: list[Any] = []
    changed: list[Any] = []
    monkeypatch.setattr(history, "open", lambda _: Blob(changed, value))
    real = Blob.remember

    def meanwhile(blob: Blob, key: str, given: Any) -> None:
        changed[:] = [theirs] if not value else []
        real(blob, key, given)

    monkeypatch.setattr(Blob, "remember", meanwhile)
    run = watched(domain(mx=Level.WARN), state=None, history="azblob://state/x")
    assert (changes(run), run.problems, hook.taken()) == ([], [], [])


def test_without_a_place_for_the_state_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="say where to keep what was seen: --state FILE, or --history FILE"):
        Watched(tmp_path)(domain(), state=None)


def test_a_state_file_is_whole_and_private(tmp_path: Path) -> None:
    file = StateFile(tmp_path / "s")
    file.remember("watch", {"a": 1})
    file.remember("other", 2)
    assert (file.remembered("watch"), file.remembered("other"), file.remembered("none")) == ({"a": 1}, 2, None)
    assert (tmp_path / "s").stat().st_mode & 0o777 == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["s"]


def test_the_command_line_has_it() -> None:
    options = checks_command.parser().parse_args(["watch", "example.org", "--state", "s", "--quiet", "22-7"])
    assert (options.quiet, options.digest, options.testing_weeks) == ((22, 7), "monday", 8)
    assert watch
