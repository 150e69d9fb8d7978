"""Reports are read out of whatever they come in; what is broken or hostile is counted and named."""

import gzip
import io
import json
import mailbox
import zipfile
from pathlib import Path
from typing import Any

import pytest

from checks.reading import Broken, Report, read
from checks.tally import LARGEST as KEYS
from checks.tally import Tally
from checks.unpacking import UNPACKED as LARGEST
from reports.samples import gzipped, mail, report, text, zipped

FORMATS: dict[str, bytes] = {
    "JSON": text(report()),
    "JSON with a byte order mark": b"\xef\xbb\xbf" + text(report()),
    "gzip": gzipped(report()),
    "zip": zipped(**{"report.json": text(report())}),
    "gzip in zip": zipped(**{"report.json.gz": gzipped(report())}),
    "a mail with gzip": mail(gzipped(report())),
    "a mail with JSON": mail(text(report()), "tlsrpt+json", "report.json"),
    "a mail with zip": mail(zipped(**{"report.json": text(report())}), "zip", "report.zip"),
    "a mail that says octet-stream": mail(gzipped(report()), "octet-stream"),
}


@pytest.mark.parametrize("name", FORMATS)
def test_what_it_is_is_told_by_its_content(tmp_path: Path, name: str) -> None:
    path = tmp_path / "whatever.bin"
    path.write_bytes(FORMATS[name])
    found = list(read([path]))
    assert [type(each) for each in found] == [Report], found
    assert isinstance(found[0], Report)
    assert (found[0].sender, found[0].policies[0].domain, found[0].policies[0].good) == ("Sender Inc.", "example.org", 100)  # fmt: skip


def test_mailboxes_and_folders_are_walked(tmp_path: Path) -> None:
    box = mailbox.mbox(tmp_path / "mbox")
    for at in range(3):
        box.add(mail(gzipped(report(at))))
    box.add(b"Subject: lunch?\n\nSee you.\n")
    box.flush()
    maildir = mailbox.Maildir(tmp_path / "Maildir")
    for at in range(3, 5):
        maildir.add(mail(gzipped(report(at))))
    (tmp_path / "Maildir" / "tmp" / "half").write_bytes(b"half a mail")
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "r.json").write_bytes(text(report(9)))
    tally = Tally().add(read([tmp_path]))
    assert (tally.reports, tally.broken) == (6, 1)
    assert "mail 4" in tally.named[0].where
    assert tally.named[0].why == "holds no report"


def changed(**changes: Any) -> bytes:
    return text({**report(), **changes})


def summary(**changes: Any) -> bytes:
    given = report(failures=(("certificate-expired", "mx", 3),))
    given["policies"][0]["summary"] |= changes
    return text(given)


TOLERATED: dict[str, bytes] = {
    "numbers as texts": summary(**{"total-successful-session-count": "100"}),
    "no failure-details": text({**report(), "policies": [{k: v for k, v in report()["policies"][0].items() if k != "failure-details"}]}),
    "failure-details null": text({**report(), "policies": [{**report()["policies"][0], "failure-details": None}]}),
    "one policy, not in a list": text({**report(), "policies": report()["policies"][0]}),
    "a day without a time": changed(**{"date-range": {"start-datetime": "2026-03-01", "end-datetime": "2026-03-02"}}),
    "a time with an offset": changed(**{"date-range": {"start-datetime": "2026-03-01T00:00:00+00:00"}}),
    "no organization": text({k: v for k, v in report().items() if k != "organization-name"}),
    "more fields": changed(extra={"a": [1]}),
}  # fmt: skip


@pytest.mark.parametrize("name", TOLERATED)
def test_what_senders_really_write_is_tolerated(tmp_path: Path, name: str) -> None:
    (tmp_path / "r").write_bytes(TOLERATED[name])
    tally = Tally().add(read([tmp_path / "r"]))
    assert (tally.reports, tally.broken) == (1, 0), tally.named
    assert tally.domains["example.org"].good == 100


