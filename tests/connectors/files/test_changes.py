"""Mirrors and histories as files: an independent reading of the change files, and the manifest's own recipes for what is there now."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pytest

from dtaas_desktop.connectors.files import FolderDestination, net_stage
from dtaas_desktop.domain.connection import FolderSettings
from dtaas_desktop.domain.file_settings import FileSettings, PartitionBy
from dtaas_desktop.domain.ports import Destination
from dtaas_desktop.domain.target import Published
from tests.contracts.changes_contract import A, B, C, ChangesContract, HistoryContract, MirrorContract
from tests.domain.net_effect_cases import Image, Key, Log, Rows


def manifest_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "_manifest.json").read_text(encoding="utf-8"))
    return found


def by_recipe(folder: Path, reader: str) -> pa.Table:
    """What the manifest's recipe for the current state gives."""
    code = manifest_of(folder)["readers"]["current_state"][reader]
    before = Path.cwd()
    os.chdir(folder)
    try:
        if reader == "duckdb":
            with duckdb.connect() as connection:
                connection.execute("SET TimeZone = 'UTC'")
                return connection.sql(code).to_arrow_table()
        names: dict[str, Any] = {}
        exec(code, names)  # noqa: S102 (it is what is published)
    finally:
        os.chdir(before)
    if reader == "pyarrow":
        return names["current"]
    frame = names["frame"]
    assert isinstance(frame, pd.DataFrame)
    return pa.table([frame[name].array.__arrow_array__() for name in frame.columns], names=list(frame.columns))


class InFolder(ChangesContract):
    def opened(self, place: Path, workspace: str = "w1") -> Destination:
        return FolderDestination(FolderSettings(path=str(place)), workspace=workspace)

    def folder(self, place: Path, name: str) -> Path:
        return next(path.parent for path in place.glob("*/_manifest.json") if manifest_of(path.parent)["target"] == name)

    def damage(self, place: Path, name: str) -> None:
        folder = self.folder(place, name)
        (folder / manifest_of(folder)["files"][0]["path"]).unlink()

    def state(self, place: Path, name: str) -> Rows:
        folder = self.folder(place, name)
        state = self.replayed(folder)
        for reader in ("duckdb", "pyarrow"):
            table = by_recipe(folder, reader)
            assert table.column_names == ["id", "v", "lob"]
            rows = [tuple(row.values()) for row in table.to_pylist()]
            assert {key: (v, lob) for key, v, lob in rows} == state, reader
            assert len(rows) == len(state), reader
        return state

    def widened(self, place: Path, name: str) -> list[tuple[object, ...]]:
        folder = self.folder(place, name)
        found: list[list[tuple[object, ...]]] = []
        for table in (*(by_recipe(folder, reader) for reader in ("duckdb", "pyarrow", "pandas")), self.read_all(folder)):
            rows = table.sort_by("id").to_pylist()
            found.append([(row["id"], row["ratio"], row["price"] and str(row["price"]), row["new"]) for row in rows])
        assert found == [found[0]] * 4
        return found[0]

    def read_all(self, folder: Path) -> pa.Table:
        """All rows by the recipes that read everything, by id; an error if they disagree."""
        readers = manifest_of(folder)["readers"]
        before = Path.cwd()
        os.chdir(folder)
        try:
            names: dict[str, Any] = {}
            exec(readers["pyarrow"], names)  # noqa: S102 (it is what is published)
            with duckdb.connect() as connection:
                connection.execute("SET TimeZone = 'UTC'")
                table = connection.sql(readers["duckdb"]).to_arrow_table()
        finally:
            os.chdir(before)
        assert sorted(map(repr, table.to_pylist())) == sorted(map(repr, names["table"].to_pylist()))
        return table.sort_by("id")

    def replayed(self, folder: Path) -> Rows:
        """The change files, one after the other, in plain Python."""
        raise NotImplementedError

    def raw(self, folder: Path) -> list[dict[str, Any]]:
        """The rows of all files that the manifest lists, with __revision and __kind of their files, by revision and position."""
        found = []
        for file in manifest_of(folder)["files"]:
            path = str(folder / file["path"]).replace("'", "''")
            reader = {
                "parquet": f"read_parquet('{path}', hive_partitioning = false)",
                "csv": f"read_csv('{path}', all_varchar = true, header = true, quote = '\"', escape = '\"', delim = ',', "
                "allow_quoted_nulls = false, hive_partitioning = false)",
                "json": f"read_json('{path}', format = 'newline_delimited', hive_partitioning = false, records = true)",
            }[self.files.format]
            if file["rows"]:
                with duckdb.connect() as connection:
                    rows = connection.sql(f"SELECT * FROM {reader}").to_arrow_table().to_pylist()
                found += [row | {"__revision": file["revision"], "__kind": file["kind"]} for row in rows]
        for row in found:
            row["id"] = None if row["id"] is None else int(row["id"])
            row["__same:lob"] = row.get("__same:lob") in (True, "true")
        return sorted(found, key=lambda row: (row["__revision"], row["__position"]))


