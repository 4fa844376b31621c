"""How long the product takes to read the catalogue of a database, and in how many statements.

Run by path with the product's Python: sqlserver_inside.py SETTINGS REPETITIONS, where SETTINGS is a JSON file of a connection's settings.
Answers with the number of tables and columns, of statements, and the seconds: until everything is read, and until every table is described.
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from dtaas_desktop.connectors.sqlserver import SqlServerSource
from dtaas_desktop.connectors.sqlserver.odbc import Control
from dtaas_desktop.domain.sqlserver_settings import SqlServerSettings


class Counted:
    """Counts the statements that are sent while it is in use."""

    def __init__(self) -> None:
        self.statements = 0
        sent = Control._executed

        def executed(control: Control, sql: str) -> Any:
            self.statements += 1
            return sent(control, sql)

        Control._executed = executed  # type: ignore[method-assign, assignment]


def main(settings: Path, repetitions: int) -> None:
    counted = Counted()
    wanted = SqlServerSettings.model_validate_json(settings.read_text("utf-8"))
    read, described = [], []
    tables = columns = statements = 0
    for _ in range(repetitions):
        source = SqlServerSource(wanted, secret=lambda reference: os.environ[reference.removeprefix("env:")])
        counted.statements = 0
        began = time.perf_counter()
        with source.conversation([]):
            refs = source.tables()
            for ref in refs[:2]:  # for the second, all are read
                source.describe(ref)
            read.append(time.perf_counter() - began)
            found = [source.describe(ref) for ref in refs]
            described.append(time.perf_counter() - began)
        statements = counted.statements
        tables, columns = len(refs), sum(len(one.columns) for one in found)
    print(json.dumps({"tables": tables, "columns": columns, "statements": statements, "read": read, "described": described}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