def bomb() -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for at in range(20):
            archive.writestr(f"{at}.json", b" " * LARGEST)
    return data.getvalue()


def nested() -> bytes:
    data = text(report())
    for _ in range(9):
        data = gzip.compress(data)
    return data


HOSTILE: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "holds no report"),
    "noise": (bytes(range(256)) * 50, "holds no report"),
    "half a gzip": (gzipped(report())[:-20], "can't be read"),
    "half a zip": (zipped(a=text(report()))[:-30], "can't be read"),
    "half a JSON": (text(report())[:-20], "no valid JSON"),
    "gzip bomb": (gzip.compress(b" " * (LARGEST * 20)), f"more than {LARGEST} bytes"),
    "zip bomb": (bomb(), f"more than {LARGEST} bytes"),
    "many files": (zipped(**{f"{at}.json": b"{}" for at in range(200)}), "holds 200 files"),
    "packed too deep": (nested(), "packed too deep"),
    "deep JSON": (b'{"policies":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deep"),
    "other JSON": (b'{"a": 1}', "no policies"),
    "a list": (b"[1, 2]", "no policies"),
    "policies a number": (changed(policies=7), "int where an object belongs"),
    "no dates": (text({"policies": []}), "has no 'date-range'"),
    "dates a list": (changed(**{"date-range": []}), "list where an object belongs"),
    "no day": (changed(**{"date-range": {"start-datetime": "yesterday"}}), "can't be read"),
    "a negative count": (summary(**{"total-successful-session-count": -1}), "has the number -1"),
    "a huge count": (summary(**{"total-successful-session-count": 10**400}), "has the number"),
    "a count in words": (summary(**{"total-successful-session-count": "many"}), "can't be read"),
    "a count true": (summary(**{"total-successful-session-count": True}), "bool where a number belongs"),
    "a count infinite": (text(report()).replace(b"100", b"Infinity"), "can't be read"),
    "an encrypted zip": (zipped(a=b"x").replace(b"\x14\x00\x00\x00\x08", b"\x14\x00\x01\x00\x08"), "can't be read"),
    "text that isn't UTF-8": (text(report()).replace(b"Sender", b"\xff\xfe\xfd"), "can't be read"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_broken_is_counted_and_named_and_the_rest_is_read(tmp_path: Path, name: str) -> None:
    data, why = HOSTILE[name]
    (tmp_path / "1-bad").write_bytes(data)
    (tmp_path / "2-good").write_bytes(text(report()))
    tally = Tally().add(read([tmp_path]))
    assert (tally.reports, tally.broken) == (1, 1), tally.named
    assert tally.named[0].where.startswith(str(tmp_path / "1-bad"))
    assert why in tally.named[0].why


def test_repeated_reports_count_once_and_earlier_days_not_at_all(tmp_path: Path) -> None:
    from datetime import date

    for at in range(3):
        (tmp_path / f"a{at}").write_bytes(text(report(1, day=3)))
    (tmp_path / "old").write_bytes(text(report(2, day=0)))
    tally = Tally(since=date(2026, 3, 2)).add(read([tmp_path]))
    assert (tally.reports, tally.repeated, tally.earlier) == (1, 2, 1)


def test_strangers_can_not_grow_the_tables_without_end() -> None:
    def flood() -> Any:
        from checks.reading import report as parse

        for at in range(KEYS + 500):
            given = report(
                at, domain=f"d{at}.example", sender=f"s{at}", failures=((f"r{at}", f"mx{at}.example", 1),)
            )
            yield parse(json.dumps(given).encode())

    tally = Tally().add(flood())
    assert tally.reports == KEYS + 500
    for table in (tally.senders, tally.results, tally.servers, tally.domains):
        assert len(table) <= KEYS + 1
        assert "(others)" in table


def test_a_broken_report_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"{")
    found = list(read([tmp_path / "x"]))
    assert isinstance(found[0], Broken)
    assert "\n" not in found[0].why
