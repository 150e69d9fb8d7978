"""Set-ups of mail servers with TLS and DANE, and what is to be said of them.

An entry: the domain's zone, its mail server, and its TLSA records; what `server` and `dane` say (level, words). What
posttls-finger makes of it is compared with that; `trusted` and `held` are where it makes something else of it, and
docs/checks.md says what decides.
"""

from dataclasses import dataclass

Said = tuple[str, str]  # a level, and words of the text
NONE: Said = ("pass", "has no TLSA record")
GOOD: Said = ("pass", "offers STARTTLS with TLSv1.3, TLS_")
DO_NOTHING = "of no effect without DNSSEC"

ALTERED = "abcdabcd"  # is turned around once the zone was signed


@dataclass(frozen=True)
class Entry:
    """See above.

    :param tlsa: `USAGE SELECTOR TYPE OF`, where OF is whose certificate (own, ca, root, other) or the data itself.
    :param kind: what is wrong with the server (staged.Certificates).
    :param v6: the same of its IPv6 address, where it has one.
    :param zone: of the domain; `mx_zone`: of its mail server.
    :param alias: the mail server's name, or that of its TLSA records, is a CNAME: "host", "tlsa".
    :param trusted: posttls-finger verifies the certificate without DANE; `held`: a TLSA record fits for it.
    """

    dane: Said = NONE
    server: Said = GOOD
    tlsa: tuple[str, ...] = ()
    kind: str = "good"
    v6: str = ""
    zone: str = "secure.test"
    mx_zone: str = ""
    alias: str = ""
    trusted: bool = False
    held: bool = False


def bad(words: str) -> Said:
    return "fail", words


def fits(words: str = "its certificate fits") -> Said:
    return "pass", words


