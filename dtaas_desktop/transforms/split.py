"""Several columns out of one text."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from dtaas_desktop.domain.ports import Applied, Lineage
from dtaas_desktop.domain.table import Misfit
from dtaas_desktop.domain.transform_settings import SplitSettings
from dtaas_desktop.transforms.bad_cells import BadMask, gathered
from dtaas_desktop.transforms.column_names import index_of, place_of
from dtaas_desktop.transforms.converted import nulled
from dtaas_desktop.transforms.new_columns import Layout, layout
from dtaas_desktop.transforms.regexes import checked
from dtaas_desktop.transforms.texts import TEXT, decoded, require_text


@dataclass(frozen=True, slots=True)
class Split:
    """Splits a text into named columns. A text has at least one part, were it without characters; a null has none and is not bad."""

    settings: SplitSettings

    def __post_init__(self) -> None:
        if self.settings.by == "regex":
            checked(self.settings.separator)

    @property
    def on_bad(self) -> Misfit:
        return "reject" if "reject" in (self.settings.too_many, self.settings.too_few) else "fail"

    def output_schema(self, schema: pa.Schema) -> pa.Schema:
        require_text(schema.field(index_of(schema, self.settings.column)).type, self.settings.column)
        return self._layout(schema).schema(schema, self._fields)

    def lineage(self, schema: pa.Schema) -> Lineage:
        column = self.settings.column
        deciders = {column} if self.on_bad == "reject" else set()
        return self._layout(schema).lineage(schema, dict.fromkeys(self.settings.into, (column,)), deciders=deciders)

    def apply(self, rows: pa.RecordBatch) -> Applied:
        texts = decoded(rows.column(index_of(rows.schema, self.settings.column)))
        parts = self._parts(texts)
        if self.settings.trim:
            parts.columns = [pc.utf8_trim_whitespace(column) for column in parts.columns]
        count, last = len(self.settings.into), self.settings.into[-1]
        bad: list[BadMask] = []
        if self.settings.too_many == "reject":
            mask = pc.fill_null(parts.too_many, False)
            parts.columns[-1] = nulled(parts.columns[-1], mask)
            bad.append(BadMask(mask, last, texts, f"has more than {count} parts"))
        if self.settings.too_few == "reject":
            bad.append(BadMask(pc.fill_null(parts.too_few, False), last, texts, f"has fewer than {count} parts"))
        output = self._layout(rows.schema).rows(rows, self._fields, parts.columns)
        return Applied(output, bad=gathered(bad, self.on_bad))

    @property
    def _fields(self) -> list[pa.Field]:
        return [pa.field(name, TEXT) for name in self.settings.into]

    def _layout(self, schema: pa.Schema) -> Layout:
        settings = self.settings
        index = index_of(schema, settings.column)
        place = index + 1 if settings.position is None else place_of(schema, settings.position)
        dropped = frozenset() if settings.keep_input else frozenset({settings.column})
        return layout(schema, [(name, place) for name in settings.into], replace=settings.replace, dropped=dropped)

    def _parts(self, texts: pa.Array) -> "_Parts":
        count = len(self.settings.into)
        match self.settings.by:
            case "width":
                widths = self.settings.widths if len(self.settings.widths) == count else self.settings.widths * count
                return _by_width(texts, widths)
            case "regex":
                return _over_unique(lambda distinct: _by_regex(distinct, self.settings.separator, count), texts)
            case _:
                return _by_separator(texts, self.settings.separator, count)


@dataclass(slots=True)
class _Parts:
    """The new columns, the last with the rest; where there were more parts than columns, and fewer (null: neither)."""

    columns: list[pa.Array]
    too_many: pa.Array
    too_few: pa.Array


def _by_width(texts: pa.Array, widths: tuple[int, ...]) -> _Parts:
    length = pc.utf8_length(texts)
    ends = list(itertools.accumulate(widths))
    starts = [0, *ends[:-1]]
    columns = []
    for start, end in zip(starts, ends, strict=True):
        piece = pc.utf8_slice_codeunits(texts, start, None if end == ends[-1] else end)
        columns.append(nulled(piece, pc.less_equal(length, start)) if start else piece)
    too_few = pc.less_equal(length, starts[-1]) if len(widths) > 1 else pa.repeat(pa.scalar(False), len(texts))
    return _Parts(columns, pc.greater(length, ends[-1]), too_few)


def _by_separator(texts: pa.Array, separator: str, count: int) -> _Parts:
    lists = pc.split_pattern(texts, separator, max_splits=count - 1)
    columns = [_element(lists, index) for index in range(count)]
    return _Parts(columns, pc.match_substring(columns[-1], separator), pc.less(pc.list_value_length(lists), count))


def _over_unique(split: Callable[[pa.Array], _Parts], texts: pa.Array) -> _Parts:
    encoded = texts.dictionary_encode()
    if 2 * len(encoded.dictionary) > len(texts):
        return split(texts)
    parts = split(encoded.dictionary)
    columns = [column.take(encoded.indices) for column in parts.columns]
    return _Parts(columns, parts.too_many.take(encoded.indices), parts.too_few.take(encoded.indices))


def _by_regex(texts: pa.Array, pattern: str, count: int) -> _Parts:
    # Arrow's split by a regular expression never ends if that matches no characters. So each match is set between marks that
    # come in no text, and the marks are what is split by: parts and matches then take turns.
    mark = next(_characters_not_in(texts))
    marked = pc.replace_substring_regex(texts, pattern, f"{mark}\\0{mark}")
    lists = pc.split_pattern(marked, mark, max_splits=2 * (count - 1))
    columns = [_element(lists, 2 * index) for index in range(count)]
    too_many = pc.match_substring(columns[-1], mark)
    columns[-1] = pc.replace_substring(columns[-1], mark, "")
    return _Parts(columns, too_many, pc.less(pc.list_value_length(lists), 2 * count - 1))


def _characters_not_in(texts: pa.Array) -> Iterator[str]:
    for code in itertools.chain(range(0x20), range(0xE000, 0x110000), range(0x80, 0xD800)):
        if not pc.match_substring(texts, chr(code)).true_count:
            yield chr(code)


def _element(lists: pa.ListArray, index: int) -> pa.Array:
    """The index-th element of each list; null where there is none."""
    places = pc.add(lists.offsets.slice(0, len(lists)), index)
    there = pc.greater(pc.list_value_length(lists), index)
    return lists.values.take(pc.if_else(there, places, pa.scalar(None, places.type)))
