"""Files as strangers may send them where reports are expected, each named for what it tries."""

import bz2
import gzip
import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from datetime import date
from email.message import EmailMessage
from functools import partial
from typing import Any

from reports.samples import gzipped, mail, report, text, zipped

from security.texts import TEXTS

TODAY = date(2026, 3, 1)
MIB = 1024 * 1024
Make = Callable[[], bytes]


def nested(times: int, data: bytes) -> bytes:
    for _ in range(times):
        data = gzip.compress(data, mtime=0)
    return data


def archive(method: int, **files: bytes) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", method) as made:
        for name, content in files.items():
            made.writestr(name, content)
    return data.getvalue()


def overlapping(count: int) -> bytes:
    """A zip file whose entries are all the same compressed bytes (Fifield, 2019)."""
    packed = zlib.compressobj(9, zlib.DEFLATED, -15)
    content = b" " * (8 * MIB)
    body = packed.compress(content) + packed.flush()
    sizes = (zlib.crc32(content), len(body), len(content))
    local = struct.pack("<4s5H3I2H", b"PK\x03\x04", 20, 0, 8, 0, 0, *sizes, 1, 0) + b"a"
    entry = struct.pack("<4s6H3I5H2I", b"PK\x01\x02", 20, 20, 0, 8, 0, 0, *sizes, 1, 0, 0, 0, 0, 0, 0) + b"a"
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, count, count, len(entry) * count, len(local) + len(body), 0)
    return local + body + entry * count + end


def tree(depth: int, width: int) -> bytes:
    """Archives in archives: a million of them unpacked."""
    data = text(report(domain="other.example"))
    for _ in range(depth):
        data = zipped(**{f"{at}.zip": data for at in range(width)})
    return data


def multipart(depth: int, lines: int = 0) -> bytes:
    head = b"".join(
        b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (at, at) for at in range(depth)
    )
    return b"From: x@x.example\r\n" + head + b"\r\n" + b"x\r\n" * lines


def header(name: str, value: str) -> bytes:
    """A mail whose attachment has this header."""
    attached = mail(gzipped(report(domain="other.example")), name="r.json.gz")
    return attached.replace(b"MIME-Version: 1.0\n\nH4s", f"MIME-Version: 1.0\n{name}: {value}\n\nH4s".encode())


def octets(name: str, data: bytes) -> bytes:
    made = EmailMessage()
    made["From"] = "tls@sender.example"
    made.set_content("x")
    made.add_attachment(data, "application", "octet-stream", filename=name)
    return made.as_bytes()


def unlike(content: bytes) -> bytes:
    return mail(content).replace(b"Content-Transfer-Encoding: base64", b"Content-Transfer-Encoding: x-uuencode")


def archives() -> dict[str, Make]:
    report_ = text(report(domain="other.example"))
    good = zipped(a=report_)
    return {
        "a bomb": lambda: gzip.compress(b" " * (40 * MIB)),
        "a bomb in a bomb": lambda: nested(2, b" " * (30 * MIB)),
        "twenty thousand empty gzip members in 20 kB": lambda: gzip.compress(gzip.compress(b"") * 500_000),
        "the same twice": lambda: nested(2, gzip.compress(b"") * 500_000),
        "gzip members that end in the middle": lambda: gzip.compress(report_) + gzip.compress(report_)[:-9],
        "gzip with zeros behind it": lambda: gzip.compress(report_) + b"\0" * 100,
        "gzip with noise behind it": lambda: gzip.compress(report_) + b"noise" * 100,
        "gzip of nothing": lambda: gzip.compress(b""),
        "gzip with another sum": lambda: gzip.compress(report_)[:-8] + b"\0" * 8,
        "gzip's first bytes": lambda: b"\x1f\x8b",
        "gzip of another method": lambda: b"\x1f\x8b\x09" + gzip.compress(report_)[3:],
        "gzip with every flag": lambda: b"\x1f\x8b\x08\xff" + gzip.compress(report_)[4:],
        "gzip with an endless name": lambda: b"\x1f\x8b\x08\x08\0\0\0\0\0\0" + b"n" * MIB,
        "packed nine times": lambda: nested(9, report_),
        "a zip bomb": lambda: archive(zipfile.ZIP_DEFLATED, **{str(at): b" " * (2 * MIB) for at in range(20)}),
        "a zip bomb of overlapping files": lambda: overlapping(90),
        "more overlapping files than fit": lambda: overlapping(60_000),
        "a bomb by bzip2": lambda: archive(zipfile.ZIP_BZIP2, a=b" " * (60 * MIB)),
        "a bomb by LZMA": lambda: archive(zipfile.ZIP_LZMA, a=b" " * (30 * MIB)),
        "a hundred zip files in a hundred zip files": lambda: tree(2, 100),
        "a tree of zip files": lambda: tree(3, 40),
        "ten thousand empty files": lambda: zipped(**{str(at): b"" for at in range(10_000)}),
        "a hundred empty files": lambda: zipped(**{str(at): b"" for at in range(100)}),
        "a zip file in the middle": lambda: good[:-30],
        "a zip file's first bytes": lambda: b"PK\x03\x04",
        "a zip file's end alone": lambda: b"PK\x03\x04" + good[-22:],
        "an encrypted zip file": lambda: good.replace(b"\x14\x00\x00\x00\x08", b"\x14\x00\x01\x00\x08"),
        "a zip file of another version": lambda: good.replace(b"\x14\x00\x00\x00\x08", b"\xff\xff\x00\x00\x08"),
        "a zip file with another sum": lambda: good.replace(zlib.crc32(report_).to_bytes(4, "little"), b"\0\0\0\0"),
        "a zip file with a long comment": lambda: good[:-2] + b"\xff\xff" + b"c" * 65_535,
        "a zip file whose directory is elsewhere": lambda: good[:-6] + b"\xff\xff\xff\x7f\0\0",
        "a zip file with extra fields of no shape": lambda: good.replace(b"\x00\x00a", b"\x04\x00a", 1) + b"\x01\x00\xff\xff",
        "a zip file in a gzip file in a zip file": lambda: zipped(a=gzip.compress(zipped(a=report_))),
        "a path that climbs": lambda: zipped(**{"../../../../etc/passwd": report_}),
        "a name that is markup": lambda: zipped(**{"[/x]\x1b[2J##vso[task.complete result=Succeeded;]": b"{"}),
        "bzip2": lambda: bz2.compress(report_),
        "xz": lambda: lzma.compress(report_),
        "a tar file": lambda: b"r.json\0".ljust(512, b"\0") * 20,
    }  # fmt: skip


