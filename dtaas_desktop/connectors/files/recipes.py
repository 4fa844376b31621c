"""How to read what was published, value for value: the reader settings in each manifest.

Every recipe is code to paste, to be run in the folder of the manifest. They are tested by executing them on hostile data.
"""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from dtaas_desktop.connectors.files.formats import stored_schema, suffix
from dtaas_desktop.connectors.files.hexadecimal import is_binary
from dtaas_desktop.connectors.files.sql_types import duckdb_type, literal, quoted
from dtaas_desktop.domain.file_settings import FileSettings

_START = """\
import base64, json, pathlib
import pyarrow as pa

folder = pathlib.Path(".")  # where _manifest.json is
manifest = json.loads((folder / "_manifest.json").read_text(encoding="utf-8"))
schema = pa.ipc.read_schema(pa.BufferReader(base64.b64decode(manifest["arrow_schema"])))
files = [folder / file["path"] for file in manifest["files"] if file["rows"]]
"""

_PARQUET = """\
import pyarrow.parquet as pq

tables = [pq.ParquetFile(file).read() for file in files]
table = pa.concat_tables(table.cast(schema) for table in tables) if tables else schema.empty_table()
"""

_TEXTS = """\
import pyarrow.compute as pc

def value_of(column, type):
    if pa.types.is_time(type) and not pa.types.is_time(column.type):  # Arrow casts texts to moments, not to times
        moments = pc.binary_join_element_wise(pa.scalar("1970-01-01T", column.type), column, pa.scalar("", column.type))
        return moments.cast(pa.timestamp(type.unit)).cast(type)
    if pa.types.is_binary(type) or pa.types.is_large_binary(type) or pa.types.is_fixed_size_binary(type):
        return pa.array([None if text is None else bytes.fromhex(text) for text in column.to_pylist()], type)
    return column.cast(type)

"""

_CSV = """\
import pyarrow.csv as csv

def written(type):
    binary = pa.types.is_binary(type) or pa.types.is_large_binary(type) or pa.types.is_fixed_size_binary(type)
    if pa.types.is_timestamp(type) and type.tz:
        return pa.timestamp(type.unit, "UTC")
    return pa.large_string() if binary else {"halffloat": pa.float32()}.get(str(type), type)

convert = csv.ConvertOptions(
    column_types={field.name: written(field.type) for field in schema},
    null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False,
    true_values=["true"], false_values=["false"],
)
parse = csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False)
read = csv.ReadOptions(block_size=2**28)
tables = [csv.read_csv(file, read_options=read, parse_options=parse, convert_options=convert) for file in files]
columns = [[value_of(table[field.name], field.type) for field in schema] for table in tables]
tables = [pa.table(values, schema=schema) for values in columns]
table = pa.concat_tables(tables) if tables else schema.empty_table()
"""

_JSON = """\
import io

def objects(file):
    with pa.input_stream(str(file), compression="detect") as stream:
        text = io.TextIOWrapper(stream, encoding="utf-8", newline="\\n")
        yield from %s

def array_of(values, type):
    if pa.types.is_floating(type):
        return pa.array([None if value is None else float(value) for value in values], type)
    if pa.types.is_integer(type) or pa.types.is_boolean(type) or pa.types.is_duration(type):
        return pa.array(values, type)
    texts = pa.array(values, pa.large_string())
    return value_of(texts, type)

tables = []
for file in files:
    rows = list(objects(file))
    tables.append(pa.table([array_of([row[field.name] for row in rows], field.type) for field in schema], schema=schema))
table = pa.concat_tables(tables) if tables else schema.empty_table()
"""

# pyarrow's own JSON reader: fast, but strict, so only where every column has one kind of JSON value.
_JSON_STRICT = """\
import pyarrow.json

def written(type):
    plain = pa.types.is_integer(type) or pa.types.is_boolean(type)
    return type if plain else pa.large_string()

parse = pyarrow.json.ParseOptions(explicit_schema=pa.schema([(field.name, written(field.type)) for field in schema]))
read = pyarrow.json.ReadOptions(block_size=2**28)
tables = []
for file in files:
    with pa.input_stream(str(file), compression="detect") as stream:
        table = pyarrow.json.read_json(stream, read_options=read, parse_options=parse)
    tables.append(pa.table([value_of(table[field.name], field.type) for field in schema], schema=schema))
table = pa.concat_tables(tables) if tables else schema.empty_table()
"""