NAME, EXPIRED, STRANGER = bad("not valid for 'mx."), bad("certificate has expired"), bad("self-signed certificate")
NO_STARTTLS = bad("offers no STARTTLS")
CORPUS: dict[str, Entry] = {
    # TLS alone
    "right": Entry(),
    "TLS 1.2": Entry(server=("pass", "offers STARTTLS with TLSv1.2, ECDHE"), kind="TLS 1.2"),
    "TLS 1.1": Entry(server=bad("speaks TLSv1.1 at most"), kind="TLS 1.1"),
    "TLS 1.0": Entry(server=bad("speaks TLSv1 at most"), kind="TLS 1.0"),
    "no STARTTLS": Entry(server=NO_STARTTLS, kind="no STARTTLS"),
    "another name": Entry(server=NAME, kind="another name"),
    "a wildcard": Entry(kind="wildcard"),
    "a wildcard above": Entry(server=NAME, kind="wildcard above"),
    "a common name beside another name": Entry(server=NAME, kind="common name"),
    "a common name alone": Entry(server=NAME, kind="common name alone", trusted=True),
    "expired": Entry(server=EXPIRED, kind="expired"),
    "not valid yet": Entry(server=bad("certificate is not yet valid"), kind="early"),
    "a stranger's": Entry(server=STRANGER, kind="stranger"),
    "the intermediate is missing": Entry(server=bad("unable to get local issuer"), kind="leaf alone"),
    # addresses
    "two addresses": Entry(v6="good"),
    "IPv6 without STARTTLS": Entry(server=bad("[fd25::{at}] offers no STARTTLS"), v6="no STARTTLS"),
    "IPv4 expired, IPv6 right": Entry(server=bad("[127.25.0.{at}] its certificate"), kind="expired", v6="good"),
    "IPv6 closed": Entry(server=("warn", "[fd25::{at}] can't be reached there"), v6="closed"),
    # DANE-EE
    "3 1 1": Entry(fits("fits 3 1 1"), tlsa=("3 1 1 own",)),
    "3 0 1": Entry(fits(), tlsa=("3 0 1 own",)),
    "3 1 2": Entry(fits(), tlsa=("3 1 2 own",)),
    "3 0 0": Entry(fits(), tlsa=("3 0 0 own",)),
    "3 1 0": Entry(fits(), tlsa=("3 1 0 own",)),
    "3 1 1, another name": Entry(fits(), NAME, ("3 1 1 own",), "another name"),
    "3 1 1, expired": Entry(fits(), EXPIRED, ("3 1 1 own",), "expired"),
    "3 1 1, a stranger's": Entry(fits(), STRANGER, ("3 1 1 own",), "stranger"),
    "3 1 1, TLS 1.1": Entry(bad("there is no TLS that senders speak"), bad("speaks TLSv1.1 at most"), ("3 1 1 own",), "TLS 1.1"),
    "3 1 1 of another": Entry(bad("fits none: 3 1 1"), tlsa=("3 1 1 other",)),
    "3 0 1 of a key": Entry(bad("fits none: 3 0 1"), tlsa=("3 0 1 key",)),
    "3 1 1 of the authority": Entry(bad("fits none: 3 1 1"), tlsa=("3 1 1 ca",)),
    "a rollover": Entry(fits("; these don't: 3 1 1"), tlsa=("3 1 1 own", "3 1 1 other")),
    "a stronger digest that is wrong": Entry(bad("a stronger digest stands"), tlsa=("3 1 1 own", "3 1 2 other")),
    "3 1 1, no STARTTLS": Entry(bad("there is no TLS that senders speak (offers no STARTTLS)"), NO_STARTTLS, ("3 1 1 own",), "no STARTTLS"),
    "IPv6 fits, IPv4 doesn't": Entry(bad("[127.25.0.{at}] its certificate fits none"), tlsa=("3 1 1 v6",), v6="good"),
    # DANE-TA
    "2 1 1": Entry(fits(), tlsa=("2 1 1 ca",)),
    "2 0 1": Entry(fits(), tlsa=("2 0 1 ca",)),
    "2 0 2 of the root": Entry(fits(), tlsa=("2 0 2 root",), kind="whole chain"),
    "2 1 1 of the root, not presented": Entry(bad("presents no such certificate"), tlsa=("2 1 1 root",)),
    "2 0 0 of the root, not presented": Entry(fits(), tlsa=("2 0 0 root",)),
    "2 1 0 of the root, not presented": Entry(bad("presents no such certificate"), tlsa=("2 1 0 root",), held=True),
    "2 1 1 of a stranger's": Entry(fits(), STRANGER, ("2 1 1 ca",), "stranger"),
    "2 1 1, another name": Entry(bad("does not hold for mx."), NAME, ("2 1 1 ca",), "another name"),
    "2 1 1, expired": Entry(bad("does not hold for mx."), EXPIRED, ("2 1 1 ca",), "expired"),
    "2 1 1 of another": Entry(bad("presents no such certificate"), tlsa=("2 1 1 other",)),
    "2 1 1 of its own": Entry(bad("presents no such certificate"), tlsa=("2 1 1 own",)),
    "2 1 1 for the domain's name": Entry(fits(), NAME, ("2 1 1 ca",), "domain's name"),
    "2 wrong, 3 right": Entry(fits("; these don't: 2 1 1"), tlsa=("2 1 1 other", "3 1 1 own")),
    # what nobody can use
    "0 0 1": Entry(("warn", "usage 0 is not for mail servers"), tlsa=("0 0 1 ca",)),
    "1 1 1": Entry(("warn", "usage 1 is not for mail servers"), tlsa=("1 1 1 own",)),
    "selector 7": Entry(("warn", "there is no selector 7"), tlsa=("3 7 1 own",)),
    "matching type 9": Entry(("warn", "there is no matching type 9"), tlsa=("3 1 9 own",)),
    "a digest cut off": Entry(("warn", "its digest has 4 bytes"), tlsa=("3 1 1 abcdef01",)),
    "3 0 0 of rubbish": Entry(("warn", "its data is no certificate"), tlsa=("3 0 0 abcdef01",)),
    "1 1 1 beside 3 1 1": Entry(fits("passed over: 1 1 1"), tlsa=("1 1 1 other", "3 1 1 own")),
    # DNSSEC
    "no DNSSEC": Entry(("warn", DO_NOTHING), tlsa=("3 1 1 own",), zone="plain.test"),
    "no DNSSEC, of another": Entry(("warn", DO_NOTHING), tlsa=("3 1 1 other",), zone="plain.test"),
    "the server without DNSSEC": Entry(("warn", DO_NOTHING), tlsa=("3 1 1 own",), mx_zone="plain.test"),
    "signed, without a DS record": Entry(("warn", "no DS record at its parent"), tlsa=("3 1 1 own",), mx_zone="island.test"),
    "opt-out": Entry(("warn", DO_NOTHING), tlsa=("3 1 1 own",), zone="sub.optout.test"),
    "TLSA records that were altered": Entry(bad("its TLSA answer is bogus"), tlsa=(f"3 1 1 {ALTERED * 8}",)),
    "NSEC3": Entry(fits(), tlsa=("3 1 1 own",), zone="optout.test"),
    "NSEC3, no TLSA": Entry(zone="optout.test"),
    "a server under DNSSEC, of a domain without": Entry(fits("DANE protects only from there on"), tlsa=("3 1 1 own",), zone="plain.test", mx_zone="secure.test"),
    "the same of another": Entry(bad("fits none"), tlsa=("3 1 1 other",), zone="plain.test", mx_zone="secure.test"),
    "the server's name is a CNAME": Entry(fits(), tlsa=("3 1 1 own",), alias="host"),
    "the TLSA records' name is a CNAME": Entry(fits(), tlsa=("3 1 1 own",), alias="tlsa"),
}  # fmt: skip
# Zones whose DNSSEC is broken: the resolver gives nothing, whatever stands there.
BROKEN = {"bogus.test": "no DNSKEY of bogus.test is the one", "expired.test": "has expired (2020-"}
