"""DNS answers that somebody might send who wants the checks to crash, to hang, or to say that all is well."""

import itertools
import struct
from collections.abc import Callable
from dataclasses import dataclass

from security.texts import TEXTS

Answer = Callable[[bytes], bytes | None]  # a query's packet to the reply's; None for silence
TXT, A, AAAA, CNAME, NS, MX, SOA, DNAME, CAA, TLSA = 16, 1, 28, 5, 2, 15, 6, 39, 257, 52
POINTER = b"\xc0\x0c"  # to the question's name


@dataclass(frozen=True)
class Attack:
    """One kind of question of a domain is answered so.

    :param owner: the name that is asked for, `{}` for the domain.
    :param kind: the type that is asked for.
    :param check: which check must not be deceived.
    """

    answer: Answer
    owner: str = "_mta-sts.{}"
    kind: int = TXT
    check: str = "record"


def question(data: bytes) -> bytes:
    """The question of a query, as it was sent."""
    at = 12
    while data[at]:
        at += data[at] + 1
    return data[12 : at + 5]


def asked(data: bytes) -> tuple[str, int]:
    """Name and type that a query asks for."""
    labels, at = list[str](), 12
    while data[at]:
        labels.append(data[at + 1 : at + 1 + data[at]].decode("latin-1").lower())
        at += data[at] + 1
    return ".".join(labels), int.from_bytes(data[at + 1 : at + 3], "big")


def packet(data: bytes, *records: bytes, flags: int = 0x8580, counts: tuple[int, int, int] | None = None) -> bytes:
    """A reply.

    :param counts: of answers, authorities and additional records; by default, what there is.
    """
    header = struct.pack("!HHHHHH", int.from_bytes(data[:2], "big"), flags, 1, *(counts or (len(records), 0, 0)))
    return header + question(data) + b"".join(records)


def record(
    kind: int, rdata: bytes, owner: bytes = POINTER, ttl: int = 60, klass: int = 1, size: int = -1
) -> bytes:
    """A resource record; `size` lies about its length."""
    return owner + struct.pack("!HHIH", kind, klass, ttl, len(rdata) if size < 0 else size) + rdata


def name(*labels: bytes) -> bytes:
    """A name, uncompressed."""
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def text(data: bytes) -> bytes:
    """TXT data of any length, in character-strings."""
    parts = [data[at : at + 255] for at in range(0, len(data), 255)] or [b""]
    return b"".join(bytes([len(part)]) + part for part in parts)


def replies(*records: bytes, **more: object) -> Answer:
    return lambda data: packet(data, *records, **more)  # type: ignore[arg-type]


def with_id(make: Callable[[bytes], bytes]) -> Answer:
    """A packet that begins with the right id."""
    return lambda data: data[:2] + make(data)


def mail(*labels: bytes, preference: int = 10) -> bytes:
    return record(MX, struct.pack("!H", preference) + name(*labels))


def loop(data: bytes) -> bytes:
    """Two CNAMEs that lead to each other."""
    other = name(b"other", b"test")
    return packet(data, record(CNAME, other), record(CNAME, POINTER, owner=other))


def chain(data: bytes) -> bytes:
    """A CNAME behind a CNAME, two hundred times."""
    names = [POINTER, *(name(b"c%d" % at, b"test") for at in range(200))]
    return packet(data, *(record(CNAME, there, owner=here) for here, there in itertools.pairwise(names)))


@dataclass(frozen=True)
class OnlyByTcp:
    """Says over UDP that the answer is too long."""

    by_tcp: Answer

    def __call__(self, data: bytes) -> bytes:
        return packet(data, flags=0x8780)


