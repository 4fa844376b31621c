"""Values that become others: whole cells by constants, or what occurs within texts."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.ports import Applied, Lineage
from dtaas_desktop.domain.table import Misfit
from dtaas_desktop.domain.transform_settings import Constant, Replacement, ReplaceSettings
from dtaas_desktop.domain.type_names import name_of_type
from dtaas_desktop.transforms.column_names import chosen, index_of, with_replaced
from dtaas_desktop.transforms.constants import constant
from dtaas_desktop.transforms.converted import over_unique
from dtaas_desktop.transforms.decimal_widths import narrowed, wide_type, widened
from dtaas_desktop.transforms.letter_case import any_case, lower
from dtaas_desktop.transforms.regexes import checked_replacement, quoted_replacement
from dtaas_desktop.transforms.texts import TEXT, decoded, decoded_type, require_text


@dataclass(frozen=True, slots=True)
class Replace:
    """Puts values in the place of others; columns keep their types.

    A pair must fit the columns that are named. Of columns chosen by their type it changes those in which its value can occur at
    all, and must then fit those. −0 is found as 0; NaN and infinity, written as text, are found like other numbers.
    """

    settings: ReplaceSettings
    on_bad: ClassVar[Misfit] = "fail"

    def __post_init__(self) -> None:
        if self.settings.mode == "regex":
            for pair in self.settings.pairs:
                find, put = _texts(pair)
                checked_replacement(self._pattern(find), put)

    def output_schema(self, schema: pa.Schema) -> pa.Schema:
        return self._schema(schema, self._changes(schema))

    def lineage(self, schema: pa.Schema) -> Lineage:
        return Lineage({name: (name,) for name in schema.names}, frozenset(schema.names) - self._changes(schema).keys())

    def apply(self, rows: pa.RecordBatch) -> Applied:
        changes = self._changes(rows.schema)
        columns = rows.columns
        for name, change in changes.items():
            index = index_of(rows.schema, name)
            values = decoded(columns[index])
            columns[index] = narrowed(change.of(widened(values)), values.type)
        return Applied(pa.RecordBatch.from_arrays(columns, schema=self._schema(rows.schema, changes)))

    def _schema(self, schema: pa.Schema, changes: dict[str, "_Change"]) -> pa.Schema:
        fields = {}
        for name, change in changes.items():
            field = schema.field(index_of(schema, name))
            fields[name] = pa.field(name, decoded_type(field.type), field.nullable or change.may_empty)
        return with_replaced(schema, fields)

    def _changes(self, schema: pa.Schema) -> dict[str, "_Change"]:
        """The columns that may change, and how. Raises MissingColumn, or UserError for a pair that does not fit."""
        named = list(chosen(schema, self.settings.columns))
        by_type = [field.name for field in schema if self._of_type(field.type) and field.name not in set(named)]
        changes = {}
        for name in (*named, *by_type):
            data_type = schema.field(index_of(schema, name)).type
            change = self._change(name, data_type, lenient=name in by_type)
            if change is not None:
                changes[name] = change
        return changes

    def _of_type(self, data_type: pa.DataType) -> bool:
        plain = decoded_type(data_type)
        return self.settings.of_type != "none" and bool(_OF_TYPE[self.settings.of_type](plain))

    def _change(self, name: str, data_type: pa.DataType, *, lenient: bool) -> "_Change | None":
        """None if no pair can be of interest to the column."""
        if self.settings.mode != "exact":
            require_text(data_type, name)
            return _Change(self._within, may_empty=False)
        plain = wide_type(decoded_type(data_type))
        try:
            pairs = _fitting(self.settings.pairs, plain, lenient=lenient)
        except UserError as error:
            raise UserError(f"Column “{name}”: {error.message}", remedy=error.remedy) from None
        if not pairs:
            return None
        fold = plain == TEXT and not self.settings.case_sensitive
        exact = _exact(pairs, plain, fold=fold)
        try:
            exact(pa.nulls(0, plain))
        except pa.ArrowNotImplementedError:
            raise UserError(
                f"Column “{name}” is {name_of_type(plain)}, whose values cannot be replaced.", remedy="Choose another column."
            ) from None
        return _Change(exact, may_empty=any(not put.is_valid for _, put in pairs))

    def _within(self, texts: pa.Array) -> pa.Array:
        for pair in self.settings.pairs:
            find, put = _texts(pair)
            if self.settings.mode == "regex":
                pattern = self._pattern(find)
            elif self.settings.case_sensitive:
                texts = pc.replace_substring(texts, find, put)
                continue
            else:
                pattern, put = any_case(find), quoted_replacement(put)
            texts = over_unique(_regex_replaced(pattern, put), texts)
        return texts

    def _pattern(self, written: str) -> str:
        return written if self.settings.case_sensitive else "(?i)" + written


@dataclass(frozen=True, slots=True)
class _Change:
    """What becomes of a column's plain values, and whether some may become empty."""

    of: Callable[[pa.Array], pa.Array]
    may_empty: bool


