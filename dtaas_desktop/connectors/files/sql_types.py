"""Arrow types as DuckDB's: what a column is called in SQL, and what it is in DuckDB without loss."""

import pyarrow as pa

_NAMES = {
    pa.bool_(): "BOOLEAN",
    pa.int8(): "TINYINT",
    pa.int16(): "SMALLINT",
    pa.int32(): "INTEGER",
    pa.int64(): "BIGINT",
    pa.uint8(): "UTINYINT",
    pa.uint16(): "USMALLINT",
    pa.uint32(): "UINTEGER",
    pa.uint64(): "UBIGINT",
    pa.float16(): "FLOAT",
    pa.float32(): "FLOAT",
    pa.float64(): "DOUBLE",
    pa.date32(): "DATE",
    pa.date64(): "DATE",
    pa.time32("s"): "TIME",
    pa.time32("ms"): "TIME",
    pa.time64("us"): "TIME",
    pa.time64("ns"): "TIME_NS",
    pa.timestamp("s"): "TIMESTAMP_S",
    pa.timestamp("ms"): "TIMESTAMP_MS",
    pa.timestamp("us"): "TIMESTAMP",
    pa.timestamp("ns"): "TIMESTAMP_NS",
    pa.string(): "VARCHAR",
    pa.large_string(): "VARCHAR",
    pa.null(): "VARCHAR",
    pa.binary(): "BLOB",
    pa.large_binary(): "BLOB",
}


def duckdb_type(kind: pa.DataType) -> str | None:
    """The DuckDB type that holds every value of the Arrow type; None where there is none."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_decimal(kind):
        return f"DECIMAL({kind.precision},{kind.scale})" if kind.precision <= 38 and 0 <= kind.scale <= kind.precision else None
    if pa.types.is_timestamp(kind) and kind.tz:
        return "TIMESTAMP WITH TIME ZONE" if kind.unit != "ns" else None
    if pa.types.is_fixed_size_binary(kind):
        return "BLOB"
    return _NAMES.get(kind)


def quoted(name: str) -> str:
    """`name` as an identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """`text` as a string constant."""
    return "'" + text.replace("'", "''") + "'"


def glob_text(path: str) -> str:
    """`path` for DuckDB's readers, which take every path for a glob: special characters as classes of one."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in path)
