"""The SELECT list: readings as result columns of bounded size, and how their batches become the columns promised.

A cell that may be larger than a buffer is asked for up to a cap only; beyond it the cell is NULL, and its size stands beside it. So
one statement decides which rows there are, and nothing is ever cut.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from dtaas_desktop.connectors.sqlserver import keys
from dtaas_desktop.connectors.sqlserver.odbc import Fetch
from dtaas_desktop.connectors.sqlserver.relations import Relation, StoredColumn
from dtaas_desktop.connectors.sqlserver.sql import column as qualified
from dtaas_desktop.connectors.sqlserver.types import LONGEST_BOUNDED, NANOSECONDS, TEXT, Reading

_BOUNDED = {"text": "varchar", "unicode": "nvarchar", "binary": "varbinary"}
# int64 nanoseconds begin at 00:12:43.145224192, but Arrow reads no text before the next full second.
_FIRST_NANOSECOND, _LAST_NANOSECOND = "1677-09-21 00:12:44", "2262-04-11 23:47:16.8547758"
# U+D800–DBFF must be followed, and U+DC00–DFFF preceded, by one of the other; compared as code units by a binary collation.
_HIGH, _LOW = "NCHAR(55296) + N'-' + NCHAR(56319)", "NCHAR(56320) + N'-' + NCHAR(57343)"
_LONE = (
    f"N'%[' + {_HIGH} + N'][^' + {_LOW} + N']%'",
    f"N'%[' + {_HIGH} + N']'",
    f"N'%[^' + {_HIGH} + N'][' + {_LOW} + N']%'",
    f"N'[' + {_LOW} + N']%'",
)
_REPLACEMENT = re.compile(b"\xef\xbf\xbd")


def holds_lone_surrogate(expression: str) -> str:
    """A condition that is true where the text holds half of a surrogate pair."""
    return "(" + " OR ".join(f"{expression} COLLATE Latin1_General_BIN2 LIKE {pattern}" for pattern in _LONE) + ")"


@dataclass(frozen=True, slots=True)
class Taken:
    """What a batch of results holds: the promised columns, and by column index where cells are too large for this statement (their
    bytes), do not fit their type, or hold half a character; beside each row the values of the key, if they were asked for."""

    arrays: tuple[pa.Array, ...]
    sizes: Mapping[int, pa.Array]
    misfits: Mapping[int, pa.Array]
    broken: Mapping[int, pa.Array]
    keys: tuple[pa.Array, ...]


@dataclass(frozen=True, slots=True)
class SelectList:
    """What one statement asks for. `caps` (bytes) are those of large readings by index; `key` the columns whose values are wanted as
    well; `broken`: whether to mark halves of characters."""

    readings: tuple[Reading, ...]
    caps: Mapping[int, int]
    key: tuple[StoredColumn, ...] = ()
    broken: bool = False

    @property
    def sql(self) -> str:
        results = [f"{self._capped(index, reading)} AS c{index}" for index, reading in enumerate(self.readings)]
        for index in self.caps:
            size = f"CAST(DATALENGTH({self.readings[index].sql}) AS bigint)"
            results.append(f"CASE WHEN {size} > {self.caps[index]} THEN {size} END AS s{index}")
        results += [
            f"CASE WHEN {holds_lone_surrogate(self.readings[index].sql)} THEN 1 END AS b{index}" for index in self._may_be_broken
        ]
        results += [f"{keys.plain(column, qualified(column.name))} AS k{number}" for number, column in enumerate(self.key)]
        return ", ".join(results)

    @property
    def schema(self) -> pa.Schema:
        """The types to ask the driver for. All may be null, whatever the server says: a null where none was promised ends the process."""
        fields = [pa.field(f"c{index}", reading.asked) for index, reading in enumerate(self.readings)]
        fields += [pa.field(f"s{index}", pa.int64()) for index in self.caps]
        fields += [pa.field(f"b{index}", pa.int32()) for index in self._may_be_broken]
        fields += [pa.field(f"k{number}", keys.plain_type(column)) for number, column in enumerate(self.key)]
        return pa.schema(fields)

    def fetch(self, rows: int, buffer: int) -> Fetch:
        """`rows` at most, in buffers of about so many bytes, but at least of one row."""
        text = binary = LONGEST_BOUNDED
        unbounded = 0
        for index, cap in self.caps.items():
            large = self.readings[index].large
            if cap <= LONGEST_BOUNDED:
                continue
            unbounded += 1
            if large == "binary":
                binary = max(binary, cap)
            else:
                text = max(text, cap // 2 if large == "unicode" else cap)
        row = sum(self._width(index, text, binary) for index in range(len(self.readings))) + 32 * (len(self.caps) + len(self.key))
        most = max(1, min(rows, buffer // max(1, row)))
        return Fetch(rows=most, text=text, binary=binary, ahead=most * row <= buffer)

    def taken(self, batch: pa.RecordBatch) -> Taken:
        """The batch's columns under their promised types, and what is wrong with them."""
        count = len(self.readings)
        arrays, misfits = [], {}
        for index, reading in enumerate(self.readings):
            values = batch.column(index)
            if reading.type == NANOSECONDS and values.type == pa.string():
                values, misfits_here = _nanoseconds(values)
                if misfits_here is not None:
                    misfits[index] = misfits_here
            arrays.append(values if values.type == reading.type else values.cast(reading.type))
        at = count
        sizes, broken = {}, {}
        for index in self.caps:
            if batch.column(at).null_count < batch.num_rows:
                sizes[index] = batch.column(at)
            at += 1
        for index in self._may_be_broken:
            if batch.column(at).null_count < batch.num_rows:
                broken[index] = batch.column(at).is_valid()
            at += 1
        return Taken(tuple(arrays), sizes, misfits, broken, tuple(batch.columns[at:]))

    @property
    def _may_be_broken(self) -> Sequence[int]:
        return [index for index, reading in enumerate(self.readings) if self.broken and reading.surrogates]

    def _capped(self, index: int, reading: Reading) -> str:
        if index not in self.caps:
            return reading.sql
        cap = self.caps[index]
        capped = f"CASE WHEN DATALENGTH({reading.sql}) <= {cap} THEN {reading.sql} END"
        if cap > LONGEST_BOUNDED:
            return capped
        length = max(1, -(-cap // 2) if reading.large == "unicode" else cap)
        return f"CAST({capped} AS {_BOUNDED[reading.large]}({length}))"

    def _width(self, index: int, text: int, binary: int) -> int:
        """Bytes of a value in the driver's buffer, which holds text as UTF-16."""
        reading = self.readings[index]
        if index not in self.caps:
            return reading.width
        cap = self.caps[index]
        if cap > LONGEST_BOUNDED:
            return binary + 8 if reading.large == "binary" else 2 * text + 10
        return (2 * cap if reading.large == "text" else cap) + 12


def statement(relation: Relation, wanted: str, condition: str = "", *, hint: str = "") -> str:
    where = f" WHERE {condition}" if condition else ""
    if relation.in_memory and not hint:
        hint = " WITH (SNAPSHOT)"  # in a transaction such a table is read by no other isolation (41368)
    return f"{relation.before}SELECT {wanted} FROM {relation.source} AS r{hint}{where}"


def replaced(taken: Taken, readings: Sequence[Reading]) -> dict[int, pa.Array]:
    """By column where texts that may hold halves of characters hold U+FFFD, which stands for them (or for itself)."""
    found = {}
    for index, reading in enumerate(readings):
        if reading.surrogates and reading.type == TEXT and _has_replacement(taken.arrays[index]):
            found[index] = pc.fill_null(pc.match_substring(taken.arrays[index], "\N{REPLACEMENT CHARACTER}"), False)
    return found


def _has_replacement(texts: pa.Array) -> bool:
    # Looked for in the bytes of all values at once: a tenth of the cost of asking each.
    data = texts.buffers()[2]
    return data is not None and _REPLACEMENT.search(memoryview(data)) is not None


def _nanoseconds(texts: pa.Array) -> tuple[pa.Array, pa.Array | None]:
    """Moments as text; and where they do not fit (None: everywhere they do)."""
    outside = pc.fill_null(pc.or_(pc.less(texts, _FIRST_NANOSECOND), pc.greater(texts, _LAST_NANOSECOND)), False)
    if not pc.any(outside).as_py():
        return texts.cast(NANOSECONDS), None
    return pc.if_else(outside, pa.scalar(None, pa.string()), texts).cast(NANOSECONDS), outside
