"""A stack's file as people wrote it: what its policies say, and single values of them changed in place.

ruamel.yaml says where a value stands; only these characters are replaced. So comments, quotes, order, indentation and
line ends stay as they are. The result is read again before anybody gets it: where more or something else has changed,
as with a value that an anchor shares, it is refused.
"""

import json
import re
from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any, cast

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from checks import since
from checks.edit import Edit
from policy import UserError
from policy.mx import MxPattern
from policy.names import to_a_label
from settings import ladder, policies
from settings.engine import FileConfig
from settings.ladder import Step
from settings.policies import Dns, PolicySettings
from settings.reader import Reader

PROJECT = "mta-sts"
PLAIN = re.compile(r"[a-z0-9][a-z0-9.-]*[a-z0-9]")  # a host name that YAML takes for a text without quotes
Splice = tuple[int, int, str]  # from, to (characters), what stands there then


class StackText:
    """One stack's file.

    :param name: the file's, for messages.
    :raises UserError: it can't be read as YAML, or its policies are wrong.
    """

    def __init__(self, name: str, text: str) -> None:
        self.name, self.text = name, text
        self.before, self.shared = {name: text}, dict[str, Hashable]()
        self._data = _load(name, text)
        data: Any = self._data
        top = cast(dict[str, Any], data) if isinstance(data, dict) else {}
        config: Any = top.get("config")
        if not isinstance(config, dict):
            raise UserError(f"{name} is no stack's file")
        named = {(key if ":" in key else f"{PROJECT}:{key}"): value for key, value in cast(dict[str, Any], config).items()}  # fmt: skip
        given = FileConfig(PROJECT, named)
        reader = Reader(given.encrypted)
        self.ladder = ladder.read(reader, given.values.get(ladder.KEY))
        beside = () if given.get("fleet") is not None else None  # whose rows stand in another file
        self.policies = policies.read_whole(reader, given.values.get(policies.KEY), Dns(), beside=beside)
        if reader.problems:
            raise UserError("\n".join(f"{name}: {problem}" for problem in reader.problems))
        self._key = policies.KEY if policies.KEY in config else policies.KEY.removeprefix(f"{PROJECT}:")
        root: Any = _yaml().compose(text)  # pyright: ignore[reportUnknownMemberType]
        listed = _child(_child(root, "config"), self._key)
        self._nodes: list[Any] = listed.value if _is(listed, "sequence") else []

    @classmethod
    def at(cls, folder: Path, name: str, commit: str = "HEAD") -> "StackText | None":
        """A stack's file at a commit; None where there is none.

        :raises UserError: as the class.
        """
        text = since.at_commit(folder, name, commit)
        return None if text is None else cls(name, text)

    @classmethod
    def read(cls, path: Path) -> "StackText":
        """:raises UserError: as the class; and there is no such file, or it is no text."""
        try:
            return cls(path.name, path.read_bytes().decode())
        except OSError as error:
            raise UserError(f"{path.name}: {error.strerror}") from None
        except UnicodeDecodeError:
            raise UserError(f"{path.name} is no text in UTF-8") from None

    def policy(self, name: str) -> PolicySettings:
        """The policy of a name, which there is."""
        return next(policy for policy in self.policies if policy.name == name)

    def policy_of(self, domain: str) -> PolicySettings | None:
        """The policy that has a domain."""
        return next((each for each in self.policies if domain in (one.name for one in each.domains)), None)

    def line(self, edit: Edit) -> int:
        """The line, from 1, that an edit changes, or after which it adds one."""
        return self.text.count("\n", 0, self._splices(edit)[0][0]) + 1

    def changed(self, edits: Sequence[Edit]) -> str:
        """The whole text with the edits, and nothing else, applied.

        :raises UserError: a line can't be changed alone; it says which and what to write there.
        """
        splices = sorted((splice for edit in edits for splice in self._splices(edit)), key=lambda each: each[:2])
        text, at = "", 0
        for start, end, new in splices:
            if start < at:
                raise self._by_hand(edits)
            text, at = text + self.text[at:start] + new, end
        text += self.text[at:]
        try:
            if _load(self.name, text) == self._wanted(edits):
                StackText(self.name, text)
                return text
        except UserError:
            pass
        raise self._by_hand(edits)

    def _by_hand(self, edits: Sequence[Edit]) -> UserError:
        told = "; ".join(_told(edit) for edit in edits)
        names = ", ".join(dict.fromkeys(edit.policy for edit in edits))
        return UserError(f"{self.name}: the policy {names} can't be changed without changing more, such as what shares an anchor with it; by hand: {told}")  # fmt: skip

    def texts(self, edits: Sequence[Edit]) -> dict[str, str]:
        """See `Written`."""
        return {self.name: self.changed(edits)}

    def ladder_of(self, policy: str) -> Sequence[Step]:
        """See `Written`."""
        return self.ladder

    def parts(self, policy: str) -> dict[tuple[str, str], tuple[MxPattern, ...]]:
        """See `Written`."""
        return {("mx", pattern.text): (pattern,) for pattern in self.policy(policy).policy.mx}

    def since(self, folder: Path, commit: str = "HEAD") -> dict[str, date]:
        """See `Written`."""
        return since.since(folder, self.name, commit)

    def describe(self, edit: Edit) -> str:
        """See `Written`."""
        where = f"{self.name}, line {self.line(edit)}"
        return f"{where}, mx of the policy {edit.policy}: {edit}" if edit.key == "mx" else f"{where}: {edit}"

    def _wanted(self, edits: Iterable[Edit]) -> Any:
        """What the changed text must say."""
        data = _plain(self._data)
        for edit in edits:
            policy = data["config"][self._key][self._index(edit.policy)]
            if edit.key == "mx":
                if edit.old:
                    policy["mx"] = [each for each in policy["mx"] if as_pattern(each) != edit.old]
                else:
                    policy["mx"] = [*policy["mx"], edit.new]
            else:
                policy[edit.key] = int(edit.new) if edit.key == "maxAge" else edit.new
        return data

    def _index(self, name: str) -> int:
        listed = self._data["config"][self._key]
        return next(at for at, policy in enumerate(listed) if policy.get("name") == name)

    def _splices(self, edit: Edit) -> list[Splice]:
        """:raises UserError: the place can't be told."""
        policy = self._nodes[self._index(edit.policy)]
        if edit.key != "mx":
            return [self._value(policy, edit)]
        listed = _child(policy, "mx")
        if not _is(listed, "sequence") or listed.start_mark.index < policy.start_mark.index:
            raise self._by_hand([edit])
        items: list[Any] = listed.value
        if any(not _is(item, "scalar") or item.start_mark.index < listed.start_mark.index for item in items):
            raise self._by_hand([edit])
        flow = bool(listed.flow_style)
        if not edit.old:
            return [self._appended(items[-1], flow, edit.new)]
        at = [at for at, item in enumerate(items) if as_pattern(item.value) == edit.old]
        return [self._removed(items, one, flow) for one in at]

    def _value(self, policy: Any, edit: Edit) -> Splice:
        """A scalar replaced as it is quoted, or a key that isn't there yet added after `mode` or `name`."""
        key, found = _pair(policy, edit.key)
        if (
            found is not None and found.start_mark.index < key.end_mark.index
        ):  # an alias: the node stands elsewhere
            alias = re.compile(r"\s*:\s*(\*[^\s,\]}]+)").match(self.text, key.end_mark.index)
            if not alias:
                raise self._by_hand([edit])
            return alias.start(1), alias.end(1), edit.new
        if found is not None:
            start, end = found.start_mark.index, found.end_mark.index
            properties = re.compile(r"(?:[&!]\S*\s+)+").match(self.text, start, end)
            start = properties.end() if properties else start
            quote = found.style if found.style in ("'", '"') else ""
            return start, end, f"{quote}{edit.new}{quote}"
        before_key, before = next(pair for pair in (_pair(policy, "mode"), _pair(policy, "name")) if pair[0])
        if policy.flow_style:
            end = before.end_mark.index if before.start_mark.index > before_key.end_mark.index else None
            if end is None:
                raise self._by_hand([edit])
            return end, end, f", {edit.key}: {edit.new}"
        end = before.end_mark.index if before.start_mark.index > before_key.end_mark.index else before_key.end_mark.index  # fmt: skip
        return self._new_line(end, " " * before_key.start_mark.column + f"{edit.key}: {edit.new}")

    def _appended(self, last: Any, flow: bool, value: str) -> Splice:
        value = value if PLAIN.fullmatch(value) else json.dumps(value)
        if flow:
            return last.end_mark.index, last.end_mark.index, f", {value}"
        start = self.text.rfind("\n", 0, last.start_mark.index) + 1
        dash = re.compile(r"[ ]*-[ ]+").match(self.text, start)
        if not dash:
            raise UserError(f"{self.name}: the list mx at line {last.start_mark.line + 1} can't be read")
        return self._new_line(last.end_mark.index, f"{dash[0]}{value}")

    def _removed(self, items: Sequence[Any], at: int, flow: bool) -> Splice:
        item = items[at]
        if not flow:
            start = self.text.rfind("\n", 0, item.start_mark.index) + 1
            end = self.text.find("\n", item.end_mark.index)
            return start, len(self.text) if end < 0 else end + 1, ""
        if at + 1 < len(items):
            return item.start_mark.index, items[at + 1].start_mark.index, ""
        if at:
            return items[at - 1].end_mark.index, item.end_mark.index, ""
        return item.start_mark.index, item.end_mark.index, ""

    def _new_line(self, after: int, line: str) -> Splice:
        """A line of its own below the one that `after` is in, with that one's end."""
        end = self.text.find("\n", after)
        if end < 0:
            eol = "\r\n" if "\r\n" in self.text else "\n"
            return len(self.text), len(self.text), f"{eol}{line}"
        eol = "\r\n" if self.text[end - 1 : end] == "\r" else "\n"
        return end + 1, end + 1, f"{line}{eol}"


