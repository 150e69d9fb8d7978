"""Promises for every document, not only for the ones somebody thought of."""

import re
import string
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy import MAX_AGE_LIMIT, Mode, MxPattern, Policy, PolicyError, StsRecord, TlsRptRecord

LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
HOST = st.lists(LABEL, min_size=1, max_size=4).map(".".join)
PATTERN = st.builds(lambda star, host: MxPattern(("*." if star else "") + host), st.booleans(), HOST)
NAME = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}", fullmatch=True, alphabet=string.printable).filter(
    lambda name: name not in ("version", "mode", "max_age", "mx", "id", "rua", "v")
)
VALUE = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=40).filter(
    lambda text: text == text.strip(" ")
)
POLICY = st.builds(
    Policy,
    st.sampled_from(Mode),
    st.integers(0, MAX_AGE_LIMIT),
    st.lists(PATTERN, min_size=1, max_size=5).map(tuple),
    st.dictionaries(NAME, VALUE, max_size=3).map(lambda found: tuple(found.items())),
)
TXT_VALUE = st.from_regex(r"[!-:<>-~]+", fullmatch=True, alphabet=string.printable)
EXTENSIONS = st.dictionaries(NAME, TXT_VALUE, max_size=3).map(lambda found: tuple(found.items()))
ID = st.text(string.ascii_letters + string.digits, min_size=1, max_size=32)
PARSERS: list[Callable[[str | bytes], object]] = [Policy.parse, StsRecord.parse, TlsRptRecord.parse]
NOISE = st.one_of(
    st.binary(max_size=300),
    st.text(max_size=300),
    st.lists(
        st.sampled_from(
            ["version: STSv1", "mode: none", "max_age: 5", "mx: a.b", "\n", "\r\n", "v=STSv1", ";", "id=a", "=", "é",
             "v=TLSRPTv1", "rua=mailto:a@b", "https://[", ",", ":", " ", "\ud800", "\x00"]
        )
    ).map("".join),
)  # fmt: skip


@given(POLICY)
def test_a_policy_survives_rendering(policy: Policy) -> None:
    assert Policy.parse(policy.render()) == policy


@given(POLICY)
def test_every_line_ends_in_crlf_and_none_is_blank(policy: Policy) -> None:
    lines = policy.render().split(b"\r\n")
    assert lines.pop() == b""
    assert all(lines)
    assert not any(b"\n" in line or b"\r" in line for line in lines)


@given(POLICY)
def test_an_id_is_letters_and_digits(policy: Policy) -> None:
    assert re.fullmatch("[A-Za-z0-9]{1,32}", policy.id)


@given(POLICY, POLICY)
def test_any_change_changes_the_id(one: Policy, other: Policy) -> None:
    assert (one.id == other.id) is (one == other)


@given(ID, EXTENSIONS)
def test_a_record_survives_rendering(id_: str, extensions: tuple[tuple[str, str], ...]) -> None:
    record = StsRecord(id_, extensions)
    assert StsRecord.parse(record.render()) == record
    assert StsRecord.find(["v=spf1 -all", record.render().encode()]) == record


@pytest.mark.parametrize("parse", PARSERS)
@given(document=NOISE)
def test_parsing_raises_nothing_but_policy_errors(
    parse: Callable[[str | bytes], object], document: str | bytes
) -> None:
    try:
        parse(document)
    except PolicyError as error:
        assert "\n" not in str(error)
        assert error.section.startswith("RFC ")


@given(HOST, LABEL)
def test_a_wildcard_matches_one_label_more(host: str, label: str) -> None:
    pattern = MxPattern(f"*.{host}")
    assert pattern.matches(f"{label}.{host}")
    assert not pattern.matches(host)
    assert not pattern.matches(f"{label}.{label}.{host}")
