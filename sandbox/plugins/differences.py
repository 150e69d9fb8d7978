"""How two sets of properties differ, and what a refresh makes of that (pulumi-azure-native's diff.go)."""

from typing import Any


def differences(old: dict[str, Any], new: dict[str, Any]) -> dict[str, str]:
    """What changes between old and new inputs.

    :returns: ADD, UPDATE or DELETE by property path, such as `tags.owner` or `txtRecords[0].value[0]`.
    """
    same = {name: old[name] for name in ("location", "resourceGroupName") if _equal(name, old, new)}
    return _in_objects(old, {**new, **same}, "")


def _equal(name: str, old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Azure writes `West Europe` for `westeurope`, and its names know no case."""
    one, other = old.get(name), new.get(name)
    if not isinstance(one, str) or not isinstance(other, str):
        return False
    return one.replace(" ", "").lower() == other.replace(" ", "").lower()


def _in_objects(old: dict[str, Any], new: dict[str, Any], path: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in sorted({*old, *new}):
        if name.startswith("__"):
            continue
        if name not in old or name not in new:
            found[path + name] = "ADD" if name in new else "DELETE"
        else:
            found |= _in_values(old[name], new[name], path + name)
    return found


def _in_values(old: Any, new: Any, path: str) -> dict[str, str]:
    if isinstance(old, dict) and isinstance(new, dict):
        return _in_objects(old, new, f"{path}.")
    if isinstance(old, list) and isinstance(new, list):
        found: dict[str, str] = {}
        for at in range(max(len(old), len(new))):
            if at < len(old) and at < len(new):
                found |= _in_values(old[at], new[at], f"{path}[{at}]")
            else:
                found[f"{path}[{at}]"] = "ADD" if at < len(new) else "DELETE"
        return found
    return {} if old == new else {path: "UPDATE"}


def drift(inputs: dict[str, Any], old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """The inputs that would lead to what stands now.

    Inputs can't be read. So what appeared, changed or went between two reads of the outputs is done to the inputs.

    :param old, new: the settable outputs, as last kept and as they are.
    """
    result = {name: value for name, value in inputs.items() if name in new or name not in old}
    for name, value in new.items():
        if name not in old or (value != old[name] and name not in inputs):
            result[name] = value
        elif value != old[name]:
            result[name] = _drifted(inputs[name], old[name], value)
    return result


def _drifted(given: Any, old: Any, new: Any) -> Any:
    if isinstance(given, dict) and isinstance(old, dict) and isinstance(new, dict):
        return drift(given, old, new)
    if isinstance(given, list) and isinstance(old, list) and isinstance(new, list):
        known = min(len(given), len(old))
        return [_drifted(given[at], old[at], new[at]) if at < known else new[at] for at in range(len(new))]
    return new
