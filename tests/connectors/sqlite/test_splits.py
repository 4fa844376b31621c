"""Parts cover every row once, and are of like size, however the row numbers lie."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dtaas_desktop.domain.table import Part, TableRef
from tests.connectors.sqlite.databases import database, source_of
from tests.contracts.source_contract import read_part

T = TableRef("t")
LOWEST, HIGHEST = -(2**63), 2**63 - 1


def numbered(path: Path, numbers: list[int], key: str = "id INTEGER PRIMARY KEY") -> Path:
    path.unlink(missing_ok=True)
    return database(
        path, f"CREATE TABLE t ({key}, n INTEGER)", rows=[("INSERT INTO t (rowid, n) VALUES (?, ?)", [(n, n) for n in numbers])]
    )


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    numbers=st.lists(st.one_of(st.integers(LOWEST, HIGHEST), st.integers(-50, 50)), unique=True, max_size=300),
    wanted=st.integers(1, 20),
    exact=st.booleans(),
)
@example(numbers=[LOWEST, HIGHEST], wanted=2, exact=True)
@example(numbers=[LOWEST, LOWEST + 1, -1, 0, HIGHEST - 1, HIGHEST], wanted=6, exact=True)
@example(numbers=[HIGHEST], wanted=3, exact=False)
def test_every_row_is_in_exactly_one_part(tmp_path: Path, numbers: list[int], wanted: int, exact: bool) -> None:
    source = source_of(numbered(tmp_path / "t.db", numbers))
    table = source.describe(T)
    parts = source.split(table, wanted, exact=exact)
    assert 1 <= len(parts) <= wanted
    assert parts[0].low is None
    assert parts[-1].high is None
    assert [part.high for part in parts[:-1]] == [part.low for part in parts[1:]]
    with source.session([T], exact=exact) as session:
        found = [n for part in parts for n in read_part(session, table, part).column("n").to_pylist()]
    assert found == sorted(numbers)


def dense() -> list[int]:
    return list(range(1, 40_001))


def one_far_away() -> list[int]:
    return [*range(1, 40_000), HIGHEST]


def clusters() -> list[int]:
    return [base + offset for base in (0, 10**9, 10**15, 10**18) for offset in range(10_000)]


def half_sparse() -> list[int]:
    return [*range(20_000), *range(1_000_000, 1_000_000 + 20_000 * 1000, 1000)]


def randomly_spread() -> list[int]:
    numbers = random.Random(7)
    return list({numbers.randint(LOWEST, HIGHEST) for _ in range(40_000)})


def squares() -> list[int]:
    return [n * n for n in range(40_000)]


@pytest.mark.parametrize("numbers", [dense, one_far_away, clusters, half_sparse, randomly_spread, squares])
@pytest.mark.parametrize("wanted", [2, 8])
def test_parts_are_of_like_size(tmp_path: Path, numbers: Callable[[], list[int]], wanted: int) -> None:
    rows = sorted(numbers())
    source = source_of(numbered(tmp_path / "t.db", rows))
    parts = source.split(source.describe(T), wanted, exact=True)
    sizes = [
        sum((p.low is None or n >= int(str(p.low))) and (p.high is None or n < int(str(p.high))) for n in rows) for p in parts
    ]
    assert len(parts) == wanted
    assert sum(sizes) == len(rows)
    assert max(sizes) < 1.5 * len(rows) / wanted, sizes


def test_row_numbers_that_vacuum_may_change_split_only_one_moment(tmp_path: Path) -> None:
    path = numbered(tmp_path / "t.db", dense(), key="id INTEGER")
    source = source_of(path)
    table = source.describe(T)
    assert len(source.split(table, 4, exact=True)) == 4
    assert source.split(table, 4, exact=False) == (Part("0"),)


@pytest.mark.parametrize(
    "definition",
    [
        "CREATE TABLE t (id INTEGER PRIMARY KEY, n) WITHOUT ROWID",
        "CREATE VIEW t AS SELECT 1 AS n",
        "CREATE VIRTUAL TABLE t USING fts5(n)",
    ],
)
def test_what_has_no_row_numbers_is_one_part(tmp_path: Path, definition: str) -> None:
    source = source_of(database(tmp_path / "t.db", definition))
    assert source.split(source.describe(T), 4, exact=True) == (Part("0"),)
