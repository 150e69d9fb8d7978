"""The documents of RFC 8461 and RFC 8460: good and bad ones, the reason beside each bad one."""

import pickle
from collections.abc import Callable

import pytest

from policy import Mode, MxPattern, Policy, PolicyError, StsRecord, TlsRptRecord
from policy.names import check_domain, to_a_label

RFC_EXAMPLE = (
    "version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\n"
    "mx: backupmx.example.com\r\nmax_age: 604800\r\n"
)
MIN = "version: STSv1\nmode: testing\nmx: a.test\nmax_age: 1"

GOOD_POLICIES = {
    "the RFC's example": RFC_EXAMPLE,
    "LF": RFC_EXAMPLE.replace("\r", ""),
    "mixed line ends": "version: STSv1\r\nmode: none\nmax_age: 0\r\n",
    "no final line end": MIN,
    "any order": "max_age: 1\nmx: a.test\nmode: testing\nversion: STSv1",
    "no blank after the colon, tabs, trailing blanks": "version:STSv1  \nmode:\tnone\t\nmax_age:  5 ",
    "none without mx": "version: STSv1\nmode: none\nmax_age: 86400\n",
    "the greatest max_age": MIN.replace("max_age: 1", "max_age: 31557600"),
    "ten digits": MIN.replace("max_age: 1", "max_age: 0000000001"),
    "an unknown field": MIN + "\nfuture.field_1: any value; even = this, café\n",
    "repeated mode, the first counts": MIN + "\nmode: nonsense",
    "repeated version, the first counts": MIN + "\nversion: STSv2",
    "a single-label mx": MIN.replace("a.test", "localhost"),
}
BAD_POLICIES = {
    "empty": ("", "line 1"),
    "only a line end": ("\n", "line 1"),
    "blank line inside": ("version: STSv1\n\nmode: none\nmax_age: 1", "line 2"),
    "blank line at the end": (MIN + "\n\n", "line 5"),
    "blank line at the end, CRLF": (RFC_EXAMPLE + "\r\n", "line 7"),
    "comment": ("# hello\n" + MIN, "line 1"),
    "leading blank": (" " + MIN, "field name"),
    "blank before the colon": (MIN.replace("mode:", "mode :"), "field name"),
    "byte order mark": ("\ufeff" + MIN, "field name"),
    "field names know their case": (MIN.replace("mode", "Mode"), "mode"),
    "version missing": (MIN.replace("version: STSv1\n", ""), "version"),
    "version 2": (MIN.replace("STSv1", "STSv2"), "version"),
    "version's case": (MIN.replace("STSv1", "stsv1"), "version"),
    "mode missing": (MIN.replace("mode: testing\n", ""), "mode"),
    "unknown mode": (MIN.replace("testing", "strict"), "mode"),
    "mode's case": (MIN.replace("testing", "Testing"), "mode"),
    "max_age missing": ("version: STSv1\nmode: none", "max_age"),
    "max_age over a year": (MIN.replace("max_age: 1", "max_age: 31557601"), "max_age"),
    "max_age of eleven digits": (MIN.replace("max_age: 1", "max_age: 00000000001"), "max_age"),
    "max_age negative": (MIN.replace("max_age: 1", "max_age: -1"), "max_age"),
    "max_age in words": (MIN.replace("max_age: 1", "max_age: 1d"), "max_age"),
    "max_age in other digits": (MIN.replace("max_age: 1", "max_age: \u0661"), "max_age"),
    "enforce without mx": ("version: STSv1\nmode: enforce\nmax_age: 1", "mx"),
    "testing without mx": ("version: STSv1\nmode: testing\nmax_age: 1", "mx"),
    "empty mx": (MIN.replace("a.test", ""), "mx"),
    "bare wildcard": (MIN.replace("a.test", "*"), "mx"),
    "wildcard inside": (MIN.replace("a.test", "a.*.test"), "mx"),
    "part of a label wild": (MIN.replace("a.test", "mx*.test"), "mx"),
    "two wildcards": (MIN.replace("a.test", "*.*.test"), "mx"),
    "U-label": (MIN.replace("a.test", "bücher.example"), "mx"),
    "trailing dot": (MIN.replace("a.test", "a.test."), "mx"),
    "mx with preference": (MIN.replace("a.test", "10 a.test"), "mx"),
    "extension's name begins with a sign": (MIN + "\n_x: y", "field name"),
    "extension's name too long": (MIN + f"\n{'x' * 33}: y", "field name"),
    "extension empty": (MIN + "\nx:", "x"),
    "control character": (MIN + "\nx: a\x00b", "x"),
    "bare CR": (MIN + "\nx: a\rb", "x"),
    "over 64 KiB": (MIN + "\nx: " + "a" * 65536, "policy"),
}


