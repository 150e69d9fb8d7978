"""Whose report it is: what a signature, or the user's own server, vouches for, and what they don't."""

import base64
import dataclasses
import hashlib
from collections.abc import Callable
from email import message_from_bytes
from functools import cache
from pathlib import Path

import dns.exception
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from reports.samples import gzipped, mail, report

from checks.__main__ import main
from checks.reading import Report, read
from checks.signed import Signatures


@cache
def key(bits: int) -> tuple[rsa.RSAPrivateKey, bytes]:
    """A private key, and its record."""
    made = rsa.generate_private_key(65537, bits)
    public = made.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return made, b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)


def signed(
    message: bytes, domain: str = "sender.example", bits: int = 1024, h: str = "from:to:subject", sha1: bool = False, tags: str = ""
) -> bytes:  # fmt: skip
    """As RFC 6376 3.4 has it, relaxed/simple; written from the RFC, so that dkimpy isn't held against itself."""
    message = message.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    head, _, body = message.partition(b"\r\n\r\n")
    fields = {name.lower(): value for name, value in message_from_bytes(head).items()}
    name, hashed, algorithm = ("rsa-sha1", hashlib.sha1, hashes.SHA1()) if sha1 else ("rsa-sha256", hashlib.sha256, hashes.SHA256())  # fmt: skip
    bh = base64.b64encode(hashed(body.rstrip(b"\r\n") + b"\r\n").digest()).decode()
    value = f"v=1; a={name}; c=relaxed/simple; d={domain}; s=s1; h={h}; bh={bh}; {tags}b="
    covered = [f"{each}:{' '.join(fields[each].split())}\r\n" for each in h.split(":")]
    data = "".join([*covered, f"dkim-signature:{value}"]).encode()
    signature = base64.b64encode(key(bits)[0].sign(data, padding.PKCS1v15(), algorithm)).decode()
    return f"DKIM-Signature: {value}{signature}\r\n".encode() + message


def keys(name: str) -> bytes | None:
    """Everybody's key."""
    assert name.endswith(".")
    return key(1024)[1]


CRLF = b"\r\n"
GOOD = mail(gzipped(report()))


def test_a_valid_signature_of_the_domain_in_from_is_told() -> None:
    assert Signatures(keys).of(signed(GOOD)) == "sender.example"
    assert Signatures(keys).of(signed(GOOD).replace(b"\r\n", b"\n")) == "sender.example"
    assert Signatures(keys).of(signed(GOOD, "mail.sender.example")) == "mail.sender.example"
    twice = signed(signed(GOOD), "relay.example")  # who forwards it has signed it too
    assert Signatures(keys).of(twice) == "sender.example"


def changed(name: str) -> bytes:
    good = signed(GOOD)
    match name:
        case "no signature":
            return GOOD
        case "another content":
            return good.replace(b"aggregate", b"aggravate")
        case "another From":
            return good.replace(b"From: tls@sender.example", b"From: tls@other.example")
        case "one more From":
            return b"From: tls@sender.example\r\n" + good
        case "signed by who forwards":
            return signed(GOOD, "relay.example")
        case "From of two":
            return signed(GOOD.replace(b"From: tls@sender.example", b"From: tls@sender.example, x@google.com"))
        case "the length of the body":
            return signed(GOOD, tags=f"l={len(signed(GOOD).partition(CRLF * 2)[2])}; ") + b"more\r\n"
        case "SHA-1":
            return signed(GOOD, sha1=True)
        case "From not covered":
            return signed(GOOD, h="to:subject")
        case "it has expired":
            return signed(GOOD, tags="x=1000000000; ")
        case "another domain in the field":
            return good.replace(b"d=sender.example", b"d=google.com")
        case "blanks that take long":
            return signed(GOOD + b" " * 1_000_000 + b"x")
        case _:
            raise AssertionError(name)


UNVERIFIED = ["no signature", "another content", "another From", "one more From", "signed by who forwards",
              "From of two", "the length of the body", "SHA-1", "From not covered", "it has expired", "another domain in the field",
              "blanks that take long"]  # fmt: skip


@pytest.mark.parametrize("name", UNVERIFIED)
def test_what_is_not_valid_or_not_theirs_is_nobodys(name: str) -> None:
    assert Signatures(keys).of(changed(name)) == ""


RECORDS: dict[str, Callable[[], bytes | None]] = {
    "none": lambda: None,
    "empty": lambda: b"",
    "revoked": lambda: b"v=DKIM1; p=",
    "another key": lambda: key(1025)[1],
    "noise": lambda: bytes(range(256)) * 4,
    "no base64": lambda: b"v=DKIM1; p=!!!!",
    "no key": lambda: b"v=DKIM1; p=AAAA",
    "a key of a million bits": lambda: b"v=DKIM1; p=" + base64.b64encode(b"\x30\x82" * 60_000),
    "another version": lambda: key(1024)[1].replace(b"DKIM1", b"DKIM2"),
    "ed25519": lambda: b"v=DKIM1; k=ed25519; p=" + base64.b64encode(b"x" * 32),
    "tags twice": lambda: b"p=a; p=b",
}


@pytest.mark.parametrize("name", RECORDS)
def test_a_key_that_is_none_verifies_nothing(name: str) -> None:
    assert Signatures(lambda _: RECORDS[name]()).of(signed(GOOD)) == ""


