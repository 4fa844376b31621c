"""Adding a row or changing the one with its key, in SQL that every database understands."""

from collections.abc import Mapping

from sqlalchemy import Connection, Table, insert, update

Values = Mapping[str, object]


def upsert(connection: Connection, table: Table, key: Values, values: Values, *, new: Values | None = None) -> None:
    """Change the row with this key to `values`, or add one with `new` (`values`, if that is not given).

    In a transaction that writes: those queue, so that nobody can add the row meanwhile.
    """
    found = [column == key[column.name] for column in table.c if column.name in key]
    if connection.execute(update(table).where(*found).values(**values)).rowcount == 0:
        connection.execute(insert(table).values(**{**key, **(values if new is None else new)}))
