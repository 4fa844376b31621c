"""How to read what was published, value for value: the reader settings in each manifest.

Every recipe is code to paste, to be run in the folder of the manifest. They are tested by executing them on hostile data. Files that
are older than the newest columns are read as they were written, and fitted: what they lack is null, narrower types are widened.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from dtaas_desktop.connectors.files.formats import suffix
from dtaas_desktop.connectors.files.hexadecimal import is_binary
from dtaas_desktop.connectors.files.sql_types import duckdb_type, literal, quoted
from dtaas_desktop.domain.file_settings import FileSettings

_START = """\
import base64, json, pathlib
import pyarrow as pa

folder = pathlib.Path(".")  # where _manifest.json is
manifest = json.loads((folder / "_manifest.json").read_text(encoding="utf-8"))
texts = [manifest["arrow_schema"], *manifest["older_arrow_schemas"]]
schemas = [pa.ipc.read_schema(pa.BufferReader(base64.b64decode(text))) for text in texts]
schema = schemas[0]
files = [file for file in manifest["files"] if file["rows"]]
"""

_PARQUET = """\
import pyarrow.parquet as pq

def read(file, schema):
    return pq.ParquetFile(file).read().cast(schema)
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

def read(file, schema):
    convert = csv.ConvertOptions(
        column_types={field.name: written(field.type) for field in schema},
        null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False,
        true_values=["true"], false_values=["false"],
    )
    parse = csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False)
    table = csv.read_csv(file, read_options=csv.ReadOptions(block_size=2**28), parse_options=parse, convert_options=convert)
    return pa.table([value_of(table[field.name], field.type) for field in schema], schema=schema)
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

def read(file, schema):
    rows = list(objects(file))
    return pa.table([array_of([row[field.name] for row in rows], field.type) for field in schema], schema=schema)
"""

# pyarrow's own JSON reader: fast, but strict, so only where every column has one kind of JSON value.
_JSON_STRICT = """\
import pyarrow.json

def written(type):
    plain = pa.types.is_integer(type) or pa.types.is_boolean(type)
    return type if plain else pa.large_string()

def read(file, schema):
    parse = pyarrow.json.ParseOptions(explicit_schema=pa.schema([(field.name, written(field.type)) for field in schema]))
    with pa.input_stream(str(file), compression="detect") as stream:
        table = pyarrow.json.read_json(stream, read_options=pyarrow.json.ReadOptions(block_size=2**28), parse_options=parse)
    return pa.table([value_of(table[field.name], field.type) for field in schema], schema=schema)
"""

_END = """\

def fitted(table):  # older files may lack columns, or have narrower types
    there = table.column_names
    columns = [table[f.name].cast(f.type) if f.name in there else pa.nulls(table.num_rows, f.type) for f in schema]
    return pa.table(columns, schema=schema)

tables = [fitted(read(folder / file["path"], schemas[file["schema"]])) for file in files]
table = pa.concat_tables(tables) if tables else schema.empty_table()
"""

_PANDAS = """\

import pandas as pd