def test_silence_costs_its_time_once_and_is_told() -> None:
    asked: list[str] = []

    def silent(name: str) -> bytes | None:
        asked.append(name)
        raise dns.exception.Timeout

    signatures = Signatures(silent)
    for _ in range(5):
        assert signatures.of(signed(GOOD)) == ""
    assert (len(asked), signatures.unanswered) == (1, 1)
    signatures._left = 0
    assert signatures.of(signed(GOOD, "mail.sender.example")) == ""
    assert (len(asked), signatures.unanswered) == (1, 2)


BELIEVED = [
    "mx.example.org; dkim=pass header.d=sender.example",
    "mx.example.org 1; spf=fail; dkim=pass (1024-bit key; it is fine) header.d=sender.example header.s=s1; dmarc=pass",
    "MX.example.org; DKIM = pass reason=\"good\" header.i=@sender.example header.b=xyz",
    "mx.example.org; dkim=fail header.d=a.example; dkim=pass header.d=sender.example",
]  # fmt: skip
NOT_BELIEVED = [
    "mx.example.org; none",
    "mx.example.org; dkim=fail header.d=sender.example",
    "mx.example.org; dkim=passed header.d=sender.example",
    "mx.example.org; dkim=pass header.d=google.com",
    "mx.example.net; dkim=pass header.d=sender.example",
    "evil mx.example.org; dkim=pass header.d=sender.example",
    "mx.example.org.evil; dkim=pass header.d=sender.example",
    "mx.example.org; dkim=fail (; dkim=pass header.d=sender.example",
    "mx.example.org; dkim=fail (a (b) ; dkim=pass header.d=sender.example)",
    'mx.example.org; spf=pass smtp.mailfrom="x; dkim=pass header.d=sender.example"@evil.example',
    'mx.example.org; spf=pass smtp.mailfrom="\\"; dkim=pass header.d=sender.example; \\""@evil.example',
    'mx.example.org; spf=fail (a " b) smtp.mailfrom="; dkim=pass header.d=sender.example"@evil.example',
    "mx.example.org; dkim=pass xheader.d=sender.example",
    "mx.example.org; dkim=pass header.d=evil.example;sender.example",
    "mx.example.org; auth=pass; dkim=",
    "",
    ";",
    "(((((",
    '"',
]


@pytest.mark.parametrize("field", BELIEVED)
def test_the_users_own_server_is_believed(field: str) -> None:
    headers = f"Received: by mx.example.org\r\nAuthentication-Results: {field}\r\n".encode()
    assert Signatures(keys, "mx.example.org").of(headers + GOOD) == "sender.example"
    assert Signatures(keys, "mx.example.net").of(headers + GOOD) == ""
    assert Signatures(keys).of(headers + GOOD) == ""


@pytest.mark.parametrize("field", NOT_BELIEVED)
def test_what_the_users_server_did_not_say_is_not_believed(field: str) -> None:
    mail_ = f"Authentication-Results: {field}\r\n".encode() + GOOD
    assert Signatures(keys, "mx.example.org").of(mail_) == ""


def test_what_stands_below_what_the_users_server_wrote_is_the_strangers() -> None:
    forged = b"Authentication-Results: mx.example.org; dkim=pass header.d=sender.example\r\n"
    true = b"Authentication-Results: mx.example.org; dkim=none\r\n"
    assert Signatures(keys, "mx.example.org").of(true + b"Received: from x\r\n" + forged + GOOD) == ""


def test_reports_carry_who_signed_the_mail_around_them(tmp_path: Path) -> None:
    (tmp_path / "signed.eml").write_bytes(signed(GOOD))
    (tmp_path / "plain.eml").write_bytes(GOOD)
    (tmp_path / "r.json.gz").write_bytes(gzipped(report()))
    reports = [each for each in read([tmp_path], Signatures(keys).of) if isinstance(each, Report)]
    assert [each.verified for each in reports] == ["", "", "sender.example"]
    assert len({dataclasses.replace(each, verified="") for each in reports}) == 1


def test_verified_only_counts_those_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("checks.gather.key_record", lambda _, name: keys(name))
    for day in range(7):
        (tmp_path / f"{day}.eml").write_bytes(signed(mail(gzipped(report(day=day)))))
        bad = report(day=day, failures=(("certificate-expired", "mx", 50),), sender="Google Inc.")
        (tmp_path / f"bad{day}.eml").write_bytes(mail(gzipped(bad)))
    assert main(["reports", str(tmp_path)]) == 2
    said = capsys.readouterr().out
    assert "Google Inc. (not verified): refused sessions on 7 of 7 days" in said
    assert "sender.example (verified)" in said
    assert main(["reports", str(tmp_path), "--verified-only"]) == 0
    said = capsys.readouterr().out
    assert "7 reports, 7 not verified" in said
    assert "1 of 1 senders are verified" in said
    assert main(["reports", str(tmp_path), "--verified-only", "--authserv-id", "mx.example.org"]) == 2


def test_a_forgery_under_a_verified_senders_name_counts_for_another(tmp_path: Path) -> None:
    signatures = Signatures(keys)
    evil = mail(gzipped(report(sender="Sender Inc."))).replace(b"tls@sender.example", b"tls@evil.example")
    assert signatures.of(signed(evil, "evil.example")) == "evil.example"
