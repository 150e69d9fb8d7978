"""TLSA records and certificates of any kind are compared, whatever strangers put into them."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import dns.rdata
import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from internet.dane import compare

HOST = "mx.example.org"
CA = trustme.CA()


def der(pem: bytes) -> bytes:
    return x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)


LEAF, ABOVE = der(CA.issue_cert(HOST).cert_chain_pems[0].bytes()), der(CA.cert_pem.bytes())


def tlsa(usage: int, selector: int, kind: int, data: bytes) -> Any:
    return dns.rdata.from_wire("IN", "TLSA", bytes([usage, selector, kind]) + data, 0, 3 + len(data))


def digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def test_usage_3_asks_for_the_certificate_alone() -> None:
    fit = compare([tlsa(3, 0, 1, digest(LEAF))], [LEAF], ["elsewhere.test"])
    assert (fit.holds, fit.failing, fit.idle) == (True, (), ())


def test_usage_2_asks_for_one_of_the_names_too() -> None:
    record = tlsa(2, 0, 1, digest(ABOVE))
    assert compare([record], [LEAF, ABOVE], ["example.org", HOST]).holds
    assert "does not hold for example.org" in compare([record], [LEAF, ABOVE], ["example.org"]).failing[0]
    assert compare([record], [LEAF, ABOVE], ["_odd.example.org", "x" * 300, HOST]).holds


def test_one_that_is_no_authority_vouches_for_nobody() -> None:
    issuer = CA.issue_cert("anybody.test")
    key, above = load_pem_private_key(issuer.private_key_pem.bytes(), None), issuer.cert_chain_pems[0].bytes()
    parent, template, now = x509.load_pem_x509_certificate(above), x509.load_der_x509_certificate(LEAF), datetime.now(UTC)  # fmt: skip
    forged = (
        x509.CertificateBuilder(parent.subject, template.subject, template.public_key(), 1, now - timedelta(1), now + timedelta(1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .sign(key, hashes.SHA256())  # type: ignore[arg-type]
    )  # fmt: skip
    chain = [forged.public_bytes(Encoding.DER), der(above)]
    assert not compare([tlsa(2, 0, 1, digest(chain[1]))], chain, [HOST]).holds
    assert not compare([tlsa(2, 0, 1, digest(ABOVE))], [*chain, ABOVE], [HOST]).holds


@pytest.mark.parametrize(
    "rubbish", [b"", b"\x30", bytes(1000), LEAF[:-1], LEAF + b"x", b"\x30\x82\xff\xff" + LEAF]
)
def test_rubbish_fits_nothing_and_breaks_nothing(rubbish: bytes) -> None:
    for usage in (2, 3):
        for selector in (0, 1):
            record = tlsa(usage, selector, 1, digest(b"something"))
            assert not compare([record], [rubbish, rubbish], [HOST]).holds
            whole = compare([tlsa(usage, selector, 0, rubbish)], [LEAF, ABOVE], [HOST])
            assert not whole.holds
    assert not compare([tlsa(2, 0, 1, digest(ABOVE))], [rubbish, ABOVE], [HOST]).holds


def test_so_many_records_are_compared_and_no_more() -> None:
    records = [tlsa(3, 1, 1, bytes([at] * 32)) for at in range(100)]
    assert len(compare(records, [LEAF], [HOST]).failing) == 32
