"""Azure DNS, as azure-mgmt-dns and `az network dns` see it: zones, record sets, and counts that agree."""

import pytest
from azure.core.exceptions import HttpResponseError
from contract_tools import Clients, resolve

from sandbox.control import Sandbox


@pytest.fixture
def dns(azure: Clients) -> Clients:
    for name in ("dns", "more"):
        azure.groups.resource_groups.create_or_update(name, {"location": "westeurope"})
    azure.dns.zones.create_or_update("dns", "example.org", {"location": "global"})
    azure.dns.zones.create_or_update("more", "example.net", {"location": "global"})
    return azure


def txt(value: str) -> dict[str, object]:
    return {"properties": {"TTL": 60, "TXTRecords": [{"value": [value]}]}}


def test_a_zone_has_azures_four_name_servers_everywhere(dns: Clients) -> None:
    servers = dns.dns.zones.get("dns", "example.org").name_servers
    assert [server.rpartition("azure-dns.")[2] for server in servers] == ["com.", "net.", "org.", "info."]
    assert sorted(resolve("example.org", "NS")) == sorted(servers)
    (apex,) = dns.dns.record_sets.list_by_type("dns", "example.org", "NS")
    assert [record.nsdname for record in apex.ns_records] == servers
    for server in servers:
        assert resolve(server.rstrip("."), "A") == ["127.0.0.1"]


def test_the_soa_is_whole_and_dns_answers_the_same(dns: Clients) -> None:
    soa = dns.dns.record_sets.get("dns", "example.org", "@", "SOA").soa_record
    assert soa.email == "azuredns-hostmaster.microsoft.com"
    times = (soa.refresh_time, soa.retry_time, soa.expire_time, soa.minimum_ttl)
    assert times == (3600, 300, 2419200, 300)
    assert resolve("example.org", "SOA") == [
        f"{soa.host} azuredns-hostmaster.microsoft.com. {soa.serial_number} 3600 300 2419200 300"
    ]
    changed = {"properties": {"TTL": 3600, "SOARecord": {"host": soa.host, "email": "me.example.org", "serialNumber": 1, "refreshTime": 3600, "retryTime": 300, "expireTime": 2419200, "minimumTTL": 60}}}  # fmt: skip
    dns.dns.record_sets.create_or_update("dns", "example.org", "@", "SOA", changed)
    assert resolve("example.org", "SOA")[0].endswith("me.example.org. 1 3600 300 2419200 60")


def test_zones_are_listed_by_group_and_by_subscription_with_the_same_counts(
    dns: Clients, sandbox: Sandbox
) -> None:
    sandbox.delay("dns-lag", 60)
    for name in ("a", "b"):
        dns.dns.record_sets.create_or_update("dns", "example.org", name, "TXT", txt(name))
    dns.dns.record_sets.delete("dns", "example.org", "b", "TXT")
    (here,) = dns.dns.zones.list_by_resource_group("dns")
    everywhere = {zone.name: zone.number_of_record_sets for zone in dns.dns.zones.list()}
    counted = len(list(dns.dns.record_sets.list_by_dns_zone("dns", "example.org")))
    assert counted == 3
    assert everywhere == {"example.org": counted, "example.net": 2}
    assert here.number_of_record_sets == dns.dns.zones.get("dns", "example.org").number_of_record_sets == counted


def test_record_sets_are_listed_by_type_and_by_suffix(dns: Clients) -> None:
    sets = dns.dns.record_sets
    sets.create_or_update("dns", "example.org", "_mta-sts", "TXT", txt("v=STSv1; id=1;"))
    sets.create_or_update("dns", "example.org", "_smtp._tls", "TXT", txt("v=TLSRPTv1;"))
    assert [found.name for found in sets.list_by_type("dns", "example.org", "TXT")] == ["_mta-sts", "_smtp._tls"]
    assert [found.name for found in sets.list_by_type("dns", "example.org", "MX")] == []
    suffix = sets.list_by_dns_zone("dns", "example.org", recordsetnamesuffix="_tls")
    assert [found.name for found in suffix] == ["_smtp._tls"]
    assert {found.type.rpartition("/")[2] for found in sets.list_all_by_dns_zone("dns", "example.org")} == {"NS", "SOA", "TXT"}  # fmt: skip
    sets.update("dns", "example.org", "_mta-sts", "TXT", {"properties": {"metadata": {"a": "b"}}})
    changed = sets.get("dns", "example.org", "_mta-sts", "TXT")
    assert (changed.ttl, changed.metadata, changed.txt_records[0].value) == (60, {"a": "b"}, ["v=STSv1; id=1;"])


def test_a_zone_is_patched_kept_and_deleted(dns: Clients) -> None:
    assert dns.dns.zones.update("dns", "example.org", {"tags": {"a": "b"}}).tags == {"a": "b"}
    with pytest.raises(HttpResponseError, match="PreconditionFailed"):
        dns.dns.zones.create_or_update("dns", "example.org", {"location": "global"}, if_none_match="*")
    for kind in ("SOA", "NS"):
        with pytest.raises(HttpResponseError, match="can't be deleted"):
            dns.dns.record_sets.delete("dns", "example.org", "@", kind)
    dns.dns.zones.begin_delete("dns", "example.org").result()
    assert [zone.name for zone in dns.dns.zones.list()] == ["example.net"]


def test_a_record_set_may_be_made_before_its_records(dns: Clients) -> None:
    """`az network dns record-set txt create` does, and adds them afterwards."""
    for kind in ("TXT", "CNAME", "MX"):
        dns.dns.record_sets.create_or_update("dns", "example.org", kind.lower(), kind, {"properties": {"TTL": 60}})
    dns.dns.record_sets.create_or_update("dns", "example.org", "txt", "TXT", txt("x"))
    assert resolve("txt.example.org", "TXT") == ['"x"']
