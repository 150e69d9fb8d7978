"""`Pulumi.<stack>.yaml`: each new line with why it is there; what stands there already stays as it is, in its order."""

import difflib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any, cast

import yaml as pyyaml
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from policy import Mode, UserError
from policy.mx import MxPattern
from policy.names import to_a_label
from settings import stack as settings
from settings.cost import STANDARD_APP
from settings.engine import FileConfig
from settings.policies import CUSTOM_DOMAINS, WEEK
from tools.setup.plan import Group, Wish

PROJECT = "mta-sts"
POLICIES, DNS, LOCATION = "mta-sts:policies", "mta-sts:dns", "azure-native:location"
GROUP = "mta-sts:resourceGroup"
STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
MODES = {
    Mode.TESTING: "begin here: senders report, and deliver all the same",
    Mode.ENFORCE: "as it is served now",
}


class StackFile:
    """One stack's file, read, extended, and written as a whole.

    :raises UserError: it can't be read, or is no stack's file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.before = ""
        try:
            self.before = path.read_text() if path.exists() else ""
            self._yaml: Any = _round_trip(self.before)
            data: Any = self._yaml.load(self.before) if self.before.strip() else None
        except MarkedYAMLError as error:
            told = cast(Any, error)
            line = int(told.problem_mark.line) + 1 if told.problem_mark else 1
            text = f"{path.name} line {line}: {told.problem}; correct it, or name another --stack"
            raise UserError(text) from None
        except (OSError, UnicodeError, YAMLError) as error:
            why = getattr(error, "strerror", None) or "it is no text"
            raise UserError(f"{path.name} can't be read: {why}; name another --stack") from None
        if data is None:
            data = self._yaml.load(f"{self.before.rstrip()}\nconfig: {{}}\n".lstrip())
        if isinstance(data, CommentedMap) and cast(Any, data).get("config") is None:
            data["config"] = CommentedMap()
        if not isinstance(data, CommentedMap) or not isinstance(data["config"], CommentedMap):
            raise UserError(f"{path.name} is no stack's file; name another --stack")
        if not data["config"]:
            cast(Any, data["config"]).fa.set_block_style()
        self._data = cast(dict[str, Any], data)

    @property
    def _config(self) -> Any:
        return self._data["config"]

    def _name(self, key: str) -> str:
        """A key as it stands in the file: the project's own may stand without its name."""
        short = key.removeprefix(f"{PROJECT}:")
        return short if short in self._config and key not in self._config else key

    @property
    def policies(self) -> list[Any]:
        """Its policies, as they stand there."""
        found = self._config.get(self._name(POLICIES))
        return cast(list[Any], found) if isinstance(found, list) else []

    @property
    def dns(self) -> dict[str, Any] | None:
        """Where records go if nothing further in says so."""
        found = self._config.get(self._name(DNS))
        return cast(dict[str, Any], found) if isinstance(found, dict) else None

    @property
    def names(self) -> list[str]:
        """Its policies' names."""
        return [str(policy.get("name")) for policy in self._maps()]

    @property
    def places(self) -> list[dict[str, Any]]:
        """Every `dns` map in it, without its secrets; the stack's own first."""
        maps = [self.dns, *(policy.get("dns") for policy in self._maps())]
        return [readable(cast(dict[str, Any], dns)) for dns in maps if isinstance(dns, dict)]

    def policy_of(self, domain: str) -> dict[str, Any] | None:
        """The policy that has a domain."""
        for policy in self._maps():
            for item in _list(policy, "domains"):
                if _domain(item) == domain:
                    return policy
        return None

    def _maps(self) -> Iterator[dict[str, Any]]:
        return (cast(dict[str, Any], each) for each in self.policies if isinstance(each, dict))

    def begin(self, location: str, dns: Mapping[str, Any], why: str, group: str = "") -> None:
        """What every stack needs, where it isn't there: a region, and where records go.

        :param why: what the DNS host was told from.
        :param group: the resource group of a site that is taken over.
        """
        text = ""
        if group and not self.policies and self._name(GROUP) not in self._config:
            text += f"{GROUP}: {_quoted(group)} # of the site that serves the policy now\n"
        if LOCATION not in self._config:
            text += f"{LOCATION}: {location} # its content is served worldwide\n"
        if self.dns is None:
            text += f"{DNS}: # {why}\n{_block(dns, 2)}"
        self._set(text)

    def allow(self, domain: str, mx: Mapping[str, str]) -> None:
        """Let the policy of a domain that stands there allow its mail servers, too."""
        policy = self.policy_of(domain)
        listed = policy.get("mx") if policy else None
        if not isinstance(listed, list):
            return
        allowed = cast(list[Any], listed)
        for pattern, who in mx.items():
            if not any(_covers(str(one), pattern) for one in allowed):
                allowed.append(pattern)
                if not cast(Any, allowed).fa.flow_style():
                    cast(Any, allowed).yaml_add_eol_comment(f"# {who}", len(allowed) - 1, column=0)

    def join(self, wish: Wish) -> bool:
        """Give a domain a policy that is there, where one is equal and has room."""
        for policy in self._maps():
            domains = _list(policy, "domains")
            same = (
                sorted(map(str, _list(policy, "mx"))) == sorted(wish.mx)
                and policy.get("mode") == wish.mode == Mode.TESTING
                and policy.get("maxAge", WEEK) == wish.max_age
                and tuple(_list(policy, "tlsReports")) == wish.reports
                and readable(policy.get("dns") or self.dns or {}) == wish.dns
            )
            if same and len(domains) < CUSTOM_DOMAINS.get(str(policy.get("sku", "Free")), 0):
                domains.append({"name": wish.name, "adoptTlsReports": True} if wish.adopt else wish.name)
                return True
        return False

    def add(self, groups: Iterable[Group], hosts: Mapping[str, str]) -> None:
        """New policies.

        :param hosts: by domain, the DNS host that was found.
        """
        text = "".join(self._policy(group, hosts) for group in groups)
        if not text:
            return
        if self.policies:
            for policy in self._yaml.load(text):
                self.policies.append(policy)
        else:
            indented = "".join(f"  {line}\n" for line in text.splitlines())
            self._set(f"{POLICIES}:\n{indented}")

    def _policy(self, group: Group, hosts: Mapping[str, str]) -> str:
        wish = group.wishes[0]
        lines = [
            f"- name: {group.name} # resources are named after it: it stays",
            f"  mode: {wish.mode} # {MODES[wish.mode]}",
        ]
        if wish.max_age != WEEK:
            lines.append(f"  maxAge: {wish.max_age} # seconds; as it is served now")
        mx = [(_quoted(pattern), who) for pattern, who in wish.mx.items()]
        lines += (
            [f"  mx: [{mx[0][0]}] # {mx[0][1]}"]
            if len(mx) == 1
            else ["  mx:", *(f"    - {one} # {who}" for one, who in mx)]
        )
        if group.sku != "Free":
            lines.append(
                f"  sku: {group.sku} # {CUSTOM_DOMAINS[group.sku]} domains an app, ${STANDARD_APP} a month"
            )
        if any(each.adopt for each in group.wishes):
            lines.append("  domains: # adopt: a report record stands there, and is taken over")
            lines += [f"    - {{name: {each.name}, adoptTlsReports: {str(each.adopt).lower()}}}" for each in group.wishes]  # fmt: skip
        else:
            lines.append(f"  domains: [{', '.join(each.name for each in group.wishes)}]")
        if wish.reports:
            listed = ", ".join(map(_quoted, wish.reports))
            lines.append(f"  tlsReports: [{listed}] # told what failed")
        text = "\n".join(lines) + "\n"
        if wish.dns != readable(self.dns or {}):
            text += f"  dns: # {wish.name} is at {hosts.get(wish.name, 'another host')}\n{_block(wish.dns, 4)}"
        return text

    def _set(self, text: str) -> None:
        """Add keys to the configuration, with their comments."""
        read: Any = self._yaml.load(text) if text else {}
        for name in read:
            self._config[self._name(name)] = read[name]
            if name in read.ca.items:
                self._config.ca.items[name] = read.ca.items[name]

    def stands(self, path: str) -> bool:
        """Whether a value stands at a path such as `mta-sts:dns.options.auth_token`, in whatever form."""
        here: Any = self._config
        for at, (name, index) in enumerate(STEP.findall(path)):
            try:
                here = here[int(index)] if index else here[self._name(name) if at == 0 else name]
            except (KeyError, IndexError, TypeError):
                return False
        return True

    def path_of_dns(self, policy: str) -> str:
        """The key of the `dns` map that counts for a policy."""
        for at, each in enumerate(self.policies):
            if isinstance(each, dict) and cast(dict[str, Any], each).get("name") == policy:
                return f"{POLICIES}[{at}].dns" if "dns" in each else DNS
        return DNS

    def dns_of(self, domain: str) -> tuple[str, dict[str, Any]]:
        """The `dns` map that counts for a domain that stands there: its key, and it without its secrets."""
        for at, policy in enumerate(cast(list[dict[str, Any]], self.policies)):
            for number, item in enumerate(_list(policy, "domains")):
                if _domain(item) == domain:
                    own = cast(dict[str, Any], item).get("dns") if isinstance(item, dict) else None
                    if own is not None:
                        return f"{POLICIES}[{at}].domains[{number}].dns", readable(own)
                    if policy.get("dns") is not None:
                        return f"{POLICIES}[{at}].dns", readable(policy["dns"])
        return DNS, readable(self.dns or {})

    @property
    def after(self) -> str:
        """The file's text as it is to be."""
        out = StringIO()
        self._yaml.dump(self._data, out)
        return re.sub(r" +(# )", r" \1", out.getvalue()) if not self.before else out.getvalue()

    def diff(self) -> list[str]:
        """What changes: of a new file all lines, of another the changed ones with those around them."""
        before, after = self.before.splitlines(), self.after.splitlines()
        if not before:
            return [f"+ {line}" for line in after]
        lines = difflib.unified_diff(before, after, lineterm="", n=2)
        return [f"{line[0]} {line[1:]}" for line in list(lines)[2:] if not line.startswith("@@")]

    def check(self, stack: str, secrets: Mapping[str, str]) -> None:
        """Read the whole as `pulumi preview` will.

        :param secrets: those that are still to be encrypted, by path.
        :raises UserError: a line for each problem.
        """
        config: dict[str, Any] = pyyaml.safe_load(self.after).get("config") or {}
        config = {(name if ":" in name else f"{PROJECT}:{name}"): value for name, value in config.items()}
        given = FileConfig(PROJECT, config)
        for path, value in secrets.items():
            _put(given.values, path, value)
            given.encrypted.append(STEP.findall(path)[0][0].removeprefix(f"{PROJECT}:"))
        location = config.get(LOCATION)
        settings.load(
            given,
            given.keys,
            str(location) if location is not None else None,
            stack,
            [name.partition(":")[2] for name in config if name.startswith("azure-native:")],
            given.encrypted,
            self.path.parent,
        )

    def write(self) -> None:
        """Put it in place whole; who may read it stays as it is.

        :raises OSError: the folder can't be written.
        """
        text = self.after
        with tempfile.NamedTemporaryFile("w", dir=self.path.parent, delete=False, encoding="utf-8") as file:
            file.write(text)
        if self.path.exists():
            shutil.copymode(self.path, file.name)
        else:
            os.chmod(file.name, 0o644)
        os.replace(file.name, self.path)


