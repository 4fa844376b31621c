"""Files that are missing, no databases, damaged, or change while they are read: a sentence each, of the right class."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from dtaas_desktop.connectors.sqlite.pages import ChunkSize
from dtaas_desktop.domain.errors import TransientError, UserError
from dtaas_desktop.domain.table import CellPolicy, Part, TableRef
from tests.connectors.sqlite.databases import database, rows_of, source_of, writer
from tests.contracts.source_contract import read_part

T = TableRef("t")


def table_of(path: Path, rows: int = 2000) -> Path:
    return database(
        path, "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)", rows=[("INSERT INTO t (a) VALUES (?)", [("x" * 1000,)] * rows)]
    )


def last_step(path: Path) -> str:
    steps = list(source_of(path).check())
    assert [step.ok for step in steps] == [True] * (len(steps) - 1) + [False]
    assert steps[-1].remedy
    return steps[-1].detail


def test_a_missing_file(tmp_path: Path) -> None:
    assert "There is no file" in last_step(tmp_path / "none.db")
    with pytest.raises(UserError, match="There is no file"):
        source_of(tmp_path / "none.db").tables()
    assert not (tmp_path / "none.db").exists()


def test_a_folder(tmp_path: Path) -> None:
    assert "is not a file" in last_step(tmp_path)


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "letter.db"
    path.write_bytes(b"Dear Sir or Madam, " * 1000)
    assert "is not a SQLite database" in last_step(path)
    with pytest.raises(UserError, match="is not a SQLite database"):
        source_of(path).describe(T)


def test_an_empty_file_is_a_database_without_tables(tmp_path: Path) -> None:
    path = tmp_path / "empty.db"
    path.touch()
    assert all(step.ok for step in source_of(path).check())
    assert source_of(path).tables() == []


def test_a_file_cut_short(tmp_path: Path) -> None:
    path = table_of(tmp_path / "cut.db")
    os.truncate(path, path.stat().st_size // 2)
    assert "damaged" in last_step(path)
    with pytest.raises(UserError, match="damaged"):
        read_all(path, T)


def test_a_file_cut_short_while_it_is_read(tmp_path: Path) -> None:
    path = table_of(tmp_path / "cut.db")
    source = source_of(path, ChunkSize(rows=10))
    table = source.describe(T)
    with (
        source.session([T], exact=True) as session,
        session.read(table, Part("0"), columns=["id", "a"], cells=CellPolicy()) as stream,
    ):
        rows = iter(stream)
        next(rows)
        os.truncate(path, path.stat().st_size // 2)
        with pytest.raises(UserError, match="damaged"):
            list(rows)


def read_all(path: Path, ref: TableRef, *, chunk: ChunkSize | None = None) -> int:
    source = source_of(path, chunk)
    table = source.describe(ref)
    with source.session([ref], exact=True) as session:
        return len(read_part(session, table, Part("0")))


@pytest.mark.parametrize("ref", [T, TableRef("q", query="SELECT * FROM t")])
def test_a_page_that_is_damaged_in_the_middle(tmp_path: Path, ref: TableRef) -> None:
    path = table_of(tmp_path / "damaged.db")
    content = bytearray(path.read_bytes())
    content[4096 * 200 : 4096 * 202] = b"\xff" * 8192
    path.write_bytes(content)
    with pytest.raises(UserError, match="damaged") as caught:
        read_all(path, ref, chunk=ChunkSize(rows=100))
    assert str(path) in caught.value.message
    assert "recover" in caught.value.remedy


def test_a_table_that_is_gone_when_it_is_read(tmp_path: Path) -> None:
    path = database(tmp_path / "gone.db", "PRAGMA journal_mode = WAL", "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)")
    source = source_of(path)
    table = source.describe(T)
    with writer(path) as other, source.session([T], exact=False) as session:
        assert len(read_part(session, table, Part("0"))) == 0
        assert other.execute("ALTER TABLE t DROP COLUMN a") == "done"
        with pytest.raises(UserError, match=r"Table t of .* r\.a"):
            read_part(session, table, Part("0"))
        assert other.execute("DROP TABLE t") == "done"
        with pytest.raises(UserError, match="no table or view “t”"):
            read_part(session, table, Part("0"))
    with pytest.raises(UserError, match="no table or view “t”"):
        source.split(table, 2, exact=True)


def test_a_table_dropped_behind_a_view(tmp_path: Path) -> None:
    path = database(tmp_path / "gone.db", "CREATE TABLE t (a)", "CREATE VIEW v AS SELECT a FROM t", "DROP TABLE t")
    with pytest.raises(UserError, match=r"no such table: main\.t"):
        source_of(path).describe(TableRef("v"))


def test_an_exact_session_survives_the_failure_of_one_table(tmp_path: Path) -> None:
    path = table_of(tmp_path / "t.db", 10)
    source = source_of(path)
    table = source.describe(T)
    with source.session([T], exact=True) as session:
        for _ in range(50):
            with pytest.raises(UserError):
                read_part(
                    session, source.describe(TableRef("q", query="SELECT abs(-9223372036854775808) AS x FROM t")), Part("0")
                )
        assert len(read_part(session, table, Part("0"))) == 10


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that every user may look into; pytest's own folders are closed to others."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="takes rights away from a process by changing its user"
)
@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
def test_read_only_media_are_read_and_only_there_without_locks(public: Path, mode: str) -> None:
    path = database(
        public / "ro.db",
        f"PRAGMA journal_mode = {mode}",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)",
        "INSERT INTO t VALUES (1, 'x')",
    )
    path.chmod(0o444)
    answer = as_nobody(path)
    assert answer.splitlines()[-1] == f"1 {mode == 'WAL'}", answer


# Rights are judged by a user without any: root may do everything. The first reading, with all rights, imports what is needed.
READ = """
import os, sys
from pathlib import Path
from dtaas_desktop.connectors.sqlite import SqliteSource
from dtaas_desktop.connectors.sqlite.connection import Database
from dtaas_desktop.domain.connection import SqliteSettings
from dtaas_desktop.domain.errors import AppError
from dtaas_desktop.domain.table import CellPolicy, Part, TableRef

