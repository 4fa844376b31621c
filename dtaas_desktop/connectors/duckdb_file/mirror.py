"""A mirror in SQL: the net effect of staged images, and its application; a load that keeps deleted rows as marked ones.

The rules are those of domain.net_effect, with two aggregations that look at narrow columns only; then the rows that win are fetched by
their number in the staged files. Rows are deleted and inserted anew rather than updated: DuckDB keeps updates in memory until they are
committed (300 MB were too few for a million rows), and writes inserted rows to the disk as it goes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dtaas_desktop.connectors.duckdb_file.database import Database, staged_rows, staged_source
from dtaas_desktop.connectors.duckdb_file.numbered_stage import NUMBER
from dtaas_desktop.connectors.duckdb_file.shape import is_soft, wanted_columns
from dtaas_desktop.connectors.files.sql_types import quoted
from dtaas_desktop.domain.changes import DELETED_AT, SAME
from dtaas_desktop.domain.errors import TransientError, UserError
from dtaas_desktop.domain.target import Publication, Target

# Images netted at once; more are netted in several passes by a hash of the key, each of which reads the narrow columns again.
IMAGES_AT_ONCE = 4_000_000
_NET, _ACT = "temp.main._dtaas_net", "temp.main._dtaas_act"


def refuse_duplicates(database: Database, target: Target, source: str) -> None:
    """UserError if two rows of `source` have the same key."""
    names = ", ".join(quoted(name) for name in target.key)
    found = database.all(f"SELECT {names}, count(*) FROM {source} GROUP BY {names} HAVING count(*) > 1 LIMIT 1")
    if found:
        *values, count = found[0]
        example = ", ".join(f"{name} = {value}" for name, value in zip(target.key, values, strict=True))
        raise UserError(
            f"{', '.join(target.key)} is not a key of “{target.name}”: {count} rows have {example}.",
            remedy="Name other columns as the key, or choose write mode “replace”.",
        )


def load_softly(database: Database, publication: Publication, root: Path) -> None:
    """Put the staged rows into the table, which is shaped already; mark the rows that are not among them as deleted."""
    target = publication.target
    table, source = database.table(target.name), staged_source(publication, root)
    if source is None:
        database.execute(f"UPDATE {table} SET {quoted(DELETED_AT)} = now() WHERE {quoted(DELETED_AT)} IS NULL")
        return
    equal = " AND ".join(f"t.{quoted(name)} IS NOT DISTINCT FROM s.{quoted(name)}" for name in target.key)
    there = f"EXISTS (FROM {source} s WHERE {equal})"
    database.execute(f"UPDATE {table} AS t SET {quoted(DELETED_AT)} = now() WHERE t.{quoted(DELETED_AT)} IS NULL AND NOT {there}")
    database.execute(f"DELETE FROM {table} AS t WHERE {there}")
    names = ", ".join(quoted(name) for name in target.schema.names)
    database.execute(f"INSERT INTO {table} BY NAME SELECT {names} FROM {source}")


def apply_changes(database: Database, publication: Publication, root: Path) -> int:
    """Apply the net effect of the staged images to the table, which is shaped already. Returns for how many keys there is one."""
    source = staged_source(publication, root)
    if source is None:
        return 0
    target, images = publication.target, staged_rows(publication)
    passes = -(-images // IMAGES_AT_ONCE)
    statements = _Statements(target, database.table(target.name), source)
    before, seen, keys, change = database.count(target.name), 0, 0, 0
    for number in range(passes):
        database.execute(statements.net(number, passes))
        database.execute(statements.act())
        counted = database.one(
            f"SELECT count(*), coalesce(sum(images), 0), count(*) FILTER ({statements.inserted}), count(*) FILTER ({statements.removed}) FROM {_ACT}"
        )
        keys, seen, change = keys + counted[0], seen + counted[1], change + counted[2] - counted[3]
        for statement in statements.applied():
            database.execute(statement)
    after = database.count(target.name)
    if (seen, after) != (images, before + change):
        raise TransientError(
            f"“{target.name}” holds {after} rows after applying {seen} of {images} changes, {before + change} were expected; nothing was changed."
        )
    return keys


@dataclass(frozen=True, slots=True)
class _Statements:
    """SQL for one table. `_NET` has a row for each key, `_ACT` beside it what the table holds for that key."""

    target: Target
    table: str
    source: str

    @property
    def _keys(self) -> Sequence[str]:
        return [f"k{index}" for index in range(len(self.target.key))]

    @property
    def _same(self) -> Sequence[tuple[str, str]]:
        """A number for each column that may keep its value, and its name."""
        return [(str(index), name) for index, name in enumerate(self.target.same)]

    @property
    def removed(self) -> str:
        """Which of the rows in the table go, to come again or not."""
        return "present" + (" AND (effect = 1 OR (effect = 0 AND alive))" if is_soft(self.target) else "")

    @property
    def inserted(self) -> str:
        return "effect = 1 OR (effect = 0 AND alive)"

    @property
    def _matched(self) -> str:
        return " AND ".join(
            f"t.{quoted(name)} IS NOT DISTINCT FROM act.{key}" for name, key in zip(self.target.key, self._keys, strict=True)
        )

    def net(self, number: int, passes: int) -> str:
        """The net effect of the images whose keys fall to this pass: what there is now, and in which staged rows its values are."""
        types = {name.lower(): kind for name, kind in wanted_columns(self.target).items()}
        named = ", ".join(
            f"CAST({quoted(name)} AS {types[name.lower()]}) AS {key}"
            for name, key in zip(self.target.key, self._keys, strict=True)
        )
        keys = ", ".join(self._keys)
        marks = "".join(f", {quoted(SAME + name)} AS mark{index}" for index, name in self._same)
        within = "".join(
            f", arg_max(number, place) FILTER (sign > 0 AND NOT mark{index}) AS held{index}, max(place) FILTER (sign > 0 AND NOT mark{index}) AS at{index}"
            for index, _ in self._same
        )
        over = "".join(f", arg_max(held{index}, at{index}) AS held{index}" for index, _ in self._same)
        when = is_soft(self.target)  # only a mark tells when a row was deleted
        last = ", max(place) AS last, arg_max(committed, place) AS committed" if when else ""
        committed = ", arg_max(committed, last) AS committed" if when else ""
        chosen = f" WHERE hash({keys}) % {passes} = {number}" if passes > 1 else ""
        return f"""CREATE OR REPLACE TEMP TABLE _dtaas_net AS
