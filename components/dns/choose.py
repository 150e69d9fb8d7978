"""Which backend a domain's records go to."""

from collections.abc import Iterable

from components.dns import Backend, azure
from components.dns.manual import ManualBackend
from policy import UserError
from settings.policies import Domain
from zones.settings import AzureDns, LexiconDns, Rfc2136Dns


def backends(domains: Iterable[Domain]) -> dict[str, Backend]:
    """Each domain's backend, by its name.

    :raises UserError: everything that is wrong with the zones, a line each.
    """
    given = list(domains)
    found: dict[str, Backend] = {each.name: ManualBackend() for each in given}
    problems: list[str] = []
    try:
        found |= azure.backends((each.name, each.dns) for each in given if isinstance(each.dns, AzureDns))
    except UserError as error:
        problems.append(str(error))
    elsewhere = [(each.name, each.dns) for each in given if isinstance(each.dns, Rfc2136Dns | LexiconDns)]
    if elsewhere:
        from components.dns import hosted  # dnspython and the like, which the others don't need

        try:
            found |= hosted.backends(elsewhere)
        except UserError as error:
            problems.append(str(error))
    if problems:
        raise UserError("\n".join(problems))
    return found
