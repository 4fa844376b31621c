"""How to read change files as the table they come to: recipes for the rows that are there now.

A mirror's files hold the net effect of each revision, a history's every change. For both: what is older than the newest load does not
count; a key is there if the last transaction that added or removed it added it (its letters sum up, as changes of one transaction come
in any order; an update never adds); its values are those of its last image, column by column the last one that holds it.
"""

import pyarrow as pa

from dtaas_desktop.connectors.files.formats import suffix
from dtaas_desktop.connectors.files.recipes import Reading, in_pandas, read_all_python, read_shapes
from dtaas_desktop.connectors.files.sql_types import duckdb_type, literal, quoted
from dtaas_desktop.domain.changes import SAME

_FILE = "__file"  # what readers call the column with a row's file name

_CURRENT = """
import pyarrow.compute as pc

key, columns, marks = %(key)r, %(columns)r, %(marks)r

def numbers(columns):  # of each row's key: null equals null, -0.0 equals 0.0
    number = None
    for column in columns:
        if pa.types.is_floating(column.type):
            column = pc.add(column.cast(pa.float64()), 0.0)
            column = pc.if_else(pc.is_nan(column), float("nan"), column)
        codes = column.combine_chunks().dictionary_encode(null_encoding="encode")
        indices = codes.indices.cast(pa.int64())
        number = indices if number is None else pc.add(pc.multiply(number, len(codes.dictionary)), indices)
        number = number.dictionary_encode().indices.cast(pa.int64())
    return number

# What came since the newest load, in its order.
sizes = [(file["revision"], part.num_rows) for file, part in zip(files, tables)]
revision = pa.chunked_array([pa.repeat(pa.scalar(one, pa.int64()), size) for one, size in sizes], pa.int64())
recent = pc.greater_equal(revision, manifest["loaded_revision"])
table, revision = table.filter(recent), revision.filter(recent)
rank = pa.table({"revision": revision, "position": table["__position"]})
order = pc.sort_indices(rank, sort_keys=[("revision", "ascending"), ("position", "ascending")])
table, revision = table.take(order), revision.take(order)

# The last transaction that added or removed a key decides whether it is there.
op, row, nothing = table["__op"], pa.array(range(table.num_rows), pa.int64()), pa.scalar(None, pa.int64())
number = numbers([table[name] for name in key])
sign = pc.if_else(pc.equal(op, "D"), -1, pc.if_else(pc.equal(op, "U"), 0, 1))
image = pc.if_else(pc.equal(op, "D"), nothing, row)
changes = pa.table({"key": number, "revision": revision, "at": table["__committed_at"], "sign": sign, "row": row, "image": image})
sums = changes.group_by(["key", "revision", "at"]).aggregate([("sign", "sum"), ("row", "max"), ("image", "max")])
told = pc.add(pc.multiply(sums["row_max"], 2), pc.greater(sums["sign_sum"], 0).cast(pa.int64()))
told = pc.if_else(pc.equal(sums["sign_sum"], 0), nothing, told)
keys = pa.table({"key": sums["key"], "told": told, "image": sums["image_max"]})
keys = keys.group_by("key").aggregate([("told", "max"), ("image", "max")])
there = keys.filter(pc.equal(pc.bit_wise_and(keys["told_max"], 1), 1))
current = table.take(there["image_max"]).select(columns)
"""

_MARKS = """
# A change may leave a column as it was: then its value is that of the last image that holds it, since the key was added.
def last_by_key(rows):
    return pa.table({"key": number, "row": rows}).group_by("key", use_threads=False).aggregate([("row", "max"), ("row", "min")])

gone = last_by_key(pc.if_else(pc.equal(op, "D"), row, nothing))["row_max"]  # in the order of the numbers
alive = pc.greater(row, pc.fill_null(gone.take(number), -1))
born = last_by_key(pc.if_else(pc.and_(alive, pc.is_in(op, pa.array(["L", "I"]))), row, nothing))["row_min"]
counted = pc.fill_null(pc.and_(alive, pc.greater_equal(row, born.take(number))), False)
for name, mark in marks.items():
    holds = pc.and_(counted, pc.invert(pc.fill_null(table[mark], False)))
    values = table[name].take(last_by_key(pc.if_else(holds, row, nothing))["row_max"].take(there["key"]))
    current = current.set_column(columns.index(name), name, values)
"""


