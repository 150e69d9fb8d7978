"""Set-ups with one fault each, and what is to be said of them.

An entry: the case; which check says what (`check`, level, words); and what postfix-mta-sts-resolver and checkdmarc
make of it, where that is not the same as ours (ours is invalid where the record, the policy host or the policy fails).
"""

from dataclasses import dataclass

from domains.staged import Case

CRLF = b"version: STSv1\r\nmode: testing\r\nmx: mx1.{name}\r\nmax_age: 1209600\r\n"


@dataclass(frozen=True)
class Entry:
    """See above. `postfix` and `checkdmarc`: whether they take it for valid; None for as we do."""

    case: Case
    check: str = ""
    level: str = "pass"
    words: str = ""
    postfix: bool | None = None
    checkdmarc: bool | None = None


def policy(old: bytes = b"", new: bytes = b"") -> bytes:
    """The right policy with something replaced."""
    assert old in CRLF
    return CRLF.replace(old, new)


def config(**route: object) -> dict[str, object]:
    """A staticwebapp.config.json with one route, for the policy."""
    return {"routes": [{"route": "/.well-known/mta-sts.txt", **route}]}


def entry(check: str, level: str, words: str, postfix: bool | None = None, checkdmarc: bool | None = None, **case: object) -> Entry:  # fmt: skip
    return Entry(Case(**case), check, level, words, postfix, checkdmarc)  # type: ignore[arg-type]


