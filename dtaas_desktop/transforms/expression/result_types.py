"""DuckDB's types and ours: what a column must be to go in, and what comes out."""

import re
from dataclasses import dataclass

import pyarrow as pa

from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.type_names import is_binary, is_text, name_of_type

_PLAIN = {
    '"NULL"': pa.null(),
    "BOOLEAN": pa.bool_(),
    "TINYINT": pa.int8(),
    "SMALLINT": pa.int16(),
    "INTEGER": pa.int32(),
    "BIGINT": pa.int64(),
    "UTINYINT": pa.uint8(),
    "USMALLINT": pa.uint16(),
    "UINTEGER": pa.uint32(),
    "UBIGINT": pa.uint64(),
    "FLOAT": pa.float32(),
    "DOUBLE": pa.float64(),
    "VARCHAR": pa.large_string(),
    "BLOB": pa.large_binary(),
    "DATE": pa.date32(),
    "TIME": pa.time64("us"),
    "TIME_NS": pa.time64("ns"),
    "TIMESTAMP_S": pa.timestamp("s"),
    "TIMESTAMP_MS": pa.timestamp("ms"),
    "TIMESTAMP": pa.timestamp("us"),
    "TIMESTAMP_NS": pa.timestamp("ns"),
    "TIMESTAMP WITH TIME ZONE": pa.timestamp("us", "UTC"),
    "TIMESTAMPTZ_NS": pa.timestamp("ns", "UTC"),
}
_WIDE_INTEGERS = frozenset({"HUGEINT", "UHUGEINT"})
_DECIMAL = re.compile(r"DECIMAL\(([0-9]+),([0-9]+)\)")


@dataclass(frozen=True, slots=True)
class ResultType:
    """The type of an expression's values; `cast`: the type of DuckDB's that they must first be cast to, if any."""

    type: pa.DataType
    cast: str = ""


def result_type(duckdb_type: str) -> ResultType:
    """Raises UserError for what a column cannot be."""
    plain = _PLAIN.get(duckdb_type)
    if plain is not None:
        return ResultType(plain)
    if duckdb_type in _WIDE_INTEGERS:
        # 128 bits hold 39 digits and no decimal does: the few numbers beyond 38 fail in the cast instead of wrapping.
        return ResultType(pa.decimal128(38, 0), "DECIMAL(38,0)")
    decimal = _DECIMAL.fullmatch(duckdb_type)
    if decimal is not None:
        return ResultType(pa.decimal128(int(decimal[1]), int(decimal[2])))
    raise UserError(
        f"The expression gives {duckdb_type[:100].lower()}, which no column can be.",
        remedy="Cast it to text, like (…)::TEXT, or take one value out of it.",
    )


def given_type(name: str, data_type: pa.DataType) -> pa.DataType:
    """The type in which DuckDB is given a column; it holds the same values. Raises UserError for what DuckDB cannot hold."""
    plain = data_type.value_type if pa.types.is_dictionary(data_type) else data_type
    if pa.types.is_decimal(plain):
        if plain.precision <= 38:
            return pa.decimal128(plain.precision, plain.scale)
    elif pa.types.is_float16(plain):
        return pa.float32()
    elif pa.types.is_date64(plain):
        return pa.date32()
    elif pa.types.is_binary_view(plain):
        return pa.large_binary()
    elif pa.types.is_string_view(plain):
        return pa.large_string()
    elif (
        pa.types.is_boolean(plain)
        or pa.types.is_integer(plain)
        or pa.types.is_floating(plain)
        or is_text(plain)
        or is_binary(plain)
        or pa.types.is_date32(plain)
        or pa.types.is_time(plain)
        or pa.types.is_timestamp(plain)
        or pa.types.is_null(plain)
        or (pa.types.is_duration(plain) and plain.unit != "ns")
    ):
        return plain
    raise UserError(
        f"Column “{name}” is {name_of_type(data_type)}, which expressions cannot hold.",
        remedy="Cast it to another type first, or leave it out of the expression.",
    )