def current_state(reading: Reading) -> dict[str, str]:
    """Code for pyarrow (`current`), pandas (`frame`) and DuckDB that gives the rows which are there now. The reading must have a key."""
    marks = _marks(reading)
    names = {"key": list(reading.key), "columns": list(reading.columns), "marks": marks}
    pyarrow = read_all_python(reading) + _CURRENT % names + (_MARKS if marks else "")
    return {"pyarrow": pyarrow, "pandas": pyarrow + in_pandas("current"), "duckdb": _duckdb(reading)}


def mirror_count(reading: Reading, place: str) -> str:
    """A query that counts a mirror's rows, over all files in the folder `place` (a glob).

    In a mirror each revision has a key once, and the names of files begin with the revision.
    """
    pattern = literal(f"{place}/**/{reading.folder}-*{suffix(reading.settings)}")
    options = ["hive_partitioning = false", "union_by_name = true", f"filename = '{_FILE}'"]
    match reading.settings.format:
        case "csv":
            options += ["all_varchar = true", "header = true", "delim = ','", "quote = '\"'", "allow_quoted_nulls = false"]
        case "json":
            columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in ("__op", *reading.key))
            options += [f"columns = {{{columns}}}"]
    keys = ", ".join(_as_typed(reading.schema.field(name)) for name in reading.key)
    return (
        f"SELECT count(*) FROM (SELECT arg_max(__op, parse_filename({_FILE})) AS op FROM "
        f"read_{reading.settings.format}({pattern}, {', '.join(options)}) WHERE __op <> 'U' GROUP BY {keys}) WHERE op <> 'D'"
    )


def _as_typed(field: pa.Field) -> str:
    kind = duckdb_type(field.type)
    return f"CAST({quoted(field.name)} AS {kind})" if kind and kind != "BLOB" else quoted(field.name)


def _marks(reading: Reading) -> dict[str, str]:
    """The columns that changes may leave as they were, and the marks that say so."""
    return {name.removeprefix(SAME): name for name in reading.schema.names if name.startswith(SAME)}


def _duckdb(reading: Reading) -> str:
    *variables, query = read_shapes(reading, reading.recent, since=reading.since, file=_FILE).split(";\n")
    keys = [quoted(name) for name in reading.key]
    number = f"regexp_extract(substr(parse_filename({_FILE}), {len(reading.folder) + 2}), '^[0-9]+')::BIGINT"
    named = ", ".join(f"{key} AS __key{index}" for index, key in enumerate(keys))
    equal = " AND ".join(f"{key} IS NOT DISTINCT FROM __key{index}" for index, key in enumerate(keys))
    marks = _marks(reading)
    within = f"OVER (PARTITION BY {', '.join(keys)})"
    lives = (
        f", lives AS (SELECT *, max(__at) FILTER (__op = 'D') {within} AS __gone FROM changes)"
        f", born AS (SELECT *, min(__at) FILTER (__op IN ('L', 'I') AND (__gone IS NULL OR __at > __gone)) {within} AS __born FROM lives)"
        if marks
        else ""
    )
    values = [
        f"(arg_max({{'value': {quoted(name)}}}, __at) FILTER (__at >= __born AND NOT coalesce({quoted(marks[name])}, false)) "
        f"{within}).value AS {quoted(name)}"
        if name in marks
        else quoted(name)
        for name in reading.columns
    ]
    return "".join(f"{variable};\n" for variable in variables) + (
        f"WITH files AS (\n{query}\n)\n"
        f", changes AS (SELECT *, {{'revision': {number}, 'position': coalesce(__position, '')}} AS __at FROM files)\n"
        f", sums AS (SELECT {named}, max(__at) AS __at, sum(CASE __op WHEN 'D' THEN -1 WHEN 'U' THEN 0 ELSE 1 END) AS __sum "
        f"FROM changes GROUP BY {', '.join(keys)}, __at.revision, __committed_at)\n"
        f", alive AS (SELECT {', '.join(f'__key{index}' for index in range(len(keys)))} FROM sums WHERE __sum <> 0 "
        f"GROUP BY ALL HAVING arg_max(__sum, __at) > 0){lives}\n"
        f"SELECT {', '.join(values)}\nFROM {'born' if marks else 'changes'} SEMI JOIN alive ON {equal}\n"
        f"WHERE __op <> 'D'\n"
        f"QUALIFY row_number() OVER (PARTITION BY {', '.join(keys)} ORDER BY __at DESC) = 1"
    )
