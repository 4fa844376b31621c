"""JSON values: paths, numbers as written, and texts that are not JSON or too much of it."""

import json

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtaas_desktop.domain.errors import UserError
from tests.transforms.every_type import bad_cells, batch, step, texts, whole_and_in_pieces

names = st.sampled_from(["a", "b", "a b", "é", 'q"', "", "\\", "x.y", "0"])
plain = st.none() | st.booleans() | st.integers(-9, 10**20) | st.text('aé😀"\\\n\x01', max_size=4)
documents = st.recursive(
    plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3), max_leaves=8
)
paths = st.lists(names | st.integers(-3, 3), max_size=3)


def values_at(path: str, documents: list[str | None]) -> tuple[list[object], list[str]]:
    """The values, and the reasons of bad cells."""
    transform = step("apply", columns=["j"], function={"name": "json_value", "path": path}, on_bad="null")
    done = whole_and_in_pieces(transform, batch(j=texts(documents)), size=3)
    return done.rows.column("j").to_pylist(), [reason for *_, reason in bad_cells(done)]


@settings(max_examples=200, deadline=None)
@given(st.lists(documents, min_size=1, max_size=5), paths, st.booleans())
def test_a_path_leads_to_what_python_finds_there(values: list[object], path: list[str | int], ascii_only: bool) -> None:
    def judged(value: object) -> object:
        for at in path:
            places: object = list(value) if isinstance(value, dict) else []
            if isinstance(value, list):
                places = range(-len(value), len(value))
            if not isinstance(places, list | range) or at not in places:
                return None
            value = value[at]  # type: ignore[index]
        if value is None or isinstance(value, str):
            return value
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    written = "$" + "".join(f"[{json.dumps(at, ensure_ascii=False)}]" for at in path)
    given_texts: list[str | None] = [json.dumps(value, ensure_ascii=ascii_only, indent=1) for value in values]
    assert values_at(written, given_texts) == ([judged(value) for value in values], [])


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$.n", "1.10"),
        ("$.big", "123456789012345678901234567890.0500"),
        ("$.e", "-1E+400"),
        ("$.list", "[1.0,-0,1e5,[2.50]]"),
        ("$.list[1]", "-0"),
        ("$.list[-1][0]", "2.50"),
        ("$.o", '{"b c":{"d":"\\"é\\""},"a":null,"t":true}'),
        ('$.o["b c"].d', '"é"'),
        ("$.o.a", None),
        ("$.o.t", "true"),
        ("$.missing.x[0]", None),
        ("$.list.x", None),
        ("$.n[0]", None),
        ("$.list[9]", None),
        ("$.empty", ""),
        ("$.twice", "2"),
        ("$.größe", "5"),
    ],
)
def test_numbers_stay_as_written_and_nested_values_become_compact(path: str, expected: str | None) -> None:
    document = """ {"n" : 1.10, "big": 123456789012345678901234567890.0500, "e": -1E+400, "list": [1.0, -0, 1e5, [ 2.50 ]],
        "o": {"b c": {"d": "\\"\\u00e9\\""}, "a": null, "t": true}, "empty": "", "twice": 1, "twice": 2, "größe": 5}\r\n"""
    assert values_at(path, [document, None, ""]) == ([expected, None, None], [])


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "nope",
        "NaN",
        "[Infinity]",
        "{'a': 1}",
        "[1,]",
        "01",
        "1 2",
        " ",
        "\ufeff1",
        '"\t"',
        "[1]]",
        '"' + "a" * 10_000,
        "+1",
        ".5",
    ],
)
def test_what_is_not_json_is_a_bad_cell(text: str) -> None:
    assert values_at("$", [text, "1"]) == ([None, "1"], ["not JSON"])


def test_deep_and_huge_documents_are_bad_cells_and_wide_ones_are_not() -> None:
    assert values_at("$", ["[" * 200 + "]" * 200]) == (["[" * 200 + "]" * 200], [])
    too_deep = ["[" * 201 + "]" * 201, '{"a":' * 100_000 + "1" + "}" * 100_000, "[" * 1_000_000]
    assert values_at("$", list(too_deep)) == ([None] * 3, ["JSON nested more than 200 deep"] * 3)
    assert values_at("$", ["[" + " " * 2**24 + "]"]) == ([None], ["JSON of more than 16,777,216 characters"])
    wide = json.dumps([{"[": "{" * 500}] * 1000)
    assert values_at("$[999]", [wide]) == ([json.dumps({"[": "{" * 500}, separators=(",", ":"))], [])
    assert values_at("$.a", [json.dumps({"a": "é" * 1_000_000})]) == (["é" * 1_000_000], [])


def test_half_a_pair_of_characters_is_no_text_but_may_stand_in_json() -> None:
    assert values_at("$[0]", ['["\\ud83d"]']) == ([None], ["JSON with half of a pair of characters, which is no text"])
    assert values_at("$", ['["\\ud83d", "\\ud83d\\ude00"]']) == (['["\\ud83d","😀"]'], [])


@pytest.mark.parametrize(
    "path", ["", "a", "$a", "$.", "$..a", "$[", "$[x]", "$['a']", "$.*", "$[*]", '$["\\x"]', "$.a b", "$[1.5]"]
)
def test_what_is_no_path_is_refused_at_once(path: str) -> None:
    with pytest.raises((UserError, ValueError), match=r"not a path into JSON|at least 1 character"):
        step("apply", columns=["j"], function={"name": "json_value", "path": path})


def test_many_rows_of_few_documents() -> None:
    rows = ['{"a": 1}', "x", None] * 40
    values, reasons = values_at("$.a", list(rows))
    assert values == ["1", None, None] * 40
    assert reasons == ["not JSON"] * 40


def test_only_text_holds_json() -> None:
    with pytest.raises(UserError, match="Column “j”: “json_value” works on text, not on int64"):
        step("apply", columns=["j"], function={"name": "json_value"}).output_schema(batch(j=pa.array([1])).schema)