@pytest.mark.parametrize("text", GOOD_POLICIES.values(), ids=GOOD_POLICIES)
def test_a_good_policy_is_read(text: str) -> None:
    assert Policy.parse(text) == Policy.parse(text.encode())


@pytest.mark.parametrize(("text", "field"), BAD_POLICIES.values(), ids=BAD_POLICIES)
def test_a_bad_policy_is_refused_by_its_field(text: str, field: str) -> None:
    with pytest.raises(PolicyError) as caught:
        Policy.parse(text)
    assert caught.value.field == field
    assert str(caught.value).startswith(field)
    assert caught.value.section in str(caught.value)


def test_bytes_that_are_not_utf8_are_refused() -> None:
    with pytest.raises(PolicyError, match="UTF-8"):
        Policy.parse(MIN.encode() + b"\nx: \xff")


def test_what_is_served_has_crlf_everywhere_and_the_version_first() -> None:
    served = Policy.of("enforce", 604800, ["b.test", "*.A.test", "b.test"]).render()
    assert served == b"version: STSv1\r\nmode: enforce\r\nmx: *.a.test\r\nmx: b.test\r\nmax_age: 604800\r\n"


def test_the_id_is_the_same_on_every_machine() -> None:
    assert Policy.of("enforce", 604800, ["mail.example.com"]).id == "a5963b31a082635c6ec668171482b14f"


def test_mx_order_and_case_do_not_change_the_id_but_mode_age_and_hosts_do() -> None:
    base = Policy.of("testing", 10, ["a.test", "b.test"])
    assert Policy.of("testing", 10, ["B.test", "a.test"]).id == base.id
    others = [
        Policy.of("enforce", 10, ["a.test", "b.test"]),
        Policy.of("testing", 11, ["a.test", "b.test"]),
        Policy.of("testing", 10, ["a.test"]),
        Policy(Mode.TESTING, 10, base.mx, (("x", "y"),)),
    ]
    assert len({base.id, *(each.id for each in others)}) == 5


@pytest.mark.parametrize(
    ("pattern", "host", "matches"),
    [
        ("mail.example.com", "mail.example.com", True),
        ("mail.example.com", "MAIL.example.COM.", True),
        ("mail.example.com", "x.mail.example.com", False),
        ("*.example.com", "mail.example.com", True),
        ("*.example.com", "example.com", False),
        ("*.example.com", "a.b.example.com", False),
        ("*.example.com", ".example.com", False),
        ("*.example.com", "mailexample.com", False),
        ("*.mx.microsoft", "x.h-v1.mx.microsoft", False),
        ("*.EXAMPLE.com", "mail.example.com", True),
        ("mail.example.com", "", False),
        ("x.xn--aca-6ma.com", "x.ñaca.com", True),
        ("*.example.com", "☃☃..example.com", False),
    ],
)
def test_a_wildcard_is_exactly_one_label(pattern: str, host: str, matches: bool) -> None:
    assert MxPattern.parse(pattern).matches(host) is matches


GOOD_RECORDS = {
    "v=STSv1; id=20160831085700Z;": "20160831085700Z",
    "v=STSv1;id=a": "a",
    "v=STSv1 \t;\t id=a ;": "a",
    "v=STSv1; x-1.y_z=v!; id=a": "a",
    "v=STSv1; id=a; id=b": "a",
    "v=STSv1; id=a; v=STSv1": "a",
    "v=STSv1; id=" + "a" * 32: "a" * 32,
}
BAD_RECORDS = [
    "", "v=STSv1", "v=STSv1;", "v=STSv1; x=1;", "v=STSv1; id=;", "v=STSv1; id=a-b;", "v=STSv1; id=" + "a" * 33,
    "v=STSv2; id=a", "V=STSv1; id=a", "v=stsv1; id=a", " v=STSv1; id=a", "id=a; v=STSv1", "v=STSv1; id=a;;",
    "v=STSv1; id = a", "v=STSv1, id=a", "v=STSv1; id=a; x=", "v=STSv1; id=a; x=a b", "v=STSv1; id=a; x=a=b",
    "v=STSv1; id=a; _x=1", "v=STSv1; ID=a", "v=STSv1; id=ä", "v=STSv1; id=a\n", '"v=STSv1; id=a"', "v=STSv1; id=a b", "v=STSv1; id=a; id=",
]  # fmt: skip


@pytest.mark.parametrize(("text", "id_"), GOOD_RECORDS.items())
def test_a_good_record_is_read(text: str, id_: str) -> None:
    assert StsRecord.parse(text).id == id_


@pytest.mark.parametrize("text", BAD_RECORDS)
def test_a_bad_record_is_refused(text: str) -> None:
    with pytest.raises(PolicyError, match="RFC 8461 3.1"):
        StsRecord.parse(text)


def test_the_record_has_no_blank_before_a_semicolon() -> None:
    assert StsRecord("a1", (("x", "y"),)).render() == "v=STSv1; id=a1; x=y;"