def _round_trip(text: str) -> YAML:
    """A reader and writer that keeps comments, quotes, order, and how lists are indented."""
    made = YAML()
    made.preserve_quotes = True
    made.width = 4096
    found = re.search(r"^( *)[^ #\n-][^\n]*:[^\n]*\n(?: *#[^\n]*\n)*( *)- ", text, re.MULTILINE)
    flush = bool(found) and len(found[1]) == len(found[2]) if found else False
    made.indent(mapping=2, sequence=2 if flush else 4, offset=0 if flush else 2)  # pyright: ignore[reportUnknownMemberType]
    return made


def _list(policy: object, key: str) -> list[Any]:
    """A list in a policy; what is no policy has none, which `settings.load` tells."""
    found = cast(dict[str, Any], policy).get(key) if isinstance(policy, dict) else None
    return cast(list[Any], found) if isinstance(found, list) else []


def _domain(item: object) -> str:
    name = cast(dict[str, Any], item).get("name") if isinstance(item, dict) else item
    try:
        return to_a_label(str(name)).lower()
    except UserError:
        return ""


def _covers(allowed: str, pattern: str) -> bool:
    """Whether a pattern that stands there allows all that another one does."""
    try:
        return allowed.lower() == pattern or (
            not pattern.startswith("*.") and MxPattern.parse(allowed).matches(pattern)
        )
    except UserError:
        return False


