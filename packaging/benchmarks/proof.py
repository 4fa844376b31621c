"""Whether Parquet files hold exactly what they should, found out with DuckDB alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb


@dataclass(frozen=True, slots=True)
class Content:
    """Column → type, the number of rows, and a sum over all rows of a hash of each: equal for equal rows in any order."""

    types: Mapping[str, str]
    rows: int
    checksum: int

    def times(self, copies: int) -> "Content":
        return Content(self.types, self.rows * copies, self.checksum * copies)


def content(files: Sequence[Path], like: Mapping[str, str] | None = None, *, query: str = "FROM flights") -> Content:
    """What the query makes of the files, which it knows as `flights`. With `like`, its columns are taken by those names, and
    their values compared as those types: a value kept in another type counts as the same. `types` are the true ones."""
    with duckdb.connect() as connection:
        connection.read_parquet([str(path) for path in files]).create_view("flights")
        connection.execute(f"CREATE VIEW answer AS {query}")
        answer = connection.table("answer")
        types = dict(zip(answer.columns, map(str, answer.types), strict=True))
        values = ", ".join(f'TRY_CAST("{name}" AS {type_})' for name, type_ in (like or types).items())
        row = connection.execute(f"SELECT count(*), sum(hash({values})::HUGEINT) FROM answer").fetchone()
        assert row is not None
        return Content(types, int(row[0]), int(row[1] or 0))


def complaint(files: Sequence[Path], expected: Content) -> str:
    """What is wrong with the files; nothing if they hold exactly what is expected."""
    if not files:
        return "no file"
    try:
        found = content(files, expected.types)
    except duckdb.Error as error:
        return str(error).partition("\n")[0]
    if found.rows != expected.rows:
        return f"{found.rows:,} rows instead of {expected.rows:,}"
    if found.checksum != expected.checksum:
        return "other values"
    return ", ".join(f"{name} is {type_}" for name, type_ in found.types.items() if type_ != expected.types.get(name))


def miscount(files: Sequence[Path], expected: int) -> str:
    """What is wrong with the number of rows in the files; nothing if it is as expected."""
    if not files:
        return "no file"
    rows = content(files, query="SELECT 1 AS one FROM flights").rows
    return "" if rows == expected else f"{rows:,} rows instead of {expected:,}"
