"""Azure DNS (API 2018-05-01 and 2023-07-01-preview): zones and record sets."""

import time
import uuid
from typing import Any

from sandbox.arm import GROUP, SUB, Answer, Call, accepted, route, shown
from sandbox.arm.errors import ArmError, not_found, not_modelled, refuse_unknown
from sandbox.arm.groups import group_of
from sandbox.dns.view import NAME_SERVERS, SOA_TIMES

ZONE_TYPE = "Microsoft.Network/dnszones"
ZONES = GROUP + "/providers/Microsoft.Network/dnsZones"
ZONE = ZONES + "/(?P<zone>[^/]+)"
KIND = "(?P<kind>A|AAAA|CAA|CNAME|MX|NS|SOA|TXT)"
SET = f"{ZONE}/{KIND}/(?P<name>[^/]+)"
LISTED = ("$top", "$recordsetnamesuffix")
RECORDS = {"CNAME": "CNAMERecord", "SOA": "SOARecord"}
KEYS = {"ttl": "TTL", "metadata": "metadata", "targetresource": "targetResource", "fqdn": "fqdn",
        "provisioningstate": "provisioningState", "trafficmanagementprofile": "trafficManagementProfile"}  # fmt: skip


@route("PUT", ZONE)
def put_zone(call: Call) -> Answer:
    group_of(call)
    refuse_unknown(call.body, {"location", "tags", "properties", "etag", "name", "id", "type"}, "dnsZone")
    given = call.body.get("properties") or {}
    for name in ("registrationVirtualNetworks", "resolutionVirtualNetworks", "signingKeys"):
        if given.get(name):
            raise not_modelled(f"dnsZone.properties.{name}")
    if given.get("zoneType", "Public") != "Public":
        raise not_modelled(f"dnsZone.properties.zoneType {given['zoneType']}")
    old = call.state.get(call.id)
    _check_etag(call, old)
    body = {
        "id": old["id"] if old else call.path,
        "name": call.groups["zone"].lower(),
        "type": ZONE_TYPE,
        "location": "global",
        "tags": call.body.get("tags") or {},
        "etag": str(uuid.uuid4()),
        "properties": {
            "zoneType": "Public",
            "maxNumberOfRecordSets": 10000,
            "nameServers": [f"{server}." for server in NAME_SERVERS],
        },
        "_undelegated": bool(old and old.get("_undelegated")),
    }
    call.state.put(body)
    if not old:
        soa = {"host": f"{NAME_SERVERS[0]}.", "email": "azuredns-hostmaster.microsoft.com", "serialNumber": 1}
        _store(call, "SOA", "@", {"TTL": 3600, "SOARecord": soa | SOA_TIMES})
        _store(call, "NS", "@", {"TTL": 172800, "NSRecords": [{"nsdname": f"{server}."} for server in NAME_SERVERS]})  # fmt: skip
    return Answer(200 if old else 201, _zone_shown(call, body))


def _zone_shown(call: Call, body: dict[str, Any]) -> dict[str, Any]:
    return shown(
        {**body, "properties": {**body["properties"], "numberOfRecordSets": len(_sets(call, body["id"]))}}
    )


def _sets(call: Call, zone: str, kind: str = "") -> list[dict[str, Any]]:
    """A zone's record sets; one that was deleted is kept a while for name servers that lag, and isn't one."""
    wanted = f"{ZONE_TYPE}/{kind}".lower()
    inside = [body for body in call.state.under(zone) if body["type"] != ZONE_TYPE and body["properties"]]
    return [body for body in inside if not kind or body["type"].lower() == wanted]


@route("GET", SUB + "/providers/Microsoft.Network/dnsZones", query=("$top",))
@route("GET", ZONES, query=("$top",))
def list_zones(call: Call) -> Answer:
    if "group" in call.groups:
        group_of(call)
    inside = call.path.lower().partition("/providers/")[0]
    found = [_zone_shown(call, zone) for zone in call.state.of(ZONE_TYPE) if zone["id"].lower().startswith(f"{inside}/")]  # fmt: skip
    return Answer(200, {"value": found[: int(call.query.get("$top", len(found)))]})


@route("GET", ZONE)
def get_zone(call: Call) -> Answer:
    group_of(call)
    body = call.state.get(call.id)
    if body is None:
        raise not_found(call.path)
    return Answer(200, _zone_shown(call, body))


@route("PATCH", ZONE)
def patch_zone(call: Call) -> Answer:
    refuse_unknown(call.body, {"tags"}, "dnsZone, patched:")
    group_of(call)
    body = call.state.get(call.id)
    if body is None:
        raise not_found(call.path)
    _check_etag(call, body)
    body |= {"tags": call.body.get("tags") or {}, "etag": str(uuid.uuid4())}
    call.state.put(body)
    return Answer(200, _zone_shown(call, body))


@route("DELETE", ZONE)
def delete_zone(call: Call) -> Answer:
    if call.state.get(call.id) is None:
        return Answer(204)
    return accepted(call, call.state.begin("delete", call.id, call.state.delay("delete")))


