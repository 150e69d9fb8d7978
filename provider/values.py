"""Property values of the provider protocol, and plain Python ones."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from pulumi.provider.experimental.property_value import PropertyValue

Properties = dict[str, PropertyValue]


def plain(values: Mapping[str, PropertyValue]) -> dict[str, Any]:
    """Property values as plain Python ones; what a preview can't know yet is `pulumi.runtime.rpc.UNKNOWN`."""
    return {name: _plain(value) for name, value in values.items()}


def _plain(value: PropertyValue) -> Any:
    inner = value.value
    if isinstance(inner, Mapping):
        return plain(cast(Properties, inner))
    if isinstance(inner, Sequence) and not isinstance(inner, str):
        return [_plain(item) for item in inner]
    return inner


def wrap(value: Any) -> PropertyValue:
    """A plain Python value as a property value."""
    if isinstance(value, dict):
        return PropertyValue({name: wrap(item) for name, item in cast(dict[str, Any], value).items()})
    if isinstance(value, list):
        return PropertyValue([wrap(item) for item in cast(list[Any], value)])
    return PropertyValue(float(value) if isinstance(value, int) and not isinstance(value, bool) else value)
