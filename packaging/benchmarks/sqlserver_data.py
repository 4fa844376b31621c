"""Tables for the benchmark of SQL Server: made by one seed, kept as Parquet beside the stand-in server that serves them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

_SEED = 1
_PIECE = 100_000
_WORDS = ("north", "south", "east", "west", "spare part", "returned", "paid", "Größe", "naïve", "価格", "délai", "—")
_MICROSECONDS_A_DAY = 86_400_000_000


@dataclass(frozen=True)
class Shape:
    """A table: its columns as SQL Server declares them, how many rows it has when nobody asks for a tenth, and how to make some."""

    name: str
    rows: int
    columns: str
    make: Callable[[np.random.Generator, int, int], Mapping[str, pa.Array]]  # from which row, how many


def parquet(shape: Shape, rows: int, folder: Path) -> Path:
    """The file with so many rows of the table; made if it is not there."""
    path = folder / f"{shape.name}-{rows}.parquet"
    if path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(_SEED)
    unfinished = path.with_suffix(".unfinished")
    writer: pq.ParquetWriter | None = None
    for start in range(0, rows, _PIECE):
        piece = pa.table(dict(shape.make(random, start, min(_PIECE, rows - start))))
        writer = writer or pq.ParquetWriter(unfinished, piece.schema, compression="zstd")
        writer.write_table(piece)
    if writer is not None:
        writer.close()
    unfinished.replace(path)
    return path


def _numbers(start: int, rows: int) -> pa.Array:
    return pa.array(np.arange(start + 1, start + rows + 1, dtype=np.int64))


def _some(random: np.random.Generator, array: pa.Array, missing: float) -> pa.Array:
    """The same with so large a part of it empty."""
    empty = pa.array(random.random(len(array)) < missing)
    return pc.if_else(empty, pa.scalar(None, array.type), array)


def _integers(random: np.random.Generator, rows: int, low: int, high: int, kind: type) -> pa.Array:
    return pa.array(random.integers(low, high, rows).astype(kind))


def _decimals(random: np.random.Generator, rows: int, precision: int, scale: int, digits: int = 15) -> pa.Array:
    """Of at most `digits` digits, of either sign; of any number of digits if it is more than 18."""
    halves = np.empty((rows, 2), np.int64)  # of 128 bits, the lower first
    if digits > 18:
        halves[:, 0] = random.integers(-(2**63), 2**63 - 1, rows)
        halves[:, 1] = random.integers(-(2**61), 2**61, rows)
    else:
        halves[:, 0] = random.integers(-(10**digits) + 1, 10**digits, rows)
        halves[:, 1] = halves[:, 0] >> 63
    return pa.Array.from_buffers(pa.decimal128(precision, scale), rows, [None, pa.py_buffer(halves.tobytes())])


def _moments(random: np.random.Generator, rows: int, step: int) -> pa.Array:
    """Between 1990 and 2030, in whole steps of microseconds."""
    values = random.integers(7_305 * _MICROSECONDS_A_DAY // step, 21_915 * _MICROSECONDS_A_DAY // step, rows) * step
    return pa.array(values).cast(pa.timestamp("us"))


def _days(random: np.random.Generator, rows: int) -> pa.Array:
    return pa.array(random.integers(7_305, 21_915, rows).astype(np.int32)).cast(pa.date32())


def _codes(random: np.random.Generator, rows: int, different: int, prefix: str) -> pa.Array:
    words = pa.array([f"{prefix}{number:06}" for number in range(different)])
    return words.take(pa.array(random.integers(0, different, rows)))


def _texts(random: np.random.Generator, rows: int, words: int) -> pa.Array:
    chosen = [pa.array(_WORDS).take(pa.array(random.integers(0, len(_WORDS), rows))) for _ in range(words)]
    return pc.binary_join_element_wise(*chosen, " ")


def _unlike(random: np.random.Generator, rows: int, length: int) -> pa.Array:
    """Letters and digits, hardly ever the same twice."""
    signs = np.frombuffer(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345", np.uint8)[random.integers(0, 32, rows * length)]
    offsets = pa.array(np.arange(0, (rows + 1) * length, length, dtype=np.int32))
    return pa.StringArray.from_buffers(rows, offsets.buffers()[1], pa.py_buffer(signs.tobytes()))


def _orders(random: np.random.Generator, start: int, rows: int) -> Mapping[str, pa.Array]:
    return {
        "id": _numbers(start, rows),
        "customer": _integers(random, rows, 1, 200_000, np.int32),
        "store": _integers(random, rows, 1, 400, np.int16),
        "quantity": _some(random, _integers(random, rows, 1, 100, np.int32), 0.02),
        "amount": _decimals(random, rows, 12, 2, 7),
        "tax": _decimals(random, rows, 9, 4, 6),
        "weight": _some(random, pa.array(random.random(rows) * 100), 0.05),
        "ordered_at": _moments(random, rows, 1_000),
        "due": _some(random, _days(random, rows), 0.1),
        "status": pa.array(["new", "paid", "sent", "returned"]).take(pa.array(random.integers(0, 4, rows))),
        "product": _codes(random, rows, 20_000, "P-"),
        "note": _some(random, _texts(random, rows, 3), 0.3),
    }


def _narrow(random: np.random.Generator, start: int, rows: int) -> Mapping[str, pa.Array]:
    return {
        "id": _numbers(start, rows),
        "sensor": _integers(random, rows, 1, 5_000, np.int32),
        "value": pa.array(random.normal(20, 5, rows)),
    }


def _wide(random: np.random.Generator, start: int, rows: int) -> Mapping[str, pa.Array]:
    made = {"id": _numbers(start, rows)}
    for number in range(33):
        made[f"i{number}"] = _some(random, _integers(random, rows, -1_000, 1_000, np.int32), 0.1)
        made[f"f{number}"] = pa.array(random.random(rows))
        made[f"s{number}"] = _codes(random, rows, 50, f"{number}-")
    return made


def _exact(random: np.random.Generator, start: int, rows: int) -> Mapping[str, pa.Array]:
    return {
        "id": _numbers(start, rows),
        "d9": _decimals(random, rows, 9, 2, 9),
        "d18": _decimals(random, rows, 18, 4, 17),
        "d38": _decimals(random, rows, 38, 10, 38),
        "m": _decimals(random, rows, 19, 4, 18),
        "day": _days(random, rows),
        "second": _moments(random, rows, 1_000_000),
        "milli": _moments(random, rows, 1_000),
        "micro": _moments(random, rows, 1),
        "maybe": _some(random, _moments(random, rows, 1), 0.2),
    }


def _words_of(random: np.random.Generator, start: int, rows: int) -> Mapping[str, pa.Array]:
    return {
        "id": _numbers(start, rows),
        "code": _codes(random, rows, 3_000, "C-"),
        "token": _unlike(random, rows, 32),
        "title": _texts(random, rows, 4),
        "body": _texts(random, rows, 20),
        "remark": _some(random, _texts(random, rows, 8), 0.5),
    }


def _wide_columns() -> str:
    triples = (f"i{number} int, f{number} float NOT NULL, s{number} varchar(12) NOT NULL" for number in range(33))
    return f"id bigint NOT NULL PRIMARY KEY, {', '.join(triples)}"


ORDERS = Shape(
    "orders",
    2_000_000,
    "id bigint NOT NULL PRIMARY KEY, customer int NOT NULL, store smallint NOT NULL, quantity int, amount decimal(12,2) NOT NULL,"
    " tax decimal(9,4) NOT NULL, weight float, ordered_at datetime2(3) NOT NULL, due date, status varchar(10) NOT NULL,"
    " product varchar(12) NOT NULL, note nvarchar(60)",
    _orders,
)
NARROW = Shape("narrow", 2_000_000, "id bigint NOT NULL PRIMARY KEY, sensor int NOT NULL, value float NOT NULL", _narrow)
WIDE = Shape("wide", 100_000, _wide_columns(), _wide)
EXACT = Shape(
    "exact",
    1_000_000,
    "id bigint NOT NULL PRIMARY KEY, d9 decimal(9,2) NOT NULL, d18 decimal(18,4) NOT NULL, d38 decimal(38,10) NOT NULL,"
    " m decimal(19,4) NOT NULL, day date NOT NULL, second datetime2(0) NOT NULL, milli datetime2(3) NOT NULL,"
    " micro datetime2(6) NOT NULL, maybe datetime2(6)",
    _exact,
)
TEXTS = Shape(
    "texts",
    400_000,
    "id bigint NOT NULL PRIMARY KEY, code varchar(20) NOT NULL, token char(32) NOT NULL, title nvarchar(100) NOT NULL,"
    " body nvarchar(400) NOT NULL, remark nvarchar(200)",
    _words_of,
)
SHAPES = (ORDERS, NARROW, WIDE, EXACT, TEXTS)
