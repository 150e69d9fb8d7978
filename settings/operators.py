"""Mail operators whose customers' MX records can be told in advance: the presets of a fleet file's column `preset`.

`tools/setup/providers.py` tells them by the same names, among many others.
"""

from collections.abc import Mapping
from dataclasses import dataclass

MICROSOFT, GOOGLE = "Microsoft 365", "Google Workspace"


@dataclass(frozen=True)
class Preset:
    """What an operator's customers have in common.

    :param who: the operator, as people know it.
    :param mx: the patterns that allow every mail server of theirs.
    """

    who: str
    mx: tuple[str, ...]


PRESETS: Mapping[str, Preset] = {
    # docs/microsoft365.md. The names of domains with DNSSEC (*.h-v1.mx.microsoft, …) can't be told in advance; they
    # stand in `mx`, beside the preset while a domain moves.
    # learn.microsoft.com/microsoft-365/enterprise/external-domain-name-system-records
    "microsoft365": Preset(MICROSOFT, ("*.mail.protection.outlook.com",)),
    # support.google.com/a/answer/174125: one name, or the five (aspmx, alt1.aspmx, …) that came before it
    "google": Preset(GOOGLE, ("smtp.google.com", "aspmx.l.google.com", "*.aspmx.l.google.com")),
}