def test_among_several_records_only_the_right_kind_counts_and_only_once() -> None:
    assert StsRecord.find(["v=spf1 -all", b"v=STSv1; id=a", b"\xff\xfe", "v=STSv1"]).id == "a"
    with pytest.raises(PolicyError, match="not 2"):
        StsRecord.find(["v=STSv1; id=a", "v=STSv1; id=a"])
    with pytest.raises(PolicyError, match="not 0"):
        StsRecord.find(["v=STSv1 ; id=a"])  # the discarding rule is by the exact text "v=STSv1;"


@pytest.mark.parametrize(
    "uri",
    ["mailto:tls@example.org", "MAILTO:a@b.c", "https://r.test/x?y=z", "mailto:a%2Cb@c.d", "mailto:a@b.c?x=y"],
)
def test_a_report_goes_to_mail_or_https(uri: str) -> None:
    record = TlsRptRecord((uri,))
    assert TlsRptRecord.parse(record.render()) == record


@pytest.mark.parametrize(
    "uri",
    ["", "tls@example.org", "mailto:", "mailto:tls", "mailto:@x", "http://r.test", "https://", "ftp://a/b",
     "mailto:a,b@c.d", "mailto:a@b.c!10m", "mailto:a b@c.d", "https://[", "mailto:ä@b.c", "https://h.test/%zz", "https://-.test/", "https://u:p@h.test/", "mailto:a@-", "mailto:a@b@c.de", "https://h.test:x/"],
)  # fmt: skip
def test_a_bad_report_address_is_refused(uri: str) -> None:
    with pytest.raises(PolicyError, match="RFC 846"):
        TlsRptRecord((uri,))


def test_an_address_without_mailto_is_told_what_to_write() -> None:
    with pytest.raises(PolicyError, match="write mailto:tls@example.org"):
        TlsRptRecord(("tls@example.org",))


def test_a_report_record_with_several_addresses() -> None:
    text = "v=TLSRPTv1;rua=mailto:a@b.c , https://d.test/e; x=y"
    assert TlsRptRecord.parse(text).rua == ("mailto:a@b.c", "https://d.test/e")
    assert TlsRptRecord.parse(text + "; rua=mailto:f@g.h").rua[2:] == ("mailto:f@g.h",)
    assert TlsRptRecord.find(["other", text]).extensions == (("x", "y"),)
    for bad in ("v=TLSRPTv1", "v=TLSRPTv1; x=y", "v=TLSRPTv2; rua=mailto:a@b.c", text + " "):
        with pytest.raises(PolicyError):
            TlsRptRecord.parse(bad)


def test_u_labels_become_a_labels() -> None:
    assert to_a_label("Bücher.example") == "xn--bcher-kva.example"
    assert to_a_label("Example.org") == "Example.org"
    with pytest.raises(PolicyError, match="A-label"):
        to_a_label("☃..x")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("https://example.org", "scheme"), ("example.org/x", "slash"), ("a@example.org", "after the @: example.org"),
        ("example.org.", "trailing dot"), ("*.example.org", r"\*"), ("192.0.2.1", "address"), ("2001:db8::1", "address"),
        ("example.org:25", "port"), ("10 mx.example.org", "spaces"), ("org", "two labels"), ("", "empty label"),
        ("a..b", "empty label"), ("-a.b", "labels"), ("a_b.c", "has a _"), ("x" * 64 + ".org", "63"), ("a." * 127 + "b", "253"),
    ],
)  # fmt: skip
def test_a_mistyped_domain_gets_a_hint(text: str, hint: str) -> None:
    with pytest.raises(PolicyError, match=hint):
        check_domain(text)


@pytest.mark.parametrize(
    "make",
    [
        lambda: TlsRptRecord((5,)),  # type: ignore[arg-type]
        lambda: Policy.of("testing", 1, "mail.example.org"),
        lambda: Policy.of("testing", True, ["a.test"]),
        lambda: Policy(Mode.NONE, 1, (), (("x", "\ud800"),)),
        lambda: Policy(Mode.NONE, 1, (), (("x", "1"), ("x", "2"))),
        lambda: Policy(Mode.NONE, 1, (), (("mode", "none"),)),
        lambda: StsRecord("a", (("id", "b"),)),
        lambda: TlsRptRecord(("mailto:a@b.c",), (("v", "b"),)),
    ],
)
def test_what_could_not_be_parsed_again_is_not_made(make: Callable[[], object]) -> None:
    with pytest.raises(PolicyError):
        make()


def test_an_error_survives_pickling() -> None:
    error = PolicyError("max_age", 5, "must be more", "RFC 8461 3.2")
    assert str(pickle.loads(pickle.dumps(error))) == str(error) == "max_age 5: must be more (RFC 8461 3.2)"