MALFORMED: dict[str, Answer] = {
    "nothing but the id": with_id(lambda _: b""),
    "one byte": lambda data: data[:1],
    "a header alone": with_id(lambda _: b"\x85\x80" + bytes(8)),
    "half a header": with_id(lambda _: b"\x85\x80\x00"),
    "a question cut off": lambda data: packet(data)[:-3],
    "counts without records": lambda data: packet(data, counts=(65535, 65535, 65535)),
    "a pointer to itself": replies(record(TXT, text(b"v=STSv1; id=1;"), owner=b"\xc0\xff" * 2)),
    "pointers in a circle": lambda data: packet(
        data, record(CNAME, struct.pack("!H", 0xC000 | (12 + len(question(data)) + 12)))
    ),
    "a pointer beyond the end": replies(record(TXT, b"x", owner=b"\xff\xff")),
    "label type 01": replies(record(TXT, b"x", owner=b"\x41x\0")),
    "label type 10": replies(record(TXT, b"x", owner=b"\x81x\0")),
    "a name of 300 bytes": replies(record(CNAME, name(*[b"x" * 59] * 5))),
    "data beyond the end": replies(record(TXT, text(b"v=STSv1; id=1;"), size=60000)),
    "a string beyond its data": replies(record(TXT, b"\xffv=STSv1; id=1;")),
    "no data": replies(record(TXT, b"")),
    "bytes after the end": lambda data: packet(data, record(TXT, text(b"v=STSv1; id=1;"))) + b"x" * 400,
    "another id": lambda data: bytes([data[0] ^ 255, data[1]]) + packet(data)[2:],
    "another question": lambda data: packet(data).replace(b"_mta-sts", b"_mta-stt"),
    "a query, not a reply": replies(flags=0x0100),
    "an update": replies(flags=0xA980),
    "FORMERR": replies(flags=0x8581),
    "SERVFAIL": replies(flags=0x8582),
    "NOTIMP": replies(flags=0x8584),
    "REFUSED": replies(flags=0x8585),
    "an rcode that isn't one": replies(flags=0x858F),
    "class CHAOS": replies(record(TXT, text(b"v=STSv1; id=1;"), klass=3)),
    "options cut off": replies(record(41, b"\x00\x0a\xff\xff\x00", owner=b"\0"), counts=(0, 0, 1)),
    "two sets of options": replies(record(41, b"", owner=b"\0"), record(41, b"", owner=b"\0"), counts=(0, 0, 2)),
    "a signature that isn't one": replies(record(250, b"\0" * 20, owner=b"\0", klass=255), counts=(0, 0, 1)),
    "random bytes": with_id(lambda _: bytes((at * 7919 + 13) % 256 for at in range(500))),
    "too long, and no TCP answer": OnlyByTcp(lambda _: None),
    "too long, and rubbish by TCP": OnlyByTcp(lambda _: b"\0" * 40),
    "too long, again and again": replies(flags=0x8780),
    "silence": lambda _: None,
}

RECORDS: dict[str, Answer] = {
    "a CNAME to itself": replies(record(CNAME, POINTER)),
    "CNAMEs in a circle": loop,
    "two hundred CNAMEs": chain,
    "a CNAME to the root": replies(record(CNAME, b"\0")),
    "two CNAMEs": replies(record(CNAME, name(b"a", b"test")), record(CNAME, name(b"b", b"test"))),
    "a DNAME": replies(record(DNAME, name(b"a", b"test"))),
    "60 kB of text": OnlyByTcp(replies(record(TXT, text(b"x" * 60000)))),
    "60 kB of a record": OnlyByTcp(replies(record(TXT, text(b"v=STSv1; id=1; " + b"x" * 59000)))),
    "a thousand texts": OnlyByTcp(replies(*[record(TXT, text(b"v=STSv1; id=%d;" % at)) for at in range(1000)])),
    "a thousand empty strings": OnlyByTcp(replies(record(TXT, bytes(1000)))),
    "not UTF-8": replies(record(TXT, text(b"v=STSv1; id=1\xff\xfe;"))),
    "half a surrogate": replies(record(TXT, text(b"v=STSv1; id=\xed\xa0\x80;"))),
    "NUL": replies(record(TXT, text(b"v=STSv1; id=1;\0"))),
    "line ends": replies(record(TXT, text(b"v=STSv1; id=1;\r\nv=STSv1; id=2;"))),
    "other owner": replies(record(TXT, text(b"v=STSv1; id=1;"), owner=name(b"elsewhere", b"test"))),
    **{
        f"text: {title}": replies(record(TXT, text(f"v=STSv1; id={given};".encode("utf-8", "surrogatepass"))))
        for title, given in TEXTS.items()
        if not given.isalnum() and len(given) < 10_000
    },
}