def mails() -> dict[str, Make]:
    packed = gzipped(report(domain="other.example"))
    good = mail(packed)
    return {
        "parts in parts in parts": lambda: multipart(5_000, 100_000),
        "a hundred parts, each around a long one": lambda: multipart(98, 250_000),
        "a thousand parts": lambda: b'Content-Type: multipart/mixed; boundary="b"\n\n' + b"--b\n\nx\n" * 5_000,
        "mails in mails": lambda: b"Content-Type: message/rfc822\n\n" * 3_000,
        "fourteen million empty lines": lambda: b"From: x\n\n" + b"\n" * (14 * MIB),
        "as many by carriage returns": lambda: b"From: x\n\n" + b"\r" * (14 * MIB),
        "one line": lambda: b"From: x\n\n" + b"x" * (14 * MIB),
        "seventeen megabytes": lambda: b"From: x\n\n" + b"x" * (17 * MIB),
        "a header without an end": lambda: b"X: " + b"x" * (15 * MIB),
        "a header of many lines": lambda: b"X: x\n" + b" x\n" * 200_000,
        "many headers": lambda: b"X: x\n" * 250_000 + b"\n",
        "a type of many parameters": lambda: b'Content-Type: multipart/mixed; a="' + b";" * MIB + b'"; boundary=x\n\n--x\n',
        "a type of numbered parameters": lambda: header("Content-Type", "application/gzip; " + "; ".join(f"name*{at}*=x" for at in range(100))),
        "a type of odd parameters": lambda: header("Content-Type", "application/gzip; name*0*=''; name*1*=%FF; name*=utf-8''%ff%fe; ="),
        "a type in another charset": lambda: header("Content-Type", "application/gzip; name*=no-such-charset'x'%41"),
        "a number that is too large": lambda: header("Content-Type", "application/gzip; name*" + "9" * 1_500 + "=x"),
        "an encoding that isn't one": lambda: header("Content-Transfer-Encoding", "x-nothing"),
        "uuencode": lambda: unlike(packed),
        "uuencode of noise": lambda: b"Content-Type: application/gzip\nContent-Transfer-Encoding: x-uuencode\n\nbegin 666 a\n" + bytes(range(256)) * 9,
        "quoted-printable of noise": lambda: b"Content-Type: application/gzip\nContent-Transfer-Encoding: quoted-printable\n\n=XX=\n=0" * 9,
        "base64 of noise": lambda: b"Content-Type: application/gzip\nContent-Transfer-Encoding: base64\n\n" + bytes(range(256)) * 9,
        "base64 without its end": lambda: good.replace(b"==\n", b"\n").replace(b"=\n\n", b"\n\n"),
        "a boundary that is nowhere": lambda: good.replace(b"\n--", b"\n-"),
        "a boundary of nothing": lambda: b'Content-Type: multipart/mixed; boundary=""\n\n--\n--\n',
        "a boundary of a megabyte": lambda: b'Content-Type: multipart/mixed; boundary="' + b"b" * MIB + b'"\n\n--b',
        "NULs": lambda: good.replace(b"\n", b"\0\n"),
        "headers that aren't ASCII": lambda: b"Fr\xf6m: \xff\nContent-Type: \xff/\xff; name=\xff\nContent-Disposition: \xff\n\n\xff",
        "no header": lambda: b"\n\n\n",
        "a header line without a colon": lambda: b"hello\nworld\n",
        "a first line that goes on": lambda: b" x: y\n\n{}",
        "a name that is markup": lambda: octets("[/x].json", b"{"),
        "a name that commands": lambda: octets("##vso[task.complete result=Succeeded;].json", b"{"),
        "a name of two lines": lambda: b'Content-Type: application/json\nContent-Disposition: attachment; filename="a\n b.json"\n\n{',
        "a name of a megabyte": lambda: b'Content-Type: application/json\nContent-Disposition: attachment; filename="' + b"n" * MIB + b'"\n\n{',
        "a bomb attached": lambda: mail(gzip.compress(b" " * (30 * MIB))),
        "a mail attached to a mail": lambda: octets("a.gz", gzip.compress(good)),
        "a mailbox of nothing": lambda: b"From x\n" * 1_000,
        "a mailbox whose mail is too long": lambda: b"From x\n" + b"x" * (17 * MIB) + b"\nFrom y\n",
        "a mailbox with lines that are too long": lambda: b"From x\n" + b"y" * 65_535 + b"From z\n" * 9,
        "a signature of noise": lambda: b"DKIM-Signature: " + bytes(range(1, 10)) * 9 + b"\n" + good,
        "a signature without values": lambda: b"DKIM-Signature: v=1; a=; b=; bh=; d=; h=; s=\n" + good,
        "a signature of blanks": lambda: b"DKIM-Signature: v=1; b" + b" " * 60_000 + b"=\n" + good,
        "a thousand signatures": lambda: b"DKIM-Signature: v=1; a=rsa-sha256; d=x.example; s=s; h=from; bh=AAAA; b=AAAA\n" * 1_000 + good,
        "a signature of many headers": lambda: b"DKIM-Signature: v=1; d=x; s=s; h=" + b"a:" * 30_000 + b"\n" + good,
    }  # fmt: skip


