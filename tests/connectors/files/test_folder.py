"""The folder destination keeps the contract in each format, layout and write mode."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from dtaas_desktop.connectors.files import FolderDestination
from dtaas_desktop.domain.changes import WriteMode
from dtaas_desktop.domain.connection import FolderSettings
from dtaas_desktop.domain.file_settings import FileSettings, PartitionBy
from dtaas_desktop.domain.ports import Destination
from tests.contracts.crash_matrix import CrashMatrix
from tests.contracts.destination_contract import DestinationContract
from tests.contracts.publications import Row

HIVE = (PartitionBy(column="half", unit="value"),)
READERS = {
    "parquet": "read_parquet({files}, hive_partitioning = false)",
    "csv": "read_csv({files}, header = true, quote = '\"', allow_quoted_nulls = false, hive_partitioning = false, all_varchar = true, auto_detect = false, columns = {columns})",
    "json": "read_json({files}, hive_partitioning = false, columns = {columns})",
}
DATA = {"id": "BIGINT", "name": "VARCHAR", "half": "VARCHAR"}
BESIDE = {"__op": "VARCHAR", "__position": "VARCHAR", "__committed_at": "VARCHAR"}
REJECTS = {"row": "VARCHAR", "key": "VARCHAR", "node": "VARCHAR", "column": "VARCHAR", "reason": "VARCHAR"}


@cache
def reading() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


class FolderMatrix(CrashMatrix):
    def opened(self, place: Path, workspace: str = "w1") -> Destination:
        return FolderDestination(FolderSettings(path=str(place)), workspace=workspace)

    def rows(self, place: Path, name: str, *, rejected: bool = False) -> list[Row]:
        folder = self._folder(place, name)
        listed = {str(path.resolve()) for path in self._listed(folder, rejected=rejected)}
        where = folder.with_name(folder.name + "__rejected") if rejected else folder
        found = {str(path.resolve()) for path in where.rglob("*") if path.is_file() and not path.name.startswith("_")}
        assert found == listed
        return self._read(sorted(found), REJECTS) if rejected else self._visible(folder)

    def shown(self, place: Path, name: str) -> list[Row] | None:
        folders = [path.parent for path in place.glob("*/_manifest.json") if json.loads(path.read_text())["target"] == name]
        return self._visible(folders[0]) if folders else None

    def debris(self, place: Path) -> list[str]:
        staging = place / "_dtaas" / "staging"
        pending = list((place / "_dtaas" / "targets").glob("*/pending/*"))
        log = {"commits", "pending", "checkpoint"}
        strays = [path for path in (place / "_dtaas" / "targets").glob("*/*") if path.name not in log]
        beside = [path for path in place.iterdir() if path.is_file()]
        left = [path for path in staging.rglob("*") if path.is_file()]
        empty = [path for path in place.rglob("*") if path.is_dir() and not any(path.iterdir()) and "targets" not in path.parts]
        return sorted(str(path) for path in [*pending, *strays, *beside, *left, *([] if left else empty)])

    def occupy(self, place: Path, name: str) -> Callable[[], bool]:
        theirs = place / name / "theirs.txt"
        theirs.parent.mkdir()
        theirs.write_text("mine")
        return lambda: theirs.read_text() == "mine"

    def _folder(self, place: Path, name: str) -> Path:
        (folder,) = [
            path.parent
            for path in place.glob("*/_manifest.json")
            if json.loads(path.read_text(encoding="utf-8"))["target"] == name
        ]
        return folder

    def _listed(self, folder: Path, *, rejected: bool) -> list[Path]:
        manifest: dict[str, Any] = json.loads((folder / "_manifest.json").read_text(encoding="utf-8"))
        if rejected:
            return [folder / manifest["rejected_folder"] / file["path"] for file in manifest["rejected_files"]]
        return [folder / file["path"] for file in manifest["files"]]

    def _visible(self, folder: Path) -> list[Row]:
        """The rows of the files that the manifest lists; of a mirror those that are there after all revisions in their order."""
        manifest = json.loads((folder / "_manifest.json").read_text(encoding="utf-8"))
        if self.mode != "mirror":
            return self._read([str(folder / file["path"]) for file in manifest["files"]], DATA)
        there: dict[Any, Row] = {}
        for file in sorted(manifest["files"], key=lambda file: file["revision"]):
            for letter, *row in self._read([str(folder / file["path"])], {"__op": "VARCHAR"} | DATA):
                assert (letter == "L") == (file["kind"] == "load")
                if letter == "D":
                    there.pop(row[0], None)
                elif letter != "U" or row[0] in there:
                    there[row[0]] = tuple(row)
        return sorted(there.values(), key=repr)

    def _read(self, files: list[str], columns: dict[str, str]) -> list[Row]:
        if not files:
            return []
        names = (
            "["
            + ", ".join("'" + "".join(f"[{c}]" if c in "*?[" else c for c in name).replace("'", "''") + "'" for name in files)
            + "]"
        )
        beside = BESIDE if self.mode in ("mirror", "history") and "row" not in columns else {}
        reader = READERS[self.files.format].format(files=names, columns=beside | columns).replace("all_varchar = true, ", "")
        with reading().cursor() as connection:
            wanted = ", ".join(f'"{column}"' for column in columns)
            return sorted(connection.execute(f"SELECT {wanted} FROM {reader}").fetchall(), key=repr)


class FolderContract(FolderMatrix, DestinationContract):
    def test_with_consent_foreign_files_stay_beside_ours(self, tmp_path: Path) -> None:
        from tests.contracts.publications import publish_table, table_of

        untouched = self.occupy(tmp_path, "people")
        destination = self.opened(tmp_path)
        for _ in range(2):
            publish_table(destination, self.target(), table_of(1, 2))
        assert untouched()
        assert not destination.inspect(self.target()).foreign


class TestParquetFlatMirror(FolderContract):
    mode = "mirror"
    stopped_twice = False


class TestJsonHiveHistory(FolderContract):
    mode = "history"
    files = FileSettings(format="json", layout="hive", partition_by=HIVE)
    stopped_twice = False


class TestCsvFlatMirror(FolderMatrix):
    mode = "mirror"
    files = FileSettings(format="csv")
    stopped_twice = False


class TestParquetHiveHistory(FolderMatrix):
    mode = "history"
    files = FileSettings(layout="hive", partition_by=HIVE)
    stopped_twice = False


class TestParquetFlatMirrorChanges(FolderMatrix):
    mode = "mirror"
    second = "changes"
    stopped_twice = False


class TestCsvFlatMirrorChanges(TestCsvFlatMirror):
    second = "changes"


class TestParquetHiveHistoryChanges(TestParquetHiveHistory):
    second = "changes"


class TestJsonHiveHistoryChanges(FolderMatrix):
    mode = "history"
    second = "changes"
    files = FileSettings(format="json", layout="hive", partition_by=HIVE)
    stopped_twice = False


def _contracts() -> dict[str, type[FolderContract]]:
    formats: dict[str, dict[str, Any]] = {
        "Parquet": {"format": "parquet"},
        "Csv": {"format": "csv"},
        "JsonLines": {"format": "json"},
        "JsonArray": {"format": "json", "json_style": "array"},
    }
    made: dict[str, type[FolderContract]] = {}
    modes: tuple[WriteMode, ...] = ("replace", "append")
    for name, settings in formats.items():
        for layout in ("flat", "hive"):
            for mode in modes:
                files = FileSettings(**settings, layout=layout, partition_by=HIVE if layout == "hive" else ())
                title = f"Test{name}{layout.title()}{mode.title()}"
                made[title] = type(
                    title,
                    (FolderContract,),
                    {"files": files, "mode": mode, "stopped_twice": title in ("TestParquetFlatReplace", "TestCsvHiveAppend")},
                )
    return made


globals().update(_contracts())
