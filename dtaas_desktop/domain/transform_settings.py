"""Settings of the transformations: described once here; forms, validation, help and JSON follow.

Words that mean the same everywhere: *empty* is a cell without a value (null) and, in a column of text, also the text of no
characters. Patterns of column names know * and ?. Regular expressions are RE2's, in replacements \\1 is the first group and \\0 the
whole match. Constants are JSON values and must fit their column's type exactly; dates, times and decimals are written as text.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from dtaas_desktop.domain.apply_settings import Function
from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.table import Misfit
from dtaas_desktop.domain.type_names import type_from_name

Constant = bool | int | Annotated[float, Field(allow_inf_nan=False)] | str | None
ColumnName = Annotated[str, Field(min_length=1)]

_ON_BAD_DESCRIPTION = (
    "Fail: the table fails and says where. Null: the cell becomes empty and is counted. Reject: the row is set aside."
)


class TransformSettings(BaseModel):
    """What every transformation has: which tables it applies to, and what happens to a table that lacks a column it names."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    tables: tuple[str, ...] = Field(
        (), title="Tables", description="Names or patterns of tables; empty: all tables of the route."
    )
    missing_column: Literal["error", "skip"] = Field(
        "error", title="Missing column", description="A table that lacks a column named here: an error, or it skips this step."
    )