class InMirror(InFolder, MirrorContract):
    def replayed(self, folder: Path) -> Rows:
        there: Rows = {}
        for row in self.raw(folder):
            key, letter = row["id"], row["__op"]
            assert (letter == "L") == (row["__kind"] == "load")
            if letter == "D":
                there.pop(key, None)
            elif letter != "U" or key in there:
                there[key] = (row["v"], there.get(key, (None, None))[1] if row["__same:lob"] else row["lob"])
        return there

    def change(self, place: Path, images: Sequence[Image], name: str = "t", *, position: str = "1") -> Published:
        """As it is, and the query to try counts what is there then."""
        published = super().change(place, images, name, position=position)
        with duckdb.connect() as connection:
            counted = connection.execute(published.query).fetchall()
        assert counted == [(len(self.replayed(self.folder(place, name))),)]
        return published


class TestParquetMirror(InMirror):
    def test_what_does_not_fit_is_spilled_and_comes_to_the_same(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(net_stage, "HELD", 20_000)
        monkeypatch.setattr(net_stage, "AT_ONCE", 2_000)
        before: Rows = {key: (f"v{key}", f"l{key}") for key in range(3000)}
        after = dict(before)
        log = Log().begin()
        for key in range(3000):
            if key % 3 == 0:
                log.delete(key)
                del after[key]
            else:
                log.update(key, f"new {key}", same=True)
                after[key] = (f"new {key}", f"l{key}")
        for number in range(2000):  # one key with more images than may be held at once
            log.update(1, f"again {number}", f"lob {number}")
        after[1] = ("again 1999", "lob 1999")
        self.load(tmp_path, before)
        self.change(tmp_path, log.images)
        assert self.state(tmp_path, "t") == after


class TestCsvMirror(InMirror):
    files = FileSettings(format="csv", compression="gzip")


class TestJsonHistory(InFolder, HistoryContract):
    files = FileSettings(format="json")

    def replayed(self, folder: Path) -> Rows:
        loaded = manifest_of(folder)["loaded_revision"]
        sums: dict[tuple[Key, Any, Any], int] = {}
        values: Rows = {}
        there: dict[Key, bool] = {}
        for row in self.raw(folder):
            if row["__revision"] < loaded:
                continue
            at = (row["id"], row["__revision"], row["__committed_at"])
            sums[at] = sums.get(at, 0) + {"L": 1, "I": 1, "U": 0, "D": -1}[row["__op"]]
            if row["__op"] != "D":
                values[row["id"]] = (row["v"], row["lob"])
        for (key, _, _), total in sums.items():
            if total:
                there[key] = total > 0
        return {key: values[key] for key, exists in there.items() if exists}

    def log(self, place: Path, name: str) -> list[tuple[str, Key, str | None]]:
        return [(row["__op"], row["id"], row["v"]) for row in self.raw(self.folder(place, name))]

    def test_only_what_came_since_the_newest_load_is_there(self, tmp_path: Path) -> None:
        self.load(tmp_path, {1: A, 2: B})
        self.change(tmp_path, Log().begin().insert(3, *C).images)
        self.load(tmp_path, {2: C})
        assert self.state(tmp_path, "t") == {2: C}
        self.change(tmp_path, Log().begin().insert(1, *B).update(3, *A).images)
        assert self.state(tmp_path, "t") == {2: C, 1: B}
        self.load(tmp_path, {})
        assert self.state(tmp_path, "t") == {}


class TestParquetHiveHistory(TestJsonHistory):
    files = FileSettings(layout="hive", partition_by=(PartitionBy(column="__op"),))