WITH images AS (
    SELECT {named}, __sign AS sign, __transaction AS transaction, __position AS place, __committed_at AS committed, {NUMBER} AS number{marks}
    FROM {self.source}),
transactions AS (
    SELECT {keys}, transaction, sum(sign) AS net, count(*) AS images{last},
        arg_max(number, place) FILTER (sign > 0) AS won, max(place) FILTER (sign > 0) AS won_at{within}
    FROM images{chosen} GROUP BY {keys}, transaction)
SELECT {keys}, coalesce(arg_max(sign(net), transaction) FILTER (net <> 0), 0)::TINYINT AS effect, sum(images)::BIGINT AS images,
    arg_max(won, won_at) AS won{committed}{over}
FROM transactions GROUP BY {keys}"""

    def act(self) -> str:
        """Beside the net effect whether the table has a row of that key, whether it lives, and the values that may stay.

        A row is found by its key alone: a column of the table may be called “rowid”.
        """
        names = [*self.target.key, *self.target.same, *([DELETED_AT] if is_soft(self.target) else [])]
        chosen = ", ".join(quoted(name) for name in dict.fromkeys(names))
        alive = "coalesce(t.__present, false)" + (f" AND t.{quoted(DELETED_AT)} IS NULL" if is_soft(self.target) else "")
        kept = "".join(
            f", CASE WHEN act.held{index} IS NULL AND {alive} THEN t.{quoted(name)} END AS kept{index}"
            for index, name in self._same
        )
        return (
            f"CREATE OR REPLACE TEMP TABLE _dtaas_act AS SELECT act.*, coalesce(t.__present, false) AS present, {alive} AS alive{kept} "
            f"FROM {_NET} act LEFT JOIN (SELECT true AS __present, {chosen} FROM {self.table}) t ON {self._matched}"
        )

    def applied(self) -> Sequence[str]:
        marked = (
            f"UPDATE {self.table} AS t SET {quoted(DELETED_AT)} = coalesce(act.committed, now()) FROM {_ACT} act "
            f"WHERE {self._matched} AND act.effect = -1 AND act.alive"
        )
        removed = f"DELETE FROM {self.table} AS t USING (FROM {_ACT} WHERE {self.removed}) act WHERE {self._matched}"
        return [*([marked] if is_soft(self.target) else []), removed, self._insert()]

    def _insert(self) -> str:
        same = {name: index for index, name in self._same}
        values = ", ".join(
            f"CASE WHEN act.held{same[name]} IS NULL THEN act.kept{same[name]} ELSE same{same[name]}.value END AS {quoted(name)}"
            if name in same
            else f"won.{quoted(name)}"
            for name in self.target.schema.names
        )
        plain = "".join(f", {quoted(name)}" for name in self.target.schema.names if name not in same)
        joins = "".join(
            f"\nLEFT JOIN (SELECT {NUMBER}, {quoted(name)} AS value FROM {self.source} WHERE __sign > 0) same{index} "
            f"ON act.held{index} = same{index}.{NUMBER}"
            for index, name in self._same
        )
        return f"""INSERT INTO {self.table} BY NAME SELECT {values}
FROM (FROM {_ACT} WHERE {self.inserted}) act
JOIN (SELECT {NUMBER}{plain} FROM {self.source} WHERE __sign > 0) won ON act.won = won.{NUMBER}{joins}"""
