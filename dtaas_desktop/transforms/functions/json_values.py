"""Values out of JSON texts, with numbers as they are written there."""

import json
import re
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.transforms.converted import Conversion, Converted
from dtaas_desktop.transforms.texts import TEXT

MOST_CHARACTERS = 2**24
MOST_DEPTH = 200

_NOT_JSON = "not JSON"
_TOO_DEEP = f"JSON nested more than {MOST_DEPTH} deep"
_TOO_LONG = f"JSON of more than {MOST_CHARACTERS:,} characters"
_NOT_TEXT = "JSON with half of a pair of characters, which is no text"

_STEP = re.compile(r"""\.(?P<name>[^.\[\]"'*\s]+)|\[(?P<index>-?[0-9]{1,9})\]|\[(?P<quoted>"(?:[^"\\]|\\.)*")\]""")
_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_BRACKET = re.compile(r"[\[\]{}]")


class _Number(str):
    """A number as it is written."""

    __slots__ = ()


class _Bad(Exception):
    """The text gives no value; the message is the cell's reason."""


def json_path(written: str) -> tuple[str | int, ...]:
    """$, then names (.name or ["name"]) and indexes ([0], [-1]). Raises UserError for anything else."""
    steps: list[str | int] = []
    at = 1
    try:
        if not written.startswith("$"):
            raise ValueError
        while at < len(written):
            found = _STEP.match(written, at)
            if found is None:
                raise ValueError
            name, index, quoted = found.group("name", "index", "quoted")
            steps.append(int(index) if index else name or str(json.loads(quoted)))
            at = found.end()
    except ValueError:
        raise UserError(
            f"“{written[:200]}” is not a path into JSON.",
            remedy='Write for example $.customer.name, $.items[0], $.items[-1].price or $["a name with spaces"].',
        ) from None
    return tuple(steps)


def json_value(path: str) -> Conversion:
    """From large_string: the value at the path as text; null where it is missing, is null, or the text has no characters."""
    steps = json_path(path)

    def convert(texts: pa.Array) -> Converted:
        encoded = texts.dictionary_encode()
        results = [_result(text, steps) for text in encoded.dictionary.to_pylist()]
        values = pa.array([value for value, _ in results], TEXT).take(encoded.indices)
        reasons = sorted({reason for _, reason in results if reason})
        if not reasons:
            return Converted(values)
        told = pa.array([reason for _, reason in results], TEXT).take(encoded.indices)
        return Converted(values, tuple((pc.fill_null(pc.equal(told, reason), False), reason) for reason in reasons))

    return convert


def _result(text: str, steps: Sequence[str | int]) -> tuple[str | None, str | None]:
    """The value, or why there is none."""
    if not text:
        return None, None
    try:
        return _text(_found(_parsed(text), steps)), None
    except _Bad as bad:
        return None, str(bad)


def _parsed(text: str) -> object:
    if len(text) > MOST_CHARACTERS:
        raise _Bad(_TOO_LONG)
    if text.count("[") + text.count("{") > MOST_DEPTH and _depth(text) > MOST_DEPTH:
        raise _Bad(_TOO_DEEP)
    try:
        parsed: object = _DECODER.decode(text)
    except ValueError:
        raise _Bad(_NOT_JSON) from None
    except RecursionError:
        raise _Bad(_TOO_DEEP) from None
    return parsed


def _refuse(word: str) -> object:
    raise ValueError(word)


# NaN and Infinity are read by Python, and are not JSON.
_DECODER = json.JSONDecoder(parse_float=_Number, parse_int=_Number, parse_constant=_refuse)


def _depth(text: str) -> int:
    deepest = depth = 0
    for bracket in _BRACKET.finditer(_STRING.sub("", text)):
        depth += 1 if bracket[0] in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _found(value: object, steps: Sequence[str | int]) -> object:
    """What is at the end of the path; None if nothing is."""
    for step in steps:
        if isinstance(step, str) and isinstance(value, dict):
            value = value.get(step)
        elif isinstance(step, int) and isinstance(value, list) and -len(value) <= step < len(value):
            value = value[step]
        else:
            return None
    return value


def _text(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        return _written(value)
    if not _is_text(value):
        raise _Bad(_NOT_TEXT)
    return str(value)


def _written(value: object) -> str:
    """Compact JSON."""
    if isinstance(value, _Number):
        return value
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, list):
        return "[" + ",".join(map(_written, value)) + "]"
    if isinstance(value, dict):
        members = []
        for name, member in value.items():  # a comprehension would double the depth of recursion
            members.append(f"{_quoted(name)}:{_written(member)}")
        return "{" + ",".join(members) + "}"
    return "null" if value is None else "true" if value is True else "false"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=not _is_text(text))


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