def _block(value: Mapping[str, Any], indent: int) -> str:
    """A line a key; what lies in a key's value stands on the same line."""
    lines = (
        f"{name}: {pyyaml.safe_dump(each, default_flow_style=True, sort_keys=False, width=10_000)}"
        for name, each in value.items()
    )
    return "".join(f"{' ' * indent}{line.splitlines()[0]}\n" for line in lines)


def _quoted(text: str) -> str:
    return json.dumps(text) if re.search(r"[^a-z0-9.-]", text) else text


def readable(dns: Mapping[str, Any]) -> dict[str, Any]:
    """A `dns` map without what is encrypted in it."""
    found: dict[str, Any] = {"provider": "azure"} if "provider" not in dns else {}
    for name, value in dns.items():
        if isinstance(value, dict):
            inner = cast(dict[str, Any], value)
            kept = {key: each for key, each in inner.items() if not _holds_secret(each)}
            if kept and list(inner) != ["secure"]:
                found[name] = kept
        else:
            found[name] = list(cast(list[Any], value)) if isinstance(value, list) else value
    return found


def _holds_secret(value: object) -> bool:
    if isinstance(value, dict):
        held = cast(dict[str, Any], value)
        return list(held) == ["secure"] or any(map(_holds_secret, held.values()))
    return isinstance(value, list) and any(map(_holds_secret, cast(Sequence[Any], value)))


def _put(config: dict[str, Any], path: str, value: str) -> None:
    here: Any = config
    steps = [int(index) if index else name for name, index in STEP.findall(path)]
    for step in steps[:-1]:
        here = here[step] if isinstance(step, int) else here.setdefault(step, {})
    here[steps[-1]] = value
