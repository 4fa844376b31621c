"""Types of columns as people write them, and as Arrow holds them.

    bool · int8 int16 int32 int64 · uint8 uint16 uint32 uint64 · float32 float64 · decimal(18,2) · text · binary · binary(8)
    date · time, time(ms) · timestamp, timestamp(ms), timestamp(us, Europe/Paris) · duration(us)

Upper or lower case, spaces and a few names from SQL (integer, bigint, double, varchar, …) are understood. Without a unit,
times and timestamps are in microseconds. A time zone is a name of the time zone database, or an offset such as +02:00.
"""

import re
import zoneinfo

import pyarrow as pa

from dtaas_desktop.domain.errors import UserError

_PLAIN: dict[str, pa.DataType] = {
    "bool": pa.bool_(),
    "int8": pa.int8(),
    "int16": pa.int16(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "uint8": pa.uint8(),
    "uint16": pa.uint16(),
    "uint32": pa.uint32(),
    "uint64": pa.uint64(),
    "float32": pa.float32(),
    "float64": pa.float64(),
    "text": pa.large_string(),
    "binary": pa.large_binary(),
    "date": pa.date32(),
}

_OTHER_WORDS = {
    "boolean": "bool",
    "bit": "bool",
    "tinyint": "uint8",
    "smallint": "int16",
    "int": "int64",
    "integer": "int64",
    "bigint": "int64",
    "real": "float32",
    "float": "float64",
    "double": "float64",
    "numeric": "decimal",
    "string": "text",
    "large_string": "text",
    "varchar": "text",
    "char": "text",
    "bytes": "binary",
    "blob": "binary",
    "large_binary": "binary",
    "varbinary": "binary",
    "date32": "date",
    "datetime": "timestamp",
}

_SHAPE = re.compile(r"\s*([A-Za-z_]+[0-9]*)\s*(?:\(([^()]*)\))?\s*")
_OFFSET = re.compile(r"[+-](?:0[0-9]|1[0-4]):[0-5][0-9]")
_UNITS = ("s", "ms", "us", "ns")


def type_from_name(name: str) -> pa.DataType:
    """The Arrow type; text and binary are the large kind. Raises UserError for anything that is not a type."""
    shape = _SHAPE.fullmatch(name)
    if shape is None:
        raise _no_type(name)
    word = shape[1].lower()
    word = _OTHER_WORDS.get(word, word)
    arguments = [part.strip() for part in shape[2].split(",")] if shape[2] is not None else []
    plain = _PLAIN.get(word)
    if plain is not None and not arguments:
        return plain
    built = _with_arguments(word, arguments)
    if built is None:
        raise _no_type(name)
    return built


def name_of_type(data_type: pa.DataType) -> str:
    """The type in the same words; `type_from_name` of it holds the same values.

    Types that have no such words (nested ones, decimals of whole hundreds, float16, null) come in Arrow's.
    """
    if pa.types.is_dictionary(data_type):
        return name_of_type(data_type.value_type)
    if is_text(data_type):
        return "text"
    if is_binary(data_type):
        return f"binary({data_type.byte_width})" if pa.types.is_fixed_size_binary(data_type) else "binary"
    if pa.types.is_decimal(data_type) and data_type.scale >= 0:
        return f"decimal({max(data_type.precision, data_type.scale)},{data_type.scale})"
    if pa.types.is_time(data_type) or pa.types.is_timestamp(data_type) or pa.types.is_duration(data_type):
        return _name_with_unit(data_type)
    return _PLAIN_NAMES.get(data_type, str(data_type))


def is_text(data_type: pa.DataType) -> bool:
    """Whether values are text, in whichever of Arrow's layouts (dictionaries not looked into)."""
    return bool(pa.types.is_large_string(data_type) or pa.types.is_string(data_type) or pa.types.is_string_view(data_type))


def is_binary(data_type: pa.DataType) -> bool:
    """Whether values are bytes, in whichever of Arrow's layouts (dictionaries not looked into)."""
    return bool(
        pa.types.is_large_binary(data_type)
        or pa.types.is_binary(data_type)
        or pa.types.is_binary_view(data_type)
        or pa.types.is_fixed_size_binary(data_type)
    )


_PLAIN_NAMES = {data_type: name for name, data_type in _PLAIN.items()} | {pa.date64(): "date"}


def _name_with_unit(data_type: pa.DataType) -> str:
    if pa.types.is_duration(data_type):
        return f"duration({data_type.unit})"
    word = "time" if pa.types.is_time(data_type) else "timestamp"
    if word == "timestamp" and data_type.tz is not None:
        return f"timestamp({data_type.unit}, {data_type.tz})"
    return word if data_type.unit == "us" else f"{word}({data_type.unit})"


def _with_arguments(word: str, arguments: list[str]) -> pa.DataType | None:
    if word == "decimal":
        return _decimal(arguments)
    if word == "binary" and len(arguments) == 1 and arguments[0].isdecimal() and 0 < int(arguments[0]) <= 2**20:
        return pa.binary(int(arguments[0]))
    unit = arguments[0].lower() if arguments and arguments[0] else "us"
    if unit not in _UNITS:
        return None
    if word == "time" and len(arguments) <= 1:
        return pa.time32(unit) if unit in ("s", "ms") else pa.time64(unit)
    if word == "timestamp" and len(arguments) <= 2:
        return pa.timestamp(unit, _zone(arguments[1]) if len(arguments) == 2 else None)
    if word == "duration" and len(arguments) == 1:
        return pa.duration(unit)
    return None


def _decimal(arguments: list[str]) -> pa.DataType | None:
    if not 1 <= len(arguments) <= 2 or not all(re.fullmatch("[0-9]{1,3}", part) for part in arguments):
        return None
    precision, scale = int(arguments[0]), int(arguments[1]) if len(arguments) == 2 else 0
    if not 1 <= precision <= 76 or scale > precision:
        return None
    return pa.decimal128(precision, scale) if precision <= 38 else pa.decimal256(precision, scale)


def _zone(name: str) -> str:
    import pyarrow.compute as pc  # here: a tenth of a second that only zones need

    if _OFFSET.fullmatch(name):
        return name
    try:
        zoneinfo.ZoneInfo(name)
        # Python finds more in the files of zones than Arrow does, like posix/Europe/Paris.
        pc.local_timestamp(pa.array([0], pa.timestamp("s", name)))
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise UserError(f"There is no time zone “{name}”.", remedy="Write for example UTC, Europe/Paris or +02:00.") from None
    return name


def _no_type(name: str) -> UserError:
    return UserError(
        f"“{name[:100]}” is not a type.",
        remedy="Write for example text, int64, float64, decimal(18,2), bool, date, time, timestamp(us, UTC) or binary.",
    )