def _is_number(plain: pa.DataType) -> bool:
    floating = plain in (pa.float32(), pa.float64())
    return bool(pa.types.is_integer(plain) or floating or pa.types.is_decimal(plain))


_OF_TYPE: dict[str, Callable[[pa.DataType], bool]] = {
    "text": lambda plain: plain == TEXT,
    "number": _is_number,
    "date": lambda plain: pa.types.is_date(plain) or pa.types.is_timestamp(plain),
    "bool": pa.types.is_boolean,
}


def _texts(pair: Replacement) -> tuple[str, str]:
    assert isinstance(pair.find, str)
    assert isinstance(pair.replace_with, str)
    return pair.find, pair.replace_with


def _regex_replaced(pattern: str, put: str) -> Callable[[pa.Array], pa.Array]:
    return lambda texts: pc.replace_substring_regex(texts, pattern, put)


def _fitting(pairs: tuple[Replacement, ...], plain: pa.DataType, *, lenient: bool) -> list[tuple[pa.Scalar, pa.Scalar]]:
    """Pairs as values of the type. Raises UserError for one that does not fit; `lenient`: unless its `find` cannot occur."""
    fitting = []
    for pair in pairs:
        found = _constant_or_none(pair.find, plain) if lenient else constant(pair.find, plain)
        if found is not None:
            fitting.append((found, constant(pair.replace_with, plain)))
    return fitting


def _constant_or_none(value: Constant, plain: pa.DataType) -> pa.Scalar | None:
    try:
        return constant(value, plain)
    except UserError:
        return None


def _exact(pairs: list[tuple[pa.Scalar, pa.Scalar]], plain: pa.DataType, *, fold: bool) -> Callable[[pa.Array], pa.Array]:
    """All pairs at once; of several that find the same value the first counts. Nothing finds null, and the text of no characters."""
    for_null: pa.Scalar | None = None
    keys: list[pa.Array] = []
    puts: list[pa.Array] = []
    for find, put in pairs:
        if find.is_valid:
            keys.append(pa.repeat(find, 1))
            puts.append(pa.repeat(put, 1))
            continue
        for_null = put if for_null is None else for_null
        if plain == TEXT:
            keys.append(pa.array([""], TEXT))
            puts.append(pa.repeat(put, 1))
    wanted = _comparable(pa.concat_arrays(keys), fold=fold) if keys else None
    standing = pa.concat_arrays(puts) if keys else None

    def replaced(values: pa.Array) -> pa.Array:
        result = values
        if for_null is not None and for_null.is_valid and values.null_count:
            result = pc.fill_null(values, for_null)
        if wanted is None or standing is None:
            return result
        place = pc.index_in(_comparable(values, fold=fold), value_set=wanted)
        if place.null_count == len(place):
            return result
        return pc.if_else(pc.is_valid(place), standing.take(place), result)

    return replaced


def _comparable(values: pa.Array, *, fold: bool) -> pa.Array:
    """Values of which equal ones have the same bits."""
    if fold:
        return lower(values)
    if pa.types.is_floating(values.type):
        nan = pa.scalar(float("nan"), values.type)
        return pc.if_else(pc.is_nan(values), nan, pc.add(values, pa.scalar(0.0, values.type)))
    return values