frame = %s.to_pandas(types_mapper=pd.ArrowDtype)
"""


@dataclass(frozen=True, slots=True)
class Reading:
    """What there is to read. `schema` is what readers get, `shapes` the schemas of the files, by their numbers in the manifest.

    `folder` is the target's folder name, which begins all file names. `columns` are the target's own; `key` tells its rows apart,
    and `since` is the revision of the newest load: what is older does not count for the current state. `recent` are the shapes that
    files from then on have.
    """

    settings: FileSettings
    schema: pa.Schema
    shapes: dict[int, pa.Schema]
    folder: str
    columns: Sequence[str] = ()
    key: Sequence[str] = ()
    since: int = 0
    recent: Collection[int] = ()


def recipes(reading: Reading) -> dict[str, Any]:
    """Reader settings as data, and as code for pyarrow, pandas and DuckDB."""
    pyarrow = read_all_python(reading)
    return {
        "about": "Run the code in the folder of this manifest. It reads the files listed here (pyarrow, pandas) or all that match (DuckDB).",
        "settings": _settings(reading.settings),
        "pyarrow": pyarrow,
        "pandas": pyarrow + _PANDAS % "table",
        "duckdb": _duckdb(reading),
    }


def read_all_python(reading: Reading) -> str:
    """Code that makes `tables` (one for each of `files`) and `table` of them."""
    return _START + _python(reading) + _END


def in_pandas(name: str) -> str:
    """Code that makes `frame` of the pyarrow table with this name."""
    return _PANDAS % name


def _python(reading: Reading) -> str:
    settings = reading.settings
    match settings.format:
        case "parquet":
            return _PARQUET
        case "csv":
            return _TEXTS + _CSV
        case "json":
            types = [field.type for schema in (reading.schema, *reading.shapes.values()) for field in schema]
            floats = settings.json_floats == "number" and any(pa.types.is_floating(kind) for kind in types)
            odd = any(pa.types.is_duration(kind) for kind in types)
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


def _duckdb(reading: Reading) -> str:
    if list(reading.shapes.values()) != [reading.schema]:
        return read_shapes(reading, reading.shapes, since=0)
    settings, schema = reading.settings, reading.schema
    files = literal(f"**/{reading.folder}-*{suffix(settings)}")
    if settings.format == "parquet":
        return f"SELECT * FROM read_parquet({files}, hive_partitioning = false)"
    chosen = ", ".join(_selected(field) for field in schema)
    return f"SELECT {chosen}\nFROM {_reader(files, settings, schema)}"


def read_shapes(reading: Reading, numbers: Collection[int], *, since: int, file: str = "") -> str:
    """A query over the files of these shapes from revision `since` on, as the manifest lists them; `file` names a column for their names.

    Its first statements set variables, the last one is the query.
    """
    lists, queries = [], []
    for number in numbers:
        shape = reading.shapes[number]
        lists.append(
            f"SET VARIABLE files_{number} = (SELECT list(file.path) FROM (SELECT unnest(from_json(content->'files', "
            """'[{"path": "VARCHAR", "revision": "BIGINT", "schema": "BIGINT"}]')) AS file FROM read_text('_manifest.json')) """
            f'WHERE file."schema" = {number} AND file.revision >= {since});\n'
        )
        texts = reading.settings.format != "parquet"
        chosen = ", ".join([*(_fitted(field, shape, texts=texts) for field in reading.schema), *([file] if file else [])])
        source = _reader(f"getvariable('files_{number}')", reading.settings, shape, file=file)
        queries.append(f"SELECT {chosen}\nFROM {source}")
    if not queries:
        nothing = ", ".join(f"CAST(NULL AS {_sql_type(field.type)}) AS {quoted(field.name)}" for field in reading.schema)
        return f"SELECT {nothing}{f', NULL AS {file}' if file else ''} WHERE false"
    return "".join(lists) + "\nUNION ALL\n".join(queries)


def _reader(files: str, settings: FileSettings, schema: pa.Schema, *, file: str = "") -> str:
    options = ["hive_partitioning = false", *([f"filename = '{file}'"] if file else [])]
    if settings.format != "parquet":
        columns = ", ".join(f"{literal(field.name)}: {literal(_read_as(field.type))}" for field in schema)
        options += [f"columns = {{{columns}}}", *_reader_options(settings)]
    return f"read_{settings.format}({files}, {', '.join(options)})"


def _reader_options(settings: FileSettings) -> Sequence[str]:
    if settings.format == "json":
        return [
            f"format = '{'newline_delimited' if settings.json_style == 'lines' else 'array'}'",
            "maximum_object_size = 268435456",
        ]
    shape = ["auto_detect = false", "header = true", "delim = ','", "quote = '\"'", "escape = '\"'", "new_line = '\\n'"]
    return [
        *shape,
        "nullstr = ''",
        "allow_quoted_nulls = false",
        "max_line_size = 268435456",
        "buffer_size = 268435456",
        "parallel = false",
    ]


def _read_as(kind: pa.DataType) -> str:
    return "VARCHAR" if is_binary(kind) else _sql_type(kind)


def _sql_type(kind: pa.DataType) -> str:
    return duckdb_type(kind) or "VARCHAR"


def _selected(field: pa.Field) -> str:
    name = quoted(field.name)
    return f"unhex({name}) AS {name}" if is_binary(field.type) else name


def _fitted(field: pa.Field, shape: pa.Schema, *, texts: bool) -> str:
    """The column as it is in the newest schema, out of a file of `shape`; in `texts`, bytes are digits."""
    name = quoted(field.name)
    kind = duckdb_type(field.type)
    if field.name not in shape.names:
        return f"CAST(NULL AS {kind or 'VARCHAR'}) AS {name}"
    value = f"unhex({name})" if texts and is_binary(field.type) else name
    return f"CAST({value} AS {kind}) AS {name}" if kind else f"{value} AS {name}"