_PANDAS = """\

import pandas as pd

frame = table.to_pandas(types_mapper=pd.ArrowDtype)
"""


def recipes(settings: FileSettings, schema: pa.Schema, folder: str) -> dict[str, Any]:
    """Reader settings as data, and as code for pyarrow, pandas and DuckDB; `folder` is the target's folder name, which begins all names."""
    stored = stored_schema(schema)
    pyarrow = _START + _python(settings, stored)
    return {
        "about": "Run the code in the folder of this manifest. It reads the files listed here (pyarrow, pandas) or all that match (DuckDB).",
        "settings": _settings(settings),
        "pyarrow": pyarrow,
        "pandas": pyarrow + _PANDAS,
        "duckdb": _duckdb(settings, stored, folder),
    }


def _python(settings: FileSettings, schema: pa.Schema) -> str:
    match settings.format:
        case "parquet":
            return _PARQUET
        case "csv":
            return _TEXTS + _CSV
        case "json":
            floats = settings.json_floats == "number" and any(pa.types.is_floating(field.type) for field in schema)
            odd = any(pa.types.is_duration(field.type) for field in schema)
            if settings.json_style == "array":
                return _TEXTS + _JSON % "json.load(text)"
            return _TEXTS + (_JSON % "map(json.loads, text)" if floats or odd else _JSON_STRICT)


def _settings(settings: FileSettings) -> dict[str, Any]:
    if settings.format == "parquet":
        return {"format": "parquet"}
    shared = {"format": settings.format, "encoding": "UTF-8", "binary": "hexadecimal digits", "compression": settings.compression}
    if settings.format == "csv":
        rules = {
            "header": True,
            "delimiter": ",",
            "quote": '"',
            "escape": '""',
            "line_end": "\n",
            "null": "nothing, without quotes",
        }
        return (
            shared
            | rules
            | {"empty_text": '""', "floats": "shortest exact form; nan, inf, -inf", "timestamps": "ISO, UTC ends in Z"}
        )
    floats = "numbers; NaN, Infinity and -Infinity as texts" if settings.json_floats == "number" else "texts"
    return shared | {
        "style": settings.json_style,
        "floats": floats,
        "decimals": "texts",
        "timestamps": "ISO texts, UTC ends in Z",
    }


def _duckdb(settings: FileSettings, schema: pa.Schema, folder: str) -> str:
    files = literal(f"**/{folder}-*{suffix(settings)}")
    if settings.format == "parquet":
        return f"SELECT * FROM read_parquet({files}, hive_partitioning = false)"
    columns = ", ".join(f"{literal(field.name)}: {literal(_read_as(field.type))}" for field in schema)
    chosen = ", ".join(_selected(field) for field in schema)
    options = ["hive_partitioning = false", f"columns = {{{columns}}}", *_reader_options(settings)]
    return f"SELECT {chosen}\nFROM read_{settings.format}({files}, {', '.join(options)})"


def _reader_options(settings: FileSettings) -> Sequence[str]:
    if settings.format == "json":
        return [
            f"format = '{'newline_delimited' if settings.json_style == 'lines' else 'array'}'",
            "maximum_object_size = 268435456",
        ]
    shape = ["auto_detect = false", "header = true", "delim = ','", "quote = '\"'", "escape = '\"'", "new_line = '\\n'"]
    return [*shape, "nullstr = ''", "allow_quoted_nulls = false", "max_line_size = 268435456", "parallel = false"]


def _read_as(kind: pa.DataType) -> str:
    return "VARCHAR" if is_binary(kind) else duckdb_type(kind) or "VARCHAR"


def _selected(field: pa.Field) -> str:
    name = quoted(field.name)
    return f"unhex({name}) AS {name}" if is_binary(field.type) else name