class Position(BaseModel):
    """Where a new column goes among the others."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    at: Literal["last", "first", "before", "after"] = Field("last", title="Place")
    column: str = Field("", title="Column", description="The column it goes before or after.")

    @model_validator(mode="after")
    def _consistent(self) -> "Position":
        if (self.at in ("before", "after")) != bool(self.column):
            raise ValueError("“before” and “after” need a column, “first” and “last” none")
        return self


class AddColumnSettings(TransformSettings):
    """A new column: one constant for all rows, or an expression computed for each."""

    name: ColumnName = Field(title="Name", description="The new column's name.")
    value: Constant = Field(None, title="Value", description="A constant for all rows; nothing: an empty column.")
    expression: str = Field(
        "",
        max_length=10_000,
        title="Expression",
        description="Instead of a value: an expression in DuckDB's SQL over the columns of the same row, like distance / air_time * 60. "
        "Names are found without regard to case; odd ones stand in double quotes, texts in single ones. Times of day are in UTC. A "
        "division by zero, or a text that is no number, cannot be computed; TRY(…) makes it empty.",
    )
    type: str = Field(
        "",
        title="Type",
        description="The column's type, like int64 or decimal(18,2); empty: as the value or the expression gives it.",
    )
    position: Position = Field(default_factory=Position, title="Position")
    replace: bool = Field(
        False, title="Replace", description="A column of this name is replaced, in its place; otherwise it is an error."
    )
    on_bad: Misfit = Field("fail", title="If it cannot be computed", description=_ON_BAD_DESCRIPTION)

    @model_validator(mode="after")
    def _one_of_them(self) -> "AddColumnSettings":
        if self.expression and self.value is not None:
            raise ValueError("give a value or an expression, not both")
        if self.type:
            _must_be_type(self.type)
        return self


class RenameSettings(TransformSettings):
    """New names: many at once, or all by a rule."""

    names: dict[ColumnName, ColumnName] = Field(
        default_factory=dict,
        title="Names",
        description="Old name → new name; all at once, so that two columns can exchange names.",
    )
    rule: Literal["none", "upper", "lower", "snake", "prefix", "suffix", "regex"] = Field(
        "none",
        title="Rule",
        description="For columns without a new name above. Snake: DepDelay → dep_delay.",
    )
    columns: tuple[ColumnName, ...] = Field(
        (), title="Rule for", description="Names or patterns of the columns that the rule changes; empty: all."
    )
    text: str = Field("", title="Prefix or suffix")
    pattern: str = Field("", title="Regular expression", description="What the rule “regex” looks for in a name.")
    replacement: str = Field("", title="Replacement", description="What it is replaced by; \\1 is the first group.")

    @model_validator(mode="after")
    def _something(self) -> "RenameSettings":
        if not self.names and self.rule == "none":
            raise ValueError("give new names, or a rule")
        if self.rule in ("prefix", "suffix") and not self.text:
            raise ValueError("the rules “prefix” and “suffix” need a text")
        if self.rule == "regex" and not self.pattern:
            raise ValueError("the rule “regex” needs a regular expression")
        return self


class DropSettings(TransformSettings):
    """Columns to leave out."""

    columns: tuple[ColumnName, ...] = Field(min_length=1, title="Columns", description="Names or patterns.")


class SelectSettings(TransformSettings):
    """Columns to keep, in this order."""

    columns: tuple[ColumnName, ...] = Field(
        min_length=1,
        title="Columns",
        description="Names or patterns, in the order wanted. A column comes where its name stands, or else where a pattern first fits it.",
    )
    others: bool = Field(False, title="Keep the others", description="The columns not named follow after these, in their order.")


class CastColumn(BaseModel):
    """A column's new type, and how its texts are written."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    column: ColumnName = Field(title="Column", description="A name or a pattern; a name wins over patterns.")
    type: str = Field(
        title="Type", description="Like text, int64, float64, decimal(18,2), bool, date, time, timestamp(us, UTC), binary."
    )
    format: str = Field(
        "",
        max_length=200,
        title="Format",
        description="Of dates and times in text, like %d.%m.%Y %H:%M; empty: ISO 8601, like 2024-12-31 23:59:59.5. "
        "%Y year, %m month, %d day, %H hour, %M minute, %S second, %f digits after the second, %y year of two digits (69 is 1969), "
        "%b or %B month's name, %a or %A weekday's name (both English), %I hour of twelve, %p AM or PM, %z offset like +02:00, "
        "%% a per cent sign.",
    )
    decimal_point: Literal[".", ","] = Field(".", title="Decimal point", description="Of numbers in text.")
    thousands: Literal["", ",", ".", " ", "'", "_"] = Field(
        "",
        title="Thousands",
        description="What separates groups of digits, if anything; where texts are read, a space also stands for narrow and fixed ones.",
    )
    decimals: int | None = Field(
        None,
        ge=0,
        le=38,
        title="Decimals",
        description="Digits after the decimal point when numbers become text; empty: as many as there are.",
    )
    epoch_unit: Literal["s", "ms", "us", "ns"] = Field(
        "s", title="Unit of numbers", description="Whole numbers as timestamps, and the reverse, count this unit from 1970-01-01."
    )

    @model_validator(mode="after")
    def _sensible(self) -> "CastColumn":
        _must_be_type(self.type)
        if self.thousands == self.decimal_point:
            raise ValueError("decimal point and thousands must differ")
        return self


class CastSettings(TransformSettings):
    """Columns that get another type."""

    columns: tuple[CastColumn, ...] = Field(min_length=1, title="Columns")
    extra_digits: Literal["bad", "half_away", "half_even", "truncate"] = Field(
        "bad",
        title="Digits that do not fit",
        description="Decimals, parts of a second, or digits of a fractional number beyond what the new type holds: the cell is bad, or it "
        "is rounded (a half away from zero, of a moment to the later one; or to the even neighbour), or cut (of a moment: to the earlier "
        "one). Allowed always: a date cut out of a timestamp, and float32 or float64 for the nearest text or fractional number.",
    )
    empty_text: Literal["bad", "null"] = Field(
        "bad",
        title="Empty text",
        description="Text of no characters, or of white space alone, as a number, date and so on: a bad cell, or an empty one.",
    )
    on_bad: Misfit = Field("fail", title="Bad cells", description=_ON_BAD_DESCRIPTION)


Operator = Literal[
    "equal",
    "not_equal",
    "less",
    "less_equal",
    "greater",
    "greater_equal",
    "between",
    "in",
    "not_in",
    "contains",
    "not_contains",
    "starts",
    "ends",
    "matches",
    "is_empty",
    "is_not_empty",
]