def read(path):
    source = SqliteSource(SqliteSettings(path=path))
    table = source.describe(TableRef("t"))
    with source.session([table.table], exact=True) as session:
        with session.read(table, Part("0"), columns=["id", "a"], cells=CellPolicy()) as stream:
            rows = sum(part.batch.num_rows for part in stream)
    with Database(Path(path)) as database:
        return f"{rows} {database.immutable}"

read(sys.argv[2])
os.setuid(65534)
try:
    print(read(sys.argv[1]))
except AppError as error:
    print(type(error).__name__, error)
"""


def as_nobody(path: Path) -> str:
    warm = table_of(path.with_name(f"{len(list(path.parent.iterdir()))} warm.db"), 1)
    done = subprocess.run([sys.executable, "-c", READ, str(path), str(warm)], capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    return done.stdout


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="takes rights away from a process by changing its user"
)
def test_a_half_written_database_that_may_not_be_repaired_is_refused(public: Path) -> None:
    path = table_of(public / "hot.db")
    with writer(path) as other:
        for statement in ("PRAGMA cache_size = 5", "BEGIN", "UPDATE t SET a = 'y'"):
            assert other.execute(statement) == "done"
        other.kill()
    path.chmod(0o444)
    answer = as_nobody(path)
    assert "left in the middle of a write" in answer
    path.chmod(0o000)
    assert "You may not read" in as_nobody(path)


def test_a_file_changed_while_it_is_read_without_locks_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = table_of(tmp_path / "t.db", 10)
    source = source_of(path)
    table = source.describe(T)
    with source.session([T], exact=True) as session:
        opened = session._database
        opened.immutable = True
        os.utime(path, ns=(1, 1))
        with pytest.raises(TransientError, match="changed by another program"):
            read_part(session, table, Part("0"))


@pytest.mark.parametrize(
    "query",
    [
        "",
        "DELETE FROM t",
        "INSERT INTO t VALUES (1, 2)",
        "SELECT 1; DELETE FROM t",
        "WITH x AS (SELECT 1) DELETE FROM t",
        "PRAGMA writable_schema = 1",
        "SELECT * FROM t WHERE a = ?",
        "SELECT (",
        "SELECT 1 /*",
        "ATTACH 'x.db' AS x",
        "SELECT load_extension('x')",
        "SELECT writefile('x', 'y')",
    ],
)
def test_only_a_single_select_is_a_query(tmp_path: Path, query: str) -> None:
    path = table_of(tmp_path / "t.db", 3)
    if not query:
        return
    with pytest.raises(UserError):
        read_all(path, TableRef("q", query=query))
    assert read_all(path, T) == 3
    assert sorted(file.name for file in tmp_path.iterdir()) == ["t.db"]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM t;",
        "-- all of it\nSELECT * FROM t -- and no more",
        "VALUES (1), (2), (3)",
        "with x(a) as (select id from t) select a from x",
        "/* a */ /* b */ select id from t order by id desc",
    ],
)
def test_queries_may_be_written_freely(tmp_path: Path, query: str) -> None:
    assert read_all(table_of(tmp_path / "t.db", 3), TableRef("q", query=query)) == 3


def test_empty_tables_give_no_rows(tmp_path: Path) -> None:
    path = database(tmp_path / "t.db", "CREATE TABLE t (a, b NUMERIC, c TEXT)", "CREATE TABLE w (a PRIMARY KEY) WITHOUT ROWID")
    for ref in (T, TableRef("w"), TableRef("q", query="SELECT a + 1 FROM t")):
        assert rows_of(source_of(path), ref) == []
