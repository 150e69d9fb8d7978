"""Azure Pipelines' templates, as far as ours use them; raises at everything else (learn.microsoft.com/azure/devops/
pipelines/process/templates, …/expressions).

Scalars are texts, as in Azure Pipelines: `yaml.BaseLoader`.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
TOKEN = re.compile(r"\s*(?:'((?:[^']|'')*)'|(\w+(?:\.\w+)*)|([()\[\],]))")
LISTS = ("stages", "jobs", "steps")
FUNCTIONS = {
    "eq": lambda a, b: str(a).lower() == str(b).lower(),
    "ne": lambda a, b: str(a).lower() != str(b).lower(),
    "and": lambda *each: all(each),
    "or": lambda *each: any(each),
    "replace": lambda text, old, new: text.replace(old, new),
    "join": lambda between, each: between.join(each),
}


class NotModelledError(Exception):
    """What this expander doesn't know, by name."""


class Expression:
    """`eq(variables['Build.Reason'], 'PullRequest')`, `parameters.stacks`, `stack`."""

    def __init__(self, text: str, names: Mapping[str, Any]) -> None:
        self.text, self.names = text, names
        self.tokens = [match.groups() for match in TOKEN.finditer(text)]
        if TOKEN.sub("", text).strip():
            raise NotModelledError(text)

    def value(self) -> Any:
        found = self._one()
        if self.tokens:
            raise NotModelledError(self.text)
        return found

    def _take(self, mark: str) -> None:
        if not self.tokens or self.tokens.pop(0)[2] != mark:
            raise NotModelledError(f"{self.text}: no {mark}")

    def _one(self) -> Any:
        text, name, _ = self.tokens.pop(0) if self.tokens else (None, None, None)
        if text is not None:
            return text.replace("''", "'")
        if name == "variables":
            self._take("[")
            found = self.names["variables"][self.tokens.pop(0)[0]]
            self._take("]")
            return found
        if name in FUNCTIONS:
            self._take("(")
            given = [self._one()]
            while self.tokens and self.tokens[0][2] == ",":
                self._take(",")
                given.append(self._one())
            self._take(")")
            return FUNCTIONS[name](*given)
        found: Any = self.names
        for part in (name or "?").split("."):
            if not isinstance(found, Mapping) or part not in found:
                raise NotModelledError(f"{self.text}: {part}")
            found = found[part]
        return found


def pipeline(path: Path, variables: Mapping[str, str], given: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A pipeline as Azure would run it, for a run with these predefined variables and parameters."""
    return _file(path, given or {}, variables)


def load(path: Path) -> Any:
    return yaml.load(path.read_text(), yaml.BaseLoader)


def _file(path: Path, given: Mapping[str, Any], variables: Mapping[str, str]) -> dict[str, Any]:
    found = load(path)
    parameters: dict[str, Any] = {}
    for each in found.pop("parameters", []):
        if set(each) - {"name", "type", "default"} or each["type"] not in ("object", "string"):
            raise NotModelledError(str(each))
        if each["name"] not in given and "default" not in each:
            raise NotModelledError(f"{path.name}: the parameter {each['name']} is missing")
        parameters[each["name"]] = given.get(each["name"], each.get("default"))
    if set(given) - set(parameters):
        raise NotModelledError(f"{path.name} has no parameter {set(given) - set(parameters)}")
    return _value(found, {"parameters": parameters, "variables": variables}, path)


def _value(found: Any, names: Mapping[str, Any], path: Path) -> Any:
    if isinstance(found, list):
        return [one for each in found for one in _item(each, names, path)]
    if isinstance(found, dict):
        if any(EXPRESSION.search(key) for key in found):
            raise NotModelledError(f"{path.name}: {list(found)}")
        return {key: _value(value, names, path) for key, value in found.items()}
    whole = EXPRESSION.fullmatch(found)
    if whole and "}}" not in whole[1]:
        return Expression(whole[1], names).value()
    return EXPRESSION.sub(lambda match: str(Expression(match[1], names).value()), found)


def _item(found: Any, names: Mapping[str, Any], path: Path) -> list[Any]:
    """One item of a list: what it stands for."""
    key = next(iter(found), "") if isinstance(found, dict) else ""
    if isinstance(found, dict) and (inner := EXPRESSION.fullmatch(key)):
        if len(found) != 1:
            raise NotModelledError(f"{path.name}: {list(found)}")
        words = inner[1].split(None, 1)
        if words[0] == "if":
            return _value(found[key], names, path) if Expression(words[1], names).value() else []
        each = re.fullmatch(r"(\w+) in (\S+)", words[1])
        if words[0] != "each" or not each:
            raise NotModelledError(inner[1])
        many = Expression(each[2], names).value()
        return [item for one in many for item in _value(found[key], {**names, each[1]: one}, path)]
    if key == "template":
        if set(found) - {"template", "parameters"}:
            raise NotModelledError(f"{path.name}: {list(found)}")
        given = _value(found.get("parameters", {}), names, path)
        made = _file(path.parent / found["template"], given, names["variables"])
        if len(made) != 1 or next(iter(made)) not in LISTS:
            raise NotModelledError(f"{found['template']}: {list(made)}")
        return next(iter(made.values()))
    return [_value(found, names, path)]