class Condition(BaseModel):
    """A column compared with constants. NaN equals nothing, itself included, and is neither less nor greater than anything."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    column: ColumnName = Field(title="Column")
    operator: Operator = Field("equal", title="Is")
    value: Constant = Field(None, title="Value", description="What it is compared with; a regular expression for “matches”.")
    values: tuple[Constant, ...] = Field(
        (), title="Values", description="For “in” and “not in”; the two bounds, both included, for “between”."
    )
    case_sensitive: bool = Field(True, title="Case matters", description="For text.")
    empty_matches: bool = Field(
        False,
        title="Empty matches",
        description="Whether a cell without a value (null) matches. “Is empty” and “is not empty” do not ask.",
    )

    @model_validator(mode="after")
    def _values_for_operator(self) -> "Condition":
        if self.operator in ("is_empty", "is_not_empty"):
            if self.value is not None or self.values:
                raise ValueError("“is empty” and “is not empty” take no value")
        elif self.operator in ("between", "in", "not_in"):
            if self.value is not None:
                raise ValueError(f"“{self.operator}” takes “values”")
            if self.operator == "between" and len(self.values) != 2:
                raise ValueError("“between” takes two values")
            if None in self.values:
                raise ValueError("a value to compare with cannot be empty; use “is_empty” or “empty_matches”")
        elif self.value is None or self.values:
            raise ValueError(f"“{self.operator}” takes one value; for empty cells use “is_empty”")
        return self


class Group(BaseModel):
    """Conditions and groups of which all, any or none must match; without any, all rows match “all” and “none”."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    match: Literal["all", "any", "none"] = Field("all", title="Match")
    conditions: "tuple[Condition | Group, ...]" = Field((), title="Conditions")


class FilterSettings(TransformSettings):
    """Which rows stay: those that match conditions, or for which an expression is true."""

    match: Literal["all", "any", "none"] = Field(
        "all", title="Match", description="How many of the conditions a row must match to stay."
    )
    conditions: tuple[Condition | Group, ...] = Field((), title="Conditions")
    expression: str = Field(
        "",
        max_length=10_000,
        title="Expression",
        description="Instead of conditions: true or false in DuckDB's SQL over the columns of the same row, like dep_delay > 2 * arr_delay. "
        "Rows for which it is empty do not stay. See “Add column” for how it is written.",
    )
    on_bad: Misfit = Field(
        "fail",
        title="If it cannot be computed",
        description="Fail: the table fails and says where. Null: the row does not stay, and is counted. Reject: the row is set aside.",
    )

    @model_validator(mode="after")
    def _one_of_them(self) -> "FilterSettings":
        if bool(self.conditions) == bool(self.expression):
            raise ValueError("give conditions or an expression, and not both")
        return self