@route("GET", f"{ZONE}/(?:recordsets|all)", query=LISTED)
@route("GET", f"{ZONE}/{KIND}", query=LISTED)
def list_sets(call: Call) -> Answer:
    zone = call.path.rpartition("/")[0]
    if call.state.get(zone) is None:
        raise not_found(zone)
    suffix = call.query.get("$recordsetnamesuffix", "").lower()
    found = [shown(body) for body in _sets(call, zone, call.groups.get("kind", "")) if body["name"].lower().endswith(suffix)]  # fmt: skip
    return Answer(200, {"value": found[: int(call.query.get("$top", len(found)))]})


@route("GET", SET)
def get_set(call: Call) -> Answer:
    body = _existing(call)
    if body is None:
        name, kind = call.groups["name"], call.groups["kind"]
        raise ArmError(404, "NotFound", f"The resource record '{name}' of type '{kind}' does not exist in resource group '{call.groups['group']}' of subscription '{call.groups['sub']}'.")  # fmt: skip
    return Answer(200, shown(body))


@route("PUT", SET)
@route("PATCH", SET)
def put_set(call: Call) -> Answer:
    group_of(call)
    zone = _zone(call)
    kind, name = call.groups["kind"].upper(), call.groups["name"]
    refuse_unknown(call.body, {"properties", "etag", "id", "name", "type"}, f"dnsZones/{kind}")
    old = _existing(call)
    given = _properties(call.body.get("properties") or {}, kind)
    properties = {**(old["properties"] if old and call.method == "PATCH" else {}), **given}
    _check_etag(call, old)
    others = [body for body in _sets(call, zone["id"]) if body["name"].lower() == name.lower() and body["id"].lower() != call.id.lower()]  # fmt: skip
    if others and (kind == "CNAME" or any(body["type"].endswith("/CNAME") for body in others)):
        raise ArmError(409, "Conflict", f"The record set '{name}' could not be created because a CNAME record set and other record sets can't have the same name.")  # fmt: skip
    if "TTL" not in properties:
        raise ArmError(400, "BadRequest", "The resource record is missing field 'TTL'.")
    return Answer(200 if old else 201, shown(_store(call, kind, name, properties, old)))


@route("DELETE", SET)
def delete_set(call: Call) -> Answer:
    _zone(call)
    old = _existing(call)
    if old is None:
        return Answer(204)
    if call.groups["kind"].upper() in ("SOA", "NS") and call.groups["name"] == "@":
        raise ArmError(400, "BadRequest", f"The record set '@' of type '{call.groups['kind']}' can't be deleted: the zone needs it.")  # fmt: skip
    _check_etag(call, old)
    # Kept, without records, until no name server answers the old ones any more.
    old |= {
        "_before": old["properties"],
        "_visible": time.time() + call.state.delay("dns-lag"),
        "properties": None,
    }
    call.state.put(old) if call.state.delay("dns-lag") else call.state.delete(call.id)
    return Answer(200)


def _existing(call: Call) -> dict[str, Any] | None:
    body = call.state.get(call.id)
    return body if body and body["properties"] else None


def _zone(call: Call) -> dict[str, Any]:
    group_of(call)
    id_ = call.path.rsplit("/", 2)[0]
    zone = call.state.get(id_)
    if zone is None:
        raise ArmError(404, "ParentResourceNotFound", f"Can not perform requested operation on nested resource. Parent resource '{call.groups['zone']}' not found.")  # fmt: skip
    return zone


def _properties(given: dict[str, Any], kind: str) -> dict[str, Any]:
    records = RECORDS.get(kind, f"{kind}Records")
    keys = {**KEYS, records.lower(): records}
    found: dict[str, Any] = {}
    for name, value in given.items():
        if name.lower() not in keys:
            raise not_modelled(f"dnsZones/{kind}.properties.{name}")
        if value and keys[name.lower()] in ("targetResource", "trafficManagementProfile") and value.get("id"):
            raise not_modelled(f"dnsZones/{kind}.properties.{name}")
        found[keys[name.lower()]] = value
    for text in (text for each in found.get("TXTRecords") or () for text in each["value"]):
        if len(text.encode()) > 255:
            raise ArmError(
                400, "BadRequest", "The value of a TXT record string exceeds the maximum length of 255."
            )
    return {name: value for name, value in found.items() if value is not None}


def _check_etag(call: Call, old: dict[str, Any] | None) -> None:
    wanted, none = call.headers.get("if-match"), call.headers.get("if-none-match")
    if (none == "*" and old) or (wanted and wanted != "*" and (old is None or wanted != old["etag"])):
        raise ArmError(412, "PreconditionFailed", f"The condition '{wanted or none}' in the {'If-Match' if wanted else 'If-None-Match'} header was not satisfied.")  # fmt: skip


def _store(call: Call, kind: str, name: str, properties: dict[str, Any], old: Any = None) -> dict[str, Any]:
    zone = call.path if "kind" not in call.groups else call.path.rsplit("/", 2)[0]
    fqdn = f"{call.groups['zone']}." if name == "@" else f"{name}.{call.groups['zone']}."
    body = {
        "id": old["id"] if old else f"{zone}/{kind}/{name}",
        "name": name,
        "type": f"{ZONE_TYPE}/{kind}",
        "etag": str(uuid.uuid4()),
        "properties": {**properties, "fqdn": fqdn, "provisioningState": "Succeeded"},
        "_before": old["properties"] if old else None,
        "_visible": time.time() + call.state.delay("dns-lag"),
    }
    call.state.put(body)
    return body
