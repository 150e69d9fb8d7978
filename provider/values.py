"""Property values of the provider protocol, and plain Python ones."""

from typing import Any

from google.protobuf.struct_pb2 import Struct, Value

# What stands in for a value that a preview can't know yet, and what marks a map as a value with more to it, and which
# (sdk/go/common/resource/plugin/rpc.go, sdk/go/common/resource/sig/sig.go).
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
MARK = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"
OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4"


def plain(values: Struct) -> dict[str, Any]:
    """Property values as plain Python ones, secrets too; numbers are float, and what isn't known yet is `UNKNOWN`."""
    return {name: _plain(value) for name, value in values.fields.items()}


def _plain(value: Value) -> Any:
    match value.WhichOneof("kind"):
        case "string_value":
            return value.string_value
        case "number_value":
            return value.number_value
        case "bool_value":
            return value.bool_value
        case "list_value":
            return [_plain(item) for item in value.list_value.values]
        case "struct_value":
            fields = value.struct_value.fields
            if MARK in fields and fields[MARK].string_value in (SECRET, OUTPUT):
                return _plain(fields["value"]) if "value" in fields else UNKNOWN
            return plain(value.struct_value)
        case _:
            return None