def documents() -> dict[str, Make]:
    made: dict[str, Make] = {
        "lists in lists": lambda: b'{"policies":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        "objects in objects": lambda: b'{"policies":' + b'{"a":' * 50_000 + b"1" + b"}" * 50_000 + b"}",
        "thirty-three deep": lambda: b'{"policies":' + b"[" * 33 + b"]" * 33 + b"}",
        "lists that don't end": lambda: b"[" * (9 * MIB),
        "five million numbers": lambda: b"[" + b"0," * (4 * MIB) + b"0]",
        "two million objects": lambda: b"[" + b"{}," * (3 * MIB) + b"0]",
        "a text that doesn't end": lambda: b'{"a": "' + b'\\"' * (4 * MIB),
        "a text that ends in a backslash": lambda: b'{"a": "' + b'\\"' * (2 * MIB) + b"\\",
        "a number of a million digits": lambda: b'{"policies": [], "a": ' + b"9" * MIB + b"}",
        "a number with an endless exponent": lambda: b'{"policies": [], "a": 1e' + b"9" * 1_000 + b"}",
        "half of a character": lambda: text(report())[:-2] + b"\xc3",
        "UTF-16": lambda: text(report()).decode().encode("utf-16"),
        "UTF-16 without a mark": lambda: text(report()).decode().encode("utf-16-le"),
        "a byte order mark alone": lambda: b"\xef\xbb\xbf{",
        "blanks alone": lambda: b" " * (9 * MIB) + b"{",
        "keys twice": lambda: b'{"policies": [], "policies": 7}',
        "a surrogate": lambda: b'{"policies": [], "date-range": {"start-datetime": "\\ud800"}}',
        "ten million bytes of text": lambda: text(
            {**report(domain="other.example"), "organization-name": "x" * (9 * MIB)}
        ),
        "another's JSON": lambda: b'{"aggregate": true}',
        "a key of JSON's own": lambda: b'{"policies": [], "__proto__": {}, "constructor": 1}',
    }
    odd: dict[str, Any] = {"null": None, "a list": [[]], "an object": {"x": {}}, "a boolean": True, "less than nothing": -1,
                           "a fraction": 1.5, "far too much": 2**80, "half a text": "\ud800", "nothing": ""}  # fmt: skip
    for field in ("organization-name", "date-range", "report-id", "contact-info", "policies"):
        for name, value in odd.items():
            made[f"{field} is {name}"] = partial(text, {**report(domain="other.example"), field: value})
    for field in ("policy", "summary", "failure-details"):
        for name, value in odd.items():
            given = report(domain="other.example", failures=(("certificate-expired", "mx", 1),))
            given["policies"][0][field] = value
            made[f"{field} is {name}"] = partial(text, given)
    return made


def named(texts: dict[str, str]) -> Iterator[tuple[str, Make]]:
    """A report about another domain, with a stranger's text in every place."""
    for name, value in texts.items():
        given = report(domain=f"{value}.other.example", failures=((value, value, 1),), sender=value)
        given["report-id"] = given["contact-info"] = value
        yield f"text: {name}", partial(text, given)


HOSTILE: dict[str, Make] = {
    **{f"archive: {name}": make for name, make in archives().items()},
    **{f"mail: {name}": make for name, make in mails().items()},
    **{f"JSON: {name}": make for name, make in documents().items()},
    **dict(named(TEXTS)),
    "a file of nothing": bytes,
    "a file of noise": lambda: bytes(range(256)) * 1_000,
}
