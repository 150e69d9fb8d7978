"""`site` in the policies of a stack's file: which app has which domain, written down where one app holds too few.

As in checks/stack_text.py, ruamel.yaml says where a value stands and only these characters change; the result is read
again before anybody gets it.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from checks.since import at_commit
from policy import UserError
from settings import policies
from settings.engine import FileConfig, value
from settings.policies import CUSTOM_DOMAINS, Domain, Hosted, Hosting, PolicySettings, by_site
from settings.project import PROJECT, config_of
from settings.reader import Reader
from zones import Dns

Splice = tuple[int, int, str]  # from, to (characters), what stands there then


def packed(path: Path) -> str | None:
    """A stack's file with the sites that its policies lack; None where they lack none.

    A domain that the last commit had without a site, which means the first, keeps that one.

    :raises UserError: the file can't be read, or it can't be changed without changing more.
    """
    config = FileConfig(PROJECT, config_of(path))
    whole = [policy for policy in _policies(config) if _lacks(policy)]
    if not whole:
        return None
    text = path.read_bytes().decode()
    before = at_commit(path.parent, path.name)
    first = _first_sites(path, before)
    sites = {domain.key: site for policy in whole for domain, site in _assigned(policy, first)}
    after = _spliced(text, sites)
    if after is None:
        told = ", ".join(f"{key}: site: {site}" for key, site in sites.items())
        raise UserError(
            f"{path.name} can't be changed without changing more, such as what shares an anchor with it; by hand: {told}"
        )
    return after


def _policies(config: FileConfig) -> Sequence[PolicySettings]:
    reader = Reader(config.encrypted)
    whole = {name: value(config, name) for name in ("hosting", "movingFrom")}
    hosted = policies.read_hosting(reader, whole, "mta-sts:", Hosted())
    return policies.read_whole(reader, value(config, "policies"), Dns(), hosted, beside=())


def _lacks(policy: PolicySettings) -> bool:
    """Whether more domains without a site go to the first one than that holds."""
    room = CUSTOM_DOMAINS[policy.sku]
    return policy.hosted.on(Hosting.STATIC_WEB_APP) and any(
        len(own) > room and any(domain.site is None for domain in own) for own in by_site(policy.domains).values()
    )


def _first_sites(path: Path, before: str | None) -> frozenset[str]:
    """Domains that had no site at the last commit, where that was a file that worked."""
    try:
        data: Any = YAML(typ="safe", pure=True).load(before or "")  # pyright: ignore[reportUnknownMemberType]
        given = {
            (str(name) if ":" in str(name) else f"{PROJECT}:{name}"): each for name, each in data["config"].items()
        }
    except (YAMLError, TypeError, KeyError, AttributeError):
        return frozenset()
    found = _policies(FileConfig(PROJECT, given))
    return frozenset(
        domain.name for policy in found if not _lacks(policy) for domain in policy.domains if domain.site is None
    )


def _assigned(policy: PolicySettings, first: frozenset[str]) -> list[tuple[Domain, int]]:
    room = CUSTOM_DOMAINS[policy.sku]
    counts = {
        number: sum(domain.site == number for domain in own) for number, own in by_site(policy.domains).items()
    }
    found: list[tuple[Domain, int]] = []
    for domain in sorted(
        (each for each in policy.domains if each.site is None), key=lambda each: each.name not in first
    ):
        last = max(counts, default=0)
        site = next((number for number in range(1, last + 1) if counts.get(number, 0) < room), last + 1)
        counts[site] = counts.get(site, 0) + 1
        found.append((domain, site))
    return found


def _spliced(text: str, sites: dict[str, int]) -> str | None:
    """The text with the sites; None where more would change.

    :param sites: by where the domain stands, such as `mta-sts:policies[0].domains[1]`.
    """
    yaml = cast(Any, YAML(typ="safe", pure=True))
    data, root = _plain(yaml.load(text)), yaml.compose(text)
    name = policies.KEY if policies.KEY in data["config"] else policies.KEY.removeprefix(f"{PROJECT}:")
    splices: list[Splice] = []
    for key, site in sites.items():
        policy, domain = (int(part.partition("]")[0]) for part in key.split("[")[1:3])
        node = _child(_child(_child(root, "config"), name).value[policy], "domains").value[domain]
        splices.append(_splice(text, node, site))
        listed = data["config"][name][policy]["domains"]
        there = listed[domain]
        listed[domain] = {**there, "site": site} if isinstance(there, dict) else {"name": there, "site": site}
    for start, end, new in sorted(splices, reverse=True):
        text = text[:start] + new + text[end:]
    try:
        return text if _plain(yaml.load(text)) == data else None
    except YAMLError:
        return None


def _splice(text: str, node: Any, site: int) -> Splice:
    start, end = node.start_mark.index, node.end_mark.index
    if node.id == "scalar":
        return start, end, f"{{name: {text[start:end]}, site: {site}}}"
    key, found = next((key, found) for key, found in node.value if key.value == "name")
    end = found.end_mark.index
    if node.flow_style:
        return end, end, f", site: {site}"
    line = text.find("\n", end)
    at = len(text) if line < 0 else line
    at -= text[at - 1 : at] == "\r"
    eol = "\r\n" if "\r\n" in text else "\n"
    return at, at, f"{eol}{' ' * key.start_mark.column}site: {site}"


def _plain(data: Any) -> Any:
    """A copy in which nothing is shared."""
    return json.loads(json.dumps(data, default=str))


def _child(node: Any, key: str) -> Any:
    return next(found for name, found in node.value if name.value == key)
