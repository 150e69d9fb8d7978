"""TLSA records, and whether a mail server's certificates fit them (RFC 6698, RFC 7671, RFC 7672 3).

| usage | | what must hold |
|---|---|---|
| 3 | DANE-EE | the server's own certificate is the one; names and dates don't count (RFC 7671 5.1) |
| 2 | DANE-TA | a certificate that was presented above it is the one; the chain up to it, dates and name hold (5.2) |
| 0, 1 | PKIX-… | not for mail servers: such a record is as none (RFC 7672 3.1.3) |
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    Policy,
    PolicyBuilder,
    Store,
    VerificationError,
)
from dns.rdtypes import tlsabase

# dnspython takes a whole answer for none where one digest in it has the wrong length; senders pass over that record.
cast(Any, tlsabase.TLSABase)._cert_length_by_mtype = {}

TRUST_ANCHOR, END_ENTITY = 2, 3
SIZES = {1: 32, 2: 64}  # bytes of SHA2-256 and SHA2-512
MOST = 32  # records that are compared


@dataclass(frozen=True)
class Fit:
    """What came of comparing.

    :param fitting: records that hold.
    :param failing: why each of the others doesn't, `3 1 1 ab12…: …`; `idle` ones are left out.
    :param idle: records that no sender follows, and why.
    """

    fitting: tuple[str, ...]
    failing: tuple[str, ...]
    idle: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether a sender with DANE delivers: one record is enough."""
        return bool(self.fitting)

    @property
    def counts(self) -> bool:
        """Whether a sender with DANE goes by these records at all (RFC 7672 2.2)."""
        return bool(self.fitting or self.failing)


def compare(records: Sequence[Any], chain: Sequence[bytes], names: Sequence[str]) -> Fit:
    """Compare a mail server's TLSA records with what it presented.

    :param records: dnspython's rdatas.
    :param chain: DER, its own certificate first.
    :param names: any of which its certificate may have for DANE-TA (RFC 7672 3.2.3).
    """
    fitting, failing, idle = list[str](), list[str](), list[str]()
    usable = list[Any]()
    for record in records[:MOST]:
        if why := _unusable(record):
            idle.append(f"{_shown(record)}: {why}")
        else:
            usable.append(record)
    for record in usable:
        better = max(
            each.mtype for each in usable if (each.usage, each.selector) == (record.usage, record.selector)
        )
        if 0 < record.mtype < better:  # RFC 7671 9
            idle.append(f"{_shown(record)}: a stronger digest stands beside it")
        elif why := _misfit(record, chain, names):
            failing.append(f"{_shown(record)}: {why}")
        else:
            fitting.append(_shown(record))
    return Fit(tuple(fitting), tuple(failing), tuple(idle))


def _unusable(record: Any) -> str:
    """Why senders pass over a record (RFC 7672 3.1, RFC 6698 4.1); "" where they don't."""
    if record.usage not in (TRUST_ANCHOR, END_ENTITY):
        return f"usage {record.usage} is not for mail servers; 3 1 1 is usual"
    if record.selector not in (0, 1):
        return f"there is no selector {record.selector}"
    if record.mtype not in (0, 1, 2):
        return f"there is no matching type {record.mtype}"
    if record.mtype and len(record.cert) != SIZES[record.mtype]:
        return f"its digest has {len(record.cert)} bytes, not {SIZES[record.mtype]}"
    return "" if record.mtype or _parsed(record) else "its data is no certificate, or no key"


def _parsed(record: Any) -> Any:
    """The certificate or key that a record holds whole; None where it holds none."""
    try:
        if record.selector == 0:
            return x509.load_der_x509_certificate(record.cert)
        return load_der_public_key(record.cert)
    except Exception:  # whatever strangers write there
        return None


def _misfit(record: Any, chain: Sequence[bytes], names: Sequence[str]) -> str:
    """Why a record doesn't hold; "" where it does."""
    if record.usage == END_ENTITY:
        return "" if _is(record, chain[0]) else "the server's certificate is another"
    anchors = [der for der in chain[1:] if _is(record, der)]
    if not anchors and record.selector == 0 and record.mtype == 0:  # nothing is missing but the certificate itself
        anchors = [record.cert]
    if not anchors:
        return "the server presents no such certificate above its own"
    return _unverified(anchors[0], chain, names)


def _is(record: Any, der: bytes) -> bool:
    """Whether a record means a certificate (RFC 6698 2.1)."""
    data = der
    if record.selector == 1:
        try:
            key = x509.load_der_x509_certificate(der).public_key()
            data = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        except Exception:
            return False
    if record.mtype:
        data = hashlib.new({1: "sha256", 2: "sha512"}[record.mtype], data).digest()
    return data == record.cert


def _unverified(anchor: bytes, chain: Sequence[bytes], names: Sequence[str]) -> str:
    """Why the chain up to an anchor doesn't hold for any of the names; "" where it does.

    What public authorities must have in their certificates, and a company's own needn't, isn't asked for.
    """

    def is_authority(_: Policy, __: x509.Certificate, extension: x509.BasicConstraints) -> None:
        if not extension.ca:
            raise ValueError("a certificate in the chain is no authority's")

    authority = ExtensionPolicy.permit_all().require_present(
        x509.BasicConstraints, Criticality.AGNOSTIC, is_authority
    )
    own = ExtensionPolicy.permit_all().require_present(x509.SubjectAlternativeName, Criticality.AGNOSTIC, None)
    try:
        certificates = [x509.load_der_x509_certificate(der) for der in chain]
        builder = PolicyBuilder().store(Store([x509.load_der_x509_certificate(anchor)]))
        builder = builder.extension_policies(ca_policy=authority, ee_policy=own)
    except Exception as error:  # whatever strangers write there
        return f"its certificates can't be read ({error})"
    why = ""
    for name in names:
        try:
            builder.build_server_verifier(x509.DNSName(name)).verify(certificates[0], certificates[1:])
            return ""
        except (VerificationError, ValueError) as error:
            why = why or f"the chain up to it does not hold for {name} ({error})"
    return why


def _shown(record: Any) -> str:
    data = cast(bytes, record.cert).hex()
    return f"{record.usage} {record.selector} {record.mtype} {data[:8]}{'…' if len(data) > 8 else ''}"
