"""The readers. Each is given bytes, and raises where something doesn't hold."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from reports.samples import gzipped, mail, text, zipped
from reports.samples import report as sample
from security.texts import TEXTS

from checks.reading import Broken, Report, read_bytes, report
from checks.shown import as_json, label, shown
from checks.signed import Signatures
from checks.tally import Tally
from checks.unpacking import UnreadableError
from checks.verdict import of_reports
from policy import MxPattern, Policy, PolicyError, StsRecord, TlsRptRecord
from settings import fleet, rows
from settings.policies import Hosted, Hosting
from settings.reader import Reader
from zones import Dns

COMMANDS = re.compile(r"##\w*\[", re.IGNORECASE)
KEY = b"v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC7"
SIGNATURE = (
    b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/simple; d=x.example; s=s; h=from:to; bh=AAAA; b=AAAA\r\n"
)
RESULTS = b"Authentication-Results: mx; spf=pass (a) smtp.mailfrom=b; dkim=fail header.d=sender.example\r\n"


@dataclass(frozen=True)
class Target:
    """One reader.

    :param seeds: inputs to begin with.
    :param words: what to put into inputs.
    """

    run: Callable[[bytes], None]
    seeds: list[bytes]
    words: tuple[bytes, ...] = ()


def reports(data: bytes) -> None:
    """Whatever a file holds is a report or named; a verdict and all texts come of it."""
    signatures = Signatures(lambda _: KEY)
    found = list(read_bytes(data, "x", signatures.of))
    assert all(
        isinstance(one, Report) or (isinstance(one, Broken) and one.why and len(one.why) < 1_000) for one in found
    )
    tally = Tally().add(found)
    for name, domain in tally.domains.items():
        assert all(shown(reason).isprintable() for reason in of_reports(name, domain, tally.full).reasons)
    assert json.loads(as_json(tally.json())) == tally.json()


def documents(data: bytes) -> None:
    """A report's JSON."""
    try:
        found = report(data)
    except (UnreadableError, ValueError, TypeError, LookupError, OverflowError):
        return
    assert all(part.good >= 0 and part.bad >= 0 for part in found.policies)
    assert max(map(len, (found.sender, found.id, *(part.domain for part in found.policies)))) <= 253


def signatures(data: bytes) -> None:
    """No mail is anybody's whose key nobody here has."""
    assert Signatures(lambda _: KEY).of(data) == ""
    told = Signatures(lambda _: None, "mx").of(data)
    assert told == "" or re.search(rb"dkim\s*=\s*pass", data, re.IGNORECASE)


def policies(data: bytes) -> None:
    """A policy that can be read is the same when it is read again."""
    try:
        found = Policy.parse(data)
    except PolicyError as error:
        assert str(error)
        return
    assert Policy.parse(found.render()) == found
    assert all(MxPattern.parse(str(pattern)) == pattern for pattern in found.mx)


def records(data: bytes) -> None:
    """The same of both records, and of the one among several."""
    for kind in (StsRecord, TlsRptRecord):
        for parse in (lambda kind=kind: kind.parse(data), lambda kind=kind: kind.find(data.split(b"\n"))):
            try:
                found = parse()
            except PolicyError as error:
                assert str(error)
                continue
            assert kind.parse(found.render()) == found


def hosts(data: bytes) -> None:
    """An MX host of any name is allowed or not."""
    name = data.decode("utf-8", "surrogateescape")
    try:
        pattern = MxPattern.parse(name)
    except PolicyError as error:
        assert str(error)
        pattern = MxPattern.parse("*.example.org")
    assert pattern.matches(name) in (True, False)


def fleets(data: bytes) -> None:
    """Whatever a fleet's file holds is rows or named, by line; a row that is right is right by itself, too."""
    found = rows.parse(data, "f.csv")
    reader = Reader()
    place = fleet.Place(Hosted(Hosting.FRONT_DOOR), dns={"": Dns()})
    made = [policy for shard in found.shards for policy in fleet.of_shard(reader, found, shard, place)]
    assert all(line.startswith("f.csv") and ": " in line for line in (*found.problems, *reader.problems))
    assert sum(len(policy.domains) for policy in made) <= len(found.rows)
    lines = [row.line for row in found.rows]
    assert lines == sorted(set(lines))
    assert all(row.domain or row.problems for row in found.rows)


def texts(data: bytes) -> None:
    """What is shown can be, and commands nobody."""
    for given in (
        data.decode("utf-8", "surrogateescape"),
        data.decode("utf-16", "replace"),
        data.decode("latin-1"),
    ):
        assert shown(given).isprintable()
        assert not COMMANDS.search(shown(given))
        assert not COMMANDS.search(shown(given, newlines=True))
        assert re.fullmatch(r'(?:[^"\\\n]|\\[\\"n])*', label(given))
        assert json.loads(as_json(given)) == given
        assert not COMMANDS.search(as_json(given))


MAIL = mail(gzipped(sample()))
ROWS = b'domain,mx,mode,shard,site,tlsReports\r\na.example,m.test n.test,testing,1,,mailto:a@b.test\r\n"b.example",,none,2,3,\r\n'
TARGETS = {
    "reports": Target(
        reports,
        [text(sample()), gzipped(sample()), zipped(a=text(sample())), MAIL, SIGNATURE + MAIL, b"From x\n" + MAIL * 2],
        (b"PK\x01\x02", b"PK\x03\x04", b"\x1f\x8b\x08", b"Content-Type: ", b"boundary=", b"message/rfc822", b"base64"),
    ),
    "documents": Target(
        documents,
        [text(sample()), text(sample(failures=(("certificate-expired", "mx", 3),)))],
        tuple(b'"%s"' % word for word in (b"policies", b"policy", b"summary", b"date-range", b"start-datetime")),
    ),
    "signatures": Target(
        signatures,
        [SIGNATURE + MAIL, RESULTS + MAIL, MAIL],
        (b"dkim=pass", b"header.d=", b"header.i=@", b"l=1;", b"h=from", b"b=", b"sender.example", b"(", b'"', b";"),
    ),
    "policies": Target(
        policies,
        [Policy.of("enforce", 86_400, ["*.example.org", "mx.example.org"]).render(), b"version: STSv1\nmode: none\nmax_age: 0\n"],
        (b"version: STSv1\r\n", b"mode: ", b"max_age: ", b"mx: ", b"*."),
    ),
    "records": Target(
        records,
        [b"v=STSv1; id=20260301;", b"v=TLSRPTv1; rua=mailto:a@example.org,https://example.org/x", b"v=STSv1; id=1\nv=spf1 -all"],
        (b"v=STSv1;", b"v=TLSRPTv1;", b"rua=", b"mailto:", b"id=", b"https://"),
    ),
    "hosts": Target(hosts, [b"mx1.example.org", b"*.example.org", "bücher.example".encode()], (b"xn--", b"*.", b"..")),
    "fleets": Target(
        fleets, [ROWS, b"\xef\xbb\xbf" + ROWS, b"domain,preset,mode,shard\na.example,google,enforce,1\n"],
        (b'"', b'""', b",", b"\r", b"\n", b";", b"maxAge", b"delegateTo", b"microsoft365", b"*.", b"\0", b"xn--"),
    ),
    "texts": Target(texts, [one.encode("utf-8", "surrogatepass")[:2_000] for one in TEXTS.values()], (b"##vso[", b"::error::", b"\x1b[")),
}  # fmt: skip