HOSTS: dict[str, tuple[bytes, ...]] = {
    "markup": (b"[/x]", b"test"),
    "an escape sequence": (b"\x1b[2J", b"test"),
    "a direction": ("\u202e".encode(), b"test"),
    "a blank": (b"a b", b"test"),
    "a line end": (b"a\r\nQUIT", b"test"),
    "NUL": (b"a\0b", b"test"),
    "a dot in a label": (b"a.b", b"test"),
    "a backslash": (b"a\\", b"test"),
    "quotes": (b'"', b"test"),
    "braces": (b"{0}%s$(id)", b"test"),
    "high bytes": (b"\xff\xfe", b"test"),
    "a command of a pipeline": (b"##vso[task.complete result=Succeeded;]", b"test"),
    "a star": (b"*", b"test"),
    "a label of 63": (b"x" * 63, b"test"),
    "a name of 253": (*[b"x" * 61] * 4, b"test"),
    "no A-label": (b"xn--\xc3\xbc", b"test"),
    "an A-label that decodes to nothing": (b"xn--999999999", b"test"),
    "an address": (b"127", b"0", b"0", b"1"),
    "one label": (b"localhost",),
    "a slash": (b"..", b"etc"),
}

ATTACKS: dict[str, Attack] = {
    **{f"packet: {title}": Attack(answer) for title, answer in MALFORMED.items()},
    **{f"record: {title}": Attack(answer) for title, answer in RECORDS.items()},
    **{f"MX: {title}": Attack(replies(mail(*labels)), "{}", MX, "server") for title, labels in HOSTS.items()},
    **{
        f"MX packet: {title}": Attack(MALFORMED[title], "{}", MX, "mx")
        for title in ("counts without records", "SERVFAIL", "random bytes", "no data", "silence")
    },
    **{
        f"TLSA packet: {title}": Attack(MALFORMED[title], "_25._tcp.mx.{}", TLSA, "dane")
        for title in ("counts without records", "SERVFAIL", "random bytes", "data beyond the end", "silence")
    },
    "TLSA: no data": Attack(replies(record(TLSA, b"")), "_25._tcp.mx.{}", TLSA, "dane"),
    "TLSA: a thousand": Attack(
        OnlyByTcp(replies(*[record(TLSA, b"\3\1\1" + bytes([at // 256, at % 256] * 16)) for at in range(1000)])),
        "_25._tcp.mx.{}", TLSA, "dane",
    ),
    "TLSA: CNAMEs in a circle": Attack(loop, "_25._tcp.mx.{}", TLSA, "dane"),
    "MX: 1,500": Attack(
        OnlyByTcp(replies(*[mail(b"m%d" % at, b"nowhere", b"test") for at in range(1500)])), "{}", MX, "server"
    ),
    "MX: the null one beside others": Attack(replies(mail(), mail(b"m", b"nowhere", b"test")), "{}", MX, "server"),
    "address: three bytes": Attack(replies(record(A, b"\x7f\0\0")), "mta-sts.{}", A, "policy-host"),
    "address: a thousand": Attack(
        OnlyByTcp(replies(*[record(A, bytes([127, 9, at // 256, at % 256])) for at in range(1000)])),
        "mta-sts.{}", A, "policy-host",
    ),
    "address: 0.0.0.0": Attack(replies(record(A, bytes(4))), "mta-sts.{}", A, "policy-host"),
    "address: everybody": Attack(replies(record(A, b"\xff" * 4)), "mta-sts.{}", A, "policy-host"),
    "address: CNAMEs in a circle": Attack(loop, "mta-sts.{}", A, "policy-host"),
}  # fmt: skip

NAME_SERVERS: dict[str, Answer] = {
    "two hundred": OnlyByTcp(replies(*[record(NS, name(b"n%d" % at, b"test")) for at in range(200)])),
    "the root": replies(record(NS, b"\0")),
    "an escape sequence": replies(record(NS, name(b"\x1b[/x]"))),
    **{title: MALFORMED[title] for title in ("counts without records", "no data", "random bytes", "silence")},
}
