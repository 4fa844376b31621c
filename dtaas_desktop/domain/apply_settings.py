"""Settings of the functions that the transformation *Apply function* offers. Described once; forms and help follow."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

Rounding = Literal["half_away", "half_even", "truncate", "floor", "ceiling"]
ROUNDING_DESCRIPTION = (
    "A half away from zero (2.5 → 3, −2.5 → −3), or to the even neighbour (2.5 → 2); or towards zero, down, up. "
    "Fractional numbers are rounded as they are written: 2.675 to two digits is 2.68."
)


class _Function(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Trim(_Function):
    """Takes characters off the ends of a text."""

    name: Literal["trim"] = "trim"
    side: Literal["both", "left", "right"] = Field("both", title="Side")
    characters: str = Field("", title="Characters", description="Which characters to take off; empty: white space.")


class Upper(_Function):
    """Text in upper case, character by character (ß stays ß)."""

    name: Literal["upper"] = "upper"


class Lower(_Function):
    """Text in lower case."""

    name: Literal["lower"] = "lower"


class Title(_Function):
    """Each word of a text with a capital first and small letters after. A word may hold digits and apostrophes: Don't, 3rd."""

    name: Literal["title"] = "title"


class Length(_Function):
    """The number of characters of a text, or of bytes."""

    name: Literal["length"] = "length"


class Substring(_Function):
    """A piece of a text."""

    name: Literal["substring"] = "substring"
    start: int = Field(
        1, ge=-1_000_000_000, le=1_000_000_000, title="Start", description="The first character is 1, the last −1."
    )
    length: int | None = Field(None, ge=0, le=1_000_000_000, title="Length", description="In characters; empty: up to the end.")

    @field_validator("start")
    @classmethod
    def _counted(cls, start: int) -> int:
        if start == 0:
            raise ValueError("characters are counted from 1, or from the end from −1")
        return start


class Pad(_Function):
    """Text filled up to a length; longer text stays as it is."""

    name: Literal["pad"] = "pad"
    width: int = Field(ge=1, le=1_000_000, title="Length", description="In characters.")
    fill: str = Field(" ", min_length=1, max_length=1, title="Fill with", description="One character.")
    side: Literal["left", "right", "both"] = Field(
        "left", title="Side", description="Where the filling goes; both: an odd character goes right."
    )


class RemoveAccents(_Function):
    """Letters of Latin, Greek and Cyrillic without their accents (é → e, ł → l, ß → ss, ά → α, ё → е)."""

    name: Literal["remove_accents"] = "remove_accents"


class Round(_Function):
    """A number with fewer digits; its type stays, and what it cannot hold is a bad cell. NaN and infinity stay as they are."""

    name: Literal["round"] = "round"
    digits: int = Field(0, ge=-38, le=38, title="Digits", description="After the decimal point; −2 rounds to hundreds.")
    rounding: Rounding = Field("half_away", title="Rounding", description=ROUNDING_DESCRIPTION)


class Abs(_Function):
    """A number without its sign; of the least whole number of a type, which has no counterpart, a bad cell."""

    name: Literal["abs"] = "abs"


class Sign(_Function):
    """−1, 0 or 1 as a number is negative, zero or positive; NaN is a bad cell."""

    name: Literal["sign"] = "sign"


class Sha256(_Function):
    """The SHA-256 hash of a value: of text its UTF-8 bytes, of bytes themselves, of others their text (−0 is 0)."""

    name: Literal["sha256"] = "sha256"
    result: Literal["hex", "binary"] = Field("hex", title="Result", description="64 hexadecimal digits, or 32 bytes.")


class Hmac(_Function):
    """A keyed hash (HMAC-SHA-256) that masks values, equal values alike; without the key they cannot be guessed and compared."""

    name: Literal["hmac"] = "hmac"
    key: str = Field(
        min_length=1, title="Key", description="A reference to the secret key, like env:MASKING_KEY; never the key itself."
    )
    result: Literal["hex", "binary"] = Field("hex", title="Result", description="64 hexadecimal digits, or 32 bytes.")


DatePartName = Literal[
    "year",
    "quarter",
    "month",
    "day",
    "weekday",
    "day_of_year",
    "iso_week",
    "iso_year",
    "hour",
    "minute",
    "second",
    "millisecond",
    "microsecond",
]


class DatePart(_Function):
    """One part of a date or time, as a whole number; of a timestamp with a zone, the local one. Outside the years 1 to 9999 a bad cell."""

    name: Literal["date_part"] = "date_part"
    part: DatePartName = Field(
        "year",
        title="Part",
        description="Weekday: Monday is 1. Millisecond, microsecond: all that follow the whole second, in that unit.",
    )


class TruncateDate(_Function):
    """The start of the year, month, … that a date or timestamp lies in; with a zone, by the local clock."""

    name: Literal["truncate_date"] = "truncate_date"
    unit: Literal["year", "quarter", "month", "week", "day", "hour", "minute", "second"] = Field(
        "month", title="Unit", description="Weeks start on Monday."
    )


class AddInterval(_Function):
    """A date or timestamp some time later. With months and years the day is held in the month: 31 January + 1 month is 28 or 29 February.

    With a zone, days and longer are counted on the local clock, where a time that it skips moves on by what it skips; hours and
    shorter are time that passes. Outside the years 1 to 9999 the cell is bad.
    """

    name: Literal["add_interval"] = "add_interval"
    amount: int = Field(1, ge=-1_000_000_000_000, le=1_000_000_000_000, title="Amount", description="Negative: earlier.")
    unit: Literal["year", "quarter", "month", "week", "day", "hour", "minute", "second", "millisecond", "microsecond"] = Field(
        "day", title="Unit"
    )


class Coalesce(_Function):
    """The first value that is there (not null): of the column itself, then of others, at last a constant."""

    name: Literal["coalesce"] = "coalesce"
    others: tuple[Annotated[str, Field(min_length=1)], ...] = Field((), title="Other columns", description="Of the same type.")
    default: bool | int | Annotated[float, Field(allow_inf_nan=False)] | str | None = Field(None, title="Constant")


class RegexExtract(_Function):
    """The part of a text that a regular expression matches first; empty where it does not match."""

    name: Literal["regex_extract"] = "regex_extract"
    pattern: str = Field(min_length=1, max_length=10_000, title="Regular expression")
    group: int = Field(0, ge=0, le=9, title="Group", description="0 is the whole match, 1 the first group in parentheses.")
    case_sensitive: bool = Field(True, title="Case matters")


class JsonValue(_Function):
    """A value out of a JSON text, as text: strings without quotes, numbers as written, objects and lists as JSON; empty where it is missing.

    Of names that come twice the last counts. What is not JSON, holds more than 16 million characters or is nested more than 200
    deep is a bad cell; a text of no characters is empty.
    """

    name: Literal["json_value"] = "json_value"
    path: str = Field(
        "$", min_length=1, max_length=1000, title="Path", description="Like $.customer.name or $.items[0]; [-1] is the last."
    )


Function = (
    Trim
    | Upper
    | Lower
    | Title
    | Length
    | Substring
    | Pad
    | RemoveAccents
    | Round
    | Abs
    | Sign
    | Sha256
    | Hmac
    | DatePart
    | TruncateDate
    | AddInterval
    | Coalesce
    | RegexExtract
    | JsonValue
)
