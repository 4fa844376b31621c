"""SQLite keeps what every source must keep."""

from pathlib import Path

import pytest

from dtaas_desktop.connectors.sqlite import SqliteSource
from dtaas_desktop.connectors.sqlite.pages import ChunkSize
from dtaas_desktop.domain.table import TableRef
from tests.connectors.sqlite.databases import database, source_of, writer
from tests.contracts.source_contract import CaptureContract, KnownTable, SourceContract


class TestSqlite(SourceContract, CaptureContract):
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return tmp_path / "wal.db"

    @pytest.fixture
    def known(self, path: Path) -> KnownTable:
        rows = [(key * key - 5000, f"name {key}", key / 7 if key % 5 else None) for key in range(600)]
        database(
            path,
            "PRAGMA journal_mode = WAL",
            "CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT NOT NULL, amount REAL)",
            "CREATE VIEW some AS SELECT name FROM things",
            rows=[("INSERT INTO things VALUES (?, ?, ?)", rows)],
        )

        def change() -> None:
            with writer(path, patience=0) as other:
                assert other.execute("DELETE FROM things WHERE id % 3 = 0") == "done"
                assert other.execute("UPDATE things SET name = 'changed'") == "done"
                assert other.execute("INSERT INTO things VALUES (-6000, 'new', 1)") == "done"
                assert other.execute("PRAGMA wal_checkpoint(TRUNCATE)") == "done"

        return KnownTable(
            TableRef("things"), "id", [dict(zip(("id", "name", "amount"), row, strict=True)) for row in rows], change
        )

    @pytest.fixture
    def source(self, path: Path, known: KnownTable) -> SqliteSource:
        return source_of(path, ChunkSize(rows=50))
