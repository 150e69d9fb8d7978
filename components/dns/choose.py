"""Which backend a domain's records go to."""

from collections.abc import Iterable

from components.dns import Backend, azure
from components.dns.manual import ManualBackend
from settings import AzureDns, Domain


def backends(domains: Iterable[Domain]) -> dict[str, Backend]:
    """Each domain's backend, by its name.

    :raises azure.ZoneError: a domain that should lie in Azure DNS has no zone there.
    """
    given = list(domains)
    found: dict[str, Backend] = {each.name: ManualBackend() for each in given}
    found |= azure.backends((each.name, each.dns) for each in given if isinstance(each.dns, AzureDns))
    return found
