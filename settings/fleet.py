"""`mta-sts:fleet`: domains from a CSV file (RFC 4180), a row each; a stack has those of its shard.

    domain,customer,mx,preset,mode,maxAge,dns,tlsReports,delegateTo,adoptTlsReports,shard,site
    example.org,acme,,microsoft365,testing,,customers,mailto:tls@msp.example,,,1,

Rows become the same `PolicySettings` as `mta-sts:policies`: on Front Door those with equal policies one, on Static Web Apps
those of one site. Each problem names the file, the line and the column. docs/fleet.md describes the columns.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from policy import Policy, TlsRptRecord
from settings.operators import PRESETS
from settings.policies import (
    CUSTOM_DOMAINS,
    PROFILE_DOMAINS,
    Domain,
    Hosted,
    Hosting,
    PolicySettings,
    read_document,
    read_domain,
    read_number,
)
from settings.reader import Reader, shown
from settings.rows import (
    COLUMNS,
    KEY,
    LAST_SHARD,
    PACK,
    Fleet,
    Row,
    RowReader,
    as_number,
    listed,
    read_file,
    read_files,
)
from zones import Dns
from zones import read as read_dns

KEYS = ("file", "shard", "sku", "dns", "customers")
SHARD = PROFILE_DOMAINS  # domains: what one profile of Front Door holds
NAME = re.compile(r"[A-Za-z0-9_-]{1,60}")  # of an entry of mta-sts:fleet.dns: it is a part of a configuration path
FLAGS: Mapping[str, bool | None] = {"": None, "true": True, "false": False}

__all__ = ["COLUMNS", "KEY", "Fleet", "Place", "Row", "of_shard", "read", "read_file", "read_files"]


@dataclass(frozen=True)
class Place:
    """What `mta-sts:fleet` says beside its rows.

    :param dns: where records go, by what the column `dns` says; "" is the stack's own.
    """

    hosted: Hosted = field(default_factory=Hosted)
    sku: str = "Free"
    dns: Mapping[str, Dns | None] = field(default_factory=dict[str, Dns | None])


def read(
    reader: Reader, value: Any, dns: Dns | None, hosted: Hosted, folder: Path
) -> tuple[PolicySettings, ...] | None:
    """The policies of a stack's shard; None where the stack has no fleet.

    :param dns: where records go if a row doesn't say so.
    :param hosted: what serves policies.
    :param folder: that the files' names are relative to.
    """
    if value is None:
        return None
    given = reader.mapping(value, KEY, KEYS)
    if not isinstance(value, dict):
        return ()
    shard = read_number(reader, given.get("shard"), f"{KEY}.shard", LAST_SHARD)
    place = read_place(reader, given, dns, hosted)
    customers = read_customers(reader, given.get("customers"))
    fleet = reader.attempt(f"{KEY}.file", lambda: read_files(folder, given.get("file"), customers))
    if fleet is None:
        return ()
    for problem in fleet.problems:
        reader.problem(*problem.split(": ", 1))
    reader.notes += fleet.notes
    if shard is None or (fleet.problems and not fleet.rows):
        return ()
    rows = fleet.shards.get(shard, [])
    if not rows:
        there = ", ".join(map(str, fleet.shards)) or "none"
        reader.problem(
            f"{KEY}.shard", f"no row has shard {shard}, but {there}; a shard that is over ends with pulumi destroy"
        )
    return of_shard(reader, fleet, shard, place)


def read_place(reader: Reader, given: Mapping[str, Any], dns: Dns | None, hosted: Hosted) -> Place:
    """What `mta-sts:fleet` says of where its domains go; the parameters are those of `read`."""
    return Place(
        hosted, _sku(reader, given.get("sku"), hosted), {"": dns, **_places(reader, given.get("dns"), dns)}
    )


def _sku(reader: Reader, value: Any, hosted: Hosted) -> str:
    if value is None:
        return "Free"
    if not hosted.on(Hosting.STATIC_WEB_APP):
        reader.problem(f"{KEY}.sku", "means nothing on Front Door; leave it out")
    says = f"is no plan; choose {' or '.join(CUSTOM_DOMAINS)}"
    return reader.choice(value, f"{KEY}.sku", tuple(CUSTOM_DOMAINS), says) or "Free"


def _places(reader: Reader, value: Any, dns: Dns | None) -> dict[str, Dns | None]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        reader.problem(f"{KEY}.dns", f"{shown(value)} must be a map of names to maps such as {{customers: {{provider: azure, resourceGroup: dns}}}}")  # fmt: skip
        return {}
    found: dict[str, Dns | None] = {}
    for name, given in cast(dict[Any, Any], value).items():
        if not isinstance(name, str) or not NAME.fullmatch(name):
            reader.problem(
                f"{KEY}.dns", f"{shown(name)} must be letters, digits, - and _; rows name it in their column dns"
            )
            continue
        found[name] = read_dns(reader, given, f"{KEY}.dns.{name}", dns)
    return found


def read_customers(reader: Reader, value: Any) -> dict[str, str]:
    """`mta-sts:fleet.customers`: by file, whose all of its rows are."""
    if value is None:
        return {}
    given = cast(dict[Any, Any], value) if isinstance(value, dict) else {}
    texts = {
        name: whose for name, whose in given.items() if isinstance(name, str) and isinstance(whose, str) and whose
    }
    if not isinstance(value, dict) or len(texts) < len(given):
        reader.problem(f"{KEY}.customers", f"{shown(value)} must be a map of files to customers such as {{fleet/acme.csv: acme}}")  # fmt: skip
    return texts


def of_shard(reader: Reader, fleet: Fleet, shard: int, place: Place) -> tuple[PolicySettings, ...]:
    """The policies of one shard; rows with a mistake are told and left out.

    :returns: on Static Web Apps one for each site, named after it; on Front Door one for all rows that are equal, named
        by a hash of what they share, whatever their order.
    """
    rows = fleet.shards.get(shard, [])
    if len(rows) > SHARD:
        late = rows[SHARD]
        reader.problem(late.key, f"shard: shard {shard} has {len(rows)} domains, and holds {SHARD}; leave it blank in those that are new, then: {PACK}")  # fmt: skip
    found = [(row, made) for row in rows if (made := of_row(reader, row, place))]
    if place.hosted.on(Hosting.STATIC_WEB_APP):
        return _sites(reader, found, place)
    alike: dict[tuple[bytes, tuple[str, ...]], list[PolicySettings]] = {}
    for _, made in found:
        alike.setdefault(kind(made), []).append(made)
    return tuple(_together(f"p-{_digest(shared)}", group, place) for shared, group in sorted(alike.items()))


def kind(settings: PolicySettings) -> tuple[bytes, tuple[str, ...]]:
    """Equal for rows that share a policy."""
    return settings.policy.render(), settings.tls_reports.rua if settings.tls_reports else ()


def _digest(shared: tuple[bytes, tuple[str, ...]]) -> str:
    return hashlib.sha256(b"\0".join([shared[0], *(uri.encode() for uri in shared[1])])).hexdigest()[:12]


def _together(name: str, group: Sequence[PolicySettings], place: Place) -> PolicySettings:
    domains = tuple(domain for each in group for domain in each.domains)
    return PolicySettings(
        name, group[0].policy, place.sku, domains, group[0].tls_reports, hosted=place.hosted, may_be_left=True
    )


def of_row(reader: Reader, row: Row, place: Place) -> PolicySettings | None:
    """A row by itself."""
    own = RowReader(row.key)
    cells, key = row.cells, row.key
    where = cells.get("dns", "")
    if where not in place.dns:
        there = ", ".join(name for name in place.dns if name)
        own.problem(f"{key}.dns", f"{shown(where)} is no entry of {KEY}.dns" + (f", which has {there}" if there else "; leave it blank for mta-sts:dns"))  # fmt: skip
    if cells.get("preset", "") not in ("", *PRESETS):
        own.problem(
            f"{key}.preset", f"{shown(cells['preset'])} is none; there are {', '.join(PRESETS)}, or write mx"
        )
    early = FLAGS.get(cells.get("adoptTlsReports", "").lower(), cells.get("adoptTlsReports"))
    given: dict[str, Any] = {"name": row.domain or None, "adoptTlsReports": early, "delegateTo": cells.get("delegateTo") or None}  # fmt: skip
    domain: Domain | None = None
    if row.domain:
        # A `dns` with a mistake is told by now; in its place any that has none.
        domain = read_domain(own, given, key, place.dns.get(where, Dns()))
    document = _document(own, row)
    uris = listed(cells.get("tlsReports", ""))
    reports = own.attempt(f"{key}.tlsReports", lambda: TlsRptRecord(tuple(uris))) if uris else None
    for problem in (*row.problems, *own.problems):
        reader.problem(*problem.split(": ", 1))
    if not domain or not document or row.problems or own.problems:
        return None
    return PolicySettings(key, document, place.sku, (domain,), reports, hosted=place.hosted)


def _document(reader: Reader, row: Row) -> Policy | None:
    cells = row.cells
    age = {"maxAge": as_number(cells["maxAge"])} if cells.get("maxAge") else {}
    return read_document(reader, {"mode": cells.get("mode"), "mx": list(row.mx), **age}, row.key)


def _sites(
    reader: Reader, found: Iterable[tuple[Row, PolicySettings]], place: Place
) -> tuple[PolicySettings, ...]:
    """A policy for each site: all of its rows have it."""
    by_site: dict[int, list[tuple[Row, PolicySettings]]] = {}
    for row, made in found:
        if row.site is None:
            reader.problem(row.key, f"site: is missing; {PACK} writes it")
        else:
            by_site.setdefault(row.site, []).append((row, made))
    room = CUSTOM_DOMAINS[place.sku]
    for number, group in by_site.items():
        first = group[0][0]
        if len(group) > room:
            lines = ", ".join(str(row.line) for row, _ in group)
            reader.problem(group[room][0].key, f"site: site {number} has {len(group)} domains (lines {lines}), but a {place.sku} app holds {room}; leave it blank in the new one, then: {PACK}")  # fmt: skip
        for row, made in group[1:]:
            if kind(made) != kind(group[0][1]):
                reader.problem(row.key, f"site: site {number} has another policy in {first.key}, and an app serves one: give both the same mode, maxAge, mx and tlsReports, or leave site blank in the new one, then: {PACK}")  # fmt: skip
    return tuple(
        _together(f"site-{number}", [made for _, made in group], place)
        for number, group in sorted(by_site.items())
    )
