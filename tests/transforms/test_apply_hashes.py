"""SHA-256 and keyed hashes: against hashlib and hmac; equal values alike, and the key nowhere to be seen."""

import datetime
import decimal
import hashlib
import hmac
import pickle
import traceback

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtaas_desktop.domain.errors import UserError
from dtaas_desktop.domain.transform_settings import ApplySettings
from dtaas_desktop.transforms import build
from tests.transforms.every_type import batch, step, whole_and_in_pieces

KEY = "schlüssel-😀-not-to-be-seen"


def hashed(values: pa.Array, result: str = "hex") -> list[object]:
    transform = step("apply", columns=["x"], function={"name": "sha256", "result": result})
    done = whole_and_in_pieces(transform, batch(x=values))
    assert done.rows.column("x").type == (pa.large_string() if result == "hex" else pa.binary(32))
    return list(done.rows.column("x").to_pylist())


def masked(values: pa.Array, result: str = "hex", key: str = KEY) -> list[object]:
    transform = step("apply", key, columns=["x"], function={"name": "hmac", "key": "env:K", "result": result})
    return list(whole_and_in_pieces(transform, batch(x=values)).rows.column("x").to_pylist())


@settings(max_examples=60, deadline=None)
@given(st.lists(st.none() | st.text(max_size=4) | st.sampled_from(["", "a", "😀"]), max_size=12))
def test_texts_and_bytes_hash_alike_in_every_layout(values: list[str | None]) -> None:
    data = [None if value is None else value.encode() for value in values]
    expected = [None if value is None else hashlib.sha256(value).digest() for value in data]
    plain = pa.array(values, pa.string())
    for column in (
        plain,
        plain.cast(pa.large_string()),
        plain.dictionary_encode(),
        pa.array(data, pa.binary()),
        plain.cast(pa.string_view()),
    ):
        assert hashed(column, "binary") == expected
        assert hashed(column) == [None if digest is None else digest.hex() for digest in expected]
        keyed = [None if value is None else hmac.new(KEY.encode(), value, hashlib.sha256).hexdigest() for value in data]
        assert masked(column) == keyed


def test_other_values_are_hashed_by_their_text() -> None:
    def of(text: str) -> str:
        return hashlib.sha256(text.encode()).hexdigest()

    noon = datetime.datetime(2024, 6, 1, 12, tzinfo=datetime.UTC)
    assert hashed(pa.array([1, -5, None])) == [of("1"), of("-5"), None]
    assert hashed(pa.array([decimal.Decimal("1.50")], pa.decimal32(5, 2))) == [of("1.50")]
    assert hashed(pa.array([decimal.Decimal("0.0000001000")], pa.decimal128(38, 10))) == [of("0.0000001000")]
    assert hashed(pa.array([True, False])) == [of("true"), of("false")]
    assert hashed(pa.array([datetime.date(1, 1, 1)])) == [of("0001-01-01")]
    instants = [of("2024-06-01 12:00:00Z")]
    assert (
        hashed(pa.array([noon], pa.timestamp("s", "UTC")))
        == instants
        == hashed(pa.array([noon], pa.timestamp("s", "Asia/Tokyo")))
    )


def test_equal_numbers_hash_alike_whatever_their_sign_of_zero_and_neighbours() -> None:
    zero = hashlib.sha256(b"0").hexdigest()
    assert hashed(pa.array([0.0, -0.0, -0.0, -0.0])) == [zero] * 4 == hashed(pa.array([-0.0, 0.0, 0.0, 0.0], pa.float32()))
    assert len({*hashed(pa.array([float("nan"), -float("nan")]))}) == 1


def test_many_rows_of_few_values_and_a_megabyte() -> None:
    values = ["é" * 500_000, "a", None, "b"] + ["a", "b", None] * 50
    expected = [None if value is None else hashlib.sha256(value.encode()).hexdigest() for value in values]
    assert hashed(pa.array(values)) == expected


def test_the_key_decides_and_long_keys_count_whole() -> None:
    long = "k" * 100
    assert masked(pa.array(["a"]), "binary", key=long) == [hmac.new(long.encode(), b"a", hashlib.sha256).digest()]
    assert masked(pa.array(["a"]), key=long) != masked(pa.array(["a"]), key=long + "k")


def test_the_key_is_shown_nowhere_and_goes_with_the_step() -> None:
    transform = step("apply", KEY, columns=["x"], function={"name": "hmac", "key": "env:K"})
    sent = pickle.loads(pickle.dumps(transform))
    rows = batch(x=pa.array(["a", None]))
    assert sent.apply(rows).rows == transform.apply(rows).rows
    assert "schl" not in f"{transform} {transform!r} {sent!r} {transform.lineage(rows.schema)}"
    with pytest.raises(UserError) as refused:
        transform.output_schema(batch(x=pa.array([[1]])).schema)
    assert "schl" not in "".join(traceback.format_exception(refused.value)) + str(refused.value)


def test_the_secret_is_asked_for_once_by_its_reference_and_must_not_be_empty() -> None:
    asked: list[str] = []

    def secret(reference: str) -> str:
        asked.append(reference)
        return "" if reference == "env:EMPTY" else "key"

    def built(key: str) -> None:
        settings = ApplySettings.model_validate({"columns": ["x"], "function": {"name": "hmac", "key": key}})
        build("apply", settings, secret=secret).apply(batch(x=pa.array(["a"])))

    built("local:mask")
    assert asked == ["local:mask"]
    with pytest.raises(UserError, match="secret key of a keyed hash is empty"):
        built("env:EMPTY")