class Replacement(BaseModel):
    """What is looked for, and what stands there afterwards. Nothing means empty, on either side."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    find: Constant = Field(
        None,
        title="Find",
        description="A value; nothing finds empty cells, in text also the text of no characters. NaN and infinity are written as text.",
    )
    replace_with: Constant = Field(None, title="Replace with", description="A value; nothing makes the cell empty.")


class ReplaceSettings(TransformSettings):
    """Values that become others."""

    columns: tuple[ColumnName, ...] = Field((), title="Columns", description="Names or patterns.")
    of_type: Literal["none", "text", "number", "date", "bool"] = Field(
        "none",
        title="All of a type",
        description="Every column of this type besides; date includes timestamps. A pair leaves those alone that cannot hold what it finds.",
    )
    mode: Literal["exact", "text", "regex"] = Field(
        "exact",
        title="Mode",
        description="Exact: whole values, all pairs at once, the first that fits wins. Text: wherever the text occurs. Regex: wherever the "
        "regular expression matches. The last two work on text only, one pair after the other.",
    )
    pairs: tuple[Replacement, ...] = Field(min_length=1, title="Pairs")
    case_sensitive: bool = Field(True, title="Case matters", description="For text.")

    @model_validator(mode="after")
    def _consistent(self) -> "ReplaceSettings":
        if not self.columns and self.of_type == "none":
            raise ValueError("name columns, or choose a type")
        if self.mode != "exact" and self.of_type not in ("none", "text"):
            raise ValueError("within texts only columns of text can be chosen by type")
        if self.mode != "exact":
            for pair in self.pairs:
                if not isinstance(pair.find, str) or not pair.find or not isinstance(pair.replace_with, str):
                    raise ValueError("to replace within texts, “find” must be a text with characters and “replace_with” a text")
        return self


class ConcatenateSettings(TransformSettings):
    """One text out of several columns."""

    columns: tuple[ColumnName, ...] = Field(
        min_length=1, title="Columns", description="Names, in order; values of other types become text."
    )
    name: ColumnName = Field(title="Name", description="The new column's name.")
    separator: str = Field("", title="Separator")
    prefix: str = Field("", title="Text before")
    suffix: str = Field("", title="Text after")
    empties: Literal["skip", "text"] = Field(
        "skip",
        title="Empty values",
        description="Skip: left out together with their separator; if all are empty, so is the result. Text: they count as the text below.",
    )
    empty_text: str = Field("", title="Text for empty values")
    keep_inputs: bool = Field(True, title="Keep the columns")
    position: Position = Field(default_factory=Position, title="Position")
    replace: bool = Field(
        False,
        title="Replace",
        description="A column of this name is replaced, in its place; otherwise it is an error, unless it is one that is not kept.",
    )


class SplitSettings(TransformSettings):
    """Several columns out of one text."""

    column: ColumnName = Field(title="Column")
    into: tuple[ColumnName, ...] = Field(min_length=1, max_length=1000, title="Into", description="Names of the new columns.")
    by: Literal["separator", "regex", "width"] = Field("separator", title="By")
    separator: str = Field("", title="Separator", description="A text, or a regular expression for “regex”.")
    widths: tuple[Annotated[int, Field(ge=1, le=1_000_000)], ...] = Field(
        (), title="Widths", description="Characters of each new column; one number holds for all."
    )
    too_many: Literal["keep", "reject"] = Field(
        "keep",
        title="Too many parts",
        description="The last column keeps the rest as it is, or the row is rejected.",
    )
    too_few: Literal["empty", "reject"] = Field(
        "empty",
        title="Too few parts",
        description="The missing ones are empty, or the row is rejected. A text of no characters is one part; an empty cell is not rejected.",
    )
    trim: bool = Field(False, title="Trim", description="Take white space off both ends of each part.")
    keep_input: bool = Field(True, title="Keep the column")
    position: Position | None = Field(None, title="Position", description="Empty: after the column that is split.")
    replace: bool = Field(
        False,
        title="Replace",
        description="Columns of these names are replaced, in their places; otherwise it is an error, unless it is the one not kept.",
    )

    @model_validator(mode="after")
    def _consistent(self) -> "SplitSettings":
        if self.by == "width":
            if len(self.widths) not in (1, len(self.into)):
                raise ValueError("give one width for all new columns, or one for each")
        elif not self.separator:
            raise ValueError("give a separator")
        return self


class ApplySettings(TransformSettings):
    """A function applied to columns."""

    columns: tuple[ColumnName, ...] = Field(min_length=1, title="Columns", description="Names or patterns.")
    function: Function = Field(title="Function", discriminator="name")
    output: str = Field(
        "",
        title="Result in",
        description="The name of a new column for the result, after its input; {column} is the input's name. Empty: in place.",
    )
    replace: bool = Field(
        False, title="Replace", description="A column of the result's name is replaced, in its place; otherwise it is an error."
    )
    on_bad: Misfit = Field("fail", title="Bad cells", description=_ON_BAD_DESCRIPTION)


def _must_be_type(name: str) -> None:
    try:
        type_from_name(name)
    except UserError as error:
        raise ValueError(str(error).removesuffix(".")) from None
