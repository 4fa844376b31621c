"""A value of an Arrow table as people read it: exact, on one line, cut where it is too long to be shown. Nothing of Qt."""

import re

import pyarrow as pa

from dtaas_desktop.domain.type_names import is_binary, is_text

SHORT, LONG = 300, 2000
_ZEROS = re.compile(r"(\.\d*?)0+(?=Z|[+-]|$)")
# Characters that would break a line or show as nothing, as the signs that stand for them.
_SIGNS = {code: chr(0x2400 + code) for code in range(32)} | {9: "⇥", 10: "↵", 13: "␍", 127: "␡"}


def is_number(data_type: pa.DataType) -> bool:
    """Whether values stand at the right."""
    kinds = pa.types
    return bool(kinds.is_integer(data_type) or kinds.is_floating(data_type) or kinds.is_decimal(data_type))


def exact_text(value: pa.Scalar) -> str | None:
    """The whole value; None for NULL. Bytes as hexadecimal digits, moments in ISO form with the digits they have."""
    if not value.is_valid:
        return None
    kind = value.type
    if pa.types.is_dictionary(kind):
        return exact_text(value.value)
    if is_text(kind):
        return str(value.as_py())
    if is_binary(kind):
        return bytes(value.as_py()).hex()
    if pa.types.is_boolean(kind):
        return "true" if value.as_py() else "false"
    if pa.types.is_decimal(kind):
        return f"{value.as_py():f}"
    if pa.types.is_temporal(kind) and not pa.types.is_duration(kind) and not pa.types.is_interval(kind):
        return _ZEROS.sub(lambda found: "" if found[1] == "." else found[1], str(value.cast(pa.string()).as_py()))
    if pa.types.is_duration(kind):
        return f"{value.value} {kind.unit}"
    if pa.types.is_floating(kind) and kind != pa.float16():
        return str(value.cast(pa.string()).as_py())  # the shortest text that is this value in its own width
    return str(value.as_py())


def shown_text(value: pa.Scalar, most: int = SHORT) -> str | None:
    """The value on one line and at most about `most` characters long; None for NULL."""
    if is_binary(value.type) and value.is_valid:
        raw = value.as_buffer()
        hexadecimal = bytes(raw.slice(0, min(raw.size, most // 2)).to_pybytes()).hex()
        return hexadecimal + ("…" if raw.size > most // 2 else "")
    text = exact_text(value)
    return None if text is None else one_line(text, most)


def one_line(text: str, most: int = SHORT) -> str:
    """The text with signs for line breaks and other characters that cannot be seen, cut with an ellipsis."""
    return text[:most].translate(_SIGNS) + ("…" if len(text) > most else "")


def for_tip(value: pa.Scalar) -> str:
    """The value for a tooltip: its own lines, cut where nobody would read on."""
    if is_binary(value.type):
        return shown_text(value, LONG) or "NULL"
    text = exact_text(value)
    if text is None:
        return "NULL"
    return text[:LONG] + (f"… ({len(text):,} characters)" if len(text) > LONG else "")


def for_clipboard(value: pa.Scalar) -> str:
    """The whole value for a tab-separated text, quoted as spreadsheets expect it; NULL is empty."""
    text = exact_text(value) or ""
    return '"' + text.replace('"', '""') + '"' if any(sign in text for sign in '\t\n\r"') else text