ID = "20240101T000000"
CORPUS: dict[str, Entry] = {
    "right": Entry(Case()),
    "right, enforced": Entry(Case(mode="enforce")),
    "right, none": Entry(Case(mode="none", max_age=86400)),
    "right, with other TXT records": Entry(Case(records=["google-site-verification=x", f"v=STSv1; id={ID};"])),
    "right, without the last semicolon": Entry(Case(records=[f"v=STSv1; id={ID}"])),
    "right, with an unknown field": Entry(Case(body=policy(b"mode", b"colour: red\r\nmode"))),
    "right, mode twice": Entry(Case(body=policy(b"mx:", b"mode: none\r\nmx:"))),
    # the record
    "no record": entry("record", "fail", "there is no such record", records=[]),
    "two records": entry("record", "fail", "not 2", records=["v=STSv1; id=1;", "v=STSv1; id=2;"]),
    "id with a sign": entry("record", "fail", "1 to 32 letters or digits", records=["v=STSv1; id=2024-01-01;"], postfix=True),
    "id too long": entry("record", "fail", "1 to 32 letters or digits", records=[f"v=STSv1; id={'a' * 33};"], postfix=True),
    "id empty": entry("record", "fail", "id", records=["v=STSv1; id=;"], postfix=True),
    "no id": entry("record", "fail", "id", records=["v=STSv1;"]),
    "version of the record": entry("record", "fail", "no record for MTA-STS", records=["v=STSv2; id=1;"]),
    "version in lower case": entry("record", "fail", "exactly `v=STSv1;`", records=["v=stsv1; id=1;"]),
    "a blank first": entry("record", "fail", "exactly `v=STSv1;`", records=[" v=STSv1; id=1;"]),
    "no semicolon": entry("record", "fail", "exactly `v=STSv1;`", records=["v=STSv1 id=1"]),
    "quoted twice": entry("record", "fail", "exactly `v=STSv1;`", records=['"v=STSv1; id=1;"']),
    "id first": entry("record", "fail", "exactly `v=STSv1;`", records=["id=1; v=STSv1;"]),
    "TTL of a week": entry("record", "warn", "TTL 604800 s", ttl=604800),
    # the policy host
    "no host": entry("policy-host", "fail", "does not exist", host=False),
    "host that leads to a provider no more": entry("policy-host", "fail", "has no address", host=False, sets={"CNAME/mta-sts": {"cname": "case.provider.test"}}),
    "host without an address": entry("policy-host", "fail", "has no address", host=False, sets={"TXT/mta-sts": [{"value": ["x"]}]}),
    "redirect": entry("policy-host", "fail", "301, a redirect to /policy.txt", config=config(redirect="/policy.txt", statusCode=301)),
    "not found": entry("policy-host", "fail", "answers 404", config=config(statusCode=404)),
    "server error": entry("policy-host", "fail", "answers 500", config=config(statusCode=500)),
    "nothing uploaded": entry("policy-host", "fail", "answers 404", files=False),
    "media type": entry("policy-host", "fail", "text/html, not text/plain", config={"mimeTypes": {".txt": "text/html"}}, checkdmarc=True),
    "certificate expired": entry("policy-host", "fail", "certificate has expired", certificate="expired"),
    "certificate of a stranger": entry("policy-host", "fail", "unable to get local issuer", certificate="stranger"),
    "certificate for another name": entry("policy-host", "fail", "not valid for mta-sts.", certificate="late"),
    "too large": entry("policy-host", "fail", "larger than 65536 bytes", body=policy(b"mx:", b"x: " + b"y" * 65536 + b"\r\nmx:"), checkdmarc=True),
    # the policy
    "LF only": entry("policy", "warn", "LF, not CRLF", body=policy().replace(b"\r\n", b"\n")),
    "no last line end": entry("policy", "warn", "no line end", body=policy()[:-2]),
    "mode misspelt": entry("policy", "fail", "mode 'enforced'", body=policy(b"testing", b"enforced")),
    "mode in capitals": entry("policy", "fail", "mode 'Testing'", body=policy(b"testing", b"Testing")),
    "key in capitals": entry("policy", "fail", "mode", body=policy(b"mode:", b"Mode:")),
    "no version": entry("policy", "fail", "version", body=policy(b"version: STSv1\r\n")),
    "version of the policy": entry("policy", "fail", "must be STSv1", body=policy(b"STSv1", b"STSv2")),
    "no mode": entry("policy", "fail", "mode", body=policy(b"mode: testing\r\n")),
    "no max_age": entry("policy", "fail", "max_age", body=policy(b"max_age: 1209600\r\n")),
    "max_age negative": entry("policy", "fail", "1 to 10 digits", body=policy(b"1209600", b"-1")),
    "max_age in words": entry("policy", "fail", "1 to 10 digits", body=policy(b"1209600", b"2 weeks")),
    "max_age too large": entry("policy", "fail", "31557600", body=policy(b"1209600", b"31557601")),
    "no mx": entry("policy", "fail", "mx", body=policy(b"mx: mx1.{name}\r\n")),
    "blank line": entry("policy", "fail", "blank line", body=policy(b"mx:", b"\r\nmx:"), postfix=True, checkdmarc=True),
    "comment": entry("policy", "fail", "name: value", body=policy(b"mx:", b"# servers\r\nmx:"), postfix=True),
    "byte order mark": entry("policy", "fail", "field name", body=b"\xef\xbb\xbf" + policy()),
    "HTML instead": entry("policy", "fail", "name: value", body=b"<!doctype html><title>Welcome</title>\r\n"),
    "empty": entry("policy", "fail", "blank line", body=b""),
    "mx with a dot at its end": entry("policy", "fail", "empty label", body=policy(b"mx1.{name}", b"mx1.{name}."), postfix=True),
    "mx with a star inside": entry("policy", "fail", "leftmost label", body=policy(b"mx1.{name}", b"mx1.*.{name}"), postfix=True),
    "mx with a mail address": entry("policy", "fail", "mx", body=policy(b"mx: mx1.", b"mx: postmaster@"), postfix=True),
    "mx that is empty": entry("policy", "fail", "mx", body=policy(b"mx: mx1.{name}", b"mx:"), postfix=True),
    "several mx in one line": entry("policy", "fail", "mx", body=policy(b"mx1.{name}", b"mx1.{name}, mx2.{name}"), postfix=True),
    "enforce for an hour": entry("policy", "warn", "less than a day", mode="enforce", max_age=3600),
    "none for long": entry("policy", "warn", "long for a policy that is leaving", mode="none"),
    # the id
    "id of another policy": entry("id", "warn", "names another policy", records=[f"v=STSv1; id={'0' * 32};"]),
    # mail servers
    "MX not covered, testing": entry("mx", "warn", "no mx of its policy allows", allowed=("other.example",)),
    "MX not covered, enforce": entry("mx", "fail", "no mx of its policy allows", allowed=("other.example",), mode="enforce"),
    "mx is the policy host": entry("mx", "fail", "no mx of its policy allows", allowed=("mta-sts.{name}",), mode="enforce"),
    "mx with a typing error": entry("mx", "fail", "no mx of its policy allows", allowed=("mxl.{name}",), mode="enforce"),
    "mx of the former mail servers": entry("mx", "fail", "no mx of its policy allows", allowed=("*.former.example",), mode="enforce"),
    "one of two mail servers": entry("mx", "fail", "its mail server mx2.", allowed=("mx1.{name}",), mx={"mx1": "good", "mx2": "good"}, mode="enforce"),
    "a label too many": entry("mx", "fail", "no mx of its policy allows", allowed=("*.{name}",), mx={"a.mx1": "good"}, mode="enforce"),
    "no STARTTLS": entry("server", "fail", "offers no STARTTLS", mx={"mx1": "no STARTTLS"}),
    "TLS 1.1": entry("server", "fail", "speaks TLSv1.1 at most", mx={"mx1": "TLS 1.1"}),
    "server's certificate expired": entry("server", "fail", "certificate has expired", mx={"mx1": "expired"}),
    "server's certificate for another name": entry("server", "fail", "not valid for 'mx1", mx={"mx1": "wrong name"}),
    "server's certificate of a stranger": entry("server", "fail", "unable to get local issuer", mx={"mx1": "stranger"}),
    "the second server": entry("server mx2", "fail", "offers no STARTTLS", mx={"mx1": "good", "mx2": "no STARTTLS"}),
    "server down": entry("server", "warn", "while other mail servers answer", mx={"mx1": "closed"}),
    "server without an address": entry("server", "fail", "does not exist", sets={"A/mx1": None}),
    "null MX": entry("mx", "warn", "takes no mail", sets={"MX/@": [{"preference": 0, "exchange": "."}]}),
    "no MX": entry("mx", "warn", "takes no mail", mx={}),
    # reports
    "no report record": entry("tls-reports", "warn", "nobody reports", sets={"TXT/_smtp._tls": None}),
    "report address without mailto": entry("tls-reports", "fail", "mailto:tls@example.org", sets={"TXT/_smtp._tls": [{"value": ["v=TLSRPTv1; rua=tls@example.org"]}]}),
    "two report records": entry("tls-reports", "fail", "not 2", sets={"TXT/_smtp._tls": [{"value": [f"v=TLSRPTv1; rua=mailto:{each}@example.org"]} for each in "ab"]}),
}  # fmt: skip


def named(case: Case, name: str) -> Case:
    """The case with its domain's name put in."""
    if case.body is not None:
        case.body = case.body.replace(b"{name}", name.encode())
    case.allowed = tuple(each.replace("{name}", name) for each in case.allowed)
    return case