def _told(edit: Edit) -> str:
    if edit.key == "mx":
        return f"mx: add {edit.new}" if edit.new else f"mx: remove {edit.old}"
    return f"{edit.key}: {edit.new}"


def _yaml() -> YAML:
    return YAML(typ="safe", pure=True)


def _load(name: str, text: str) -> Any:
    try:
        return cast(Callable[[str], Any], _yaml().load)(text)  # pyright: ignore[reportUnknownMemberType]
    except MarkedYAMLError as error:
        told = cast(Any, error)
        line = int(told.problem_mark.line) + 1 if told.problem_mark else 1
        raise UserError(f"{name} can't be read: line {line}: {told.problem}") from None
    except YAMLError as error:
        raise UserError(f"{name} can't be read: {str(error).splitlines()[0]}") from None


def _plain(value: Any) -> Any:
    """A copy in which nothing is shared."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in cast(dict[Any, Any], value).items()}
    return [_plain(inner) for inner in cast(list[Any], value)] if isinstance(value, list) else value


def _is(node: Any, kind: str) -> bool:
    return node is not None and node.id == kind


def _pair(node: Any, key: str) -> tuple[Any, Any]:
    pairs: list[tuple[Any, Any]] = node.value if _is(node, "mapping") else []
    return next(((name, value) for name, value in pairs if name.value == key), (None, None))


def _child(node: Any, key: str) -> Any:
    return _pair(node, key)[1]


def as_pattern(text: object) -> str:
    """An mx pattern as `Policy` has it; "" where it is none."""
    star, rest = ("*.", str(text)[2:]) if str(text).startswith("*.") else ("", str(text))
    try:
        return MxPattern.parse(star + to_a_label(rest)).text
    except UserError:
        return ""
