"""The DuckDB file keeps the contract, and says clearly what is wrong with a file."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from dtaas_desktop.connectors.duckdb_file import DuckDBDestination
from dtaas_desktop.domain.connection import DuckDBSettings
from dtaas_desktop.domain.errors import TransientError, UserError
from dtaas_desktop.domain.ports import Destination
from dtaas_desktop.domain.target import Published, TargetState
from tests.connectors.files.test_readers import canonical, hostile
from tests.contracts.crash_matrix import CrashMatrix
from tests.contracts.destination_contract import DestinationContract
from tests.contracts.publications import (
    Row,
    attempt_after,
    publication_of,
    publish_table,
    rejected_of,
    stage_table,
    table_of,
    target_for,
)


def opened(place: Path, workspace: str = "w1", name: str = "_dtaas.duckdb") -> DuckDBDestination:
    # DuckDB names the catalog after the file: here as our schema, which is ambiguous unless names are written out in full.
    return DuckDBDestination(DuckDBSettings(path=str(place / name)), workspace=workspace)


class DuckDBMatrix(CrashMatrix):
    stopped_twice = False  # settling has nothing of its own to be stopped in

    def opened(self, place: Path, workspace: str = "w1") -> Destination:
        return opened(place, workspace)

    def rows(self, place: Path, name: str, *, rejected: bool = False) -> list[Row]:
        with duckdb.connect(str(place / "_dtaas.duckdb"), read_only=True) as connection:
            tables = [
                row[0]
                for row in connection.execute("SELECT table_name FROM duckdb_tables() WHERE schema_name = 'main'").fetchall()
            ]
            wanted = name + "__rejected" if rejected else name
            if wanted not in tables:
                assert rejected
                return []
            quoted = wanted.replace('"', '""')
            chosen = "*" if rejected else "id, name, half"
            return sorted(connection.execute(f'SELECT {chosen} FROM "{quoted}"').fetchall(), key=repr)

    def shown(self, place: Path, name: str) -> list[Row] | None:
        if not (place / "_dtaas.duckdb").exists():
            return None
        return self.rows(place, name)

    def debris(self, place: Path) -> list[str]:
        return sorted(
            str(path) for path in place.rglob("*") if path.name != "_dtaas.duckdb" and (path.is_file() or not any(path.iterdir()))
        )

    def occupy(self, place: Path, name: str) -> Callable[[], bool]:
        with duckdb.connect(str(place / "_dtaas.duckdb")) as connection:
            connection.execute(f'CREATE TABLE "{name}" AS SELECT 1 AS theirs')
        return lambda: True


class DuckDBContract(DuckDBMatrix, DestinationContract):
    def test_several_targets_are_one_transaction(self, tmp_path: Path) -> None:
        destination = self.opened(tmp_path)
        targets = [self.target(name) for name in ("a", "b", "c")]
        publish_table(destination, targets[1], table_of(1))
        attempts = [attempt_after(TargetState()) for _ in targets]
        publications = [
            publication_of(target, [stage_table(destination, target, table_of(7), attempt)], after=0, attempt=attempt)
            for target, attempt in zip(targets, attempts, strict=True)
        ]
        answers = destination.publish(publications)
        assert [type(answer) for answer in answers] == [Published, UserError, Published]  # b moved: it is named, and left out
        assert self.rows(tmp_path, "b") == self.expected(table_of(1))
        assert self.rows(tmp_path, "a") == self.rows(tmp_path, "c") == self.expected(table_of(7))

    def test_a_target_whose_statements_fail_does_not_keep_the_others_from_being_published(self, tmp_path: Path) -> None:
        with duckdb.connect(str(tmp_path / "_dtaas.duckdb")) as connection:
            connection.execute('CREATE VIEW "b" AS SELECT 1 AS theirs')
        destination = self.opened(tmp_path)
        publications = []
        for name in ("a", "b", "c"):
            target, attempt = self.target(name), attempt_after(TargetState())
            publications.append(
                publication_of(target, [stage_table(destination, target, table_of(7), attempt)], after=0, attempt=attempt)
            )
        answers = destination.publish(publications)
        assert [type(answer) for answer in answers] == [Published, UserError, Published]
        assert self.rows(tmp_path, "a") == self.rows(tmp_path, "c") == self.expected(table_of(7))

    def test_every_type_is_exact(self, tmp_path: Path) -> None:
        table = hostile()
        table = table.append_column("id", pa.array(range(len(table))))
        destination, target = self.opened(tmp_path), target_for("t", table.schema, mode=self.mode)
        publish_table(destination, target, table)
        with duckdb.connect(str(tmp_path / "_dtaas.duckdb")) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            assert canonical(connection.sql("FROM t").to_arrow_table().select(table.column_names)) == canonical(table)
        assert canonical(destination.sample(target, limit=1000).select(table.column_names)) == canonical(table)


class TestReplace(DuckDBContract):
    mode = "replace"


class TestAppend(DuckDBContract):
    mode = "append"


class TestMirror(DuckDBContract):
    mode = "mirror"
    published_at_once = False


class TestHistory(DuckDBContract):
    mode = "history"
    published_at_once = False


class TestMirrorChanges(DuckDBMatrix):
    mode = "mirror"
    second = "changes"


class TestHistoryChanges(DuckDBMatrix):
    mode = "history"
    second = "changes"
    published_at_once = False


HOLDER = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); c.execute('CREATE TABLE IF NOT EXISTS x (i INT)'); print('open', flush=True); sys.stdin.read()"


def test_a_file_open_in_another_program_is_transient_and_names_it(tmp_path: Path) -> None:
    file = tmp_path / "_dtaas.duckdb"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(TransientError, match=str(holder.pid)):
            opened(tmp_path).inspect(target_for("t", table_of(1).schema))
        assert [step.ok for step in opened(tmp_path).check()] == [True, True, False]
        holder.stdin.close()
    assert opened(tmp_path).inspect(target_for("t", table_of(1).schema)) == TargetState()


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"not a database" * 1000, "not a DuckDB"), (b"", "not a DuckDB"), (b"x" * 8 + b"DUCK" + b"\xff" * 12276, "_dtaas.duckdb")],
)
def test_a_file_that_is_no_database_is_a_sentence(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "_dtaas.duckdb").write_bytes(content)
    with pytest.raises(UserError, match=words):
        opened(tmp_path).inspect(target_for("t", table_of(1).schema))


def test_a_damaged_and_an_encrypted_file_are_sentences(tmp_path: Path) -> None:
    publish_table(opened(tmp_path), target_for("t", table_of(1).schema), table_of(1))
    file = tmp_path / "_dtaas.duckdb"
    content = file.read_bytes()
    file.write_bytes(content[:8192] + b"\1" * 8192 + content[16384:])
    with pytest.raises(UserError, match="damaged"):
        opened(tmp_path).inspect(target_for("t", table_of(1).schema))
    with duckdb.connect() as connection:
        connection.execute("SET force_mbedtls_unsafe = 'true'")
        connection.execute(f"ATTACH '{tmp_path / 'secret.duckdb'}' AS s (ENCRYPTION_KEY 'k')")
        connection.execute("CREATE TABLE s.t AS SELECT 1 AS a; DETACH s")
    with pytest.raises(UserError, match="encrypted"):
        opened(tmp_path, name="secret.duckdb").inspect(target_for("t", table_of(1).schema))


def test_a_place_that_cannot_be_is_a_sentence(tmp_path: Path) -> None:
    target = target_for("t", table_of(1).schema)
    with pytest.raises(UserError, match="does not exist"):
        opened(tmp_path / "nowhere").inspect(target)
    (tmp_path / "_dtaas.duckdb").mkdir()
    with pytest.raises(UserError, match="is a folder"):
        opened(tmp_path).inspect(target)


def test_columns_that_differ_by_case_are_refused_before_reading(tmp_path: Path) -> None:
    schema = pa.schema([("Id", pa.int64()), ("iD", pa.int64())])
    with pytest.raises(UserError, match="“Id” and “iD”"):
        opened(tmp_path).inspect(target_for("t", schema))
    with pytest.raises(UserError, match="__rejected"):
        opened(tmp_path).inspect(target_for("t__Rejected", table_of(1).schema))


def test_appending_other_columns_names_them(tmp_path: Path) -> None:
    destination = opened(tmp_path)
    publish_table(destination, target_for("t", table_of(1).schema, mode="append"), table_of(1))
    other = pa.table({"id": pa.array(["text"]), "name": pa.array(["x"]), "new": pa.array([1])})
    with pytest.raises(UserError, match=r"lacks new; it has besides half; of another type is id \(BIGINT, not VARCHAR\)"):
        publish_table(destination, target_for("t", other.schema, mode="append"), other)
    with duckdb.connect(str(tmp_path / "_dtaas.duckdb")) as connection:
        connection.execute("DROP TABLE t")
    with pytest.raises(UserError, match="is gone"):
        publish_table(destination, target_for("t", table_of(1).schema, mode="append"), table_of(1))


def test_two_thousand_columns(tmp_path: Path) -> None:
    table = pa.table({f"column {i}": pa.array([i, None], pa.int32()) for i in range(2000)})
    destination, target = opened(tmp_path), target_for("wide", table.schema)
    publish_table(destination, target, table, rejected=rejected_of(1))
    assert destination.sample(target, limit=5).to_pydict() == table.to_pydict()
